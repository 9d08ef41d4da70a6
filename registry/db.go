package registry

import (
	"context"
	"path/filepath"
	"sync"
	"time"
)

// FileName is the name of the database in its folder.
const FileName = "registry.db"

// Options say how a database is opened. The zero value of each field but Path means its default.
type Options struct {
	Path     string        // the file; made, with its folder, where it is missing
	User     string        // whose records are made: the handle of a user, who is made too; default: "unknown"
	Patience time.Duration // how long a call waits for other programs, and for another's lease; default: a minute
	Network  Network       // whether the file lies on a network file system; default: as the system says

	times leaseTimes // for tests
}

// patience is the default of Options.Patience. A transaction of ours takes milliseconds.
const patience = time.Minute

// busyTimeout is how long SQLite itself waits for the lock of writers: see DB.retry.
const busyTimeout = time.Millisecond

// DB is an open database. Its methods may be called from several goroutines.
type DB struct {
	path  string
	opt   Options
	lease *lease // on a network file system

	mu     sync.Mutex // guards what follows
	pools  *pools     // without a lease
	user   string     // uid of the user
	closed bool       // without a lease
}

// Open opens a database, makes it where there is none, and brings one of an earlier version up to this one.
//
// On a network file system one process at a time has the file: it holds a lease for as long as it uses it, and gives it up a second
// later, or when others wait. Whoever wants it waits for Options.Patience, and then fails with [ErrHeld], which names the holder.
//
// A file that is removed, or that another one takes the place of, while it is open, is opened anew by the next call: what is said to be
// saved is in the file that is there.
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
func (db *DB) User() string {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.user
}

// Close ends all use of the database, after the calls that run.
func (db *DB) Close() error {
	if db.lease != nil {
		return db.lease.close()
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	db.closed = true
	if db.pools != nil {
		return db.pools.close()
	}
	return nil
}

func (db *DB) open(ctx context.Context) (err error) {
	if kind, yes := db.opt.Network.networked(existing(filepath.Dir(db.path))); yes {
		db.lease = newLease(db, kind)
	} else if db.pools, err = db.connect(ctx); err != nil {
		return err
	}
	_, done, err := db.enter(ctx)
	if err == nil {
		done()
	}
	return err
}
