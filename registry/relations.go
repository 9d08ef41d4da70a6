package registry

import (
	"context"
	"database/sql"
	"fmt"
)

// Members gives the artifacts of a collection in their order, whatever their visibility.
func (db *DB) Members(ctx context.Context, uid string) ([]Record, error) {
	c, err := db.Get(ctx, ModelCollection, uid)
	if err != nil {
		return nil, err
	}
	t := tables[ModelArtifact]
	q := fmt.Sprintf("SELECT %s FROM collection_artifact l JOIN artifact t ON t.id = l.artifact_id WHERE l.collection_id = ? ORDER BY l.position", t.columns("t"))
	var found []Record
	err = db.reading(ctx, "members", func(read *sql.DB) (err error) {
		found, err = t.records(read.QueryContext(ctx, q, c["id"]))
		return err
	})
	return found, err
}

// Label gives an artifact or a collection labels, and takes others away: uids, or records of labels that are not there yet.
// It returns the labels that it has then.
func (db *DB) Label(ctx context.Context, m Model, uid string, add, remove []any) ([]Record, error) {
	var out []Record
	err := db.update(ctx, "labels", func(tx *tx) (err error) {
		out, err = tx.label(m, uid, add, remove)
		return err
	})
	return out, err
}

func (tx *tx) label(m Model, uid string, add, remove []any) ([]Record, error) {
	t, err := TableOf(m)
	if err != nil {
		return nil, err
	}
	rel, ok := t.Relation("ulabels")
	if !ok {
		return nil, fail(ErrInvalid, tx.op, string(m), "", "only artifacts and collections have labels")
	}
	id, err := tx.id(t, uid)
	if err != nil {
		return nil, err
	}
	for _, l := range add {
		label, err := tx.savedOr(ModelULabel, l)
		if err != nil {
			return nil, err
		}
		if err := tx.link(rel, id, label.Int("id")); err != nil {
			return nil, err
		}
	}
	for _, l := range remove {
		name, ok := l.(string)
		if !ok {
			return nil, fail(ErrInvalid, tx.op, "remove", "", "got a %T; it must be the uid of a label", l)
		}
		label, err := tx.id(tables[ModelULabel], name)
		if err != nil {
			return nil, err
		}
		if _, err := tx.sql.ExecContext(tx.ctx, fmt.Sprintf("DELETE FROM %s WHERE %s = ? AND %s = ?", rel.Link, rel.Own, rel.Other), id, label); err != nil {
			return nil, err
		}
	}
	return tx.find(tables[ModelULabel], fmt.Sprintf("t.id IN (SELECT %s FROM %s WHERE %s = ?) ORDER BY t.name", rel.Other, rel.Link, rel.Own), id)
}

// savedOr is the record of a uid, or of a record that is saved now.
func (tx *tx) savedOr(m Model, v any) (Record, error) {
	switch of := v.(type) {
	case string:
		return tx.fetch(tables[m], of)
	case Save:
		saved, err := tx.save(of)
		if err != nil {
			return nil, err
		}
		tx.notes = append(tx.notes, saved.Notes...)
		return saved.Record, nil
	case Record:
		return tx.savedOr(m, Save{Model: m, Record: of})
	case map[string]any:
		return tx.savedOr(m, Save{Model: m, Record: of})
	}
	return nil, fail(ErrInvalid, tx.op, string(m), "", "got a %T; it must be the uid of a %s, or its record", v, m)
}

// related are the uids of the records at the other end of a relation, in its order.
func (db *DB) related(ctx context.Context, t *Table, relation string, id int64) ([]any, error) {
	rel, _ := t.Relation(relation)
	order := rel.Order
	if order == "" {
		order = rel.Other
	}
	q := fmt.Sprintf("SELECT o.uid FROM %s l JOIN %s o ON o.id = l.%s WHERE l.%s = ? ORDER BY l.%s",
		rel.Link, quote(string(rel.To)), rel.Other, rel.Own, order)
	var out []any
	err := db.reading(ctx, "related", func(read *sql.DB) error {
		rows, err := read.QueryContext(ctx, q, id)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var uid string
			if err := rows.Scan(&uid); err != nil {
				return err
			}
			out = append(out, uid)
		}
		return rows.Err()
	})
	return out, err
}
