package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loaderd/loaderd/cache"
	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/registry"
)

// newCopies gives what makes the cache of copies when it is needed.
func newCopies(o Options) func() (*cache.Cache, error) {
	return sync.OnceValues(func() (*cache.Cache, error) {
		dir, roots := o.CopiesDir, slices.DeleteFunc(slices.Clone(o.CacheCopy), func(root string) bool { return root == "" })
		if dir == "" {
			var err error
			if dir, err = ipc.CopiesDir(); err != nil && len(roots) > 0 {
				return nil, err // else nothing is copied
			}
		}
		return cache.New(cache.Options{Dir: dir, Roots: roots})
	})
}

// cacheTogether is how many artifacts are looked at, and copied, at a time.
const cacheTogether = 4

// callCache has artifacts on this machine, and says where, in their order.
func callCache(ctx context.Context, q called) (any, error) {
	var args struct {
		Of []any `msgpack:"of"` // uids of artifacts, or paths
	}
	if err := q.args.Decode(&args); err != nil {
		return nil, err
	}
	copies, err := q.all.copies()
	if err != nil {
		return nil, err
	}
	wanted, err := q.wanted(ctx, args.Of)
	if err != nil {
		return nil, err
	}
	sum := &sumOfProgress{tell: q.progress, done: make([]int64, len(wanted)), total: make([]int64, len(wanted))}
	paths, notes, news := make([]any, len(wanted)), make([]string, len(wanted)), make([]int64, len(wanted))
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(cacheTogether)
	for i, w := range wanted {
		if each.Err() != nil {
			break
		}
		g.Go(func() error {
			found, err := copies.Path(each, cache.Ref(w.path), func(done, total int64) { sum.set(i, done, total) })
			if err != nil {
				return err
			}
			paths[i], notes[i] = wireText(found.Path), found.Note
			switch {
			case w.record == nil:
			case found.Source != nil:
				notes[i], news[i], err = q.difference(each, w, found)
			case q.isOther(each, w, found.Path):
				notes[i] += "; what it holds is not what was registered"
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := q.see(ctx, wanted, news); err != nil {
		return nil, err
	}
	notes = slices.DeleteFunc(notes, func(note string) bool { return note == "" })
	return map[string]any{"paths": paths, "notes": wireNotes(notes)}, ctx.Err()
}

// wanted is an artifact, or a path without one.
type wanted struct {
	path   string
	record registry.Record // nil: none is known of
	seen   int64           // the signature of the file when it was hashed last; 0: that is not known
}

// wanted finds what is named by uid or path.
func (q called) wanted(ctx context.Context, of []any) ([]wanted, error) {
	out := make([]wanted, len(of))
	var uids []any
	for i, v := range of {
		if uid, ok := v.(string); ok && uid != "" && !strings.Contains(uid, "/") {
			uids = append(uids, uid)
			continue
		}
		path, err := pathOf(v)
		if err != nil {
			return nil, err
		}
		out[i].path = path
	}
	records := make(map[string]registry.Record, len(uids))
	for some := range slices.Chunk(uids, 1000) {
		found, err := q.db.Records(ctx, registry.Query{Model: registry.ModelArtifact, Where: registry.Lookup{Path: "uid__in", Value: some}, All: true})
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			records[r.UID()] = r
		}
	}
	seen, err := q.seen(ctx, records)
	if err != nil {
		return nil, err
	}
	for i, v := range of {
		if out[i].path != "" {
			continue
		}
		uid := v.(string)
		r, ok := records[uid]
		if !ok {
			return nil, &registry.Error{Kind: registry.ErrNoRecord, Op: "cache", Object: uid, Detail: "there is no artifact of this uid"}
		}
		out[i] = wanted{r.Text("path"), r, seen[r.Int("id")]}
	}
	return out, nil
}

// seen are the signatures that are known of artifacts.
func (q called) seen(ctx context.Context, records map[string]registry.Record) (map[int64]int64, error) {
	if len(records) == 0 {
		return nil, nil
	}
	ids := make([]int64, 0, len(records))
	for _, r := range records {
		ids = append(ids, r.Int("id"))
	}
	return q.db.Seen(ctx, ids)
}

// see notes the signatures of files that were read again and are what was registered, so that they are not read once more. That some can not
// be noted, as in a registry that cannot be written to, costs time later and is no error now.
func (q called) see(ctx context.Context, all []wanted, signatures []int64) error {
	news := make(map[int64]int64)
	for i, signature := range signatures {
		if signature != 0 {
			news[all[i].record.Int("id")] = signature
		}
	}
	if len(news) > 0 && q.db.See(ctx, news) != nil {
		return ctx.Err()
	}
	return nil
}

// difference says that what is stored is not what was registered; "" where nothing shows it. A file that may be another one is hashed, and
// has a signature by which it is known the next time, if it is what it was. A folder is looked at where it was for its copy, or was made anew.
func (q called) difference(ctx context.Context, w wanted, found cache.Found) (note string, signature int64, err error) {
	source := found.Source
	size, sized := w.record["size"].(int64)
	if source.Dir && !found.Copy {
		note, err := q.folderDifference(ctx, w)
		return note, 0, err
	}
	if files, ok := w.record["n_files"].(int64); ok && source.Dir && files != int64(len(source.Files)) {
		return fmt.Sprintf("%s is not what was registered: %d files instead of %d; %s", w.path, len(source.Files), files, registerAgain), 0, nil
	}
	if sized && source.Size() != size {
		cure, err := q.cure(ctx, w, found)
		return fmt.Sprintf("%s is not what was registered: %d bytes instead of %d; %s", w.path, source.Size(), size, cure), 0, err
	}
	if source.Dir || !registry.OfFile(w.record.Text("hash_type")) {
		return "", 0, nil
	}
	fi, err := os.Stat(w.path)
	if err != nil || !registry.MayDiffer(fi, w.record, w.seen) {
		return "", 0, nil // what cannot be read now is said by who reads it
	}
	now, err := q.all.looks.at(ctx, found.Path, new(counted))
	if errors.Is(err, context.Canceled) {
		return "", 0, err
	}
	if err != nil || !now.content().IsOf(w.record) {
		cure, err := q.cure(ctx, w, found)
		return fmt.Sprintf("%s is not what was registered: it was written to at %s; %s", w.path, registry.TouchedAt(fi).Format(time.DateTime), cure), 0, err
	}
	if found.Copy { // of which it is not known whether it is of the file that is there now
		return "", 0, nil
	}
	return "", now.seen(), nil
}

// folderDifference says that a folder is not what was registered. To look at each file of each folder would hold up who only opens them, so
// that it is looked at if it itself, or one of the first things in it, was touched since the record was made: as when it was written anew.
func (q called) folderDifference(ctx context.Context, w wanted) (string, error) {
	const first = 256
	young := time.Time{}
	notice := func(fi fs.FileInfo, err error) {
		if err == nil && registry.TouchedAt(fi).After(young) {
			young = registry.TouchedAt(fi)
		}
	}
	f, err := os.Open(w.path)
	if err != nil {
		return "", nil // which is said by who reads it
	}
	defer f.Close()
	notice(f.Stat())
	entries, _ := f.ReadDir(first)
	for _, e := range entries {
		notice(e.Info())
	}
	if w.record.Text("hash_type") != registry.HashFolder || !young.After(w.record.Time("created_at")) {
		return "", nil
	}
	now, err := q.all.looks.at(ctx, w.path, new(counted))
	if errors.Is(err, context.Canceled) {
		return "", err
	}
	if err != nil || now.content().IsOf(w.record) {
		return "", nil
	}
	return fmt.Sprintf("%s is not what was registered: it was written to at %s; %s", w.path, young.Format(time.DateTime), registerAgain), nil
}

// registerAgain is the cure where a file has become something that nobody registered.
const registerAgain = "register it again"

// cure says what can be done about a file that is not what was registered. What it is now may be registered, too: then registering it again
// gives that record, and changes nothing for this one.
func (q called) cure(ctx context.Context, w wanted, found cache.Found) (string, error) {
	if found.Source.Dir {
		return registerAgain, nil
	}
	same := registry.And{registry.Lookup{Path: "size", Value: found.Source.Size()}, registry.Not{Where: registry.Lookup{Path: "uid", Value: w.record.UID()}}}
	if some, err := q.db.Exists(ctx, registry.Query{Model: registry.ModelArtifact, Where: same}); err != nil || !some {
		return registerAgain, err
	}
	now, err := q.all.looks.at(ctx, found.Path, new(counted))
	if errors.Is(err, context.Canceled) {
		return "", err
	}
	if err != nil {
		return registerAgain, nil
	}
	known, err := q.db.Records(ctx, registry.Query{Model: registry.ModelArtifact, OrderBy: []string{"-id"}, Where: append(same, registry.Lookup{Path: "hash", Value: now.hash})})
	for _, r := range known {
		if now.content().IsOf(r) {
			return fmt.Sprintf("it is what is registered as %s, so use that one, or write the content of %s again", r.UID(), w.record.UID()), nil
		}
	}
	return registerAgain, err
}

// isOther reports whether a copy whose source is gone is certain to be of another content than was registered: of a file that was
// written over before it went. Folders are too much to read for that.
func (q called) isOther(ctx context.Context, w wanted, path string) bool {
	if !registry.OfFile(w.record.Text("hash_type")) {
		return false
	}
	now, err := q.all.looks.at(ctx, path, new(counted))
	return err == nil && !now.content().IsOf(w.record)
}

// sumOfProgress tells of many at once as of one.
type sumOfProgress struct {
	tell func(what string, done, total int64)

	mu             sync.Mutex // guards what follows, and is held while tell is called
	done, total    []int64    // of each
	allDone, wants int64
}

func (s *sumOfProgress) set(i int, done, total int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allDone += done - s.done[i]
	s.wants += total - s.total[i]
	s.done[i], s.total[i] = done, total
	s.tell("bytes", s.allDone, s.wants)
}
