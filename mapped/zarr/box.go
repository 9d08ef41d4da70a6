package zarr

import "encoding/binary"

// box copies a part of a chunk to where it belongs in an array in memory.
type box struct {
	dst    []byte
	shape  []int64        // of dst
	chunk  []int64        // shape of the chunk
	size   int64          // bytes of an element
	at     [maxRank]int64 // where in dst
	from   [maxRank]int64 // where in the chunk
	extent [maxRank]int64 // how much
}

// copy takes src, a chunk in C order; where it is nil, fill is put everywhere.
func (b *box) copy(src []byte, f *fill) {
	rank := len(b.shape)
	if rank == 0 {
		b.run(0, 0, b.size, src, f)
		return
	}
	var pos, dstStep, srcStep [maxRank]int64
	dstAt, srcAt := int64(0), int64(0)
	x, y := b.size, b.size
	for k := rank - 1; k >= 0; k-- {
		if b.extent[k] < 1 {
			return
		}
		dstStep[k], srcStep[k] = x, y
		dstAt += b.at[k] * x
		srcAt += b.from[k] * y
		x *= b.shape[k]
		y *= b.chunk[k]
	}
	// Axes that dst and chunk hold whole are copied in one piece with the axis before them.
	last := rank - 1
	run := b.size * b.extent[last]
	for last > 0 && b.extent[last] == b.shape[last] && b.extent[last] == b.chunk[last] {
		last--
		run *= b.extent[last]
	}
	for {
		b.run(dstAt, srcAt, run, src, f)
		k := last - 1
		for ; k >= 0; k-- {
			pos[k]++
			dstAt += dstStep[k]
			srcAt += srcStep[k]
			if pos[k] < b.extent[k] {
				break
			}
			dstAt -= pos[k] * dstStep[k]
			srcAt -= pos[k] * srcStep[k]
			pos[k] = 0
		}
		if k < 0 {
			return
		}
	}
}

func (b *box) run(dstAt, srcAt, n int64, src []byte, f *fill) {
	if src == nil {
		f.put(b.dst[dstAt : dstAt+n])
		return
	}
	copy(b.dst[dstAt:dstAt+n], src[srcAt:srcAt+n])
}

// permute brings a chunk of the given shape into C order: stored axis i is axis order[i].
func permute(dst, stored []byte, shape []int64, order []int, size int64) {
	rank := len(shape)
	var step, extent, pos [maxRank]int64
	n := size
	var strides [maxRank]int64
	for k := rank - 1; k >= 0; k-- {
		strides[k] = n
		n *= shape[k]
	}
	for i, axis := range order {
		step[i], extent[i] = strides[axis], shape[axis]
	}
	last := rank - 1
	at := int64(0)
	for from := int64(0); from < int64(len(stored)); from += extent[last] * size {
		spread(dst[at:], stored[from:from+extent[last]*size], step[last], size)
		for k := last - 1; k >= 0; k-- {
			pos[k]++
			at += step[k]
			if pos[k] < extent[k] {
				break
			}
			at -= pos[k] * step[k]
			pos[k] = 0
		}
	}
}

// spread copies elements that lie together to places that are step bytes apart.
func spread(dst, src []byte, step, size int64) {
	switch size {
	case 4:
		for at := int64(0); len(src) >= 4; at, src = at+step, src[4:] {
			binary.LittleEndian.PutUint32(dst[at:], binary.LittleEndian.Uint32(src))
		}
	case 8:
		for at := int64(0); len(src) >= 8; at, src = at+step, src[8:] {
			binary.LittleEndian.PutUint64(dst[at:], binary.LittleEndian.Uint64(src))
		}
	default:
		for at := int64(0); len(src) > 0; at, src = at+step, src[size:] {
			copy(dst[at:at+size], src)
		}
	}
}
