package registry

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// headOf is the uid of the newest record outside the trash that a condition holds for and that is the latest of its family;
// "" where there is none.
func (tx *tx) headOf(t *Table, condition string, args ...any) (string, error) {
	if t.Has("visibility") {
		condition += " AND t.visibility < " + strconv.FormatInt(Trash, 10)
	}
	r, err := tx.first(t, condition+" AND t.is_latest ORDER BY t.id DESC", args...)
	return r.UID(), err
}

// saveVersion adds r as a new version of the family of the uid revises, or, where that is "", as the first of a new one.
func (tx *tx) saveVersion(t *Table, r Record, revises string) (*Saved, error) {
	out := &Saved{Created: true}
	r["is_latest"] = false // until all are compared
	if revises == "" {
		drawn, err := tx.newUID(t, r, out)
		if err != nil {
			return nil, err
		}
		if !drawn {
			if err := tx.withoutTakenKey(t, r); err != nil {
				return nil, err
			}
			if err := tx.numberCopy(t, r); err != nil {
				return nil, err
			}
			return tx.crowned(t, r, out)
		}
		r["is_latest"] = true
		out.Record, err = tx.insert(t, r)
		return out, err
	}
	old, err := tx.get(t, revises)
	if err != nil {
		return nil, err
	}
	if err := tx.keyFor(t, old, r.Text("key")); err != nil {
		return nil, err
	}
	family, err := tx.find(t, "t.stem_uid = ? ORDER BY t.uid", old["stem_uid"])
	if err != nil {
		return nil, err
	}
	head := family[slices.IndexFunc(family, func(m Record) bool { return m.Bool("is_latest") })]
	if head.UID() != old.UID() {
		out.Notes = append(out.Notes, fmt.Sprintf("%s is not the newest version of its family; the new one follows %s", old.UID(), head.UID()))
	}
	inherit(t, r, head)
	if err := tx.number(t, r, head, family); err != nil {
		return nil, err
	}
	if err := tx.nextUID(t, r, family[len(family)-1].UID(), out); err != nil {
		return nil, err
	}
	if out, err = tx.crowned(t, r, out); err != nil {
		return nil, err
	}
	out.Revised, err = tx.get(t, head.UID())
	return out, err
}

// inherit gives a new version the names of the one before, where it has none of its own.
func inherit(t *Table, r, head Record) {
	for _, name := range []string{"key", "name", "description"} {
		if t.Has(name) {
			setDefault(r, name, head[name])
		}
	}
}

// number gives the new record r a version, and head, the one before, the first one where it has none.
func (tx *tx) number(t *Table, r, head Record, family []Record) error {
	taken := make([]string, 0, len(family)+1)
	before := head.Text("version")
	if before == "" {
		before = "1"
	}
	for _, m := range family {
		v := m.Text("version")
		if m.UID() == head.UID() {
			v = before
		}
		taken = append(taken, v)
	}
	if v := r.Text("version"); v != "" {
		if slices.Contains(taken, v) {
			return fail(ErrConflict, tx.op, fmt.Sprintf("%s.version", t.Model), "give another, or none for the next number",
				"%q is the version of another record of the family %s, which has %q", v, head["stem_uid"], taken)
		}
	} else {
		next, ok := nextVersion(before)
		for ok && slices.Contains(taken, next) {
			next, ok = nextVersion(next)
		}
		if !ok {
			return fail(ErrInvalid, tx.op, fmt.Sprintf("%s.version", t.Model), "give the version of the new record",
				"the version before, %q, is not made of numbers, so the next one is not clear", before)
		}
		r["version"] = next
	}
	if head["version"] == nil {
		return tx.set(t, head.Int("id"), Record{"version": before})
	}
	return nil
}

// nextVersion is the next whole version: 2 after 1, 2.0.0 after 1.3.1. That of a version that is not made of numbers nobody knows.
func nextVersion(version string) (next string, ok bool) {
	parts := strings.Split(version, ".")
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 63)
		if err != nil || n == math.MaxInt64 {
			return "", false
		}
		parts[i] = "0"
		if i == 0 {
			parts[i] = strconv.FormatUint(n+1, 10)
		}
	}
	return strings.Join(parts, "."), true
}

// otherOfKey is the uid of the latest of another family than that of r, if that has a key; else "".
func (tx *tx) otherOfKey(t *Table, r Record, key string) (string, error) {
	return tx.headOf(t, "t.key = ? AND t.stem_uid <> ?", key, r["stem_uid"])
}

// keyFor is the error that a key can not be given to the family of r: the latest of another one has it, and there would be two.
func (tx *tx) keyFor(t *Table, r Record, key string) error {
	if key == "" || key == r.Text("key") && r.Bool("is_latest") && r.Int("visibility") != Trash { // it has it rightly
		return nil
	}
	head, err := tx.otherOfKey(t, r, key)
	if err != nil || head == "" {
		return err
	}
	hint := fmt.Sprintf("give another key (--key or key=), or give %s another one first; what is to be a new version of it is saved with revises=%s", head, head)
	return fail(ErrConflict, tx.op, fmt.Sprintf("%s.key", t.Model), hint,
		"%q is the key of %s, which is no version of %s; there would be two latest records of one key", key, head, r.UID())
}

// oneOfKey is the error that the latest of a family, which has become that, or has come back from the trash, has the key of another
// family's latest. So a key that a family gave up, and another took, keeps the first from falling back to a version that has it
// still: neither changes its key, or gives up its rank, in silence.
func (tx *tx) oneOfKey(t *Table, r Record, back bool) error {
	key := r.Text("key")
	if key == "" || r.Int("visibility") == Trash {
		return nil
	}
	head, err := tx.otherOfKey(t, r, key)
	if err != nil || head == "" {
		return err
	}
	hint := "give one of the two another key, or delete one of them first"
	if back {
		hint = fmt.Sprintf("give one of the two another key (saved again, it comes back with the one of --key or key=), or move %s into the trash first", head)
	}
	return fail(ErrConflict, tx.op, r.UID(), hint, "%s would be the latest version of its family, but its key, %q, is that of %s by now, which is no version "+
		"of it; there would be two latest records of one key", r.UID(), key, head)
}

// withoutTakenKey takes the key from a copy of another database's record, if it is another one's here: it is the copy's name or
// description then, where that has none.
func (tx *tx) withoutTakenKey(t *Table, r Record) error {
	key := r.Text("key")
	if key == "" || tx.from == nil {
		return nil
	}
	head, err := tx.otherOfKey(t, Record{"stem_uid": r.UID()[:t.Stem]}, key)
	if err != nil || head == "" {
		return err
	}
	tx.notes = append(tx.notes, fmt.Sprintf("%s is copied without its key: %q is that of %s here, which is no version of it", r.UID(), key, head))
	r["key"] = nil
	for _, name := range []string{"name", "description"} {
		if t.Has(name) {
			setDefault(r, name, key)
			break
		}
	}
	return nil
}

// crowned inserts r and sees to it that the right one of its family is the latest.
func (tx *tx) crowned(t *Table, r Record, out *Saved) (*Saved, error) {
	stored, err := tx.insert(t, r)
	if err != nil {
		return nil, err
	}
	if err := tx.crown(t, stored.Text("stem_uid"), ""); err != nil {
		return nil, err
	}
	out.Record, err = tx.get(t, stored.UID())
	return out, err
}

// crown makes the newest of a family its latest: of those that are shown, else of the hidden ones, else of those in the trash. One
// that becomes it, or is it and has come back from the trash, has a key that no other family's latest has, or nothing comes of it
// all: [ErrConflict].
func (tx *tx) crown(t *Table, stem, back string) error {
	name, order := quote(string(t.Model)), "uid DESC"
	if t.Has("visibility") {
		order = "visibility, " + order
	}
	first := fmt.Sprintf("(SELECT id FROM %s WHERE stem_uid = ?1 ORDER BY %s LIMIT 1)", name, order)
	if _, err := tx.sql.ExecContext(tx.ctx, fmt.Sprintf("UPDATE %s SET is_latest = 0 WHERE stem_uid = ?1 AND is_latest AND id <> %s", name, first), stem); err != nil {
		return err
	}
	done, err := tx.sql.ExecContext(tx.ctx, fmt.Sprintf("UPDATE %s SET is_latest = 1 WHERE id = %s AND NOT is_latest", name, first), stem)
	if err != nil {
		return err
	}
	n, err := done.RowsAffected()
	if err != nil || n == 0 && back == "" {
		return err
	}
	head, err := tx.first(t, "t.stem_uid = ? AND t.is_latest", stem)
	if err != nil || n == 0 && head.UID() != back {
		return err
	}
	return tx.oneOfKey(t, head, head.UID() == back)
}

// newUID gives r a uid that begins a family, unless it brings one that was never used: drawn reports which. A record that is copied
// from another database is the one that it was, and keeps its uid.
func (tx *tx) newUID(t *Table, r Record, out *Saved) (drawn bool, err error) {
	given := r.UID()
	if given != "" {
		if err := tx.freeUID(t, given); err != nil {
			return false, err
		}
		gone, err := tx.retired(t, given[:t.Stem])
		if err != nil || tx.from != nil || given[t.Stem:] > gone {
			return false, err
		}
	}
	r["uid"] = NewUID(t.Model)
	if given != "" {
		out.Notes = append(out.Notes, fmt.Sprintf("%s was the uid of a record that is deleted; this one is %s", given, r["uid"]))
	}
	return true, nil
}

// nextUID gives r the uid after the highest that its family has, or ever had.
func (tx *tx) nextUID(t *Table, r Record, highest string, out *Saved) error {
	stem := highest[:t.Stem]
	gone, err := tx.retired(t, stem)
	if err != nil {
		return err
	}
	suffix, err := nextSuffix(max(highest[t.Stem:], gone))
	if err != nil {
		return fail(ErrConflict, tx.op, highest, "", "%v", err)
	}
	if given := r.UID(); given != "" && given != stem+suffix && tx.freeUID(t, given) != nil {
		out.Notes = append(out.Notes, fmt.Sprintf("the uid %s was taken meanwhile", given))
	}
	r["uid"] = stem + suffix
	return nil
}

func (tx *tx) freeUID(t *Table, uid string) error {
	there, err := tx.first(t, "t.uid = ?", uid)
	if err == nil && there != nil {
		err = fail(ErrConflict, tx.op, uid, "leave the uid out, so that a new one is made", "another %s has this uid", t.Model)
	}
	return err
}
