package zarr

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// fill is what the elements of missing chunks are.
type fill struct {
	raw  []byte // of a fixed size, in the stored byte order
	zero bool   // raw is zeros alone
	text string // of variable length
}

// parseFill reads a fill value of an element type. null means zero, as zarr-python has it.
func parseFill(raw json.RawMessage, t *Type, version int) (fill, error) {
	if raw == nil && version == 3 {
		return fill{}, corrupt(`"fill_value" is missing`)
	}
	null := raw == nil || string(raw) == "null"
	if !t.fixed() {
		return parseVarFill(raw, t, null)
	}
	f := fill{raw: make([]byte, t.Size), zero: true}
	if null {
		return f, nil
	}
	if err := t.putFill(f.raw, raw, version); err != nil {
		return fill{}, err
	}
	t.toNative(f.raw) // putFill writes native numbers; swapping is its own inverse
	for _, b := range f.raw {
		f.zero = f.zero && b == 0
	}
	return f, nil
}

func parseVarFill(raw json.RawMessage, t *Type, null bool) (fill, error) {
	if null {
		return fill{}, nil
	}
	s, ok := asText(raw)
	switch {
	case !ok && t.Class == ClassVLenString:
		// Old writers gave the number 0; zarr-python reads it as its digits.
		var n json.Number
		if json.Unmarshal(raw, &n) != nil {
			return fill{}, badFill(raw, t)
		}
		return fill{text: n.String()}, nil
	case !ok:
		if n, isInt := asInt(raw); isInt && n == 0 {
			return fill{}, nil
		}
		return fill{}, badFill(raw, t)
	case t.Class == ClassVLenBytes:
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return fill{}, badFill(raw, t)
		}
		return fill{text: string(b)}, nil
	}
	return fill{text: s}, nil
}

func badFill(raw json.RawMessage, t *Type) error {
	return corrupt("the fill value %s for elements of type %s", brief(raw), t)
}

// putFill writes one element in native byte order.
func (t *Type) putFill(dst []byte, raw json.RawMessage, version int) error {
	s, isText := asText(raw)
	ok := false
	switch t.Class {
	case ClassBool:
		var b bool
		if json.Unmarshal(raw, &b) == nil {
			ok = true
		} else if n, isInt := asInt(raw); isInt && n>>1 == 0 {
			b, ok = n == 1, true
		}
		if b {
			dst[0] = 1
		}
	case ClassInt:
		ok = t.putInt(dst, raw)
	case ClassTime:
		n, isInt := asInt(raw)
		if ok = isInt; !ok && s == "NaT" {
			n, ok = math.MinInt64, true
		}
		binary.LittleEndian.PutUint64(dst, uint64(n))
	case ClassFloat:
		ok = putFloat(dst, raw)
	case ClassComplex:
		var parts []json.RawMessage
		if json.Unmarshal(raw, &parts) == nil && len(parts) == 2 {
			ok = putFloat(dst[:t.Size/2], parts[0]) && putFloat(dst[t.Size/2:], parts[1])
		}
	case ClassUnicode:
		ok = isText && putRunes(dst, s)
	default:
		ok = t.putBytes(dst, raw, s, isText, version)
	}
	if !ok {
		// Writers of zarr 2 gave 0 for every type.
		if n, isInt := asInt(raw); isInt && n == 0 {
			clear(dst)
			return nil
		}
		return badFill(raw, t)
	}
	return nil
}

func (t *Type) putInt(dst []byte, raw json.RawMessage) bool {
	n, ok := asInt(raw)
	bits := uint64(n)
	if !ok {
		var err error
		if bits, err = strconv.ParseUint(string(raw), 10, 64); err != nil || t.Signed || t.Size < 8 {
			return false
		}
	} else if t.Signed && t.Size < 8 && n != n<<(64-8*t.Size)>>(64-8*t.Size) {
		return false
	} else if !t.Signed && (n < 0 || t.Size < 8 && n>>(8*t.Size) != 0) {
		return false
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], bits)
	copy(dst, b[:t.Size])
	return true
}

// nan has the bits that the format gives it; math.NaN has others.
var nan = math.Float64frombits(0x7ff8000000000000)

// putFloat takes a number, NaN, the infinities, or the bits as "0x7fc00000".
func putFloat(dst []byte, raw json.RawMessage) bool {
	if s, ok := asText(raw); ok {
		if digits, isHex := strings.CutPrefix(s, "0x"); isHex {
			bits, err := hex.DecodeString(digits)
			if err != nil || len(bits) != len(dst) {
				return false
			}
			for i, b := range bits {
				dst[len(dst)-1-i] = b
			}
			return true
		}
		f, known := map[string]float64{"NaN": nan, "Infinity": math.Inf(1), "-Infinity": math.Inf(-1)}[s]
		if !known {
			return false
		}
		putBits(dst, f)
		return true
	}
	var f float64
	if json.Unmarshal(raw, &f) != nil {
		return false
	}
	putBits(dst, f)
	return true
}

func putBits(dst []byte, f float64) {
	switch len(dst) {
	case 2:
		binary.LittleEndian.PutUint16(dst, half(f))
	case 4:
		binary.LittleEndian.PutUint32(dst, math.Float32bits(float32(f)))
	default:
		binary.LittleEndian.PutUint64(dst, math.Float64bits(f))
	}
}

// half rounds to the nearest float16, ties to even.
func half(f float64) uint16 {
	sign := uint16(math.Float64bits(f) >> 48 & 0x8000)
	f = math.Abs(f)
	switch {
	case math.IsNaN(f):
		return sign | 0x7e00
	case f >= 65520:
		return sign | 0x7c00
	case f < 0x1p-14:
		return sign | uint16(math.RoundToEven(f*0x1p24))
	}
	frac, exp := math.Frexp(f) // f = frac × 2^exp, frac in [½, 1)
	return sign + uint16(exp+13)<<10 + uint16(math.RoundToEven(frac*2048))
}

// putRunes writes code points; what does not fit is left out, as numpy does.
func putRunes(dst []byte, s string) bool {
	for _, r := range s {
		if len(dst) < 4 {
			return true
		}
		binary.LittleEndian.PutUint32(dst, uint32(r))
		dst = dst[4:]
	}
	return true
}

// putBytes takes bytes in base64, as a list of numbers (raw types of zarr 3), and a record in base64 or member by member.
func (t *Type) putBytes(dst []byte, raw json.RawMessage, s string, isText bool, version int) bool {
	if isText {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil || len(b) > len(dst) {
			return false
		}
		copy(dst, b)
		t.toNative(dst) // the bytes are as stored
		return true
	}
	if t.Class == ClassRecord {
		var members fields
		if json.Unmarshal(raw, &members) != nil || len(members) != len(t.Members) {
			return false
		}
		for _, m := range t.Members {
			part := dst[m.Offset : m.Offset+m.Type.Size]
			if value, ok := members[m.Name]; !ok || m.Type.putFill(part, value, version) != nil {
				return false
			}
		}
		return true
	}
	var list []uint8
	var numbers []int
	if json.Unmarshal(raw, &numbers) != nil || len(numbers) != len(dst) {
		return false
	}
	for _, n := range numbers {
		if n < 0 || n > 255 {
			return false
		}
		list = append(list, uint8(n))
	}
	copy(dst, list)
	return true
}

// put fills dst, whole elements, with the value.
func (f *fill) put(dst []byte) {
	if f.zero {
		clear(dst)
		return
	}
	n := copy(dst, f.raw)
	for n > 0 && n < len(dst) {
		n += copy(dst[n:], dst[:n])
	}
}
