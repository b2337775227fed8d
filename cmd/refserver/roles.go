package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/streamgate/streamgate/httpapi"
)

// role is one of the nine services that the platform can be run as. One process runs all of
// them (--target=all) or some (--target=worker).
type role struct {
	name string
	doc  string
	// routes is the role of the HTTP table it serves; empty serves only health and metrics.
	routes string
	// offers are the gRPC services it has for others, asks those it calls, each named by the role that offers it.
	offers, asks []string
	// needs are the back-ends it must share with the other processes.
	needs []string
}

// The back-ends that roles share, named as their settings.
const (
	needDatabase = "database"
	needStorage  = "storage"
	needKeys     = "keys"
	needCache    = "cache"
	needEvents   = "events"
	needQueue    = "queue"
	needRegistry = "registry"
)

// secondStorage is the setting of the storage that policies may choose. No role needs one.
const secondStorage = "storage.second"

// allRoles is the target that runs everything in one process.
const allRoles = "all"

// roles is the table. A role that is not in it does not exist.
func roles() []role {
	return []role{
		{
			name: "gateway", doc: "the public address: forwards each request to a process of its role, serves the web app",
			needs: []string{needRegistry},
		},
		{
			name: "auth", doc: "sign-in, sessions, API keys; asks the chains and decides", routes: httpapi.RoleAuth,
			offers: []string{"sessions", "gate"},
			needs:  []string{needDatabase, needEvents, needCache, needStorage, needKeys, needQueue, needRegistry},
		},
		{
			name: "metadata", doc: "assets and their gates", routes: httpapi.RoleMetadata,
			offers: []string{"assets"}, asks: []string{"auth"},
			needs: []string{needDatabase, needStorage, needKeys, needEvents, needQueue, needCache, needRegistry},
		},
		{
			name: "upload", doc: "resumable uploads (tus)", routes: httpapi.RoleUpload,
			asks:  []string{"auth"},
			needs: []string{needDatabase, needStorage, needKeys, needEvents, needQueue, needCache, needRegistry},
		},
		{
			name: "streaming", doc: "viewings: manifests, keys, segments", routes: httpapi.RoleStreaming,
			asks:  []string{"auth", "metadata"},
			needs: []string{needDatabase, needStorage, needKeys, needEvents, needQueue, needCache, needRegistry},
		},
		{
			name: "transcode", doc: "probes sources, plans their ladder, makes the first segment, puts lost work back",
			needs: []string{needDatabase, needStorage, needKeys, needEvents, needQueue, needRegistry},
		},
		{
			name: "worker", doc: "encodes chunks and sound",
			needs: []string{needDatabase, needStorage, needKeys, needEvents, needQueue, needRegistry},
		},
		{
			name: "cache", doc: "a cache for the other roles where there is no Redis, or in front of it",
			offers: []string{"cache"},
			needs:  []string{needRegistry},
		},
		{
			name: "monitor", doc: "the state of the whole: instances, queue, load for an external scaler", routes: httpapi.RoleMonitor,
			offers: []string{"scaler"}, asks: []string{"auth"},
			needs: []string{needDatabase, needStorage, needKeys, needEvents, needQueue, needRegistry},
		},
	}
}

func findRole(name string) (role, bool) {
	all := roles()
	i := slices.IndexFunc(all, func(r role) bool { return r.name == name })
	if i < 0 {
		return role{}, false
	}
	return all[i], true
}

func roleNames() []string {
	var names []string
	for _, r := range roles() {
		names = append(names, r.name)
	}
	return names
}

// checkTargets refuses what cannot work, before anything is opened.
func (c *Config) checkTargets() error {
	if c.whole() {
		return nil
	}
	for _, name := range c.Targets {
		if _, ok := findRole(name); !ok {
			return fmt.Errorf("target: there is no role %q: the roles are %s, or %s for all in one process", name, strings.Join(roleNames(), ", "), allRoles)
		}
	}
	if len(c.Targets) > 1 && slices.Contains(c.Targets, "gateway") {
		return fmt.Errorf("target: gateway forwards to processes of the other roles and runs alone: run %q in another process, or target=%s without a gateway",
			strings.Join(slices.DeleteFunc(slices.Clone(c.Targets), func(n string) bool { return n == "gateway" }), ","), allRoles)
	}
	for _, name := range c.Targets {
		r, _ := findRole(name)
		for _, need := range r.needs {
			if advice := c.unshared(need); advice != "" {
				return fmt.Errorf("%s: role %s works beside other processes, and %s", need, name, advice)
			}
		}
	}
	return nil
}

// unshared says why the back-end of a need cannot serve several processes, or nothing.
func (c *Config) unshared(need string) string {
	local := func(value string, schemes ...string) bool {
		scheme, _, _ := strings.Cut(value, ":")
		return value == "" || slices.Contains(schemes, scheme)
	}
	switch {
	case need == needDatabase && local(c.Database, "sqlite"):
		return "SQLite is one process's: set database=postgres://user:password@host/name"
	case need == needStorage && local(c.Storage, "file", "mem"):
		return "files of this machine are not seen by the others: set storage=s3://..."
	case need == needStorage && local(c.Storage, "ipfs"), need == needStorage && c.Second != "" && local(c.Second, "file", "mem", "ipfs"):
		return "what a folder of this process holds, an embedded IPFS node too, is not seen by the others: set storage and storage.second to s3://... or leave the second out"
	case need == needKeys && local(c.Keys, "keyring"):
		return "a key ring folder is one process's: set keys=master:FILE with the same file everywhere, or keys=awskms:..."
	case need == needCache && local(c.Cache, "memory"):
		return "the pace of keys, rate limits and revocations must hold over all processes: set cache=redis://..., or cache=role: with a process of the cache role"
	case need == needEvents && local(c.Events, "memory"):
		return "events in this process do not wake the others: set events=nats://..."
	case need == needQueue && local(c.queueURL(), "memory"):
		return "a queue in this process gives no work to the others: set queue=nats://..."
	case need == needRegistry && c.Registry == "":
		return "it must find them: set registry=consul://..., registry=dns:... or registry=static:..."
	}
	return ""
}

// whole tells that this process is the whole platform.
func (c *Config) whole() bool {
	return len(c.Targets) == 0 || slices.Equal(c.Targets, []string{allRoles})
}

// queueURL is the queue's back-end: that of the events unless said otherwise.
func (c *Config) queueURL() string {
	if c.Queue == "" {
		return c.Events
	}
	return c.Queue
}
