package rowstore

import (
	"runtime"
	"testing"
)

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestATableCostsMemoryAsRowsCome(t *testing.T) {
	s, err := open(Options{Dir: t.TempDir()}, quick())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	spec := sampleSpec(50_000_000)
	before := heap()
	table, err := s.Table(spec)
	if err != nil {
		t.Fatal(err)
	}
	if cost := int64(heap() - before); cost > 1<<20 {
		t.Errorf("a table of 50 million rows that holds nothing costs %d bytes", cost)
	}
	before = heap()
	for row := int64(0); row < 1_000_000; row++ {
		table.rows.put(row, 1)
	}
	if cost := int64(heap() - before); cost > 4_100_000 {
		t.Errorf("a million rows cost %d bytes more, want 4 a row", cost)
	}
	runtime.KeepAlive(table)
}

func TestRowsThatAreThereAllocateNothing(t *testing.T) {
	o := openTable(t, t.TempDir(), sampleSpec(1000), 64<<10)
	rows := span64(0, 500)
	o.add(t, 1, rows...)
	o.served(t, 1, rows...)
	for name, f := range map[string]func(){
		"Row": func() {
			for _, row := range rows {
				if _, ok := o.Row(row); !ok {
					t.Error("a row is gone")
				}
			}
		},
		"Row of those that are missing": func() { o.Row(999) },
		"Has":                           func() { o.Has(3) },
		"Address":                       func() { o.Address(3) },
		"Prefetch":                      func() { o.Prefetch(rows) },
	} {
		if n := testing.AllocsPerRun(20, f); n > 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func TestAddressesSortRowsByTheirPlace(t *testing.T) {
	o := openTable(t, t.TempDir(), sampleSpec(1000), 64<<10)
	order := []int64{900, 3, 500, 7}
	o.add(t, 1, order...)
	last := uint64(0)
	for _, row := range order {
		if a := o.Address(row); a <= last {
			t.Errorf("row %d is at %d, behind %d", row, a, last)
		} else {
			last = a
		}
	}
	if o.Address(1) != 0 || o.Address(-1) != 0 || o.Address(1000) != 0 || o.Has(1000) {
		t.Error("rows that are not there have addresses")
	}
}

func BenchmarkRow(b *testing.B) {
	o := openTable(b, b.TempDir(), sampleSpec(1000), 0)
	o.add(b, 1, span64(0, 1000)...)
	o.served(b, 1, span64(0, 1000)...)
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		if _, ok := o.Row(i % 1000); !ok {
			b.Fatal("a row is gone")
		}
	}
}

func BenchmarkPrefetchWhereAllIsInMemory(b *testing.B) {
	o := openTable(b, b.TempDir(), sampleSpec(1000), 0)
	o.add(b, 1, span64(0, 1000)...)
	o.served(b, 1, span64(0, 1000)...)
	batch := span64(100, 228)
	b.ReportAllocs()
	for b.Loop() {
		o.Prefetch(batch)
	}
}
