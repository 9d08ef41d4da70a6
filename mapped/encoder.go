package mapped

import "context"

// EncoderOptions say how batches look.
type EncoderOptions struct {
	Format Format
	// DType of layers and obsm, numpy's name. "" is the promoted type of the stores.
	DType string
	// MayPad adds the mask of _idx.
	MayPad bool
}

// Encoder writes rows of a collection into memory. It is immutable and shared by goroutines.
type Encoder struct{}

// NewEncoder checks that the collection can be given in this form.
func (c *Collection) NewEncoder(o EncoderOptions) (*Encoder, error) { panic("todo") }

// Fields lists the fields of a batch in the order of its buffers.
func (e *Encoder) Fields() []Field { panic("todo") }

// Bounds appends to caps[:0], for each csr field, how many values these rows can have.
func (e *Encoder) Bounds(rows []int64, caps []int) []int { panic("todo") }

// MaxBounds is Bounds of the n rows with the most values.
func (e *Encoder) MaxBounds(n int) []int { panic("todo") }

// NewBatch makes a batch, to be used again and again by one owner.
func (e *Encoder) NewBatch() *Batch { panic("todo") }

// Batch is the state of one batch being written.
type Batch struct{}

// Begin starts a batch.
func (b *Batch) Begin(rows []int64, pad int, bufs [][]byte, caps []int) error { panic("todo") }

// Fill writes rows [lo, hi) of the batch.
func (b *Batch) Fill(ctx context.Context, s *Scratch, lo, hi int) error { panic("todo") }

// Finish ends the batch and gives the number of values of each csr field.
func (b *Batch) Finish() (nnz []int, err error) { panic("todo") }

// Scratch is the working memory of one goroutine.
type Scratch struct{}

// NewScratch makes a scratch that grows to what it needs.
func NewScratch() *Scratch { panic("todo") }
