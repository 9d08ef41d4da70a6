package registry

import (
	"database/sql"
	"errors"
)

// retiredTable remembers, of each family of which a version was deleted for good, the end of the highest uid that went: so that no
// uid is used twice, and what a user wrote down never becomes another record.
const retiredTable = "CREATE TABLE retired (model TEXT NOT NULL, stem TEXT NOT NULL, last TEXT NOT NULL, PRIMARY KEY (model, stem)) STRICT, WITHOUT ROWID"

// retire remembers the uid of a record that goes for good.
func (tx *tx) retire(t *Table, uid string) error {
	_, err := tx.sql.ExecContext(tx.ctx, "INSERT INTO retired (model, stem, last) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET last = max(last, excluded.last)",
		string(t.Model), uid[:t.Stem], uid[t.Stem:])
	return err
}

// retired is the end of the highest uid of a family that went for good; "" where none did. Ends count in the order of their bytes.
func (tx *tx) retired(t *Table, stem string) (last string, err error) {
	err = tx.sql.QueryRowContext(tx.ctx, "SELECT last FROM retired WHERE model = ? AND stem = ?", string(t.Model), stem).Scan(&last)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return last, err
}
