package ipc

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain makes the test binary a daemon when it is started as one, so that tests can start it as clients do.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "serve":
			os.Exit(serveMain(os.Args[2:]))
		case "hold":
			os.Exit(holdMain(os.Args[2]))
		}
	}
	os.Exit(m.Run())
}

// serveMain is a daemon of the fake kind; the variables FAKE_… say how it behaves.
func serveMain(args []string) int {
	var socket string
	var lockFD int
	var idle time.Duration
	fs := flag.NewFlagSet("serve", flag.ExitOnError)
	fs.StringVar(&socket, "socket", "", "")
	fs.IntVar(&lockFD, "lock-fd", -1, "")
	fs.DurationVar(&idle, "idle-timeout", 20*time.Second, "")
	fs.Parse(args)
	if cwd, err := os.Getwd(); err != nil || cwd != "/" {
		fmt.Println("working directory", cwd, err)
		return 1
	}
	fmt.Println("pid", os.Getpid(), "sid", sid(), "starting at", socket)
	if words := os.Getenv("FAKE_LAST_WORDS"); words != "" {
		fmt.Println(words)
		return 3
	}
	lock, err := InheritLock(lockFD, socket)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	d := &FakeDaemon{Rows: 10, Build: os.Getenv("FAKE_BUILD")}
	if err := d.Serve(socket); err != nil {
		fmt.Println(err)
		return 1
	}
	lock.Close()
	d.serveUntilIdle(socket, idle)
	return 0
}

// serveUntilIdle leaves when nobody has been connected for a while, as the protocol says: under the lock.
func (d *FakeDaemon) serveUntilIdle(socket string, idle time.Duration) {
	last, since := -1, time.Now()
	for {
		select {
		case <-d.leave:
			d.Stop()
			return
		case <-time.After(min(idle, time.Millisecond)):
		}
		d.mu.Lock()
		if len(d.conns) > 0 || d.served != last {
			last, since = d.served, time.Now()
		}
		d.mu.Unlock()
		if time.Since(since) < idle {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		lock, err := Lock(ctx, socket)
		cancel()
		if err != nil {
			continue
		}
		d.mu.Lock()
		free := len(d.conns) == 0 && d.served == last
		d.left = free
		d.mu.Unlock()
		if free {
			d.Stop()
			lock.Close()
			return
		}
		lock.Close()
	}
}

// holdMain connects, and waits until its standard input ends.
func holdMain(socket string) int {
	c, err := DialUnix(context.Background(), socket)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer c.Close()
	fmt.Println("connected")
	os.Stdin.Read(make([]byte, 1))
	return 0
}

// sid is the session of this process.
func sid() string {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return err.Error()
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return strings.Fields(rest)[3]
}
