package consul

import (
	"context"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/registry"
)

// The addresses of an instance are kept beside it, since Consul has room for one.
const (
	metaHTTP = "streamgate-http"
	metaGRPC = "streamgate-grpc"
)

// keeper looks after a registration.
type keeper struct {
	r         *Registry
	instance  registry.Instance
	service   *api.AgentServiceRegistration
	ttlChecks bool

	// All under Registry.registering.
	stop  context.CancelFunc
	ended chan struct{} // closed when the keeper runs no more
	done  bool          // taken back, or replaced by a registration of the same ID
}

// Register implements registry.Registry. An agent out of reach is fault.Unavailable.
func (r *Registry) Register(ctx context.Context, i registry.Instance) (leave func(ctx context.Context) error, err error) {
	const op = "consul.Register"
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, op, err)
	}
	if err := registry.CheckInstance(i); err != nil {
		return nil, fault.At(op, err)
	}
	service, err := r.registration(i)
	if err != nil {
		return nil, err
	}
	r.registering.Lock()
	defer r.registering.Unlock()
	// An earlier keeper of this ID must have ended, or it would report for the new one.
	old := r.keepers[i.ID]
	if old != nil {
		old.halt()
	}
	k := &keeper{r: r, instance: i, service: service, ttlChecks: r.opt.Check == CheckTTL}
	err = k.register(ctx)
	if err == nil {
		err = k.start()
	}
	if err != nil {
		if old != nil {
			_ = old.start() // it stays what it was; a closed registry needs no keeper
		}
		return nil, err
	}
	if old != nil {
		old.done = true
	}
	r.keepers[i.ID] = k
	return k.leave, nil
}

// registration is what the agent is told of an instance.
func (r *Registry) registration(i registry.Instance) (*api.AgentServiceRegistration, error) {
	address := i.HTTP
	if address == "" {
		address = i.GRPC
	}
	host, port, err := splitAddress(address)
	if err != nil {
		return nil, err
	}
	s := &api.AgentServiceRegistration{
		ID: i.ID, Name: i.Service, Address: host, Port: port,
		Meta: map[string]string{metaHTTP: i.HTTP, metaGRPC: i.GRPC},
	}
	check := func(c api.AgentServiceCheck) {
		c.CheckID = i.ID + ":" + strings.ToLower(strings.Fields(c.Name)[0])
		c.DeregisterCriticalServiceAfter = r.opt.DeregisterAfter.String()
		if c.TTL == "" {
			c.Interval, c.Timeout = r.opt.Every.String(), max(r.opt.Every, 2*time.Second).String()
		}
		s.Checks = append(s.Checks, &c)
	}
	how := r.opt.Check
	switch {
	case how == CheckAuto && i.HTTP != "":
		how = CheckHTTP
	case how == CheckAuto:
		how = CheckGRPC
	}
	if how == CheckTTL {
		check(api.AgentServiceCheck{Name: "TTL", TTL: (3 * r.opt.Every).String()})
		return s, nil
	}
	if (how == CheckHTTP || how == CheckBoth) && i.HTTP != "" {
		check(api.AgentServiceCheck{Name: "HTTP /readyz", HTTP: "http://" + i.HTTP + "/readyz"})
	}
	if (how == CheckGRPC || how == CheckBoth) && i.GRPC != "" {
		check(api.AgentServiceCheck{Name: "gRPC health", GRPC: i.GRPC})
	}
	if len(s.Checks) == 0 {
		return nil, fault.Newf(fault.Invalid, "consul.Register", "the instance has no address for the check %q", how)
	}
	return s, nil
}

func (k *keeper) register(ctx context.Context) error {
	const op = "consul.Register"
	inner, cancel := context.WithTimeout(ctx, k.r.opt.Timeout)
	defer cancel()
	err := k.r.client.Agent().ServiceRegisterOpts(k.service, api.ServiceRegisterOpts{ReplaceExistingChecks: true}.WithContext(inner))
	if err == nil && k.ttlChecks {
		err = k.report(inner)
	}
	return classify(ctx, op, err)
}

// keep registers again what the agent forgot, and reports with CheckTTL, until ctx ends.
func (k *keeper) keep(ctx context.Context) {
	again := time.NewTicker(k.r.opt.Every)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
		if err := k.look(ctx); unknown(err) {
			// The next turn tries again when this fails; Ping tells that the agent is away.
			_ = k.register(ctx)
		}
	}
}

// look asks whether the agent still knows the instance.
func (k *keeper) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, k.r.opt.Timeout)
	defer cancel()
	if k.ttlChecks {
		return k.report(ctx)
	}
	_, _, err := k.r.client.Agent().Service(k.instance.ID, (&api.QueryOptions{}).WithContext(ctx))
	return err
}

// report tells the agent how the process is.
func (k *keeper) report(ctx context.Context) error {
	status := api.HealthPassing
	if k.r.opt.Ready != nil {
		if err := k.r.opt.Ready(ctx); err != nil {
			status = api.HealthCritical // the reason is the process's own to log
		}
	}
	return k.r.client.Agent().UpdateTTLOpts(k.service.Checks[0].CheckID, "", status, (&api.QueryOptions{}).WithContext(ctx))
}

// start begins to look after the registration.
func (k *keeper) start() error {
	ctx, stop := context.WithCancel(k.r.ctx)
	ended := make(chan struct{})
	k.stop, k.ended = stop, ended
	err := k.r.begin("consul.Register", func() {
		defer close(ended)
		k.keep(ctx)
	})
	if err != nil {
		stop()
		close(ended)
	}
	return err
}

// halt ends the keeper and waits for it.
func (k *keeper) halt() {
	k.stop()
	<-k.ended
}

// leave takes the registration back. After an error it can be tried again.
func (k *keeper) leave(ctx context.Context) error {
	const op = "consul.leave"
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, op, err)
	}
	k.r.registering.Lock()
	defer k.r.registering.Unlock()
	k.halt()
	if k.done {
		return nil
	}
	inner, cancel := context.WithTimeout(ctx, k.r.opt.Timeout)
	defer cancel()
	err := k.r.client.Agent().ServiceDeregisterOpts(k.instance.ID, (&api.QueryOptions{}).WithContext(inner))
	if err != nil && !unknown(err) {
		return classify(ctx, op, err)
	}
	k.done = true
	delete(k.r.keepers, k.instance.ID)
	return nil
}
