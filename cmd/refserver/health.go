package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// healthCmd is the health check of images and units that have no other HTTP client.
type healthCmd struct {
	URL  string `arg:"" optional:"" help:"Address to ask (default: /readyz where the configuration says this process listens)."`
	Live bool   `help:"Ask /livez, which looks at the process alone, instead of /readyz."`
}

// healthTime bounds the question; a health check that hangs tells nothing.
const healthTime = 5 * time.Second

// Run succeeds when the answer is 200.
func (h healthCmd) Run(ctx context.Context, e *env) error {
	to := h.URL
	if to == "" {
		cfg, err := e.config()
		if err != nil {
			return err
		}
		if to, err = healthURL(cfg.Listen, h.Live); err != nil {
			return err
		}
	} else if h.Live {
		return errors.New("--live and an address: the address says already what is asked")
	}
	return askHealth(ctx, to)
}

// healthURL is where a process that listens on addr is asked on its own machine.
func healthURL(addr string, live bool) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port == "" || port == "0" {
		return "", fmt.Errorf("listen=%s says no fixed port: name the address to ask", addr)
	}
	if host == "" || unspecified(host) {
		host = "127.0.0.1"
	}
	u := url.URL{Scheme: "http", Host: net.JoinHostPort(host, port), Path: "/readyz"}
	if live {
		u.Path = "/livez"
	}
	return u.String(), nil
}

func askHealth(ctx context.Context, to string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to, nil)
	if err != nil {
		return err
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 500))
		return fmt.Errorf("%s answers %d: %s", to, res.StatusCode, text)
	}
	return nil
}

// unspecified tells an address that stands for all of a machine, such as 0.0.0.0.
func unspecified(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsUnspecified()
}
