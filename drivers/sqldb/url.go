package sqldb

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// libpq are the parameters of a postgres URL that go to the connection as they are.
var libpq = []string{
	"application_name", "connect_timeout", "host", "port", "user", "dbname", "passfile", "search_path", "target_session_attrs",
	"sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslsni", "channel_binding",
}

// OpenURL opens the database that a URL names:
//
//	sqlite:streamgate.db          a file below the working directory
//	sqlite:///var/lib/sg/sg.db    a file by its whole path
//	postgres://user:password@host:5432/database?sslmode=verify-full&max_conns=20
//
// A postgres URL (postgresql:// too) takes libpq's parameters and max_conns, statement_timeout (a Go
// duration), simple_protocol and allow_bypass (true or false), which win over opt; see
// PostgresOptions. An unknown scheme or parameter is fault.Invalid.
func OpenURL(ctx context.Context, rawURL string, opt PostgresOptions) (*DB, error) {
	const op = "sqldb.OpenURL"
	scheme, rest, _ := strings.Cut(rawURL, ":")
	switch scheme {
	case "sqlite":
		path, query, _ := strings.Cut(rest, "?")
		if after, ok := strings.CutPrefix(path, "//"); ok {
			if path = after; !strings.HasPrefix(path, "/") {
				return nil, fault.New(fault.Invalid, op, "a sqlite URL names no host: write sqlite:path or sqlite:///path")
			}
		}
		path, err := url.PathUnescape(path)
		if err != nil || path == "" || query != "" {
			return nil, fault.New(fault.Invalid, op, "a sqlite URL is sqlite:path or sqlite:///path, without parameters")
		}
		return Open(ctx, path)
	case "postgres", "postgresql":
		dsn, err := postgresURL(op, rawURL, &opt)
		if err != nil {
			return nil, err
		}
		return OpenPostgres(ctx, dsn, opt)
	}
	return nil, fault.New(fault.Invalid, op, "the address of a database begins with sqlite: or postgres://")
}

// postgresURL takes our parameters out of the URL and puts them into opt.
func postgresURL(op, raw string, opt *PostgresOptions) (string, error) {
	base, query, _ := strings.Cut(raw, "?")
	params, err := url.ParseQuery(query)
	if err != nil {
		return "", fault.New(fault.Invalid, op, "the parameters of the postgres URL cannot be parsed")
	}
	for name, values := range params {
		var err error
		v := values[len(values)-1]
		switch name {
		case "max_conns":
			if opt.MaxConns, err = strconv.Atoi(v); err == nil && opt.MaxConns <= 0 {
				err = strconv.ErrRange
			}
		case "statement_timeout":
			if opt.StatementTimeout, err = time.ParseDuration(v); err == nil && opt.StatementTimeout <= 0 {
				err = strconv.ErrRange
			}
		case "simple_protocol":
			opt.SimpleProtocol, err = strconv.ParseBool(v)
		case "allow_bypass":
			opt.AllowBypass, err = strconv.ParseBool(v)
		default:
			if !slices.Contains(libpq, name) {
				return "", fault.Newf(fault.Invalid, op, "the postgres URL has the unknown parameter %.60q", name)
			}
			continue
		}
		if err != nil {
			return "", fault.Newf(fault.Invalid, op, "the parameter %s of the postgres URL has a value it cannot have", name)
		}
		params.Del(name)
	}
	if len(params) == 0 {
		return base, nil
	}
	return base + "?" + params.Encode(), nil
}
