package sqldb

import (
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/streamgate/streamgate/fault"
)

// wrap gives a database error its fault kind. What is not known better is
// fault.Unavailable: it is never an answer about the records.
func wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return fault.Wrap(fault.NotFound, op, err)
	}
	var se *sqlite.Error
	if errors.As(err, &se) && (se.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || se.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY) {
		return fault.Wrap(fault.Conflict, op, err)
	}
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return fault.Wrap(postgresKind(pe.Code), op, err)
	}
	return fault.Wrap(fault.Unavailable, op, err)
}

// postgresKind maps SQLSTATE codes (PostgreSQL manual, appendix A).
func postgresKind(code string) fault.Kind {
	switch code {
	case "23505": // unique_violation
		return fault.Conflict
	case "22021", "22P05": // a character that the database cannot store, such as NUL
		return fault.Invalid
	}
	switch code[:min(2, len(code))] {
	case "22", "23", "42": // wrong data, constraints, syntax or access rule: a defect of ours
		return fault.Internal
	}
	return fault.Unavailable
}

// undone tells whether the database gave the transaction up in favour of another: the
// same again may succeed.
func undone(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && (pe.Code == "40001" || pe.Code == "40P01")
}
