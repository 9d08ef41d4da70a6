package rowstore

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Files of a table's folder beside its segments.
const (
	aboutFile = "about.json"
	useFile   = "lock" // locked, shared, by each process that has the table open; its time is that of the last use
)

// about tells people, and those who look for outdated tables, what a folder holds.
type about struct {
	Format   int    `json:"format"`
	Source   string `json:"source"`
	Identity string `json:"identity"`
	Matrix   string `json:"matrix"`
	Rows     int64  `json:"rows"`
	Cols     int    `json:"cols"`
	DType    string `json:"dtype"`
	Stored   int64  `json:"stored_elements,omitempty"`
	Made     string `json:"made"`
}

// openFolder makes the table's folder, if there is none, and takes the lock that says that the table is in use. t.mapping is held.
func (t *Table) openFolder() error {
	dir := t.path("")
	for range 100 {
		err := makeFolder(dir)
		if isGone(err) { // with the folder of the whole store
			if err = t.store.makeRoot(); err == nil {
				err = makeFolder(dir)
			}
		}
		if err != nil {
			return err
		}
		f, err := os.OpenFile(t.path(useFile), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			if isGone(err) {
				continue // it was removed in between
			}
			return err
		}
		err = lockFile(f, false)
		if (err == nil || errors.Is(err, errNoLocks)) && isAt(f, t.path(useFile)) {
			if t.use != nil {
				t.use.Close()
			}
			t.use = f
			t.touch()
			return t.describe()
		}
		f.Close()
		if err != nil && !errors.Is(err, errBusy) {
			return err
		}
		pause(removalPause) // who removes a table holds its lock for as long as a rename takes
	}
	return errors.New("another process keeps removing it")
}

// haveFolder makes the folder anew when somebody has removed it, or when the disk was full when the table was opened.
func (t *Table) haveFolder() error {
	t.mapping.Lock()
	defer t.mapping.Unlock()
	if t.use != nil && isAt(t.use, t.path(useFile)) {
		return nil
	}
	return t.openFolder()
}

const removalPause = 5 * time.Millisecond

func pause(d time.Duration) { <-time.NewTimer(d).C }

// makeFolder makes a folder, in the place of whatever else has its name.
func makeFolder(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if !errors.Is(err, os.ErrExist) {
		return err
	}
	fi, err := os.Lstat(dir)
	if err != nil || fi.IsDir() {
		if err != nil && !isGone(err) {
			return err
		}
		return nil
	}
	if err := os.Remove(dir); err != nil {
		return err
	}
	return os.Mkdir(dir, 0o700)
}

// touch says that the table is in use now, if it was not said in the last hour. It orders what is removed first, and keeps
// machines that locks do not reach from removing it.
func (t *Table) touch() {
	now := t.store.sys.now()
	if !t.used.due(now, time.Hour) {
		return
	}
	_ = os.Chtimes(t.path(useFile), now, now) // or the next time
}

// describe writes about.json, if it is not there as it should be.
func (t *Table) describe() error {
	p := t.spec
	want := about{
		Format: segmentVersion, Source: p.Source, Identity: p.Identity, Matrix: p.Matrix, Rows: p.Rows, Cols: p.Cols,
		DType: p.DType.String(), Stored: p.NNZ,
	}
	if have, err := readAbout(t.path("")); err == nil {
		want.Made = have.Made
		if have == want {
			return nil
		}
	}
	want.Made = t.store.sys.now().UTC().Format(time.RFC3339)
	text, err := json.MarshalIndent(want, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(t.path(""), "about-*.tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), t.path(aboutFile))
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// maxAbout is more than any path and identity take.
const maxAbout = 1 << 20

func readAbout(dir string) (a about, err error) {
	path := filepath.Join(dir, aboutFile)
	fi, err := os.Stat(path)
	if err != nil {
		return a, err
	}
	if fi.Size() > maxAbout {
		return a, errors.New("it is too long")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(text, &a)
}

// blocksOf is how much of the disk a file takes, which is more than its length while it is being written.
func blocksOf(fi os.FileInfo) int64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return int64(st.Blocks) * 512
	}
	return fi.Size()
}
