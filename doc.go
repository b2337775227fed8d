// Package streamgate sells or restricts video by what a wallet holds.
//
// New assembles a whole platform from parts that each have a default: records in
// SQLite, bytes in files under envelope encryption, keys in a local keyring,
// ffmpeg in a sandbox, an in-process queue and event bus. Chains are given with
// WithVerifier. The result is an http.Handler to mount and a Run to keep alive:
//
//	p, err := streamgate.New(ctx, streamgate.WithDataDir("data"), streamgate.WithVerifier(polygon))
//	if err != nil { ... }
//	defer p.Close()
//	go http.ListenAndServe("127.0.0.1:8080", p.Handler())
//	err = p.Run(ctx)
//
// The parts are usable alone: hls and dash write playlists and manifests, nft
// decides access rules, auth signs wallets in, storage keeps bytes. See
// docs/architecture.md for the house and examples/ for programs that run.
//
// The package wires; it owns no domain type, reads no flags, no environment and
// no file it was not told of.
package streamgate
