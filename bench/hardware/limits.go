package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/edsrzf/mmap-go"
	"golang.org/x/sys/unix"
)

// memcpy copies a batch of 10 MB over and over, which stays in the last-level cache of most machines, and 512 MB, which does not.
func memcpy(window time.Duration) error {
	for _, megabytes := range []int{10, 512} {
		for _, goroutines := range []int{1, runtime.GOMAXPROCS(0)} {
			bytes, err := rate(window, goroutines, func(int) func() (int64, error) {
				src, dst := make([]byte, megabytes*1e6), make([]byte, megabytes*1e6)
				copy(dst, src) // takes the memory from the system
				return func() (int64, error) { return int64(copy(dst, src)), nil }
			})
			if err != nil {
				return err
			}
			if err := say(fmt.Sprintf("memcpy of %d MB, %s", megabytes, many(goroutines, "thread")), bytes/1e9, "GB/s"); err != nil {
				return err
			}
		}
	}
	return nil
}

// read reads files that are in the page cache from beginning to end, again and again.
func read(window time.Duration, paths []string) error {
	const step = 1 << 20
	files, sizes, err := openAll(paths, 0)
	if err != nil {
		return err
	}
	defer closeAll(files)
	for _, goroutines := range []int{1, runtime.GOMAXPROCS(0)} {
		var next atomic.Int64
		bytes, err := rate(window, goroutines, func(int) func() (int64, error) {
			p := make([]byte, step)
			return func() (int64, error) {
				i := next.Add(1) - 1
				f := int(i) % len(files)
				at := i / int64(len(files)) * step % max(1, sizes[f]-step)
				n, err := files[f].ReadAt(p, at)
				if n > 0 {
					err = nil
				}
				return int64(n), err
			}
		})
		if err != nil {
			return err
		}
		if err := say("reads of 1 MiB from the page cache, "+many(goroutines, "thread"), bytes/1e9, "GB/s"); err != nil {
			return err
		}
	}
	return nil
}

// random reads size bytes at random places of files, rounded to whole pages as the disk has them, past the page cache.
func random(window time.Duration, size int64, paths []string) error {
	files, sizes, err := openAll(paths, unix.O_DIRECT)
	if err != nil {
		return err
	}
	defer closeAll(files)
	page := int64(os.Getpagesize())
	var total int64
	for _, n := range sizes {
		total += n
	}
	for _, goroutines := range []int{1, 8, 32, 64} {
		reads, err := rate(window, goroutines, func(i int) func() (int64, error) {
			p, err := mmap.MapRegion(nil, int(size+2*page), mmap.RDWR, mmap.ANON, 0) // aligned, as O_DIRECT wants it
			source := rand.New(rand.NewPCG(7, uint64(i)))
			return func() (int64, error) {
				if err != nil {
					return 0, err
				}
				f, at := place(source.Int64N(total), sizes)
				first := at / page * page
				pages := (min(at+size, sizes[f]) - first + page - 1) / page
				n, err := files[f].ReadAt(p[:pages*page], first)
				if n == 0 {
					return 0, err
				}
				return 1, nil
			}
		})
		if err != nil {
			return err
		}
		name := fmt.Sprintf("random reads of %d bytes from the disk, %d at a time", size, goroutines)
		if err := say(name, reads, "reads/s"); err != nil {
			return err
		}
	}
	return nil
}

// place is where byte i of all files together lies.
func place(i int64, sizes []int64) (file int, at int64) {
	for i >= sizes[file] {
		i -= sizes[file]
		file++
	}
	return file, i
}

func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func openAll(paths []string, flags int) (files []*os.File, sizes []int64, err error) {
	for _, path := range paths {
		f, err := os.OpenFile(path, os.O_RDONLY|flags, 0)
		if err != nil {
			closeAll(files)
			return nil, nil, err
		}
		files = append(files, f)
		info, err := f.Stat()
		if err == nil && info.Size() == 0 {
			err = fmt.Errorf("%s is empty", path)
		}
		if err != nil {
			closeAll(files)
			return nil, nil, err
		}
		sizes = append(sizes, info.Size())
	}
	return files, sizes, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
