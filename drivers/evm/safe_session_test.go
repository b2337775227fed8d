package evm_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/auth/siwe"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/media/playback/playbacktest"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/storage/mem"
)

// swap has a Safe of one owner exchange it for another.
func (s *safes) swap(safe string, from, to int) chaintest.Tx {
	none := common.Address{}.Hex()
	change := chaintest.Method(s.t, s.owners[from], s.safe, safe, "swapOwner", common.HexToAddress("0x1"), s.owners[from], s.owners[to])
	approved := append(common.LeftPadBytes(common.HexToAddress(s.owners[from]).Bytes(), 32), append(bytes.Repeat([]byte{0}, 32), 1)...)
	return chaintest.Method(s.t, s.owners[from], s.safe, safe, "execTransaction",
		safe, new(big.Int), change.Data, uint8(0), new(big.Int), new(big.Int), new(big.Int), none, none, approved)
}

// running runs fn until the test ends.
func running(t *testing.T, fn func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- fn(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Once the owners of a Safe have changed, its session and what it plays end, within a block and
// not at the next refresh, and the viewer is told why.
func TestAChangedOwnerOfASafeEndsItsSession(t *testing.T) {
	t.Parallel()
	for _, kind := range chaintest.Kinds(t) {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			c := kind.Start(t, chaintest.Options{})
			s := newSafes(t, c)
			bus := event.NewMemory(event.Options{})
			const tenant, origin = "test", "https://video.example"
			svc := auth.New(authtest.NewMemory(), auth.Options{
				Contracts: walletsOn(t, dial(t, evm.Options{RPCURL: c.RPCURL, WSURL: c.WSURL, Chain: c.ID})),
				Events:    bus, RecheckEvery: time.Hour, // so that only a watch can be what ends it
			})
			play, err := playback.New(playback.Options{
				Assets: playbacktest.NewLibrary(), Store: &playbacktest.Memory{}, Objects: mem.New(), Keys: keys.NewMemory(), Events: bus,
				Decider: nft.NewDecider(nft.DeciderOptions{}), SessionActive: svc.SessionActive,
			})
			if err != nil {
				t.Fatal(err)
			}
			running(t, svc.Run)
			running(t, play.Run)
			t.Cleanup(func() { _ = bus.Close(context.Background()) })

			create, address := s.plan(7, s.owners[0])
			if _, err := c.Mine(t.Context(), create); err != nil {
				t.Fatal(err)
			}
			ch, err := svc.Challenge(t.Context(), tenant, origin, on(t, c.ID, address))
			if err != nil {
				t.Fatal(err)
			}
			sig := s.sign(address, siwe.Hash([]byte(ch.Message)), 0)
			tokens, err := svc.Verify(t.Context(), tenant, origin, ch.Message, "0x"+hex.EncodeToString(sig))
			if err != nil {
				t.Fatal(err)
			}
			who, err := svc.Authenticate(t.Context(), tenant, tokens.AccessToken)
			if err != nil {
				t.Fatal(err)
			}
			g, err := play.Open(t.Context(), who, "film") // which is open to all: only its session can end the viewing
			if err != nil {
				t.Fatal(err)
			}
			notices, err := play.Notices(t.Context(), g.Token)
			if err != nil {
				t.Fatal(err)
			}
			// Blocks without a change end nothing.
			for range 3 {
				if _, err := c.Mine(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := svc.Authenticate(t.Context(), tenant, tokens.AccessToken); err != nil {
				t.Fatalf("before the change: %v", err)
			}
			if _, err := c.Mine(t.Context(), s.swap(address, 0, 1)); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			select {
			case n := <-notices:
				if n.Type != playback.Revoked || n.Decision.Reason != auth.SignerChanged {
					b, _ := json.Marshal(n)
					t.Errorf("the viewer is told %s", b)
				}
			case <-time.After(60 * time.Second):
				t.Fatal("the viewing did not end")
			}
			t.Logf("told %v after the block", time.Since(start))
			if _, err := svc.Authenticate(t.Context(), tenant, tokens.AccessToken); !errors.Is(err, fault.Unauthenticated) {
				t.Errorf("the session: %v", err)
			}
			if _, err := play.DASH(t.Context(), g.Token); !errors.Is(err, fault.Forbidden) {
				t.Errorf("the viewing: %v", err)
			}
		})
	}
}
