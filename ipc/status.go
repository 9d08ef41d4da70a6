package ipc

// Status is what the daemon says of itself. All counters run from its start; sizes are in bytes, times in seconds.
type Status struct {
	ID       int64   `msgpack:"id" json:"-"`
	PID      int     `msgpack:"pid" json:"pid"`
	Build    string  `msgpack:"build" json:"build"`
	Protocol [2]int  `msgpack:"protocol" json:"protocol"`
	Socket   string  `msgpack:"socket" json:"socket"`
	Log      string  `msgpack:"log" json:"log"`
	Uptime   float64 `msgpack:"uptime" json:"uptime"`
	Idle     float64 `msgpack:"idle" json:"idle"`                 // since the last connection left; 0 while there is one
	IdleStop float64 `msgpack:"idle_timeout" json:"idle_timeout"` // when it leaves; negative: never
	Workers  int     `msgpack:"workers" json:"workers"`

	Batches   int64 `msgpack:"batches" json:"batches"` // of streams
	Gets      int64 `msgpack:"gets" json:"gets"`
	Rows      int64 `msgpack:"rows" json:"rows"`
	Bytes     int64 `msgpack:"bytes" json:"bytes"`           // of frames sent
	OneOff    int64 `msgpack:"one_off" json:"one_off"`       // batches that needed a segment of their own
	Errors    int64 `msgpack:"errors" json:"errors"`         // error messages sent
	RingBytes int64 `msgpack:"ring_bytes" json:"ring_bytes"` // shared memory reserved now
	HeapBytes int64 `msgpack:"heap_bytes" json:"heap_bytes"` // the daemon's own

	RowStore    *RowStore          `msgpack:"row_store" json:"row_store"` // nil: no collection has needed it yet
	Collections []CollectionStatus `msgpack:"collections" json:"collections"`
	Sessions    []SessionStatus    `msgpack:"sessions" json:"sessions"`
}

// CollectionStatus is one open collection, shared by all who asked for the same.
type CollectionStatus struct {
	Hash  string `msgpack:"hash" json:"hash"`
	Paths Paths  `msgpack:"paths" json:"paths"`
	NObs  int64  `msgpack:"n_obs" json:"n_obs"`
	Users int    `msgpack:"users" json:"users"`
}

// SessionStatus is one connection.
type SessionStatus struct {
	Session int64   `msgpack:"session" json:"session"`
	PID     int     `msgpack:"pid" json:"pid"`
	Client  string  `msgpack:"client" json:"client"`
	Age     float64 `msgpack:"age" json:"age"`
	Hash    string  `msgpack:"hash" json:"hash"` // of the open collection, or empty
	Stream  *Stats  `msgpack:"stream" json:"stream"`
}

// Stats is what the daemon says of one connection's stream.
type Stats struct {
	ID        int64 `msgpack:"id" json:"-"`
	Gen       int64 `msgpack:"gen" json:"gen"` // -1: no stream
	Epoch     int64 `msgpack:"epoch" json:"epoch"`
	Steps     int64 `msgpack:"steps" json:"steps"`       // batches the stream has in all
	Sent      int64 `msgpack:"sent" json:"sent"`         // announced
	Released  int64 `msgpack:"released" json:"released"` // given back
	Frames    int   `msgpack:"frames" json:"frames"`     // agreed on
	InUse     int   `msgpack:"in_use" json:"in_use"`     // filled or being filled, and not released
	RingBytes int64 `msgpack:"ring_bytes" json:"ring_bytes"`
	OneOff    int64 `msgpack:"one_off" json:"one_off"`
	Waits     int64 `msgpack:"waits" json:"waits"` // times the daemon had to wait for a release: the client is the slow one
}
