# make demo and make test do everything on a fresh Debian 12 with Go and Node: see scripts/tools.sh.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export GOTOOLCHAIN ?= local
FUZZTIME ?=
BENCHTIME ?= 1s
CLIP ?=

.PHONY: help demo build test test-go test-tools e2e e2e-distributed backends bench fuzz lint generate web tools cover torture torture-short torture-planted

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

tools: ## install what is missing (ffmpeg, chromium, bubblewrap ... by apt)
	@scripts/tools.sh

build: ## build bin/refserver
	go build -o bin/refserver ./cmd/refserver

demo: tools build ## upload, transcode, gate and play a real clip, everything embedded
	./bin/refserver demo --clip "$(or $(CLIP),$$(scripts/fetch-clip.sh))" $(DEMO_ARGS)

test: tools ## all tests: race detector, real components, fuzz seeds, browser
	scripts/test.sh

test-go: ## the Go tests alone, with the race detector
	go test -race -timeout 30m ./...

e2e: tools build ## the main job in real browsers, with three players
	scripts/e2e.sh

e2e-distributed: tools build ## the same browser tests on nine services: PostgreSQL, Redis, NATS, S3, Consul, a process for each role
	scripts/test-tools.sh versitygw nats-server consul
	go build -o bin/sgcluster ./cmd/sgcluster
	DEMO=bin/sgcluster SHOTS=$(CURDIR)/.cache/e2e-distributed scripts/e2e.sh

test-tools: tools ## build the servers that the tests start and Debian does not have, once, into the cache
	scripts/test-tools.sh

backends: test-tools ## run every back-end's suites and write the table of docs/backends.md
	go run ./internal/backendtable

cover: ## statement coverage of the domain packages, refused below 85 %
	scripts/cover.sh

bench: tools ## benchmarks; results are described in docs/performance.md
	go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

fuzz: ## every fuzz target for FUZZTIME, or all within 8 minutes
	scripts/fuzz.sh $(FUZZTIME)

lint: ## go vet and golangci-lint (built once into the cache)
	scripts/lint.sh

generate: ## contracts, web assets
	go generate ./...

web: ## rebuild the embedded web app
	cd httpapi/web/src && npm ci --no-audit --no-fund --ignore-scripts && npm run build

torture: tools build ## the whole fault run, about 25 minutes: 60 kills, 28 toxics, wipes, full disks, 10 pauses (SEED=n)
	go run ./cmd/sgtorture run --seed $(or $(SEED),1) --out $(or $(OUT),torture) $(TORTURE_ARGS)

torture-short: tools build ## a short fault run, about 4 minutes
	go run ./cmd/sgtorture run --seed $(or $(SEED),1) --kills 8 --toxics 4 --flushes 1 --wipes 1 --lost 1 --disks 1 --pauses 1 --most 10m --out $(or $(OUT),torture)

torture-planted: tools build ## break promises on purpose, each of which the fault run must find out
	go run ./cmd/sgtorture planted --out $(or $(OUT),torture-planted)
