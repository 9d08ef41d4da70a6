package registry

import "errors"

// fetch is the record of a uid: of this database, or copied from the one that the transaction copies from.
func (tx *tx) fetch(t *Table, uid string) (Record, error) {
	r, err := tx.get(t, uid)
	if err == nil {
		return r, tx.notTwo(t, map[string]Record{uid: r})
	}
	if tx.from == nil || !errors.Is(err, ErrNoRecord) {
		return nil, err
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

// notTwo is the error that one of the records, by their uids, is another one in the database that the transaction copies from: both
// number the versions of a family, and each can have made the next. Which of the two is meant, only the caller knows. It is about data, and
// not about transforms.
func (tx *tx) notTwo(t *Table, records map[string]Record) error {
	if tx.from == nil || tx.own || !t.Has("visibility") || len(records) == 0 {
		return nil
	}
	uids := make([]any, 0, len(records))
	for uid := range records {
		uids = append(uids, uid)
	}
	there, err := tx.from.Records(tx.ctx, Query{Model: t.Model, Where: Lookup{"uid__in", uids}, All: true})
	if err != nil {
		return err
	}
	for _, other := range there {
		r := records[other.UID()]
		if same := r["hash"] != nil && r["hash"] == other["hash"]; same || r.Time("created_at").Equal(other.Time("created_at")) {
			continue
		}
		return fail(ErrConflict, tx.op, other.UID(), "save what is to be copied as a new record, from its file",
			"it is one %s in %s and another in %s: both have made a version of one family, so that it can not be copied", t.Model, tx.from.Path(), tx.db.Path())
	}
	return nil
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
