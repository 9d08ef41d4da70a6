package registry

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// features gives artifacts the features of their schemas of features, slot by slot. Schemas of other registries' terms, such as genes,
// are left out: their names are in packages of their own.
func (im *lamindbImport) features() error {
	dtypes, names := map[int64]string{}, map[int64]string{}
	err := im.src.rows("feature", func(row lamindbRow) error {
		names[row.int("id")], dtypes[row.int("id")] = row.text("name"), ourDType(row.text("_dtype_str"))
		return nil
	})
	if err != nil {
		return err
	}
	schemas := make(map[int64]*Slot)
	err = im.src.rows("schema", func(row lamindbRow) error {
		if row.text("itype") == "Feature" {
			schemas[row.int("id")] = new(Slot)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = im.src.rows("schemafeature", func(row lamindbRow) error {
		if s, f := schemas[row.int("schema_id")], row.int("feature_id"); s != nil && names[f] != "" {
			s.Names, s.DTypes = append(s.Names, names[f]), append(s.DTypes, dtypes[f])
		}
		return nil
	})
	if err != nil {
		return err
	}
	return im.src.rows("artifactschema", func(row lamindbRow) error {
		id, s := im.ref(ModelArtifact, row, "artifact_id"), schemas[row.int("schema_id")]
		if id == nil {
			return nil
		}
		if s == nil || len(s.Names) == 0 {
			im.out.LeftOut["schemas of artifacts that are not of features"]++
			return nil
		}
		slot := *s
		if slot.Name = row.text("slot"); slot.Name == "" {
			slot.Name = "columns"
		}
		return im.tx.saveSlots(ModelArtifact, id.(int64), []Slot{slot})
	})
}

// ourDType is lamindb's dtype of a feature in our words: "cat[ULabel]" is cat.
func ourDType(s string) string {
	base, _, _ := strings.Cut(s, "[")
	base, _, _ = strings.Cut(base, "|")
	switch strings.TrimSpace(strings.ToLower(base)) {
	case "int", "float", "bool", "str", "cat", "num":
		return strings.TrimSpace(strings.ToLower(base))
	case "datetime", "date":
		return "datetime"
	}
	return "object"
}

// lamindbRead are tables of which all that has a place here is read, and those that hold what every instance has.
var lamindbRead = []string{
	"user", "storage", "ulabel", "transform", "run", "artifact", "collection", "collectionartifact", "feature", "schema", "schemafeature", "artifactschema",
	"artifactulabel", "collectionulabel", "artifact_input_of_runs", "collection_input_of_runs", "artifact_recreating_runs", "collection_recreating_runs",
	"branch", "space",
}

// leftOut counts what has no place here: rows of other tables, of packages of terms too, and parts of records.
func (im *lamindbImport) leftOut() error {
	parts := []struct{ table, column, what string }{
		{"artifact", "extra_data", "artifacts' extra data"}, {"run", "extra_data", "runs' extra data"}, {"run", "report_id", "reports of runs"},
		{"run", "environment_id", "environments of runs"}, {"run", "initiated_by_run_id", "runs' initiators"}, {"artifact", "schema_id", "schemas that artifacts were checked against"},
	}
	for _, p := range parts {
		if slices.Contains(im.src.have[lamindbPrefix+p.table], p.column) {
			if err := im.count(lamindbPrefix+p.table, fmt.Sprintf("%s IS NOT NULL AND %s <> 'null'", p.column, p.column), p.what); err != nil {
				return err
			}
		}
	}
	for _, table := range slices.Sorted(maps.Keys(im.src.have)) {
		app, name, _ := strings.Cut(table, "_")
		switch app {
		case "django", "sqlite", "auth":
			continue
		}
		what := table
		if app+"_" == lamindbPrefix {
			if slices.Contains(lamindbRead, name) {
				continue
			}
			what = name
		}
		if err := im.count(table, "1", what); err != nil {
			return err
		}
	}
	return nil
}

func (im *lamindbImport) count(table, condition, what string) error {
	n, err := im.src.count(table, condition)
	if err == nil && n > 0 {
		im.out.LeftOut[what] += n
	}
	return err
}
