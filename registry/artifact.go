package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"syscall"
)

// saveArtifact saves an artifact, or gives the one of the same content.
func (tx *tx) saveArtifact(t *Table, s Save) (*Saved, error) {
	r := maps.Clone(s.Record)
	there, err := tx.sameContent(t, r)
	if err != nil {
		return nil, err
	}
	if there != nil {
		left, err := tx.follow(t, there, r)
		if err != nil {
			return nil, err
		}
		if rest := r["rest_hash"]; rest != nil && there["rest_hash"] == nil && (left != "" || there["path"] == r["path"]) { // it was not known
			if err := tx.set(t, there.Int("id"), Record{"rest_hash": rest}); err != nil {
				return nil, err
			}
		}
		out, err := tx.again(t, there, r, s)
		if err != nil {
			return nil, err
		}
		if left != "" {
			out.Moved = there.Text("path")
			then := "it is at %s now"
			if s.Dry {
				then = "saved, it is at %s"
			}
			out.Notes = append(out.Notes, fmt.Sprintf("%s lay at %s, where %s; "+then, there.UID(), out.Moved, left, r["path"]))
		}
		return out, tx.missingSlots(there.Int("id"), s.Slots)
	}
	setDefault(r, "visibility", Visible)
	setDefault(r, "suffix", "")
	if err := tx.place(r); err != nil {
		return nil, err
	}
	head := s.Revises
	if key := r.Text("key"); head == "" && key != "" && !s.asIs {
		if head, err = tx.headOf(t, "t.key = ?", key); err != nil {
			return nil, err
		}
		if s.SamePath && head != "" {
			if err := tx.atPath(t, head, r); err != nil {
				return nil, err
			}
		}
	}
	out, err := tx.saveVersion(t, r, head)
	if err != nil {
		return nil, err
	}
	return out, tx.saveSlots(ModelArtifact, out.Record.Int("id"), s.Slots)
}

// atPath is the error that the artifact whose next version would be r, by a key that nobody gave it, lies at another path.
func (tx *tx) atPath(t *Table, head string, r Record) error {
	old, err := tx.get(t, head)
	if err != nil || old["path"] == r["path"] {
		return err
	}
	hint := fmt.Sprintf("give it a key of its own with --key; with --key %q, it is a new version of that", r["key"])
	return fail(ErrConflict, tx.op, r.Text("path"), hint, "its key would be %q, which is that of another file, %s", r["key"], old["path"])
}

// missingSlots gives an artifact its features, where it was saved without.
func (tx *tx) missingSlots(id int64, slots []Slot) error {
	var has bool
	err := tx.sql.QueryRowContext(tx.ctx, "SELECT EXISTS (SELECT 1 FROM artifact_featureset WHERE artifact_id = ?)", id).Scan(&has)
	if err != nil || has {
		return err
	}
	return tx.saveSlots(ModelArtifact, id, slots)
}

// sameContent is the artifact that has the hash of r, one outside the trash before others; or, where r has none because nobody
// looked at its bytes, the one at the same path. What the hash leaves out may not differ, where it is known. Empty files are each their own.
func (tx *tx) sameContent(t *Table, r Record) (Record, error) {
	if uid := r.UID(); uid != "" {
		there, err := tx.first(t, "t.uid = ?", uid)
		if err != nil {
			return nil, err
		}
		if there != nil && there["hash"] == r["hash"] && sameRest(there, r) && (r["hash"] != nil || there["path"] == r["path"]) {
			return there, nil
		}
	}
	if r["hash"] == nil {
		return tx.first(t, "t.hash IS NULL AND t.path = ? ORDER BY t.visibility, t.id DESC", r["path"])
	}
	if r["size"] == int64(0) {
		return tx.first(t, "t.hash = ? AND t.path = ? ORDER BY t.visibility, t.id DESC", r["hash"], r["path"])
	}
	return tx.first(t, "t.hash = ?1 AND t.hash_type IS ?2 AND t.size IS ?3 AND (t.rest_hash = ?4 OR t.rest_hash IS NULL OR ?4 IS NULL) "+
		"ORDER BY t.rest_hash IS NOT ?4, t.visibility, t.id DESC", r["hash"], r["hash_type"], r["size"], r["rest_hash"])
}

// follow lets a record go to the path where its content is found, if that lies no more at its own; left says what is there now, ""
// of a record that stays.
func (tx *tx) follow(t *Table, there, r Record) (left string, err error) {
	was, now := there.Text("path"), r.Text("path")
	if now == was || !filepath.IsAbs(was) || !filepath.IsAbs(now) {
		return "", nil
	}
	if left = leftAt(was, there); left == "" {
		left = tx.rewritten(was, there)
	}
	if left == "" || leftAt(now, there) != "" {
		return "", nil
	}
	storage, err := tx.storageOf(now)
	if err != nil {
		return "", err
	}
	return left, tx.set(t, there.Int("id"), Record{"path": now, "storage": storage})
}

// somethingElse is what is at a path whose file was written over.
const somethingElse = "something else is now"

// leftAt says what is at a path in place of an artifact, where it is certain that the artifact is not; else "". No bytes are read.
func leftAt(path string, r Record) string {
	fi, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return "nothing is any more"
	case err == nil && fi.Mode().IsRegular() && r["size"] != nil && fi.Size() != r.Int("size"):
		return somethingElse
	case err == nil && r["hash_type"] != nil && fi.IsDir() != (r["hash_type"] == HashFolder):
		return somethingElse
	}
	return ""
}

// again is a record that is there and was to be saved once more as r: out of the trash, with what it lacked of r, and with the run that
// made it now.
func (tx *tx) again(t *Table, there, r Record, s Save) (*Saved, error) {
	out := &Saved{}
	if there.Int("visibility") == Trash {
		out.Notes = append(out.Notes, fmt.Sprintf("%s was in the trash, and is restored", there.UID()))
		shown, err := tx.show(t, there)
		var taken *Error
		if other := otherNamesOf(t, there, r, s); other != nil && errors.Is(err, ErrConflict) && errors.As(err, &taken) {
			if shown, err = tx.showAs(t, there, other); err == nil {
				out.Notes = append(out.Notes, fmt.Sprintf("it comes back as %s: %s", titleOf(shown), taken.Detail))
			}
		}
		if err != nil {
			return nil, err
		}
		there = shown
	}
	notes, err := tx.complete(t, there, r, s)
	if err != nil {
		return nil, err
	}
	out.Notes = append(out.Notes, notes...)
	if err := tx.made(t, there, r.Text("run")); err != nil {
		return nil, err
	}
	out.Record, err = tx.get(t, there.UID())
	return out, err
}

// made notes that a run made a record that is there: as its run where it has none, else among its previous runs.
func (tx *tx) made(t *Table, there Record, run string) error {
	if run == "" || run == there.Text("run") {
		return nil
	}
	if there["run"] == nil {
		of, err := tx.get(tables[ModelRun], run)
		if err != nil {
			return err
		}
		return tx.set(t, there.Int("id"), Record{"run": run, "transform": of["transform"]})
	}
	rel, _ := t.Relation("previous_runs")
	id, err := tx.id(tables[ModelRun], run)
	if err != nil {
		return err
	}
	return tx.link(rel, there.Int("id"), id)
}

// link adds a link, where it is not there yet.
func (tx *tx) link(r Relation, own, other int64) error {
	_, err := tx.sql.ExecContext(tx.ctx, fmt.Sprintf("INSERT OR IGNORE INTO %s (%s, %s) VALUES (?, ?)", r.Link, r.Own, r.Other), own, other)
	return err
}
