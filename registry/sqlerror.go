package registry

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"syscall"
)

// SQLite's result codes (https://www.sqlite.org/rescode.html).
const (
	sqliteBusy       = 5
	sqliteLocked     = 6
	sqliteReadOnly   = 8
	sqliteIOErr      = 10
	sqliteCorrupt    = 11
	sqliteFull       = 13
	sqliteCantOpen   = 14
	sqliteConstraint = 19
	sqliteNotADB     = 26

	sqliteForeignKey = 787  // SQLITE_CONSTRAINT_FOREIGNKEY
	sqliteTrigger    = 1811 // SQLITE_CONSTRAINT_TRIGGER: what ON DELETE RESTRICT gives
	sqlitePrimaryKey = 1555
	sqliteUnique     = 2067
)

// isBusy says whether somebody else's transaction is in the way, which a later try may find gone.
func isBusy(err error) bool {
	code, _, ok := sqlCode(err)
	return ok && (code == sqliteBusy || code == sqliteLocked)
}

// explain gives an error of SQLite or of the file its sentinel. Errors of this package, and of contexts, stay as they are.
func (db *DB) explain(op string, err error) error {
	var own *Error
	if err == nil || errors.As(err, &own) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	kind, object, hint := ErrBadFile, db.path, ""
	code, extended, isSQL := sqlCode(err)
	switch {
	case errors.Is(err, sql.ErrConnDone), err.Error() == "sql: database is closed":
		kind = ErrClosed
	case isSQL && (code == sqliteBusy || code == sqliteLocked):
		kind, hint = ErrHeld, "another program writes into it for long; find it with `fuser "+db.path+"`"
	case isSQL && (code == sqliteCorrupt || code == sqliteNotADB):
		hint = "put a copy of it back, or save what can be saved with `sqlite3 " + db.path + " .recover`; to start anew, move it away"
	case isSQL && code == sqliteConstraint && (extended == sqliteForeignKey || extended == sqliteTrigger):
		kind, object = ErrProtected, op
	case isSQL && code == sqliteConstraint && (extended == sqliteUnique || extended == sqlitePrimaryKey):
		kind, object = ErrConflict, op
	case isSQL && code == sqliteConstraint:
		kind, object = ErrInvalid, op
	case isSQL && (code == sqliteFull || code == sqliteReadOnly || code == sqliteIOErr || code == sqliteCantOpen),
		errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		kind, hint = ErrNoSpace, "the folder of the database must be writable and have room; LOADERD_DATA_DIR names another"
	}
	return &Error{Kind: kind, Op: op, Object: object, Hint: hint, Err: err}
}
