package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/loaderd/loaderd/registry"
)

// callSave saves a record, with all that comes with it. Artifacts must still be what they were when they were registered, and get
// their features from their files, unless these come along.
func callSave(ctx context.Context, q called) (any, error) {
	return q.save(ctx, func(*registry.Save) {})
}

// callAppend saves a new version of a collection, of the members that the newest one has and more. Arguments and value are those
// of a save; it is a call of its own, so that a daemon that knows none does not take it for a collection of these members alone.
func callAppend(ctx context.Context, q called) (any, error) {
	return q.save(ctx, func(s *registry.Save) { s.Model, s.Append = registry.ModelCollection, true })
}

// saveArgs say what to save.
type saveArgs struct {
	Record  map[string]any `msgpack:"record"`
	Revises *string        `msgpack:"revises"`
	Names   map[string]any `msgpack:"names"`
	Before  []saveArgs     `msgpack:"before"`
	Members []any          `msgpack:"members"`
	Append  bool           `msgpack:"append"` // of one of Before
	Whole   []any          `msgpack:"whole"`
	Tag     string         `msgpack:"tag"`
}

// save does what is asked for, with what its caller knows of it.
func (q called) save(ctx context.Context, also func(*registry.Save)) (any, error) {
	var args struct {
		Model registry.Model `msgpack:"model"`
		saveArgs
		Own bool `msgpack:"own"`
	}
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	s, err := q.prepared(ctx, args.Model, args.saveArgs)
	if err != nil {
		return nil, err
	}
	also(&s)
	if q.db.Path() != q.main.Path() {
		s.From, s.Own = q.main, args.Own
	}
	return q.saved(ctx, s)
}

// prepared is what is asked for as the registry saves it.
func (q called) prepared(ctx context.Context, m registry.Model, args saveArgs) (s registry.Save, err error) {
	s = registry.Save{Model: m, Record: args.Record}
	if m == registry.ModelArtifact {
		if s, err = q.artifact(ctx, args.Record); err != nil {
			return s, err
		}
	}
	s.Append, s.Tag, s.Names = args.Append, args.Tag, args.Names
	if args.Revises != nil {
		s.Revises = *args.Revises
	}
	if s.Before, err = q.before(ctx, m, args.Before); err != nil {
		return s, err
	}
	for _, name := range []string{"artifact", "meta_artifact"} {
		if err := q.inPlace(ctx, s.Record, name); err != nil {
			return s, err
		}
	}
	if s.Members, err = q.members(ctx, args.Members); err != nil {
		return s, err
	}
	s.Whole, err = q.members(ctx, args.Whole)
	return s, err
}

func (q called) before(ctx context.Context, m registry.Model, list []saveArgs) ([]registry.Save, error) {
	out := make([]registry.Save, len(list))
	for i, args := range list {
		if len(args.Before) > 0 || args.Revises != nil {
			return nil, invalid("save", "before", errors.New("each of them follows the one ahead of it, and names no other"))
		}
		var err error
		if out[i], err = q.prepared(ctx, m, args); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// saved saves, and gives the answer.
func (q called) saved(ctx context.Context, s registry.Save) (any, error) {
	s.Look = func(ctx context.Context, path string) (registry.FileOf, error) {
		found, err := q.all.looks.at(ctx, path, new(counted))
		if err != nil {
			return registry.FileOf{}, err
		}
		return found.content(), nil
	}
	out, err := q.db.Save(ctx, s)
	if err != nil {
		return nil, err
	}
	value := map[string]any{
		"record": wireRecord(s.Model, out.Record), "created": out.Created, "revised": nil,
		"members": wireRecords(registry.ModelArtifact, out.Members), "notes": wireNotes(out.Notes),
	}
	if len(out.Tagged) > 0 {
		tagged := make(map[string]any, len(out.Tagged))
		for tag, r := range out.Tagged {
			tagged[tag] = wireRecord(r.Model, r.Record)
		}
		value["tagged"] = tagged
	}
	if out.Revised != nil {
		value["revised"] = wireRecord(s.Model, out.Revised)
	}
	return value, nil
}

// inPlace prepares the artifact that may stand in place of a uid.
func (q called) inPlace(ctx context.Context, r registry.Record, name string) error {
	of, ok := r[name].(map[string]any)
	if !ok {
		return nil
	}
	s, err := q.artifact(ctx, of)
	r[name] = s
	return err
}

func (q called) members(ctx context.Context, list []any) ([]any, error) {
	out := slices.Clone(list)
	for i, m := range list {
		of, ok := m.(map[string]any)
		if !ok {
			continue
		}
		s, err := q.artifact(ctx, of)
		if err != nil {
			return nil, err
		}
		out[i] = s
		q.progress("members", int64(i+1), int64(len(list)))
	}
	return out, nil
}

// artifact is the record of an artifact as it is saved: with its features, and what its file says of it.
func (q called) artifact(ctx context.Context, record map[string]any) (registry.Save, error) {
	r := maps.Clone(registry.Record(record))
	s := registry.Save{Model: registry.ModelArtifact, Record: r}
	given, err := slotsOf(r["features"])
	if err != nil {
		return s, err
	}
	delete(r, "features")
	s.Slots = given
	if v, ok := r["revises"]; ok {
		if s.Revises, ok = v.(string); !ok && v != nil {
			return s, invalid("save", "revises", fmt.Errorf("got %v; it is the uid of the artifact before", v))
		}
		delete(r, "revises")
	}
	if v, ok := r["same_path"]; ok {
		if s.SamePath, ok = v.(bool); !ok && v != nil {
			return s, invalid("save", "same_path", fmt.Errorf("got %v; it is true or false", v))
		}
		delete(r, "same_path")
	}
	if err := q.along(ctx, &s); err != nil {
		return s, err
	}
	if r["path"] == nil {
		return s, nil // the registry says what is missing
	}
	path, err := pathOf(r["path"])
	if err != nil || isURL(path) {
		return s, err
	}
	known, err := q.all.looks.still(ctx, path, r)
	if err != nil {
		return s, err
	}
	if known == nil {
		known = new(seen)
	}
	if known.rest != "" {
		r["rest_hash"] = known.rest
	}
	s.Seen = known.seen()
	return s, q.describe(ctx, &s, path, known)
}

// along takes from an artifact's record the tag that it has, its names, and what it follows that is not saved yet.
func (q called) along(ctx context.Context, s *registry.Save) error {
	s.Tag, _ = s.Record["tag"].(string)
	s.Names, _ = s.Record["names"].(map[string]any)
	list, _ := s.Record["before"].([]any)
	for _, name := range []string{"tag", "names", "before"} {
		delete(s.Record, name)
	}
	before := make([]saveArgs, len(list))
	for i, v := range list {
		of, ok := v.(map[string]any)
		if before[i].Record, _ = of["record"].(map[string]any); !ok || before[i].Record == nil {
			return invalid("save", "before", fmt.Errorf("got %v; it is a list of maps that have a record", v))
		}
		before[i].Tag, _ = of["tag"].(string)
		before[i].Names, _ = of["names"].(map[string]any)
	}
	var err error
	s.Before, err = q.before(ctx, registry.ModelArtifact, before)
	return err
}

// describe adds what the file says where the record does not. What can be read is worth nothing where the registry has it.
func (q called) describe(ctx context.Context, s *registry.Save, path string, known *seen) error {
	r := s.Record
	r["path"] = path
	if r["suffix"] == nil {
		r["suffix"] = suffixOf(path)
	}
	if given := s.Slots != nil; given && r["otype"] != nil && r["n_observations"] != nil {
		return nil
	}
	c, err := known.of(ctx, path, r.Text("suffix"))
	if err != nil {
		return err
	}
	if r["otype"] == nil && c.otype != "" {
		r["otype"] = c.otype
	}
	if r["n_observations"] == nil && c.rows >= 0 {
		r["n_observations"] = c.rows
	}
	if s.Slots == nil {
		s.Slots = c.slots
		if c.note != "" {
			s.Notes = append(s.Notes, c.note)
		}
	}
	return nil
}

// slotsOf are the features that a client sends: of each slot, pairs of a name and a dtype.
func slotsOf(v any) ([]registry.Slot, error) {
	if v == nil {
		return nil, nil
	}
	wrong := func(v any) error {
		return invalid("save", "features", fmt.Errorf("got %v; features are a map of slots, each a list of [name, dtype]", v))
	}
	slots, ok := v.(map[string]any)
	if !ok {
		return nil, wrong(v)
	}
	out := []registry.Slot{}
	for _, name := range slices.Sorted(maps.Keys(slots)) {
		list, ok := slots[name].([]any)
		if !ok {
			return nil, wrong(slots[name])
		}
		s := registry.Slot{Name: name}
		for _, f := range list {
			pair, ok := f.([]any)
			if !ok || len(pair) != 2 {
				return nil, wrong(f)
			}
			name, isText := pair[0].(string)
			dtype, isToo := pair[1].(string)
			if !isText || !isToo {
				return nil, wrong(f)
			}
			s.Names, s.DTypes = append(s.Names, name), append(s.DTypes, dtype)
		}
		out = append(out, s)
	}
	return out, nil
}
