package sqldb

import (
	"context"
	"database/sql"
	"errors"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
)

// PutVersion implements media.VersionStore.
func (m *Media) PutVersion(ctx context.Context, v media.VersionRecord) error {
	ctx = ofTenant(ctx, v.Tenant)
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
	ctx = ofRow(ctx, asset)
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
	ctx = ofRow(ctx, asset)
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
	ctx = ofRow(ctx, asset)
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
	ctx = everyTenant(ctx, byReconcile)
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
