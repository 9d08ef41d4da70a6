package registry

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// FileName is the name of the database in its folder.
const FileName = "registry.db"

// Options say how a database is opened. The zero value of each field but Path means its default.
type Options struct {
	Path     string        // the file; made, with its folder, where it is missing
	User     string        // whose records are made: the handle of a [ModelUser]; default: "unknown"
	Patience time.Duration // how long a write waits for another program's; default: a minute
}

// patience is the default of Options.Patience. A transaction of ours takes milliseconds.
const patience = time.Minute

// busyTimeout is how long SQLite itself waits for a lock before we look whether the caller still wants it.
const busyTimeout = time.Second

// DB is an open database. Its methods may be called from several goroutines.
type DB struct {
	path  string
	opt   Options
	write *sql.DB // one connection: writers of this process take turns here, and not by SQLite's locks
	read  *sql.DB
	user  string // uid of the user
}

// Open opens a database, makes it where there is none, and brings one of an earlier version up to this one.
func Open(ctx context.Context, o Options) (*DB, error) {
	if !hasSQLite {
		return nil, fail(ErrInvalid, "open", o.Path, "build it with CGO_ENABLED=1 and a C compiler", "this loaderd was built without SQLite")
	}
	path, err := filepath.Abs(o.Path)
	if err != nil || o.Path == "" {
		return nil, fail(ErrInvalid, "open", "Options.Path", "", "%q is no path", o.Path)
	}
	if o.User == "" {
		o.User = "unknown"
	}
	if o.Patience == 0 {
		o.Patience = patience
	}
	db := &DB{path: path, opt: o}
	if err := db.open(ctx); err != nil {
		db.Close()
		return nil, db.explain("open", err)
	}
	return db, nil
}

// Path is the file, absolute.
func (db *DB) Path() string { return db.path }

// User is the uid of the user whose records are made.
func (db *DB) User() string { return db.user }

// Close ends all use of the database. Calls that run end first.
func (db *DB) Close() error {
	var first error
	for _, pool := range []*sql.DB{db.read, db.write} { // the last connection to close tidies the log away
		if pool != nil {
			if err := pool.Close(); err != nil && first == nil {
				first = err
			}
		}
	}
	return first
}

func (db *DB) open(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Dir(db.path), 0o700); err != nil {
		return err
	}
	// SQLite would make the file with the mode of everyday files; its log takes the mode of the file.
	f, err := os.OpenFile(db.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	f.Close()
	if db.write, err = sql.Open(driverName, source(db.path, db.options(false))); err != nil {
		return err
	}
	db.write.SetMaxOpenConns(1)
	if db.read, err = sql.Open(driverName, source(db.path, db.options(true))); err != nil {
		return err
	}
	db.read.SetMaxOpenConns(max(4, runtime.GOMAXPROCS(0)))
	if err := db.migrate(ctx, steps); err != nil {
		return err
	}
	return db.update(ctx, "open", func(tx *tx) error {
		user, err := tx.ensureUser(db.opt.User)
		db.user = user
		return err
	})
}

func (db *DB) options(readOnly bool) url.Values {
	v := url.Values{
		"_busy_timeout": {fmt.Sprint(busyTimeout.Milliseconds())},
		"_foreign_keys": {"1"},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"}, // an answer means that it is on disk
		"_txlock":       {"immediate"},
	}
	if readOnly {
		v.Set("_query_only", "1")
	}
	return v
}
