package registry

import "errors"

// fetch is the record of a uid: of this database, or copied from the one that the transaction copies from.
func (tx *tx) fetch(t *Table, uid string) (Record, error) {
	r, err := tx.get(t, uid)
	if tx.from == nil || !errors.Is(err, ErrNoRecord) {
		return r, err
	}
	s, err := tx.from.copyOf(tx, t, uid)
	if err != nil {
		return nil, err
	}
	saved, err := tx.save(s)
	if err != nil {
		return nil, err
	}
	return saved.Record, nil
}

// copyOf is a record of this database as it is saved in another one, with its features, labels and members.
func (db *DB) copyOf(tx *tx, t *Table, uid string) (Save, error) {
	r, err := db.Get(tx.ctx, t.Model, uid)
	if err != nil {
		return Save{}, err
	}
	delete(r, "is_latest")
	s := Save{Model: t.Model, Record: r, asIs: true}
	if rel, ok := t.Relation("feature_sets"); ok && t.Model == ModelArtifact {
		features, err := db.features(tx.ctx, rel, r.Int("id"))
		if err != nil {
			return Save{}, err
		}
		for _, f := range features {
			s.Slots = append(s.Slots, f.Slot)
		}
	}
	if _, ok := t.Relation("ulabels"); ok {
		if s.Labels, err = db.related(tx.ctx, t, "ulabels", r.Int("id")); err != nil {
			return Save{}, err
		}
	}
	if t.Model == ModelCollection {
		if s.Members, err = db.related(tx.ctx, t, "artifacts", r.Int("id")); err != nil {
			return Save{}, err
		}
	}
	return s, nil
}
