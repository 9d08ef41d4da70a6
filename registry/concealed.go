package registry

// concealedTable remembers the records that were hidden when they went into the trash, so that they come out of it as they were.
const concealedTable = "CREATE TABLE concealed (model TEXT NOT NULL, uid TEXT NOT NULL, PRIMARY KEY (model, uid)) STRICT, WITHOUT ROWID"

// concealing notes that a record of some visibility goes into the trash, or comes out of it.
func (tx *tx) concealing(t *Table, uid string, was, now int64) error {
	q := ""
	switch {
	case was == Hidden && now == Trash:
		q = "INSERT OR IGNORE INTO concealed (model, uid) VALUES (?, ?)"
	case was == Trash && now != Trash:
		q = "DELETE FROM concealed WHERE model = ? AND uid = ?"
	default:
		return nil
	}
	_, err := tx.sql.ExecContext(tx.ctx, q, string(t.Model), uid)
	return err
}

// visibilityBefore is the visibility that a record in the trash had before.
func (tx *tx) visibilityBefore(t *Table, uid string) (int64, error) {
	var hidden bool
	err := tx.sql.QueryRowContext(tx.ctx, "SELECT EXISTS (SELECT 1 FROM concealed WHERE model = ? AND uid = ?)", string(t.Model), uid).Scan(&hidden)
	if hidden {
		return Hidden, err
	}
	return Visible, err
}
