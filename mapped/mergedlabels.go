package mapped

import "context"

// Labels are the values of an obs column for all rows of a collection, in order.
type Labels struct {
	// DType is numpy's name of the values or, with Categories, of codes: int8, int16 or int32.
	DType string
	// Categories are what codes stand for, in no order, -1 for a missing label; nil
	// when values stand for themselves, of which NaN is a missing one.
	Categories []any
	// N is the number of rows.
	N int64

	dtype  dtype
	rows   []rowSet
	parts  []columnPart // of the stores: remap, or cast
	absent []byte       // of numbers: what a missing value looks like
}

// newLabels finds the column of a key, and makes the labels of its rows without their parts.
func (c *Collection) newLabels(ctx context.Context, key string) (*obsColumn, *Labels, error) {
	if c.closed.Load() {
		return nil, nil, errClosed()
	}
	col, names, err := c.obs(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	if col == nil {
		return nil, nil, fail(ErrUnknownKey, stageRead, "obs/"+key, didYouMean(key, names), "no store has %q in obs", key)
	}
	return col, &Labels{N: c.NObs(), rows: c.rowSets(), parts: make([]columnPart, len(col.parts))}, nil
}

// Labels gives the values of an obs column, which need not be among
// Options.ObsKeys, for the rows that the filter keeps. A store without the column
// has missing labels.
//
// Numbers have the type that numpy's hstack gives them. Text comes as codes, and so do
// integers and booleans if a label is missing in a whole column of them, filtered or not:
// numpy has them as objects.
//
// It fails with ErrUnknownKey for a key that no store has, ErrBadFile, ErrChanged, ErrClosed.
func (c *Collection) Labels(ctx context.Context, key string) (*Labels, error) {
	col, l, err := c.newLabels(ctx, key)
	if err != nil {
		return nil, err
	}
	var types []dtype
	objects, absent := false, false
	for i, p := range col.parts {
		if p.column == nil {
			absent = absent || l.rows[i].kept() > 0
			continue
		}
		l.parts[i].column = p.column
		d := p.column.valueType()
		types = append(types, d)
		objects = objects || !d.isFloat() && (d == noType || p.column.anyMissing(rowSet{rows: int64(p.column.n)}))
	}
	if l.dtype = promoteAll(types...); objects || absent && !l.dtype.isFloat() {
		l.codes()
	} else {
		l.numbers()
	}
	return l, nil
}

// valueType is the type of a column of numbers; none for text.
func (c *column) valueType() dtype {
	if text, _ := c.kinds(); text {
		return noType
	}
	return c.dtype
}

func (l *Labels) numbers() {
	l.DType, l.absent = l.dtype.String(), absentValue(l.dtype)
	for i, p := range l.parts {
		if p.column != nil {
			l.parts[i].cast = casterFor(l.dtype, p.column.dtype)
		}
	}
}

// codes numbers the labels of all stores. True, 1 and 1.0 stay apart: as text, which counts go by, they differ.
func (l *Labels) codes() {
	l.Categories = []any{}
	number := make(map[value]int32)
	coded := make(map[*column]columnPart)
	for i, p := range l.parts {
		if p.column == nil {
			continue
		}
		part, known := coded[p.column]
		if !known {
			part.column = p.column.toCodes()
			part.remap = make([]int32, len(part.column.table))
			for code, v := range part.column.table {
				if _, known := number[v]; !known {
					number[v] = int32(len(l.Categories))
					l.Categories = append(l.Categories, v.any())
				}
				part.remap[code] = number[v]
			}
			coded[p.column] = part
		}
		l.parts[i] = part
	}
	l.dtype = signedOf(newCodes(0, len(l.Categories)).width)
	l.DType = l.dtype.String()
}

// Size is how many bytes the values take.
func (l *Labels) Size() int64 { return l.N * int64(l.dtype.size()) }

// Write fills dst, which has room for Size bytes and starts at a multiple of 8.
func (l *Labels) Write(dst []byte) {
	for i, p := range l.parts {
		rows := l.rows[i]
		n := rows.kept() * int64(l.dtype.size())
		switch part := dst[:n]; {
		case l.Categories != nil && l.dtype == int8Type:
			writeCodes(view[int8](part), p, rows)
		case l.Categories != nil && l.dtype == int16Type:
			writeCodes(view[int16](part), p, rows)
		case l.Categories != nil:
			writeCodes(view[int32](part), p, rows)
		default:
			l.writeNumbers(part, p, rows)
		}
		dst = dst[n:]
	}
}

func writeCodes[T int8 | int16 | int32](dst []T, p columnPart, rows rowSet) {
	for k, row := range rows.all() {
		dst[k] = -1
		if p.column == nil {
			continue
		}
		if code := p.column.codes.at(row); code >= 0 {
			dst[k] = T(p.remap[code])
		}
	}
}

func (l *Labels) writeNumbers(dst []byte, p columnPart, rows rowSet) {
	size := l.dtype.size()
	var table []byte // the values of codes
	if p.column != nil && p.column.coded {
		table = p.column.numbers(l.dtype)
	}
	for k, row := range rows.all() {
		at := dst[int(k)*size : int(k+1)*size]
		switch c := p.column; {
		case c == nil || !c.has(row):
			copy(at, l.absent)
		case table != nil:
			copy(at, table[int(c.codes.at(row))*size:])
		default:
			p.cast(at, c.data[row*int64(c.dtype.size()):], 1)
		}
	}
}

// numbers are the entries of a column's table as d.
func (c *column) numbers(d dtype) []byte {
	size := d.size()
	out := alignedBytes(len(c.table) * size)
	one, cast := alignedBytes(8), alignedBytes(8)
	for i, v := range c.table {
		var from dtype
		switch v.kind {
		case boolValue:
			from, one[0] = boolType, byte(v.bits)
		case intValue:
			from, view[int64](one)[0] = int64Type, int64(v.bits)
		case uintValue:
			from, view[uint64](one)[0] = uint64Type, v.bits
		default:
			from, view[float64](one)[0] = float64Type, v.float()
		}
		casterFor(d, from)(cast, one, 1)
		copy(out[i*size:], cast[:size])
	}
	return out
}
