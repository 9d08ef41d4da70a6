package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Limit is what was measured.
type Limit struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "hardware:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("%q; wanted: memcpy, read or random, then SECONDS and what doc.go says", args)
	}
	seconds, err := strconv.ParseFloat(args[1], 64)
	if err != nil || seconds <= 0 {
		return fmt.Errorf("%q seconds; wanted: a number above 0", args[1])
	}
	window := time.Duration(seconds * float64(time.Second))
	switch {
	case args[0] == "memcpy" && len(args) == 2:
		return memcpy(window)
	case args[0] == "read" && len(args) > 2:
		return read(window, args[2:])
	case args[0] == "random" && len(args) > 3:
		size, err := strconv.ParseInt(args[2], 10, 64)
		if err != nil || size <= 0 {
			return fmt.Errorf("%q bytes; wanted: a whole number above 0", args[2])
		}
		return random(window, size, args[3:])
	}
	return fmt.Errorf("%q; wanted: memcpy, read or random, and what doc.go says", args)
}

// say prints a limit.
func say(name string, value float64, unit string) error {
	return json.NewEncoder(os.Stdout).Encode(Limit{name, value, unit})
}

// rate calls what each goroutine made for itself until the window is over, and adds up what it returns, per second.
func rate(window time.Duration, goroutines int, worker func(i int) func() (int64, error)) (float64, error) {
	var total atomic.Int64
	var group errgroup.Group
	work := make([]func() (int64, error), goroutines)
	for i := range work {
		work[i] = worker(i)
	}
	start := time.Now()
	for _, do := range work {
		group.Go(func() error {
			for time.Since(start) < window {
				n, err := do()
				if err != nil {
					return err
				}
				total.Add(n)
			}
			return nil
		})
	}
	err := group.Wait()
	return float64(total.Load()) / time.Since(start).Seconds(), err
}
