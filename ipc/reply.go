package ipc

// Welcome answers [Hello].
type Welcome struct {
	Protocol [2]int `msgpack:"protocol"`
	Build    string `msgpack:"build"`
	PID      int    `msgpack:"pid"`
}

// Opened describes a collection. The fields after NVars are nil in the answer to a brief open.
type Opened struct {
	ID    int64  `msgpack:"id"`
	Hash  string `msgpack:"hash"` // of what the files hold, 64 hex digits
	NObs  int64  `msgpack:"n_obs"`
	NVars *int64 `msgpack:"n_vars"` // nil: the stores differ and are not joined

	NObsList  []int64  `msgpack:"n_obs_list"`
	NVarsList []int64  `msgpack:"n_vars_list"`
	Shapes    []Shape  `msgpack:"shapes"`
	Var       []string `msgpack:"var"` // the joined var names
	Columns   Columns  `msgpack:"columns"`

	RowStore *RowStore `msgpack:"row_store"` // nil: nothing of the collection goes there
}

// Column describes a requested column of obs.
type Column struct {
	Key        string `msgpack:"key"`
	DType      string `msgpack:"dtype"` // of the batch field
	Encoded    bool   `msgpack:"encoded"`
	Categories Values `msgpack:"categories"` // the table of codes; nil for numbers
	Encoder    []Pair `msgpack:"encoder"`    // value, code
	Source     string `msgpack:"source"`     // "categorical", "string", "number", "bool" or "nullable"
	Absent     Ints   `msgpack:"absent"`     // stores without the column
	Missing    bool   `msgpack:"missing"`    // whether any value is missing
}

// Started answers [Start] and brings the ring as segment Seg, a descriptor beside it.
type Started struct {
	Gen     int64  `msgpack:"gen"`
	Schema  Schema `msgpack:"schema"`
	Seg     int64  `msgpack:"seg"`
	SegSize int64  `msgpack:"seg_size"`
	FDs     int    `msgpack:"fds"`
	Frames  int    `msgpack:"frames"`
	Steps   int64  `msgpack:"steps"` // batches of the epoch in which the stream begins, from where it does
	Next    int64  `msgpack:"next"`  // batches of each epoch after it; 0: the stream ends with the first
	N       int    `msgpack:"n"`     // rows of a full batch
}

// Ready hands a frame to the client.
type Ready struct {
	Gen  int64 `msgpack:"gen"`
	Seq  int64 `msgpack:"seq"`
	N    int   `msgpack:"n"`
	Seg  int64 `msgpack:"seg"`
	Base int64 `msgpack:"base"`
	Size int64 `msgpack:"size"`
	At   Ints  `msgpack:"at"`  // offset of each buffer from Base
	Var  Ints  `msgpack:"var"` // stored values of each csr field

	ID      *int64 `msgpack:"id,omitempty"`       // of the get it answers
	Schema  Schema `msgpack:"schema,omitempty"`   // when it brings a new one
	SegSize int64  `msgpack:"seg_size,omitempty"` // when it brings a new segment
	FDs     int    `msgpack:"fds,omitempty"`
}

// End ends the stream Gen.
type End struct {
	Gen int64 `msgpack:"gen"`
	Seq int64 `msgpack:"seq"` // the first that will not come
}

// Bye answers [Shutdown]. The connection closes next.
type Bye struct{}

// The op of each message.
func (*Welcome) Op() string { return OpWelcome }
func (*Opened) Op() string  { return OpOpened }
func (*Started) Op() string { return OpStarted }
func (*Ready) Op() string   { return OpReady }
func (*End) Op() string     { return OpEnd }
func (*Bye) Op() string     { return OpBye }
func (*Stats) Op() string   { return OpStats }
func (*Status) Op() string  { return OpStatus }
