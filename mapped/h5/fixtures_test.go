package h5

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Everything under testdata/h5 is made by testdata/make_h5_fixtures.py, which also writes what h5py
// reads from it.
const fixtures = "../../testdata/h5"

// wanted is what h5py found in an object; see the script for the fields.
type wanted struct {
	Kind       string          `json:"kind"` // group, dataset, unsupported, broken
	Members    json.RawMessage `json:"members"`
	Type       string          `json:"type"`
	Shape      []int64         `json:"shape"`
	Null       bool            `json:"null"`
	Unreadable bool            `json:"unreadable"`
	TooLarge   bool            `json:"too_large"`
	Filters    []uint16        `json:"filters"`
	Chunks     []int64         `json:"chunks"`
	Table      *struct {
		Stored int    `json:"stored"`
		SHA256 string `json:"sha256"`
	} `json:"table"`
	Sparse map[int]int64              `json:"sparse"`
	Attrs  map[string]json.RawMessage `json:"attrs"`
	wantedValues
}

type wantedValues struct {
	Hex           *string                 `json:"hex"`
	SHA256        string                  `json:"sha256"`
	Strings       []string                `json:"strings"`
	StringsSHA256 string                  `json:"strings_sha256"`
	Each          []wantedValues          `json:"each"`
	Names         []string                `json:"names"`
	Fields        map[string]wantedValues `json:"fields"`
}

var expected = sync.OnceValues(func() (map[string]map[string]wanted, error) {
	b, err := unpacked(filepath.Join(fixtures, "expected.json.gz"))
	if err != nil {
		return nil, err
	}
	var out map[string]map[string]wanted
	return out, json.Unmarshal(b, &out)
})

func unpacked(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil || !strings.HasSuffix(path, ".gz") {
		return b, err
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// fixture gives a fixture's bytes, unpacked.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := unpacked(filepath.Join(fixtures, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func openBytes(t testing.TB, b []byte, name string) *File {
	t.Helper()
	f, err := NewFile(bytes.NewReader(b), int64(len(b)), name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func openFixture(t testing.TB, name string) *File {
	t.Helper()
	return openBytes(t, fixture(t, name), name)
}

func dataset(t testing.TB, f *File, path string) *Dataset {
	t.Helper()
	d, err := f.Root().Dataset(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// sameBytes compares with how the script describes bytes: in full when few, else by their SHA-256.
func sameBytes(t *testing.T, at string, got []byte, want wantedValues) {
	t.Helper()
	switch {
	case want.Hex != nil:
		if h := hex.EncodeToString(got); h != *want.Hex {
			t.Errorf("%s: %s, want %s", at, h, *want.Hex)
		}
	default:
		if s := sha256.Sum256(got); hex.EncodeToString(s[:]) != want.SHA256 {
			t.Errorf("%s: %d bytes that are not those h5py reads", at, len(got))
		}
	}
}

func sameStrings(t *testing.T, at string, got []string, want wantedValues) {
	t.Helper()
	if want.Strings != nil {
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(want.Strings)
		if string(a) != string(b) {
			t.Errorf("%s: %s, want %s", at, a, b)
		}
		return
	}
	h := sha256.New()
	for _, s := range got {
		h.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(s))))
		h.Write([]byte(s))
	}
	if hex.EncodeToString(h.Sum(nil)) != want.StringsSHA256 {
		t.Errorf("%s: %d strings that are not those h5py reads", at, len(got))
	}
}
