//go:build linux

package cache

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loaderd/loaderd/internal/leak"
	"github.com/loaderd/loaderd/internal/smalldisk"
)

// TestARealDiskThatIsFullKeepsTheCopyThatThereIs runs its other half in a process that may mount a small disk.
func TestARealDiskThatIsFullKeepsTheCopyThatThereIs(t *testing.T) {
	leak.Check(t)
	smalldisk.Run(t, "TestChildOnASmallDisk")
}

// TestChildOnASmallDisk renews a copy for which there is no room, asked beforehand or not.
func TestChildOnASmallDisk(t *testing.T) {
	dir := smalldisk.Mount(t, "1m")
	b := newBench(t)
	b.dir = filepath.Join(dir, "copies")
	b.Cache = b.open(t)
	path := b.write(t, "a", strings.Repeat("1", 300_000))
	at := b.path(t, path)
	b.write(t, "a", strings.Repeat("2", 900_000))
	real := b.free
	for name, free := range map[string]func(string) (int64, error){
		"it is asked":      real,
		"it is not asked ": func(string) (int64, error) { return 1 << 40, nil },
	} {
		b.free = free
		if _, err := b.Path(t.Context(), Ref(path), nil); !errors.Is(err, ErrNoSpace) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
		if list := b.entries(t); len(list) != 1 || len(tree(t, at)) != 1 {
			t.Errorf("%s: the cache has %q", name, list)
		}
	}
	b.write(t, "a", strings.Repeat("3", 600_000))
	if got, err := os.ReadFile(b.path(t, path)); err != nil || len(got) != 600_000 || got[0] != '3' {
		t.Errorf("what finds room: %d bytes, %v", len(got), err)
	}
}
