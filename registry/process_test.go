package registry

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// The variables that make this program one that writes, instead of one that tests.
const (
	writerVariable  = "LOADERD_TEST_REGISTRY_WRITER"  // "killed" or "shared"
	pathVariable    = "LOADERD_TEST_REGISTRY_PATH"    // of the database
	numberVariable  = "LOADERD_TEST_REGISTRY_NUMBER"  // of the writer
	sharedVariable  = "LOADERD_TEST_REGISTRY_SHARED"  // as if on a network file system
	secondsVariable = "LOADERD_TEST_REGISTRY_SECONDS" // how long shared writers write; a user may set it
)

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(writerVariable) {
	case "killed":
		err = writeUntilKilled()
	case "shared":
		err = writeShared()
	default:
		code := m.Run()
		for _, dir := range benchDirs {
			os.RemoveAll(dir)
		}
		os.Exit(code)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// writer starts this program as a writer.
func writer(t *testing.T, kind, path string, number int, more ...string) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), writerVariable+"="+kind, pathVariable+"="+path, numberVariable+"="+strconv.Itoa(number))
	cmd.Env = append(cmd.Env, more...)
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

func number() int {
	n, _ := strconv.Atoi(os.Getenv(numberVariable))
	return n
}

// writeUntilKilled makes collections, one a step, says when each is there, and takes every third away again.
func writeUntilKilled() error {
	ctx := context.Background()
	o := Options{Path: os.Getenv(pathVariable), User: "writer"}
	if os.Getenv(sharedVariable) != "" {
		o.Network = NetworkYes
	}
	db, err := Open(ctx, o)
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		name := fmt.Sprintf("c%d-%d", number(), i)
		saved, err := db.Save(ctx, wholeCollection(name))
		if err != nil {
			return err
		}
		fmt.Println("made", name)
		if i%3 == 2 {
			if _, err := db.Delete(ctx, ModelCollection, saved.Record.UID(), true); err != nil {
				return err
			}
			fmt.Println("gone", name)
		}
	}
}

// wholeCollection has members, features and a label, and is a version of all the others.
func wholeCollection(name string) Save {
	members := make([]any, 5)
	for i := range members {
		hash := fmt.Sprintf("%s-%d", name, i)
		members[i] = Save{Model: ModelArtifact, Record: file(hash, "key", fmt.Sprint("member", i)),
			Slots: []Slot{{Name: "var", Names: []string{"a", "b", name}, DTypes: []string{"num"}}}, Labels: []any{Record{"name": "of " + name}}}
	}
	return Save{Model: ModelCollection, Record: Record{"name": name, "key": "all"}, Members: members, Labels: []any{Record{"name": "of " + name}}}
}

func TestAProcessThatIsKilledLeavesWholeRecordsOnly(t *testing.T) { killOften(t, 100) }

// The journal is another one there, and the lease of a process that is gone is in the way of the next.
func TestAProcessThatIsKilledWithALeaseLeavesWholeRecordsOnly(t *testing.T) {
	killOften(t, 20, sharedVariable+"=1")
}

func killOften(t *testing.T, kills int, env ...string) {
	if testing.Short() {
		kills = 10
	}
	path := filepath.Join(t.TempDir(), FileName)
	reopen(t, path).Close()
	r := rand.New(rand.NewPCG(3, 4))
	made, gone, untold := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for round := range kills {
		cmd, out := writer(t, "killed", path, round, env...)
		lines := bufio.NewScanner(out)
		if !lines.Scan() { // the first is there: from here on it writes all the time
			t.Fatal("it wrote nothing")
		}
		timer := time.AfterFunc(time.Duration(r.IntN(60_000))*time.Microsecond, func() { cmd.Process.Kill() })
		for more := true; more; more = lines.Scan() {
			what, name, _ := strings.Cut(lines.Text(), " ")
			map[string]map[string]bool{"made": made, "gone": gone}[what][name] = true
		}
		timer.Stop()
		if err := cmd.Wait(); err == nil || cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("it ended by itself: %v", err)
		}
		checkWhole(t, path, made, gone, untold)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d collections made, %d taken away, %d there of which nobody was told", len(made), len(gone), len(untold))
}

// checkWhole looks at what a killed writer left, and notes collections that are there and that it had no time to tell of.
func checkWhole(t *testing.T, path string, made, gone, untold map[string]bool) {
	t.Helper()
	for _, pragma := range []string{"integrity_check", "foreign_key_check"} {
		if got := texts(t, path, "PRAGMA "+pragma); len(got) > 1 || len(got) == 1 && got[0] != "ok" {
			t.Errorf("%s: %q", pragma, got)
		}
	}
	there := map[string]bool{}
	for _, line := range texts(t, path, `SELECT name || ' ' || (SELECT count(*) FROM collection_artifact l JOIN artifact a ON a.id = l.artifact_id
		JOIN artifact_featureset f ON f.artifact_id = a.id JOIN artifact_ulabel u ON u.artifact_id = a.id WHERE l.collection_id = c.id)
		|| ' ' || (SELECT count(*) FROM collection_ulabel WHERE collection_id = c.id) FROM collection c`) {
		name, counts, _ := strings.Cut(line, " ")
		if counts != "5 1" {
			t.Errorf("%s is there in part: %s", name, counts)
		}
		there[name] = true
		if !made[name] {
			untold[name] = true
		}
	}
	for name := range made {
		// One may be gone and not said to be: the last of each process.
		if !there[name] && !gone[name] && len(texts(t, path, fmt.Sprintf("SELECT 1 FROM artifact WHERE hash = '%s-4'", name))) == 0 {
			t.Errorf("%s was said to be there and is not", name)
		}
	}
	for name := range gone {
		if there[name] {
			t.Errorf("%s was said to be gone and is there", name)
		}
	}
	if odd := texts(t, path, "SELECT hash FROM artifact GROUP BY substr(hash, 1, length(hash) - 2) HAVING count(*) <> 5"); len(odd) > 0 {
		t.Errorf("members without the others: %q", odd)
	}
	checkFamilies(t, path)
}

// checkFamilies holds that every family has one latest record, and no version twice.
func checkFamilies(t *testing.T, path string) {
	t.Helper()
	for _, table := range []string{"artifact", "collection", "transform"} {
		odd := texts(t, path, "SELECT stem_uid, sum(is_latest), count(*), count(DISTINCT version) FROM "+table+
			" GROUP BY stem_uid HAVING sum(is_latest) <> 1 OR count(*) > 1 AND count(DISTINCT version) <> count(*)")
		if len(odd) > 0 {
			t.Errorf("%s: families (stem, latest, records, versions): %q", table, odd)
		}
	}
}

// writeShared saves versions of one key, labels and inputs for a while, and says how many.
func writeShared() error {
	ctx := context.Background()
	seconds, err := strconv.ParseFloat(os.Getenv(secondsVariable), 64)
	if err != nil {
		return err
	}
	db, err := Open(ctx, Options{Path: os.Getenv(pathVariable), User: fmt.Sprint("writer", number())})
	if err != nil {
		return err
	}
	defer db.Close()
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	n := 0
	for ; time.Now().Before(end); n++ {
		hash := fmt.Sprintf("%d-%d", number(), n)
		saved, err := db.Save(ctx, Save{Model: ModelArtifact, Record: file(hash, "key", "shared"), Labels: []any{Record{"name": fmt.Sprint("label", n%5)}}})
		if err != nil {
			return fmt.Errorf("save %s: %w", hash, err)
		}
		if _, err := db.Update(ctx, ModelArtifact, saved.Record.UID(), Record{"description": hash}); err != nil {
			return fmt.Errorf("update %s: %w", hash, err)
		}
		if _, err := db.Count(ctx, Query{Model: ModelArtifact}); err != nil {
			return fmt.Errorf("count: %w", err)
		}
	}
	fmt.Println(n)
	return nil
}

func TestEightProcessesWriteAtOnce(t *testing.T) {
	seconds := os.Getenv(secondsVariable)
	if seconds == "" {
		seconds = "2"
	}
	path := filepath.Join(t.TempDir(), FileName) // which all of them make at once
	var g errgroup.Group
	written := make([]int, 8)
	for i := range written {
		cmd, out := writer(t, "shared", path, i, secondsVariable+"="+seconds)
		g.Go(func() error {
			said, err := io.ReadAll(out)
			if err == nil {
				err = cmd.Wait()
			}
			if err == nil {
				written[i], err = strconv.Atoi(strings.TrimSpace(string(said)))
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	total := 0
	for i, n := range written {
		total += n
		if n == 0 {
			t.Errorf("writer %d wrote nothing: %v", i, written)
		}
	}
	t.Logf("%d writes: %v", total, written)
	checkShared(t, path, total)
}

// checkShared holds that of all that was written nothing is lost: each is a version of its own, and its own update is there.
func checkShared(t *testing.T, path string, total int) {
	t.Helper()
	db := reopen(t, path)
	found, err := db.Records(context.Background(), Query{Model: ModelArtifact})
	if err != nil {
		t.Fatal(err)
	}
	var versions []int
	for _, r := range found {
		if r["description"] != r["hash"] {
			t.Errorf("%s has the description %v", r["hash"], r["description"])
		}
		v, _ := strconv.Atoi(r.Text("version"))
		versions = append(versions, v)
	}
	slices.Sort(versions)
	for i, v := range versions {
		if v != i+1 {
			t.Fatalf("versions are not 1 to %d: %v", total, versions)
		}
	}
	if len(found) != total {
		t.Errorf("%d of %d records", len(found), total)
	}
	checkFamilies(t, path)
}
