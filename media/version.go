package media

import (
	"context"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media/cmaf"
)

// versionCache keeps built versions. A complete one never changes but by
// deletion; one in the making is read again after half a second, as other processes
// add to it.
type versionCache struct {
	now func() time.Time
	mu  sync.Mutex
	m   map[string]cached
	// gen guards against storing what was read before a forget.
	gen uint64
}

type cached struct {
	v     *Version
	until time.Time
}

const (
	keepComplete = 10 * time.Second
	keepGrowing  = 500 * time.Millisecond
	maxCached    = 1024
)

func (c *versionCache) get(asset string) (*Version, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.m[asset]
	if ok && c.now().Before(e.until) {
		return e.v, c.gen
	}
	return nil, c.gen
}

func (c *versionCache) put(v *Version, gen uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if gen != c.gen {
		return
	}
	if c.m == nil || len(c.m) >= maxCached {
		c.m = map[string]cached{}
	}
	keep := keepGrowing
	if v.Complete {
		keep = keepComplete
	}
	c.m[v.AssetID] = cached{v, c.now().Add(keep)}
}

func (c *versionCache) forget(asset string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.m, asset)
	c.gen++
}

// Version returns the media version that plays; number 0 asks for whichever that is, and tenant "" matches any.
// Before there is one it is fault.Unavailable with RetryAfter; a number that
// does not play is fault.NotFound. The result is shared: do not change it.
func (s *Service) Version(ctx context.Context, tenant, id string, number int) (*Version, error) {
	const op = "media.Version"
	v, gen := s.versions.get(id)
	if v == nil {
		var err error
		if v, err = s.loadVersion(ctx, id); err != nil {
			return nil, fault.At(op, err)
		}
		s.versions.put(v, gen)
	}
	if (tenant != "" && v.Tenant != tenant) || (number != 0 && v.Number != number) {
		return nil, fault.New(fault.NotFound, op, "there is no such version")
	}
	return v, nil
}

func (s *Service) loadVersion(ctx context.Context, id string) (*Version, error) {
	r, err := s.record(ctx, "", id)
	if err != nil {
		return nil, err
	}
	if r.Asset.Version == 0 {
		if r.Asset.Status == Failed {
			return nil, fault.New(fault.NotFound, "", "this video could not be processed")
		}
		return nil, fault.New(fault.Unavailable, "", "this video is not ready yet").After(2 * time.Second)
	}
	vr, err := s.opt.Store.VersionRecord(ctx, id, r.Asset.Version)
	if err != nil {
		return nil, err
	}
	return build(r, vr), nil
}

// build puts a version together from the outputs of its finished tasks: for
// each track the chunks there are, up to the first hole.
func build(r Record, vr VersionRecord) *Version {
	v := &Version{
		AssetID: vr.Asset, Tenant: vr.Tenant, Number: vr.Number, Secret: vr.Secret,
		Grid: cmaf.Grid{SegmentMS: SegmentMS, EpochSegments: max(int(r.Asset.Policy.EpochMS/SegmentMS), 1)},
	}
	v.Complete = true
	for _, t := range vr.Plan.Tasks {
		v.Revision += int64(len(t.Outputs))
		if t.Done {
			v.Revision++
		} else {
			v.Complete = false
		}
	}
	for _, rung := range vr.Plan.Rungs {
		v.addTrack(vr.Plan.track(rung.ID), rung.MaxRate)
	}
	v.addTrack(vr.Plan.track(audioTrack), audioBitRate*11/10)
	return v
}

// addTrack adds a track that has something to play. Until it is complete its
// rates are estimates: at least what the encoder may use.
func (v *Version) addTrack(t cmaf.Track, estimate int64) {
	if len(t.Segments) == 0 {
		return
	}
	var bytes int64
	var ticks uint64
	for _, s := range t.Segments {
		bytes += s.Length
		ticks += s.Duration
		t.PeakBandwidth = max(t.PeakBandwidth, s.Bits(t.Timescale))
	}
	if ticks > 0 {
		t.Bandwidth = int64(float64(bytes) * 8 * float64(t.Timescale) / float64(ticks))
	}
	if !t.Complete {
		t.Bandwidth, t.PeakBandwidth = max(t.Bandwidth, estimate*2/3), max(t.PeakBandwidth, estimate)
	}
	v.Tracks = append(v.Tracks, t)
}

// track joins the outputs of one rendition in chunk order, up to the first that is missing.
func (p Plan) track(id string) cmaf.Track {
	var t cmaf.Track
	for _, task := range p.Tasks {
		if !task.makes(id) {
			continue
		}
		for _, o := range task.Outputs {
			if o.Track.ID != id {
				continue
			}
			if t.ID == "" {
				t = o.Track
				t.Segments = nil
				t.PeakBandwidth, t.Bandwidth = 0, 0
			}
			t.Segments = append(t.Segments, o.Track.Segments...)
		}
		if !task.Done {
			return t
		}
	}
	t.Complete = true
	return t
}

// makes tells whether the task makes a piece of track id.
func (t Task) makes(id string) bool {
	if len(t.Rungs) == 0 {
		return id == audioTrack
	}
	for _, r := range t.Rungs {
		if r == id {
			return true
		}
	}
	return false
}

// playable tells whether a viewer can begin: the first segment of the lowest rung and of the sound.
func (p Plan) playable() bool {
	first, _ := p.task(firstTask)
	sound, has := p.task(audioTask)
	return first.Done && (!has || len(sound.Outputs) > 0)
}

func (p Plan) done() bool {
	for _, t := range p.Tasks {
		if !t.Done {
			return false
		}
	}
	return true
}
