package daemon

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/loaderd/loaderd/internal/leak"
	"github.com/loaderd/loaderd/ipc"
)

// clientEnv makes the test binary a client of the socket it names: see client.
const clientEnv = "LOADERD_TEST_CLIENT"

func TestMain(m *testing.M) {
	if socket := os.Getenv(clientEnv); socket != "" {
		if err := client(socket); err != nil {
			fmt.Println("client:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// client holds two batches, and a child of its holds all its descriptors, until somebody kills it.
func client(socket string) error {
	ctx := context.Background()
	c, err := ipc.Dial(ctx, ipc.DialOptions{Socket: socket})
	if err != nil {
		return err
	}
	if _, err := c.Open(ctx, []string{pbmc}, rawSpec); err != nil {
		return err
	}
	if _, err := c.Get(ctx, []int64{1, 2, 3}, ipc.GetOptions{}); err != nil {
		return err
	}
	s, err := c.Start(ctx, ipc.StartOptions{BatchSize: 16})
	if err != nil {
		return err
	}
	for range 2 {
		if _, err := s.Next(ctx); err != nil {
			return err
		}
	}
	heir := exec.Command("sleep", "60")
	for fd := 3; fd < 64; fd++ {
		if link, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)); err == nil &&
			(strings.HasPrefix(link, "socket:") || strings.HasPrefix(link, "/memfd:")) {
			dup, err := syscall.Dup(fd)
			if err != nil {
				return err
			}
			heir.ExtraFiles = append(heir.ExtraFiles, os.NewFile(uintptr(dup), link))
		}
	}
	if len(heir.ExtraFiles) == 0 {
		return fmt.Errorf("found no socket to inherit")
	}
	if err := heir.Start(); err != nil {
		return err
	}
	fmt.Println("ready", heir.Process.Pid)
	select {}
}

func TestWhatAKilledClientHeldIsFreeThoughAChildOfItLivesOn(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("needs /proc: the client finds its descriptors there")
	}
	leak.Check(t)
	h := serve(t, Options{})
	bystander := h.start(t, h.open(t, rawSpec, pbmc), ipc.StartOptions{BatchSize: 64, Order: "shuffle"})
	for range 3 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), clientEnv+"="+h.socket)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		var heir int
		if _, scanErr := fmt.Sscanf(line, "ready %d", &heir); err != nil || scanErr != nil {
			t.Fatalf("the client said %q (%v)", line, err)
		}
		if n := h.connections(); n != 2 {
			t.Errorf("%d connections while both clients live", n)
		}
		before := shmem(t)
		cmd.Process.Kill()
		died := time.Now()
		cmd.Wait()
		eventually(t, "the killed client's connection is gone", 5*time.Second, func() bool { return h.connections() == 1 })
		t.Logf("gone after %s; shared memory %d → %d kB", time.Since(died), before, shmem(t))
		if err := syscall.Kill(heir, 0); err != nil {
			t.Errorf("the heir did not outlive the client: %v", err)
		}
		if held := heldBy(t, heir); held > 0 {
			t.Errorf("the heir's descriptors hold %d blocks of the ring", held)
		}
		syscall.Kill(heir, syscall.SIGKILL)
	}
	if _, rows := h.chain(t, bystander); len(rows) != 700 {
		t.Errorf("the bystander got %d rows", len(rows))
	}
}

func (h *harness) connections() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.conns)
}

// shmem is the machine's shared memory in kB.
func shmem(t *testing.T) (kb int) {
	t.Helper()
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if _, err := fmt.Sscanf(line, "Shmem: %d kB", &kb); err == nil {
			return kb
		}
	}
	t.Fatal("no Shmem in /proc/meminfo")
	return 0
}

// heldBy is the number of allocated 512-byte blocks in the memory files that a process has open.
func heldBy(t *testing.T, pid int) (blocks int64) {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		path := dir + "/" + e.Name()
		if link, err := os.Readlink(path); err == nil && strings.HasPrefix(link, "/memfd:") {
			fi, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			blocks += fi.Sys().(*syscall.Stat_t).Blocks
		}
	}
	return blocks
}
