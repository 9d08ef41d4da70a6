package codec

// Scratch holds what decoding needs beside the caller's memory: decoders, which are made on first use, and a buffer
// that grows to the largest Blosc block met. The zero value is ready. One goroutine at a time may use a
// Scratch, for any kinds of data; reusing it is what keeps decoding free of allocations.
type Scratch struct {
	inf  inflater
	zstd zstdDecoder
	tmp  []byte // a Blosc block before its bytes are brought into order
}

// maxKeep is how much a Scratch keeps between two calls.
const maxKeep = 16 << 20

func (s *Scratch) block(n int) []byte {
	if cap(s.tmp) < n {
		s.tmp = make([]byte, n)
	}
	return s.tmp[:n]
}

// trim gives up a buffer that one unusual chunk made large.
func (s *Scratch) trim() {
	if cap(s.tmp) > maxKeep {
		s.tmp = nil
	}
}
