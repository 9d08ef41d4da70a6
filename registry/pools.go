package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
)

// pools are the connections to the file.
type pools struct {
	write *sql.DB // one connection: writers of this process take turns here, and not by SQLite's locks
	read  *sql.DB
	user  string      // the uid of the user whose records are made
	file  os.FileInfo // what they are connections to
	at    string      // where it lay, without links
	log   os.FileInfo // its write-ahead log, which lies there
	calls int         // that have them, without a lease; guarded by DB.mu
}

// connect opens the file, makes it where it is missing, and brings its schema up to date.
func (db *DB) connect(ctx context.Context) (*pools, error) {
	if err := os.MkdirAll(filepath.Dir(db.path), 0o700); err != nil {
		return nil, err
	}
	// SQLite would make the file with the mode of everyday files; its log takes the mode of the file.
	f, err := os.OpenFile(db.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	p := new(pools)
	p.file, err = f.Stat()
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if err := db.probe(ctx); err != nil {
		return nil, err
	}
	if p.write, err = sql.Open(driverName, source(db.path, db.options(false))); err != nil {
		return nil, err
	}
	p.write.SetMaxOpenConns(1)
	p.read = p.write
	if db.lease == nil {
		if p.read, err = sql.Open(driverName, source(db.path, db.options(true))); err != nil {
			return nil, errors.Join(err, p.close())
		}
		p.read.SetMaxOpenConns(max(4, runtime.GOMAXPROCS(0)))
	}
	err = db.migrate(ctx, p, steps)
	if err == nil {
		err = db.ensureUser(ctx, p)
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	if p.at, err = filepath.EvalSymlinks(db.path); err != nil {
		return nil, errors.Join(err, p.close())
	}
	if p.log, err = os.Stat(p.at + "-wal"); err != nil {
		p.log = nil // with a lease there is none
	}
	return p, nil
}

// ensureUser notes the user whose records are made, who is made where there is none.
func (db *DB) ensureUser(ctx context.Context, p *pools) error {
	err := db.retry(ctx, func() error {
		return p.write.QueryRowContext(ctx, "SELECT uid FROM user WHERE handle = ?", db.opt.User).Scan(&p.user)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = db.updateIn(ctx, p, "open", func(tx *tx) (err error) {
			p.user, err = tx.ensureUser(db.opt.User)
			return err
		})
	}
	return err
}

// gone reports whether the file is no more that which a path leads to. What is written to it then is lost.
func (p *pools) gone(path string) bool {
	now, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(now, p.file)
}

// forget removes the log of a file that is gone: SQLite would take it for that of the file that is at its path now. What it holds goes
// into the file that it is of, which may only have been moved.
func (p *pools) forget(ctx context.Context) {
	now, err := os.Stat(p.at + "-wal")
	if err != nil || p.log == nil || !os.SameFile(now, p.log) || !p.gone(p.at) {
		return
	}
	_, _ = p.write.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	os.Remove(p.at + "-wal")
	os.Remove(p.at + "-shm")
}

// close closes what is there. Statements that run end first.
func (p *pools) close() error {
	var err error
	if p.read != nil && p.read != p.write {
		err = p.read.Close() // first: the last connection to close tidies the log away, and this one may not write
	}
	return errors.Join(err, p.write.Close())
}

// options are those of the driver and of SQLite. With a lease, for a network file system, there is no log in shared memory, and
// one connection for all: with the older journal, those that read would be in the way of the one that writes.
func (db *DB) options(readOnly bool) url.Values {
	v := url.Values{
		"_stmt_cache_size": {"200"}, // a save takes a dozen statements, and to prepare them half of its time
		"_busy_timeout":    {fmt.Sprint(busyTimeout.Milliseconds())},
		"_foreign_keys":    {"1"},
		"_journal_mode":    {"WAL"},
		"_synchronous":     {"FULL"}, // an answer means that it is on disk
		"_txlock":          {"immediate"},
	}
	if db.lease != nil {
		v.Set("_journal_mode", "DELETE")
	}
	if readOnly {
		v.Set("_query_only", "1")
		v.Set("_busy_timeout", fmt.Sprint(db.opt.Patience.Milliseconds()))
	}
	return v
}

// enter gives the connections for one use, which done ends. With a lease, it waits until it is ours.
func (db *DB) enter(ctx context.Context) (p *pools, done func(), err error) {
	if db.lease != nil {
		if p, done, err = db.lease.enter(ctx); err == nil {
			db.mu.Lock()
			defer db.mu.Unlock()
			db.user = p.user
		}
		return p, done, err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if old := db.pools; !db.closed && old.gone(db.path) {
		old.forget(ctx)
		if p, err = db.connect(ctx); err != nil {
			return nil, nil, err
		}
		db.pools = p
		if old.calls == 0 {
			_ = old.close() // what it held is gone
		}
	}
	p = db.pools
	p.calls++
	db.user = p.user
	return p, func() { db.leave(p) }, nil
}

// leave ends a use of connections. Those to a file that is gone are closed with the last.
func (db *DB) leave(p *pools) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if p.calls--; p.calls == 0 && p != db.pools {
		_ = p.close()
	}
}

// reading calls fn with the connections that read.
func (db *DB) reading(ctx context.Context, op string, fn func(read *sql.DB) error) error {
	p, done, err := db.enter(ctx)
	if err != nil {
		return db.explain(op, err)
	}
	defer done()
	return db.explain(op, fn(p.read))
}
