package registry

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

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
		if isOne(records[other.UID()], other) {
			continue
		}
		return fail(ErrConflict, tx.op, other.UID(), "save what is to be copied as a new record, from its file",
			"it is one %s in %s and another in %s: both have made a version of one family, so that it can not be copied", t.Model, tx.from.Path(), tx.db.Path())
	}
	return nil
}

// isOne reports whether two versions of one uid, of two databases, are one record: of one content, or made at one moment.
func isOne(a, b Record) bool {
	return a["hash"] != nil && a["hash"] == b["hash"] && sameRest(a, b) || a["created_at"] != nil && a.Time("created_at").Equal(b.Time("created_at"))
}

// asCopy makes a copy of what is to be saved where the database that the transaction copies from has it already, and this one has not:
// it keeps its uid and its labels, and follows nothing but what its uid does.
func (tx *tx) asCopy(t *Table, s *Save) error {
	uid := s.Record.UID()
	if tx.from == nil || s.asIs || t.Stem == 0 || uid == "" {
		return nil
	}
	there, err := tx.from.Get(tx.ctx, t.Model, uid)
	if errors.Is(err, ErrNoRecord) || err == nil && !isOne(s.Record, there) {
		return nil
	}
	if err != nil {
		return err
	}
	s.asIs, s.Revises = true, ""
	here, err := tx.first(t, "t.uid = ?", uid)
	if _, has := t.Relation("ulabels"); err != nil || here != nil || !has {
		return err
	}
	labels, err := tx.from.related(tx.ctx, t, "ulabels", there.Int("id"))
	s.Labels = append(labels, s.Labels...)
	return err
}

// numberCopy sees to it that a copy and the versions of its family that are here have a version each, and none the same: both databases
// number them.
func (tx *tx) numberCopy(t *Table, r Record) error {
	if tx.from == nil || t.Stem == 0 {
		return nil
	}
	family, err := tx.find(t, "t.stem_uid = ? ORDER BY t.uid", r.UID()[:t.Stem])
	if err != nil || len(family) == 0 {
		return err
	}
	var taken []string
	for _, m := range family {
		taken = append(taken, m.Text("version"))
	}
	free := func(version string) (string, error) {
		for ok := true; slices.Contains(taken, version); {
			if version, ok = nextVersion(version); !ok {
				return "", fail(ErrConflict, tx.op, r.UID(), "give one of the two another version", "%q is the version of another record of its family here", r["version"])
			}
		}
		taken = append(taken, version)
		return version, nil
	}
	for _, m := range family {
		if m.Text("version") != "" {
			continue
		}
		version, err := free("1")
		if err == nil {
			err = tx.set(t, m.Int("id"), Record{"version": version})
		}
		if err != nil {
			return err
		}
	}
	was := r.Text("version")
	version, err := free(cmp.Or(was, "1"))
	if was != "" && version != was {
		tx.notes = append(tx.notes, fmt.Sprintf("%s is copied as version %s: here, %s is that of another record of its family", r.UID(), version, was))
	}
	r["version"] = version
	return err
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
