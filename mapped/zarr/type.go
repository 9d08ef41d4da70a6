package zarr

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Class sorts element types.
type Class uint8

// The classes. Elements of ClassVLenString and ClassVLenBytes have no fixed size.
const (
	ClassOther Class = iota // not decoded; its name is in Type.Name
	ClassBool
	ClassInt
	ClassFloat
	ClassComplex
	ClassString  // bytes, padded with zeros: numpy's S
	ClassUnicode // code points of four bytes, padded with zeros: numpy's U
	ClassVLenString
	ClassVLenBytes
	ClassRaw  // bytes without a meaning: numpy's V
	ClassTime // datetime64 and timedelta64: int64 counts of a unit
	ClassRecord
)

// Type is the type of an array's elements.
type Type struct {
	Class     Class
	Size      int // bytes of an element; 0 for elements without a fixed size
	BigEndian bool
	Signed    bool     // of ClassInt
	Members   []Member // of ClassRecord
	Name      string   // as the metadata have it
}

// Member is a named part of a record.
type Member struct {
	Name   string
	Offset int
	Type   *Type
}

// String is the name in the metadata.
func (t *Type) String() string { return t.Name }

// Member finds a member of a record.
func (t *Type) Member(name string) (Member, bool) {
	for _, m := range t.Members {
		if m.Name == name {
			return m, true
		}
	}
	return Member{}, false
}

// fixed says that elements have one size.
func (t *Type) fixed() bool { return t.Class != ClassVLenString && t.Class != ClassVLenBytes }

// isText says that elements are strings.
func (t *Type) isText() bool {
	return t.Class == ClassString || t.Class == ClassUnicode || t.Class == ClassVLenString
}

// maxElement bounds one element.
const maxElement = 1 << 24

// parseType2 reads the "dtype" of zarr 2: a string of numpy's, or a list of members. Objects take their type from
// the first filter.
func parseType2(raw json.RawMessage, objects string) (*Type, error) {
	name, ok := asText(raw)
	if !ok {
		return parseRecord2(raw)
	}
	if name == "|O" || name == "object" {
		switch objects {
		case "vlen-utf8":
			return &Type{Class: ClassVLenString, Name: name}, nil
		case "vlen-bytes":
			return &Type{Class: ClassVLenBytes, Name: name}, nil
		case "":
			return nil, unsupported("objects without a codec for them")
		}
		return nil, unsupported("objects encoded by %q", objects)
	}
	if len(name) < 3 || !strings.ContainsRune("<>|=", rune(name[0])) {
		return nil, corrupt("the type %q", name)
	}
	t := &Type{Name: name, BigEndian: name[0] == '>'}
	digits := name[2:]
	if name[1] == 'M' || name[1] == 'm' { // "<M8[ns]"
		digits, _, _ = strings.Cut(digits, "[")
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 || n > maxElement {
		return nil, corrupt("the type %q", name)
	}
	t.Size = n
	return t, t.setKind(name[1])
}

// setKind takes numpy's letter.
func (t *Type) setKind(letter byte) error {
	valid := true
	switch n := t.Size; letter {
	case 'b':
		t.Class, valid = ClassBool, n == 1
	case 'i', 'u':
		t.Class, t.Signed, valid = ClassInt, letter == 'i', n == 1 || n == 2 || n == 4 || n == 8
	case 'f':
		t.Class, valid = ClassFloat, n == 2 || n == 4 || n == 8
	case 'c':
		t.Class, valid = ClassComplex, n == 8 || n == 16
	case 'S', 'a':
		t.Class = ClassString
	case 'U':
		t.Class, t.Size, valid = ClassUnicode, 4*n, n <= maxElement/4
	case 'V':
		t.Class = ClassRaw
	case 'M', 'm':
		t.Class, valid = ClassTime, n == 8
	default:
		valid = false
	}
	if !valid {
		return unsupported("elements of type %q", t.Name)
	}
	if t.Size <= 1 {
		t.BigEndian = false
	}
	return nil
}

// maxMembers bounds the members of a record.
const maxMembers = 1 << 16

func parseRecord2(raw json.RawMessage) (*Type, error) {
	var members []json.RawMessage
	if json.Unmarshal(raw, &members) != nil || len(members) == 0 || len(members) > maxMembers {
		return nil, corrupt("the type %s", brief(raw))
	}
	t := &Type{Class: ClassRecord, Name: "record"}
	for _, m := range members {
		var parts []json.RawMessage
		if json.Unmarshal(m, &parts) != nil || len(parts) < 2 {
			return nil, corrupt("the member %s of a record", brief(m))
		}
		name, ok := asText(parts[0])
		if !ok {
			return nil, corrupt("the member %s of a record", brief(m))
		}
		if len(parts) > 2 {
			return nil, unsupported("the member %q of a record, which is an array", name)
		}
		mt, err := parseType2(parts[1], "")
		if err != nil {
			return nil, err
		}
		if err := t.add(name, mt); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *Type) add(name string, m *Type) error {
	if !m.fixed() || m.Class == ClassRecord {
		return unsupported("the member %q of a record: %s", name, m)
	}
	if _, twice := t.Member(name); twice {
		return corrupt("a record with two members %q", name)
	}
	t.Members = append(t.Members, Member{Name: name, Offset: t.Size, Type: m})
	if t.Size += m.Size; t.Size > maxElement {
		return unsupported("records of %d bytes", t.Size)
	}
	return nil
}

// numbers3 are the types of zarr 3 that have a name and no configuration.
var numbers3 = map[string]Type{
	"bool": {Class: ClassBool, Size: 1},
	"int8": {Class: ClassInt, Size: 1, Signed: true}, "int16": {Class: ClassInt, Size: 2, Signed: true},
	"int32": {Class: ClassInt, Size: 4, Signed: true}, "int64": {Class: ClassInt, Size: 8, Signed: true},
	"uint8": {Class: ClassInt, Size: 1}, "uint16": {Class: ClassInt, Size: 2},
	"uint32": {Class: ClassInt, Size: 4}, "uint64": {Class: ClassInt, Size: 8},
	"float16": {Class: ClassFloat, Size: 2}, "float32": {Class: ClassFloat, Size: 4}, "float64": {Class: ClassFloat, Size: 8},
	"complex64": {Class: ClassComplex, Size: 8}, "complex128": {Class: ClassComplex, Size: 16},
	"string": {Class: ClassVLenString}, "bytes": {Class: ClassVLenBytes}, "variable_length_bytes": {Class: ClassVLenBytes},
}

// parseType3 reads the "data_type" of zarr 3.
func parseType3(raw json.RawMessage) (*Type, error) {
	name, config, err := named(raw)
	if err != nil {
		return nil, err
	}
	if t, ok := numbers3[name]; ok {
		t.Name = name
		return &t, nil
	}
	if bits, ok := strings.CutPrefix(name, "r"); ok && len(config) == 0 {
		if n, err := strconv.Atoi(bits); err == nil && n > 0 && n%8 == 0 && n/8 <= maxElement {
			return &Type{Class: ClassRaw, Size: n / 8, Name: name}, nil
		}
	}
	classes := map[string]Class{"fixed_length_utf32": ClassUnicode, "null_terminated_bytes": ClassString, "raw_bytes": ClassRaw}
	if class, ok := classes[name]; ok {
		n, ok := asInt(config["length_bytes"])
		if !ok || n < 0 || n > maxElement || class == ClassUnicode && n%4 != 0 {
			return nil, corrupt("the type %s of %s bytes", name, brief(config["length_bytes"]))
		}
		return &Type{Class: class, Size: int(n), Name: fmt.Sprintf("%s[%d]", name, n)}, nil
	}
	switch name {
	case "numpy.datetime64", "numpy.timedelta64":
		return &Type{Class: ClassTime, Size: 8, Name: name}, nil
	case "structured", "struct":
		return parseRecord3(config)
	}
	return nil, unsupported("elements of type %q", name)
}

func parseRecord3(config fields) (*Type, error) {
	members, err := config.list("fields")
	if err != nil {
		return nil, err
	}
	if len(members) == 0 || len(members) > maxMembers {
		return nil, corrupt("a record of %d members", len(members))
	}
	t := &Type{Class: ClassRecord, Name: "record"}
	for _, m := range members {
		var name string
		var parts []json.RawMessage
		var f fields
		kind := json.RawMessage(nil)
		if json.Unmarshal(m, &parts) == nil && len(parts) == 2 {
			name, _ = asText(parts[0])
			kind = parts[1]
		} else if json.Unmarshal(m, &f) == nil {
			name, _ = f.text("name")
			kind = f["data_type"]
		}
		if kind == nil {
			return nil, corrupt("the member %s of a record", brief(m))
		}
		mt, err := parseType3(kind)
		if err != nil {
			return nil, err
		}
		if err := t.add(name, mt); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// withOrder gives a type of the byte order that the codec "bytes" says, in zarr 3.
func (t *Type) withOrder(big bool) *Type {
	c := *t
	c.BigEndian = big && t.Class != ClassRecord && t.width() > 1
	c.Members = nil
	for _, m := range t.Members {
		m.Type = m.Type.withOrder(big)
		c.Members = append(c.Members, m)
	}
	return &c
}

// width is how many bytes are swapped together where the byte order is foreign; 1 for none.
func (t *Type) width() int {
	switch t.Class {
	case ClassInt, ClassFloat, ClassTime:
		return t.Size
	case ClassComplex:
		return t.Size / 2
	case ClassUnicode:
		return 4
	}
	return 1
}

// toNative turns elements of this type in p into little-endian ones.
func (t *Type) toNative(p []byte) {
	if t.Class == ClassRecord {
		for at := 0; t.Size > 0 && at+t.Size <= len(p); at += t.Size {
			for _, m := range t.Members {
				m.Type.toNative(p[at+m.Offset : at+m.Offset+m.Type.Size])
			}
		}
		return
	}
	if !t.BigEndian {
		return
	}
	w := t.width()
	for at := 0; at+w <= len(p); at += w {
		for i, j := at, at+w-1; i < j; i, j = i+1, j-1 {
			p[i], p[j] = p[j], p[i]
		}
	}
}
