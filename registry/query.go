package registry

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
)

// Query asks for records of a model. A record comes once, also where it is related to several that fulfil a condition.
type Query struct {
	Model    Model
	Where    Where    // nil: all
	OrderBy  []string // fields, "-" before one: descending; the id comes last
	Reverse  bool     // the same order, turned round: also that of several related records, of which it goes by the same one
	Of       *Of      // only those that stand in a relation to a record
	All      bool     // whatever the visibility; else those that are shown, unless Where speaks of visibility, id, uid or hash
	Texts    bool     // values in Where are words of a command line, which become what the fields hold: "true", "a,b"
	Distinct bool     // of Values: each row once
	Offset   int64
	Limit    int64 // 0: no limit
}

// Of names a record and one of its relations; [ErrNoRecord] where there is no such record. Without an order, records come in that of the
// relation.
type Of struct {
	Model    Model
	UID      string
	Relation string // "versions" too, for those of the same family
}

// Get is the record of a uid; [ErrNoRecord] where there is none.
func (db *DB) Get(ctx context.Context, m Model, uid string) (Record, error) {
	t, err := TableOf(m)
	if err != nil {
		return nil, err
	}
	var found []Record
	err = db.reading(ctx, "get", func(read *sql.DB) (err error) {
		found, err = t.records(read.QueryContext(ctx, fmt.Sprintf("SELECT %s FROM %s t WHERE t.uid = ?", t.columns("t"), quote(string(m))), uid))
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, noRecord("get", m, uid)
	}
	return found[0], nil
}

// Records gives the records that a query asks for.
func (db *DB) Records(ctx context.Context, q Query) ([]Record, error) {
	s, err := db.compile(ctx, q)
	if err != nil {
		return nil, err
	}
	return ordered(s, s.root.columns(rootAlias), db.runs(ctx, s), s.root.scan)
}

// UIDs gives the uids of the records that a query asks for.
func (db *DB) UIDs(ctx context.Context, q Query) ([]string, error) {
	s, err := db.compile(ctx, q)
	if err != nil {
		return nil, err
	}
	return ordered(s, rootAlias+".uid", db.runs(ctx, s), func(rows *sql.Rows) (uid string, err error) {
		err = rows.Scan(&uid)
		return uid, err
	})
}

// Count counts the records that a query asks for.
func (db *DB) Count(ctx context.Context, q Query) (int64, error) {
	s, err := db.compile(ctx, q)
	if err != nil {
		return 0, err
	}
	return db.number(ctx, s, s.count())
}

// Exists reports whether there is a record that the query asks for.
func (db *DB) Exists(ctx context.Context, q Query) (bool, error) {
	s, err := db.compile(ctx, q)
	if err != nil {
		return false, err
	}
	n, err := db.number(ctx, s, s.exists())
	return n != 0, err
}

// Values gives fields of the records, one row a record. A field may lie across relations; where one of these leads to many records
// its value is the list of theirs, nil left out.
func (db *DB) Values(ctx context.Context, q Query, fields []string) ([][]any, error) {
	s, err := db.compile(ctx, q)
	if err != nil {
		return nil, err
	}
	columns, loaders, err := s.values(fields)
	if err != nil {
		return nil, err
	}
	each := func(rows *sql.Rows) ([]any, error) { return scanValues(rows, fields, loaders) }
	if q.Distinct {
		var found [][]any
		err := db.run(ctx, s, s.distinct(columns), collect(&found, each))
		return found, err
	}
	return ordered(s, strings.Join(columns, ", "), db.runs(ctx, s), each)
}

func scanValues(rows *sql.Rows, fields []string, loaders []func(any) (any, error)) ([]any, error) {
	row := make([]any, len(fields))
	into := make([]any, len(fields))
	for i := range into {
		into[i] = &row[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	for i, load := range loaders {
		var err error
		if row[i], err = load(row[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", fields[i], err)
		}
	}
	return row, nil
}

// number runs a statement whose answer is one number.
func (db *DB) number(ctx context.Context, s *statement, f fragment) (int64, error) {
	var n int64
	err := db.run(ctx, s, f, func(rows *sql.Rows) error { return rows.Scan(&n) })
	return n, err
}

// compile compiles a query so that it is fast on what is in the database.
func (db *DB) compile(ctx context.Context, q Query) (*statement, error) {
	s, err := compile(q)
	if err != nil {
		return nil, err
	}
	if q.Of != nil { // of what is gone, "none" would be a wrong answer
		if there, err := db.Exists(ctx, Query{Model: q.Of.Model, Where: Lookup{"uid", q.Of.UID}, All: true}); err != nil || !there {
			return nil, cmp.Or(err, noRecord(s.op, q.Of.Model, q.Of.UID))
		}
	}
	return s, s.begin(func(f fragment) (int64, error) { return db.number(ctx, s, f) })
}

// runs is run for one statement.
func (db *DB) runs(ctx context.Context, s *statement) func(fragment, func(*sql.Rows) error) error {
	return func(f fragment, each func(*sql.Rows) error) error { return db.run(ctx, s, f, each) }
}

// run runs SQL that s gave on one connection, which is told the regular expressions of s first, and calls each for every row.
func (db *DB) run(ctx context.Context, s *statement, f fragment, each func(*sql.Rows) error) error {
	return db.reading(ctx, s.op, func(read *sql.DB) error {
		conn, err := read.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		for i, re := range s.patterns {
			if _, err := conn.ExecContext(ctx, "SELECT loaderd_pattern(?, ?)", i, re.String()); err != nil {
				return err
			}
		}
		rows, err := conn.QueryContext(ctx, f.sql, f.args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := each(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// load makes values of a field out of what SQLite gives; over relations to many, of a JSON list of them.
func (c column) load(many bool) func(any) (any, error) {
	f := Field{Name: c.name, Type: c.typ}
	if !many {
		return f.loaded
	}
	return func(v any) (any, error) {
		text, _ := v.(string)
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var list []any
		if err := d.Decode(&list); err != nil {
			return nil, err
		}
		for i, e := range list {
			var err error
			if n, ok := e.(json.Number); ok {
				if e, err = n.Int64(); err != nil {
					return nil, err
				}
			}
			if list[i], err = f.loaded(e); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
}
