package registry

import (
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// adder inserts records of one model whose references are ids, as fast as can be.
type adder struct {
	im   *lamindbImport
	t    *Table
	stmt *sql.Stmt
}

func (im *lamindbImport) adder(t *Table) (*adder, error) {
	var names, marks []string
	for _, f := range t.Fields {
		if f.Computed == "" {
			names, marks = append(names, quote(f.Column())), append(marks, "?")
		}
	}
	stmt, err := im.tx.sql.PrepareContext(im.tx.ctx,
		fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", quote(string(t.Model)), strings.Join(names, ", "), strings.Join(marks, ", ")))
	return &adder{im, t, stmt}, err
}

func (a *adder) close() { a.stmt.Close() }

func (a *adder) add(r Record) (int64, error) {
	var args []any
	for _, f := range a.t.Fields {
		if f.Computed != "" {
			continue
		}
		v := r[f.Name]
		switch {
		case f.Name == "created_by" && v == nil: // of a user who is not there any more
			id, err := a.im.idBy(tables[ModelUser], "uid", a.im.tx.user)
			if err != nil {
				return 0, err
			}
			v = id
		case f.Type != Ref:
			var err error
			if v, err = f.stored(v); err != nil {
				return 0, err
			}
		}
		args = append(args, v)
	}
	res, err := a.stmt.ExecContext(a.im.tx.ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

// idBy is the id of the record of which a field has a value; 0 where there is none.
func (im *lamindbImport) idBy(t *Table, field, value string) (int64, error) {
	var id int64
	err := im.tx.sql.QueryRowContext(im.tx.ctx, fmt.Sprintf("SELECT id FROM %s WHERE %s = ?", quote(string(t.Model)), field), value).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return id, err
}

// rootOf is the root of a storage of ours.
func (im *lamindbImport) rootOf(storage int64) (string, error) {
	if root, ok := im.roots[storage]; ok {
		return root, nil
	}
	var root string
	err := im.tx.sql.QueryRowContext(im.tx.ctx, "SELECT root FROM storage WHERE id = ?", storage).Scan(&root)
	im.roots[storage] = root
	return root, err
}

// transformOf is the id of the transform of a run of ours; nil where there is no run.
func (im *lamindbImport) transformOf(run any) (any, error) {
	id, ok := run.(int64)
	if !ok {
		return nil, nil
	}
	if of, ok := im.runs[id]; ok {
		return of, nil
	}
	var of int64
	err := im.tx.sql.QueryRowContext(im.tx.ctx, "SELECT transform_id FROM run WHERE id = ?", id).Scan(&of)
	im.runs[id] = of
	return of, err
}

// types sets the types of labels, which are labels themselves.
func (im *lamindbImport) types() error {
	return im.src.rows("ulabel", func(row lamindbRow) error {
		id, of := im.ids[ModelULabel][row.int("id")], im.ref(ModelULabel, row, "type_id")
		if id == 0 || of == nil || of == id {
			return nil
		}
		_, err := im.tx.sql.ExecContext(im.tx.ctx, "UPDATE ulabel SET type_id = ? WHERE id = ? AND uid = ? AND type_id IS NULL", of, id, row.text("uid"))
		return err
	})
}

// lamindbLinks are lamindb's tables of links and ours.
var lamindbLinks = []struct {
	table, own, other string
	model             Model
	relation          string
}{
	{"artifactulabel", "artifact_id", "ulabel_id", ModelArtifact, "ulabels"},
	{"collectionulabel", "collection_id", "ulabel_id", ModelCollection, "ulabels"},
	{"artifact_input_of_runs", "artifact_id", "run_id", ModelArtifact, "input_of"},
	{"collection_input_of_runs", "collection_id", "run_id", ModelCollection, "input_of"},
	{"artifact_recreating_runs", "artifact_id", "run_id", ModelArtifact, "previous_runs"},
	{"collection_recreating_runs", "collection_id", "run_id", ModelCollection, "previous_runs"},
}

func (im *lamindbImport) links() error {
	for _, l := range lamindbLinks {
		r, _ := tables[l.model].Relation(l.relation)
		q := fmt.Sprintf("INSERT OR IGNORE INTO %s (%s, %s) VALUES (?, ?)", r.Link, r.Own, r.Other)
		err := im.src.rows(l.table, func(row lamindbRow) error {
			own, other := im.ref(l.model, row, l.own), im.ref(r.To, row, l.other)
			if own == nil || other == nil {
				return nil
			}
			return im.linked(q, own, other)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", l.table, err)
		}
	}
	return nil
}

// linked runs an INSERT of a link, and counts it where it was not there.
func (im *lamindbImport) linked(q string, args ...any) error {
	res, err := im.tx.sql.ExecContext(im.tx.ctx, q, args...)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	im.out.Links += n
	return err
}

// members gives the collections that are new their members, in the order of the links, and the hashes of these.
func (im *lamindbImport) members() error {
	of := make(map[int64][]int64)
	err := im.src.rows("collectionartifact", func(row lamindbRow) error {
		c, a := im.ref(ModelCollection, row, "collection_id"), im.ref(ModelArtifact, row, "artifact_id")
		if c == nil || a == nil {
			return nil
		}
		of[c.(int64)] = append(of[c.(int64)], a.(int64))
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range im.ids[ModelCollection] {
		var have int
		if err := im.tx.sql.QueryRowContext(im.tx.ctx, "SELECT count(*) FROM collection_artifact WHERE collection_id = ?", id).Scan(&have); err != nil {
			return err
		}
		if have > 0 { // what was here already stays
			continue
		}
		if err := im.setMembers(id, of[id]); err != nil {
			return err
		}
	}
	return nil
}

func (im *lamindbImport) setMembers(collection int64, artifacts []int64) error {
	members := make([]Record, 0, len(artifacts))
	seen := make(map[int64]bool, len(artifacts))
	for _, id := range artifacts {
		if seen[id] {
			continue
		}
		seen[id] = true
		var hash sql.NullString
		var uid string
		if err := im.tx.sql.QueryRowContext(im.tx.ctx, "SELECT uid, hash FROM artifact WHERE id = ?", id).Scan(&uid, &hash); err != nil {
			return err
		}
		r := Record{"uid": uid}
		if hash.Valid {
			r["hash"] = hash.String
		}
		err := im.linked("INSERT INTO collection_artifact (collection_id, artifact_id, position) VALUES (?, ?, ?)", collection, id, len(members))
		if err != nil {
			return err
		}
		members = append(members, r)
	}
	hash, order := hashOfMembers(members)
	_, err := im.tx.sql.ExecContext(im.tx.ctx, "UPDATE collection SET hash = ?, order_hash = ? WHERE id = ?", hash, order, collection)
	return err
}

// families makes one version of each family its latest, and gives versions a number that have none and are not alone.
func (im *lamindbImport) families() error {
	for _, m := range []Model{ModelTransform, ModelArtifact, ModelCollection} {
		t := tables[m]
		name, first := quote(string(m)), "uid DESC"
		if t.Has("visibility") {
			first = "visibility, " + first
		}
		latest := fmt.Sprintf("(SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY stem_uid ORDER BY %s) AS place FROM %s) WHERE place = 1)", first, name)
		for _, q := range []string{
			"UPDATE %s SET is_latest = 0 WHERE is_latest AND id NOT IN %s",
			"UPDATE %s SET is_latest = 1 WHERE NOT is_latest AND id IN %s",
		} {
			if _, err := im.tx.sql.ExecContext(im.tx.ctx, fmt.Sprintf(q, name, latest)); err != nil {
				return err
			}
		}
		if err := im.numbers(name); err != nil {
			return err
		}
		if err := im.sharedKeys(t, name); err != nil {
			return err
		}
	}
	return nil
}

// sharedKeys counts the keys that the latest of several families have, which lamindb lets be.
func (im *lamindbImport) sharedKeys(t *Table, name string) error {
	live := "is_latest AND key <> ''"
	if t.Has("visibility") {
		live += fmt.Sprintf(" AND visibility < %d", Trash)
	}
	var n int64
	q := fmt.Sprintf("SELECT count(*) FROM (SELECT 1 FROM %s WHERE %s GROUP BY key HAVING count(*) > 1)", name, live)
	err := im.tx.sql.QueryRowContext(im.tx.ctx, q).Scan(&n)
	if n > 0 {
		im.notes["keys of "+string(t.Model)+"s that are those of several, which only their uids tell apart: %d"] = n
	}
	return err
}

// version is one of a family, as it is numbered.
type versionOf struct {
	id      int64
	stem    string
	version sql.NullString
}

func (im *lamindbImport) numbers(table string) error {
	rows, err := im.tx.sql.QueryContext(im.tx.ctx, fmt.Sprintf(`SELECT id, stem_uid, version FROM %s WHERE stem_uid IN
		(SELECT stem_uid FROM %s GROUP BY stem_uid HAVING count(*) > 1 AND count(version) < count(*)) ORDER BY uid`, table, table))
	if err != nil {
		return err
	}
	defer rows.Close()
	var all []versionOf
	for rows.Next() {
		var v versionOf
		if err := rows.Scan(&v.id, &v.stem, &v.version); err != nil {
			return err
		}
		all = append(all, v)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for from := 0; from < len(all); {
		to := from
		for to < len(all) && all[to].stem == all[from].stem {
			to++
		}
		if err := im.number(table, all[from:to]); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// number gives the versions of a family that have none the number of their place, or the next that is free.
func (im *lamindbImport) number(table string, family []versionOf) error {
	taken := make(map[string]bool)
	for _, v := range family {
		taken[v.version.String] = true
	}
	for i, v := range family {
		if v.version.Valid {
			continue
		}
		n := i + 1
		for taken[strconv.Itoa(n)] {
			n++
		}
		taken[strconv.Itoa(n)] = true
		if _, err := im.tx.sql.ExecContext(im.tx.ctx, fmt.Sprintf("UPDATE %s SET version = ? WHERE id = ?", table), strconv.Itoa(n), v.id); err != nil {
			return err
		}
	}
	return nil
}
