package h5

// ChunkTable says where each chunk of a dataset lies in the file. It is immutable.
type ChunkTable struct{}

// Chunk is one entry of a ChunkTable.
type Chunk struct {
	Offset  int64  // byte in the file
	Bytes   int64  // stored size
	Mask    uint32 // bit k set: filter k was skipped for this chunk
	Missing bool   // not stored: the fill value
}

// Len is the number of chunks in the grid, missing ones included.
func (t *ChunkTable) Len() int { return 0 }

// Grid is the number of chunks along each axis. The caller must not change it.
func (t *ChunkTable) Grid() []int64 { return nil }

// At gives chunk i in grid order (C order of chunk coordinates).
func (t *ChunkTable) At(i int) Chunk { return Chunk{} }
