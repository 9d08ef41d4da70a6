package zarr

import (
	"encoding/binary"
	"hash/adler32"
	"hash/crc32"

	"github.com/loaderd/loaderd/mapped/codec"
)

// checksum verifies a step that only adds a checksum, and gives what it covers.
func (st step) checksum(src []byte) ([]byte, error) {
	switch st.op {
	case opCRC32C:
		out, err := codec.CheckCRC32C(src)
		return out, codecErrorOrNil(err)
	case opFletcher32:
		out, err := codec.CheckFletcher32(src)
		return out, codecErrorOrNil(err)
	}
	if len(src) < 4 {
		return nil, corrupt("too short for its checksum")
	}
	want, data := binary.LittleEndian.Uint32(src), src[4:]
	sum, name := uint32(0), "crc32"
	if st.op == opAdler32 {
		sum, name = adler32.Checksum(data), "adler32"
	} else {
		sum = crc32.ChecksumIEEE(data)
	}
	if sum != want {
		return nil, corrupt("%s: wrong checksum: %08x, stored %08x", name, sum, want)
	}
	return data, nil
}

func codecErrorOrNil(err error) error {
	if err == nil {
		return nil
	}
	return codecError(err)
}

// run undoes the steps of a chain. What comes out has want bytes and is in dst; or, with want -1, any number of
// bytes, valid until s is used again.
func (c *chain) run(dst, src []byte, want int64, s *Scratch) ([]byte, error) {
	stage := 0
	for i, st := range c.steps {
		last := i == len(c.steps)-1
		var err error
		switch st.op {
		case opDecode:
			size := c.sizeAfter(i, want)
			switch {
			case size < 0:
				limit := MaxChunkBytes
				if want >= 0 {
					limit = int(mostStored(want))
				}
				src, err = s.codec.DecodeAll(st.kind, s.stages[stage], src, limit)
				s.stages[stage] = src
			case !st.kind.Plausible(size, int64(len(src))):
				return nil, corrupt("%s: %d bytes cannot hold %d", st.kind, len(src), size)
			default:
				out := dst
				if !last {
					out = grow(&s.stages[stage], size)
				}
				err = s.codec.Decode(st.kind, out, src)
				src = out
			}
			err = codecErrorOrNil(err)
			stage = 1 - stage
		case opShuffle:
			out := dst
			if !last || int64(len(src)) != want {
				out = grow(&s.stages[stage], int64(len(src)))
			}
			err = codecErrorOrNil(codec.Unshuffle(out, src, st.width))
			src = out
			stage = 1 - stage
		default:
			src, err = st.checksum(src)
		}
		if err != nil {
			return nil, err
		}
	}
	if want < 0 {
		return src, nil
	}
	if int64(len(src)) != want {
		return nil, wrongSize(int64(len(src)), want)
	}
	if want > 0 && &src[0] != &dst[0] {
		copy(dst, src)
	}
	return dst, nil
}

func wrongSize(got, want int64) error {
	e := &Error{Kind: ErrCorrupt}
	if got < want {
		e.Kind = ErrTruncated
	}
	e.Form = corrupt("%d bytes where %d belong", got, want).(*Error).Form
	return e
}

// sizeAfter is the size of what step i gives; -1 when only data tell.
func (c *chain) sizeAfter(i int, want int64) int64 {
	if want < 0 {
		return -1
	}
	for _, st := range c.steps[i+1:] {
		if !st.keeps() {
			return -1
		}
		if st.op != opShuffle {
			want += 4
		}
	}
	return want
}

// mostStored bounds what a chunk of n bytes may take when encoded: codecs that cannot shrink data add little.
func mostStored(n int64) int64 { return n + n/4 + 1<<20 }

// decode undoes a chain into dst, a chunk of a shape, in C order and stored byte order.
func (a *Array) decode(c *chain, dst, src []byte, shape []int64, s *Scratch) error {
	if c.inner == sharded {
		return a.decodeShard(c, dst, src, shape, s)
	}
	if c.order == nil {
		_, err := c.run(dst, src, int64(len(dst)), s)
		return err
	}
	stored := grow(&s.stored, int64(len(dst)))
	if _, err := c.run(stored, src, int64(len(stored)), s); err != nil {
		return err
	}
	permute(dst, stored, shape, c.order, a.size)
	return nil
}

// decodeShard decodes a shard that is encoded as a whole, or lies within another.
func (a *Array) decodeShard(c *chain, dst, src []byte, shape []int64, s *Scratch) error {
	src, err := c.run(nil, src, -1, s)
	if err != nil {
		return err
	}
	storedShape := make([]int64, len(shape))
	for i := range shape {
		storedShape[i] = shape[i]
		if c.order != nil {
			storedShape[i] = shape[c.order[i]]
		}
	}
	out := dst
	if c.order != nil {
		out = make([]byte, len(dst))
	}
	if err := a.decodeInner(c.shard, out, src, storedShape); err != nil {
		return err
	}
	if c.order != nil {
		permute(dst, out, shape, c.order, a.size)
	}
	return nil
}

func (a *Array) decodeInner(sh *shard, dst, src []byte, shape []int64) error {
	grid := make([]int64, len(shape))
	n := int64(1)
	for i, c := range sh.chunks {
		grid[i] = shape[i] / c
		if grid[i] > maxIndexBytes/16/n {
			return tooLarge("shards of %v with chunks of %v", shape, sh.chunks)
		}
		n *= grid[i]
	}
	size := sh.indexBytes(n)
	if size > int64(len(src)) {
		return &Error{Kind: ErrTruncated, Form: "a shard that is shorter than its index"}
	}
	raw := src[int64(len(src))-size:]
	if sh.atStart {
		raw = src[:size]
	}
	index, err := sh.parseIndex(raw, n, int64(len(src)))
	if err != nil {
		return err
	}
	inner := borrow()
	defer giveBack(inner)
	chunk := make([]byte, count(sh.chunks)*a.size)
	whole := box{dst: dst, shape: shape, chunk: sh.chunks, size: a.size}
	for i, e := range index {
		if e.off < 0 {
			a.l.fill.put(chunk)
		} else if err := a.decode(sh.codecs, chunk, src[e.off:e.off+e.n], sh.chunks, inner); err != nil {
			return err
		}
		at := coords(&whole.at, grid, int64(i))
		for k := range at {
			at[k] *= sh.chunks[k]
			whole.extent[k] = sh.chunks[k]
		}
		whole.copy(chunk, nil)
	}
	return nil
}
