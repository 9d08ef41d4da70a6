package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"github.com/loaderd/loaderd/internal/daemon"
)

// gcPercent is a quarter of Go's default: what the daemon keeps is decoded chunks and columns of numbers, which cost the collector nothing
// to look through and would else take their room twice. Once rows are in the row store, batches make no garbage at all; while files
// are decoded the collector takes four hundredths of the time.
const gcPercent = 25

type serveCmd struct {
	Socket      string        `help:"Socket to listen on." env:"LOADERD_SOCKET" placeholder:"PATH"`
	LockFD      int           `name:"lock-fd" help:"Descriptor of the start lock, held by the client that starts this daemon." hidden:"" default:"0"`
	IdleTimeout time.Duration `help:"Leave after this long without a client (negative: never)." default:"10m" env:"LOADERD_IDLE_TIMEOUT"`
	Workers     int           `help:"Goroutines that fill batches (0: two for each core)." default:"0" env:"LOADERD_WORKERS"`
	RowStore    string        `name:"rowstore" help:"Folder for rows in a form that is small and fast to read (off: none; default: rowstore in the user's cache folder for loaderd)." env:"LOADERD_ROWSTORE" placeholder:"PATH"`
	Budget      daemon.Budget `name:"rowstore-size" help:"What it may take: bytes, a size such as 200G, or a share of the free space such as 40% (default: 25%)." env:"LOADERD_ROWSTORE_SIZE" placeholder:"SIZE"`
	CacheCopy   []string      `name:"cache-copy" help:"Folders on slow file systems, with : between: artifacts below them are copied to the user's cache folder for loaderd before they are read." env:"LOADERD_CACHE_COPY" sep:":" placeholder:"PATH"`
	CPUProfile  string        `name:"cpu-profile" help:"Write what the processors did until the end to this file, for go tool pprof." hidden:"" placeholder:"PATH"`
	LogLevel    slog.Level    `help:"debug, info, warn or error." default:"info" env:"LOADERD_LOG_LEVEL"`
}

// Run serves until a signal, a stop, or the idle time.
func (c *serveCmd) Run(ctx context.Context, con *console) error {
	log := slog.New(slog.NewTextHandler(con.err, &slog.HandlerOptions{Level: c.LogLevel}))
	slog.SetDefault(log)
	o := daemon.Options{Socket: c.Socket, LockFD: c.LockFD, IdleTimeout: c.IdleTimeout, Workers: c.Workers,
		RowStore: c.RowStore, Budget: c.Budget, CacheCopy: c.CacheCopy, Log: log,
		Stuck: func() { os.Exit(1) }}
	server, err := daemon.Listen(ctx, o)
	if errors.Is(err, daemon.ErrRunning) {
		return &exitError{exitRunning, "running", err}
	}
	if err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	stop, err := profile(c.CPUProfile)
	if err != nil {
		return err
	}
	return errors.Join(server.Serve(ctx), stop())
}

// profile writes what the processors do to a file, if there is a name, until it is stopped.
func profile(path string) (stop func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}
