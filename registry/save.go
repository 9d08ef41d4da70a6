package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Save says what to save.
type Save struct {
	Model  Model
	Record Record // its fields; a reference to an artifact may be a record that is not saved yet

	// Revises is the uid of a record of which this is a new version. Whichever of its family is the newest is followed; where all of it
	// was deleted for good since, this is a first version, unless its key says otherwise, and Notes say so.
	Revises string

	// Before are records that are not saved yet, each a new version of the one ahead of it, the first of Revises, and this one a new version
	// of the last. They are saved first, in the same transaction.
	Before []Save

	// Names are fields that Record is to have where it turns out to follow nothing; else it has those of the one before, as they are then.
	Names Record

	// Members are those of a collection, in order: uids, and artifacts that are not saved yet, each a Record or a Save.
	Members []any
	// Append puts Members behind those that the newest version of the family of Revises has when it is saved: of several who append at
	// once, none loses what another has appended.
	Append bool
	// Whole are all members that one has, Members among them, that is appended to one of Before: should that turn out to be a record that is
	// there under another name, this one does not follow it, and has these.
	Whole []any

	// Seen is the [Signature] of the file that an artifact is, from when it was hashed; 0 where that is not known.
	Seen int64

	// Look reads a file, or a folder, as it was read to save it: to find out whether a record's own is still there, where its content is
	// found elsewhere. nil: files are read, and a folder that is there is taken for what it was.
	Look func(ctx context.Context, path string) (FileOf, error)

	// SamePath says that the key of an artifact was made up, of the name of its file: that of an artifact at another path, with other content,
	// is ErrConflict, and makes no new version.
	SamePath bool

	Slots  []Slot   // the features of an artifact
	Notes  []string // are added to those of Saved
	Labels []any    // of an artifact or a collection: uids, and records of labels that are not there yet

	// From is another database. What the record names and this one has not is copied from there, under its uid.
	From *DB
	// Own says that what is named is meant as this database has it, where both have another version of one uid; else that is
	// [ErrConflict].
	Own bool
	// Tag names the record for Saved.Tagged, where another one brings it along; "" for none. What comes twice under one tag is saved once.
	Tag string
	// Dry gives what would come of it, and changes nothing. The record has no id then.
	Dry bool

	asIs bool // a copy: no new version of what is here
}

// Saved is what came of a [Save].
type Saved struct {
	Record  Record            // as it is stored
	Created bool              // whether it was not there before
	Revised Record            // the version before, as it is now; nil where there is none
	Members []Record          // of a collection, in order: those that Save.Members named
	Tagged  map[string]Tagged // what was saved under tags
	Moved   string            // of an artifact that was there: the path where it lay, when it lies there no more and the record follows
	Notes   []string          // what the user should hear of
}

// Save adds a record, with all it brings along, in one transaction; or gives the one that is there: of the same content
// (artifacts by hash, collections by their members and these' order), or of the same name (users, storages, labels). Such a
// record comes out of the trash, with the key or the name that it is saved with where its own key is another family's by now. It
// is not changed otherwise: it does not become a new version, which Notes say where one was wanted. But that of a local file follows
// it to the path it is saved with, where it lies no more at its own: a file there that is younger than the record, or a folder, is
// read, before the transaction, to find that out.
func (db *DB) Save(ctx context.Context, s Save) (*Saved, error) {
	hashes := make(map[string]FileOf)
	for {
		out, unread, err := db.saveOnce(ctx, s, hashes)
		if !errors.Is(err, errUnread) {
			return out, err
		}
		if err := hashFiles(ctx, unread, hashes, s.Look); err != nil {
			return nil, db.explain("save", err)
		}
	}
}

// saveOnce saves; or changes nothing and gives errUnread, and the files whose hashes it lacks.
func (db *DB) saveOnce(ctx context.Context, s Save, hashes map[string]FileOf) (out *Saved, unread []string, err error) {
	err = db.update(ctx, "save", func(tx *tx) (err error) {
		tx.from, tx.own, tx.hashes, tx.tagged = s.From, s.Own, hashes, make(map[string]Tagged)
		tx.folders = s.Look != nil
		out, err = tx.save(s)
		if unread = tx.unread; len(unread) > 0 { // also after an error, which may have come of a record that did not follow
			return errUnread
		}
		if err != nil {
			return err
		}
		out.Notes = append(tx.notes, out.Notes...)
		if out.Tagged, err = tx.allTagged(); err == nil && s.Dry {
			err = errDry
		}
		return err
	})
	if errors.Is(err, errDry) {
		err = db.unmade(ctx, s.Model, out)
	}
	if err != nil {
		return nil, unread, err
	}
	return out, nil, nil
}

// unmade takes out of a record what it has only once it is there, such as a storage, or a run, that would be made for it.
func (db *DB) unmade(ctx context.Context, m Model, out *Saved) error {
	r := out.Record
	if out.Created {
		for _, name := range []string{"id", "created_at", "updated_at"} {
			delete(r, name)
		}
	}
	for _, f := range tables[m].Fields {
		if uid := r.Text(f.Name); f.Type == Ref && uid != "" {
			if _, err := db.Get(ctx, f.To, uid); errors.Is(err, ErrNoRecord) {
				r[f.Name] = nil
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

// errDry takes back what a dry save did.
var errDry = &Error{Kind: errors.New("dry")}

// errUnread takes back what a save did that needs the hashes of files first.
var errUnread = &Error{Kind: errors.New("unread")}

// identities are the conditions under which a record is the one that is to be saved, and the fields that they compare.
var identities = map[Model][]string{
	ModelUser:       {"handle"},
	ModelStorage:    {"root"},
	ModelULabel:     {"name"},
	ModelFeature:    {"name", "dtype"},
	ModelFeatureSet: {"hash"},
	ModelTransform:  {"key", "hash"},
}

// saveOne saves a record, whatever comes before it.
func (tx *tx) saveOne(t *Table, s Save) (*Saved, error) {
	gone, err := tx.leaveGone(t, &s)
	if err != nil {
		return nil, err
	}
	if s.Revises == "" && len(s.Names) > 0 {
		named := maps.Clone(s.Names)
		maps.Copy(named, s.Record)
		s.Record = named
	}
	r, err := t.canonical(tx.op, s.Record)
	if err != nil {
		return nil, err
	}
	s.Record = r
	if uid := r.UID(); uid != "" {
		if err := t.checkUID(tx.op, uid); err != nil {
			return nil, err
		}
	}
	if err := tx.asCopy(t, &s); err != nil {
		return nil, err
	}
	if err := tx.saveReferences(t, r); err != nil {
		return nil, err
	}
	if err := tx.transformOfRun(t, r); err != nil {
		return nil, err
	}
	if v, ok := r["visibility"]; ok && !slices.Contains([]any{Visible, Hidden, Trash}, v) {
		return nil, badVisibility(tx.op, t, v)
	}
	var out *Saved
	switch s.Model {
	case ModelArtifact:
		if out, err = tx.saveArtifact(t, s); err == nil && s.Seen != 0 && out.Record["path"] == r["path"] {
			err = tx.see(out.Record.Int("id"), s.Seen)
		}
	case ModelCollection:
		out, err = tx.saveCollection(t, s)
	default:
		out, err = tx.saveNamed(t, s)
	}
	if err == nil && s.Revises != "" && gone == "" && !out.Created {
		err = tx.isNoSuccessor(t, s.Revises, out)
	}
	if err == nil {
		out.Notes = append(slices.Clone(s.Notes), out.Notes...)
	}
	if err == nil && gone != "" {
		out.Notes = append(out.Notes, goneNote(gone, out))
	}
	if err == nil && len(s.Labels) > 0 {
		_, err = tx.label(s.Model, out.Record.UID(), s.Labels, nil)
	}
	return out, err
}

// isNoSuccessor says that what was to be a new version turned out to be a record that is there.
func (tx *tx) isNoSuccessor(t *Table, revises string, out *Saved) error {
	old, err := tx.get(t, revises)
	if err != nil {
		return err
	}
	if there := out.Record; there["stem_uid"] == old["stem_uid"] && there.UID() > old.UID() {
		return nil // it became one when it was saved before
	}
	what := map[Model]string{ModelArtifact: "has this content", ModelCollection: "has these artifacts in this order", ModelTransform: "has this key and this code"}[t.Model]
	if what == "" {
		what = "is this record"
	}
	out.Notes = append(out.Notes, fmt.Sprintf("%s %s already, and stays as it is: it is no new version of %s", titleOf(out.Record), what, revises))
	return nil
}

// saveReferences saves the records that stand in place of a uid, and copies those that only another database has.
func (tx *tx) saveReferences(t *Table, r Record) error {
	for _, f := range t.Fields {
		v := r[f.Name]
		if f.Type != Ref || v == nil {
			continue
		}
		of, err := tx.savedOr(f.To, v)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		r[f.Name] = of.UID()
	}
	return nil
}

// saveNamed saves a record that is known by its name, or by nothing but its uid.
func (tx *tx) saveNamed(t *Table, s Save) (*Saved, error) {
	there, err := tx.same(t, s.Record)
	if err != nil || there != nil {
		return &Saved{Record: there}, err
	}
	if there, err := tx.sameUnsourced(t, s); err != nil || there != nil {
		return there, err
	}
	r := maps.Clone(s.Record)
	switch s.Model {
	case ModelStorage:
		setDefault(r, "type", "local")
	case ModelTransform:
		setDefault(r, "type", "script")
	case ModelRun:
		setDefault(r, "status", "started")
		setDefault(r, "started_at", tx.now)
	case ModelULabel:
		setDefault(r, "is_type", false)
	}
	if t.Stem > 0 {
		head := s.Revises
		if key := r.Text("key"); head == "" && key != "" && !s.asIs {
			if head, err = tx.headOf(t, "t.key = ?", key); err != nil {
				return nil, err
			}
		}
		return tx.saveVersion(t, r, head)
	}
	setDefault(r, "uid", NewUID(s.Model))
	stored, err := tx.insert(t, r)
	return &Saved{Record: stored, Created: true}, err
}

// same is the record that is the one to be saved, by uid or by what identifies the model; nil where there is none.
func (tx *tx) same(t *Table, r Record) (Record, error) {
	if uid := r.UID(); uid != "" {
		if there, err := tx.first(t, "t.uid = ?", uid); err != nil || there != nil {
			return there, err
		}
	}
	condition, args := "1", []any{}
	for _, name := range identities[t.Model] {
		if r[name] == nil {
			return nil, nil
		}
		condition += fmt.Sprintf(" AND t.%s = ?", quote(name))
		args = append(args, r[name])
	}
	if len(args) == 0 {
		return nil, nil
	}
	return tx.first(t, condition, args...)
}

// sameUnsourced is the transform of a key without a hash that is there: nothing tells two versions of it apart but the version, or the
// code, where somebody gives these.
func (tx *tx) sameUnsourced(t *Table, s Save) (*Saved, error) {
	r := s.Record
	if s.Model != ModelTransform || s.asIs || s.Revises != "" || r.Text("key") == "" || r["hash"] != nil {
		return nil, nil
	}
	there, err := tx.first(t, "t.key = ?1 AND t.hash IS NULL AND t.source_code IS ?2 AND (t.version = ?3 OR ?3 IS NULL AND t.is_latest)", r["key"], r["source_code"], r["version"])
	if err != nil || there == nil {
		return nil, err
	}
	out := &Saved{}
	if out.Notes, err = tx.complete(t, there, r, s); err != nil {
		return nil, err
	}
	out.Record, err = tx.get(t, there.UID())
	return out, err
}

func setDefault(r Record, name string, v any) {
	if r[name] == nil {
		r[name] = v
	}
}
