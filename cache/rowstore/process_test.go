//go:build linux

package rowstore

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A child is this test binary again, which writes rows into a table until it has all of its share or is killed.
const (
	childDir  = "ROWSTORE_TEST_DIR"
	childRows = "ROWSTORE_TEST_ROWS" // FROM-TO, in an order of its own
	childSeed = "ROWSTORE_TEST_SEED" // of the order
)

const processRows = 6000

// TestChild is no test: it is what a child does. It prints the rows of each Append that has returned.
func TestChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("it is what other tests start as a process of its own")
	}
	var from, to int64
	if _, err := fmt.Sscanf(os.Getenv(childRows), "%d-%d", &from, &to); err != nil {
		t.Fatal(err)
	}
	seed, err := strconv.ParseUint(os.Getenv(childSeed), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(Options{Dir: dir, Budget: 1 << 30, SegmentBytes: 128 << 10})
	if err != nil {
		t.Fatal(err)
	}
	table, err := s.Table(sampleSpec(processRows))
	if err != nil {
		t.Fatal(err)
	}
	o := opened{Table: table, s: s}
	r := rand.New(rand.NewPCG(seed, 0))
	order := r.Perm(int(to - from))
	for len(order) > 0 {
		n := min(1+r.IntN(20), len(order))
		rows := make([]int64, n)
		for i := range rows {
			rows[i] = from + int64(order[i])
		}
		order = order[n:]
		o.add(t, 1, rows...)
		fmt.Fprintln(os.Stdout, "kept", strings.Trim(fmt.Sprint(rows), "[]"))
		if r.IntN(50) == 0 {
			if err := o.Seal(); err != nil {
				t.Fatal(err)
			}
		}
	}
	o.close(t)
}

// startChild starts a process that writes; the reader has what it prints.
func startChild(t *testing.T, dir string, from, to int64, seed uint64) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), childDir+"="+dir, fmt.Sprintf("%s=%d-%d", childRows, from, to), fmt.Sprintf("%s=%d", childSeed, seed))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// kept reads the rows that a child has said it kept; a line that was cut is none.
func kept(t *testing.T, out io.Reader, each func(lines int)) (rows []int64) {
	t.Helper()
	in := bufio.NewReader(out)
	for n := 1; ; n++ {
		line, err := in.ReadString('\n')
		if err != nil {
			return rows
		}
		list, ok := strings.CutPrefix(line, "kept ")
		if !ok {
			if !strings.HasPrefix(line, "PASS") {
				t.Log("a child says: ", line)
			}
			continue
		}
		for _, f := range strings.Fields(list) {
			row, err := strconv.ParseInt(f, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row)
		}
		each(n)
	}
}

func TestNothingWholeIsLostWhenAWriterIsKilled(t *testing.T) {
	checkLeaks(t)
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(20, 0))
	all := make(map[int64]bool)
	for round := range uint64(20) {
		cmd, out := startChild(t, dir, 0, processRows, round)
		last := 1 + r.IntN(150)
		rows := kept(t, out, func(lines int) {
			if lines == last {
				if err := cmd.Process.Kill(); err != nil {
					t.Error(err)
				}
			}
		})
		_ = cmd.Wait() // it was killed
		for _, row := range rows {
			all[row] = true
		}
		o := openTable(t, dir, sampleSpec(processRows), 128<<10)
		for row := range all {
			if o.served(t, 1, row) != 1 {
				t.Errorf("round %d: row %d was kept, and is not served", round, row)
			}
		}
		o.served(t, 1, span64(0, processRows)...) // what else there is, is right
		if list := files(t, o, openEnding); len(list) != 0 {
			t.Errorf("round %d: open segments of a dead writer: %v", round, list)
		}
		if n := len(files(t, o, sealedEnding)); int64(n) > 4+mergeFrom+o.Usage().Bytes/(32<<10) {
			t.Errorf("round %d: %d rows are in %d files, with %d bytes", round, o.Usage().Stored, n, o.Usage().Bytes)
		}
		if strings.Contains(o.logs.String(), "WARN") {
			t.Errorf("round %d: %s", round, o.logs)
		}
		o.close(t)
		if t.Failed() {
			return
		}
	}
	if len(all) < processRows/3 {
		t.Errorf("%d of %d rows were kept: too few to show anything", len(all), processRows)
	}
}

func TestTwoProcessesWriteOneTable(t *testing.T) {
	checkLeaks(t)
	dir := t.TempDir()
	o := openTable(t, dir, sampleSpec(processRows), 128<<10)
	first, out1 := startChild(t, dir, 0, processRows*2/3, 1)
	second, out2 := startChild(t, dir, processRows/3, processRows, 2)
	open := 0
	rows := kept(t, out1, func(int) { open = max(open, len(files(t, o, openEnding))) })
	rows = append(rows, kept(t, out2, func(int) {})...)
	for _, cmd := range []*exec.Cmd{first, second} {
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if len(rows) != processRows*4/3 || open == 0 {
		t.Fatalf("the children kept %d rows and had %d segments open", len(rows), open)
	}
	if !o.lookNow() {
		t.Error("the segments of others are not seen")
	}
	if n := o.served(t, 1, span64(0, processRows)...); n != processRows || !o.Complete() {
		t.Errorf("%d of %d rows are served", n, processRows)
	}
	o.close(t)
	o = openTable(t, dir, sampleSpec(processRows), 128<<10)
	if n := o.served(t, 1, span64(0, processRows)...); n != processRows || o.Usage().Damaged != 0 {
		t.Errorf("%d of %d rows are served by the next, %d damaged", n, processRows, o.Usage().Damaged)
	}
}

func TestASegmentIsLeftToAWriterThatLives(t *testing.T) {
	checkLeaks(t)
	dir := t.TempDir()
	a := openTable(t, dir, sampleSpec(100), 0)
	a.add(t, 1, span64(0, 50)...)
	b := openTable(t, dir, sampleSpec(100), 0)
	if n := b.served(t, 1, span64(0, 100)...); n != 0 {
		t.Errorf("%d rows of an open segment are served to others", n)
	}
	b.add(t, 1, span64(40, 100)...)
	if err := a.Seal(); err != nil {
		t.Fatal(err)
	}
	if n := b.served(t, 1, span64(0, 100)...); n != 60 {
		t.Errorf("%d rows are served before it looks again", n)
	}
	b.lookNow()
	if n := b.served(t, 1, span64(0, 100)...); n != 100 {
		t.Errorf("%d rows are served after it has looked", n)
	}
	if list := files(t, a, openEnding); len(list) != 1 {
		t.Errorf("open segments: %v", list)
	}
}

func TestASegmentWhoseRowsOneHasInAnOpenOneIsLeftToOthers(t *testing.T) {
	checkLeaks(t)
	dir := t.TempDir()
	a, b := openTable(t, dir, sampleSpec(100), 0), openTable(t, dir, sampleSpec(100), 0)
	a.add(t, 1, span64(0, 50)...)
	b.add(t, 1, span64(0, 50)...)
	if err := b.Seal(); err != nil {
		t.Fatal(err)
	}
	a.lookNow()
	if list := files(t, a, sealedEnding); len(list) != 1 {
		t.Errorf("sealed segments: %v", list)
	}
}

func TestWhoMayTakeAnOpenSegment(t *testing.T) {
	sys := roomy()
	sys.host, sys.boot = "here", "boot 1"
	network := false
	sys.space = func(string) (diskSpace, error) {
		return diskSpace{size: 1 << 40, free: 1 << 39, network: network}, nil
	}
	o := openWith(t, sys, Options{Dir: t.TempDir()}, sampleSpec(1))
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	from := func(host, boot string, pid int) origin {
		sys := sys
		sys.host, sys.boot = host, boot
		return newOrigin(&sys, pid)
	}
	lives, gone := os.Getpid(), dead.Process.Pid
	for _, tc := range []struct {
		name    string
		from    origin
		known   bool
		age     time.Duration
		locked  bool
		network bool
		want    bool
	}{
		{"its lock was free, on a disk of this machine", from("there", "boot 2", lives), true, 0, true, false, true},
		{"a file without a header, on a disk of this machine", origin{}, false, 0, true, false, true},
		{"on a network: its lock was free, and it began on this machine", from("here", "boot 1", lives), true, 0, true, true, true},
		{"on a network: in a container of this machine", from("container", "boot 1", 1), true, 0, true, true, true},
		{"on a network: before this machine started", from("here", "boot 0", lives), true, 0, true, true, false},
		{"on a network: on another machine", from("there", "boot 2", gone), true, 0, true, true, false},
		{"on a network: on another machine, long ago", from("there", "boot 2", gone), true, abandoned + time.Minute, true, true, true},
		{"on a network: without a header", origin{}, false, time.Hour, true, true, false},
		{"without locks: the process lives", from("here", "boot 1", lives), true, 0, false, false, false},
		{"without locks: the process is gone", from("here", "boot 1", gone), true, 0, false, false, true},
		{"without locks: a process of a container", from("container", "boot 1", gone), true, 0, false, false, false},
		{"without locks: long ago", from("there", "boot 2", lives), true, abandoned + time.Minute, false, true, true},
		{"without locks: no header", origin{}, false, 0, false, false, false},
		{"machines that do not say when they started", from("here", "", lives), true, 0, true, true, false},
	} {
		network = tc.network
		if got := o.mayTake(tc.from, tc.known, sys.now().Add(-tc.age), tc.locked); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestAnOpenSegmentWithDamageInItKeepsTheRest(t *testing.T) {
	checkLeaks(t)
	dir := t.TempDir()
	o := openTable(t, dir, sampleSpec(100), 0)
	o.add(t, 1, span64(0, 100)...)
	open := files(t, o, openEnding)
	text, err := os.ReadFile(open[0])
	if err != nil {
		t.Fatal(err)
	}
	used := o.current.used
	o.close(t)
	sealed := files(t, o, sealedEnding)
	if err := os.Remove(sealed[0]); err != nil {
		t.Fatal(err)
	}
	// As after a power failure: a page in the middle was never written.
	clear(text[used/2 : used/2+used/8])
	if err := os.WriteFile(filepath.Join(o.path(""), "elsewhere-1-x-1"+openEnding), text, 0o600); err != nil {
		t.Fatal(err)
	}
	o = openTable(t, dir, sampleSpec(100), 0)
	if n := o.served(t, 1, span64(0, 100)...); n < 75 || n == 100 {
		t.Errorf("%d rows are served; an eighth was lost", n)
	}
	if list := files(t, o, openEnding); len(list) != 0 {
		t.Errorf("open: %v", list)
	}
}
