package ipc

import (
	"encoding/binary"
	"fmt"
)

// A Message is one of the structs of this package that travel alone: the key "op" and the keys of its fields.
type Message interface{ Op() string }

// Hello opens a connection.
type Hello struct {
	Protocol [2]int `msgpack:"protocol"` // major, minor
	Build    string `msgpack:"build"`
	PID      int    `msgpack:"pid"`
	Client   string `msgpack:"client"` // what the client calls itself, for status
}

// Open names the files of a collection and how they are joined.
type Open struct {
	ID    int64 `msgpack:"id"`
	Paths Paths `msgpack:"paths"` // absolute
	Spec  Spec  `msgpack:"spec"`
	Brief bool  `msgpack:"brief"` // the client knows the answer's long parts
}

// Get asks for one batch of these rows.
type Get struct {
	ID     int64  `msgpack:"id"`
	Rows   []byte `msgpack:"rows"`            // int64 little-endian, virtual rows: see [EncodeRows]
	Format string `msgpack:"format"`          // "dense" or "csr"
	DType  string `msgpack:"dtype,omitempty"` // of the layers; "": the files' own
	Own    bool   `msgpack:"own,omitempty"`   // rows of one store as that store has them
}

// Start starts the stream Gen, in place of any before it.
type Start struct {
	Gen       int64  `msgpack:"gen"`
	Order     Order  `msgpack:"order"`
	Epoch     int64  `msgpack:"epoch"`
	Position  int64  `msgpack:"position"`
	BatchSize int    `msgpack:"batch_size"`
	DropLast  bool   `msgpack:"drop_last"`
	Rank      int    `msgpack:"rank"`
	WorldSize int    `msgpack:"world_size"`
	Format    string `msgpack:"format"`
	DType     string `msgpack:"dtype,omitempty"`  // as in [Get]
	Prefetch  int    `msgpack:"prefetch"`         // batches to have ready; 0: the daemon's choice
	Follow    bool   `msgpack:"follow,omitempty"` // go on with the next epoch, and so on, until stopped
}

// Order names the order of the rows: a pure function of kind, seed and epoch.
type Order struct {
	Kind string `msgpack:"kind"` // "sequential" or "shuffle"
	Seed uint64 `msgpack:"seed"`
}

// Release gives frames back.
type Release struct {
	Gen  int64  `msgpack:"gen"`
	Seqs Int64s `msgpack:"seqs"`
}

// Stop ends the stream Gen early.
type Stop struct {
	Gen  int64   `msgpack:"gen"`
	Keep *Int64s `msgpack:"keep"` // the only batches that are still looked at: all others are released; nil: none is
}

// StatsRequest asks for the counters of this connection's stream.
type StatsRequest struct {
	ID int64 `msgpack:"id"`
}

// StatusRequest asks for the counters of the daemon.
type StatusRequest struct {
	ID int64 `msgpack:"id"`
}

// Shutdown asks the daemon to leave; with IfIdle only when no other client is connected.
type Shutdown struct {
	IfIdle bool `msgpack:"if_idle"`
}

// The op of each message.
func (*Hello) Op() string         { return OpHello }
func (*Open) Op() string          { return OpOpen }
func (*Get) Op() string           { return OpGet }
func (*Start) Op() string         { return OpStart }
func (*Release) Op() string       { return OpRelease }
func (*Stop) Op() string          { return OpStop }
func (*StatsRequest) Op() string  { return OpStats }
func (*StatusRequest) Op() string { return OpStatus }
func (*Shutdown) Op() string      { return OpShutdown }

// EncodeRows is rows as [Get] carries them.
func EncodeRows(rows []int64) []byte {
	b := make([]byte, 0, 8*len(rows))
	for _, r := range rows {
		b = binary.LittleEndian.AppendUint64(b, uint64(r))
	}
	return b
}

// DecodeRows appends the rows in b to dst[:0].
func DecodeRows(dst []int64, b []byte) ([]int64, error) {
	if len(b)%8 != 0 {
		return dst[:0], protocolErrorf("get.rows holds %d bytes, which is no whole number of int64", len(b))
	}
	dst = dst[:0]
	for ; len(b) > 0; b = b[8:] {
		dst = append(dst, int64(binary.LittleEndian.Uint64(b)))
	}
	return dst, nil
}

// protocolErrorf is an error for which a connection has to end.
func protocolErrorf(format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{
		Code: CodeProtocol, Stage: "connection", Message: err.Error(), cause: err,
		Hint: "the two sides disagree about docs/protocol.md: update the older one",
	}
}
