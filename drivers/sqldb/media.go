package sqldb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/media"
)

// Media implements media.Store. Records are JSON documents beside the columns that
// are searched; a revision makes read, change and write one step on every database.
type Media struct{ db *DB }

var (
	_ media.Store  = (*Media)(nil)
	_ media.Outbox = (*Media)(nil)
)

// Media returns the media records in d.
func (d *DB) Media() *Media { return &Media{d} }

// maxRaces bounds how often a change is tried against concurrent ones.
const maxRaces = 50

// CreateAsset implements media.AssetStore.
func (m *Media) CreateAsset(ctx context.Context, r media.Record) error {
	const op = "sqldb.CreateAsset"
	doc, err := encode(op, r)
	if err != nil {
		return err
	}
	return m.db.tx(ofTenant(ctx, r.Tenant), func(q querier) error {
		_, err := q.ExecContext(ctx, m.db.bind(`INSERT INTO media_assets (id, tenant, owner, status, deleting, words, doc, rev) VALUES (?, ?, ?, ?, ?, ?, ?, 1)`),
			r.Asset.ID, r.Tenant, r.Asset.Owner, string(r.Asset.Status), flag(r.Deleting), words(r.Asset), doc)
		if err != nil {
			return wrap(op, err)
		}
		_, err = m.db.keep(ctx, q, r.Events)
		return err
	})
}

// Asset implements media.AssetStore.
func (m *Media) Asset(ctx context.Context, tenant, id string) (media.Record, error) {
	r, _, err := m.asset(ofAsset(ctx, tenant, id), m.db.read, tenant, id)
	return r, err
}

// ofAsset is the scope of an asset: its tenant's, or its own when any tenant's will do.
func ofAsset(ctx context.Context, tenant, id string) context.Context {
	if tenant == "" {
		return ofRow(ctx, id)
	}
	return ofTenant(ctx, tenant)
}

func (m *Media) asset(ctx context.Context, q querier, tenant, id string) (r media.Record, rev int64, err error) {
	const op = "sqldb.Asset"
	var doc string
	err = q.QueryRowContext(ctx, m.db.bind(`SELECT doc, rev FROM media_assets WHERE id = ? AND (tenant = ? OR ? = '')`), id, tenant, tenant).Scan(&doc, &rev)
	if errors.Is(err, sql.ErrNoRows) {
		return r, 0, fault.New(fault.NotFound, op, "there is no such asset")
	}
	if err != nil {
		return r, 0, wrap(op, err)
	}
	r, err = decodeRecord(op, doc)
	return r, rev, err
}

func decodeRecord(op, doc string) (media.Record, error) {
	var r media.Record
	err := decode(op, doc, &r)
	r.Asset.Tenant = r.Tenant
	return r, err
}

// ChangeAsset implements media.AssetStore.
func (m *Media) ChangeAsset(ctx context.Context, tenant, id string, change func(*media.Record) error) (media.Record, error) {
	const op = "sqldb.ChangeAsset"
	ctx = ofAsset(ctx, tenant, id)
	for range maxRaces {
		r, rev, err := m.asset(ctx, m.db.write, tenant, id)
		if err != nil {
			return media.Record{}, err
		}
		if err := change(&r); err != nil {
			return media.Record{}, err
		}
		doc, err := encode(op, r)
		if err != nil {
			return media.Record{}, err
		}
		var won bool
		var publish []event.Event
		update := func(q querier) (err error) {
			won, err = m.won(ctx, op, q, `UPDATE media_assets SET status = ?, deleting = ?, words = ?, doc = ?, rev = rev + 1 WHERE id = ? AND rev = ?`,
				string(r.Asset.Status), flag(r.Deleting), words(r.Asset), doc, id, rev)
			if err == nil && won {
				publish, err = m.db.keep(ctx, q, r.Events)
			}
			return err
		}
		if len(r.Events) == 0 {
			err = update(m.db.write)
		} else {
			err = m.db.tx(ctx, update)
		}
		if err != nil {
			return media.Record{}, err
		}
		if won {
			r.Events = publish
			return r, nil
		}
	}
	return media.Record{}, fault.New(fault.Unavailable, op, "too many changes at once; try again")
}

// won runs a conditional update and tells whether it took effect.
func (m *Media) won(ctx context.Context, op string, q querier, query string, args ...any) (bool, error) {
	res, err := q.ExecContext(ctx, m.db.bind(query), args...)
	if err != nil {
		return false, wrap(op, err)
	}
	n, err := res.RowsAffected()
	return n == 1, wrap(op, err)
}

// Assets implements media.AssetStore. Ids sort by age, so the last id is the cursor.
func (m *Media) Assets(ctx context.Context, tenant string, opt media.ListOptions) ([]media.Record, string, error) {
	ctx = ofTenant(ctx, tenant)
	const op = "sqldb.Assets"
	query := `SELECT doc FROM media_assets WHERE tenant = ? AND deleting = 0`
	args := []any{tenant}
	if opt.Owner != "" {
		query, args = query+` AND owner = ?`, append(args, opt.Owner)
	}
	if opt.Cursor != "" {
		query, args = query+` AND id < ?`, append(args, opt.Cursor)
	}
	for _, w := range strings.Fields(strings.ToLower(opt.Query)) {
		query, args = query+` AND words LIKE ? ESCAPE '!'`, append(args, "%"+like.Replace(w)+"%")
	}
	rows, err := m.db.read.QueryContext(ctx, m.db.bind(query+` ORDER BY id DESC LIMIT ?`), append(args, opt.Limit+1)...)
	if err != nil {
		return nil, "", wrap(op, err)
	}
	defer rows.Close()
	var out []media.Record
	for rows.Next() {
		var doc string
		if err := rows.Scan(&doc); err != nil {
			return nil, "", wrap(op, err)
		}
		r, err := decodeRecord(op, doc)
		if err != nil {
			return nil, "", err
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, "", wrap(op, err)
	}
	if len(out) <= opt.Limit {
		return out, "", nil
	}
	out = out[:opt.Limit]
	return out, out[len(out)-1].Asset.ID, nil
}

// DeleteAsset implements media.AssetStore.
func (m *Media) DeleteAsset(ctx context.Context, tenant, id string, events ...event.Event) (publish []event.Event, err error) {
	const op = "sqldb.DeleteAsset"
	ctx = ofTenant(ctx, tenant)
	err = m.db.tx(ctx, func(q querier) (err error) {
		for _, stmt := range []string{
			// From here on nobody appends to them, whom we would not see while he is at it.
			`UPDATE media_uploads SET finished = 1 WHERE asset = ? AND tenant = ?`,
			`DELETE FROM media_parts WHERE upload IN (SELECT id FROM media_uploads WHERE asset = ? AND tenant = ?)`,
			`DELETE FROM media_uploads WHERE asset = ? AND tenant = ?`,
			`DELETE FROM media_tasks WHERE asset = ? AND tenant = ?`,
			`DELETE FROM media_versions WHERE asset = ? AND tenant = ?`,
			`DELETE FROM media_assets WHERE id = ? AND tenant = ?`,
		} {
			if _, err := q.ExecContext(ctx, m.db.bind(stmt), id, tenant); err != nil {
				return wrap(op, err)
			}
		}
		publish, err = m.db.keep(ctx, q, events)
		return err
	})
	return publish, err
}

// words is what listings are searched in. PostgreSQL stores no NUL.
func words(a media.Asset) string {
	return strings.ToLower(strings.ReplaceAll(a.Title+"\n"+a.Description+"\n"+strings.Join(a.Tags, "\n"), "\x00", ""))
}

// like escapes what LIKE treats as patterns.
var like = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func encode(op string, v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), fault.Wrap(fault.Internal, op, err)
}

func decode(op, doc string, v any) error {
	return fault.Wrap(fault.Internal, op, json.Unmarshal([]byte(doc), v))
}
