package mapped

import "context"

// ObsForm says what a column of obs is, by its headers alone: the values are not read.
type ObsForm struct {
	Key    string
	Source string // one of SourceCategorical, SourceString, SourceNumber, SourceBool; of a nullable column, of its values
	DType  string // numpy's name of the type of numbers; "" for text and categories
}

// ObsForms describes the columns of a store's obs in the order in which anndata shows them, the index left out. Columns of a form
// that this package does not read have neither source nor dtype.
//
// It fails with ErrBadFile, ErrChanged, ErrClosed, ErrIndex.
func (c *Collection) ObsForms(ctx context.Context, store int) ([]ObsForm, error) {
	if c.closed.Load() {
		return nil, errClosed()
	}
	if store < 0 || store >= len(c.stores) {
		return nil, fail(ErrIndex, stageRead, "store", "", "%d of %d", store, len(c.stores))
	}
	s := c.stores[store]
	f, err := s.obsFrame()
	if err != nil {
		return nil, err
	}
	keys, err := f.ordered()
	if err != nil {
		return nil, s.env.readError("/obs", err)
	}
	out := make([]ObsForm, 0, len(keys))
	for _, key := range keys {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		form, err := f.form(key)
		if err != nil {
			return nil, s.env.readError("/obs/"+key, err)
		}
		out = append(out, form)
	}
	return out, nil
}

func (f *frame) form(key string) (ObsForm, error) {
	if f.record != nil { // of anndata 0.6: whether integers are codes is seen in their values only
		c, err := f.readRecordColumn(key)
		if err != nil || c == nil {
			return ObsForm{Key: key}, err
		}
		return c.form(key), nil
	}
	n, err := f.group.child(key)
	if err != nil || n == nil {
		return ObsForm{Key: key}, err
	}
	if g, ok := n.(group); ok {
		codes, err := g.child("codes")
		if err != nil || codes != nil {
			return ObsForm{Key: key, Source: SourceCategorical}, err
		}
		if n, err = g.child("values"); err != nil {
			return ObsForm{}, err
		}
	}
	a, ok := n.(array)
	if !ok {
		return ObsForm{Key: key}, nil
	}
	pointed, err := a.hasAttr("categories") // anndata 0.7
	if err != nil || pointed {
		return ObsForm{Key: key, Source: SourceCategorical}, err
	}
	return formOfElem(key, a.elem()), nil
}

func formOfElem(key string, e elem) ObsForm {
	switch {
	case e.kind == elemText:
		return ObsForm{Key: key, Source: SourceString}
	case e.kind == elemNumber && e.dtype == boolType:
		return ObsForm{Key: key, Source: SourceBool, DType: e.dtype.String()}
	case e.kind == elemNumber:
		return ObsForm{Key: key, Source: SourceNumber, DType: e.dtype.String()}
	}
	return ObsForm{Key: key}
}

// form is the form of a column that was read.
func (c *column) form(key string) ObsForm {
	if c.source == SourceCategorical {
		return ObsForm{Key: key, Source: SourceCategorical}
	}
	if c.coded {
		return ObsForm{Key: key, Source: SourceString}
	}
	return formOfElem(key, elem{kind: elemNumber, dtype: c.dtype})
}
