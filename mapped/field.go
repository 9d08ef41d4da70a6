package mapped

import "fmt"

// Format is how sparse layers reach a batch.
type Format uint8

const (
	// Dense gives layers as n × width values.
	Dense Format = iota
	// CSR gives layers as indptr, indices and values.
	CSR
)

// String gives "dense" or "csr".
func (f Format) String() string { return [...]string{"dense", "csr"}[min(f, CSR)] }

// ParseFormat reads "dense" and "csr".
func ParseFormat(s string) (Format, error) {
	switch s {
	case "dense":
		return Dense, nil
	case "csr":
		return CSR, nil
	}
	return 0, fail(ErrInvalid, stageEncode, "format", `use "dense" or "csr"`, "%q is not a format", s)
}

// Kind is the shape of a field.
type Kind uint8

const (
	// KindDense is one buffer of n × Width values.
	KindDense Kind = iota
	// KindCSR is three buffers: indptr (n+1, int32), indices (nnz, int32) and values (nnz).
	KindCSR
	// KindColumn is one buffer of n values.
	KindColumn
	// KindMask is one buffer of n bytes; 1 means that field Of has a value in this row.
	KindMask
)

// String gives "dense", "csr", "column" or "mask".
func (k Kind) String() string {
	if k > KindMask {
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
	return [...]string{"dense", "csr", "column", "mask"}[k]
}

// Buffers is how many buffers a field of this kind has.
func (k Kind) Buffers() int {
	if k == KindCSR {
		return 3
	}
	return 1
}

// Field describes one field of a batch.
type Field struct {
	Name  string
	Kind  Kind
	DType string // numpy's name of the values' type
	Width int    // columns of a dense or csr field, else 1
	Of    string // for a mask: the field it speaks of
	// Categories is the table of a column of codes: bool, int64, uint64, float64 or string.
	Categories []any
}

const (
	storeIdxName = "_store_idx"
	idxName      = "_idx"
	obsmPrefix   = "obsm_"
	maskPrefix   = "mask:"
)

// Source says what an obs column is in the files.
const (
	SourceCategorical = "categorical"
	SourceString      = "string"
	SourceNumber      = "number"
	SourceBool        = "bool"
	SourceNullable    = "nullable"
)

// Label is one row of an encoder: a value and the code it becomes.
type Label struct {
	Value any // bool, int64, uint64, float64 or string
	Code  int64
}

// Column describes an obs column of a collection.
type Column struct {
	Key   string
	DType string // of the batch field
	// Encoded says that the batch holds codes which follow Encoder.
	Encoded bool
	// Categories is the table that codes point into, sorted: of encoded columns
	// (without the unknown label), and of string and categorical ones. Else nil.
	Categories []any
	// Encoder lists all labels with their codes, the unknown label (-1) first. nil if not Encoded.
	Encoder []Label
	// Source is one of the Source constants; of several stores, the first that has the column.
	Source string
	// Absent are the numbers of the stores without the column.
	Absent []int
	// Missing says whether any row of the collection has no value.
	Missing bool
}
