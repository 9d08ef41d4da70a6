package ipc

import (
	"context"
	"fmt"
	"slices"

	"github.com/vmihailenco/msgpack/v5"
)

// Query asks for what is known of the open collection beside its rows: see docs/protocol.md, "Queries".
type Query struct {
	ID   int64  `msgpack:"id"`
	What string `msgpack:"what"`
	Args Args   `msgpack:"args"`
}

// Args is the map of a query's arguments, as it is on the wire.
type Args []byte

// Answer answers [Query]. The arrays lie in one segment of their own, whose descriptor comes beside the message.
type Answer struct {
	ID      int64         `msgpack:"id"`
	Value   any           `msgpack:"value"`
	Arrays  []AnswerArray `msgpack:"arrays"`
	SegSize int64         `msgpack:"seg_size,omitempty"`
	FDs     int           `msgpack:"fds,omitempty"`
}

// AnswerArray is one array of an answer.
type AnswerArray struct {
	Name       string `msgpack:"name"`
	DType      string `msgpack:"dtype"` // numpy's name
	Shape      Int64s `msgpack:"shape"`
	At         int64  `msgpack:"at"`         // offset in the segment
	Categories Values `msgpack:"categories"` // what codes stand for, -1 for none of them; nil: values stand for themselves

	data []byte
}

// Bytes are the values of a received array, little-endian, in C order.
func (a *AnswerArray) Bytes() []byte { return a.data }

// Op is "query".
func (*Query) Op() string { return OpQuery }

// Op is "answer".
func (*Answer) Op() string { return OpAnswer }

// NewArgs encodes arguments: a struct with msgpack tags, or a map. Nil: none.
func NewArgs(v any) (Args, error) {
	if v == nil {
		return nil, nil
	}
	b, err := msgpack.Marshal(v)
	return Args(b), err
}

// Decode decodes the arguments into the struct v points to.
func (a Args) Decode(v any) error {
	if len(a) == 0 {
		return nil
	}
	return Decode(a, v)
}

// EncodeMsgpack implements the codec's interface.
func (a Args) EncodeMsgpack(e *msgpack.Encoder) error {
	if len(a) == 0 {
		return e.EncodeMapLen(0)
	}
	return e.Encode(msgpack.RawMessage(a))
}

// DecodeMsgpack implements the codec's interface.
func (a *Args) DecodeMsgpack(d *msgpack.Decoder) error {
	raw, err := d.DecodeRaw()
	*a = slices.Clone(Args(raw))
	return err
}

// DecodeMsgpack implements the codec's interface.
func (a *Answer) DecodeMsgpack(d *msgpack.Decoder) error {
	n, err := d.DecodeMapLen()
	if err != nil {
		return err
	}
	*a = Answer{}
	for range n {
		key, err := d.DecodeString()
		if err == nil {
			err = a.decodeKey(d, key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *Answer) decodeKey(d *msgpack.Decoder, key string) (err error) {
	switch key {
	case "id":
		a.ID, err = d.DecodeInt64()
	case "value":
		a.Value, err = d.DecodeInterfaceLoose()
	case "arrays":
		a.Arrays, err = decodeFields[AnswerArray](d)
	case "seg_size":
		a.SegSize, err = d.DecodeInt64()
	case "fds":
		a.FDs, err = d.DecodeInt()
	default:
		err = d.Skip()
	}
	return err
}

// Query asks about the open collection. args is a struct with msgpack tags, a map, or nil. The arrays of the answer are the
// caller's own.
func (c *Client) Query(ctx context.Context, what string, args any) (*Answer, error) {
	encoded, err := NewArgs(args)
	if err != nil {
		return nil, fmt.Errorf("arguments of query %s: %w", what, err)
	}
	id, out := c.nextID.Add(1), new(Answer)
	err = c.call(ctx, id, &Query{ID: id, What: what, Args: encoded}, func(op string, body []byte) error {
		if op != OpAnswer {
			return protocolErrorf("the daemon answers query with %q", op)
		}
		if err := Decode(body, out); err != nil {
			return err
		}
		return c.copyArrays(out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// copyArrays takes the arrays of an answer out of the segment that comes with it.
func (c *Client) copyArrays(a *Answer) error {
	if a.FDs == 0 {
		if len(a.Arrays) > 0 {
			return protocolErrorf("an answer with arrays and without a segment")
		}
		return nil
	}
	f, err := c.conn.TakeFD()
	if err != nil {
		return err
	}
	mem, err := mapSegment(f, a.SegSize)
	if err != nil {
		return err
	}
	defer mem.Unmap()
	for i := range a.Arrays {
		v := &a.Arrays[i]
		size, err := v.size()
		if err != nil {
			return err
		}
		if v.At < 0 || v.At > int64(len(mem)) || size > int64(len(mem))-v.At {
			return protocolErrorf("array %q of %d bytes at %d in a segment of %d", v.Name, size, v.At, len(mem))
		}
		v.data = slices.Clone(mem[v.At : v.At+size])
	}
	return c.closeFDs(a.FDs - 1)
}

// size is the number of bytes of the values.
func (a *AnswerArray) size() (int64, error) {
	size := int64(dtypeSizes[a.DType])
	if size == 0 {
		return 0, protocolErrorf("array %q has the dtype %q", a.Name, a.DType)
	}
	for _, n := range a.Shape {
		if n < 0 || n > 0 && size > (1<<48)/n {
			return 0, protocolErrorf("array %q has the shape %v", a.Name, a.Shape)
		}
		size *= n
	}
	return size, nil
}
