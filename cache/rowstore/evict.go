package rowstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	trashPrefix = ".removed-"

	// A table that this process has just closed is likely to be opened again: while it is, its place is not given to others, or two
	// that are used in turn would be made anew each time.
	leaveAlone = 10 * time.Minute
	// How often the sources of all tables are looked for.
	tidyEvery = time.Minute
	// Where locks may not reach other machines, a table counts as used for so long after it was opened or written.
	networkUse = 24 * time.Hour
	// A source that is gone together with its folder may be on a disk that is not mounted now.
	unmounted = 7 * 24 * time.Hour
)

// idleTables are the folders of tables that this store does not have open.
func (s *Store) idleTables() (list []string) {
	entries, err := os.ReadDir(s.root)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && e.IsDir() && s.tables[e.Name()] == nil {
			list = append(list, e.Name())
		}
	}
	return list
}

// lastUse is when a table was opened, written or closed.
func (s *Store) lastUse(folder string) time.Time {
	fi, err := os.Stat(filepath.Join(s.root, folder, useFile))
	if err != nil {
		fi, err = os.Stat(filepath.Join(s.root, folder))
	}
	if err != nil {
		return s.sys.now() // gone meanwhile
	}
	return fi.ModTime()
}

// aboutOf tells what a folder holds, if its about.json can be read. What it has read once does not change.
func (s *Store) aboutOf(folder string) (about, bool) {
	s.mu.Lock()
	a, ok := s.abouts[folder]
	s.mu.Unlock()
	if ok {
		return a, true
	}
	a, err := readAbout(filepath.Join(s.root, folder))
	if err != nil {
		return a, false
	}
	s.mu.Lock()
	s.abouts[folder] = a
	s.mu.Unlock()
	return a, true
}

// removeOutdated removes tables of the matrix of t in other versions of its file, and now and then all whose file is gone.
func (s *Store) removeOutdated(t *Table) {
	now := s.sys.now()
	all := s.tidy.due(now, tidyEvery)
	for _, folder := range s.idleTables() {
		old, ok := s.aboutOf(folder)
		if !ok || folder == t.folder {
			continue
		}
		other := old.Source == t.spec.Source && old.Matrix == t.spec.Matrix && old.Identity != t.spec.Identity
		if other || all && sourceGone(old.Source, now.Sub(s.lastUse(folder))) {
			s.removeTable(folder, "its source is gone or has changed")
		}
	}
}

// sourceGone says whether a file is no longer there, and will not be after a disk is mounted.
func sourceGone(path string, unused time.Duration) bool {
	if !filepath.IsAbs(path) {
		return false
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return false
	}
	_, err := os.Stat(filepath.Dir(path))
	return err == nil || unused > unmounted
}

// evict removes tables that no process has open until so many bytes have gone, those first that were not used for longest. It says
// whether anything went.
func (s *Store) evict(bytes int64) (some bool) {
	list := s.idleTables()
	used := make(map[string]time.Time, len(list))
	for _, folder := range list {
		used[folder] = s.lastUse(folder)
	}
	slices.SortFunc(list, func(a, b string) int { return used[a].Compare(used[b]) })
	for _, folder := range list {
		if bytes <= 0 {
			break
		}
		if s.leftLately(folder) {
			continue
		}
		size := diskUsage(filepath.Join(s.root, folder))
		if s.removeTable(folder, "its place is needed") {
			bytes -= size
			some = true
		}
	}
	return some
}

func (s *Store) leftLately(folder string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.left[folder]
	if ok && s.sys.now().Sub(at) >= leaveAlone {
		delete(s.left, folder)
		return false
	}
	return ok
}

// removeTable removes a table's folder, unless a process has it open. It goes under another name first, so that a table of the same
// name can be made at once.
func (s *Store) removeTable(folder, why string) bool {
	dir := filepath.Join(s.root, folder)
	used := s.lastUse(folder)
	f, err := os.OpenFile(filepath.Join(dir, useFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return false
	}
	defer f.Close()
	switch err := lockFile(f, true); {
	case err != nil && !errors.Is(err, errNoLocks):
		return false
	case !isAt(f, filepath.Join(dir, useFile)):
		return false
	case (err != nil || s.network()) && s.sys.now().Sub(used) < networkUse:
		return false
	}
	about, _ := s.aboutOf(folder)
	trash := filepath.Join(s.root, fmt.Sprintf("%s%s-%s-%d", trashPrefix, folder, s.name, s.serial.Add(1)))
	if err := os.Rename(dir, trash); err != nil {
		return false
	}
	if err := os.RemoveAll(trash); err != nil {
		s.log.Warn("a table of the row store is removed in part", "folder", trash, "error", err)
	}
	s.log.Info("a table of the row store is removed", "folder", dir, "source", about.Source, "matrix", about.Matrix, "why", why)
	return true
}

// network says whether other machines may write to the folder.
func (s *Store) network() bool {
	sp, err := s.sys.space(s.root)
	return err != nil || sp.network
}

// sweep removes what processes that were killed have left: folders on their way out, files that were tried.
func (s *Store) sweep() {
	entries, err := os.ReadDir(s.root)
	if err != nil {
		return
	}
	for _, e := range entries {
		path := filepath.Join(s.root, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), trashPrefix):
			_ = os.RemoveAll(path) // or the next one does
		case strings.HasPrefix(e.Name(), probePrefix):
			if fi, err := e.Info(); err == nil && s.sys.now().Sub(fi.ModTime()) > time.Hour {
				_ = os.Remove(path)
			}
		}
	}
}
