package rowstore

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
)

// ErrSpec is wrapped by what Table says of a matrix that no table can hold.
var ErrSpec = errors.New("not a table")

// Spec names a matrix, and thereby a table: two with the same Spec share it.
type Spec struct {
	Source   string // absolute path of the file, for people, and to find tables that are outdated
	Identity string // of the file's content: it changes when the file does
	Matrix   string // path of the matrix in the file
	Rows     int64
	Cols     int
	DType    DType // of its elements
	NNZ      int64 // stored elements, for the estimate of what the table needs; 0: not known, as of a dense matrix
}

// maxRows is what footers can number.
const maxRows = math.MaxUint32

func (p Spec) validate() error {
	switch {
	case p.Rows < 0 || p.Rows > maxRows:
		return fmt.Errorf("rowstore: %w: %s of %s has %d rows: 0 to %d can be kept", ErrSpec, p.Matrix, p.Source, p.Rows, int64(maxRows))
	case p.Cols < 0 || int64(p.Cols) > math.MaxInt32:
		return fmt.Errorf("rowstore: %w: %s of %s has %d columns: 0 to %d can be kept", ErrSpec, p.Matrix, p.Source, p.Cols, math.MaxInt32)
	case p.DType.Size() == 0:
		return fmt.Errorf("rowstore: %w: %s of %s has elements of an unknown type (%d)", ErrSpec, p.Matrix, p.Source, p.DType)
	case p.NNZ < 0:
		return fmt.Errorf("rowstore: %w: %s of %s has %d stored elements", ErrSpec, p.Matrix, p.Source, p.NNZ)
	}
	return nil
}

// tableID is the digest of what a table is made for and of how it is laid out. Segments carry it.
type tableID [sha256.Size]byte

// folder is the name of the table's folder.
func (id tableID) folder() string { return hex.EncodeToString(id[:16]) }

func (p Spec) id() tableID {
	text := []byte("loaderd rows 1")
	for _, s := range []string{p.Source, p.Identity, p.Matrix} {
		text = binary.LittleEndian.AppendUint64(text, uint64(len(s)))
		text = append(text, s...)
	}
	for _, n := range []int64{p.Rows, int64(p.Cols), int64(p.DType), p.unit()} {
		text = binary.LittleEndian.AppendUint64(text, uint64(n))
	}
	return sha256.Sum256(text)
}

// unit is what addresses of the table count in: a record's own, or as many times more as it takes to number the bytes that
// the table could have at most. Rows of 2 kB lose a few bytes of a hundred to that in a table of 50 million.
func (p Spec) unit() int64 {
	u := int64(unit)
	for u < maxUnit && p.most()/u > addressMask {
		u *= 2
	}
	return u
}

const maxUnit = 4096

// most is about what the table takes when nothing can be written shorter.
func (p Spec) most() int64 {
	size := float64(p.DType.Size())
	values := float64(p.Rows) * float64(p.Cols) * size
	if p.NNZ > 0 {
		values = min(values, float64(p.NNZ)*(size+1)) // a byte of gap each
	}
	return int64(min(values+float64(p.Rows)*(headerSize+4*unit), math.MaxInt64/2))
}

// needs guesses what the table takes, from records that it has, and their bytes. Before there are rows, 2 bytes a stored
// element are usual (counts and log-normalised values).
func (p Spec) needs(records, bytes int64) int64 {
	if records > 0 {
		return int64((float64(bytes)/float64(records) + footerEntry) * float64(p.Rows))
	}
	if p.NNZ > 0 {
		return min(p.most(), 2*p.NNZ+p.Rows*(headerSize+2*unit))
	}
	return p.most()
}
