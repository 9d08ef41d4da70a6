package rowstore

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// quick is a system whose disk is roomy and forgetful.
func quick() system {
	sys := roomy()
	sys.sync = func(*os.File) error { return nil }
	return sys
}

// smallSegment is a table of n rows in one segment: the file's path below the store's folder, and its bytes.
func smallSegment(t *testing.T, spec Spec, n int64) (path string, data []byte, ends []int64) {
	t.Helper()
	dir := t.TempDir()
	o := openTable(t, dir, spec, 0)
	for row := range n {
		o.add(t, 1, row)
		ends = append(ends, o.current.used)
	}
	o.close(t)
	list := files(t, o, sealedEnding)
	if len(list) != 1 {
		t.Fatalf("%d segments, want one", len(list))
	}
	data, err := os.ReadFile(list[0])
	if err != nil {
		t.Fatal(err)
	}
	path, err = filepath.Rel(dir, list[0])
	if err != nil {
		t.Fatal(err)
	}
	return path, data, ends
}

// healed opens a store with the given bytes as its one segment, and checks that it serves nothing wrong, says when it serves less, takes the
// missing rows anew, and then has all of them, also for the next who opens it. It returns how many rows were served at first.
func healed(t *testing.T, spec Spec, path string, data []byte, rows []int64) int {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, path), data, 0o600); err != nil {
		t.Fatal(err)
	}
	o := openWith(t, quick(), Options{Dir: dir}, spec)
	n := o.served(t, 1, rows...)
	if n < len(rows) {
		if o.Usage().Damaged == 0 || !strings.Contains(o.logs.String(), filepath.Base(path)) {
			t.Errorf("%d of %d rows are served, and the usage is %+v and the log %q", n, len(rows), o.Usage(), o.logs)
		}
		o.add(t, 1, rows...)
		if n := o.served(t, 1, rows...); n != len(rows) {
			t.Errorf("%d of %d rows are served once they were made anew", n, len(rows))
		}
	}
	o.close(t)
	o = openWith(t, quick(), Options{Dir: dir}, spec)
	if n := o.served(t, 1, rows...); n != len(rows) {
		t.Errorf("%d of %d rows are served by the next", n, len(rows))
	}
	o.close(t)
	return n
}

func TestNoFlippedByteOfASegmentIsServed(t *testing.T) {
	checkLeaks(t)
	spec := sampleSpec(6)
	path, data, ends := smallSegment(t, spec, 6)
	first := alignUp(segmentHeader, spec.unit())
	for at := range data {
		damaged := append([]byte(nil), data...)
		damaged[at] ^= byte(1 << (at % 8))
		if at%3 == 0 {
			damaged[at] = ^data[at]
		}
		n := healed(t, spec, path, damaged, span64(0, 6))
		switch i := int64(at); {
		case i < first && n != 0:
			t.Errorf("byte %d of the header: %d rows are served", at, n)
		case i >= first && i < ends[5] && n != 5:
			t.Errorf("byte %d of the records: %d rows are served, want all but one", at, n)
		case i >= ends[5] && n != 6:
			t.Errorf("byte %d of the footer: %d rows are served, want all", at, n)
		}
		if t.Failed() {
			return
		}
	}
}

func TestATruncatedSegmentKeepsItsWholeRows(t *testing.T) {
	checkLeaks(t)
	spec := sampleSpec(6)
	path, data, ends := smallSegment(t, spec, 6)
	for size := 0; size < len(data); size += 64 {
		whole := 0
		for _, end := range ends {
			if end <= int64(size) {
				whole++
			}
		}
		if n := healed(t, spec, path, data[:size], span64(0, 6)); n != whole {
			t.Errorf("cut at %d: %d rows are served, %d are whole", size, n, whole)
		}
	}
}

func TestSegmentsThatAreNotTheTablesAreLeftOut(t *testing.T) {
	checkLeaks(t)
	spec := sampleSpec(6)
	path, data, _ := smallSegment(t, spec, 6)
	other := spec
	other.Identity = "2"
	otherPath, foreign, _ := smallSegment(t, other, 6)
	version := append([]byte(nil), data...)
	binary.LittleEndian.PutUint32(version[8:], segmentVersion+1)
	binary.LittleEndian.PutUint32(version[segmentHeader-4:], crc32.Checksum(version[:segmentHeader-4], castagnoli))
	longer := append(append([]byte(nil), data...), make([]byte, 4096)...)
	for _, tc := range []struct {
		name string
		data []byte
		want int
	}{
		{"of another version of the source", foreign, 0},
		{"of another version of the format", version, 0},
		{"with bytes behind the trailer", longer, 6},
		{"nothing", nil, 0},
		{"text", []byte(strings.Repeat("some text\n", 100)), 0},
		{"two segments in one", append(append([]byte(nil), data...), data...), 6},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if n := healed(t, spec, path, tc.data, span64(0, 6)); n != tc.want {
				t.Errorf("%d rows are served, want %d", n, tc.want)
			}
		})
	}
	if otherPath == path {
		t.Error("tables of two versions of a source have one folder")
	}
}

func TestAFooterThatPassesItsChecksumIsStillNotBelieved(t *testing.T) {
	spec := sampleSpec(3)
	path, data, ends := smallSegment(t, spec, 3)
	header, end := data[:segmentHeader], ends[2]
	other := append([]byte(nil), header...)
	other[segmentHeader-1]++
	for _, tc := range []struct {
		name string
		list footer
		want int
	}{
		{"the trailer of another segment", nil, 3},
		{"rows in another order", footer{}.add(1, 8).add(0, uint32(ends[0]/16)).add(2, uint32(ends[1]/16)), 1},
		{"a row beyond the matrix", footer{}.add(3, 8), 3},
		{"an address in the header", footer{}.add(0, 1), 3},
		{"an address beyond the records", footer{}.add(0, uint32(end/16)), 3},
		{"addresses that go back", footer{}.add(0, 12).add(1, 8), 3},
		{"an address inside a record", footer{}.add(0, 10), 0},
		{"one row of three", footer{}.add(0, 8), 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tail := tc.list.sealed(header, end)
			if tc.list == nil {
				tail = footer{}.add(0, 8).sealed(other, end)
			}
			text := append(append([]byte(nil), data[:end]...), tail...)
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, path), text, 0o600); err != nil {
				t.Fatal(err)
			}
			o := openTable(t, dir, spec, 0)
			if n := o.served(t, 1, 0, 1, 2); n != tc.want {
				t.Errorf("%d rows are served, want %d", n, tc.want)
			}
		})
	}
}

func TestAFolderThatIsDamagedIsBegunAnew(t *testing.T) {
	checkLeaks(t)
	spec := sampleSpec(3)
	for _, tc := range []struct {
		name   string
		damage func(t *testing.T, folder string) error
	}{
		{"a file in its place", func(t *testing.T, folder string) error { return os.WriteFile(folder, []byte("x"), 0o600) }},
		{"a link in its place", func(t *testing.T, folder string) error { return os.Symlink(t.TempDir(), folder) }},
		{"no about.json that can be read", func(t *testing.T, folder string) error {
			return os.Mkdir(folder, 0o700)
		}},
		{"a folder that is called a segment", func(t *testing.T, folder string) error {
			return os.MkdirAll(filepath.Join(folder, "x"+sealedEnding, "y"), 0o700)
		}},
		{"a folder that is called an open segment", func(t *testing.T, folder string) error {
			return os.MkdirAll(filepath.Join(folder, "x"+openEnding, "y"), 0o700)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, layoutFolder), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := tc.damage(t, filepath.Join(dir, layoutFolder, spec.id().folder())); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				o := openTable(t, dir, spec, 0)
				o.add(t, 1, 0, 1, 2)
				if n := o.served(t, 1, 0, 1, 2); n != 3 {
					t.Errorf("%d rows are served, want 3", n)
				}
				o.close(t)
			}
			if fi, err := os.Lstat(filepath.Join(dir, layoutFolder, spec.id().folder())); err != nil || !fi.IsDir() {
				t.Errorf("no folder: %v", err)
			}
		})
	}
}
