package job

// pile is a heap of items that know their place in it.
type pile struct {
	items []*item
	less  func(a, b *item) bool
}

// foremost orders by priority, then arrival.
func foremost(a, b *item) bool {
	if a.job.Priority != b.job.Priority {
		return a.job.Priority > b.job.Priority
	}
	return a.arrival < b.arrival
}

// soonest orders by time. Arrival breaks ties so that runs repeat exactly.
func soonest(a, b *item) bool {
	if !a.due.Equal(b.due) {
		return a.due.Before(b.due)
	}
	return a.arrival < b.arrival
}

func (p *pile) Len() int           { return len(p.items) }
func (p *pile) Less(i, j int) bool { return p.less(p.items[i], p.items[j]) }

func (p *pile) Swap(i, j int) {
	p.items[i], p.items[j] = p.items[j], p.items[i]
	p.items[i].index, p.items[j].index = i, j
}

// Push is for package heap only.
func (p *pile) Push(x any) {
	it := x.(*item)
	it.index = len(p.items)
	p.items = append(p.items, it)
}

// Pop is for package heap only.
func (p *pile) Pop() any {
	last := len(p.items) - 1
	it := p.items[last]
	p.items[last] = nil
	p.items = p.items[:last]
	return it
}
