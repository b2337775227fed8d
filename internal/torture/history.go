package torture

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// The invariants, named as in the list that the report prints.
const (
	invKept     = "kept"     // nothing acknowledged is lost
	invWhole    = "whole"    // no asset is ready with a missing or wrong file
	invOnce     = "once"     // each job is once in effect
	invRevoked  = "revoked"  // no key after revocation and bound
	invApart    = "apart"    // nobody sees what is another's
	invTidy     = "tidy"     // nothing outlives its owner
	invHealed   = "healed"   // the system is well again within the stated time
	invFinished = "finished" // work that was acknowledged comes to its end
)

// Violation is an invariant found broken.
type Violation struct {
	Invariant, Detail string
	// During is the fault that was on, or the last that had been.
	During string
	At     time.Time
}

func (v Violation) String() string {
	return fmt.Sprintf("%s: %s (during %s)", v.Invariant, v.Detail, v.During)
}

// asset is what is known about one video: what the platform has acknowledged of it.
type asset struct {
	id, upload string
	owner      *client
	clip       *clip
	gate       bool

	// History.mu guards the rest.
	acked     int64     // the largest offset acknowledged
	completed time.Time // when all bytes were
	ready     time.Time // when it was first seen ready
	checked   bool      // was seen whole since
	deleting  bool      // its deletion was asked for
	deleted   time.Time // and acknowledged
}

// history is what the platform promised to those who used it, and where it did not keep it.
type history struct {
	mu         sync.Mutex
	assets     map[string]*asset
	violations []Violation
	seen       map[string]bool // one report an asset and invariant
	during     string
	calm       time.Time // when the last fault was over
	readyIn    []time.Duration
	refusedIn  []time.Duration
	counts     map[string]int
}

func newHistory() *history {
	return &history{assets: map[string]*asset{}, seen: map[string]bool{}, during: "nothing", calm: time.Now(), counts: map[string]int{}}
}

// count adds to a counter of what the workload did.
func (h *history) count(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts[name]++
}

// violate notes a broken invariant. subject is what it was broken for; the same is noted once.
func (h *history) violate(invariant, subject, format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.violateLocked(invariant, subject, format, args...)
}

func (h *history) violateLocked(invariant, subject, format string, args ...any) {
	if h.seen[invariant+subject] {
		return
	}
	h.seen[invariant+subject] = true
	h.violations = append(h.violations, Violation{invariant, subject + ": " + fmt.Sprintf(format, args...), h.during, time.Now()})
}

// broken returns the violations so far.
func (h *history) broken() []Violation {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.violations)
}

// begin and end frame a fault.
func (h *history) begin(fault string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.during = fault
}

func (h *history) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calm = time.Now()
}

func (h *history) add(a *asset) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.assets[a.id] = a
}

// offset notes the offset that an upload was told to have. One below what was acknowledged before, or
// beyond the file, breaks the promise.
func (h *history) offset(a *asset, told int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	size := int64(len(a.clip.data))
	switch {
	case told < a.acked:
		h.violateLocked(invKept, a.id, "offset %d after %d was acknowledged", told, a.acked)
	case told > size:
		h.violateLocked(invKept, a.id, "offset %d of %d bytes", told, size)
	default:
		a.acked = told
		if told == size && a.completed.IsZero() {
			a.completed = time.Now()
			h.counts["uploads"]++
		}
	}
}

// isReady notes that an asset was seen ready.
func (h *history) isReady(a *asset) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a.ready.IsZero() {
		a.ready = time.Now()
		h.readyIn = append(h.readyIn, a.ready.Sub(a.completed))
		h.counts["ready"]++
	}
}

// pick returns the assets that which chooses, in the order of their ids.
func (h *history) pick(which func(*asset) bool) []*asset {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []*asset
	for _, a := range h.assets {
		if which(a) {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b *asset) int {
		if a.id < b.id {
			return -1
		}
		return 1
	})
	return out
}

// live chooses what is ready and was not asked to be deleted.
func live(a *asset) bool { return !a.ready.IsZero() && !a.deleting }

// refused notes how long after a transfer the first key was refused.
func (h *history) refused(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refusedIn = append(h.refusedIn, d)
	h.counts["revocations"]++
}
