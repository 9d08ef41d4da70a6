package h5

// Scratch is what decoding needs: buffers that grow to the largest chunk met, and inflaters. The zero
// value is ready. One goroutine at a time may use a Scratch, for any datasets of any files.
type Scratch struct{}
