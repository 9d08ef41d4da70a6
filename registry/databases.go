package registry

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
)

// DefaultName is the name under which a database knows itself.
const DefaultName = "default"

// databaseTable holds the other databases that this one knows by name.
const databaseTable = "CREATE TABLE database (name TEXT PRIMARY KEY, path TEXT NOT NULL) STRICT, WITHOUT ROWID"

// databaseName is what other databases may be called.
var databaseName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)

// CheckDatabase is the error that a database at a path can not have the name.
func CheckDatabase(name, path string) error {
	if !databaseName.MatchString(name) || name == DefaultName {
		return fail(ErrInvalid, "database", "name", "", "%q is no name for a database: letters, digits, and . _ - between, at most 64, but not %q", name, DefaultName)
	}
	if !filepath.IsAbs(path) {
		return fail(ErrInvalid, "database", "path", "", "%q must be the absolute path of a file", path)
	}
	return nil
}

// Register gives another database file a name, under which [DB.PathOf] finds it. A name that is taken is given anew. The file
// need not be there yet.
func (db *DB) Register(ctx context.Context, name, path string) error {
	if err := CheckDatabase(name, path); err != nil {
		return err
	}
	return db.update(ctx, "database", func(tx *tx) error {
		_, err := tx.sql.ExecContext(tx.ctx, "INSERT INTO database (name, path) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET path = excluded.path", name, path)
		return err
	})
}

// Databases are the other databases by name, and their files.
func (db *DB) Databases(ctx context.Context) (map[string]string, error) {
	out := make(map[string]string)
	err := db.reading(ctx, "database", func(read *sql.DB) error {
		rows, err := read.QueryContext(ctx, "SELECT name, path FROM database ORDER BY name")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name, path string
			if err := rows.Scan(&name, &path); err != nil {
				return err
			}
			out[name] = path
		}
		return rows.Err()
	})
	return out, err
}

// PathOf is the file of a database that has a name; [ErrNoRecord], with the names there are, where none has it.
func (db *DB) PathOf(ctx context.Context, name string) (string, error) {
	if name == DefaultName {
		return db.path, nil
	}
	var path string
	err := db.reading(ctx, "database", func(read *sql.DB) error {
		err := read.QueryRowContext(ctx, "SELECT path FROM database WHERE name = ?", name).Scan(&path)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil || path != "" {
		return path, err
	}
	all, err := db.Databases(ctx)
	if err != nil {
		return "", err
	}
	names := []string{DefaultName}
	for n := range all {
		names = append(names, n)
	}
	hint := nearest(name, names)
	if hint == "" {
		hint = "give a file this name first"
	}
	return "", fail(ErrNoRecord, "database", name, hint, "no database has this name; there are %s", strings.Join(names, ", "))
}
