package registry

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// pollEvery is how often who waits for a lease looks.
const pollEvery = 100 * time.Millisecond

// leaseFiles is a lease in files beside the database: NAME.lease.N, of which the highest N counts. Whoever finds it free, or its
// holder dead, makes the next one, by a hard link, which one of several succeeds with on any file system, without relying on locks.
type leaseFiles struct {
	prefix string // path of the database and ".lease."
	held   int    // number of ours; 0: none
	me     holder
}

// holder is the content of a lease file.
type holder struct {
	Token string    `json:"token"`
	Host  string    `json:"host"`
	PID   int       `json:"pid"`
	Start string    `json:"start"` // of the process, for numbers of processes come again
	Since time.Time `json:"since"`
	Beat  int64     `json:"beat"` // counts signs of life
	Free  bool      `json:"free"`
}

func newLeaseFiles(path string) leaseFiles {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	pid := os.Getpid()
	return leaseFiles{prefix: path + ".lease.", me: holder{Token: rand.Text(), Host: host, PID: pid, Start: processStart(pid)}}
}

// acquire waits until the lease is ours. A holder that shows no life for stale is dead, whatever the clocks of the machines say.
func (l *leaseFiles) acquire(ctx context.Context, stale, patience time.Duration, kind string) error {
	if err := os.MkdirAll(filepath.Dir(l.prefix), 0o700); err != nil {
		return err
	}
	begin := time.Now()
	var last holder
	var lastNumber int
	var seen time.Time
	for {
		number, h, err := l.newest()
		if err != nil {
			return err
		}
		if number != lastNumber || h != last {
			last, lastNumber, seen = h, number, time.Now()
		}
		if number == 0 || h.Free || l.dead(h) || time.Since(seen) > stale {
			if ok, err := l.take(number + 1); ok || err != nil {
				return err
			}
			continue
		}
		if time.Since(begin) > patience {
			return fail(ErrHeld, "lease", strings.TrimSuffix(l.prefix, ".lease."), "stop that daemon with `loaderd stop` on its machine, or try again when it is idle",
				"it lies on a %s, where one daemon at a time can use it: process %d on %s has, since %s", kind, h.PID, h.Host, h.Since.Format(time.RFC3339))
		}
		l.want()
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// newest is the lease file that counts; 0: there is none.
func (l *leaseFiles) newest() (number int, h holder, err error) {
	for {
		if number, err = l.highest(); err != nil || number == 0 {
			return number, h, err
		}
		b, err := os.ReadFile(l.prefix + strconv.Itoa(number))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was replaced between
		}
		if err != nil {
			return 0, h, err
		}
		if json.Unmarshal(b, &h) != nil {
			h = holder{} // half written where links are not known: somebody is about to say more, or dies
		}
		return number, h, nil
	}
}

func (l *leaseFiles) highest() (int, error) {
	entries, err := os.ReadDir(filepath.Dir(l.prefix))
	if err != nil {
		return 0, err
	}
	highest := 0
	for _, e := range entries {
		if n, ok := l.number(e.Name()); ok {
			highest = max(highest, n)
		}
	}
	return highest, nil
}

func (l *leaseFiles) number(name string) (int, bool) {
	digits, ok := strings.CutPrefix(name, filepath.Base(l.prefix))
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil && n > 0
}

// dead says whether a holder on this machine is gone.
func (l *leaseFiles) dead(h holder) bool {
	return h.Host == l.me.Host && h.PID > 0 && processStart(h.PID) != h.Start
}

// take makes file number n ours, unless somebody else was faster.
func (l *leaseFiles) take(n int) (bool, error) {
	l.me.Since, l.me.Beat, l.me.Free = time.Now().UTC().Truncate(time.Second), 0, false
	draft, err := l.draft()
	if err != nil {
		return false, err
	}
	defer os.Remove(draft)
	err = os.Link(draft, l.prefix+strconv.Itoa(n))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = l.create(draft, n)
	}
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	highest, err := l.highest()
	if err != nil || highest != n { // who is late finds that the leases went on without it
		return false, errors.Join(err, os.Remove(l.prefix+strconv.Itoa(n)))
	}
	l.held = n
	l.tidy(n)
	return true, nil
}

// create is for file systems without links: the file is made, and then filled.
func (l *leaseFiles) create(draft string, n int) error {
	b, err := os.ReadFile(draft)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(l.prefix+strconv.Itoa(n), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// draft is a file of its own name that holds what a lease file of ours does.
func (l *leaseFiles) draft() (string, error) {
	b, err := json.Marshal(l.me)
	if err != nil {
		return "", err
	}
	path := l.prefix + l.me.Token
	return path, os.WriteFile(path, append(b, '\n'), 0o600)
}

// tidy removes the leases before n, and the wish for it.
func (l *leaseFiles) tidy(n int) {
	entries, err := os.ReadDir(filepath.Dir(l.prefix))
	if err != nil {
		return // the next one will
	}
	for _, e := range entries {
		if old, ok := l.number(e.Name()); ok && old < n {
			os.Remove(filepath.Join(filepath.Dir(l.prefix), e.Name()))
		}
	}
	os.Remove(l.prefix + "wanted")
}

// mine says whether the lease is still ours.
func (l *leaseFiles) mine() bool {
	n, h, err := l.newest()
	return err == nil && n == l.held && h.Token == l.me.Token
}

// beat writes a sign of life; false: the lease has gone to somebody else.
func (l *leaseFiles) beat() bool {
	l.me.Beat++
	return l.mine() && l.rewrite() == nil
}

// free lets others have the lease.
func (l *leaseFiles) free() {
	l.me.Free = true
	if l.held > 0 && l.mine() {
		_ = l.rewrite() // else it is stale after a while
	}
	l.held = 0
}

func (l *leaseFiles) rewrite() error {
	draft, err := l.draft()
	if err != nil {
		return err
	}
	return os.Rename(draft, l.prefix+strconv.Itoa(l.held))
}

// want tells the holder that somebody waits.
func (l *leaseFiles) want() {
	f, err := os.OpenFile(l.prefix+"wanted", os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		f.Close()
	}
}

func (l *leaseFiles) wanted() bool {
	_, err := os.Stat(l.prefix + "wanted")
	return err == nil
}

// processStart is when a process began, as the system counts; "" where there is none, or where that is not known.
func processStart(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		if _, err := os.Stat("/proc/self/stat"); err != nil {
			return "unknown"
		}
		return ""
	}
	// The name of the program, in brackets, may hold anything; the start is the 20th field behind it.
	fields := strings.Fields(string(b)[strings.LastIndexByte(string(b), ')')+1:])
	if len(fields) < 20 {
		return "unknown"
	}
	return fields[19]
}

// existing is the nearest folder above dir, or itself, that is there.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || filepath.Dir(dir) == dir {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}
