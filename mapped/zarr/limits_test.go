package zarr

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const group3 = `{"zarr_format":3,"node_type":"group","attributes":{}}`

// array3 is a zarr.json with some members replaced.
func array3(changes map[string]string) string {
	members := map[string]string{
		"zarr_format": "3", "node_type": `"array"`, "shape": "[8]", "data_type": `"int32"`, "fill_value": "0",
		"chunk_grid": `{"name":"regular","configuration":{"chunk_shape":[4]}}`, "chunk_key_encoding": `{"name":"default"}`,
		"codecs": `[{"name":"bytes","configuration":{"endian":"little"}}]`,
	}
	return object1(members, changes)
}

// array2 is a .zarray with some members replaced.
func array2(changes map[string]string) string {
	members := map[string]string{
		"zarr_format": "2", "shape": "[8]", "chunks": "[4]", "dtype": `"<i4"`, "fill_value": "0", "order": `"C"`,
		"compressor": "null", "filters": "null",
	}
	return object1(members, changes)
}

func object1(members, changes map[string]string) string {
	for name, value := range changes {
		members[name] = value
	}
	var parts []string
	for name, value := range members {
		if value != "" {
			parts = append(parts, fmt.Sprintf("%q:%s", name, value))
		}
	}
	slices.Sort(parts)
	return "{" + strings.Join(parts, ",") + "}"
}

func shardCodecs(config string) string {
	return `[{"name":"sharding_indexed","configuration":{` + config + `}}]`
}

func TestMetadataThatMakeNoSenseAreErrorsByName(t *testing.T) {
	type m = map[string]string
	inner := `"codecs":[{"name":"bytes","configuration":{"endian":"little"}}]`
	index := `"index_codecs":[{"name":"bytes","configuration":{"endian":"little"}},{"name":"crc32c"}]`
	bytes4 := `{"name":"bytes","configuration":{"endian":"little"}}`
	for _, c := range []struct {
		name string
		json string // of zarr 3, or of zarr 2 where it says so
		kind error
		says string
	}{
		{"no shape", array3(m{"shape": ""}), ErrCorrupt, `"shape"`},
		{"a negative shape", array3(m{"shape": "[-1]"}), ErrCorrupt, "-1"},
		{"a shape of text", array3(m{"shape": `["8"]`}), ErrCorrupt, "8"},
		{"a fraction of a row", array3(m{"shape": "[8.5]"}), ErrCorrupt, "8.5"},
		{"too many dimensions", array3(m{"shape": "[" + strings.Repeat("1,", 40) + "1]"}), ErrUnsupported, "41 dimensions"},
		{"more elements than can be counted", array3(m{"shape": "[1000000000000,1000000000000]",
			"chunk_grid": `{"name":"regular","configuration":{"chunk_shape":[4,4]}}`}), ErrCorrupt, "shape"},
		{"a shape that overflows", array3(m{"shape": "[9223372036854775807]"}), ErrCorrupt, "shape"},
		{"chunks of another rank", array3(m{"shape": "[8,8]"}), ErrCorrupt, "chunks"},
		{"chunks of nothing", array3(m{"chunk_grid": `{"name":"regular","configuration":{"chunk_shape":[0]}}`}), ErrCorrupt, "chunks"},
		{"an irregular grid", array3(m{"chunk_grid": `{"name":"rectilinear","configuration":{}}`}), ErrUnsupported, "rectilinear"},
		{"no grid", array3(m{"chunk_grid": ""}), ErrCorrupt, "name"},
		{"a chunk of a terabyte", array3(m{"shape": "[274877906944]", "chunk_grid": `{"name":"regular","configuration":{"chunk_shape":[274877906944]}}`}),
			ErrTooLarge, "chunks of shape [274877906944]"},
		{"other keys", array3(m{"chunk_key_encoding": `{"name":"hilbert"}`}), ErrUnsupported, "hilbert"},
		{"another separator", array3(m{"chunk_key_encoding": `{"name":"default","configuration":{"separator":"-"}}`}), ErrCorrupt, "-"},
		{"an unknown type", array3(m{"data_type": `"bfloat16"`}), ErrUnsupported, "bfloat16"},
		{"a type of no size", array3(m{"data_type": `{"name":"null_terminated_bytes","configuration":{"length_bytes":0}}`, "fill_value": `""`}), ErrUnsupported, "no size"},
		{"a type of a gigabyte", array3(m{"data_type": `{"name":"raw_bytes","configuration":{"length_bytes":1073741824}}`}), ErrCorrupt, "1073741824"},
		{"no fill value", array3(m{"fill_value": ""}), ErrCorrupt, "fill_value"},
		{"a fill value that does not fit", array3(m{"fill_value": "2147483648"}), ErrCorrupt, "2147483648"},
		{"a fill value of text", array3(m{"fill_value": `"a"`}), ErrCorrupt, `"a"`},
		{"no codecs", array3(m{"codecs": "[]"}), ErrCorrupt, "codecs"},
		{"nothing that makes bytes", array3(m{"codecs": `[{"name":"gzip"}]`}), ErrCorrupt, "gzip"},
		{"two codecs that make bytes", array3(m{"codecs": "[" + bytes4 + "," + bytes4 + "]"}), ErrCorrupt, "bytes"},
		{"an unknown codec", array3(m{"codecs": `[{"name":"zfpy"}]`}), ErrUnsupported, "zfpy"},
		{"a hundred codecs", array3(m{"codecs": "[" + strings.Repeat(bytes4+",", 99) + bytes4 + "]"}), ErrCorrupt, "100 codecs"},
		{"an order of bytes that is none", array3(m{"codecs": `[{"name":"bytes","configuration":{"endian":"middle"}}]`}), ErrCorrupt, "middle"},
		{"axes that are none", array3(m{"codecs": `[{"name":"transpose","configuration":{"order":[1]}},` + bytes4 + "]"}), ErrCorrupt, "transpose"},
		{"an axis twice", array3(m{"shape": "[8,8]", "chunk_grid": `{"name":"regular","configuration":{"chunk_shape":[4,4]}}`,
			"codecs": `[{"name":"transpose","configuration":{"order":[0,0]}},` + bytes4 + "]"}), ErrCorrupt, "transpose"},
		{"strings for numbers", array3(m{"codecs": `[{"name":"vlen-utf8"}]`}), ErrCorrupt, "vlen-utf8"},
		{"shards that chunks do not fill", array3(m{"codecs": shardCodecs(`"chunk_shape":[3],` + inner + "," + index)}), ErrCorrupt, "[3]"},
		{"a shard with a compressed index", array3(m{"codecs": shardCodecs(`"chunk_shape":[2],` + inner + `,"index_codecs":[` + bytes4 + `,{"name":"gzip"}]`)}), ErrUnsupported, "index"},
		{"a shard with its index elsewhere", array3(m{"codecs": shardCodecs(`"chunk_shape":[2],"index_location":"middle",` + inner + "," + index)}), ErrCorrupt, "middle"},
		{"a shard of a billion chunks", array3(m{"shape": "[1000000000]", "chunk_grid": `{"name":"regular","configuration":{"chunk_shape":[1000000000]}}`,
			"codecs": shardCodecs(`"chunk_shape":[1],` + inner + "," + index)}), ErrTooLarge, "index"},
		{"a member that must be understood", array3(m{"quantum": `{"must_understand":true}`}), ErrUnsupported, "quantum"},
		{"a member that says nothing", array3(m{"quantum": `1`}), ErrUnsupported, "quantum"},
		{"a storage transformer", array3(m{"storage_transformers": `[{"name":"x"}]`}), ErrUnsupported, "transformer"},
		{"version 4", array3(m{"zarr_format": "4"}), ErrCorrupt, "4"},
		{"no kind of node", array3(m{"node_type": `"tree"`}), ErrCorrupt, "tree"},
		{"text that is no JSON", `{"zarr_format":3`, ErrCorrupt, "zarr.json"},
		{"null", `null`, ErrCorrupt, "null"},
		{"a list", `[]`, ErrCorrupt, "JSON"},
		{"nesting without end", strings.Repeat("[", 100000), ErrCorrupt, "JSON"},

		{"2: a type of nothing", array2(m{"dtype": `"<q9"`}), ErrUnsupported, "<q9"},
		{"2: no type", array2(m{"dtype": ``}), ErrCorrupt, "type"},
		{"2: a large integer", array2(m{"dtype": `"<i16"`}), ErrUnsupported, "<i16"},
		{"2: a huge type", array2(m{"dtype": `"|S999999999999"`}), ErrCorrupt, "|S9999"},
		{"2: objects", array2(m{"dtype": `"|O"`}), ErrUnsupported, "objects"},
		{"2: objects by pickle", array2(m{"dtype": `"|O"`, "filters": `[{"id":"pickle"}]`}), ErrUnsupported, "pickle"},
		{"2: an unknown compressor", array2(m{"compressor": `{"id":"jpeg"}`}), ErrUnsupported, "jpeg"},
		{"2: a filter", array2(m{"filters": `[{"id":"delta","dtype":"<i4"}]`}), ErrUnsupported, "delta"},
		{"2: strings of numbers", array2(m{"filters": `[{"id":"vlen-utf8"}]`}), ErrUnsupported, "vlen-utf8"},
		{"2: an order", array2(m{"order": `"Z"`}), ErrCorrupt, "Z"},
		{"2: a separator", array2(m{"dimension_separator": `"-"`}), ErrCorrupt, "-"},
		{"2: version 3", array2(m{"zarr_format": "3"}), ErrCorrupt, "3"},
		{"2: a record with two members of one name", array2(m{"dtype": `[["a","<i4"],["a","<i4"]]`}), ErrCorrupt, `"a"`},
		{"2: a record with an array", array2(m{"dtype": `[["a","<i4",[2]]]`}), ErrUnsupported, `"a"`},
		{"2: an empty record", array2(m{"dtype": `[]`}), ErrCorrupt, "type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string][]byte{"zarr.json": []byte(group3), "v/zarr.json": []byte(c.json)}
			if strings.HasPrefix(c.name, "2:") {
				files = map[string][]byte{".zgroup": []byte(`{"zarr_format":2}`), "v/.zarray": []byte(c.json)}
			}
			s := openFiles(t, files)
			withinBudget(t, func() {
				a, err := s.Root().Array("v")
				if err == nil {
					_, err = a.Read()
				}
				if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v, want %v that mentions %q", err, c.kind, c.says)
				}
				if err != nil {
					mustBeTyped(t, err)
					mustBeNamed(t, err, "/v")
				}
			})
		})
	}
}

func TestWhatIsStoredMustFitWhatIsClaimed(t *testing.T) {
	gzipped := `[{"name":"bytes","configuration":{"endian":"little"}},{"name":"gzip"}]`
	big := array3(map[string]string{"shape": "[268435456]", "codecs": gzipped,
		"chunk_grid": `{"name":"regular","configuration":{"chunk_shape":[268435456]}}`})
	many := array3(map[string]string{"shape": "[1000000000000]"})
	text := array3(map[string]string{"shape": "[1000000000000]", "data_type": `"string"`, "fill_value": `""`, "codecs": `[{"name":"vlen-utf8"}]`})
	sharded := array3(map[string]string{"codecs": shardCodecs(`"chunk_shape":[2],"codecs":[{"name":"bytes","configuration":{"endian":"little"}}],` +
		`"index_codecs":[{"name":"bytes","configuration":{"endian":"little"}}]`)})
	index := func(entries ...uint64) []byte {
		data := make([]byte, 16)
		for _, e := range entries {
			data = binary.LittleEndian.AppendUint64(data, e)
		}
		return data
	}
	for _, c := range []struct {
		name  string
		meta  string
		chunk []byte
		kind  error
		says  string
	}{
		{"a gigabyte out of 20 bytes", big, make([]byte, 20), ErrCorrupt, "20 bytes cannot hold 1073741824"},
		{"a chunk that is too short", array3(nil), make([]byte, 15), ErrTruncated, "15 bytes where 16 belong"},
		{"a chunk that is too long", array3(nil), make([]byte, 17), ErrCorrupt, "17 bytes where 16 belong"},
		{"an empty chunk", array3(nil), nil, ErrTruncated, "0 bytes"},
		{"terabytes of fill value", many, nil, ErrTooLarge, "by rows"},
		{"terabytes of text", text, nil, ErrTooLarge, "elements"},
		{"a shard without an index", sharded, make([]byte, 20), ErrTruncated, "index"},
		{"a chunk beyond its shard", sharded, index(0, 8, 40, 9), ErrCorrupt, "chunk 1 of a shard"},
		{"a chunk far beyond its shard", sharded, index(0, 8, 1<<63, 8), ErrCorrupt, "chunk 1 of a shard"},
		{"a chunk of the wrong size in a shard", sharded, index(0, 8, 8, 7), ErrTruncated, "7 bytes where 8 belong"},
		{"a missing chunk with a size", sharded, index(0, 8, math.MaxUint64, 8), ErrCorrupt, "chunk 1 of a shard"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openFiles(t, map[string][]byte{"zarr.json": []byte(group3), "v/zarr.json": []byte(c.meta), "v/c/0": c.chunk, "v/c/1": c.chunk})
			withinBudget(t, func() {
				a, err := s.Root().Array("v")
				if err != nil {
					t.Fatal(err)
				}
				if a.Type().isText() {
					_, err = a.Strings()
				} else if a.Len() < 1<<30 {
					p := make([]byte, 4*a.RowBytes())
					err = a.Rows(p, 2, 4, new(Scratch))
				} else {
					_, err = a.Read()
				}
				if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v, want %v that mentions %q", err, c.kind, c.says)
				}
				mustBeNamed(t, err, "/v")
			})
		})
	}
}

func TestWhatStandsWhereAFileShouldIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		make func(path string) error
		kind error
		says string
	}{
		"a folder":                  {func(path string) error { return os.Mkdir(path, 0o700) }, ErrCorrupt, "regular"},
		"a pipe":                    {func(path string) error { return syscall.Mkfifo(path, 0o600) }, ErrCorrupt, "regular"},
		"a link to itself":          {func(path string) error { return os.Symlink(path, path) }, ErrCorrupt, "loop"},
		"a link to nothing":         {func(path string) error { return os.Symlink("nowhere", path) }, nil, ""},
		"a link to a device":        {func(path string) error { return os.Symlink("/dev/zero", path) }, ErrCorrupt, "regular"},
		"a chunk under a chunk":     {func(path string) error { return os.WriteFile(path, make([]byte, 16), 0o600) }, nil, ""},
		"a file nobody may look at": {func(path string) error { return os.WriteFile(path, nil, 0) }, ErrTruncated, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string][]byte{"zarr.json": []byte(group3), "v/zarr.json": []byte(array3(nil)), "v/c/1": make([]byte, 16)})
			if err := c.make(filepath.Join(dir, "v/c/0")); err != nil {
				t.Fatal(err)
			}
			s, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			a, err := s.Root().Array("v")
			if err != nil {
				t.Fatal(err)
			}
			_, err = a.Read()
			if os.Getuid() != 0 && name == "a file nobody may look at" {
				c.kind = os.ErrPermission
			}
			if !errors.Is(err, c.kind) || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %v", err, c.kind)
			}
		})
	}
}

func TestAFolderThatHoldsItselfEnds(t *testing.T) {
	dir := folder(t, map[string][]byte{".zgroup": []byte(`{"zarr_format":2}`)})
	if err := os.Symlink(dir, filepath.Join(dir, "self")); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	names, err := s.Root().Names()
	if err != nil || !slices.Equal(names, []string{"self"}) {
		t.Errorf("%q, %v", names, err)
	}
	if s.Size() > 100 {
		t.Errorf("%d bytes", s.Size())
	}
	_, err = s.Lookup(strings.Repeat("self/", 2000))
	if err == nil {
		t.Error("a path of 2000 links is found")
	}
}

func TestNamesDoNotLeadOutOfAStore(t *testing.T) {
	dir := folder(t, map[string][]byte{"inside/zarr.json": []byte(group3), "zarr.json": []byte(group3), "outside/zarr.json": []byte(group3)})
	s, err := Open(filepath.Join(dir, "inside"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []string{"..", ".", "", "../outside", "a/b", `..\outside`, "\x00", strings.Repeat("n", 5000)} {
		if _, err := s.Root().Object(name); !errors.Is(err, ErrNotFound) {
			t.Errorf("member %.20q: %v", name, err)
		}
		if _, err := s.Lookup("x/" + name + "/y"); !errors.Is(err, ErrNotFound) {
			t.Errorf("path %.20q: %v", name, err)
		}
	}
	hostile := `{"zarr_format":3,"node_type":"group","consolidated_metadata":{"kind":"inline","must_understand":false,"metadata":{"../outside":` + group3 + `,"a//b":` + group3 + `}}}`
	s = openFiles(t, map[string][]byte{"zarr.json": []byte(hostile)})
	if names, err := s.Root().Names(); err != nil || len(names) > 0 {
		t.Errorf("%q, %v", names, err)
	}
}

func TestArchivesAreReadAsPythonWritesThem(t *testing.T) {
	old, new := vector(4), vector(4)
	new["v/c/0"] = bytes.Repeat([]byte{7}, 16)
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, files := range []map[string][]byte{old, {"v/c/0": new["v/c/0"]}} {
		for name, data := range files {
			w, err := z.Create(name)
			if err == nil {
				_, err = w.Write(data)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := NewZip(bytes.NewReader(buf.Bytes()), int64(buf.Len()), "twice")
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Root().Array("v")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := a.Read(); err != nil || !bytes.Equal(got, new["v/c/0"]) {
		t.Errorf("a member written twice reads as % x, %v", got, err)
	}
	if a.Direct() {
		t.Error("a deflated member cannot be read in parts")
	}
}

func TestArchivesThatCannotBeReadSayWhy(t *testing.T) {
	whole := archive(t, vector(4), "", zip.Store)
	at := bytes.Index(whole, []byte("PK\x01\x02"))
	for name, c := range map[string]struct {
		damage func(b []byte) []byte
		kind   error
		says   string
	}{
		"not an archive":   {func(b []byte) []byte { return []byte("just text") }, ErrNotZarr, "neither"},
		"empty":            {func(b []byte) []byte { return nil }, ErrNotZarr, "neither"},
		"cut":              {func(b []byte) []byte { return b[:len(b)-30] }, ErrTruncated, "list"},
		"encrypted":        {func(b []byte) []byte { return each(b, at, func(h []byte) { h[8] |= 1 }) }, ErrUnsupported, "encrypted"},
		"another method":   {func(b []byte) []byte { return each(b, at, func(h []byte) { h[10] = 14 }) }, ErrUnsupported, "method 14"},
		"two sizes":        {func(b []byte) []byte { return each(b, at, func(h []byte) { h[24]++ }) }, ErrCorrupt, "two sizes"},
		"beyond its end":   {func(b []byte) []byte { return each(b, at, func(h []byte) { h[22], h[26] = 9, 9 }) }, ErrCorrupt, "beyond the end"},
		"an empty archive": {func(b []byte) []byte { return archive(t, nil, "", zip.Store) }, ErrNotZarr, "zarr.json"},
	} {
		t.Run(name, func(t *testing.T) {
			b := c.damage(bytes.Clone(whole))
			_, err := NewZip(bytes.NewReader(b), int64(len(b)), "archive")
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "archive") {
				t.Errorf("%v, want %v that mentions %q", err, c.kind, c.says)
			}
		})
	}
}

// each changes every entry of an archive's list.
func each(b []byte, at int, fn func(header []byte)) []byte {
	for ; at >= 0 && at < len(b); at++ {
		if bytes.HasPrefix(b[at:], []byte("PK\x01\x02")) {
			fn(b[at:])
		}
	}
	return b
}
