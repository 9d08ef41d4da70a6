package codec

// Exchange of rows with columns in 8 × 8 matrices, in three rounds: of neighbours, of pairs, of fours. In each, of two
// words, the high fields of the first change place with the low fields of the second.

// transposeBytes makes byte j of word i byte i of word j.
func transposeBytes(w *[8]uint64) {
	const m1, m2, m4 = 0x00ff00ff00ff00ff, 0x0000ffff0000ffff, 0x00000000ffffffff
	a, b, c, d, e, f, g, h := w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]
	var t uint64
	t = (a>>8 ^ b) & m1
	a, b = a^t<<8, b^t
	t = (c>>8 ^ d) & m1
	c, d = c^t<<8, d^t
	t = (e>>8 ^ f) & m1
	e, f = e^t<<8, f^t
	t = (g>>8 ^ h) & m1
	g, h = g^t<<8, h^t
	t = (a>>16 ^ c) & m2
	a, c = a^t<<16, c^t
	t = (b>>16 ^ d) & m2
	b, d = b^t<<16, d^t
	t = (e>>16 ^ g) & m2
	e, g = e^t<<16, g^t
	t = (f>>16 ^ h) & m2
	f, h = f^t<<16, h^t
	t = (a>>32 ^ e) & m4
	a, e = a^t<<32, e^t
	t = (b>>32 ^ f) & m4
	b, f = b^t<<32, f^t
	t = (c>>32 ^ g) & m4
	c, g = c^t<<32, g^t
	t = (d>>32 ^ h) & m4
	d, h = d^t<<32, h^t
	*w = [8]uint64{a, b, c, d, e, f, g, h}
}

// transposeBits does the same, in each byte, with the bits: bit j of word i becomes bit i of word j.
func transposeBits(w *[8]uint64) {
	const m1, m2, m4 = 0x5555555555555555, 0x3333333333333333, 0x0f0f0f0f0f0f0f0f
	a, b, c, d, e, f, g, h := w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]
	var t uint64
	t = (a>>1 ^ b) & m1
	a, b = a^t<<1, b^t
	t = (c>>1 ^ d) & m1
	c, d = c^t<<1, d^t
	t = (e>>1 ^ f) & m1
	e, f = e^t<<1, f^t
	t = (g>>1 ^ h) & m1
	g, h = g^t<<1, h^t
	t = (a>>2 ^ c) & m2
	a, c = a^t<<2, c^t
	t = (b>>2 ^ d) & m2
	b, d = b^t<<2, d^t
	t = (e>>2 ^ g) & m2
	e, g = e^t<<2, g^t
	t = (f>>2 ^ h) & m2
	f, h = f^t<<2, h^t
	t = (a>>4 ^ e) & m4
	a, e = a^t<<4, e^t
	t = (b>>4 ^ f) & m4
	b, f = b^t<<4, f^t
	t = (c>>4 ^ g) & m4
	c, g = c^t<<4, g^t
	t = (d>>4 ^ h) & m4
	d, h = d^t<<4, h^t
	*w = [8]uint64{a, b, c, d, e, f, g, h}
}
