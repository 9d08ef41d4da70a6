package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Imported says what an import found.
type Imported struct {
	Added   map[Model]int64  // records that are new here
	There   map[Model]int64  // records that were here already, by uid or by name; they are not changed
	Links   int64            // labels, inputs of runs and the like that are new here
	LeftOut map[string]int64 // rows that have no place here, by the table, or the part of one, that they stand in
	Notes   []string         // what else is not as it was
}

// lamindbModels are the models that are imported, each after those that it refers to, and how their rows become records.
var lamindbModels = []struct {
	model Model
	table string
	make  func(*lamindbImport, lamindbRow) (Record, error)
}{
	{ModelUser, "user", (*lamindbImport).user},
	{ModelStorage, "storage", (*lamindbImport).storage},
	{ModelULabel, "ulabel", (*lamindbImport).ulabel},
	{ModelTransform, "transform", (*lamindbImport).transform},
	{ModelRun, "run", (*lamindbImport).run},
	{ModelArtifact, "artifact", (*lamindbImport).artifact},
	{ModelCollection, "collection", (*lamindbImport).collection},
}

// ImportLamindb adds what a lamindb instance of today's schema has: users, storages, labels, transforms, runs, artifacts and
// collections with all versions, members, labels, features and inputs, under their uids, times and users. All of it or nothing
// is added. What is here already stays as it is, so that a second import adds what is new only. The instance's file is only read,
// and none of its artifacts' files are looked at. progress, where it is not nil, hears how many rows are read.
func (db *DB) ImportLamindb(ctx context.Context, path string, progress func(done, total int64)) (*Imported, error) {
	src, err := openLamindb(ctx, path)
	if err != nil {
		return nil, err
	}
	defer src.close()
	im := &lamindbImport{
		src: src, out: &Imported{Added: map[Model]int64{}, There: map[Model]int64{}, LeftOut: map[string]int64{}},
		ids: make(map[Model]map[int64]int64), roots: make(map[int64]string), runs: make(map[int64]int64), notes: make(map[string]int64), progress: progress,
	}
	err = db.update(ctx, "import", func(tx *tx) error {
		im.tx = tx
		return im.all()
	})
	if err != nil {
		return nil, err
	}
	for _, note := range slices.Sorted(maps.Keys(im.notes)) {
		im.out.Notes = append(im.out.Notes, fmt.Sprintf(note, im.notes[note]))
	}
	return im.out, nil
}

// lamindbImport is an import that runs.
type lamindbImport struct {
	tx          *tx
	src         *lamindb
	out         *Imported
	ids         map[Model]map[int64]int64 // ours by theirs
	roots       map[int64]string          // of our storages
	runs        map[int64]int64           // our transforms by our runs
	notes       map[string]int64          // how often, by a format that has a place for it
	progress    func(done, total int64)
	done, total int64
}

func (im *lamindbImport) all() error {
	total, err := im.src.countAll()
	if err != nil {
		return err
	}
	im.total = total
	for _, m := range lamindbModels {
		if err := im.records(m.model, m.table, m.make); err != nil {
			return fmt.Errorf("%s: %w", m.table, err)
		}
	}
	for _, step := range []func() error{im.types, im.links, im.members, im.features, im.families, im.leftOut} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// records reads the rows of one model.
func (im *lamindbImport) records(m Model, table string, make func(*lamindbImport, lamindbRow) (Record, error)) error {
	t := tables[m]
	add, err := im.adder(t)
	if err != nil {
		return err
	}
	defer add.close()
	ids := map[int64]int64{}
	im.ids[m] = ids
	return im.src.rows(table, func(row lamindbRow) error {
		im.tick()
		there, err := im.there(t, row)
		if err != nil {
			return err
		}
		if there != 0 {
			ids[row.int("id")] = there // also of a second label of the same name, which there can be in lamindb
			im.out.There[m]++
			return nil
		}
		r, err := make(im, row)
		if err != nil || r == nil {
			return err
		}
		r["uid"] = row.text("uid")
		if t.Stem > 0 {
			if err := im.ownUID(t, r); err != nil {
				return err
			}
		}
		if r["created_at"], err = row.time("created_at"); err != nil {
			return err
		}
		if r["updated_at"], err = row.time("updated_at"); err != nil {
			return err
		}
		if t.Has("created_by") {
			r["created_by"] = im.ref(ModelUser, row, "created_by_id")
		}
		id, err := add.add(r)
		if err != nil {
			return fmt.Errorf("%s: %w", row.text("uid"), err)
		}
		ids[row.int("id")] = id
		im.out.Added[m]++
		return nil
	})
}

// there is the id of the record that a row is of, where we have it: by uid, and by the name that there can be one of.
func (im *lamindbImport) there(t *Table, row lamindbRow) (int64, error) {
	if name := map[Model]string{ModelUser: "handle", ModelStorage: "root", ModelULabel: "name"}[t.Model]; name != "" {
		id, err := im.idBy(t, name, row.text(name))
		if err == nil && id != 0 && t.Model == ModelULabel {
			var other bool
			q := "SELECT uid <> ? FROM ulabel WHERE id = ?"
			if err = im.tx.sql.QueryRowContext(im.tx.ctx, q, row.text("uid"), id).Scan(&other); other {
				im.note("labels that have the name of another, and are one with it here: %d")
			}
		}
		if err != nil || id != 0 {
			return id, err
		}
	}
	if t.Stem > 0 {
		return im.versionThere(t, row)
	}
	return im.idBy(t, "uid", row.text("uid"))
}

// versionThere is the id of the record that the row of a version is of. One of its uid may be another: both sides number the versions of
// a family, and each can have made the next. They are the same where they are of one content, or were made at one moment.
func (im *lamindbImport) versionThere(t *Table, row lamindbRow) (int64, error) {
	at, err := row.time("created_at")
	if err != nil {
		return 0, err
	}
	created, err := Field{Type: Time}.stored(at)
	if err != nil {
		return 0, err
	}
	uid := row.text("uid")
	if len(uid) != t.UID {
		return im.idBy(t, "uid", uid)
	}
	var id int64
	q := fmt.Sprintf(`SELECT id FROM %s WHERE uid = ?1 AND (hash = ?2 OR created_at = ?3) OR stem_uid = ?4 AND hash IS ?2 AND created_at = ?3
		ORDER BY uid <> ?1 LIMIT 1`, quote(string(t.Model)))
	err = im.tx.sql.QueryRowContext(im.tx.ctx, q, uid, row.or("hash"), created, uid[:t.Stem]).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return id, err
}

// ownUID gives r, a record of a family, another uid than that of its row where that is another record's here: the next of the family.
func (im *lamindbImport) ownUID(t *Table, r Record) error {
	taken, err := im.idBy(t, "uid", r.UID())
	if err != nil || taken == 0 {
		return err
	}
	var highest string
	q := fmt.Sprintf("SELECT max(uid) FROM %s WHERE stem_uid = ?", quote(string(t.Model)))
	if err := im.tx.sql.QueryRowContext(im.tx.ctx, q, r.UID()[:t.Stem]).Scan(&highest); err != nil {
		return err
	}
	im.note("versions whose uid another version of their family has here, and that got the next one: %d")
	if v := r.Text("version"); v != "" {
		same, err := im.tx.first(t, "t.stem_uid = ? AND t.version = ?", highest[:t.Stem], v)
		if err != nil {
			return err
		}
		if same != nil {
			r["version"] = nil // it is numbered with those that have none
		}
	}
	return im.tx.nextUID(t, r, highest, new(Saved))
}

// ref is our id of what a row refers to; nil for nothing, and for what was left out.
func (im *lamindbImport) ref(m Model, row lamindbRow, column string) any {
	if id, ok := im.ids[m][row.int(column)]; ok && row[column] != nil {
		return id
	}
	return nil
}

func (im *lamindbImport) note(format string) { im.notes[format]++ }

// tick counts a row.
func (im *lamindbImport) tick() {
	const every = 1000
	if im.done++; im.done%every == 0 && im.progress != nil {
		im.progress(im.done, im.total)
	}
}
