package rowstore

import "slices"

// A chooser finds the form in which the values of a row take the fewest bytes.
type chooser struct {
	form       form
	codes      []byte   // of byteForm and dictionaryForm
	words      []uint16 // of wordForm
	dictionary []byte
	exceptions []uint32 // positions

	distinct                        distinct
	widened, widenedMemory, aligned []byte
}

// sampled is how many elements are looked at before all are, to see whether they may be bytes.
const sampled = 64

// choose looks at the n elements of d in vals.
func (c *chooser) choose(d DType, vals []byte, n int) {
	size := d.Size()
	c.dictionary, c.exceptions, c.form = c.dictionary[:0], c.exceptions[:0], byteForm
	c.codes = slices.Grow(c.codes[:0], n)[:n]
	if size == 1 {
		copy(c.codes, vals)
		return
	}
	vals = realigned(vals, size, &c.aligned)
	costs := [numForms]int{rawForm: n * size, byteForm: n * size, wordForm: n * size}
	if head := min(n, sampled); c.tryBytes(d, vals[:head*size]) <= head/2 {
		misfits := c.tryBytes(d, vals)
		if misfits <= min(n/64, maxExceptions) {
			c.except(size, vals)
			return
		}
		costs[byteForm] = withExceptions(n, n, misfits, size)
	}
	entries, left := c.distinct.count(size, vals)
	costs[dictionaryForm] = withExceptions(n, n+entries*size, left, size)
	if least := min(costs[byteForm], costs[dictionaryForm]); d.hasWords() && 2*n < least {
		costs[wordForm] = withExceptions(n, 2*n, c.tryWords(d, vals), size)
	}
	c.form = rawForm
	for _, f := range []form{byteForm, dictionaryForm, wordForm} {
		if costs[f] < costs[c.form] {
			c.form = f
		}
	}
	switch c.form {
	case byteForm:
		c.back(d, byteForm, vals) // words have been there since
		c.except(size, vals)
	case wordForm:
		c.back(d, wordForm, vals)
		c.except(size, vals)
	case dictionaryForm:
		c.useDictionary(size)
	}
}

// withExceptions is how many bytes the sections of n values take: an exception costs its position, its column and
// itself. Where they are more than a few, they would cost too much time.
func withExceptions(n, bytes, exceptions, size int) int {
	if exceptions > min(n/8, maxExceptions) {
		return n * size
	}
	return bytes + exceptions*(8+size)
}
