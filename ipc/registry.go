package ipc

import (
	"context"
	"fmt"
)

// Registry asks for something of the registry: see docs/protocol.md, "Registry".
type Registry struct {
	ID   int64  `msgpack:"id"`
	Call string `msgpack:"call"`
	Args Args   `msgpack:"args"`
}

// Progress says how far a long request is. It comes before its answer, at times.
type Progress struct {
	ID    int64  `msgpack:"id"`
	What  string `msgpack:"what"`  // what is counted: "files", "bytes"
	Done  int64  `msgpack:"done"`  // how many of them are done
	Total int64  `msgpack:"total"` // of how many; 0: that is not known
}

// Op is "registry".
func (*Registry) Op() string { return OpRegistry }

// Op is "progress".
func (*Progress) Op() string { return OpProgress }

// Registry calls the daemon's registry. args is a struct with msgpack tags, a map, or nil; the value is of plain msgpack
// types. It needs no open collection. Calls to progress, where it is not nil, come from another goroutine, and end before
// Registry does.
func (c *Client) Registry(ctx context.Context, call string, args any, progress func(Progress)) (any, error) {
	encoded, err := NewArgs(args)
	if err != nil {
		return nil, fmt.Errorf("arguments of %s: %w", call, err)
	}
	id, out := c.nextID.Add(1), new(Answer)
	w := &waiter{take: expect(OpAnswer, out), done: make(chan error, 1), progress: progress}
	if err := c.callWith(ctx, id, &Registry{ID: id, Call: call, Args: encoded}, w); err != nil {
		return nil, err
	}
	return out.Value, nil
}

// progressed hands a progress message to whoever waits for the request.
func (c *Client) progressed(body []byte) error {
	var p Progress
	if err := Decode(body, &p); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock() // so that none comes after the caller has gone
	if w := c.waiting[p.ID]; w != nil && w.progress != nil {
		w.progress(p)
	}
	return nil
}
