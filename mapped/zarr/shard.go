package zarr

import (
	"encoding/binary"
	"math"
)

// maxIndexBytes bounds the index of one shard, and what an array keeps of them.
const maxIndexBytes = 16 << 20

// shardEntry is where a chunk lies in its shard; off is -1 for a missing one.
type shardEntry struct{ off, n int64 }

// shardCache keeps the indexes of shards. Guarded by the array's mutex.
type shardCache struct {
	indexes map[int64][]shardEntry
	bytes   int64
}

// perShard is how many chunks a shard holds.
func (a *Array) perShard() int64 {
	n := int64(1)
	for k, c := range a.l.chunks {
		n *= a.l.outer[k] / c
	}
	return n
}

// checkShard refuses indexes of unreasonable size.
func (a *Array) checkShard() error {
	n := int64(1)
	for k, c := range a.l.chunks {
		per := a.l.outer[k] / c
		if per > maxIndexBytes/16/n {
			return tooLarge("shards of %v with chunks of %v: an index of more than %d bytes", a.l.outer, a.l.chunks, maxIndexBytes)
		}
		n *= per
	}
	return nil
}

// indexBytes is the stored size of an index of n chunks.
func (s *shard) indexBytes(n int64) int64 { return 16*n + 4*int64(len(s.indexSteps)) }

// shardIndex gives the index of a shard, from memory or from the file.
func (a *Array) shardIndex(object int64, o object, s *Scratch) ([]shardEntry, error) {
	a.mu.Lock()
	index, ok := a.shards.indexes[object]
	a.mu.Unlock()
	if ok {
		return index, nil
	}
	n := a.perShard()
	size := a.l.chain.shard.indexBytes(n)
	if size > o.size {
		return nil, &Error{Kind: ErrTruncated, Form: "a shard of " + a.objectKey(object) + " that is shorter than its index"}
	}
	raw := grow(&s.raw, size)
	off := o.size - size
	if a.l.chain.shard.atStart {
		off = 0
	}
	if err := a.s.st.readAt(objectID{a, object}, o, raw, off); err != nil {
		return nil, err
	}
	index, err := a.l.chain.shard.parseIndex(raw, n, o.size)
	if err != nil {
		return nil, err
	}
	a.keepIndex(object, index)
	return index, nil
}

// keepIndex remembers an index, and forgets any others where there are too many.
func (a *Array) keepIndex(object int64, index []shardEntry) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.shards.indexes == nil {
		a.shards.indexes = make(map[int64][]shardEntry)
	}
	bytes := int64(16 * len(index))
	for other, x := range a.shards.indexes {
		if a.shards.bytes+bytes <= maxIndexBytes {
			break
		}
		a.shards.bytes -= int64(16 * len(x))
		delete(a.shards.indexes, other)
	}
	if _, there := a.shards.indexes[object]; !there {
		a.shards.indexes[object] = index
		a.shards.bytes += bytes
	}
}

// parseIndex decodes the index of n chunks of a shard of so many bytes.
func (s *shard) parseIndex(raw []byte, n, size int64) ([]shardEntry, error) {
	for _, step := range s.indexSteps {
		var err error
		if raw, err = step.checksum(raw); err != nil {
			return nil, located(err, "the index of a shard")
		}
	}
	if int64(len(raw)) != 16*n {
		return nil, corrupt("the index of a shard: %d bytes for %d chunks", len(raw), n)
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if s.indexBig {
		order = binary.BigEndian
	}
	index := make([]shardEntry, n)
	for i := range index {
		off, length := order.Uint64(raw[16*i:]), order.Uint64(raw[16*i+8:])
		if off == math.MaxUint64 && length == math.MaxUint64 {
			index[i].off = -1
			continue
		}
		if off > uint64(size) || length > uint64(size)-off {
			return nil, corrupt("chunk %d of a shard lies at %d, %d bytes, in %d", i, off, length, size)
		}
		index[i] = shardEntry{int64(off), int64(length)}
	}
	return index, nil
}
