package rowstore

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/edsrzf/mmap-go"
	"golang.org/x/sync/errgroup"
)

var (
	// ErrDir is wrapped by errors about a folder that cannot hold a row store.
	ErrDir = errors.New("folder of the row store")
	// ErrClosed is wrapped by what a closed store says.
	ErrClosed = errors.New("the row store is closed")
)

// Options say where a store is and how much it may hold.
type Options struct {
	// Dir is made if it is not there (mode 0700). Stores of several processes, also on several machines, may share it.
	Dir string
	// Budget is how many bytes Dir may hold. 0: Share per cent of what is free, what it holds already included, and a tenth of
	// the file system stays free.
	Budget int64
	Share  int          // 0: 25
	Log    *slog.Logger // nil: slog.Default()
	// SegmentBytes is how large a file becomes, at most 1 GiB. 0: 64 MiB.
	SegmentBytes int64
}

const (
	defaultSegment = 64 << 20
	minSegment     = 4 << 10
	maxSegment     = 1 << 30

	layoutFolder = "v1"
	probePrefix  = ".probe-"
)

// Store is a folder of tables, which processes share. It may be used by several goroutines.
type Store struct {
	dir     string
	root    string // Dir/v1, the folder of tables
	log     *slog.Logger
	segment int64
	sys     system
	name    string // begins the names of our segments: host, process and a random part
	from    origin
	serial  atomic.Int64
	sealing errgroup.Group // ends when the last segment that fell full is sealed
	budget  budget
	tidy    schedule

	mu     sync.Mutex
	tables map[string]*Table    // open ones, by folder
	abouts map[string]about     // what folders hold, as far as it was read
	left   map[string]time.Time // when this store closed a table
	closed bool
}

// Open opens the store in a folder. The error wraps ErrDir when the folder cannot be made, or written, or mapped; when the disk is
// merely full, the store serves what it has.
func Open(o Options) (*Store, error) { return open(o, thisSystem()) }

func open(o Options, sys system) (*Store, error) {
	if o.Dir == "" || o.Budget < 0 || o.SegmentBytes < 0 || o.Share < 0 || o.Share > 100 {
		return nil, fmt.Errorf("rowstore: %w %q, budget %d, share %d %%, segments of %d bytes: a path is needed, and no negative numbers",
			ErrDir, o.Dir, o.Budget, o.Share, o.SegmentBytes)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, dirError(o.Dir, err)
	}
	s := &Store{
		dir: dir, root: filepath.Join(dir, layoutFolder), log: o.Log, segment: o.SegmentBytes, sys: sys,
		name: fileName(sys.host), from: newOrigin(&sys, os.Getpid()),
		tables: make(map[string]*Table), left: make(map[string]time.Time), abouts: make(map[string]about),
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.segment == 0 {
		s.segment = defaultSegment
	}
	s.segment = min(max(alignUp(s.segment, int64(pageSize)), minSegment), maxSegment)
	s.budget.asked, s.budget.share = o.Budget, int64(o.Share)
	if err := s.makeRoot(); err != nil {
		return nil, dirError(dir, err)
	}
	if err := s.probe(); err != nil && !isFull(err) {
		return nil, dirError(dir, err)
	}
	s.sweep()
	return s, nil
}

// Dir is the store's folder, absolute.
func (s *Store) Dir() string { return s.dir }

func dirError(dir string, err error) error {
	return fmt.Errorf("rowstore: %w %s: %w (choose one that this user can write, with LOADERD_ROWSTORE)", ErrDir, dir, err)
}

// makeRoot makes the folder of tables, ours alone: nobody else can then put files in it, or links.
func (s *Store) makeRoot() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if err := os.Mkdir(s.root, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	fi, err := os.Lstat(s.root)
	if err != nil {
		return err
	}
	if !fi.IsDir() {
		return fmt.Errorf("%s is no folder", s.root)
	}
	if st, ok := fi.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Getuid() {
		return fmt.Errorf("%s belongs to user %d, this is user %d", s.root, st.Uid, os.Getuid())
	}
	if fi.Mode().Perm()&0o077 != 0 {
		return os.Chmod(s.root, 0o700)
	}
	return nil
}

// probe tries what the store will do with its files.
func (s *Store) probe() error {
	f, err := os.CreateTemp(s.root, probePrefix)
	if err != nil {
		return err
	}
	defer f.Close()
	defer os.Remove(f.Name())
	want := bytes.Repeat([]byte("loaderd "), 512)
	if _, err := s.sys.write(f, want, 0); err != nil {
		return err
	}
	mem, err := mmap.MapRegion(f, len(want), mmap.RDONLY, 0, 0)
	if err != nil {
		return fmt.Errorf("its files cannot be mapped into memory: %w", err)
	}
	same := bytes.Equal(mem, want)
	if err := mem.Unmap(); err != nil {
		return err
	}
	if !same {
		return errors.New("its files do not show in memory what is written to them")
	}
	return nil
}

// fileName begins the names of a store's files: nobody else's begin so.
func fileName(host string) string {
	clean := strings.Map(func(r rune) rune {
		if r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, host)
	random := make([]byte, 4)
	_, _ = rand.Read(random) // never fails
	return fmt.Sprintf("%.32s-%d-%s", strings.TrimLeft(clean, "."), os.Getpid(), hex.EncodeToString(random))
}

// Close closes the tables that are still open and seals what was written. No row of the store may be used after it.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	open := make([]*Table, 0, len(s.tables))
	for _, t := range s.tables {
		open = append(open, t)
	}
	clear(s.tables)
	s.mu.Unlock()
	var err error
	for _, t := range open {
		err = errors.Join(err, t.shut())
	}
	return errors.Join(err, s.sealing.Wait())
}

// Table opens the table of a matrix, and makes it when there is none. It is shared by all who name the same, and counted: each Table
// needs a Close. Tables of the same matrix in other versions of its file are removed, unless a process has them open. What
// a crash has left behind is recovered; what is damaged is repaired or forgotten, and logged.
//
// The error wraps ErrSpec, ErrDir, or ErrClosed.
func (s *Store) Table(spec Spec) (*Table, error) {
	if err := spec.validate(); err != nil {
		return nil, err
	}
	t := newTable(s, spec)
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, fmt.Errorf("rowstore: %w: %s", ErrClosed, s.dir)
	}
	if have := s.tables[t.folder]; have != nil {
		t = have
	}
	s.tables[t.folder] = t
	t.users++
	s.mu.Unlock()
	t.opening.Do(func() { t.failure = t.open() })
	if t.failure != nil {
		t.Close()
		return nil, t.failure
	}
	return t, nil
}

// release takes one user from a table, and says whether it was the last.
func (s *Store) release(t *Table) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tables[t.folder] != t {
		return false // the store was closed before
	}
	if t.users--; t.users > 0 {
		return false
	}
	delete(s.tables, t.folder)
	s.left[t.folder] = s.sys.now()
	return true
}
