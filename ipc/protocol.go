package ipc

// The version of docs/protocol.md that this package speaks.
const (
	Major = 1
	Minor = 2
)

// Align is the alignment of every buffer in a frame, of every frame, and the multiple of which a frame's
// size is: a cache line, and what Arrow recommends.
const Align = 64

// The ops of messages from client to daemon.
const (
	OpHello    = "hello"
	OpOpen     = "open"
	OpGet      = "get"
	OpQuery    = "query"
	OpStart    = "start"
	OpRelease  = "release"
	OpStop     = "stop"
	OpStats    = "stats"
	OpStatus   = "status"
	OpShutdown = "shutdown"
	OpRegistry = "registry"
)

// The ops of messages from daemon to client; stats and status have the op of their request.
const (
	OpWelcome  = "welcome"
	OpOpened   = "opened"
	OpStarted  = "started"
	OpReady    = "ready"
	OpAnswer   = "answer"
	OpEnd      = "end"
	OpError    = "error"
	OpBye      = "bye"
	OpProgress = "progress"
)

// Limits bound what a [Conn] accepts. A message beyond them ends the connection.
type Limits struct {
	Handshake int // body bytes until welcome has passed
	Read      int // body bytes of a received message afterwards
	Write     int // body bytes of a sent message
	Values    int // msgpack values in a received message, keys included
	FDs       int // received descriptors that may wait for TakeFD; what comes beyond is closed at once
}

// The limits of the two ends.
var (
	ServerLimits = Limits{Handshake: 64 << 10, Read: 16 << 20, Write: 256 << 20, Values: 1 << 20, FDs: 0}
	ClientLimits = Limits{Handshake: 64 << 10, Read: 256 << 20, Write: 16 << 20, Values: 16 << 20, FDs: 8}
)

// maxDepth is how deep maps and arrays may nest in a message. The deepest of ours are queries of the registry, whose conditions nest
// up to 32 deep, two arrays each.
const maxDepth = 72
