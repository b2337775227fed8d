package sqldb

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
)

// Media implements media.Store. Records are JSON documents beside the columns that
// are searched; a revision makes read, change and write one step on every database.
type Media struct{ db *DB }

var _ media.Store = (*Media)(nil)

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
	_, err = m.db.write.ExecContext(ctx, m.db.bind(`INSERT INTO media_assets (id, tenant, owner, status, deleting, words, doc, rev) VALUES (?, ?, ?, ?, ?, ?, ?, 1)`),
		r.Asset.ID, r.Tenant, r.Asset.Owner, string(r.Asset.Status), flag(r.Deleting), words(r.Asset), doc)
	return wrap(op, err)
}

// Asset implements media.AssetStore.
func (m *Media) Asset(ctx context.Context, tenant, id string) (media.Record, error) {
	r, _, err := m.asset(ctx, m.db.read, tenant, id)
	return r, err
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
		won, err := m.won(ctx, op, m.db.write, `UPDATE media_assets SET status = ?, deleting = ?, words = ?, doc = ?, rev = rev + 1 WHERE id = ? AND rev = ?`,
			string(r.Asset.Status), flag(r.Deleting), words(r.Asset), doc, id, rev)
		if err != nil {
			return media.Record{}, err
		}
		if won {
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
func (m *Media) DeleteAsset(ctx context.Context, tenant, id string) error {
	return m.db.tx(ctx, func(q querier) error {
		for _, stmt := range []string{
			`DELETE FROM media_parts WHERE upload IN (SELECT id FROM media_uploads WHERE asset = ? AND tenant = ?)`,
			`DELETE FROM media_uploads WHERE asset = ? AND tenant = ?`,
			`DELETE FROM media_tasks WHERE asset = ? AND tenant = ?`,
			`DELETE FROM media_versions WHERE asset = ? AND tenant = ?`,
			`DELETE FROM media_assets WHERE id = ? AND tenant = ?`,
		} {
			if _, err := q.ExecContext(ctx, m.db.bind(stmt), id, tenant); err != nil {
				return wrap("sqldb.DeleteAsset", err)
			}
		}
		return nil
	})
}

// CreateUpload implements media.UploadStore.
func (m *Media) CreateUpload(ctx context.Context, u media.Upload) error {
	const op = "sqldb.CreateUpload"
	doc, err := encode(op, u)
	if err != nil {
		return err
	}
	// A final upload's bytes are those of its partial ones.
	_, err = m.db.write.ExecContext(ctx, m.db.bind(`INSERT INTO media_uploads (id, tenant, owner, asset, size, byte_offset, hash, finished, counted, doc, updated_at, rev)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`),
		u.ID, u.Tenant, u.Owner, u.Asset, u.Size, u.Offset, base64.StdEncoding.EncodeToString(u.Hash), flag(u.Finished), u.Size, doc, millis(u.UpdatedAt))
	return wrap(op, err)
}

// Upload implements media.UploadStore.
func (m *Media) Upload(ctx context.Context, id string) (media.Upload, error) {
	u, _, err := m.upload(ctx, m.db.read, id)
	return u, err
}

const uploadColumns = `doc, byte_offset, hash, finished, updated_at, rev`

type scanner interface{ Scan(dest ...any) error }

// scanUpload reads a row: what changes often is in columns, which win over the document.
func scanUpload(op string, row scanner) (u media.Upload, rev int64, err error) {
	var doc, hash string
	var offset, finished, updated int64
	if err = row.Scan(&doc, &offset, &hash, &finished, &updated, &rev); err != nil {
		return u, 0, err
	}
	if err = decode(op, doc, &u); err != nil {
		return u, 0, err
	}
	u.Offset, u.Finished, u.UpdatedAt = offset, finished != 0, fromMillis(updated)
	u.Hash, err = base64.StdEncoding.DecodeString(hash)
	return u, rev, err
}

func (m *Media) upload(ctx context.Context, q querier, id string) (media.Upload, int64, error) {
	const op = "sqldb.Upload"
	u, rev, err := scanUpload(op, q.QueryRowContext(ctx, m.db.bind(`SELECT `+uploadColumns+` FROM media_uploads WHERE id = ?`), id))
	if errors.Is(err, sql.ErrNoRows) {
		return u, 0, fault.New(fault.NotFound, op, "there is no such upload")
	}
	return u, rev, wrap(op, err)
}

// ChangeUpload implements media.UploadStore.
func (m *Media) ChangeUpload(ctx context.Context, id string, change func(*media.Upload) error) (media.Upload, error) {
	const op = "sqldb.ChangeUpload"
	for range maxRaces {
		u, rev, err := m.upload(ctx, m.db.write, id)
		if err != nil {
			return media.Upload{}, err
		}
		if err := change(&u); err != nil {
			return media.Upload{}, err
		}
		doc, err := encode(op, u)
		if err != nil {
			return media.Upload{}, err
		}
		won, err := m.won(ctx, op, m.db.write, `UPDATE media_uploads SET finished = ?, doc = ?, updated_at = ?, rev = rev + 1 WHERE id = ? AND rev = ?`,
			flag(u.Finished), doc, millis(u.UpdatedAt), id, rev)
		if err != nil {
			return media.Upload{}, err
		}
		if won {
			return u, nil
		}
	}
	return media.Upload{}, fault.New(fault.Unavailable, op, "too many changes at once; try again")
}

// AppendParts implements media.UploadStore.
func (m *Media) AppendParts(ctx context.Context, id string, from int64, parts []media.Part, hash []byte, at time.Time) error {
	const op = "sqldb.AppendParts"
	return m.db.tx(ctx, func(q querier) error {
		var tenant string
		end := from
		for _, p := range parts {
			end += p.Size
		}
		err := q.QueryRowContext(ctx, m.db.bind(`UPDATE media_uploads SET byte_offset = ?, hash = ?, updated_at = ?, rev = rev + 1
			WHERE id = ? AND byte_offset = ? AND finished = 0 AND size >= ? RETURNING tenant`),
			end, base64.StdEncoding.EncodeToString(hash), millis(at), id, from, end).Scan(&tenant)
		if errors.Is(err, sql.ErrNoRows) {
			return fault.New(fault.Conflict, op, "the upload has moved on")
		}
		if err != nil {
			return wrap(op, err)
		}
		for _, p := range parts {
			_, err := q.ExecContext(ctx, m.db.bind(`INSERT INTO media_parts (upload, byte_offset, tenant, storage_key, size) VALUES (?, ?, ?, ?, ?)`), id, from, tenant, p.Key, p.Size)
			if err != nil {
				return wrap(op, err)
			}
			from += p.Size
		}
		return nil
	})
}

// DeleteUpload implements media.UploadStore.
func (m *Media) DeleteUpload(ctx context.Context, id string) error {
	return m.db.tx(ctx, func(q querier) error {
		for _, stmt := range []string{`DELETE FROM media_parts WHERE upload = ?`, `DELETE FROM media_uploads WHERE id = ?`} {
			if _, err := q.ExecContext(ctx, m.db.bind(stmt), id); err != nil {
				return wrap("sqldb.DeleteUpload", err)
			}
		}
		return nil
	})
}

// Parts implements media.UploadIndex.
func (m *Media) Parts(ctx context.Context, upload string) ([]media.Part, error) {
	const op = "sqldb.Parts"
	rows, err := m.db.read.QueryContext(ctx, m.db.bind(`SELECT storage_key, size FROM media_parts WHERE upload = ? ORDER BY byte_offset`), upload)
	if err != nil {
		return nil, wrap(op, err)
	}
	defer rows.Close()
	var out []media.Part
	for rows.Next() {
		var p media.Part
		if err := rows.Scan(&p.Key, &p.Size); err != nil {
			return nil, wrap(op, err)
		}
		out = append(out, p)
	}
	return out, wrap(op, rows.Err())
}

// Uploads implements media.UploadIndex.
func (m *Media) Uploads(ctx context.Context) ([]media.Upload, error) {
	const op = "sqldb.Uploads"
	rows, err := m.db.read.QueryContext(ctx, `SELECT `+uploadColumns+` FROM media_uploads WHERE finished = 0 ORDER BY id`)
	if err != nil {
		return nil, wrap(op, err)
	}
	defer rows.Close()
	var out []media.Upload
	for rows.Next() {
		u, _, err := scanUpload(op, rows)
		if err != nil {
			return nil, wrap(op, err)
		}
		out = append(out, u)
	}
	return out, wrap(op, rows.Err())
}

// Pledged implements media.UploadIndex.
func (m *Media) Pledged(ctx context.Context, tenant, owner string) (int64, error) {
	var n int64
	err := m.db.read.QueryRowContext(ctx, m.db.bind(`SELECT COALESCE(SUM(counted), 0) FROM media_uploads WHERE tenant = ? AND owner = ?`), tenant, owner).Scan(&n)
	return n, wrap("sqldb.Pledged", err)
}

// PutVersion implements media.VersionStore.
func (m *Media) PutVersion(ctx context.Context, v media.VersionRecord) error {
	const op = "sqldb.PutVersion"
	tasks := v.Plan.Tasks
	v.Plan.Tasks = nil
	doc, err := encode(op, v)
	if err != nil {
		return err
	}
	return m.db.tx(ctx, func(q querier) error {
		if _, err := q.ExecContext(ctx, m.db.bind(`INSERT INTO media_versions (asset, number, tenant, doc) VALUES (?, ?, ?, ?)`), v.Asset, v.Number, v.Tenant, doc); err != nil {
			return wrap(op, err)
		}
		for i, t := range tasks {
			doc, err := encode(op, t)
			if err != nil {
				return err
			}
			_, err = q.ExecContext(ctx, m.db.bind(`INSERT INTO media_tasks (asset, number, task, tenant, position, done, doc, rev) VALUES (?, ?, ?, ?, ?, ?, ?, 1)`),
				v.Asset, v.Number, t.ID, v.Tenant, i, flag(t.Done), doc)
			if err != nil {
				return wrap(op, err)
			}
		}
		return nil
	})
}

// VersionRecord implements media.VersionStore.
func (m *Media) VersionRecord(ctx context.Context, asset string, number int) (media.VersionRecord, error) {
	const op = "sqldb.VersionRecord"
	var v media.VersionRecord
	var doc string
	err := m.db.read.QueryRowContext(ctx, m.db.bind(`SELECT doc FROM media_versions WHERE asset = ? AND number = ?`), asset, number).Scan(&doc)
	if errors.Is(err, sql.ErrNoRows) {
		return v, fault.New(fault.NotFound, op, "there is no such version")
	}
	if err != nil {
		return v, wrap(op, err)
	}
	if err := decode(op, doc, &v); err != nil {
		return v, err
	}
	rows, err := m.db.read.QueryContext(ctx, m.db.bind(`SELECT doc FROM media_tasks WHERE asset = ? AND number = ? ORDER BY position`), asset, number)
	if err != nil {
		return v, wrap(op, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&doc); err != nil {
			return v, wrap(op, err)
		}
		var t media.Task
		if err := decode(op, doc, &t); err != nil {
			return v, err
		}
		v.Plan.Tasks = append(v.Plan.Tasks, t)
	}
	return v, wrap(op, rows.Err())
}

// ChangeTask implements media.VersionStore.
func (m *Media) ChangeTask(ctx context.Context, asset string, number int, task string, change func(*media.Task) error) error {
	const op = "sqldb.ChangeTask"
	for range maxRaces {
		var doc string
		var rev int64
		err := m.db.write.QueryRowContext(ctx, m.db.bind(`SELECT doc, rev FROM media_tasks WHERE asset = ? AND number = ? AND task = ?`), asset, number, task).Scan(&doc, &rev)
		if err != nil {
			return wrap(op, err)
		}
		var t media.Task
		if err := decode(op, doc, &t); err != nil {
			return err
		}
		if err := change(&t); err != nil {
			return err
		}
		if doc, err = encode(op, t); err != nil {
			return err
		}
		won, err := m.won(ctx, op, m.db.write, `UPDATE media_tasks SET done = ?, doc = ?, rev = rev + 1 WHERE asset = ? AND number = ? AND task = ? AND rev = ?`,
			flag(t.Done), doc, asset, number, task, rev)
		if err != nil || won {
			return err
		}
	}
	return fault.New(fault.Unavailable, op, "too many changes at once; try again")
}

// DeleteVersion implements media.VersionStore.
func (m *Media) DeleteVersion(ctx context.Context, asset string, number int) error {
	return m.db.tx(ctx, func(q querier) error {
		for _, stmt := range []string{`DELETE FROM media_tasks WHERE asset = ? AND number = ?`, `DELETE FROM media_versions WHERE asset = ? AND number = ?`} {
			if _, err := q.ExecContext(ctx, m.db.bind(stmt), asset, number); err != nil {
				return wrap("sqldb.DeleteVersion", err)
			}
		}
		return nil
	})
}

// Unsettled implements media.VersionStore.
func (m *Media) Unsettled(ctx context.Context) ([]media.Record, error) {
	const op = "sqldb.Unsettled"
	rows, err := m.db.read.QueryContext(ctx, m.db.bind(`SELECT doc FROM media_assets WHERE status IN (?, ?) OR deleting = 1 ORDER BY id`), string(media.Processing), string(media.Playable))
	if err != nil {
		return nil, wrap(op, err)
	}
	defer rows.Close()
	var out []media.Record
	for rows.Next() {
		var doc string
		if err := rows.Scan(&doc); err != nil {
			return nil, wrap(op, err)
		}
		r, err := decodeRecord(op, doc)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, wrap(op, rows.Err())
}

// words is what listings are searched in.
func words(a media.Asset) string {
	return strings.ToLower(a.Title + "\n" + a.Description + "\n" + strings.Join(a.Tags, "\n"))
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
