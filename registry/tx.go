package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// tx is one write: all of it is done, or nothing.
type tx struct {
	db  *DB
	sql *sql.Tx
	ctx context.Context
	op  string
	now time.Time

	user string // the uid of whose records are made

	from   *DB               // of which records are copied that are named and not here; nil: none are
	own    bool              // what is here is meant, also where it is another one there
	notes  []string          // of records that are saved along with another
	tagged map[string]Tagged // what was saved under tags

	hashes  map[string]FileOf // of files that were read before the transaction, "" of one that can not be read
	folders bool              // they can be read, too
	unread  []string          // files whose hashes it needs beside these: nobody waits for a turn to write while a file is read
}

// update runs fn in a transaction that no other writer's crosses, and commits what it did.
func (db *DB) update(ctx context.Context, op string, fn func(*tx) error) error {
	p, done, err := db.enter(ctx)
	if err != nil {
		return db.explain(op, err)
	}
	defer done()
	return db.updateIn(ctx, p, op, func(tx *tx) error {
		if err := fn(tx); err != nil || db.lease == nil {
			return err
		}
		return db.lease.check(p)
	})
}

func (db *DB) updateIn(ctx context.Context, p *pools, op string, fn func(*tx) error) error {
	var t *sql.Tx
	err := db.retry(ctx, func() (err error) {
		t, err = p.write.BeginTx(ctx, nil)
		return err
	})
	if err != nil {
		return db.explain(op, err)
	}
	defer t.Rollback() // does nothing after the commit
	if err := fn(&tx{db: db, sql: t, ctx: ctx, op: op, now: time.Now().UTC().Truncate(time.Microsecond), user: p.user}); err != nil {
		return db.explain(op, err)
	}
	return db.explain(op, t.Commit())
}

// retry tries again while another program's transaction is in the way, until the patience or the context ends. Who has waited for long
// looks more often, so that everybody gets a turn: SQLite's own waiting does the opposite.
func (db *DB) retry(ctx context.Context, try func() error) error {
	begin := time.Now()
	for {
		err := try()
		waited := time.Since(begin)
		if !isBusy(err) || waited > db.opt.Patience {
			return err
		}
		between := 8 * time.Millisecond
		if waited > 100*time.Millisecond {
			between = time.Millisecond
		}
		if err := pause(ctx, between/2+rand.N(between)); err != nil {
			return err
		}
	}
}

// id is the id of the record of that uid.
func (tx *tx) id(t *Table, uid string) (int64, error) {
	var id int64
	err := tx.sql.QueryRowContext(tx.ctx, fmt.Sprintf("SELECT id FROM %s WHERE uid = ?", quote(string(t.Model))), uid).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, noRecord(tx.op, t.Model, uid)
	}
	return id, err
}

// find gives the records that a condition on the table t holds for.
func (tx *tx) find(t *Table, condition string, args ...any) ([]Record, error) {
	return t.records(tx.sql.QueryContext(tx.ctx, fmt.Sprintf("SELECT %s FROM %s t WHERE %s", t.columns("t"), quote(string(t.Model)), condition), args...))
}

// first is the first of find, nil where there is none.
func (tx *tx) first(t *Table, condition string, args ...any) (Record, error) {
	found, err := tx.find(t, condition+" LIMIT 1", args...)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// get is the record of a uid.
func (tx *tx) get(t *Table, uid string) (Record, error) {
	r, err := tx.first(t, "t.uid = ?", uid)
	if err == nil && r == nil {
		err = noRecord(tx.op, t.Model, uid)
	}
	return r, err
}

// insert adds a canonical record, and gives it as it is stored. Times that it brings along are those of another registry.
func (tx *tx) insert(t *Table, r Record) (Record, error) {
	setDefault(r, "created_at", tx.now)
	setDefault(r, "updated_at", tx.now)
	if t.Has("created_by") && r["created_by"] == nil {
		r["created_by"] = tx.user
	}
	var names, marks []string
	var args []any
	for _, f := range t.Fields {
		if f.Computed != "" {
			continue
		}
		v, err := tx.stored(f, r[f.Name])
		if err != nil {
			return nil, err
		}
		if v == nil && f.Must {
			return nil, fail(ErrInvalid, tx.op, fmt.Sprintf("%s.%s", t.Model, f.Name), "", "a %s needs it: %s", t.Model, f.Doc)
		}
		names, marks, args = append(names, quote(f.Column())), append(marks, "?"), append(args, v)
	}
	q := fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", quote(string(t.Model)), strings.Join(names, ", "), strings.Join(marks, ", "))
	if _, err := tx.sql.ExecContext(tx.ctx, q, args...); err != nil {
		return nil, err
	}
	return tx.get(t, r.UID())
}

// set changes fields of a record.
func (tx *tx) set(t *Table, id int64, changes Record) error {
	changes["updated_at"] = tx.now
	var names []string
	var args []any
	for _, f := range t.Fields {
		v, there := changes[f.Name]
		if !there {
			continue
		}
		s, err := tx.stored(f, v)
		if err != nil {
			return err
		}
		names, args = append(names, quote(f.Column())+" = ?"), append(args, s)
	}
	q := fmt.Sprintf("UPDATE %s SET %s WHERE id = ?", quote(string(t.Model)), strings.Join(names, ", "))
	_, err := tx.sql.ExecContext(tx.ctx, q, append(args, id)...)
	return err
}

// stored is a canonical value as SQLite gets it, a reference as an id.
func (tx *tx) stored(f Field, v any) (any, error) {
	if f.Type != Ref || v == nil {
		return f.stored(v)
	}
	uid, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("%s: a record stands where its uid must", f.Name)
	}
	return tx.id(tables[f.To], uid)
}

func noRecord(op string, m Model, uid string) error {
	return fail(ErrNoRecord, op, uid, "", "no %s has this uid", m)
}

// ensureUser is the uid of the user of a handle, who is made where there is none.
func (tx *tx) ensureUser(handle string) (string, error) {
	t := tables[ModelUser]
	r, err := tx.first(t, "t.handle = ?", handle)
	if err != nil {
		return "", err
	}
	if r == nil {
		r, err = tx.insert(t, Record{"uid": NewUID(ModelUser), "handle": handle})
	}
	return r.UID(), err
}
