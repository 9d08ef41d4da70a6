package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/loaderd/loaderd/ipc"
)

// prefixMin is the shortest beginning of a uid that stands for it.
const prefixMin = 4

// kind is a model of the registry.
type kind struct {
	model, plural string   // as people write it
	named         []string // fields that name a record
	versions      bool
	visible       bool // its records can be hidden, or in the trash
}

// kinds are the models in the order in which a name is looked for.
var kinds = []kind{
	{"artifact", "artifacts", []string{"key"}, true, true},
	{"collection", "collections", []string{"name", "key"}, true, true},
	{"transform", "transforms", []string{"key", "name"}, true, false},
	{"run", "runs", []string{"name"}, false, false},
	{"ulabel", "ulabels", []string{"name"}, false, false},
	{"storage", "storages", []string{"root"}, false, false},
	{"user", "users", []string{"handle"}, false, false},
	{"feature", "features", []string{"name"}, false, false},
	{"featureset", "featuresets", []string{"name"}, false, false},
}

// kindOf is the model of a name, in singular or plural.
func kindOf(name string) (kind, error) {
	var known []string
	for _, k := range kinds {
		if name == k.model || name == k.plural {
			return k, nil
		}
		known = append(known, k.plural)
	}
	return kind{}, invalid(name, "", "%q is no kind of record; there are %s", name, strings.Join(known, ", "))
}

// resolve finds the record that ref stands for: its uid, the beginning of one, its key or name, or the path of its file. Of a family
// of versions it is the latest, unless the whole uid is given. models are those that it may be of; none: any.
func (s *session) resolve(ref string, models ...string) (record, error) {
	if ref == "" {
		return nil, invalid(`""`, "name it by a uid, a key, a name or a path", "an empty name")
	}
	ref, err := local(ref)
	if err != nil {
		return nil, err
	}
	for _, find := range []func(string, kind) ([]record, error){s.byUID, s.byName, s.byPrefix} {
		for _, k := range kinds {
			if len(models) > 0 && !slices.Contains(models, k.model) {
				continue
			}
			found, err := find(ref, k)
			if err != nil {
				return nil, err
			}
			if len(found) > 0 {
				return one(ref, found)
			}
		}
	}
	what := "record"
	if len(models) > 0 {
		what = strings.Join(models, " or ")
	}
	return nil, &ipc.Error{Code: ipc.CodeNoRecord, Stage: "get", Object: ref, Message: fmt.Sprintf("no %s has this uid, key, name or path", what),
		Hint: "`loaderd ls --search TEXT` finds records by a part of their names"}
}

// resolveInTrash is resolve, but that what is in the trash comes before what is not: of a family, the newest version there.
func (s *session) resolveInTrash(ref string, models ...string) (record, error) {
	there := *s
	there.inTrash = true
	r, err := there.resolve(ref, models...)
	if isCode(err, ipc.CodeNoRecord) {
		return s.resolve(ref, models...)
	}
	return r, err
}

func (s *session) byUID(ref string, k kind) ([]record, error) { return s.where(k, lookup("uid", ref)) }

func (s *session) byName(ref string, k kind) ([]record, error) {
	either := []any{}
	for _, field := range k.named {
		either = append(either, lookup(field, ref))
	}
	if k.model != "artifact" {
		return s.where(k, []any{"or", either})
	}
	where, err := absolute(ref)
	if err != nil {
		return nil, err
	}
	byPath := lookup("path", where)
	_, gone := os.Stat(ref)
	if gone == nil {
		if found, err := s.where(k, byPath); err != nil || len(found) > 0 {
			return found, err
		}
	}
	found, err := s.where(k, []any{"or", append(either, byPath)})
	if err == nil && len(found) > 0 && gone == nil && !s.inTrash {
		return s.sameAs(ref, where, found)
	}
	return found, err
}

// sameAs are those of the records, found by a key that is also the path of a file here, that are of what this file holds. Where there is
// none, who has written the path may have meant either.
func (s *session) sameAs(ref string, where any, found []record) ([]record, error) {
	looked, err := callFor[map[string]any](s, "register", map[string]any{"path": where, "save": false})
	if s.ctx.Err() != nil {
		return nil, err
	}
	here, _ := looked["record"].(record) // none of what can not be registered, such as an empty folder
	for _, r := range found {
		if looked["created"] == false && r["uid"] == here["uid"] {
			return []record{r}, nil
		}
	}
	r := found[0]
	return nil, &ipc.Error{Code: ipc.CodeInvalidArgument, Stage: "get", Object: ref,
		Message: fmt.Sprintf("it is a file here, %s, which is not registered, and the key of another, %s at %s", textOf(where), text(r, "uid"), text(r, "path")),
		Hint:    fmt.Sprintf("`loaderd add` registers this one; the uid, %s, means that one", text(r, "uid"))}
}

func (s *session) byPrefix(ref string, k kind) ([]record, error) {
	if len(ref) < prefixMin {
		return nil, nil
	}
	return s.where(k, lookup("uid__startswith", ref))
}

func lookup(path string, value any) []any { return []any{"lookup", path, value} }

// where asks for records, whatever their visibility, the best first: those that are shown, and the latest.
func (s *session) where(k kind, tree []any) ([]record, error) {
	var order []any
	if k.visible {
		order = append(order, "visibility")
	}
	if k.versions {
		order = append(order, "-is_latest")
	}
	order = append(order, "-created_at")
	if s.inTrash {
		tree = []any{"and", []any{tree, lookup("visibility", trash)}}
	}
	const most = 20
	return s.records("query", map[string]any{"model": k.model, "where": tree, "order_by": order, "all": true, "limit": most})
}

// one is the best of what was found, where there is no doubt: where it is of one family, or the others are in the trash, or old versions
// in families whose latest is another.
func one(ref string, found []record) (record, error) {
	best := found[0]
	var others []string
	for _, r := range found[1:] {
		if family(r) != family(best) && textOf(r["visibility"]) == textOf(best["visibility"]) && r["is_latest"] == best["is_latest"] {
			others = append(others, text(r, "uid")+" "+title(r))
		}
	}
	if len(others) == 0 {
		return best, nil
	}
	const most = 4
	if len(others) > most {
		others = append(others[:most], fmt.Sprintf("and %d more", len(others)-most))
	}
	return nil, &ipc.Error{Code: ipc.CodeInvalidArgument, Stage: "get", Object: ref,
		Message: fmt.Sprintf("it can be %s %s, or %s", text(best, "uid"), title(best), strings.Join(others, ", ")), Hint: "give more of the uid"}
}

func family(r record) string {
	if stem := text(r, "stem_uid"); stem != "" {
		return stem
	}
	return text(r, "uid")
}

// title is what a person calls a record.
func title(r record) string {
	for _, field := range []string{"key", "name", "handle", "root", "description", "path"} {
		if s := text(r, field); s != "" {
			return s
		}
	}
	return ""
}
