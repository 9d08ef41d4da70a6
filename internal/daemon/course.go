package daemon

import (
	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/sampler"
)

// course is which rows the batches of a stream have: what is left of one epoch, and, where the client wants the stream to
// follow on, all epochs after it. One goroutine, the planner, asks it for batches in their order.
type course struct {
	order  *sampler.Order
	first  sampler.Plan // of the epoch in which the stream begins
	later  sampler.Plan // of those after it
	follow bool

	epoch int64          // whose table is at hand
	table *sampler.Epoch // nil until it is asked for
	start int64          // the epoch in which the stream begins
}

func newCourse(n int64, req *ipc.Start) (*course, error) {
	kind, err := sampler.ParseKind(req.Order.Kind)
	if err != nil {
		return nil, invalid("start", "order", err)
	}
	order, err := sampler.New(sampler.Spec{N: n, Kind: kind, Seed: req.Order.Seed})
	if err != nil {
		return nil, invalid("start", "order", err)
	}
	c := &course{order: order, start: req.Epoch}
	c.first = sampler.Plan{
		N: n, Start: req.Position, BatchSize: req.BatchSize,
		World: req.WorldSize, Rank: req.Rank, DropLast: req.DropLast,
	}
	if err := c.first.Validate(); err != nil {
		return nil, invalid("start", "batches", err)
	}
	if req.Epoch < 0 {
		return nil, negative("epoch", req.Epoch)
	}
	c.later = c.first
	c.later.Start = 0
	c.follow = req.Follow && c.later.Steps() > 0
	return c, nil
}

// mayPad says whether some batch may repeat a row.
func (c *course) mayPad() bool { return c.first.MayPad() || c.follow && c.later.MayPad() }

// next is how many batches each epoch has after the first; 0: there is none.
func (c *course) next() int64 {
	if !c.follow {
		return 0
	}
	return c.later.Steps()
}

// batch is the share of step b, in the order of its epoch. False: the stream has ended before.
func (c *course) batch(b int64) (sampler.Batch, *sampler.Epoch, bool) {
	epoch, plan := c.start, c.first
	if steps := c.first.Steps(); b >= steps {
		if !c.follow {
			return sampler.Batch{}, nil, false
		}
		b -= steps
		plan = c.later
		epoch += 1 + b/plan.Steps()
		b %= plan.Steps()
	}
	if c.table == nil || c.epoch != epoch {
		c.table, c.epoch = c.order.Epoch(uint64(epoch)), epoch
	}
	return plan.Batch(b), c.table, true
}
