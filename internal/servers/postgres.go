package servers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgresBin is where Debian's postgresql-15 has the server.
const postgresBin = "/usr/lib/postgresql/15/bin"

// AppRole is the role that the databases belong to and that NewDatabase's addresses
// name. It is neither a superuser nor exempt from row-level security, as either would
// make every test of tenant isolation pass for nothing.
const AppRole = "streamgate"

// Postgres is a running PostgreSQL cluster.
type Postgres struct {
	*Process
	Port int

	dir, password string

	mu       sync.Mutex
	template string // what NewDatabase copies, when set
}

// PostgresOptions tune a cluster; the zero value is safe to crash.
type PostgresOptions struct {
	// NoSync turns fsync off. A cluster with it may lose everything in a crash.
	NoSync bool
	// Settings are put into postgresql.conf as they are.
	Settings map[string]string
}

// StartPostgres makes a cluster in dir and starts it. It needs postgresql-15 from apt.
func StartPostgres(ctx context.Context, dir string) (*Postgres, error) {
	return StartPostgresWith(ctx, dir, PostgresOptions{})
}

// StartPostgresWith is StartPostgres with options. Started as root it runs the server as
// the user postgres, who gets a folder below dir and may pass through its parents.
func StartPostgresWith(ctx context.Context, dir string, opt PostgresOptions) (*Postgres, error) {
	p := &Postgres{dir: filepath.Join(dir, "pg"), password: rand.Text()}
	cred, err := p.prepare(dir)
	if err != nil {
		return nil, err
	}
	if err := p.initdb(ctx, cred, opt); err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		if p.Port, err = FreePort(); err != nil {
			return nil, err
		}
		p.Process, err = Start(ctx, Spec{
			Name: "postgres", Path: filepath.Join(postgresBin, "postgres"), Dir: p.dir, Credential: cred, Ready: p.ready,
			Args: []string{"-D", p.dir, "-p", strconv.Itoa(p.Port)},
		})
		if err == nil {
			return p, p.admin(ctx, "postgres", "CREATE ROLE "+AppRole+" LOGIN PASSWORD '"+p.password+"'")
		}
		if try == 2 || !strings.Contains(err.Error(), "Address already in use") {
			return nil, err
		}
	}
}

// prepare makes the folder and returns whom the server runs as.
func (p *Postgres) prepare(dir string) (*syscall.Credential, error) {
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return nil, err
	}
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("postgres does not run as root: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	// Test folders are for their owner only; the user postgres must get through the ones that are ours.
	for d := dir; strings.HasPrefix(d, os.TempDir()+"/"); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o711); err != nil { //nolint:gosec // G302: see above
			return nil, err
		}
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(p.dir, int(uid), int(gid))
}

func (p *Postgres) initdb(ctx context.Context, cred *syscall.Credential, opt PostgresOptions) error {
	pw := filepath.Join(p.dir, "..", "pw")
	if err := os.WriteFile(pw, []byte(p.password), 0o600); err != nil {
		return err
	}
	defer os.Remove(pw)
	if cred != nil {
		if err := os.Chown(pw, int(cred.Uid), int(cred.Gid)); err != nil {
			return err
		}
	}
	// A collation that sorts as people do and not as bytes do, to find statements that lean on either;
	// md5, as the thousands of rounds of scram-sha-256 at each connection are most of a test's time.
	cmd := exec.CommandContext(ctx, filepath.Join(postgresBin, "initdb"), "-D", p.dir, "-U", "postgres", "-A", "md5", "--pwfile", pw,
		"-E", "UTF8", "--locale", "C.UTF-8", "--locale-provider", "icu", "--icu-locale", "en-US", "--no-sync")
	cmd.Dir, cmd.Env, cmd.SysProcAttr = p.dir, []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}, &syscall.SysProcAttr{Credential: cred} //nolint:forbidigo // where this machine has its programs
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb (apt-get install postgresql-15): %w\n%s", err, out)
	}
	conf := "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 200\nshared_buffers = '32MB'\n"
	if opt.NoSync {
		conf += "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"
	}
	for k, v := range opt.Settings {
		conf += fmt.Sprintf("%s = '%s'\n", k, v)
	}
	f, err := os.OpenFile(filepath.Join(p.dir, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(conf)
	return errors.Join(err, f.Close())
}

// ready tells whether the server on our port is the one in our folder.
func (p *Postgres) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, p.AdminDSN("postgres"))
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	var dir string
	if err := c.QueryRow(ctx, "SHOW data_directory").Scan(&dir); err != nil {
		return err
	}
	if dir != p.dir {
		return fmt.Errorf("another server answers: its data is in %s", dir)
	}
	return nil
}

func (p *Postgres) dsn(role, database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(role, p.password), Host: fmt.Sprintf("127.0.0.1:%d", p.Port), Path: database, RawQuery: "sslmode=disable"}
	return u.String()
}

// AdminDSN is the address of a database for the superuser, whom row-level security does not bind.
func (p *Postgres) AdminDSN(database string) string { return p.dsn("postgres", database) }

func (p *Postgres) admin(ctx context.Context, database string, statements ...string) error {
	c, err := pgx.Connect(ctx, p.AdminDSN(database))
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	for _, s := range statements {
		if _, err := c.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// NewDatabase makes a database that belongs to AppRole and returns AppRole's address of
// it. It is empty, or a copy of what Template has prepared.
func (p *Postgres) NewDatabase(ctx context.Context) (dsn string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.create(ctx)
}

func (p *Postgres) create(ctx context.Context) (string, error) {
	name := "sg_" + strings.ToLower(rand.Text())
	from := "template1"
	if p.template != "" {
		from = p.template
	}
	return p.dsn(AppRole, name), p.admin(ctx, "postgres", fmt.Sprintf("CREATE DATABASE %s OWNER %s TEMPLATE %s", name, AppRole, from))
}

// Template has prepare fill a database, of which NewDatabase makes copies from then on. Only
// the first call does something.
func (p *Postgres) Template(ctx context.Context, prepare func(dsn string) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.template != "" {
		return nil
	}
	dsn, err := p.create(ctx)
	if err != nil {
		return err
	}
	if err := prepare(dsn); err != nil {
		return err
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return err
	}
	p.template = strings.TrimPrefix(u.Path, "/")
	return nil
}

// Kill ends the server and every process it has made by SIGKILL, as a power cut would.
func (p *Postgres) Kill() error {
	pid := 0
	p.Process.mu.Lock()
	if p.running() {
		pid = p.cmd.Process.Pid
	}
	p.Process.mu.Unlock()
	children := childrenOf(pid)
	err := p.Process.Kill()
	for _, c := range children {
		_ = syscall.Kill(c, syscall.SIGKILL)
	}
	for range 500 { // until the kernel has let go of their memory, which a new server asks for
		if !anyAlive(children) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

// Stop ends the server in order: sessions are ended, what they had not committed is undone.
func (p *Postgres) Stop() error { return p.Process.Stop(syscall.SIGINT) }

// childrenOf returns the processes whose parent is pid. Each backend of PostgreSQL is a
// session of its own, so the process group does not hold them.
func childrenOf(pid int) (out []int) {
	if pid == 0 {
		return nil
	}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, s := range stats {
		b, err := os.ReadFile(s)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(b), ") ") // after the name: state, parent
		f := strings.Fields(rest)
		if len(f) < 2 || f[1] != strconv.Itoa(pid) {
			continue
		}
		if n, err := strconv.Atoi(filepath.Base(filepath.Dir(s))); err == nil {
			out = append(out, n)
		}
	}
	return out
}

func anyAlive(pids []int) bool {
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err == nil && !strings.Contains(string(b), ") Z ") {
			return true
		}
	}
	return false
}

// shared is the one cluster of a test binary.
var shared struct { //nolint:gochecknoglobals // a server for each test would take minutes
	once sync.Once
	pg   *Postgres
	err  error
	last *os.File // the writing end of removeAfterUs, which the collector would close
}

// PostgresFor returns the cluster that all tests of this binary share, for databases of
// their own by NewDatabase. It does not sync to disk; a test that crashes the server
// starts one for itself. It ends with the binary, and a process left behind for a second removes its folder.
func PostgresFor(t testing.TB) *Postgres {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: needs a server")
	}
	shared.once.Do(func() {
		dir, err := os.MkdirTemp("", "streamgate-pg") //nolint:usetesting // it outlives the test that came first
		if err == nil {
			err = removeAfterUs(dir)
		}
		if err == nil {
			shared.pg, err = StartPostgresWith(context.Background(), dir, PostgresOptions{NoSync: true})
		}
		shared.err = err
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.pg
}

// removeAfterUs has a shell remove dir once this process has ended, however it ends: then the
// pipe that the shell reads closes.
func removeAfterUs(dir string) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := exec.Command("/bin/sh", "-c", `cat >/dev/null; sleep 1; rm -rf -- "$0"`, dir)
	cmd.Stdin, cmd.SysProcAttr = r, &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, w.Close())
	}
	shared.last = w
	return nil
}
