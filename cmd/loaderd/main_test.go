package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loaderd/loaderd/internal/build"
	"github.com/loaderd/loaderd/internal/leak"
	"github.com/loaderd/loaderd/ipc"
)

var update = flag.Bool("update", false, "write the golden files")

const pbmc = "../../testdata/10x_pbmc68k_reduced.h5ad"

// invoke runs a verb and returns its exit code and what it printed.
func invoke(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	dir := t.TempDir()
	files := make([]*os.File, 2)
	for i, name := range []string{"out", "err"} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	code = run(t.Context(), args, files[0], files[1])
	return code, contents(t, files[0]), contents(t, files[1])
}

func contents(t *testing.T, f *os.File) string {
	t.Helper()
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// daemonFor serves in a folder of the test's, through the verb, until the test stops it or ends.
func daemonFor(t *testing.T, args ...string) (wait func() error) {
	t.Helper()
	leak.Check(t)
	dir := t.TempDir()
	t.Setenv("LOADERD_RUNTIME_DIR", filepath.Join(dir, "run"))
	t.Setenv("LOADERD_STATE_DIR", filepath.Join(dir, "state"))
	t.Setenv("LOADERD_ROWSTORE", filepath.Join(dir, "rows"))
	t.Setenv("LOADERD_ROWSTORE_SIZE", "1G")
	t.Setenv("LOADERD_DATA_DIR", filepath.Join(dir, "data"))
	t.Setenv("LOADERD_SOCKET", "")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	var g errgroup.Group
	g.Go(func() error {
		if code := run(ctx, append([]string{"serve", "--idle-timeout=-1s"}, args...), log, log); code != 0 {
			return errors.New("serve failed")
		}
		return nil
	})
	t.Cleanup(func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Errorf("%v:\n%s", err, contents(t, log))
		}
		log.Close()
	})
	for {
		c, err := ipc.Dial(ctx, ipc.DialOptions{})
		if err == nil {
			c.Close()
			return g.Wait
		}
		if ctx.Err() != nil {
			t.Fatalf("the daemon does not answer: %v\n%s", err, contents(t, log))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestAProfileIsWrittenByTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "profile")
	wait := daemonFor(t, "--cpu-profile", path)
	c, err := ipc.Dial(t.Context(), ipc.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := errors.Join(c.Shutdown(t.Context(), false), wait()); err != nil {
		t.Fatal(err)
	}
	p, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(p, []byte("\x1f\x8b")) {
		t.Errorf("%d bytes that are no profile", len(p))
	}
}

func TestHeadPrintsBatchesFromTheRing(t *testing.T) {
	daemonFor(t)
	for _, tt := range []struct {
		name string
		args []string
	}{
		{"sequential", []string{pbmc, "-n", "2", "--batch-size", "3", "--layer", "raw.X", "--obs", "bulk_labels,n_genes"}},
		{"shuffled_twice_the_file", []string{pbmc, pbmc, "--batch-size", "5", "--layer", "raw.X", "--shuffle", "--seed", "3", "--top", "2"}},
		{"dense_source", []string{pbmc, "--batch-size", "2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out, stderr := invoke(t, append([]string{"head"}, tt.args...)...)
			if code != 0 {
				t.Fatalf("exit code %d: %s", code, stderr)
			}
			golden(t, tt.name, out)
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

func TestHeadNamesWhatIsWrong(t *testing.T) {
	daemonFor(t)
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"a file that is not there", []string{"/nowhere/x.h5ad"}, []string{"/nowhere/x.h5ad"}},
		{"a column with a typo", []string{pbmc, "--obs", "bulk_label"}, []string{"bulk_label", "bulk_labels"}},
		{"batch size 0", []string{pbmc, "--batch-size", "0"}, []string{"batch_size"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out, stderr := invoke(t, append([]string{"head"}, tt.args...)...)
			if code != 1 || strings.Contains(out, "batch 0") {
				t.Errorf("exit code %d, printed %q", code, out)
			}
			for _, want := range tt.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("%q does not name %q", stderr, want)
				}
			}
		})
	}
}

func TestStatusAndStop(t *testing.T) {
	wait := daemonFor(t)
	if code, _, stderr := invoke(t, "head", pbmc); code != 0 {
		t.Fatal(stderr)
	}
	var st ipc.Status
	for deadline := time.Now().Add(10 * time.Second); ; { // until the daemon has seen that head is gone
		code, out, _ := invoke(t, "status", "--json")
		st = ipc.Status{}
		if err := json.Unmarshal([]byte(out), &st); err != nil || code != 0 {
			t.Fatalf("exit code %d, %v: %s", code, err, out)
		}
		if len(st.Sessions) == 1 || time.Now().After(deadline) {
			break
		}
	}
	if st.PID != os.Getpid() || st.Build != build.Version || st.Rows == 0 || len(st.Collections) != 1 || len(st.Sessions) != 1 {
		t.Errorf("the status is %+v", st)
	}
	code, out, _ := invoke(t, "status")
	if code != 0 || !regexp.MustCompile(`(?s)loaderd .*pid \d+.*COLLECTION.*700.*SESSION`).MatchString(out) {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	c, err := ipc.Dial(t.Context(), ipc.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := invoke(t, "stop", "--if-idle"); code != 1 || !strings.Contains(stderr, "connected") {
		t.Errorf("stop --if-idle beside a client: exit code %d, %q", code, stderr)
	}
	if code, _, stderr := invoke(t, "serve"); code != exitRunning || !strings.Contains(stderr, "pid") {
		t.Errorf("a second serve: exit code %d, %q", code, stderr)
	}
	c.Close()
	if code, _, _ := invoke(t, "version"); code != 0 {
		t.Error("version failed")
	}
	if err := c.Shutdown(t.Context(), false); !errors.Is(err, ipc.ErrClosed) && !errors.Is(err, ipc.ErrDaemonGone) {
		t.Errorf("a closed client: %v", err)
	}
	last, err := ipc.Dial(t.Context(), ipc.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer last.Close()
	if err := last.Shutdown(t.Context(), false); err != nil { // the verb would wait for this very process to be gone
		t.Fatal(err)
	}
	if err := wait(); err != nil {
		t.Error(err)
	}
	for _, verb := range []string{"status", "stop"} {
		if code, _, stderr := invoke(t, verb); code != exitNotRunning || !strings.Contains(stderr, "no daemon") {
			t.Errorf("%s without a daemon: exit code %d, %q", verb, code, stderr)
		}
	}
}

func TestPrepareWritesRowsAndSaysWhere(t *testing.T) {
	daemonFor(t)
	code, out, stderr := invoke(t, "prepare", pbmc, "--layer", "X,raw.X")
	if code != 0 || stderr != "" || !regexp.MustCompile(`^1400 rows, .* MiB, in .*rows \(.* of .*\)\n$`).MatchString(out) {
		t.Errorf("exit code %d: %q, %q", code, out, stderr)
	}
	code, out, _ = invoke(t, "prepare", pbmc, "--json")
	var got ipc.RowStore
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || got.Rows != 700 || !got.Complete {
		t.Errorf("exit code %d, %v: %s", code, err, out)
	}
	if _, out, _ = invoke(t, "status"); !strings.Contains(out, got.Dir) {
		t.Errorf("the status does not name %s:\n%s", got.Dir, out)
	}
	if code, _, stderr = invoke(t, "prepare", "/nowhere/x.h5ad"); code != 1 || !strings.Contains(stderr, "/nowhere/x.h5ad") {
		t.Errorf("a file that is not there: exit code %d, %q", code, stderr)
	}
}

func TestTheBarSaysHowFarItIsAndHowLongItTakes(t *testing.T) {
	b := &bar{start: time.Now()}
	if got := b.line(b.start.Add(time.Second)); got != "" {
		t.Errorf("before anything is known it says %q", got)
	}
	b.tell(25, 100)
	if got := b.line(b.start.Add(10 * time.Second)); got != " 25 %  25 of 100 rows, 30s left" {
		t.Errorf("it says %q", got)
	}
}

func TestVersionForProgramsIsTheBuildAlone(t *testing.T) {
	code, out, _ := invoke(t, "version", "--build")
	if code != 0 || out != build.Version+"\n" {
		t.Errorf("exit code %d: %q", code, out)
	}
	_, out, _ = invoke(t, "version")
	if !strings.Contains(out, "protocol 1.2") {
		t.Errorf("version prints %q", out)
	}
}

func TestSizesAreReadable(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 41 << 20: "41.0 MiB", 3 << 40: "3.0 TiB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
}
