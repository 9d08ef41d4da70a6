package zarr

import (
	"encoding/json"
	"errors"
	"strconv"
)

const (
	// MaxChunkBytes bounds one decoded chunk; a larger one is ErrTooLarge.
	MaxChunkBytes = 1 << 30
	// MaxMetadataBytes bounds one metadata file; a larger one is ErrTooLarge.
	MaxMetadataBytes = 64 << 20
	// maxBytes bounds the decoded size of an array: positions in it are int64.
	maxBytes = 1 << 60
)

// layout is what the metadata of an array say.
type layout struct {
	shape  []int64
	outer  []int64 // shape of what is stored as one object: chunks, or shards
	chunks []int64 // shape of what is decoded at once; of shards, the chunks inside
	typ    *Type
	fill   fill
	chain  *chain // of one object
	names  []string

	// Keys of objects: prefix, then the coordinates with a separator between.
	prefix   string
	sep      byte
	anySep   bool   // zarr 2 did not say which separator
	emptyKey string // of the one object of a scalar

	// odd is why the values cannot be read, though the metadata make sense.
	odd error
}

// parseArray2 reads a .zarray.
func parseArray2(f fields) (*layout, error) {
	if n, ok := asInt(f["zarr_format"]); !ok || n != 2 {
		return nil, corrupt("zarr_format is %s in a .zarray", brief(f["zarr_format"]))
	}
	l := &layout{sep: '.', emptyKey: "0", typ: &Type{}, chain: &chain{}}
	switch sep, given := f.text("dimension_separator"); {
	case sep == "/":
		l.sep = '/'
	case !given && !f.has("dimension_separator"):
		l.anySep = true
	case sep != ".":
		return nil, corrupt("the dimension_separator %s", brief(f["dimension_separator"]))
	}
	var err error
	if l.shape, err = f.sizes("shape"); err != nil {
		return nil, err
	}
	if l.outer, err = f.sizes("chunks"); err != nil {
		return nil, err
	}
	if err := l.checkChunks(); err != nil {
		return nil, err
	}
	typ, err := parseType2(f["dtype"], objectCodec(f))
	l.typ.Name = brief(f["dtype"])
	if err == nil {
		l.typ = typ
		l.chain, err = parseChain2(f, typ, len(l.shape))
	}
	if err == nil && (l.chain.inner == varied) == typ.fixed() {
		err = unsupported("elements of type %s without a codec for them", typ)
	}
	if err := l.setOdd(err); err != nil {
		return nil, err
	}
	return l, l.finish(f["fill_value"], 2)
}

// setOdd keeps what is unsupported for when values are read, and gives back other errors.
func (l *layout) setOdd(err error) error {
	if err == nil || !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrTooLarge) {
		return err
	}
	if l.odd == nil {
		l.odd = err
	}
	if l.chain == nil {
		l.chain = &chain{}
	}
	return nil
}

// checkChunks refuses what is no grid. Chunks of no rows are what old writers gave to arrays of none.
func (l *layout) checkChunks() error {
	if len(l.outer) != len(l.shape) {
		return corrupt("chunks %v of an array of shape %v", l.outer, l.shape)
	}
	for i, n := range l.outer {
		if n == 0 && l.shape[i] == 0 {
			l.outer[i] = 1
		} else if n == 0 {
			return corrupt("chunks %v", l.outer)
		}
	}
	return nil
}

// known3 are the members of a zarr.json; others must say that they need not be understood.
var known3 = map[string]bool{
	"zarr_format": true, "node_type": true, "attributes": true, "consolidated_metadata": true, "shape": true,
	"data_type": true, "chunk_grid": true, "chunk_key_encoding": true, "fill_value": true, "codecs": true,
	"storage_transformers": true, "dimension_names": true,
}

// checkMembers3 refuses members that a reader must understand and this one does not.
func checkMembers3(f fields) error {
	for name, raw := range f {
		if known3[name] {
			continue
		}
		var o fields
		if json.Unmarshal(raw, &o) == nil && string(o["must_understand"]) == "false" {
			continue
		}
		return unsupported("the metadata member %q", name)
	}
	return nil
}

// parseArray3 reads the zarr.json of an array.
func parseArray3(f fields) (*layout, error) {
	l := &layout{typ: &Type{}, chain: &chain{}}
	var err error
	if l.shape, err = f.sizes("shape"); err != nil {
		return nil, err
	}
	if err := l.setOdd(checkMembers3(f)); err != nil {
		return nil, err
	}
	if list, err := f.list("storage_transformers"); err != nil {
		return nil, err
	} else if len(list) > 0 {
		_ = l.setOdd(unsupported("the storage transformer %s", brief(list[0])))
	}
	if err := l.setOdd(l.parseGrid3(f)); err != nil {
		return nil, err
	}
	if l.odd != nil {
		return l, nil
	}
	if err := l.setOdd(l.parseKeys3(f)); err != nil {
		return nil, err
	}
	if names, ok := (Attr{f["dimension_names"]}).Texts(); ok {
		l.names = names
	}
	typ, err := parseType3(f["data_type"])
	l.typ.Name = brief(f["data_type"])
	if err == nil {
		l.typ = typ
		var list []json.RawMessage
		if list, err = f.list("codecs"); err == nil {
			l.chain, err = parseChain3(list, typ, l.outer, 0)
		}
	}
	if err == nil {
		l.typ = typ.withOrder(l.chain.big)
	}
	if err := l.setOdd(err); err != nil {
		return nil, err
	}
	return l, l.finish(f["fill_value"], 3)
}

func (l *layout) parseGrid3(f fields) error {
	name, config, err := named(f["chunk_grid"])
	if err != nil {
		return err
	}
	if name != "regular" {
		return unsupported("the chunk grid %q", name)
	}
	if l.outer, err = config.sizes("chunk_shape"); err != nil {
		return err
	}
	return l.checkChunks()
}

func (l *layout) parseKeys3(f fields) error {
	name, config, err := named(f["chunk_key_encoding"])
	if err != nil {
		return err
	}
	switch name {
	case "default":
		l.prefix, l.sep, l.emptyKey = "c", '/', "c"
	case "v2":
		l.sep, l.emptyKey = '.', "0"
	default:
		return unsupported("the chunk key encoding %q", name)
	}
	sep, given := config.text("separator")
	switch {
	case sep == "/" || sep == ".":
		l.sep = sep[0]
	case given || config.has("separator"):
		return corrupt("the separator %s", brief(config["separator"]))
	}
	return nil
}

// finish derives and checks the rest.
func (l *layout) finish(fillValue json.RawMessage, version int) error {
	l.chunks = l.outer
	if l.chain.opensShards() {
		l.chunks = l.chain.shard.chunks
	}
	if l.odd == nil && l.typ.fixed() && l.typ.Size == 0 {
		l.odd = unsupported("elements of no size (%s)", l.typ)
	}
	if l.odd != nil {
		return nil
	}
	var err error
	if l.fill, err = parseFill(fillValue, l.typ, version); err != nil {
		return err
	}
	size := max(int64(l.typ.Size), 1)
	if _, ok := mul(size, l.padded()); !ok {
		return corrupt("the shape %v", l.shape)
	}
	if n, ok := mul(size, l.chunks); !ok || n > MaxChunkBytes {
		l.odd = tooLarge("chunks of shape %v, more than %d bytes", l.chunks, MaxChunkBytes)
	}
	return nil
}

// padded is the shape of all chunks together.
func (l *layout) padded() []int64 {
	out := make([]int64, len(l.shape))
	for i, n := range l.shape {
		out[i] = max(n, 1)
		if c := l.outer[i]; n > 0 && c < maxBytes && n < maxBytes {
			out[i] = (n + c - 1) / c * c
		}
	}
	return out
}

// mul multiplies; false when the product is beyond maxBytes.
func mul(size int64, dims []int64) (int64, bool) {
	for _, d := range dims {
		if d > 0 && size > maxBytes/d {
			return 0, false
		}
		size *= d
	}
	return size, true
}

// key names the object at coordinates of the outer grid.
func (l *layout) key(coords []int64) string {
	if len(coords) == 0 {
		return l.emptyKey
	}
	b := make([]byte, 0, 48)
	b = append(b, l.prefix...)
	for i, c := range coords {
		if i > 0 || l.prefix != "" {
			b = append(b, l.sep)
		}
		b = strconv.AppendInt(b, c, 10)
	}
	return string(b)
}
