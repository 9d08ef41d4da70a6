package rowstore

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
)

// modelRow is what the model knows of a row.
type modelRow uint8

const (
	absent  modelRow = iota
	perhaps          // it was kept, and a file was damaged since
	stored
)

// world is a folder, the stores that share it, and the model.
type world struct {
	t     *testing.T
	r     *rand.Rand
	dir   string
	spec  Spec
	users [2]*opened
	rows  []modelRow
	own   [2]map[int64]bool // rows that a user has and has not sealed
	log   []string
}

const worldRows = 400

func (w *world) note(format string, args ...any) { w.log = append(w.log, fmt.Sprintf(format, args...)) }

func (w *world) open(i int) {
	if w.users[i] == nil {
		w.note("%d opens", i)
		o := openWith(w.t, quick(), Options{Dir: w.dir, SegmentBytes: 16 << 10}, w.spec)
		w.users[i] = &o
	}
}

func (w *world) close(i int) {
	if w.users[i] != nil {
		w.note("%d closes", i)
		w.users[i].close(w.t)
		w.users[i] = nil
		clear(w.own[i])
	}
}

func (w *world) add(i int) {
	w.open(i)
	from := w.r.Int64N(worldRows)
	rows := span64(from, min(worldRows, from+1+w.r.Int64N(30)))
	w.note("%d adds %d to %d", i, from, from+int64(len(rows)))
	w.users[i].served(w.t, 1, rows...) // who appends rows has asked for them; damaged ones are forgotten by that
	w.users[i].add(w.t, 1, rows...)
	for _, row := range rows {
		w.own[i][row] = true
		w.rows[row] = max(w.rows[row], perhaps)
	}
	if w.users[1-i] == nil {
		// Nobody else can have them in a file that is damaged.
		for _, row := range rows {
			w.rows[row] = stored
		}
	}
}

// read asks for all rows. Nothing wrong is served, nothing that was never kept, and what must be there is.
func (w *world) read(i int) {
	w.open(i)
	w.users[i].lookNow()
	for row := range int64(worldRows) {
		n := w.users[i].served(w.t, 1, row)
		switch {
		case n == 1 && w.rows[row] == absent:
			w.t.Errorf("row %d is served and was never kept", row)
		case n == 0 && w.rows[row] == stored && !w.own[1-i][row]:
			w.t.Errorf("row %d was kept, and %d does not serve it", row, i)
		}
	}
	w.note("%d reads, %+v", i, w.users[i].Usage())
}

// damage changes a byte of a sealed file, cuts it, or removes it, while nobody has it open.
func (w *world) damage() {
	w.close(0)
	w.close(1)
	w.open(0)
	list := files(w.t, *w.users[0], sealedEnding)
	w.close(0)
	if len(list) == 0 {
		return
	}
	path := list[w.r.IntN(len(list))]
	text, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	switch w.r.IntN(3) {
	case 0:
		text[w.r.IntN(len(text))] ^= byte(1 + w.r.IntN(255))
		err = os.WriteFile(path, text, 0o600)
	case 1:
		err = os.Truncate(path, w.r.Int64N(int64(len(text))))
	case 2:
		err = os.Remove(path)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.note("%s is damaged", path)
	for row := range w.rows {
		w.rows[row] = min(w.rows[row], perhaps)
	}
}

func TestStoresThatShareAFolderAreTheModel(t *testing.T) {
	checkLeaks(t)
	worlds, steps := 20, 60
	if raceEnabled || testing.Short() {
		worlds = 3
	}
	for seed := range uint64(worlds) {
		w := &world{
			t: t, r: rand.New(rand.NewPCG(seed, 1)), dir: t.TempDir(), spec: sampleSpec(worldRows), rows: make([]modelRow, worldRows),
			own: [2]map[int64]bool{{}, {}},
		}
		for range steps {
			i := w.r.IntN(2)
			switch k := w.r.IntN(20); {
			case k < 8:
				w.add(i)
			case k < 13:
				w.read(i)
			case k < 15:
				w.close(i)
			case k < 18:
				if w.users[i] != nil {
					w.note("%d seals", i)
					if err := w.users[i].Seal(); err != nil {
						t.Fatal(err)
					}
					clear(w.own[i])
				}
			default:
				w.damage()
			}
			if t.Failed() {
				break
			}
		}
		w.close(0)
		w.close(1)
		if !t.Failed() {
			w.read(0)
			w.close(0)
		}
		if t.Failed() {
			for _, line := range w.log {
				t.Log(line)
			}
			t.Fatalf("seed %d", seed)
		}
	}
}

func TestShortSegmentsBecomeOne(t *testing.T) {
	checkLeaks(t)
	dir := t.TempDir()
	for i := range int64(60) {
		o := openTable(t, dir, sampleSpec(1000), 256<<10)
		o.add(t, 1, span64(i*5, i*5+5)...)
		if n := o.served(t, 1, span64(0, 1000)...); int64(n) != i*5+5 {
			t.Errorf("session %d: %d rows are served", i, n)
		}
		o.close(t)
		if n := len(files(t, o, sealedEnding)); n > 2*mergeFrom {
			t.Fatalf("session %d: %d files", i, n)
		}
	}
	o := openTable(t, dir, sampleSpec(1000), 256<<10)
	if n := o.served(t, 1, span64(0, 1000)...); n != 300 {
		t.Errorf("%d rows are served", n)
	}
}

func TestAReaderKeepsTheShortSegmentsThatBecomeOne(t *testing.T) {
	checkLeaks(t)
	dir := t.TempDir()
	var reader opened
	for i := range int64(mergeFrom + 2) {
		if i == mergeFrom {
			reader = openTable(t, dir, sampleSpec(1000), 256<<10)
		}
		o := openTable(t, dir, sampleSpec(1000), 256<<10)
		o.add(t, 1, span64(i*5, i*5+5)...)
		o.close(t)
	}
	if n := reader.served(t, 1, span64(0, 5*mergeFrom)...); n != 5*mergeFrom {
		t.Errorf("%d rows are served", n)
	}
}
