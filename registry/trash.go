package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
)

// Delete moves an artifact or a collection into the trash, from where Restore takes it. With permanent, and records of other
// models always, it takes the record out of the database, with its links; the files stay. It gives the record as it is then, or,
// when it is gone, as it was, without its id.
//
// A record that others need can not go for good: [ErrProtected], which names some of them. The newest of a family that goes
// leaves its place to the one before; [ErrConflict] where that has a key that another family's latest has by now.
func (db *DB) Delete(ctx context.Context, m Model, uid string, permanent bool) (Record, error) {
	var out Record
	err := db.update(ctx, "delete", func(tx *tx) error {
		t, err := TableOf(m)
		if err != nil {
			return err
		}
		if out, err = tx.get(t, uid); err != nil {
			return err
		}
		if t.Has("visibility") && !permanent {
			out, err = tx.change(t, uid, Record{"visibility": Trash})
			return err
		}
		err = tx.remove(t, out)
		delete(out, "id")
		return err
	})
	return out, err
}

// Restore takes a record out of the trash. It has again what was taken from it: the newest of its family is the latest, and one that
// was hidden is hidden. [ErrConflict] where it would be the latest of its key, and another family's has become that meanwhile.
func (db *DB) Restore(ctx context.Context, m Model, uid string) (Record, error) {
	var out Record
	err := db.update(ctx, "restore", func(tx *tx) error {
		t, err := TableOf(m)
		if err != nil {
			return err
		}
		if !t.Has("visibility") {
			return fail(ErrInvalid, tx.op, uid, "", "records of %s have no trash: what is deleted is gone", m)
		}
		if out, err = tx.get(t, uid); err == nil && out.Int("visibility") == Trash {
			out, err = tx.show(t, out)
		}
		return err
	})
	return out, err
}

// show takes a record out of the trash, as it was before.
func (tx *tx) show(t *Table, r Record) (Record, error) { return tx.showAs(t, r, nil) }

// showAs takes a record out of the trash as it was before, but for some fields.
func (tx *tx) showAs(t *Table, r, changes Record) (Record, error) {
	before, err := tx.visibilityBefore(t, r.UID())
	if err != nil {
		return nil, err
	}
	set := Record{"visibility": before}
	maps.Copy(set, changes)
	now, err := tx.change(t, r.UID(), set)
	if errors.Is(err, ErrConflict) { // found out when it was shown already
		if err := tx.set(t, r.Int("id"), Record{"visibility": Trash}); err != nil {
			return nil, err
		}
	}
	return now, err
}

// otherNamesOf are the names of what is to be saved that a record in the trash can have in place of its key, once that is another's;
// nil where there are none. A collection may do with a name.
func otherNamesOf(t *Table, there, r Record, s Save) Record {
	key, name := r.Text("key"), r.Text("name")
	switch {
	case s.asIs || s.Revises != "":
		return nil // these names are those of another
	case key != "" && key != there.Text("key"):
		return Record{"key": key}
	case key == "" && name != "" && t.Has("name"):
		return Record{"key": nil, "name": name}
	}
	return nil
}

func (tx *tx) remove(t *Table, r Record) error {
	if err := tx.checkUnused(t, r); err != nil {
		return err
	}
	if t.Model == ModelUser && r.UID() == tx.user {
		return fail(ErrProtected, tx.op, r.UID(), "", "it is the user who makes records here")
	}
	if _, err := tx.sql.ExecContext(tx.ctx, fmt.Sprintf("DELETE FROM %s WHERE id = ?", quote(string(t.Model))), r["id"]); err != nil {
		return err
	}
	if t.Stem == 0 {
		return nil
	}
	if err := tx.concealing(t, r.UID(), Trash, Visible); err != nil { // so that nothing is left of it
		return err
	}
	if err := tx.retire(t, r.UID()); err != nil {
		return err
	}
	return tx.crown(t, r.Text("stem_uid"), "")
}

// needer is a way in which a record can be needed: the records that need it, by SQL with its id as the parameter.
type needer struct {
	by    Model
	how   [2]string // one of them has it, and several have it
	holds string
}

// needers are the ways in which records of the model can be needed.
func (t *Table) needers() []needer {
	var out []needer
	for i := range Schema {
		o := &Schema[i]
		for _, r := range o.Relations {
			if r.To == t.Model && r.Order != "" {
				out = append(out, needer{o.Model, [2]string{"has it among its " + r.Name, "have it among their " + r.Name}, fmt.Sprintf("id IN (SELECT %s FROM %s WHERE %s = ?)", r.Own, r.Link, r.Other)})
			}
		}
		for _, f := range o.Fields {
			if f.Type == Ref && f.To == t.Model {
				out = append(out, needer{o.Model, [2]string{"has it as its " + f.Name, "have it as their " + f.Name}, fmt.Sprintf("%s = ?", quote(f.Column()))})
			}
		}
	}
	return out
}

// checkUnused is the error that a record is needed, and by which.
func (tx *tx) checkUnused(t *Table, r Record) error {
	const show = 3
	for _, h := range t.needers() {
		by := tables[h.by]
		var n int
		if err := tx.sql.QueryRowContext(tx.ctx, fmt.Sprintf("SELECT count(*) FROM %s WHERE %s", quote(string(h.by)), h.holds), r["id"]).Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		found, err := tx.find(by, fmt.Sprintf("t.%s ORDER BY t.id LIMIT %d", h.holds, show), r["id"])
		if err != nil {
			return err
		}
		names := make([]string, len(found))
		for i, f := range found {
			names[i] = titleOf(f)
		}
		if n > show {
			names = append(names, fmt.Sprintf("%d more", n-show))
		}
		hint := "delete those first, permanently"
		if t.Has("visibility") {
			hint += "; or move this one into the trash only"
		}
		them, how := string(h.by), h.how[0]
		if n > 1 {
			them, how = them+"s", h.how[1]
		}
		return fail(ErrProtected, tx.op, r.UID(), hint, "the %s can not be deleted for good: %d %s %s: %s", t.Model, n, them, how, strings.Join(names, ", "))
	}
	return nil
}

// titleOf names a record for people.
func titleOf(r Record) string {
	for _, field := range []string{"name", "key", "handle", "root", "description"} {
		if s := r.Text(field); s != "" {
			s = fmt.Sprintf("%s %q", r.UID(), s)
			if r.Int("visibility") == Trash {
				s += " (in the trash)"
			}
			return s
		}
	}
	return r.UID()
}
