package mapped

import (
	"encoding/binary"
	"math"

	"github.com/loaderd/loaderd/cache/rowstore"
)

// codeMemory is a goroutine's memory for transformed codes.
type codeMemory struct {
	used       [numCodes]bool
	values     []byte // what the codes stand for, as float32
	exceptions []byte
	field      []byte // and both as the field has them
	fieldRest  []byte
}

const numCodes = 256

// transformCodes does the program to what the codes of a row stand for, of which there are few, where each value can be
// transformed by itself. It is false for other rows and programs. The result is that of transformed, bit for bit.
func (p *part) transformCodes(r rowstore.Row, s *Scratch) (out rowstore.FieldCodes, ok bool) {
	if r == nil || !p.transform.byValue {
		return out, false
	}
	ps := &p.transform.passes[0]
	if ps.norm != nil && ps.norm.joined && p.cols != nil {
		return out, false // the total is over some of the columns
	}
	c, ok := r.Codes(&s.kernel)
	if !ok {
		return out, false
	}
	m := &s.codes
	out.Most = m.mark(c.Values)
	n := int(out.Most) + 1
	toFloat := casterFor(float32Type, p.m.dtype())
	rest := len(c.Exceptions) / p.m.dtype().size()
	out.Elements, out.Exceptions = grow(&m.values, numCodes*4), grow(&m.exceptions, rest*4)
	toFloat(out.Elements, c.Elements, n)
	toFloat(out.Exceptions, c.Exceptions, rest)
	values, exceptions := view[float32](out.Elements)[:n], view[float32](out.Exceptions)
	factor := 1.0
	if ps.norm != nil {
		sum, ok := totalOfCodes(&c, values, exceptions)
		if !ok {
			return out, false
		}
		if sum != 0 {
			factor = ps.norm.factor / sum
		}
	}
	for code, x := range values {
		if m.used[code] {
			values[code] = ps.value(x, factor)
		}
	}
	for i, x := range exceptions {
		exceptions[i] = ps.value(x, factor)
	}
	if cast := p.transform.cast; cast != nil {
		to, asFloat := p.out.size(), out
		out.Elements, out.Exceptions = grow(&m.field, numCodes*to), grow(&m.fieldRest, rest*to)
		cast(out.Elements, asFloat.Elements, n)
		cast(out.Exceptions, asFloat.Exceptions, rest)
	}
	return out, true
}

// mark notes which codes there are, and gives the largest. Code 0 counts as used: exceptions have it.
func (m *codeMemory) mark(codes []byte) (most uint8) {
	clear(m.used[:])
	for ; len(codes) >= 4; codes = codes[4:] {
		m.used[codes[0]], m.used[codes[1]], m.used[codes[2]], m.used[codes[3]] = true, true, true, true
	}
	for _, c := range codes {
		m.used[c] = true
	}
	m.used[0] = true
	for code, used := range m.used {
		if used {
			most = uint8(code)
		}
	}
	return most
}

// sumBytes adds eight at a time: in four sums of 16 bits, of which each has room for 128 pairs.
func sumBytes(b []byte) (sum uint64) {
	const even = 0x00ff00ff00ff00ff
	for len(b) >= 8 {
		lanes := uint64(0)
		for n := 0; n < 128 && len(b) >= 8; n++ {
			v := binary.LittleEndian.Uint64(b)
			lanes += v&even + v>>8&even
			b = b[8:]
		}
		sum += lanes&0xffff + lanes>>16&0xffff + lanes>>32&0xffff + lanes>>48
	}
	for _, v := range b {
		sum += uint64(v)
	}
	return sum
}

// totalOfCodes is the sum in the order of the columns. Where codes are whole numbers, and the exceptions too, the order
// does not matter. It is false where it would be as slow as for the values themselves.
func totalOfCodes(c *rowstore.Codes, values, exceptions []float32) (sum float64, ok bool) {
	if c.Bytes {
		sum = float64(sumBytes(c.Values))
		for _, x := range exceptions {
			if x != float32(math.Trunc(float64(x))) || x < 0 || x > 1<<32 {
				return 0, false
			}
			sum += float64(x)
		}
		return sum, true
	}
	if len(exceptions) > 0 {
		return 0, false
	}
	for _, code := range c.Values {
		sum += float64(values[code])
	}
	return sum, true
}
