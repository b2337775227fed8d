package main

// row is one implementation under one suite.
type row struct {
	// Interface and Implementation are what they are called in the documentation.
	Interface, Implementation string
	// System is the real thing behind it; {mod:PATH}, {tool:NAME}, {npm:FOLDER:NAME} and {run:NAME} stand for versions.
	System string
	// Suites are the exported functions that are run, as they are called.
	Suites []string
	// Package is its folder, Test the test that runs them, or the subtest.
	Package, Test string
}

const (
	postgres  = "PostgreSQL {run:postgres}"
	sqlite    = "SQLite by modernc.org/sqlite {mod:modernc.org/sqlite}"
	natsIn    = "nats-server {mod:github.com/nats-io/nats-server/v2} in the process"
	natsOut   = "nats-server {tool:nats-server}"
	localKMS  = "local-kms {tool:local-kms}, a stand-in for AWS KMS"
	farWorld  = "gRPC {mod:google.golang.org/grpc} to another process"
	inProcess = "none"
)

// rows is the table. A suite that a test calls and that is not here fails the test of this package.
func rows() (all []row) {
	add := func(iface, impl, system, pkg, test string, suites ...string) {
		all = append(all, row{iface, impl, system, suites, pkg, test})
	}
	const store = "storage.Store"
	add(store, "`storage/mem`", inProcess, "storage/mem", "TestStore", "storagetest.Run")
	add(store, "`storage/file`", "a folder", "storage/file", "TestStore", "storagetest.Run")
	add(store, "`storage/envelope` over memory and files", "a folder", "storage/envelope", "TestStore", "storagetest.Run")
	add(store, "`storage/route` over memory and files", "a folder", "storage/route", "TestStore", "storagetest.Run")
	add(store, "`drivers/s3`", "versitygw {tool:versitygw}", "drivers/s3", "TestStore/versitygw", "storagetest.Run")
	add(store, "`drivers/s3`", "MinIO {tool:minio}", "drivers/s3", "TestStore/minio", "storagetest.Run")
	add(store, "`drivers/s3` below a prefix, equal parts", "both", "drivers/s3", "TestStoreBelowAPrefix", "storagetest.Run")
	add(store, "`drivers/ipfs`", "boxo {mod:github.com/ipfs/boxo} embedded, flatfs on a folder", "drivers/ipfs", "TestStore", "storagetest.Run")

	const manager, master, scopes = "keys.Manager", "keys.Master", "keys.ScopeStore"
	add(manager, "`keys.Memory`", inProcess, "auth/keys", "TestManagers/memory", "keystest.Run")
	add(manager, "`keys.Keyring`", "a folder", "auth/keys", "TestManagers/keyring", "keystest.Run")
	add(manager, "`keys.Shared` on a file and memory", "a file", "auth/keys", "TestSharedIsAManager", "keystest.Run")
	add(manager, "`keys.Shared` as two processes", "a file", "auth/keys", "TestSharedByManyProcesses", "keystest.RunShared")
	add(manager, "`keys.Shared` on a file and `drivers/sqldb`", sqlite, "drivers/sqldb", "TestSharedKeys/sqlite", "keystest.Run")
	add(manager, "`keys.Shared` on a file and `drivers/sqldb`", postgres, "drivers/sqldb", "TestSharedKeys/postgres", "keystest.Run")
	add(manager, "the same as two processes", sqlite, "drivers/sqldb", "TestSharedKeysOfManyProcesses/sqlite", "keystest.RunShared")
	add(manager, "the same as two processes", postgres, "drivers/sqldb", "TestSharedKeysOfManyProcesses/postgres", "keystest.RunShared")
	add(manager, "`keys.Shared` on `drivers/awskms`", localKMS, "drivers/awskms", "TestSuites/manager", "keystest.Run")
	add(manager, "the same as two processes", localKMS, "drivers/awskms", "TestSuites/shared", "keystest.RunShared")
	add(manager, "`drivers/grpc` to a `keys.Manager`", farWorld, "drivers/grpc", "TestKeys/in_another_process", "keystest.Run")
	add(master, "`keys.FileMaster`", "a file", "auth/keys", "TestFileMaster", "keystest.RunMaster")
	add(master, "`keys.FileMaster`, read-only", "a file", "auth/keys", "TestFileMasterReadOnly", "keystest.RunMaster")
	add(master, "`drivers/awskms`", localKMS, "drivers/awskms", "TestSuites/master", "keystest.RunMaster")
	add(scopes, "`keys.MemoryScopes`", inProcess, "auth/keys", "TestMemoryScopes", "keystest.RunScopes")
	add(scopes, "`drivers/sqldb`", sqlite, "drivers/sqldb", "TestKeyStore/sqlite", "keystest.RunScopes")
	add(scopes, "`drivers/sqldb`", postgres, "drivers/sqldb", "TestKeyStore/postgres", "keystest.RunScopes")

	cacheRows(add)
	queueRows(add)
	recordRows(add)

	const verifier, transcoder, registry = "nft.Verifier", "media.Transcoder", "registry.Registry"
	const simulated, anvil = "go-ethereum {mod:github.com/ethereum/go-ethereum}, simulated", "anvil {npm:internal/chaintest/anvil:@foundry-rs/anvil-linux-amd64}"
	const liteSVM = "LiteSVM {npm:cmd/refserver/soldev/node:litesvm} behind our own RPC"
	add(verifier, "`drivers/evm`", simulated, "drivers/evm", "TestVerifier/simulated", "nfttest.Run")
	add(verifier, "`drivers/evm`", anvil, "drivers/evm", "TestVerifier/anvil", "nfttest.Run")
	add(verifier, "`drivers/solana`", liteSVM, "drivers/solana", "TestVerifier", "nfttest.Run")
	add(verifier, "`drivers/grpc` to a scripted chain", farWorld, "drivers/grpc", "TestVerifier/in_another_process", "nfttest.Run")
	add(verifier, "reads that the Decider joins, over a scripted chain", inProcess, "nft", "TestGatherIsAVerifier", "nfttest.Run")
	add(verifier, "`index.Verifier` over a scripted chain", inProcess, "nft/index", "TestVerifier/suite", "nfttest.Run")
	const source = "index.Source"
	add(source, "`drivers/evm`", simulated, "drivers/evm", "TestIndexSource/simulated", "indextest.RunSource")
	add(source, "`drivers/evm`", anvil, "drivers/evm", "TestIndexSource/anvil", "indextest.RunSource")
	add(source, "`nfttest.Chain`", inProcess, "nft/index", "TestScriptedSource", "indextest.RunSource")
	add("index.Store", "`index.Memory`", inProcess, "nft/index", "TestMemoryStore", "indextest.RunStore")
	add(verifier, "`nft/quorum` over three providers", "a scripted chain", "nft/quorum", "TestVerifier", "nfttest.Run")
	add(verifier, "`nft/quorum`, two of three with a liar", "a scripted chain", "nft/quorum", "TestQuorumIsACheck", "nfttest.Run")
	const ledger = "pass.Ledger"
	add(ledger, "`drivers/evm`", simulated, "drivers/evm", "TestIssuerIsALedger/simulated", "passtest.RunLedger")
	add(ledger, "`drivers/evm`", anvil, "drivers/evm", "TestIssuerIsALedger/anvil", "passtest.RunLedger")
	add(ledger, "`drivers/solana`", liteSVM, "drivers/solana", "TestIssuerIsALedger", "passtest.RunLedger")
	add(ledger, "`passtest.Chain`", inProcess, "nft/pass/passtest", "TestChain", "passtest.RunLedger")
	add(transcoder, "`drivers/ffmpeg` in bubblewrap", "ffmpeg {run:ffmpeg}", "drivers/ffmpeg", "TestTranscoder", "mediatest.Run")
	add(transcoder, "`drivers/ffmpeg` without a sandbox", "ffmpeg {run:ffmpeg}", "drivers/ffmpeg", "TestTranscoderUnsandboxed", "mediatest.Run")
	add(registry, "`drivers/consul`, checked by the agent", "Consul {tool:consul}", "drivers/consul", "TestSuite", "registrytest.Run", "registrytest.RunHealth")
	add(registry, "`drivers/consul`, TTL checks", "Consul {tool:consul}", "drivers/consul", "TestSuiteWithTTL", "registrytest.Run")
	add(registry, "`registry.Memory`", inProcess, "kernel/registry/registrytest", "TestMemoryPasses", "registrytest.Run")
	return all
}

type adder func(iface, impl, system, pkg, test string, suites ...string)

func cacheRows(add adder) {
	const cache = "cache.Cache"
	three := []string{"cachetest.RunClaimer", "cachetest.RunLimiter", "cachetest.RunUpdater"}
	all := append([]string{"cachetest.Run"}, three...)
	add(cache, "`cache.LRU`, with its powers", inProcess, "storage/cache", "TestLRU", all...)
	add(cache, "`cache.Tiered`", inProcess, "storage/cache", "TestTiered", "cachetest.Run")
	add(cache, "`drivers/redis`", "Redis {run:redis}", "drivers/redis", "TestConformance/cache", "cachetest.Run")
	add("cache.Claimer", "`drivers/redis`", "Redis {run:redis}", "drivers/redis", "TestConformance/claimer", three[0])
	add("cache.Limiter", "`drivers/redis`", "Redis {run:redis}", "drivers/redis", "TestConformance/limiter", three[1])
	add("cache.Updater", "`drivers/redis`", "Redis {run:redis}", "drivers/redis", "TestConformance/updater", three[2])
	add(cache, "`drivers/grpc` to a `cache.LRU`, with its powers", farWorld, "drivers/grpc", "TestCache/in_another_process", all...)
}

func queueRows(add adder) {
	const bus, queue = "event.Bus", "job.Queue"
	add(bus, "`event.Memory`", inProcess, "kernel/event", "TestMemoryConforms", "eventtest.Run")
	add(bus, "`event.Memory` as a pair", inProcess, "kernel/event", "TestMemoryConformsAsAPair", "eventtest.RunPair")
	add(queue, "`job.Memory`", inProcess, "kernel/job", "TestMemoryConforms", "jobtest.Run")
	add(queue, "`job.Memory` as a pair", inProcess, "kernel/job", "TestMemoryConformsAsAPair", "jobtest.RunPair")
	for _, on := range [][2]string{{natsIn, "TestEmbeddedConforms"}, {natsOut, "TestServerConforms"}} {
		system, test := on[0], on[1]
		add(bus, "`drivers/nats`", system, "drivers/nats", test+"/bus", "eventtest.Run")
		add(bus, "`drivers/nats`, two connections", system, "drivers/nats", test+"/bus_over_two_connections", "eventtest.RunPair")
		add(queue, "`drivers/nats`", system, "drivers/nats", test+"/queue", "jobtest.Run")
		add(queue, "`drivers/nats`, two connections", system, "drivers/nats", test+"/queue_over_two_connections", "jobtest.RunPair")
	}
	add(bus, "`drivers/grpc` to an `event.Memory`", farWorld, "drivers/grpc", "TestEvents/in_another_process", "eventtest.Run")
	add(queue, "`drivers/grpc` to a `job.Memory`", farWorld, "drivers/grpc", "TestJobs/in_another_process", "jobtest.Run")
}

func recordRows(add adder) {
	const auth, media, playback, orders = "auth.Store", "media.Store", "playback.Store", "pass.Store"
	for _, on := range [][2]string{{sqlite, "sqlite"}, {postgres, "postgres"}} {
		system, name := on[0], on[1]
		add(auth, "`drivers/sqldb`", system, "drivers/sqldb", "TestAuthStore/"+name, "authtest.Run")
		add(media, "`drivers/sqldb`", system, "drivers/sqldb", "TestMediaStore/"+name, "mediatest.RunStore")
		add(playback, "`drivers/sqldb`", system, "drivers/sqldb", "TestPlaybackStore/"+name, "playbacktest.RunStore")
		add("index.Store", "`drivers/sqldb`", system, "drivers/sqldb", "TestIndexStore/"+name, "indextest.RunStore")
		add(orders, "`drivers/sqldb`", system, "drivers/sqldb", "TestPassStore/"+name, "passtest.RunStore")
	}
	const wall = "`drivers/sqldb` without its tenant conditions, behind row-level security"
	add(auth, wall, postgres, "drivers/sqldb", "TestWallHoldsWithoutConditions/auth", "authtest.Run")
	add(media, wall, postgres, "drivers/sqldb", "TestWallHoldsWithoutConditions/media", "mediatest.RunStore")
	add(playback, wall, postgres, "drivers/sqldb", "TestWallHoldsWithoutConditions/playback", "playbacktest.RunStore")
	add(orders, wall, postgres, "drivers/sqldb", "TestWallHoldsWithoutConditions/passes", "passtest.RunStore")
	add(orders, "`passtest.Memory`", inProcess, "nft/pass/passtest", "TestMemory", "passtest.RunStore")
	add(media, "`drivers/sqldb` behind PgBouncer, transaction pooling", postgres+", PgBouncer {run:pgbouncer}", "drivers/sqldb", "TestPgBouncer/media", "mediatest.RunStore")
	add(playback, "`playbacktest.Memory`", inProcess, "media/playback", "TestMemoryStore", "playbacktest.RunStore")

	const assets, gate, authenticator = "playback.Assets", "playback.Gate", "auth.Authenticator"
	for _, on := range [][3]string{{"in_process", inProcess, ""}, {"in_another_process", farWorld, "`drivers/grpc` to "}} {
		where, system, pre := on[0], on[1], on[2]
		add(assets, pre+"a library in memory", system, "drivers/grpc", "TestAssets/"+where, "playbacktest.RunAssets")
		add(gate, pre+"`nft.Decider`", system, "drivers/grpc", "TestGate/"+where, "playbacktest.RunGate")
		add(authenticator, pre+"`auth.Service`", system, "drivers/grpc", "TestAuthenticator/"+where, "authtest.RunAuthenticator")
	}
}
