package registry

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnImportedRecordFollowsItsFile(t *testing.T) {
	db := fresh(t)
	if _, err := db.ImportLamindb(context.Background(), instance(t), nil); err != nil {
		t.Fatal(err)
	}
	was := get(t, db, ModelArtifact, "VrxvH1pvtPDVVkjT0001")
	here := filepath.Join(t.TempDir(), "clean.h5ad")
	s := Save{Model: ModelArtifact, Record: Record{"path": here, "key": "clean.h5ad"}}
	for _, name := range []string{"hash", "hash_type", "size", "suffix"} {
		s.Record[name] = was[name]
	}
	if out := must(t, db, s); out.Moved != "" || out.Record["path"] != was["path"] {
		t.Errorf("with nothing at the new path either: %v", out)
	}
	if err := os.WriteFile(here, make([]byte, was.Int("size")), 0o600); err != nil { // the registry looks at no bytes
		t.Fatal(err)
	}
	for _, dry := range []bool{true, false} {
		s.Dry = dry
		out := must(t, db, s)
		if out.Created || out.Moved != was.Text("path") || out.Record.UID() != was.UID() || out.Record["path"] != here || out.Record["key"] != was["key"] {
			t.Errorf("got %v", out)
		}
		if notes := strings.Join(out.Notes, "\n"); !strings.Contains(notes, was.Text("path")) || !strings.Contains(notes, here) {
			t.Errorf("notes: %s", notes)
		}
		stored := get(t, db, ModelArtifact, was.UID())
		if moved := stored["path"] == here; moved == dry {
			t.Errorf("dry: %t, and it is at %v", dry, stored["path"])
		}
		// Its storage is the one that it lies in now: of a dry run, one that is there, or none.
		if root := out.Record["storage"]; !dry && (root == was["storage"] || root != stored["storage"]) || dry && root != nil {
			t.Errorf("dry: %t, in the storage %v, stored %v", dry, root, stored["storage"])
		}
	}
}
