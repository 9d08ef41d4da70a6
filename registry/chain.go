package registry

import (
	"errors"
	"maps"
	"slices"
)

// Tagged is a record that was saved under a tag.
type Tagged struct {
	Model  Model
	Record Record // as it is in the end
}

// save saves a record, and before it those that it follows and that are not saved yet.
func (tx *tx) save(s Save) (*Saved, error) {
	t, err := TableOf(s.Model)
	if err != nil {
		return nil, err
	}
	chain := append(slices.Clone(s.Before), s)
	chain[0].Revises = s.Revises
	stem := s.Revises
	if stem == "" {
		stem = chain[0].Record.UID()
	}
	var out *Saved
	var notes []string
	for i, one := range chain {
		one.Model = s.Model
		if i > 0 {
			notes = append(notes, out.Notes...)
			if one, err = tx.following(t, one, chain[i-1], out, stem[:min(t.Stem, len(stem))]); err != nil {
				return nil, err
			}
			chain[i] = one
		}
		if out, err = tx.saveTagged(t, one); err != nil {
			return nil, err
		}
	}
	out.Notes = append(notes, out.Notes...)
	return out, nil
}

// saveTagged saves a record, or gives the one that was saved under its tag.
func (tx *tx) saveTagged(t *Table, s Save) (out *Saved, err error) {
	if known, ok := tx.tagged[s.Tag]; ok {
		out = new(Saved)
		out.Record, err = tx.get(t, known.Record.UID())
		return out, err
	}
	if out, err = tx.saveOne(t, s); err == nil && s.Tag != "" {
		tx.tagged[s.Tag] = Tagged{s.Model, out.Record}
	}
	return out, err
}

// following is one of a chain as it follows what the one ahead of it became. That may be a record that was there, under another name and of
// another family than the chain's, which is of a stem. What was to be appended does not go behind the members of such a one: it follows
// what the one ahead was to follow, if that is of the chain, or nothing, and has the members that it was made with.
func (tx *tx) following(t *Table, one, ahead Save, became *Saved, stem string) (Save, error) {
	one.Revises = became.Record.UID()
	if !one.Append || len(one.Whole) == 0 || became.Created || isOf(t, became.Record, ahead, stem) {
		return one, nil
	}
	one.Append, one.Members, one.Revises = false, one.Whole, ""
	one.Record = maps.Clone(one.Record)
	if one.Record == nil {
		one.Record = Record{}
	}
	for _, name := range []string{"reference", "reference_type"} {
		setDefault(one.Record, name, ahead.Record[name])
	}
	if ahead.Revises == "" {
		return one, nil
	}
	before, err := tx.get(t, ahead.Revises)
	switch {
	case errors.Is(err, ErrNoRecord): // it is deleted for good
		return one, nil
	case err == nil && isOf(t, before, ahead, stem):
		one.Revises = before.UID()
	}
	return one, err
}

// isOf reports whether a record is of the family of what was to be saved: by the stem, or by what names that. What has no name has that of
// what it follows.
func isOf(t *Table, found Record, s Save, stem string) bool {
	if found["stem_uid"] == stem {
		return true
	}
	for _, name := range []string{"key", "name", "description"} {
		v := s.Record[name]
		if v == nil {
			v = s.Names[name]
		}
		if t.Has(name) && v != nil {
			return found[name] == v
		}
	}
	return s.Revises != "" && found["stem_uid"] == s.Revises[:t.Stem]
}

// allTagged are the records that were saved under tags, as they are now.
func (tx *tx) allTagged() (map[string]Tagged, error) {
	for tag, of := range tx.tagged {
		r, err := tx.get(tables[of.Model], of.Record.UID())
		if err != nil {
			return nil, err
		}
		tx.tagged[tag] = Tagged{of.Model, r}
	}
	return tx.tagged, nil
}
