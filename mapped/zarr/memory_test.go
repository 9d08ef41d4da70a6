package zarr

import (
	"io"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
)

// memory is a storage of files in a map, for tests that damage them.
type memory map[string][]byte

func (m memory) stat(key string) (object, error) {
	data, ok := m[key]
	return object{missing: !ok, size: int64(len(data))}, nil
}

func (m memory) small(key string, limit int64) ([]byte, bool, error) {
	data, ok := m[key]
	if int64(len(data)) > limit {
		return nil, false, &Error{Kind: ErrTooLarge, Form: key}
	}
	return data, ok, nil
}

func (m memory) load(key string, o object, dst []byte) error {
	copy(dst, m[key])
	return nil
}

func (m memory) readAt(id objectID, o object, p []byte, off int64) error {
	data := m[id.a.objectKey(id.n)]
	if off > int64(len(data)) || copy(p, data[off:]) < len(p) {
		return short(io.ErrUnexpectedEOF, "chunk")
	}
	return nil
}

func (m memory) random(string) bool { return true }

func (m memory) folders(key string) ([]string, error) {
	prefix := key + "/"
	if key == "" {
		prefix = ""
	}
	var out []string
	for name := range m {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			if dir, _, ok := strings.Cut(rest, "/"); ok && !slices.Contains(out, dir) {
				out = append(out, dir)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

func (m memory) size(key string) int64 {
	sum := int64(0)
	for name, data := range m {
		if strings.HasPrefix(name, key) {
			sum += int64(len(data))
		}
	}
	return sum
}

func (m memory) writable() bool { return false }
func (m memory) changed() error { return nil }
func (m memory) close() error   { return nil }

// openMemory opens files in a map.
func openMemory(files map[string][]byte) (*Store, error) {
	return (&Store{name: "memory", st: memory(files)}).open()
}

// allocated is how many bytes were ever allocated.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// budget is the most that reading one damaged small store may allocate.
const budget = 64 << 20

func withinBudget(t testing.TB, fn func()) {
	t.Helper()
	before := allocated()
	fn()
	if used := allocated() - before; used > budget {
		t.Errorf("%d bytes allocated", used)
	}
}
