package cache

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// A child is this test binary again, which asks for a path once and prints what it got.
const (
	childDir  = "CACHE_TEST_DIR"
	childRoot = "CACHE_TEST_ROOT"
	childRef  = "CACHE_TEST_REF"
)

// TestChild is no test: it is what a child does.
func TestChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("it is what other tests start as a process of its own")
	}
	store := &counting{Store: Local{}}
	store.before = func(string) error { // as a slow file system would
		fmt.Println("fetch")
		return pause(context.Background(), time.Millisecond)
	}
	c, err := New(Options{Dir: dir, Roots: []string{os.Getenv(childRoot)}, Stores: map[string]Store{"": store}})
	if err != nil {
		t.Fatal(err)
	}
	found, err := c.Path(t.Context(), Ref(os.Getenv(childRef)), nil)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("path", found.Path)
}

// child starts a process; the reader has what it prints.
func (b *bench) child(t *testing.T, ref string) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), childDir+"="+b.dir, childRoot+"="+b.root, childRef+"="+ref)
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

// fill makes a folder of files, and gives its path.
func (b *bench) fill(t *testing.T, files int) string {
	t.Helper()
	for i := range files {
		b.write(t, fmt.Sprintf("f/%d/%d", i%5, i), strings.Repeat("x", 1000+i))
	}
	return filepath.Join(b.root, "f")
}

func TestACopyIsWholeOrNotThereWhenItsMakerIsKilled(t *testing.T) {
	b := newBench(t)
	r := rand.New(rand.NewPCG(7, 0))
	const files = 60
	folder := b.fill(t, files)
	var was map[string]string // what the copy of the round before has
	killed := 0
	for round := range 20 {
		want := tree(t, folder)
		cmd, out := b.child(t, folder)
		last, lines := 1+r.IntN(files+20), bufio.NewScanner(out)
		for n := 1; lines.Scan(); n++ {
			if n == last {
				_ = cmd.Process.Kill() // it may have ended
			}
		}
		if cmd.Wait() != nil {
			killed++
		}
		versions := slices.DeleteFunc(b.entries(t), func(name string) bool { return name == newName })
		if len(versions) > 0 { // of several, who has made the newest was about to remove the others
			name := slices.MaxFunc(versions, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
			found, err := filepath.Glob(filepath.Join(b.dir, "*", name, "f"))
			if err != nil || len(found) != 1 {
				t.Fatalf("round %d: %q is at %q, %v", round, name, found, err)
			}
			if got := tree(t, found[0]); !maps.Equal(got, want) && !maps.Equal(got, was) {
				t.Fatalf("round %d: version %s is neither the copy before nor the new one: it has %d files", round, name, len(got))
			}
		}
		if r.IntN(3) == 0 {
			if got := tree(t, b.path(t, folder)); !maps.Equal(got, want) {
				t.Fatalf("round %d: the copy has %d files", round, len(got))
			}
			if list := b.entries(t); len(list) != 1 {
				t.Fatalf("round %d: the cache has %q", round, list)
			}
			was = want
		} else if found, _ := filepath.Glob(filepath.Join(b.dir, "*", "[0-9]*", "f")); len(found) == 1 {
			was = tree(t, found[0])
		}
		for i := range files { // the next one has most to do
			if i%4 != 0 {
				b.write(t, fmt.Sprintf("f/%d/%d", i%5, i), strings.Repeat("x", round+i))
			}
		}
	}
	if killed < 5 {
		t.Errorf("%d of 20 were killed: too few to show anything", killed)
	}
}

func TestProcessesMakeOneCopyTogether(t *testing.T) {
	b := newBench(t)
	const files = 40
	folder := b.fill(t, files)
	var g errgroup.Group
	said := make([][]string, 4)
	for i := range said {
		cmd, out := b.child(t, folder)
		g.Go(func() error {
			for lines := bufio.NewScanner(out); lines.Scan(); {
				if line := lines.Text(); line != "PASS" {
					said[i] = append(said[i], line)
				}
			}
			return cmd.Wait()
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	want, fetched := "path "+b.path(t, folder), 0
	for _, lines := range said {
		if !slices.Contains(lines, want) {
			t.Errorf("a child says %q, want %q", lines, want)
		}
		fetched += len(lines) - 1
	}
	if fetched != files {
		t.Errorf("%d files were fetched by all, want %d", fetched, files)
	}
}
