package mapped

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// statStore remembers the outcome of passes: in memory, for as long as the
// collection is open, and in files that other processes and later ones find.
type statStore struct {
	turn   chan struct{} // held by who takes or looks up statistics
	folder string        // of the files; "": none

	mu     sync.Mutex // guards what follows
	recent []statEntry
}

type statEntry struct {
	key [sha256.Size]byte
	statOutcome
}

// statOutcome is what a pass finds out.
type statOutcome struct {
	cells    int64
	genes    []moments
	total    []float64
	nonzeros []int32
}

const (
	statRecent   = 4       // outcomes kept in memory
	statKeepRows = 1 << 22 // with more rows, those of cells are kept in files only
	statFiles    = 64      // files kept in the folder
)

// statFolder is under $LOADERD_CACHE_DIR.
const statFolder = "statistics"

func newStatStore() *statStore {
	s := &statStore{turn: make(chan struct{}, 1)}
	if dir := os.Getenv("LOADERD_CACHE_DIR"); dir != "" {
		s.folder = filepath.Join(dir, statFolder)
	}
	return s
}

// statisticsKey covers the data, what of it is looked at, and the identity of each
// file. Without an identity (stores that are folders), no file is made: the key is zero.
func (c *Collection) statisticsKey(layer string, join *varJoin, list []Transform) (key [sha256.Size]byte) {
	w := hasher{sha256.New()}
	w.text("loaderd statistics 1")
	w.h.Write(c.hash[:])
	w.text(layer)
	w.number(uint64(join.width))
	for _, name := range join.names {
		w.text(name)
	}
	w.number(uint64(len(list)))
	for _, t := range list {
		w.text(t.Name)
		for _, arg := range keysOf(t.Args) {
			w.text(arg)
			switch v := t.Args[arg].(type) {
			case []byte:
				w.text(string(v))
			default:
				w.text(fmt.Sprintf("%T %v", v, v))
			}
		}
	}
	for _, s := range c.stores {
		w.text(fingerprint(s.env.path))
	}
	w.h.Sum(key[:0])
	return key
}

// fingerprint names the content of a file as it is now; "" where it cannot, as for folders.
func fingerprint(path string) string {
	fi, err := os.Stat(path)
	if err != nil || !fi.Mode().IsRegular() {
		return ""
	}
	return fmt.Sprintf("%s %d %d %d", path, fi.Size(), fi.ModTime().UnixNano(), changeTime(fi))
}

// find puts what is known into p.
func (s *statStore) find(key [sha256.Size]byte, p *statPass) bool {
	s.mu.Lock()
	for i := range s.recent {
		if e := &s.recent[i]; e.key == key && e.total != nil {
			p.take(e.statOutcome)
			s.mu.Unlock()
			return true
		}
	}
	s.mu.Unlock()
	if s.folder == "" || !p.lasting() {
		return false
	}
	data, err := os.ReadFile(s.path(key))
	if err != nil {
		return false
	}
	o, err := decodeOutcome(data, key, p.width, p.c.NObs())
	if err != nil {
		slog.Warn("a file of statistics is damaged, they are taken anew", "file", s.path(key), "error", err)
		return false
	}
	p.take(o)
	s.remember(key, o)
	return true
}

// keep remembers what p has found. That it cannot be written costs the next one a pass, no more.
func (s *statStore) keep(key [sha256.Size]byte, p *statPass) {
	o := statOutcome{p.cells, p.genes, p.out.Total, p.out.CellNonZeros}
	s.remember(key, o)
	if s.folder == "" || !p.lasting() {
		return
	}
	if err := s.write(key, encodeOutcome(o, key)); err != nil {
		slog.Warn("statistics are not kept", "folder", s.folder, "error", err)
	}
}

func (s *statStore) remember(key [sha256.Size]byte, o statOutcome) {
	if len(o.total) > statKeepRows {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recent = append(s.recent[max(0, len(s.recent)+1-statRecent):], statEntry{key, o})
}

func (p *statPass) take(o statOutcome) {
	p.cells, p.genes = o.cells, o.genes
	p.out.Total, p.out.CellNonZeros = o.total, o.nonzeros
}

// lasting says whether all files can be told from later ones at their paths.
func (p *statPass) lasting() bool {
	return !slices.ContainsFunc(p.c.stores, func(s *store) bool { return fingerprint(s.env.path) == "" })
}

func (s *statStore) path(key [sha256.Size]byte) string {
	return filepath.Join(s.folder, hex.EncodeToString(key[:])+".stat")
}

// write makes a file that is whole or not there.
func (s *statStore) write(key [sha256.Size]byte, data []byte) error {
	if err := os.MkdirAll(s.folder, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(s.folder, "new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), s.path(key))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return s.prune()
}

// prune removes the oldest files beyond statFiles.
func (s *statStore) prune() error {
	names, err := filepath.Glob(filepath.Join(s.folder, "*.stat"))
	if err != nil || len(names) <= statFiles {
		return err
	}
	age := func(name string) int64 {
		fi, err := os.Stat(name)
		if err != nil {
			return math.MinInt64
		}
		return fi.ModTime().UnixNano()
	}
	slices.SortFunc(names, func(a, b string) int {
		if age(a) < age(b) {
			return -1
		}
		return 1
	})
	for _, name := range names[:len(names)-statFiles] {
		_ = os.Remove(name)
	}
	return nil
}

// A file of statistics, little-endian: the magic, the key, the SHA-256 of what
// follows, then cells, genes and rows as uint64, of each gene n, non-zeros, mean and
// m2, of each row the total, and of each row the non-zeros as uint32.
const statMagic = "loaderd statistics 1\n"

const statHead = len(statMagic) + 2*sha256.Size

func encodeOutcome(o statOutcome, key [sha256.Size]byte) []byte {
	out := make([]byte, statHead, statHead+24+32*len(o.genes)+12*len(o.total))
	put := func(v uint64) { out = binary.LittleEndian.AppendUint64(out, v) }
	put(uint64(o.cells))
	put(uint64(len(o.genes)))
	put(uint64(len(o.total)))
	for _, m := range o.genes {
		put(uint64(m.n))
		put(uint64(m.nonzero))
		put(math.Float64bits(m.mean))
		put(math.Float64bits(m.m2))
	}
	for _, v := range o.total {
		put(math.Float64bits(v))
	}
	for _, v := range o.nonzeros {
		out = binary.LittleEndian.AppendUint32(out, uint32(v))
	}
	sum := sha256.Sum256(out[statHead:])
	copy(out, statMagic)
	copy(out[len(statMagic):], key[:])
	copy(out[len(statMagic)+sha256.Size:], sum[:])
	return out
}

// decodeOutcome reads what encodeOutcome wrote, of so many genes and rows.
func decodeOutcome(data []byte, key [sha256.Size]byte, width int, rows int64) (o statOutcome, err error) {
	if want := int64(statHead) + 24 + 32*int64(width) + 12*rows; int64(len(data)) != want {
		return o, fmt.Errorf("%d bytes, not %d", len(data), want)
	}
	head, body := data[:statHead], data[statHead:]
	sum := sha256.Sum256(body)
	if !bytes.Equal(head, slices.Concat([]byte(statMagic), key[:], sum[:])) {
		return o, fmt.Errorf("its checksum is that of something else")
	}
	next := func() uint64 {
		v := binary.LittleEndian.Uint64(body)
		body = body[8:]
		return v
	}
	o.cells = int64(next())
	if g, r := next(), next(); g != uint64(width) || r != uint64(rows) {
		return o, fmt.Errorf("of %d genes and %d rows", g, r)
	}
	o.genes, o.total, o.nonzeros = make([]moments, width), make([]float64, rows), make([]int32, rows)
	for i := range o.genes {
		o.genes[i] = moments{int64(next()), int64(next()), math.Float64frombits(next()), math.Float64frombits(next())}
	}
	for i := range o.total {
		o.total[i] = math.Float64frombits(next())
	}
	for i := range o.nonzeros {
		o.nonzeros[i] = int32(binary.LittleEndian.Uint32(body[4*i:]))
	}
	return o, nil
}
