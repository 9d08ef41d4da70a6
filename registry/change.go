package registry

import (
	"context"
	"fmt"
	"slices"
)

// Update changes fields of a record, and gives it as it is then. Fields that the registry decides, and those that say what the
// record is, can not be changed. Of a version that another record of the family has, and of the key of another family, the error
// is [ErrConflict].
func (db *DB) Update(ctx context.Context, m Model, uid string, set Record) (Record, error) {
	var out Record
	err := db.update(ctx, "update", func(tx *tx) error {
		t, err := TableOf(m)
		if err != nil {
			return err
		}
		out, err = tx.change(t, uid, set)
		return err
	})
	return out, err
}

func (tx *tx) change(t *Table, uid string, set Record) (Record, error) {
	changes, err := t.canonical(tx.op, set)
	if err != nil {
		return nil, err
	}
	for name := range set {
		f, ok := t.Field(name)
		if !ok {
			continue // id and model
		}
		switch _, given := changes[name]; {
		case f.Fixed:
			return nil, fail(ErrInvalid, tx.op, fmt.Sprintf("%s.%s", t.Model, name), "", "it stays as it is: %s", f.Doc)
		case !given && f.Must:
			return nil, fail(ErrInvalid, tx.op, fmt.Sprintf("%s.%s", t.Model, name), "", "a %s needs it: %s", t.Model, f.Doc)
		case !given:
			changes[name] = nil
		}
	}
	if err := tx.saveReferences(t, changes); err != nil {
		return nil, err
	}
	if err := tx.transformOfRun(t, changes); err != nil {
		return nil, err
	}
	old, err := tx.get(t, uid)
	if err != nil || len(changes) == 0 {
		return old, err
	}
	if err := tx.checkChange(t, old, changes); err != nil {
		return nil, err
	}
	if err := tx.set(t, old.Int("id"), changes); err != nil {
		return nil, err
	}
	was, is, back := old.Int("visibility"), old.Int("visibility"), ""
	if v, ok := changes["visibility"].(int64); ok {
		is = v
	}
	if was == Trash && is != Trash {
		back = uid
	}
	if t.Stem > 0 {
		if err := tx.crown(t, old.Text("stem_uid"), back); err != nil {
			return nil, err
		}
	}
	now, err := tx.get(t, uid)
	if err != nil {
		return nil, err
	}
	return now, tx.concealing(t, uid, was, is)
}

// transformOfRun lets the transform of what is saved follow its run, where nothing else is said of it.
func (tx *tx) transformOfRun(t *Table, r Record) error {
	run, given := r["run"]
	if _, said := r["transform"]; !given || said || !t.Has("transform") {
		return nil
	}
	if run == nil {
		r["transform"] = nil
		return nil
	}
	of, err := tx.get(tables[ModelRun], r.Text("run"))
	r["transform"] = of["transform"]
	return err
}

// checkChange refuses what the types of fields do not.
func (tx *tx) checkChange(t *Table, old, changes Record) error {
	if v, ok := changes["visibility"]; ok && !slices.Contains([]any{Visible, Hidden, Trash}, v) {
		return badVisibility(tx.op, t, v)
	}
	if path, ok := changes["path"].(string); ok && changes["storage"] == nil {
		var err error
		if changes["storage"], err = tx.storageOf(path); err != nil {
			return err
		}
	}
	if key, ok := changes["key"].(string); ok && t.Stem > 0 {
		if err := tx.keyFor(t, old, key); err != nil {
			return err
		}
	}
	for _, f := range t.Fields {
		v := changes[f.Name]
		if !f.Unique || v == nil || v == old[f.Name] {
			continue
		}
		other, err := tx.first(t, "t."+quote(f.Name)+" = ?", v)
		if err != nil {
			return err
		}
		if other != nil {
			return fail(ErrConflict, tx.op, fmt.Sprintf("%s.%s", t.Model, f.Name), "give another, or use that one", "%q is that of %s", v, other.UID())
		}
	}
	if t.Stem == 0 {
		return nil
	}
	v, given := changes["version"]
	if given && (v == nil || v == "") && old.Text("version") != "" {
		other, err := tx.first(t, "t.stem_uid = ? AND t.id <> ?", old["stem_uid"], old["id"])
		if err == nil && other != nil {
			err = fail(ErrInvalid, tx.op, fmt.Sprintf("%s.version", t.Model), "give another version", "one of several versions of a family has one")
		}
		return err
	}
	if v == nil || v == "" {
		return nil
	}
	other, err := tx.first(t, "t.stem_uid = ? AND t.version = ? AND t.id <> ?", old["stem_uid"], v, old["id"])
	if err == nil && other != nil {
		err = fail(ErrConflict, tx.op, fmt.Sprintf("%s.version", t.Model), "give another", "%q is the version of %s, of the same family", v, other.UID())
	}
	return err
}

func badVisibility(op string, t *Table, v any) error {
	return fail(ErrInvalid, op, fmt.Sprintf("%s.visibility", t.Model), "", "got %v; it is 0 (shown), 1 (hidden) or 2 (in the trash)", v)
}
