package rowstore

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRowsAreServedAsTheyWereAppended(t *testing.T) {
	checkLeaks(t)
	dir := t.TempDir()
	o := openTable(t, dir, sampleSpec(1000), 64<<10)
	for i := int64(0); i < 500; i += 50 {
		o.add(t, 1, span64(i, i+50)...)
	}
	if n := o.served(t, 1, span64(0, 1000)...); n != 500 {
		t.Errorf("%d rows are served, 500 were appended", n)
	}
	if o.Complete() {
		t.Error("half a table is complete")
	}
	o.close(t)

	o = openTable(t, dir, sampleSpec(1000), 64<<10)
	if n := o.served(t, 1, span64(0, 1000)...); n != 500 {
		t.Errorf("%d rows are served after opening anew, 500 were appended", n)
	}
	o.add(t, 1, span64(0, 1000)...)
	if u := o.Usage(); u.Stored != 1000 || !o.Complete() || u.Damaged != 0 {
		t.Errorf("the usage is %+v, want all rows", u)
	}
	o.close(t)
	o = openTable(t, dir, sampleSpec(1000), 64<<10)
	if n := o.served(t, 1, span64(0, 1000)...); n != 1000 {
		t.Errorf("%d rows are served, want all", n)
	}
	o.close(t)
	if list := files(t, o, openEnding); len(list) != 0 {
		t.Errorf("open segments are left: %v", list)
	}
	if strings.Contains(o.logs.String(), "WARN") {
		t.Error(o.logs)
	}
}

func TestATableIsSharedAndCounted(t *testing.T) {
	checkLeaks(t)
	o := openTable(t, t.TempDir(), sampleSpec(10), 0)
	again, err := o.s.Table(sampleSpec(10))
	if err != nil {
		t.Fatal(err)
	}
	if again != o.Table {
		t.Error("the same Spec gives another table")
	}
	o.add(t, 1, 3)
	again.Close()
	if n := o.served(t, 1, 3); n != 1 {
		t.Error("the row is gone while the table has a user")
	}
	o.close(t)
	if _, err := o.s.Table(sampleSpec(10)); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed store gives %v", err)
	}
}

func TestTheFolderTellsPeopleWhatItHolds(t *testing.T) {
	dir := t.TempDir()
	o := openTable(t, dir, sampleSpec(10), 0)
	text, err := os.ReadFile(o.path(aboutFile))
	if err != nil {
		t.Fatal(err)
	}
	var a map[string]any
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"source": "/data/a.h5ad", "matrix": "X", "rows": 10.0, "cols": 3000.0, "dtype": "float32"} {
		if a[key] != want {
			t.Errorf("%s is %v, want %v", key, a[key], want)
		}
	}
	for _, path := range []string{filepath.Join(dir, layoutFolder), o.path("")} {
		if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v; want mode 0700", path, fi.Mode(), err)
		}
	}
}

func TestWhatCannotBeATableIsAnErrorThatSaysSo(t *testing.T) {
	o := openTable(t, t.TempDir(), sampleSpec(10), 0)
	for _, tc := range []struct {
		name string
		spec func(*Spec)
		says string
	}{
		{"too many rows", func(p *Spec) { p.Rows = 1 << 32 }, "4294967296 rows"},
		{"negative rows", func(p *Spec) { p.Rows = -1 }, "-1 rows"},
		{"too many columns", func(p *Spec) { p.Cols = 1 << 31 }, "2147483648 columns"},
		{"no type", func(p *Spec) { p.DType = 0 }, "unknown type"},
		{"negative elements", func(p *Spec) { p.NNZ = -1 }, "-1 stored"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec := sampleSpec(10)
			tc.spec(&spec)
			if _, err := o.s.Table(spec); !errors.Is(err, ErrSpec) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error %v, want one that says %q", err, tc.says)
			}
		})
	}
}

func TestBytesThatAreNotTheRowsRecordsAreRefused(t *testing.T) {
	o := openTable(t, t.TempDir(), sampleSpec(10), 0)
	three := sampleRecord(t, 3, 1)
	for _, tc := range []struct {
		name    string
		rows    []int64
		records []byte
	}{
		{"the record of another row", []int64{4}, three},
		{"a row that is not in the matrix", []int64{10}, sampleRecord(t, 10, 1)},
		{"half a record", []int64{3}, three[:len(three)/2]},
		{"one record of two", []int64{3, 4}, three},
		{"one more than rows", nil, three},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := o.Append(tc.rows, tc.records); !errors.Is(err, ErrRecords) {
				t.Errorf("error %v, want ErrRecords", err)
			}
			if o.Usage().Stored != 0 || o.Full() {
				t.Error("something was kept, or the table rests")
			}
		})
	}
}

func TestAFolderThatCannotHoldAStoreIsAnErrorThatNamesIt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"none": "", "a file": file, "below a file": filepath.Join(file, "x"), "not ours": "/proc"} {
		t.Run(name, func(t *testing.T) {
			if _, err := Open(Options{Dir: dir}); !errors.Is(err, ErrDir) || !strings.Contains(err.Error(), dir) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestTheUnitOfATableNumbersAllItsBytes(t *testing.T) {
	for _, tc := range []struct {
		name string
		spec Spec
		want int64
	}{
		{"small", sampleSpec(1000), 16},
		{"a million cells", Spec{Rows: 1e6, Cols: 30000, DType: Float32, NNZ: 2e9}, 16},
		{"50 million cells", Spec{Rows: 5e7, Cols: 60000, DType: Float32, NNZ: 1e11}, 256},
		{"dense, no elements known", Spec{Rows: 1e6, Cols: 2000, DType: Float32}, 16},
		{"beyond all", Spec{Rows: 1 << 32, Cols: 1 << 31, DType: Float64}, maxUnit},
	} {
		if got := tc.spec.unit(); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
}

func TestRecordsOfALargeTableArePaddedToItsUnit(t *testing.T) {
	checkLeaks(t)
	dir := t.TempDir()
	spec := sampleSpec(1000)
	spec.NNZ, spec.Cols, spec.Rows = 1e12, sampleCols, 4e9
	if spec.unit() <= unit {
		t.Fatalf("unit %d: this tests nothing", spec.unit())
	}
	for range 2 {
		o := openTable(t, dir, spec, 256<<10)
		o.add(t, 1, 5, 4, 3, 1000, 2e9, 3999999999)
		if n := o.served(t, 1, 0, 1, 2, 3, 4, 5, 1000, 2e9, 3999999999); n != 6 {
			t.Errorf("%d rows, want 6", n)
		}
		o.close(t)
	}
}

func TestWhatATableNeedsIsGuessedAndThenMeasured(t *testing.T) {
	dir := t.TempDir()
	spec := sampleSpec(1000)
	o := openTable(t, dir, spec, 0)
	guess := o.Usage().Needs
	o.add(t, 1, span64(0, 20)...)
	early := o.Usage()
	o.add(t, 1, span64(20, 1000)...)
	o.close(t)
	o = openTable(t, dir, spec, 0)
	took := o.Usage()
	for name, needs := range map[string]int64{"before there are rows": guess, "after 20": early.Needs, "at the end": took.Needs} {
		if ratio := float64(needs) / float64(took.Bytes); ratio < 0.5 || ratio > 2 {
			t.Errorf("%s: %d bytes, and it takes %d", name, needs, took.Bytes)
		}
	}
	if early.Bytes < early.Needs/50 || took.Needs > took.Bytes*101/100 {
		t.Errorf("the usage is %+v, and then %+v", early, took)
	}
	for _, tc := range []struct {
		name string
		spec Spec
		want int64
	}{
		{"dense", Spec{Rows: 10, Cols: 1000, DType: Float32}, 40960},
		{"counts", Spec{Rows: 10, Cols: 1000, DType: Float32, NNZ: 1000}, 2640},
		{"no rows", Spec{DType: Float32}, 0},
	} {
		if got := tc.spec.needs(0, 0); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
}
