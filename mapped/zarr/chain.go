package zarr

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/loaderd/loaderd/mapped/codec"
)

// maxRank is the most dimensions an array may have.
const maxRank = 32

// inner says what the bytes behind all compression are.
type inner uint8

const (
	plain   inner = iota // elements of a fixed size, one after the other
	varied               // vlen-utf8 and vlen-bytes
	sharded              // chunks with an index
)

// stepOp is a codec from bytes to bytes.
type stepOp uint8

const (
	opDecode     stepOp = iota // kind
	opCRC32C                   // checksum behind the bytes
	opFletcher32               // checksum behind the bytes
	opCRC32                    // checksum before the bytes: numcodecs'
	opAdler32                  // checksum before the bytes
	opShuffle                  // bytes of elements of size width, apart
)

// step undoes one codec.
type step struct {
	op    stepOp
	kind  codec.Kind
	width int
}

// keeps says that the step's output has a size known from its input.
func (s step) keeps() bool { return s.op != opDecode }

// chain is how chunks of an array are encoded, in the order of decoding.
type chain struct {
	steps []step
	inner inner
	big   bool // byte order of the plain elements, for zarr 3
	shard *shard
	// order says which axis of the chunk each stored axis is; nil when they are the same.
	order []int
}

// direct says that stored bytes are the elements.
func (c *chain) direct() bool { return len(c.steps) == 0 && c.inner == plain && c.order == nil }

// opensShards says that chunks inside the objects can be read apart: nothing is encoded around the shard.
func (c *chain) opensShards() bool {
	return c.inner == sharded && len(c.steps) == 0 && c.order == nil
}

// shard is the codec sharding_indexed.
type shard struct {
	chunks     []int64 // shape of the chunks inside
	codecs     *chain
	atStart    bool
	indexSteps []step
	indexBig   bool
}

// parseChain2 reads "filters", "compressor" and "order" of zarr 2.
func parseChain2(f fields, t *Type, rank int) (*chain, error) {
	c := &chain{}
	switch order, _ := f.text("order"); order {
	case "C", "":
	case "F":
		if rank > 1 {
			for i := range rank {
				c.order = append(c.order, rank-1-i)
			}
		}
	default:
		return nil, corrupt("the order %q", order)
	}
	if f.has("compressor") {
		o, err := f.object("compressor")
		if err != nil {
			return nil, err
		}
		id, _ := o.text("id")
		if err := c.add(id, o, t); err != nil {
			return nil, err
		}
	}
	filters, err := f.list("filters")
	if err != nil {
		return nil, err
	}
	for i, raw := range slices.Backward(filters) {
		var o fields
		if json.Unmarshal(raw, &o) != nil {
			return nil, corrupt("the filter %s", brief(raw))
		}
		id, _ := o.text("id")
		if i == 0 && (id == "vlen-utf8" || id == "vlen-bytes") {
			if t.fixed() {
				return nil, unsupported("the filter %q for elements of type %s", id, t)
			}
			c.inner = varied
			continue
		}
		if err := c.add(id, o, t); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// objectCodec is the id of the first filter, which says what objects are.
func objectCodec(f fields) string {
	filters, err := f.list("filters")
	if err != nil || len(filters) == 0 {
		return ""
	}
	var o fields
	if json.Unmarshal(filters[0], &o) != nil {
		return ""
	}
	id, _ := o.text("id")
	return id
}

var codecKinds = map[string]codec.Kind{
	"gzip": codec.Gzip, "zlib": codec.Zlib, "zstd": codec.Zstd, "lz4": codec.LZ4Sized, "blosc": codec.Blosc,
}

// add appends the step that undoes a codec from bytes to bytes.
func (c *chain) add(id string, config fields, t *Type) error {
	if kind, ok := codecKinds[id]; ok {
		c.steps = append(c.steps, step{op: opDecode, kind: kind})
		return nil
	}
	switch id {
	case "crc32c":
		if at, ok := config.text("location"); ok && at != "end" {
			return unsupported("codec %q with its checksum at the %s", id, at)
		}
		c.steps = append(c.steps, step{op: opCRC32C})
	case "fletcher32":
		c.steps = append(c.steps, step{op: opFletcher32})
	case "crc32", "adler32":
		if at, ok := config.text("location"); ok && at != "start" {
			return unsupported("codec %q with its checksum at the %s", id, at)
		}
		op := opCRC32
		if id == "adler32" {
			op = opAdler32
		}
		c.steps = append(c.steps, step{op: op})
	case "shuffle":
		width := int64(4)
		if config.has("elementsize") {
			n, ok := asInt(config["elementsize"])
			if !ok || n < 1 || n > 1<<16 {
				return corrupt("codec %q with elements of %s bytes", id, brief(config["elementsize"]))
			}
			width = n
		} else if t.Size > 0 {
			width = int64(t.Size)
		}
		if width > 1 {
			c.steps = append(c.steps, step{op: opShuffle, width: int(width)})
		}
	default:
		return unsupported("codec %q", id)
	}
	return nil
}

// parseChain3 reads "codecs" of zarr 3, for chunks of the given shape. depth counts shards within shards.
func parseChain3(list []json.RawMessage, t *Type, chunk []int64, depth int) (*chain, error) {
	const maxCodecs, maxDepth = 64, 4
	if len(list) == 0 || len(list) > maxCodecs {
		return nil, corrupt("a chain of %d codecs", len(list))
	}
	if depth > maxDepth {
		return nil, unsupported("more than %d shards within shards", maxDepth)
	}
	c := &chain{}
	have := false // the codec from array to bytes
	var steps []step
	for _, raw := range list {
		name, config, err := named(raw)
		if err != nil {
			return nil, err
		}
		if id, ok := strings.CutPrefix(name, "numcodecs."); ok {
			name = id
		}
		if isBytes, err := c.arrayCodec(name, config, t, chunk, depth); err != nil {
			return nil, err
		} else if isBytes != notArray {
			if have {
				return nil, corrupt("codec %q behind another one that makes bytes", name)
			}
			have = isBytes == toBytes
			continue
		}
		if !have {
			if _, known := codecKinds[name]; known {
				return nil, corrupt("codec %q before one that makes bytes", name)
			}
			return nil, unsupported("codec %q", name)
		}
		one := chain{}
		if err := one.add(name, config, t); err != nil {
			return nil, err
		}
		steps = append(steps, one.steps...)
	}
	if !have {
		return nil, corrupt("no codec that makes bytes")
	}
	slices.Reverse(steps)
	c.steps = steps
	return c, nil
}

// What arrayCodec found.
const (
	notArray = iota
	toArray
	toBytes
)

// arrayCodec takes the codecs that know of arrays.
func (c *chain) arrayCodec(name string, config fields, t *Type, chunk []int64, depth int) (int, error) {
	stored := chunk
	if c.order != nil {
		stored = make([]int64, len(chunk))
		for i, axis := range c.order {
			stored[i] = chunk[axis]
		}
	}
	switch name {
	case "transpose":
		return toArray, c.transpose(config, len(chunk))
	case "bytes":
		if !t.fixed() {
			return 0, corrupt("codec %q for elements of type %s", name, t)
		}
		switch endian, _ := config.text("endian"); endian {
		case "big":
			c.big = true
		case "little":
		case "":
			if t.width() > 1 && config.has("endian") {
				return 0, corrupt("codec %q with the byte order %s", name, brief(config["endian"]))
			}
		default:
			return 0, corrupt("codec %q with the byte order %q", name, endian)
		}
		return toBytes, nil
	case "vlen-utf8", "vlen-bytes":
		want := ClassVLenString
		if name == "vlen-bytes" {
			want = ClassVLenBytes
		}
		if t.Class != want {
			return 0, corrupt("codec %q for elements of type %s", name, t)
		}
		c.inner = varied
		return toBytes, nil
	case "sharding_indexed":
		c.inner = sharded
		var err error
		c.shard, err = parseShard(config, t, stored, depth)
		if err == nil {
			c.big = c.shard.codecs.big
		}
		return toBytes, err
	}
	return notArray, nil
}

// transpose composes another order with those before it.
func (c *chain) transpose(config fields, rank int) error {
	raw := config["order"]
	if s, ok := asText(raw); ok && (s == "C" || s == "F") { // of early drafts
		if s == "C" {
			return nil
		}
		return c.permute(reversed(rank))
	}
	list, err := config.list("order")
	if err != nil {
		return err
	}
	order := make([]int, len(list))
	for i, raw := range list {
		n, ok := asInt(raw)
		if !ok || n < 0 || n >= int64(rank) || slices.Contains(order[:i], int(n)) {
			return corrupt("transpose with the order %s", brief(config["order"]))
		}
		order[i] = int(n)
	}
	if len(order) != rank {
		return corrupt("transpose of %d axes for %d dimensions", len(order), rank)
	}
	return c.permute(order)
}

func reversed(rank int) []int {
	out := make([]int, rank)
	for i := range out {
		out[i] = rank - 1 - i
	}
	return out
}

func (c *chain) permute(order []int) error {
	if c.order != nil {
		for i, axis := range order {
			order[i] = c.order[axis]
		}
	}
	c.order = order
	for i, axis := range order {
		if i != axis {
			return nil
		}
	}
	c.order = nil
	return nil
}

func parseShard(config fields, t *Type, outer []int64, depth int) (*shard, error) {
	s := &shard{}
	var err error
	if s.chunks, err = config.sizes("chunk_shape"); err != nil {
		return nil, err
	}
	if len(s.chunks) != len(outer) {
		return nil, corrupt("chunks of %d dimensions in shards of %d", len(s.chunks), len(outer))
	}
	for i, n := range s.chunks {
		if n < 1 || outer[i]%n != 0 {
			return nil, corrupt("chunks of shape %v in shards of %v", s.chunks, outer)
		}
	}
	list, err := config.list("codecs")
	if err != nil {
		return nil, err
	}
	if s.codecs, err = parseChain3(list, t, s.chunks, depth+1); err != nil {
		return nil, err
	}
	switch at, given := config.text("index_location"); {
	case at == "start":
		s.atStart = true
	case at != "end" && (given || config.has("index_location")):
		return nil, corrupt("a shard's index at %s", brief(config["index_location"]))
	}
	return s, s.parseIndexCodecs(config)
}

// parseIndexCodecs accepts those that keep the index's size: an order of bytes and checksums.
func (s *shard) parseIndexCodecs(config fields) error {
	list, err := config.list("index_codecs")
	if err != nil {
		return err
	}
	index := &Type{Class: ClassInt, Size: 8, Name: "uint64"}
	c, err := parseChain3(list, index, []int64{1}, 0)
	if err != nil {
		return err
	}
	for _, step := range c.steps {
		if step.op != opCRC32C && step.op != opFletcher32 && step.op != opCRC32 && step.op != opAdler32 {
			return unsupported("a compressed shard index")
		}
	}
	if c.inner != plain {
		return unsupported("a shard index that is no plain array")
	}
	s.indexSteps, s.indexBig = c.steps, c.big
	return nil
}
