package registry

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var rewrite = flag.Bool("update", false, "write docs/registry.md anew")

const pagePath = "../docs/registry.md"

const pageHead = `# What the registry keeps

This page is made of the table in [registry/schema.go](../registry/schema.go), from which SQL, lookups and checks are made too
(` + "`go test ./registry -run Page -update`" + ` writes it anew). A record has the fields of its model, and an ` + "`id`" + ` that holds in its own database only;
a reference to another record is that record's uid. “needed”: a record always has a value there; “fixed”: it is not changed
once the record is saved. Lookups go on through references and relations: ` + "`run__transform__key`" + `, ` + "`collections__name`" + `.

Artifacts, collections and transforms have versions. Those of a family have the first characters of their uids in common; exactly one of
them is the latest. How records are saved, changed and found is in [the wire's page](protocol.md#registry), and for Python in
[the guide](guide/registry.md).
`

func pageOf() string {
	var b strings.Builder
	b.WriteString(pageHead)
	for i := range Schema {
		t := &Schema[i]
		fmt.Fprintf(&b, "\n## %s\n\nA record is %s. Its uid has %d characters", t.Model, t.Doc, t.UID)
		if t.Stem > 0 {
			fmt.Fprintf(&b, ", %d of them the family's", t.Stem)
		}
		b.WriteString(".\n\n| field | is | |\n| --- | --- | --- |\n")
		for _, f := range t.Fields {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Name, f.Doc, strings.Join(f.notes(), ", "))
		}
		rows := t.relationRows()
		if len(rows) > 0 {
			fmt.Fprintf(&b, "\n| relation | to | |\n| --- | --- | --- |\n%s", strings.Join(rows, ""))
		}
	}
	return b.String()
}

// notes are what else there is to say of a field.
func (f Field) notes() []string {
	what := f.Type.String()
	if f.Type == Ref {
		what = string(f.To)
	}
	out := []string{what}
	if f.Choices != nil {
		out[0] = "one of " + strings.Join(f.Choices, ", ")
	}
	for _, n := range []struct {
		is   bool
		says string
	}{{f.Must, "needed"}, {f.Unique, "unique"}, {f.Fixed, "fixed"}} {
		if n.is {
			out = append(out, n.says)
		}
	}
	return out
}

func (t *Table) relationRows() []string {
	var out []string
	for _, r := range t.Relations {
		doc := r.Doc
		if r.Order != "" {
			doc += " (ordered)"
		}
		out = append(out, fmt.Sprintf("| `%s` | %s | %s |\n", r.Name, r.To, doc))
	}
	for i := range Schema {
		for _, f := range Schema[i].Fields {
			if f.Type == Ref && f.To == t.Model && f.Back != "" {
				out = append(out, fmt.Sprintf("| `%s` | %s | those whose `%s` it is |\n", f.Back, Schema[i].Model, f.Name))
			}
		}
	}
	return out
}

func TestThePageHasTheFieldsOfTheSchema(t *testing.T) {
	want := pageOf()
	if *rewrite {
		if err := os.WriteFile(pagePath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(pagePath)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/registry.md is not that of the schema: go test ./registry -run Page -update writes it anew")
	}
}
