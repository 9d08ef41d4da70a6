package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loaderd/loaderd/internal/leak"
)

// quick are times of a lease for tests.
var quick = leaseTimes{beat: 20 * time.Millisecond, stale: 400 * time.Millisecond, keep: 40 * time.Millisecond, share: 60 * time.Millisecond}

func openShared(t *testing.T, path string, patience time.Duration, times leaseTimes) (*DB, error) {
	t.Helper()
	db, err := Open(context.Background(), Options{Path: path, User: "tester", Network: NetworkYes, Patience: patience, times: times})
	if err == nil {
		t.Cleanup(func() { db.Close() })
	}
	return db, err
}

// otherHost writes a lease of another machine, which shows no life unless the test makes it.
func otherHost(t *testing.T, path string, number int, h holder) {
	t.Helper()
	h.Host = "node7.cluster"
	b, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(fmt.Sprintf("%s.lease.%d", path, number), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func leaseNames(t *testing.T, path string) []string {
	t.Helper()
	found, err := filepath.Glob(path + ".lease.*")
	if err != nil {
		t.Fatal(err)
	}
	for i := range found {
		found[i] = strings.TrimPrefix(found[i], path+".lease.")
	}
	return found
}

func TestOnANetworkFileSystemThereIsNoLogInSharedMemory(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(t.TempDir(), FileName)
	db := reopen(t, path) // on a local disk first
	must(t, db, Save{Model: ModelULabel, Record: Record{"name": "before"}})
	db.Close()
	shared, err := openShared(t, path, time.Minute, quick)
	if err != nil {
		t.Fatal(err)
	}
	must(t, shared, Save{Model: ModelULabel, Record: Record{"name": "after"}})
	for _, suffix := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(path + suffix); !os.IsNotExist(err) {
			t.Errorf("%s is there: %v", suffix, err)
		}
	}
	n, err := shared.Count(context.Background(), Query{Model: ModelULabel})
	if err != nil || n != 2 {
		t.Errorf("%d labels, %v", n, err)
	}
}

func TestAHolderOnAnotherMachineIsNamed(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(t.TempDir(), FileName)
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	otherHost(t, path, 3, holder{Token: "x", PID: 4711, Since: since})
	times := quick
	times.stale = time.Minute
	begin := time.Now()
	_, err := openShared(t, path, 250*time.Millisecond, times)
	wantError(t, err, ErrHeld, path, "4711", "node7.cluster", "2026-01-02", "loaderd stop")
	if waited := time.Since(begin); waited < 250*time.Millisecond {
		t.Errorf("it waited %s", waited)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err = Open(ctx, Options{Path: path, Network: NetworkYes, times: times})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a wait whose context ended: %v", err)
	}
}

func TestAHolderThatShowsNoLifeIsFollowed(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(t.TempDir(), FileName)
	otherHost(t, path, 3, holder{Token: "x", PID: 4711})
	begin := time.Now()
	if _, err := openShared(t, path, time.Minute, quick); err != nil {
		t.Fatal(err)
	}
	if waited := time.Since(begin); waited < quick.stale {
		t.Errorf("it waited %s only", waited)
	}
	if names := leaseNames(t, path); len(names) != 1 || names[0] != "4" {
		t.Errorf("left: %q", names)
	}
}

func TestWhoLostTheLeaseWhileItStoodStillCommitsNothing(t *testing.T) {
	leak.Check(t)
	for _, slow := range []bool{false, true} { // whether it is found out before the commit
		path := filepath.Join(t.TempDir(), FileName)
		times := quick
		if !slow {
			times.beat = time.Minute
		}
		db, err := openShared(t, path, time.Minute, times)
		if err != nil {
			t.Fatal(err)
		}
		err = db.update(context.Background(), "save", func(tx *tx) error {
			if _, err := tx.save(Save{Model: ModelULabel, Record: Record{"name": "late"}}); err != nil {
				return err
			}
			otherHost(t, path, db.lease.files.held+1, holder{Token: "x", PID: 4711, Free: true})
			time.Sleep(times.stale/2 + 50*time.Millisecond)
			return nil
		})
		wantError(t, err, ErrHeld, path, "stood still")
		if n, err := db.Count(context.Background(), Query{Model: ModelULabel}); err != nil || n != 0 {
			t.Errorf("%d labels, %v", n, err)
		}
	}
}

func TestAHolderThatLivesIsWaitedFor(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(t.TempDir(), FileName)
	ctx, cancel := context.WithCancel(context.Background())
	var g errgroup.Group
	otherHost(t, path, 3, holder{Token: "x", PID: 4711})
	g.Go(func() error { // signs of life, for longer than it takes to count as dead
		for beat := int64(1); ctx.Err() == nil; beat++ {
			otherHost(t, path+".draft", 0, holder{Token: "x", PID: 4711, Beat: beat})
			if err := os.Rename(path+".draft.lease.0", path+".lease.3"); err != nil {
				return err
			}
			pause(ctx, quick.beat)
		}
		return nil
	})
	_, err := openShared(t, path, 3*quick.stale, quick)
	cancel()
	if e := g.Wait(); e != nil {
		t.Fatal(e)
	}
	wantError(t, err, ErrHeld, "node7.cluster")
}

func TestAnUnusedLeaseIsGivenUp(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(t.TempDir(), FileName)
	a, err := openShared(t, path, time.Minute, quick)
	if err != nil {
		t.Fatal(err)
	}
	b, err := openShared(t, path, time.Minute, quick) // a has nothing to do and lets it go
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		db := []*DB{a, b}[i%2]
		must(t, db, Save{Model: ModelULabel, Record: Record{"name": fmt.Sprint(i)}})
	}
	if n, err := a.Count(context.Background(), Query{Model: ModelULabel}); n != 6 || err != nil {
		t.Errorf("%d labels, %v", n, err)
	}
	for range 2 {
		a.Close()
		b.Close()
	}
	var h holder
	names := leaseNames(t, path)
	raw, err := os.ReadFile(path + ".lease." + names[0])
	if err != nil || len(names) != 1 || json.Unmarshal(raw, &h) != nil || !h.Free {
		t.Errorf("left: %q, %s, %v", names, raw, err)
	}
	_, err = a.Get(context.Background(), ModelRun, "x")
	wantError(t, err, ErrClosed)
}

// Several daemons, of which each wants the file all the time: each gets its turn, and nothing is lost.
func TestABusyLeaseIsShared(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(t.TempDir(), FileName)
	const each = 15
	var g errgroup.Group
	for who := range 3 {
		db, err := openShared(t, path, time.Minute, quick)
		if err != nil {
			t.Fatal(err)
		}
		g.Go(func() error {
			for i := range each {
				_, err := db.Save(context.Background(), Save{Model: ModelULabel, Record: Record{"name": fmt.Sprint(who, i)}})
				if err != nil {
					return fmt.Errorf("writer %d: %w", who, err)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	db, err := openShared(t, path, time.Minute, quick)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := db.Count(context.Background(), Query{Model: ModelULabel}); n != 3*each || err != nil {
		t.Errorf("%d labels, %v", n, err)
	}
}

func TestOfSeveralThatFindAHolderDeadOneFollows(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	for round := range 20 {
		otherHost(t, path, 10*round+1, holder{Token: "x", Free: true})
		var g errgroup.Group
		won := make(chan int, 8)
		for who := range 8 {
			l := newLeaseFiles(path)
			g.Go(func() error {
				ok, err := l.take(10*round + 2)
				if ok {
					won <- who
				}
				return err
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		if len(won) != 1 {
			t.Fatalf("%d took it", len(won))
		}
	}
}

func TestWhoIsLateFindsThatTheLeasesWentOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	otherHost(t, path, 7, holder{Token: "x"})
	l := newLeaseFiles(path)
	if ok, err := l.take(5); ok || err != nil { // it had seen number 4, long ago
		t.Errorf("took it: %t, %v", ok, err)
	}
	if names := leaseNames(t, path); len(names) != 1 || names[0] != "7" {
		t.Errorf("left: %q", names)
	}
}

func TestALeaseOfAProcessThatIsGoneIsFollowedAtOnce(t *testing.T) {
	l := newLeaseFiles("/nowhere/registry.db")
	alive, gone, other := l.me, l.me, l.me
	gone.Start = "1"
	other.Host, other.Start = "node7.cluster", "1"
	if l.dead(alive) || !l.dead(gone) || l.dead(other) {
		t.Errorf("dead: itself %t, one of its number that began before %t, one of another machine %t", l.dead(alive), l.dead(gone), l.dead(other))
	}
}

func TestAProcessThatStoodStillFindsItsLeaseGone(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(t.TempDir(), FileName)
	times := quick
	times.beat, times.keep = time.Hour, time.Hour // as if it did not run
	db, err := openShared(t, path, 300*time.Millisecond, times)
	if err != nil {
		t.Fatal(err)
	}
	pause(context.Background(), times.stale)
	otherHost(t, path, 2, holder{Token: "x", PID: 4711})
	db.lease.times.stale = time.Hour // nobody counts as dead from here on
	db.lease.mu.Lock()
	db.lease.beaten = time.Now().Add(-2 * time.Hour)
	db.lease.mu.Unlock()
	_, err = db.Get(context.Background(), ModelRun, "x")
	wantError(t, err, ErrHeld, "node7.cluster")
}

func TestALocalDiskIsNoNetworkFileSystem(t *testing.T) {
	if kind, yes := NetworkAuto.networked("/proc"); yes {
		t.Errorf("/proc counts as %s", kind)
	}
	if _, yes := NetworkYes.networked(t.TempDir()); !yes {
		t.Error("what was forced does not count")
	}
	if got := existing("/proc/self/nothing/there"); got != "/proc/self" {
		t.Errorf("the folder that is there is %s", got)
	}
}
