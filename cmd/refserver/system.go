package main

import (
	"context"
	"net/http"
	"time"

	"github.com/streamgate/streamgate/kernel/registry"
)

// instance is one process of the platform as the monitor sees it.
type instance struct {
	ID   string `json:"id"`
	HTTP string `json:"http,omitempty"`
	GRPC string `json:"grpc,omitempty"`
	// Ready is what the process says of itself.
	Ready bool `json:"ready"`
}

// system is what a process knows of the whole: who is there, and how much there is to do.
func (p *process) system(ctx context.Context) map[string]any {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	instances := map[string][]instance{}
	for _, r := range roles() {
		instances[r.name] = p.instances(ctx, r.name)
	}
	all := map[string]any{"instance": p.cfg.Instance, "roles": instances}
	if p.platform != nil {
		if load, err := p.platform.Media.Load(ctx); err == nil {
			all["load"] = load
		}
	}
	return all
}

// instances asks the registry for the processes of a role, and each whether it is ready.
func (p *process) instances(ctx context.Context, role string) []instance {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	list := []instance{}
	lists, err := p.registry.Watch(ctx, role)
	if err != nil {
		return list
	}
	for _, i := range <-lists {
		list = append(list, instance{ID: i.ID, HTTP: i.HTTP, GRPC: i.GRPC, Ready: ready(ctx, i)})
	}
	return list
}

func ready(ctx context.Context, i registry.Instance) bool {
	if i.HTTP == "" {
		return false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+i.HTTP+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}
