package sqldb

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
)

// CreateUpload implements media.UploadStore.
func (m *Media) CreateUpload(ctx context.Context, u media.Upload) error {
	ctx = ofTenant(ctx, u.Tenant)
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
	ctx = ofRow(ctx, id)
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
	ctx = ofRow(ctx, id)
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
	ctx = ofRow(ctx, id)
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
	ctx = ofRow(ctx, id)
	return m.db.tx(ctx, func(q querier) error {
		// The upload first: whoever appends meanwhile comes too late, or has his parts removed.
		for _, stmt := range []string{`DELETE FROM media_uploads WHERE id = ?`, `DELETE FROM media_parts WHERE upload = ?`} {
			if _, err := q.ExecContext(ctx, m.db.bind(stmt), id); err != nil {
				return wrap("sqldb.DeleteUpload", err)
			}
		}
		return nil
	})
}

// Parts implements media.UploadIndex.
func (m *Media) Parts(ctx context.Context, upload string) ([]media.Part, error) {
	ctx = ofRow(ctx, upload)
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
	ctx = everyTenant(ctx, byReconcile)
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
	ctx = ofTenant(ctx, tenant)
	var n int64
	err := m.db.read.QueryRowContext(ctx, m.db.bind(`SELECT CAST(COALESCE(SUM(counted), 0) AS BIGINT) FROM media_uploads WHERE tenant = ? AND owner = ?`), tenant, owner).Scan(&n)
	return n, wrap("sqldb.Pledged", err)
}
