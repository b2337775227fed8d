package media

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/streamgate/streamgate/kernel/event"
)

// stages in order.
const (
	stageUpload    = "upload"
	stageTranscode = "transcode"
)

// told is the Data of TopicProgress: the Progress, and what the process that tells adds to it. Each process puts
// together what all of them tell, so that all show the same.
type told struct {
	Progress
	Version int `json:"version,omitempty"`
	// Tasks are shares of the whole done, by task.
	Tasks map[string]float64 `json:"tasks,omitempty"`
}

// progressBook keeps the progress of running work in memory: it changes too often for
// the database, and after a restart the finished tasks tell enough.
type progressBook struct {
	mu sync.Mutex
	m  map[string]*running
}

// Bounds on what is kept, as it comes from other processes too.
const (
	maxRunning = 4096
	maxTasks   = 16384 // of an asset: 12 hours have less than 2000
	forgetting = 10 * time.Minute
)

type running struct {
	stage   string
	version int
	tasks   map[string]float64 // share of the whole done, by task
	told    map[string]time.Time
	rung    string
	since   time.Time // when this process began to look
	from    float64   // what was done before this process looked: no gain of the time since
	at      time.Time // of the last news
}

// note records that a task of this process has come to share, and which are done, and tells whether watchers
// should hear of it.
func (b *progressBook) note(id, stage string, version int, task, rung string, share float64, done map[string]float64, now time.Time) (told, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.m[id]
	if r == nil || r.stage != stage || r.version != version {
		r = b.begin(id, stage, version, now)
	}
	for t, s := range done {
		r.add(t, s)
	}
	r.add(task, share)
	r.rung, r.at = rung, now
	if now.Sub(r.told[task]) < 300*time.Millisecond {
		return told{}, false
	}
	r.told[task] = now
	return told{Progress: r.progress(now), Version: version, Tasks: map[string]float64{task: r.tasks[task]}}, true
}

// hear records what any process tells.
func (b *progressBook) hear(e event.Event, now time.Time) {
	var t told
	if json.Unmarshal(e.Data, &t) != nil || len(t.Tasks) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.m[e.Key]
	switch {
	case r == nil:
		r = b.begin(e.Key, t.Stage, t.Version, now)
	case r.stage == t.Stage && r.version == t.Version:
	case r.stage == stageUpload || r.version < t.Version || now.Sub(r.at) > forgetting:
		r = b.begin(e.Key, t.Stage, t.Version, now)
	default:
		return // news of what is over
	}
	for task, share := range t.Tasks {
		r.add(task, share)
	}
	r.rung, r.at = t.Rung, now
}

func (b *progressBook) begin(id, stage string, version int, now time.Time) *running {
	if b.m == nil {
		b.m = map[string]*running{}
	}
	if len(b.m) >= maxRunning {
		for other, r := range b.m {
			if now.Sub(r.at) > forgetting {
				delete(b.m, other)
			}
		}
	}
	if len(b.m) >= maxRunning {
		clear(b.m)
	}
	r := &running{stage: stage, version: version, tasks: map[string]float64{}, told: map[string]time.Time{}, since: now, at: now}
	b.m[id] = r
	return r
}

func (r *running) add(task string, share float64) {
	if !(share >= 0 && share <= 1) { // NaN too
		return
	}
	was, known := r.tasks[task]
	if !known {
		if len(r.tasks) >= maxTasks {
			return
		}
		r.from += share
	}
	r.tasks[task] = max(was, share)
}

func (r *running) done() float64 {
	sum := 0.0
	for _, s := range r.tasks {
		sum += s
	}
	return min(max(sum, 0), 1)
}

func (r *running) progress(now time.Time) Progress {
	done := r.done()
	p := Progress{Stage: r.stage, Percent: float64(int(done*1000)) / 10, Rung: r.rung}
	if gained := done - r.from; gained > 0.02 {
		p.ETASec = float64(int(now.Sub(r.since).Seconds() * (1 - done) / gained))
	}
	return p
}

func (b *progressBook) get(id string, now time.Time) (Progress, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.m[id]; r != nil {
		return r.progress(now), true
	}
	return Progress{}, false
}

func (b *progressBook) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.m, id)
}

// over tells whether an asset's event says that its processing has ended.
func over(data []byte) bool {
	var a struct{ Status Status }
	return json.Unmarshal(data, &a) == nil && (a.Status == Ready || a.Status == Failed)
}
