package daemon

import (
	"context"
	"fmt"
	"strings"

	"github.com/loaderd/loaderd/internal/tables"
	"github.com/loaderd/loaderd/mapped"
	"github.com/loaderd/loaderd/registry"
)

// contents is what a file holds, as far as the registry keeps it.
type contents struct {
	otype string
	rows  int64 // -1: not known
	slots []registry.Slot
	note  string // why there is not more
}

// readContents looks into AnnData files and tables. Of anything else, and of what can not be read, it knows nothing: data that
// loaderd can not read may be registered all the same.
func readContents(ctx context.Context, path, suffix string) (contents, error) {
	none := contents{rows: -1}
	switch {
	case strings.HasPrefix(suffix, ".h5ad."): // packed
		none.otype = "AnnData"
		return none, nil
	case suffix == ".h5ad":
		none.otype = "AnnData"
		return anndataContents(ctx, path, none)
	case strings.HasSuffix(suffix, ".zarr"), suffix == ".zarr.zip":
		return zarrContents(ctx, path, none)
	case tables.Known(path):
		return tableContents(path, none), nil
	}
	return none, nil
}

// zarrContents looks into a zarr store, which may hold anything: only what can be read as AnnData is that.
func zarrContents(ctx context.Context, path string, none contents) (contents, error) {
	c, err := anndataContents(ctx, path, none)
	if err == nil && c.note == "" {
		c.otype = "AnnData"
		return c, nil
	}
	return none, err
}

func anndataContents(ctx context.Context, path string, none contents) (contents, error) {
	c, err := mapped.Open(ctx, []string{path}, mapped.Options{LayersKeys: []string{}})
	if err == nil {
		defer c.Close()
		var forms []mapped.ObsForm
		if forms, err = c.ObsForms(ctx, 0); err == nil {
			return contents{otype: none.otype, rows: c.NObs(), slots: anndataSlots(forms, c.Var())}, nil
		}
	}
	if ctx.Err() != nil {
		return none, err
	}
	none.note = fmt.Sprintf("its features are not known, for it can not be read: %v", err)
	return none, nil
}

func anndataSlots(forms []mapped.ObsForm, vars []string) []registry.Slot {
	obs := registry.Slot{Name: "obs"}
	for _, f := range forms {
		obs.Names, obs.DTypes = append(obs.Names, f.Key), append(obs.DTypes, featureDType(f))
	}
	return []registry.Slot{obs, {Name: "var", Names: vars, DTypes: []string{"num"}}}
}

// featureDType is the dtype of a column as features have it.
func featureDType(f mapped.ObsForm) string {
	switch f.Source {
	case mapped.SourceCategorical:
		return "cat"
	case mapped.SourceString:
		return "str"
	case mapped.SourceBool:
		return "bool"
	case mapped.SourceNumber:
		if strings.Contains(f.DType, "float") {
			return "float"
		}
		return "int"
	}
	return "object"
}

func tableContents(path string, none contents) contents {
	t, err := tables.Read(path)
	if err != nil {
		none.note = fmt.Sprintf("its features are not known, for it can not be read: %v", err)
		return none
	}
	columns := registry.Slot{Name: "columns"}
	for _, c := range t.Columns {
		columns.Names, columns.DTypes = append(columns.Names, c.Name), append(columns.DTypes, c.DType)
	}
	return contents{rows: t.Rows, slots: []registry.Slot{columns}}
}
