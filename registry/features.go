package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
)

// Slot are the features of one part of an artifact: "obs" and "var" of AnnData, "columns" of a table.
type Slot struct {
	Name   string
	Names  []string // of the features, in the order of the file
	DTypes []string // of each; or one, which all have
}

// dtype of feature i.
func (s Slot) dtype(i int) string {
	if len(s.DTypes) == 1 {
		return s.DTypes[0]
	}
	return s.DTypes[i]
}

// FeaturesOf are the features of an artifact in one slot, or those that a collection's members have there.
type FeaturesOf struct {
	Slot
	Set Record // the feature set
}

// saveSlots links an artifact with the sets of its features, which are made where they are not there.
func (tx *tx) saveSlots(m Model, id int64, slots []Slot) error {
	rel, _ := tables[m].Relation("feature_sets")
	for _, s := range slots {
		if len(s.DTypes) != 1 && len(s.DTypes) != len(s.Names) {
			return fail(ErrInvalid, tx.op, s.Name, "", "%d dtypes for %d features", len(s.DTypes), len(s.Names))
		}
		if len(s.Names) == 0 {
			continue
		}
		set, err := tx.featureSet(s)
		if err != nil {
			return err
		}
		q := fmt.Sprintf("INSERT OR IGNORE INTO %s (%s, %s, %s) VALUES (?, ?, ?)", rel.Link, rel.Own, rel.Other, rel.Extra)
		if _, err := tx.sql.ExecContext(tx.ctx, q, id, set, s.Name); err != nil {
			return err
		}
	}
	return nil
}

// featureSet is the id of the set of these features in this order.
func (tx *tx) featureSet(s Slot) (int64, error) {
	t := tables[ModelFeatureSet]
	list := make([][3]string, 0, len(s.Names))
	parts := make([]string, 0, 2*len(s.Names))
	seen := make(map[[2]string]bool, len(s.Names))
	for i, name := range s.Names {
		f := [2]string{name, s.dtype(i)}
		if !seen[f] { // names of variables may come twice
			seen[f] = true
			list = append(list, [3]string{base62(tables[ModelFeature].UID), f[0], f[1]})
		}
		parts = append(parts, name, s.dtype(i))
	}
	hash := hashText(parts)
	if there, err := tx.first(t, "t.hash = ?", hash); err != nil || there != nil {
		return there.Int("id"), err
	}
	set := Record{"uid": NewUID(ModelFeatureSet), "n": int64(len(list)), "otype": "Feature", "hash": hash}
	if dtypes := slices.Compact(slices.Sorted(slices.Values(s.DTypes))); len(dtypes) == 1 {
		set["dtype"] = dtypes[0]
	}
	stored, err := tx.insert(t, set)
	if err != nil {
		return 0, err
	}
	b, err := json.Marshal(list)
	if err != nil {
		return 0, err
	}
	by, err := tx.id(tables[ModelUser], tx.user)
	if err != nil {
		return 0, err
	}
	now := tx.now.Format(timeLayout)
	if _, err := tx.sql.ExecContext(tx.ctx, `INSERT INTO feature (uid, name, dtype, created_at, updated_at, created_by_id)
		SELECT value ->> 0, value ->> 1, value ->> 2, ?, ?, ? FROM json_each(?) WHERE 1 ON CONFLICT (name, dtype) DO NOTHING`, now, now, by, string(b)); err != nil {
		return 0, err
	}
	_, err = tx.sql.ExecContext(tx.ctx, `INSERT INTO featureset_feature (featureset_id, feature_id, position)
		SELECT ?, f.id, j.key FROM json_each(?) j CROSS JOIN feature f ON f.name = j.value ->> 1 AND f.dtype = j.value ->> 2`, stored["id"], string(b))
	return stored.Int("id"), err
}

// Features gives the features of an artifact or a collection, slot by slot, without a look at its files.
func (db *DB) Features(ctx context.Context, m Model, uid string) ([]FeaturesOf, error) {
	r, err := db.Get(ctx, m, uid)
	if err != nil {
		return nil, err
	}
	rel, ok := tables[m].Relation("feature_sets")
	if !ok {
		return nil, fail(ErrInvalid, "features", string(m), "", "only artifacts and collections have features")
	}
	return db.features(ctx, rel, r.Int("id"))
}

// features reads the sets, and the names in each.
func (db *DB) features(ctx context.Context, rel Relation, id int64) ([]FeaturesOf, error) {
	var out []FeaturesOf
	err := db.reading(ctx, "features", func(read *sql.DB) error {
		ids, slots, err := setsOf(ctx, read, rel, id)
		if err != nil {
			return err
		}
		sets := tables[ModelFeatureSet]
		for i, set := range ids {
			found, err := sets.records(read.QueryContext(ctx, fmt.Sprintf("SELECT %s FROM featureset t WHERE t.id = ?", sets.columns("t")), set))
			if err != nil {
				return err
			}
			if len(found) == 0 {
				continue // it went meanwhile
			}
			of := FeaturesOf{Slot: Slot{Name: slots[i]}, Set: found[0]}
			if err := readNames(ctx, read, set, &of.Slot); err != nil {
				return err
			}
			out = append(out, of)
		}
		return nil
	})
	return out, err
}

// setsOf are the ids of the sets of a record, and the slots they are for.
func setsOf(ctx context.Context, read *sql.DB, rel Relation, id int64) (ids []int64, slots []string, err error) {
	q := fmt.Sprintf("SELECT %s, %s FROM %s WHERE %s = ? ORDER BY %s, %s", rel.Other, rel.Extra, rel.Link, rel.Own, rel.Extra, rel.Other)
	rows, err := read.QueryContext(ctx, q, id)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var set int64
		var slot string
		if err := rows.Scan(&set, &slot); err != nil {
			return nil, nil, err
		}
		ids, slots = append(ids, set), append(slots, slot)
	}
	return ids, slots, rows.Err()
}

func readNames(ctx context.Context, read *sql.DB, set int64, into *Slot) error {
	rows, err := read.QueryContext(ctx, `SELECT f.name, f.dtype FROM featureset_feature l JOIN feature f ON f.id = l.feature_id
		WHERE l.featureset_id = ? ORDER BY l.position`, set)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name, dtype string
		if err := rows.Scan(&name, &dtype); err != nil {
			return err
		}
		into.Names, into.DTypes = append(into.Names, name), append(into.DTypes, dtype)
	}
	return rows.Err()
}
