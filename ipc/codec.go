package ipc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

// headLen is the length of the frame's head: the body's length.
const headLen = 4

// encoder writes messages; it is kept for its memory.
type encoder struct {
	enc  *msgpack.Encoder
	body bytes.Buffer
}

var encoders = sync.Pool{New: func() any {
	e := new(encoder)
	e.enc = msgpack.NewEncoder(&e.body)
	return e
}}

// appendMessage appends the framed message to dst. The struct is encoded as the map of its fields; the key op is put
// before them, and the map's length raised by one.
func appendMessage(dst []byte, m Message, limit int) ([]byte, error) {
	e := encoders.Get().(*encoder)
	defer e.free()
	e.body.Reset()
	e.enc.Reset(&e.body)
	e.enc.UseCompactInts(true)
	if err := e.enc.Encode(m); err != nil {
		return dst, fmt.Errorf("encode %s: %w", m.Op(), err)
	}
	fields, rest, err := mapHead(e.body.Bytes())
	if err != nil {
		return dst, fmt.Errorf("encode %s: %w", m.Op(), err)
	}
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = appendMapHead(dst, fields+1)
	dst = appendShortString(dst, "op")
	dst = appendShortString(dst, m.Op())
	dst = append(dst, rest...)
	n := len(dst) - start - headLen
	if n > limit || n > math.MaxUint32 {
		return dst[:start], &Error{
			Code: CodeProtocol, Stage: m.Op(), Message: fmt.Sprintf("the %s message takes %d bytes; the limit is %d", m.Op(), n, limit),
			Hint: "ask for less at a time",
		}
	}
	binary.LittleEndian.PutUint32(dst[start:], uint32(n))
	return dst, nil
}

// free keeps the encoder unless a rare large message made it large.
func (e *encoder) free() {
	if e.body.Cap() <= keepBuffer {
		encoders.Put(e)
	}
}

func mapHead(b []byte) (n int, rest []byte, err error) {
	switch {
	case len(b) >= 1 && msgpcode.IsFixedMap(b[0]):
		return int(b[0] & msgpcode.FixedMapMask), b[1:], nil
	case len(b) >= 3 && b[0] == msgpcode.Map16:
		return int(binary.BigEndian.Uint16(b[1:])), b[3:], nil
	}
	return 0, nil, errors.New("a message must be a struct of less than 65536 fields")
}

func appendMapHead(dst []byte, n int) []byte {
	if n <= int(msgpcode.FixedMapMask) {
		return append(dst, msgpcode.FixedMapLow|byte(n))
	}
	return append(dst, msgpcode.Map16, byte(n>>8), byte(n))
}

// appendShortString appends a string of up to 31 bytes, as all ops are.
func appendShortString(dst []byte, s string) []byte {
	return append(append(dst, msgpcode.FixedStrLow|byte(len(s))), s...)
}

// decoder reads messages; it is kept for its memory.
type decoder struct {
	dec *msgpack.Decoder
	src bytes.Reader
}

var decoders = sync.Pool{New: func() any { return &decoder{dec: msgpack.NewDecoder(new(bytes.Reader))} }}

// Decode decodes the body of a message into the struct v points to. Keys that v does not have are skipped. Any bytes are
// safe: what is not a whole message gives an error with code protocol, and costs memory in proportion to its length. v
// shares no memory with body.
func Decode(body []byte, v any) error {
	if _, err := scan(body, ClientLimits.Values); err != nil {
		return err
	}
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	d.src.Reset(body)
	d.dec.Reset(&d.src)
	d.dec.UseLooseInterfaceDecoding(true)
	if err := d.dec.Decode(v); err != nil {
		err = protocolErrorf("decode %T: %w", v, err)
		return err
	}
	d.src.Reset(nil)
	return nil
}

// opName is op as one of our constants, so that reading a message allocates nothing.
func opName(op []byte) string {
	for _, known := range [...]string{
		OpReady, OpRelease, OpGet, OpQuery, OpHello, OpOpen, OpStart, OpStop, OpStats, OpStatus, OpShutdown,
		OpWelcome, OpOpened, OpStarted, OpEnd, OpError, OpBye, OpAnswer, OpRegistry, OpProgress,
	} {
		if string(op) == known {
			return known
		}
	}
	return string(op)
}
