package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/loaderd/loaderd/internal/daemon"
)

type serveCmd struct {
	Socket      string        `help:"Socket to listen on." env:"LOADERD_SOCKET" placeholder:"PATH"`
	LockFD      int           `name:"lock-fd" help:"Descriptor of the start lock, held by the client that starts this daemon." hidden:"" default:"0"`
	IdleTimeout time.Duration `help:"Leave after this long without a client (negative: never)." default:"10m" env:"LOADERD_IDLE_TIMEOUT"`
	Workers     int           `help:"Goroutines that fill batches (0: two for each core)." default:"0" env:"LOADERD_WORKERS"`
	LogLevel    slog.Level    `help:"debug, info, warn or error." default:"info" env:"LOADERD_LOG_LEVEL"`
}

// Run serves until a signal, a stop, or the idle time.
func (c *serveCmd) Run(ctx context.Context, con *console) error {
	log := slog.New(slog.NewTextHandler(con.err, &slog.HandlerOptions{Level: c.LogLevel}))
	slog.SetDefault(log)
	o := daemon.Options{Socket: c.Socket, LockFD: c.LockFD, IdleTimeout: c.IdleTimeout, Workers: c.Workers, Log: log,
		Stuck: func() { os.Exit(1) }}
	server, err := daemon.Listen(ctx, o)
	if errors.Is(err, daemon.ErrRunning) {
		return &exitError{exitRunning, err}
	}
	if err != nil {
		return err
	}
	return server.Serve(ctx)
}
