package registry

import (
	"database/sql"
	"errors"
	"fmt"
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

// leaveGone has what was to be a new version of a record that is deleted for good follow the newest of its family that is left, or
// nothing. It gives the uid of such a record, and "" where there is none.
func (tx *tx) leaveGone(t *Table, s *Save) (gone string, err error) {
	uid := s.Revises
	if t.Stem == 0 || t.checkUID(tx.op, uid) != nil {
		return "", nil // whatever it is, it never was
	}
	if _, err = tx.get(t, uid); !errors.Is(err, ErrNoRecord) {
		return "", err
	}
	last, err := tx.retired(t, uid[:t.Stem])
	if err != nil || uid[t.Stem:] > last {
		return "", err
	}
	left, err := tx.first(t, "t.stem_uid = ? AND t.is_latest", uid[:t.Stem])
	if err != nil {
		return "", err
	}
	if s.Revises = left.UID(); left == nil && s.Append {
		return "", fail(ErrNoRecord, tx.op, uid, "make a collection of its artifacts and these", "the collection that this is appended to is deleted for good")
	}
	return uid, nil
}

// goneNote says of a record what became of it without the one that it was to follow.
func goneNote(gone string, out *Saved) string {
	note := fmt.Sprintf("%s, which it was to follow, is deleted for good", gone)
	switch {
	case out.Revised != nil:
		note += "; it follows " + out.Revised.UID()
	case out.Created:
		note += "; it is a first version"
	}
	return note
}
