package rowstore

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// fill makes a table of rows 0…n−1 in dir, as a process of its own would, and says when it was last used.
func fill(t *testing.T, dir string, spec Spec, n int64, used time.Time) (folder string) {
	t.Helper()
	o := openTable(t, dir, spec, 64<<10)
	o.add(t, 1, span64(0, n)...)
	o.close(t)
	if err := os.Chtimes(o.path(useFile), used, used); err != nil {
		t.Fatal(err)
	}
	return o.path("")
}

func there(t *testing.T, path string) bool {
	t.Helper()
	_, err := os.Stat(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}

func ofSource(source string) Spec {
	spec := sampleSpec(100000)
	spec.Source = source
	return spec
}

func TestTheTableThatWasNotUsedForLongestMakesRoom(t *testing.T) {
	checkLeaks(t)
	dir := t.TempDir()
	now := time.Now()
	middle := fill(t, dir, ofSource("/no folder/b"), 500, now.Add(-2*time.Hour))
	oldest := fill(t, dir, ofSource("/no folder/a"), 500, now.Add(-3*time.Hour))
	inUse := ofSource("/no folder/c")
	kept := fill(t, dir, inUse, 500, now.Add(-9*time.Hour))
	other := openTable(t, dir, inUse, 64<<10)
	latest := fill(t, dir, ofSource("/no folder/d"), 500, now.Add(-time.Hour))

	sys, clock := limited()
	const slack = 32 << 10 // less than a segment
	held := diskUsage(dir)
	o := openWith(t, sys, Options{Dir: dir, Budget: held + slack, SegmentBytes: 64 << 10}, ofSource("/no folder/e"))
	o.add(t, 1, span64(0, 100)...)
	if there(t, oldest) || !there(t, middle) {
		t.Error("not the oldest made room")
	}
	if !there(t, kept) {
		t.Error("a table that a process has open made room")
	}
	var err error
	for row := int64(100); err == nil; row += 10 {
		err = o.tryAdd(t, 1, span64(row, row+10)...)
	}
	if !errors.Is(err, ErrFull) {
		t.Fatal(err)
	}
	if there(t, middle) || there(t, latest) || !there(t, kept) {
		t.Error("not all that nobody uses made room, or more")
	}
	if n := other.served(t, 1, span64(0, 500)...); n != 500 {
		t.Errorf("%d rows of the table in use are served", n)
	}
	if u := o.s.Usage(); u.Bytes > held+slack {
		t.Errorf("it holds %d bytes and may hold %d", u.Bytes, held+slack)
	}
	other.close(t)
	clock.t = clock.t.Add(time.Minute)
	if o.Full() {
		t.Error("the table that was in use does not make room now")
	}
	if there(t, kept) {
		t.Error("it is still there")
	}
}

func TestTablesThatAreUsedInTurnDoNotPushEachOtherOut(t *testing.T) {
	checkLeaks(t)
	dir := t.TempDir()
	sys, clock := limited()
	a, b := ofSource("/no folder/a"), ofSource("/no folder/b")
	o := openWith(t, sys, Options{Dir: dir, Budget: 200 << 10, SegmentBytes: 64 << 10}, a)
	fillUp := func(t *testing.T, o opened) (n int64) {
		for o.tryAdd(t, 1, n) == nil {
			n++
		}
		return n
	}
	n := fillUp(t, o)
	o.Table.Close()
	table, err := o.s.Table(b)
	if err != nil {
		t.Fatal(err)
	}
	second := opened{table, o.s, o.logs}
	if err := second.tryAdd(t, 1, 1); !errors.Is(err, ErrFull) {
		t.Errorf("error %v, want ErrFull", err)
	}
	clock.t = clock.t.Add(leaveAlone)
	if second.Full() {
		t.Error("a table that was left long ago does not make room")
	}
	if got := fillUp(t, second); got < n/2 {
		t.Errorf("room for %d rows, there was room for %d", got, n)
	}
}

func TestATableOfAFileThatHasChangedIsRemoved(t *testing.T) {
	checkLeaks(t)
	dir, data := t.TempDir(), t.TempDir()
	source := func(name string) string {
		path := filepath.Join(data, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	now := time.Now()
	spec := ofSource(source("a"))
	version := func(v string) Spec { s := spec; s.Identity = v; return s }
	layer := spec
	layer.Matrix = "layers/counts"
	gone := ofSource(source("b"))

	old := fill(t, dir, version("old"), 10, now)
	open := version("open")
	used := fill(t, dir, open, 10, now)
	other := openTable(t, dir, open, 0)
	sibling := fill(t, dir, layer, 10, now)
	lost := fill(t, dir, gone, 10, now)
	away := fill(t, dir, ofSource("/no folder/c"), 10, now)
	longAway := fill(t, dir, ofSource("/no folder/d"), 10, now.Add(-unmounted-time.Hour))
	remote := fill(t, dir, ofSource("s3://bucket/e"), 10, now.Add(-unmounted-time.Hour))
	if err := os.Remove(gone.Source); err != nil {
		t.Fatal(err)
	}

	openTable(t, dir, version("new"), 0)
	for path, want := range map[string]bool{
		old: false, used: true, sibling: true, lost: false, away: true, longAway: false, remote: true,
	} {
		if got := there(t, path); got != want {
			a, _ := readAbout(path)
			t.Errorf("%s %s of %s: it is there: %v, want %v", a.Source, a.Matrix, a.Identity, got, want)
		}
	}
	if n := other.served(t, 1, span64(0, 10)...); n != 10 {
		t.Errorf("%d rows of the table in use are served", n)
	}
}

func TestOnANetworkALockAloneDoesNotShowThatATableIsUnused(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	young := fill(t, dir, ofSource("/no folder/a"), 500, now.Add(-networkUse+time.Hour))
	old := fill(t, dir, ofSource("/no folder/b"), 500, now.Add(-networkUse-time.Hour))
	sys := roomy()
	sys.space = func(string) (diskSpace, error) { return diskSpace{size: 1 << 40, free: 1 << 39, network: true}, nil }
	o := openWith(t, sys, Options{Dir: dir, Budget: 100 << 10, SegmentBytes: 64 << 10}, ofSource("/no folder/c"))
	_ = o.tryAdd(t, 1, span64(0, 400)...)
	if !there(t, young) || there(t, old) {
		t.Errorf("the younger is there: %v; the older: %v", there(t, young), there(t, old))
	}
}

func TestATableWhoseFolderIsRemovedUnderItGoesOn(t *testing.T) {
	for name, folder := range map[string]func(o opened) string{
		"the table's":     func(o opened) string { return o.path("") },
		"the whole store": func(o opened) string { return o.s.dir },
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			dir := filepath.Join(t.TempDir(), "store")
			sys, clock := limited()
			o := openWith(t, sys, Options{Dir: dir, SegmentBytes: 64 << 10}, sampleSpec(1000))
			o.add(t, 1, span64(0, 100)...)
			if err := os.RemoveAll(folder(o)); err != nil {
				t.Fatal(err)
			}
			clock.t = clock.t.Add(countEvery)
			for row := int64(100); row < 1000; row += 10 {
				o.add(t, 1, span64(row, row+10)...)
			}
			if n := o.served(t, 1, span64(0, 1000)...); n != 1000 {
				t.Errorf("%d rows are served", n)
			}
			if err := o.s.Close(); err != nil && !isGone(err) {
				t.Fatal(err)
			}
			o = openTable(t, dir, sampleSpec(1000), 64<<10)
			if n := o.served(t, 1, span64(0, 1000)...); n < 400 {
				t.Errorf("%d rows are served by the next", n)
			}
		})
	}
}

func TestLeftoversOfKilledProcessesAreSwept(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, layoutFolder)
	trash := filepath.Join(root, trashPrefix+"x", "y")
	if err := os.MkdirAll(trash, 0o700); err != nil {
		t.Fatal(err)
	}
	young, old := filepath.Join(root, probePrefix+"1"), filepath.Join(root, probePrefix+"2")
	for _, path := range []string{young, old} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	openTable(t, dir, sampleSpec(1), 0)
	for path, want := range map[string]bool{trash: false, young: true, old: false} {
		if got := there(t, path); got != want {
			t.Errorf("%s is there: %v, want %v", path, got, want)
		}
	}
}
