package torture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path"
	"sync"
	"time"

	"github.com/streamgate/streamgate/cmd/refserver/devchain"
)

// revocationBound is how long after a transfer's block the platform may still release a key, whatever is
// broken: a cached yes lives 30 s (nft.DeciderOptions.YesTTL) and a reading of the chain that began before may take
// 5 s more (Timeout). In a platform that is well the watch of the chain ends the right within a second or two.
const revocationBound = 36 * time.Second

// mostLive is how many videos are kept: the oldest of more are deleted.
const mostLive = 20

// gateOf is the rule that a holder of the contract's token may watch.
func (r *rig) gateOf(contract string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"gr":1,"when":{"hold":"%s/erc721:%s"}}`, r.chain.ChainID(), contract))
}

// prepare uploads what the workload and the probes need at once.
func (r *rig) prepare(ctx context.Context) error {
	rnd := rand.New(rand.NewPCG(1, 1))
	put := func(c *clip, gate json.RawMessage, title string) (*asset, error) {
		a, err := r.create(ctx, r.creators[0], c, gate, title)
		if err != nil {
			return nil, err
		}
		if err := r.upload(ctx, a, rnd); err != nil {
			return nil, err
		}
		return a, r.awaitReady(ctx, a)
	}
	var err error
	if r.reference, err = put(r.short[0], nil, "reference"); err != nil {
		return err
	}
	for i := range r.passes {
		if r.passes[i].asset, err = put(r.short[1], r.gateOf(r.passes[i].contract), fmt.Sprintf("gated %d", i)); err != nil {
			return err
		}
	}
	return nil
}

// work runs everybody's life until ctx ends.
func (r *rig) work(ctx context.Context, seed uint64) {
	var wg sync.WaitGroup
	for i, c := range r.creators {
		wg.Go(func() { r.creator(ctx, c, rand.New(rand.NewPCG(seed, uint64(10+i)))) })
	}
	wg.Go(func() { r.viewers(ctx, rand.New(rand.NewPCG(seed, 20))) })
	wg.Go(func() { r.prying(ctx, rand.New(rand.NewPCG(seed, 30))) })
	for i := range r.passes {
		wg.Go(func() { r.passOn(ctx, &r.passes[i]) })
	}
	wg.Wait()
}

// creator uploads one video after another and deletes old ones.
func (r *rig) creator(ctx context.Context, c *client, rnd *rand.Rand) {
	for n := 0; ctx.Err() == nil; n++ {
		a, err := r.create(ctx, c, r.short[rnd.IntN(len(r.short))], nil, fmt.Sprintf("video %d", n))
		if err != nil {
			return
		}
		if r.upload(ctx, a, rnd) != nil {
			return
		}
		// The next upload does not wait for long: work piles up while a fault is on.
		waiting, cancel := context.WithTimeout(ctx, time.Duration(2+rnd.IntN(20))*time.Second)
		_ = r.awaitReady(waiting, a) // the checks look for those that never are
		cancel()
		mine := r.hist.pick(func(a *asset) bool { return live(a) && a.owner == c && !a.gate && a != r.reference && a.checked })
		if len(mine) > mostLive/len(r.creators) {
			if r.remove(ctx, mine[0]) != nil {
				return
			}
		}
		if r.backlog() > 8 {
			_ = sleep(ctx, 3*time.Second)
		}
	}
}

// backlog is how many videos wait to be ready.
func (r *rig) backlog() int {
	return len(r.hist.pick(waiting))
}

// viewers play what is ready, in part. What comes must be right at any time; that nothing comes is allowed
// while the platform is hurt.
func (r *rig) viewers(ctx context.Context, rnd *rand.Rand) {
	for ctx.Err() == nil {
		all := r.hist.pick(func(a *asset) bool { return live(a) && !a.gate })
		if len(all) > 0 {
			a := all[rnd.IntN(len(all))]
			playing, cancel := context.WithTimeout(ctx, 30*time.Second)
			err := r.play(playing, a.owner, a, false)
			cancel()
			r.judgePlay(a, err)
			r.hist.count("views")
		}
		_ = sleep(ctx, 400*time.Millisecond)
	}
}

// judgePlay notes a violation when what was played was wrong, rather than not to be had for now.
func (r *rig) judgePlay(a *asset, err error) {
	if err == nil || errors.Is(err, errUnavailable) || errors.Is(err, context.Canceled) {
		return
	}
	r.hist.mu.Lock()
	gone := a.deleting
	r.hist.mu.Unlock()
	if !gone {
		r.hist.violate(invWhole, a.id, "playing: %v", err)
	}
}

// prying tries what must not be possible: a stranger at videos that are not finished, at others' uploads and behind
// gates, and a grant of one video at the keys of another.
func (r *rig) prying(ctx context.Context, rnd *rand.Rand) {
	for ctx.Err() == nil {
		r.pry(ctx, rnd)
		_ = sleep(ctx, 500*time.Millisecond)
	}
}

func (r *rig) pry(ctx context.Context, rnd *rand.Rand) {
	refuse := func(what, id, method, at string, body []byte) {
		res, err := r.stranger.send(ctx, method, at, body, map[string]string{"Tus-Resumable": "1.0.0"})
		if err == nil && res.ok() {
			r.hist.violate(invApart, id, "a stranger got %s: %s", what, res)
		}
		r.hist.count("pryings")
	}
	if open := r.hist.pick(func(a *asset) bool { return a.ready.IsZero() && !a.deleting }); len(open) > 0 {
		a := open[rnd.IntN(len(open))]
		r.pryUnfinished(ctx, a)
		if a.upload != "" {
			refuse("an upload's offset", a.id, http.MethodHead, a.upload, nil)
			refuse("an upload deleted", a.id, http.MethodDelete, a.upload, nil)
		}
		refuse("a video deleted", a.id, http.MethodDelete, "/v1/assets/"+a.id, nil)
	}
	if closed := r.hist.pick(live); len(closed) > 0 {
		a := closed[rnd.IntN(len(closed))]
		refuse("to play", a.id, http.MethodPost, "/v1/assets/"+a.id+"/playback", []byte("{}"))
		refuse("a gate changed", a.id, http.MethodPut, "/v1/assets/"+a.id+"/gate", []byte(`{"gr":1,"when":"anyone"}`))
		r.pryKeys(ctx, a, closed[rnd.IntN(len(closed))])
	}
}

// pryUnfinished looks at a video of another that is being made. It may become ready just then.
func (r *rig) pryUnfinished(ctx context.Context, a *asset) {
	_, _ = r.status(ctx, a) // the owner looks first, as people do, and whatever stands between may remember it
	var v struct{ Status string }
	res, err := r.stranger.call(ctx, http.MethodGet, "/v1/assets/"+a.id, nil, &v)
	if err == nil && res.ok() && v.Status != "ready" && v.Status != "playable" {
		r.hist.violate(invApart, a.id, "a stranger sees a video that is %s", v.Status)
	}
	r.hist.count("pryings")
}

// pryKeys asks for a key of b with a grant of a.
func (r *rig) pryKeys(ctx context.Context, a, b *asset) {
	if a == b {
		return
	}
	va, _, err := a.owner.open(ctx, a.id)
	if err != nil || va.Token == "" {
		return
	}
	vb, _, err := b.owner.open(ctx, b.id)
	if err != nil || vb.Token == "" {
		return
	}
	uri, err := r.firstKey(ctx, b.owner, vb)
	if err != nil {
		return
	}
	res, err := a.owner.once(ctx, http.MethodGet, "/v1/play/"+va.Token+"/key/"+path.Base(uri), "", nil, nil)
	if err == nil && res.ok() {
		r.hist.violate(invApart, a.id, "its grant yields a key of %s", b.id)
	}
	r.hist.count("pryings")
}

// firstKey returns the address of the first key of a viewing.
func (r *rig) firstKey(ctx context.Context, c *client, v viewing) (string, error) {
	reading, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	master, err := fetch(reading, c, v.HLS)
	if err != nil {
		return "", err
	}
	video, _ := lists(master, v.HLS)
	if len(video) == 0 {
		return "", errors.New("no renditions")
	}
	text, err := fetch(reading, c, video[0])
	if err != nil {
		return "", err
	}
	p, err := parsePlaylist(text, video[0])
	if err != nil {
		return "", err
	}
	return p.segments[0].key, nil
}

// passOn hands a pass from one holder to the other and back, and follows how long the one who gave it away still
// gets a key that the platform had released to that grant before, the easiest of all keys to get.
func (r *rig) passOn(ctx context.Context, p *pass) {
	from, to := r.holder, r.another
	accounts := map[*client]devchain.Account{r.holder: devchain.Holder(), r.another: devchain.Newcomer()}
	for ctx.Err() == nil {
		v, key, err := r.watching(ctx, from, p)
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, errUnavailable) {
				r.hist.violate(invHealed, p.asset.id, "its holder cannot watch: %v", err)
			}
			continue
		}
		// The chain is no part of what is tortured: it does this even while the run ends.
		if err := r.chain.Transfer(context.WithoutCancel(ctx), p.contract, accounts[from], accounts[to].Address, p.token); err != nil {
			r.hist.violate(invHealed, p.contract, "the chain: %v", err)
			return
		}
		r.follow(ctx, from, p, v, key, time.Now())
		from, to = to, from
		_ = sleep(ctx, time.Second)
	}
}

// watching opens the pass's video as its holder, and takes the first key.
func (r *rig) watching(ctx context.Context, c *client, p *pass) (v viewing, key string, err error) {
	var last answer
	opening, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if err := until(opening, 500*time.Millisecond, func(ctx context.Context) bool {
		var err error
		v, last, err = c.open(ctx, p.asset.id)
		return err == nil && last.ok()
	}); err != nil {
		return v, "", fmt.Errorf("opening: %s", last)
	}
	if key, err = r.firstKey(opening, c, v); err != nil {
		return v, "", err
	}
	_, err = fetch(opening, c, key)
	return v, key, err
}

// follow asks for a key again and again after the right to it ended at t0, until beyond the bound.
func (r *rig) follow(ctx context.Context, c *client, p *pass, v viewing, key string, t0 time.Time) {
	first := time.Duration(0)
	for ctx.Err() == nil {
		asked := time.Since(t0)
		a, err := c.once(ctx, http.MethodGet, key, "", nil, nil)
		switch {
		case err == nil && a.ok() && asked > revocationBound:
			r.hist.violate(invRevoked, p.asset.id, "a key %.1f s after its right was gone", asked.Seconds())
			return
		case err == nil && a.ok():
			first = 0
		case err == nil && a.status == http.StatusForbidden && first == 0:
			first = asked
		}
		// A right that has ended stays so: it is looked at for a while, and once past the bound.
		if (first > 0 && asked > first+5*time.Second) || asked > revocationBound+3*time.Second {
			break
		}
		_ = sleep(ctx, 250*time.Millisecond)
	}
	if first > 0 {
		r.hist.refused(first)
	}
	if ctx.Err() != nil {
		return
	}
	asked := time.Since(t0)
	if _, a, err := c.open(ctx, p.asset.id); err == nil && a.ok() && asked > revocationBound {
		r.hist.violate(invRevoked, p.asset.id, "a viewing opened %.1f s after the right was gone", asked.Seconds())
	}
}
