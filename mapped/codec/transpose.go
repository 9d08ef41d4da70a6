package codec

// Exchange of rows with columns in 8 × 8 matrices, in three rounds: of neighbours, of pairs, of fours. In each, of two
// words, the high fields of the first change place with the low fields of the second.

// transposeBytes makes byte j of word i byte i of word j.
func transposeBytes(w *[8]uint64) {
	const m1, m2, m4 = 0x00ff00ff00ff00ff, 0x0000ffff0000ffff, 0x00000000ffffffff
	a, b, c, d, e, f, g, h := w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]
	a, b = a&m1|b&m1<<8, a>>8&m1|b&^m1
	c, d = c&m1|d&m1<<8, c>>8&m1|d&^m1
	e, f = e&m1|f&m1<<8, e>>8&m1|f&^m1
	g, h = g&m1|h&m1<<8, g>>8&m1|h&^m1
	a, c = a&m2|c&m2<<16, a>>16&m2|c&^m2
	b, d = b&m2|d&m2<<16, b>>16&m2|d&^m2
	e, g = e&m2|g&m2<<16, e>>16&m2|g&^m2
	f, h = f&m2|h&m2<<16, f>>16&m2|h&^m2
	a, e = a&m4|e&m4<<32, a>>32&m4|e&^m4
	b, f = b&m4|f&m4<<32, b>>32&m4|f&^m4
	c, g = c&m4|g&m4<<32, c>>32&m4|g&^m4
	d, h = d&m4|h&m4<<32, d>>32&m4|h&^m4
	*w = [8]uint64{a, b, c, d, e, f, g, h}
}

// transposeBits does the same, in each byte, with the bits: bit j of word i becomes bit i of word j.
func transposeBits(w *[8]uint64) {
	const m1, m2, m4 = 0x5555555555555555, 0x3333333333333333, 0x0f0f0f0f0f0f0f0f
	a, b, c, d, e, f, g, h := w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]
	a, b = a&m1|b&m1<<1, a>>1&m1|b&^m1
	c, d = c&m1|d&m1<<1, c>>1&m1|d&^m1
	e, f = e&m1|f&m1<<1, e>>1&m1|f&^m1
	g, h = g&m1|h&m1<<1, g>>1&m1|h&^m1
	a, c = a&m2|c&m2<<2, a>>2&m2|c&^m2
	b, d = b&m2|d&m2<<2, b>>2&m2|d&^m2
	e, g = e&m2|g&m2<<2, e>>2&m2|g&^m2
	f, h = f&m2|h&m2<<2, f>>2&m2|h&^m2
	a, e = a&m4|e&m4<<4, a>>4&m4|e&^m4
	b, f = b&m4|f&m4<<4, b>>4&m4|f&^m4
	c, g = c&m4|g&m4<<4, c>>4&m4|g&^m4
	d, h = d&m4|h&m4<<4, d>>4&m4|h&^m4
	*w = [8]uint64{a, b, c, d, e, f, g, h}
}
