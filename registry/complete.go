package registry

import "fmt"

// completed are the fields that a user may give what is there already.
var completed = []string{"key", "name", "description", "kind", "reference", "reference_type", "meta_artifact", "version", "visibility"}

// complete gives a record that is there what it lacks of what it was to be saved with, and says what it has otherwise: that stays. A dry
// save leaves the record as it is, and so does one of what was to be a new version: its names are those of another.
func (tx *tx) complete(t *Table, there, r Record, s Save) (notes []string, err error) {
	if s.asIs || s.Revises != "" {
		return nil, nil
	}
	missing := Record{}
	for _, name := range completed {
		given, has := r[name], there[name]
		if !t.Has(name) || given == nil || given == "" || given == has {
			continue
		}
		if has == nil || has == "" {
			missing[name] = given
			continue
		}
		if name == "key" {
			notes = append(notes, fmt.Sprintf("the same content is there as %s, with the key %q; it stays", there.UID(), has))
			continue
		}
		notes = append(notes, fmt.Sprintf("%s is there already, with the %s %#v, which stays; not %#v", there.UID(), name, has, given))
	}
	if err := tx.keyFor(t, there, missing.Text("key")); err != nil {
		notes = append(notes, fmt.Sprintf("%s is there already, without a key, and stays so: %v", there.UID(), err))
		delete(missing, "key")
	}
	if s.Dry || len(missing) == 0 {
		return notes, nil
	}
	_, err = tx.change(t, there.UID(), missing)
	return notes, err
}
