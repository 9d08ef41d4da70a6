package main

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loaderd/loaderd/mapped/codec"
)

// answer is what is printed.
type answer struct {
	Seconds float64  `json:"seconds"`
	CPU     float64  `json:"cpu"` // seconds of processors, in the time that counts
	Bytes   int64    `json:"bytes"`
	CRC32   []uint32 `json:"crc32"`   // of each array, for whole
	Chunks  int      `json:"chunks"`  // for index
	Chunk   int64    `json:"chunk"`   // bytes of the largest one
	Peak    float64  `json:"peak"`    // largest resident set in MB (10⁶ bytes)
	Inflate string   `json:"inflate"` // who decodes gzip
	Go      string   `json:"go"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "decode:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 4 {
		return fmt.Errorf("%d arguments; wanted: whole, stream or index, then GOROUTINES FILE ARRAY…", len(args))
	}
	goroutines, err := strconv.Atoi(args[1])
	if err != nil || goroutines < 1 {
		return fmt.Errorf("%q goroutines; wanted: a number from 1 on", args[1])
	}
	runtime.GOMAXPROCS(goroutines)
	start := time.Now()
	arrays, closeFile, err := open(args[2], args[3:])
	if err != nil {
		return err
	}
	a := answer{Inflate: codec.InflateLibrary, Go: runtime.Version()}
	for _, x := range arrays {
		a.Bytes += x.rows * x.rowBytes
		a.Chunk = max(a.Chunk, x.chunkBytes)
	}
	switch args[0] {
	case "whole":
		err = a.whole(arrays, goroutines)
	case "stream":
		err = stream(arrays, goroutines)
		a.Seconds, a.CPU = time.Since(start).Seconds(), processors()
	case "index":
		for _, x := range arrays {
			n, e := x.index()
			if e != nil {
				return e
			}
			a.Chunks += n
		}
		a.Seconds, a.CPU = time.Since(start).Seconds(), processors()
	default:
		return fmt.Errorf("%q; wanted: whole, stream or index", args[0])
	}
	if err != nil {
		return err
	}
	if err := closeFile(); err != nil {
		return err
	}
	if a.Peak, err = peak(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(a)
}

// whole reads everything twice into the same memory. The first time takes that memory from the system and fills caches.
func (a *answer) whole(arrays []array, goroutines int) error {
	dst := make([][]byte, len(arrays))
	for i, x := range arrays {
		dst[i] = make([]byte, x.rows*x.rowBytes)
	}
	for range 2 {
		start, used := time.Now(), processors()
		for i, x := range arrays {
			err := spread(goroutines, (x.rows+x.height-1)/x.height, func() func(int64) error {
				read := x.reader()
				return func(k int64) error {
					first, end := k*x.height, min((k+1)*x.height, x.rows)
					return read(dst[i][first*x.rowBytes:end*x.rowBytes], first, end-first)
				}
			})
			if err != nil {
				return err
			}
		}
		a.Seconds, a.CPU = time.Since(start).Seconds(), processors()-used
	}
	for _, p := range dst {
		a.CRC32 = append(a.CRC32, crc32.ChecksumIEEE(p))
	}
	return nil
}

// stream decodes every chunk and keeps none.
func stream(arrays []array, goroutines int) error {
	for _, x := range arrays {
		err := spread(goroutines, x.chunks, func() func(int64) error {
			decode, p := x.decoder(), make([]byte, x.chunkBytes)
			return func(k int64) error { return decode(p, k) }
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// spread calls what each goroutine made for itself with the numbers below n, each once.
func spread(goroutines int, n int64, worker func() func(k int64) error) error {
	var next atomic.Int64
	var group errgroup.Group
	for range goroutines {
		group.Go(func() error {
			do := worker()
			for k := next.Add(1) - 1; k < n; k = next.Add(1) - 1 {
				if err := do(k); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// processors is how many seconds of them this process used, its own and the kernel's for it.
func processors() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err) // not of these arguments
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
}

// peak is the largest resident set of this process since it began, in MB.
func peak() (float64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	var kB float64
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	if _, err := fmt.Sscan(rest, &kB); err != nil {
		return 0, fmt.Errorf("/proc/self/status: VmHWM: %w", err)
	}
	return kB * 1024 / 1e6, nil
}
