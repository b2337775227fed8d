// Command gate puts a wallet gate in front of a plain http.Handler: whoever holds
// a token of a collection may read /members/, and nobody else.
//
//	gate -rpc http://127.0.0.1:8545 -asset eip155:31337/erc721:0x5fbd...
//
// POST /challenge {"account":"eip155:1:0x..."} and POST /verify {"message","signature"} sign a wallet in.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/httpapi"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8081", "address to serve on")
	rpc := flag.String("rpc", "http://127.0.0.1:8545", "JSON-RPC endpoint of the chain")
	asset := flag.String("asset", "", "CAIP-19 asset whose holders may pass")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ln, err := net.Listen("tcp", *addr)
	if err == nil {
		err = run(ctx, ln, *rpc, *asset)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gate:", err)
		stop()
		os.Exit(1)
	}
}

// run opens a chain and a database, and serves until ctx ends.
func run(ctx context.Context, ln net.Listener, rpc, asset string) error {
	defer ln.Close()
	r, err := rule.Hold(asset).Build()
	if err != nil {
		return err
	}
	chain, err := evm.Dial(ctx, evm.Options{RPCURL: rpc, Chain: r.Root().Hold.Asset.Chain})
	if err != nil {
		return err
	}
	defer chain.Close()
	dir, err := os.MkdirTemp("", "gate-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	db, err := sqldb.Open(ctx, filepath.Join(dir, "gate.db"))
	if err != nil {
		return err
	}
	defer db.Close()

	decider := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{chain}})
	ctx, cancel := context.WithCancel(ctx)
	var following sync.WaitGroup
	following.Go(func() { _ = decider.Run(ctx) }) // a transfer flips the answer at once, not when a cache expires
	defer func() { cancel(); following.Wait() }()
	signIn := auth.New(db.Auth(), auth.Options{Statement: "Sign in to the members' area."})

	srv := &http.Server{Handler: handler(signIn, decider, r, "http://"+ln.Addr().String()), ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	if err := srv.Serve(ln); ctx.Err() == nil {
		return err
	}
	return nil
}

// handler is a sign-in and a members' area behind the rule r.
func handler(signIn *auth.Service, decider *nft.Decider, r *rule.Rule, origin string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /challenge", func(w http.ResponseWriter, req *http.Request) {
		var in struct{ Account caip.AccountID }
		if !read(w, req, &in) {
			return
		}
		ch, err := signIn.Challenge(req.Context(), "default", origin, in.Account)
		write(w, ch, err)
	})
	mux.HandleFunc("POST /verify", func(w http.ResponseWriter, req *http.Request) {
		var in struct{ Message, Signature string }
		if !read(w, req, &in) {
			return
		}
		tokens, err := signIn.Verify(req.Context(), "default", origin, in.Message, in.Signature)
		write(w, tokens, err)
	})
	members := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "Welcome, holder.") })
	mux.Handle("/members/", httpapi.Require(signIn, decider, "default", r, members))
	return mux
}

func read(w http.ResponseWriter, req *http.Request, v any) bool {
	err := json.NewDecoder(http.MaxBytesReader(w, req.Body, 64<<10)).Decode(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
	return err == nil
}

func write(w http.ResponseWriter, v any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}
