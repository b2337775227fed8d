package servers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis is a running redis-server that keeps nothing on disk: Kill and Restart lose all it held.
type Redis struct {
	*Process
	Addr     string
	Password string
	admin    *redis.Client
}

// StartRedis starts a redis-server of its own with its files in dir. The password is random,
// so a server that accepts it is the one that was started.
func StartRedis(ctx context.Context, dir string) (*Redis, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("redis-server (apt-get install redis-server): %w", err)
	}
	password := rand.Text()
	conf := filepath.Join(dir, "redis.conf")
	// By a file, since everybody on the machine can read the arguments of a process.
	if err := os.WriteFile(conf, []byte("requirepass "+password+"\n"), 0o600); err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		port, err := FreePort()
		if err != nil {
			return nil, err
		}
		r := &Redis{Addr: fmt.Sprintf("127.0.0.1:%d", port), Password: password}
		r.admin = redis.NewClient(&redis.Options{Addr: r.Addr, Password: password, DialerRetries: 1, MaxRetries: 1})
		r.Process, err = Start(ctx, Spec{
			Name: "redis-server", Path: path, Dir: dir,
			Args: []string{
				conf, "--bind", "127.0.0.1", "--port", fmt.Sprint(port), "--save", "", "--appendonly", "no", "--dir", dir, "--daemonize", "no",
			},
			Ready: func(ctx context.Context) error {
				ctx, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				return r.admin.Ping(ctx).Err()
			},
		})
		if err == nil {
			return r, nil
		}
		_ = r.admin.Close()
		if try == 2 || ctx.Err() != nil {
			return nil, err
		}
	}
}

// URL returns the server's address as drivers/redis reads it.
func (r *Redis) URL() string { return "redis://:" + r.Password + "@" + r.Addr + "/0" }

// FlushAll makes the server forget everything.
func (r *Redis) FlushAll(ctx context.Context) error { return r.admin.FlushAll(ctx).Err() }

// Admin returns a client with every right, for tests that look at or spoil what is kept.
func (r *Redis) Admin() *redis.Client { return r.admin }

// Close ends the server.
func (r *Redis) Close() error { return errors.Join(r.admin.Close(), r.Stop(syscall.SIGTERM)) }

// RedisFor starts a Redis that ends with the test.
func RedisFor(t testing.TB) *Redis {
	t.Helper()
	return must(t, StartRedis, func(r *Redis) { _ = r.Close() })
}
