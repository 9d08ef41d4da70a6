package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"

	"github.com/loaderd/loaderd/ipc"
)

// welcome is the first message, a line; the ring's descriptor comes with it.
type welcome struct {
	Columns int   `json:"columns"`
	Slot    int64 `json:"slot"`    // bytes
	Size    int64 `json:"size"`    // of the ring, in bytes
	Indices int64 `json:"indices"` // where in a slot they begin; the row pointers, int32, are at 0 (csr)
	Values  int64 `json:"values"`  // where in a slot they begin
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bareloop:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 7 || args[1] != "dense" && args[1] != "csr" {
		return fmt.Errorf("%q; wanted: FOLDER dense|csr BATCH SLOTS WORKERS SEED FD", args)
	}
	var numbers [5]int
	for i, arg := range args[2:] {
		n, err := strconv.Atoi(arg)
		if err != nil || n < 0 || i < 3 && n == 0 {
			return fmt.Errorf("%q; wanted: a whole number", arg)
		}
		numbers[i] = n
	}
	batch, slots, workers, seed, fd := numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]
	if slots > 255 {
		return fmt.Errorf("%d slots; wanted: at most 255, as a byte tells which one it is", slots)
	}
	peer, err := connect(fd)
	if err != nil {
		return err
	}
	defer peer.Close()
	rows, err := open(args[0])
	if err != nil {
		return err
	}
	l := newLoop(rows, args[1] == "csr", batch, slots)
	ring, err := ipc.NewRing(l.slot * int64(slots))
	if err != nil {
		return err
	}
	defer ring.Close()
	line, err := json.Marshal(welcome{rows.columns, l.slot, ring.Size(), l.indices, l.values})
	if err != nil {
		return err
	}
	rights := syscall.UnixRights(int(ring.File().Fd()))
	if _, _, err := peer.WriteMsgUnix(append(line, '\n'), rights, nil); err != nil {
		return err
	}
	err = l.run(context.Background(), peer, ring.Bytes(), workers, uint64(seed))
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return nil // the client has enough
	}
	return err
}

func connect(fd int) (*net.UnixConn, error) {
	f := os.NewFile(uintptr(fd), "peer")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("descriptor %d: %w", fd, err)
	}
	peer, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, fmt.Errorf("descriptor %d is a %T; wanted: a Unix socket", fd, c)
	}
	return peer, nil
}
