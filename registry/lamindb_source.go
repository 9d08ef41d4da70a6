package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// lamindb is a lamindb instance that is read, in one transaction, so that all of it is of one moment.
type lamindb struct {
	ctx  context.Context
	path string
	db   *sql.DB
	tx   *sql.Tx
	have map[string][]string // columns of its tables
}

// lamindbRow is a row by its columns.
type lamindbRow map[string]any

// lamindbNeeds are columns without which an instance is of another time, by their table.
var lamindbNeeds = map[string][]string{
	"artifact":   {"uid", "key", "_real_key", "_key_is_virtual", "_overwrite_versions", "suffix", "hash", "_hash_type", "branch_id", "storage_id", "run_id", "version_tag"},
	"collection": {"uid", "key", "hash", "branch_id", "run_id", "version_tag", "meta_artifact_id"},
	"run":        {"uid", "transform_id", "_status_code"}, "transform": {"uid", "key", "kind", "version_tag"},
	"ulabel": {"uid", "name", "type_id"}, "storage": {"uid", "root", "type"}, "user": {"uid", "handle"},
	"collectionartifact": {"collection_id", "artifact_id"},
}

const lamindbPrefix = "lamindb_"

// openLamindb opens an instance's file for reading.
func openLamindb(ctx context.Context, path string) (*lamindb, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	refuse := func(kind error, hint, format string, args ...any) error {
		return fail(kind, "import", path, hint, format, args...)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, refuse(ErrNoRecord, "the file of a local instance is STORAGE/.lamindb/lamin.db", "there is no such file")
	case err != nil:
		return nil, refuse(ErrBadFile, "", "%v", err)
	case !info.Mode().IsRegular():
		return nil, refuse(ErrInvalid, "the file of a local instance is STORAGE/.lamindb/lamin.db", "it is no file")
	}
	l := &lamindb{ctx: ctx, path: path, have: make(map[string][]string)}
	l.db, err = sql.Open(driverName, source(path, url.Values{"mode": {"ro"}, "_query_only": {"1"}, "_busy_timeout": {"5000"}}))
	if err == nil {
		l.db.SetMaxOpenConns(1)
		l.tx, err = l.db.BeginTx(ctx, nil)
	}
	if err == nil {
		err = l.readColumns()
	}
	if err == nil {
		err = l.check(refuse)
	}
	if err != nil {
		l.close()
		var own *Error
		if errors.As(err, &own) || ctx.Err() != nil {
			return nil, err
		}
		return nil, &Error{Kind: ErrBadFile, Op: "import", Object: path, Err: err, Hint: "it must be the SQLite file of a lamindb instance"}
	}
	return l, nil
}

func (l *lamindb) close() {
	if l.tx != nil {
		l.tx.Rollback()
	}
	l.db.Close()
}

func (l *lamindb) readColumns() error {
	rows, err := l.tx.QueryContext(l.ctx, "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.cid")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return err
		}
		l.have[table] = append(l.have[table], column)
	}
	return rows.Err()
}

func (l *lamindb) check(refuse func(kind error, hint, format string, args ...any) error) error {
	if l.have[lamindbPrefix+"artifact"] == nil {
		return refuse(ErrBadFile, "it must be the SQLite file of a lamindb instance", "it is a database without a table %sartifact", lamindbPrefix)
	}
	for table, needs := range lamindbNeeds {
		for _, column := range needs {
			if !slices.Contains(l.have[lamindbPrefix+table], column) {
				return refuse(ErrBadFile, "bring the instance up to date with a lamindb of 2026 (`lamin migrate deploy`), then import it",
					"its table %s%s has no column %s, so its schema is one that is not known here", lamindbPrefix, table, column)
			}
		}
	}
	return nil
}

// rows reads a table, by id; nothing where it is not there.
func (l *lamindb) rows(table string, each func(lamindbRow) error) error {
	columns := l.have[lamindbPrefix+table]
	if columns == nil {
		return nil
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
	}
	rows, err := l.tx.QueryContext(l.ctx, fmt.Sprintf("SELECT %s FROM %s ORDER BY id", strings.Join(names, ", "), quote(lamindbPrefix+table)))
	if err != nil {
		return err
	}
	defer rows.Close()
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range into {
		into[i] = &values[i]
	}
	row := make(lamindbRow, len(columns))
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, c := range columns {
			row[c] = values[i]
		}
		if err := each(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// count counts the rows of a table.
func (l *lamindb) count(table, condition string) (n int64, err error) {
	err = l.tx.QueryRowContext(l.ctx, fmt.Sprintf(`SELECT count(*) FROM "%s" WHERE %s`, strings.ReplaceAll(table, `"`, `""`), condition)).Scan(&n)
	return n, err
}

// countAll counts the rows that will be read as records.
func (l *lamindb) countAll() (total int64, err error) {
	for _, m := range lamindbModels {
		n, err := l.count(lamindbPrefix+m.table, "1")
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// text is the text in a column; "" where there is none.
func (r lamindbRow) text(column string) string {
	switch v := r[column].(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}

// or is a value or nil for the empty text, which is as good as none.
func (r lamindbRow) or(column string) any {
	if s := r.text(column); s != "" {
		return s
	}
	return nil
}

// int is the number in a column; 0 where there is none.
func (r lamindbRow) int(column string) int64 {
	switch v := r[column].(type) {
	case int64:
		return v
	case bool: // what the driver makes of a column that is declared so
		if v {
			return 1
		}
	}
	return 0
}

// number is the number in a column, or nil.
func (r lamindbRow) number(column string) any {
	if r[column] == nil {
		return nil
	}
	return r.int(column)
}

// time is the time in a column, or nil. Django writes UTC without saying so.
func (r lamindbRow) time(column string) (any, error) {
	switch v := r[column].(type) {
	case nil:
		return nil, nil
	case time.Time: // what the driver makes of a column that is declared so
		return v.UTC().Truncate(time.Microsecond), nil
	case string:
		at, err := time.Parse("2006-01-02 15:04:05.999999999", v)
		return at, err
	}
	return nil, fmt.Errorf("%s holds a %T", column, r[column])
}
