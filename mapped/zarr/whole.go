package zarr

// believed is how much a whole read may take whatever is stored: missing chunks are legal, and cost nothing to claim.
const believed = 1 << 28

// bestRatio is the most that stored bytes are believed to decode to, in whole reads beyond that.
const bestRatio = 1 << 14

// checkWhole refuses whole reads of n bytes that what is stored cannot justify.
func (a *Array) checkWhole(n int64) error {
	if n <= believed || n/bestRatio <= a.s.st.size(a.key) {
		return nil
	}
	return &Error{Kind: ErrTooLarge, Form: "more than what is stored can hold", Hint: "read it by rows"}
}

// Read reads all elements in native little-endian order. ErrType for elements without a fixed size.
func (a *Array) Read() ([]byte, error) {
	if err := a.readable(); err != nil {
		return nil, err
	}
	n := a.Len() * a.size
	if err := a.checkWhole(n); err != nil {
		return nil, a.fail(err)
	}
	dst := make([]byte, n)
	s := borrow()
	defer giveBack(s)
	if err := a.Rows(dst, 0, a.nRows(), s); err != nil {
		return nil, err
	}
	return dst, nil
}

// Strings reads all elements as strings: ClassString, ClassUnicode and ClassVLenString; ErrType for others. Strings of one
// chunk share memory: keeping one keeps the others.
func (a *Array) Strings() ([]string, error) {
	if a.l.odd != nil {
		return nil, a.fail(a.l.odd)
	}
	if !a.l.typ.isText() {
		return nil, a.fail(wrongType(a.l.typ, "a string"))
	}
	if a.l.typ.fixed() {
		raw, err := a.Read()
		if err != nil {
			return nil, err
		}
		out, err := fixedStrings(raw, a.l.typ)
		return out, a.fail(err)
	}
	out, err := a.varied()
	return out, a.fail(err)
}

// Blobs reads all elements of ClassVLenBytes.
func (a *Array) Blobs() ([]string, error) {
	if a.l.odd != nil {
		return nil, a.fail(a.l.odd)
	}
	if a.l.typ.Class != ClassVLenBytes {
		return nil, a.fail(wrongType(a.l.typ, "bytes of any length"))
	}
	out, err := a.varied()
	return out, a.fail(err)
}

// varied reads elements without a fixed size.
func (a *Array) varied() ([]string, error) {
	const header = 16 // bytes of a string in memory, beside its text
	if n, ok := mul(header, a.l.shape); !ok || a.checkWhole(n) != nil {
		return nil, &Error{Kind: ErrTooLarge, Form: "more elements than what is stored can hold"}
	}
	out := make([]string, a.Len())
	if len(out) == 0 {
		return out, nil
	}
	s := borrow()
	defer giveBack(s)
	for i := range a.chunks {
		if err := a.variedChunk(out, i, s); err != nil {
			return nil, a.chunkError(err, i)
		}
	}
	return out, nil
}

// variedChunk puts the strings of chunk i where they belong in out.
func (a *Array) variedChunk(out []string, i int64, s *Scratch) error {
	p, ok, err := a.locate(i, s)
	if err != nil {
		return err
	}
	var texts []string
	if ok {
		if texts, err = a.decodeVaried(p, s); err != nil {
			return err
		}
	}
	var c [maxRank]int64
	at := coords(&c, a.grid, i)
	a.place(at, func(inChunk, inArray int64) {
		if ok {
			out[inArray] = texts[inChunk]
		} else {
			out[inArray] = a.l.fill.text
		}
	})
	return nil
}

// decodeVaried gives the strings of a chunk in C order.
func (a *Array) decodeVaried(p place, s *Scratch) ([]string, error) {
	if err := a.plausible(p.n); err != nil {
		return nil, err
	}
	raw := grow(&s.raw, p.n)
	if err := a.readRaw(raw, p); err != nil {
		return nil, err
	}
	c := a.codecs()
	if c.inner != varied {
		return nil, unsupported("strings in shards within shards")
	}
	data, err := c.run(nil, raw, -1, s)
	if err != nil {
		return nil, err
	}
	texts, err := parseVaried(data, a.chunkElems, a.l.typ.Class == ClassVLenString)
	if err != nil || c.order == nil {
		return texts, err
	}
	return permuteTexts(texts, a.l.chunks, c.order), nil
}

// place calls fn for the elements of the chunk at grid coordinates that lie in the array, with their numbers in C order
// of the chunk and of the array.
func (a *Array) place(at []int64, fn func(inChunk, inArray int64)) {
	var pos, extent [maxRank]int64
	for k := range at {
		extent[k] = min(a.l.chunks[k], a.l.shape[k]-at[k]*a.l.chunks[k])
	}
	for {
		inChunk, inArray := int64(0), int64(0)
		for k := range at {
			inChunk = inChunk*a.l.chunks[k] + pos[k]
			inArray = inArray*a.l.shape[k] + at[k]*a.l.chunks[k] + pos[k]
		}
		fn(inChunk, inArray)
		k := a.rank - 1
		for ; k >= 0; k-- {
			if pos[k]++; pos[k] < extent[k] {
				break
			}
			pos[k] = 0
		}
		if k < 0 {
			return
		}
	}
}
