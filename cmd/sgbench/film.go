package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/cmaf"
	"github.com/streamgate/streamgate/nft/rule"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/envelope"
)

const tenant = "default"

// segmentCount is how many segments each track has: 52 s.
const segmentCount = 13

// trackOf names the track whose segments have a size.
func trackOf(i int) string { return fmt.Sprintf("v%d", i) }

// home is where a platform keeps things.
type home struct {
	db      *sqldb.DB
	keys    keys.Manager
	objects storage.Store
}

// create records an asset whose segments insert will put there. A gate of "" makes it public.
func create(ctx context.Context, in home, id, gate string) error {
	now := time.Now().UTC()
	a := media.Asset{
		ID: id, Tenant: tenant, Owner: "sgbench", Title: "Bench", Status: media.Created, CreatedAt: now, UpdatedAt: now,
		Policy: media.Policy{EpochMS: media.SegmentMS, Public: gate == ""},
	}
	if gate != "" {
		r, err := rule.Parse([]byte(gate))
		if err != nil {
			return err
		}
		a.Gate, a.RuleID = json.RawMessage(r.Canonical()), r.ID()
	}
	return in.db.Media().CreateAsset(ctx, media.Record{Asset: a, Tenant: tenant})
}

// insert stores a finished version of the asset, as the pipeline would: one track
// a size, all of its segments in one object behind the envelope. The bytes are noise.
func insert(ctx context.Context, in home, asset string, segments int64, sizes []int) error {
	const timescale = 24000
	store, err := envelope.New(in.objects, in.keys, envelope.Options{})
	if err != nil {
		return err
	}
	_, secret, err := in.keys.DataKey(ctx, media.Scope(tenant, asset))
	if err != nil {
		return err
	}
	v := media.VersionRecord{Asset: asset, Tenant: tenant, Number: 1, Secret: secret, Plan: media.Plan{ID: "sgbench"}}
	task := media.Task{ID: "all", Done: true}
	noise := rand.NewChaCha8([32]byte{1})
	for i, size := range sizes {
		length := int64(size - 1) // and one byte of padding (RFC 8216 4.3.2.4)
		body := make([]byte, length*segments)
		_, _ = noise.Read(body) // never fails
		t := cmaf.Track{
			ID: trackOf(i), Kind: cmaf.Video, Codec: "avc1.64001f", Timescale: timescale, Width: 1280, Height: 720, FrameRateNum: 24, FrameRateDen: 1,
			Init: []byte("sgbench"), Complete: true,
		}
		object := media.Scope(tenant, asset) + "/" + t.ID
		for n := range segments {
			t.Segments = append(t.Segments, cmaf.Segment{
				Object: object, Offset: n * length, Length: length, Time: uint64(n) * 4 * timescale, Duration: 4 * timescale, Samples: 96,
			})
		}
		if _, err := store.Put(ctx, object, bytes.NewReader(body), storage.PutOptions{}); err != nil {
			return err
		}
		v.Plan.Rungs = append(v.Plan.Rungs, media.Rung{ID: t.ID, Width: t.Width, Height: t.Height})
		task.Rungs = append(task.Rungs, t.ID)
		task.Outputs = append(task.Outputs, media.Output{Object: object, Bytes: int64(len(body)), Samples: 96 * int(segments), Track: t})
	}
	v.Plan.Tasks = []media.Task{task}
	records := in.db.Media()
	if err := records.PutVersion(ctx, v); err != nil {
		return err
	}
	_, err = records.ChangeAsset(ctx, tenant, asset, func(r *media.Record) error {
		r.Asset.Status, r.Asset.Version, r.Building = media.Ready, 1, 1
		return nil
	})
	return err
}
