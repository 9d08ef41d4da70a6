package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/loaderd/loaderd/ipc"
)

// stopWait is how long stop waits for the daemon to be gone: it finishes or cancels what it does within 2 s.
const stopWait = 10 * time.Second

type stopCmd struct {
	Socket string `help:"Socket of the daemon." env:"LOADERD_SOCKET" placeholder:"PATH"`
	IfIdle bool   `help:"Only when no client is connected."`
}

// Run asks the daemon to leave, and waits until it has.
func (c *stopCmd) Run(ctx context.Context, con *console) error {
	client, err := connect(ctx, c.Socket)
	if err != nil {
		return err
	}
	defer client.Close()
	pid, process := client.Welcome().PID, client.DaemonPidfd()
	if process != nil {
		defer process.Close()
	}
	if err := client.Shutdown(ctx, c.IfIdle); err != nil {
		return err
	}
	if process != nil {
		process.SetReadDeadline(time.Now().Add(stopWait))
		if err := ipc.AwaitExit(process); err != nil {
			return fmt.Errorf("the daemon (pid %d) said it would leave and did not within %s: %w", pid, stopWait, err)
		}
	}
	fmt.Fprintf(con.out, "stopped loaderd, pid %d\n", pid)
	return nil
}

// connect dials the running daemon; it starts none.
func connect(ctx context.Context, socket string) (*ipc.Client, error) {
	client, err := ipc.Dial(ctx, ipc.DialOptions{Socket: socket})
	if errors.Is(err, ipc.ErrDaemonGone) {
		return nil, &exitError{exitNotRunning, "not_running", errors.New("no daemon is running")}
	}
	return client, err
}
