package h5

import "fmt"

// parseType decodes a datatype message (format specification, IV.A.2.d) and what follows it in c.
func parseType(c *cursor, depth int) (*Type, error) {
	if depth > maxDepth {
		return nil, corrupt("datatype nested too deep")
	}
	head := c.u8()
	bits := uint32(c.uint(3))
	size := c.u32()
	if c.bad {
		return nil, corrupt("datatype message: too short")
	}
	version := head >> 4
	if version < 1 || version > 5 {
		return nil, unsupported(fmt.Sprintf("datatype message version %d", version))
	}
	if size == 0 || size > MaxChunkBytes {
		return nil, corrupt(fmt.Sprintf("datatype of %d bytes", size))
	}
	p := typeParser{c: c, version: version, bits: bits, depth: depth, t: &Type{Size: int(size)}}
	if err := p.class(head & 15); err != nil {
		return nil, err
	}
	if c.bad {
		return nil, corrupt("datatype message: too short")
	}
	return p.t, nil
}

type typeParser struct {
	c       *cursor
	version uint8
	bits    uint32
	depth   int
	t       *Type
}

func (p *typeParser) class(class uint8) error {
	switch class {
	case 0:
		return p.integer(ClassInt)
	case 1:
		return p.float()
	case 3:
		p.t.Class, p.t.Padding, p.t.UTF8 = ClassString, Padding(p.bits&15), p.bits>>4&15 == 1
		return nil
	case 4:
		return p.integer(ClassBitfield)
	case 5:
		p.t.Class = ClassOpaque
		p.c.skip(int(p.bits & 0xff)) // tag
		return nil
	case 6:
		return p.compound()
	case 7:
		return p.reference()
	case 8:
		return p.enum()
	case 9:
		return p.vlen()
	case 10:
		return p.array()
	case 2:
		return unsupported("datatype class 2 (time)")
	case 11:
		return unsupported("datatype class 11 (complex)")
	}
	return corrupt(fmt.Sprintf("datatype class %d", class))
}

func (p *typeParser) integer(class Class) error {
	offset, precision := int(p.c.u16()), int(p.c.u16())
	t := p.t
	t.Class, t.BigEndian, t.Signed = class, p.bits&1 != 0, class == ClassInt && p.bits&8 != 0
	if class == ClassBitfield && t.Size > 8 {
		return unsupported(fmt.Sprintf("bitfield of %d bytes", t.Size))
	}
	if offset != 0 || precision != 8*t.Size || t.Size > 8 || t.Size&(t.Size-1) != 0 {
		return unsupported(fmt.Sprintf("integer of %d bits at bit %d of %d bytes", precision, offset, t.Size))
	}
	return nil
}

// floatForms are IEEE 754's binary16, 32 and 64: bit offset, precision, exponent location and size,
// mantissa location and size, exponent bias, sign location.
var floatForms = map[int][8]uint32{
	2: {0, 16, 10, 5, 0, 10, 15, 15},
	4: {0, 32, 23, 8, 0, 23, 127, 31},
	8: {0, 64, 52, 11, 0, 52, 1023, 63},
}

func (p *typeParser) float() error {
	c := p.c
	got := [8]uint32{uint32(c.u16()), uint32(c.u16()), uint32(c.u8()), uint32(c.u8()),
		uint32(c.u8()), uint32(c.u8()), c.u32(), p.bits >> 8 & 0xff}
	p.t.Class, p.t.BigEndian = ClassFloat, p.bits&1 != 0
	want, ok := floatForms[p.t.Size]
	vax, normal := p.bits>>6&1 != 0, p.bits>>4&3
	if !ok || got != want || vax || normal != 2 {
		return unsupported(fmt.Sprintf("floating-point type of %d bits in %d bytes", got[1], p.t.Size))
	}
	return nil
}

// size checks and returns the size that the parts of t add up to.
func (p *typeParser) size(want int64, what string) error {
	if int64(p.t.Size) != want {
		return corrupt(fmt.Sprintf("%s of %d bytes whose parts have %d", what, p.t.Size, want))
	}
	return nil
}

func (p *typeParser) compound() error {
	p.t.Class = ClassCompound
	n := int(p.bits & 0xffff)
	if n == 0 {
		return corrupt("compound without members")
	}
	for range n {
		m, err := p.member()
		if err != nil {
			return err
		}
		if m.Offset < 0 || m.Offset > p.t.Size-m.Type.Size {
			return corrupt(fmt.Sprintf("compound member %q beyond its end", m.Name))
		}
		p.t.Members = append(p.t.Members, m)
	}
	return nil
}

func (p *typeParser) member() (m Member, err error) {
	c := p.c
	m.Name = p.name()
	if p.version >= 3 {
		m.Offset = int(c.uint(sizeBytes(uint64(p.t.Size))))
	} else {
		m.Offset = int(c.u32())
	}
	var dims []int
	if p.version == 1 {
		rank := int(c.u8())
		c.skip(3 + 4 + 4)
		if rank > 4 {
			return m, corrupt("compound member of more than 4 dimensions")
		}
		for i := range 4 {
			if d := int(c.u32()); i < rank {
				dims = append(dims, d)
			}
		}
	}
	if c.bad {
		return m, corrupt("datatype message: too short")
	}
	if m.Type, err = parseType(c, p.depth+1); err != nil || dims == nil {
		return m, err
	}
	m.Type, err = arrayOf(dims, m.Type)
	return m, err
}

// name reads a name, which versions 1 and 2 pad to a multiple of eight bytes.
func (p *typeParser) name() string {
	start := p.c.pos
	s := p.c.cstring()
	if p.version < 3 {
		p.c.pad(start, 8)
	}
	return s
}

func (p *typeParser) reference() error {
	p.t.Class = ClassReference
	if kind := p.bits & 15; kind != 0 {
		return unsupported(fmt.Sprintf("reference of type %d (only object references are read)", kind))
	}
	return p.size(int64(p.c.offLen), "reference")
}

func (p *typeParser) enum() error {
	p.t.Class = ClassEnum
	base, err := parseType(p.c, p.depth+1)
	if err != nil {
		return err
	}
	if base.Class != ClassInt {
		return corrupt("enumeration of " + base.Class.String())
	}
	p.t.Base, p.t.BigEndian, p.t.Signed = base, base.BigEndian, base.Signed
	if err := p.size(int64(base.Size), "enumeration"); err != nil {
		return err
	}
	n := int(p.bits & 0xffff)
	for range n {
		p.t.Enum = append(p.t.Enum, EnumValue{Name: p.name()})
		if p.c.bad {
			return corrupt("datatype message: too short")
		}
	}
	for i := range n {
		raw := append([]byte(nil), p.c.take(base.Size)...)
		if p.c.bad {
			return corrupt("datatype message: too short")
		}
		base.toNative(raw)
		p.t.Enum[i].Value = base.intAt(raw)
	}
	return nil
}

func (p *typeParser) vlen() error {
	if err := p.size(int64(4+p.c.offLen+4), "variable-length type"); err != nil {
		return err
	}
	base, err := parseType(p.c, p.depth+1)
	if err != nil {
		return err
	}
	switch p.bits & 15 {
	case 0:
		p.t.Class, p.t.Base = ClassVLen, base
	case 1:
		p.t.Class, p.t.Padding, p.t.UTF8 = ClassVLenString, Padding(p.bits>>4&15), p.bits>>8&15 == 1
	default:
		return corrupt(fmt.Sprintf("variable-length type %d", p.bits&15))
	}
	return nil
}

func (p *typeParser) array() error {
	c := p.c
	rank := int(c.u8())
	if p.version < 3 {
		c.skip(3)
	}
	if rank == 0 || rank > maxDepth {
		return corrupt(fmt.Sprintf("array of %d dimensions", rank))
	}
	dims := make([]int, rank)
	for i := range dims {
		dims[i] = int(c.u32())
	}
	if p.version < 3 {
		c.skip(4 * rank) // permutation
	}
	base, err := parseType(c, p.depth+1)
	if err != nil {
		return err
	}
	t, err := arrayOf(dims, base)
	if err != nil {
		return err
	}
	if err := p.size(int64(t.Size), "array"); err != nil {
		return err
	}
	p.t = t
	return nil
}

func arrayOf(dims []int, base *Type) (*Type, error) {
	n := int64(base.Size)
	for _, d := range dims {
		if d <= 0 || n > MaxChunkBytes/int64(d) {
			return nil, corrupt(fmt.Sprintf("array of dimensions %v", dims))
		}
		n *= int64(d)
	}
	return &Type{Class: ClassArray, Size: int(n), Base: base, Dims: dims}, nil
}
