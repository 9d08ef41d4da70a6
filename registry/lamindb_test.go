package registry

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// instance is a copy of the recorded lamindb instance, changed by statements.
func instance(t *testing.T, statements ...string) string {
	t.Helper()
	packed, err := os.ReadFile("testdata/lamindb/lamindb.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "lamin.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if len(statements) == 0 {
		return path
	}
	db, err := sql.Open(driverName, source(path, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return path
}

// all is fields of all records of a model, by the first of them.
func all(t *testing.T, db *DB, m Model, fields ...string) string {
	t.Helper()
	rows, err := db.Values(context.Background(), Query{Model: m, All: true, OrderBy: fields[:1]}, fields)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, r := range rows {
		line := fmt.Sprint(r)
		fmt.Fprintln(&out, line[1:len(line)-1])
	}
	return out.String()
}

func TestALamindbInstanceIsImportedWhole(t *testing.T) {
	db := fresh(t)
	path := instance(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out, err := db.ImportLamindb(context.Background(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[Model]int64{ModelUser: 1, ModelStorage: 1, ModelULabel: 4, ModelTransform: 4, ModelRun: 4, ModelArtifact: 9, ModelCollection: 3}
	if !reflect.DeepEqual(out.Added, want) || len(out.There) != 0 || len(out.Notes) != 0 {
		t.Errorf("it added %v, had %v, says %q", out.Added, out.There, out.Notes)
	}
	if want := map[string]int64{"project": 1, "record": 1}; !reflect.DeepEqual(out.LeftOut, want) {
		t.Errorf("it left out %v", out.LeftOut)
	}
	for _, tt := range []struct {
		name, got, want string
	}{
		{"artifacts", all(t, db, ModelArtifact, "id", "key", "path", "hash", "hash_type", "size", "n_files", "n_observations", "otype", "visibility", "version", "is_latest"), `
1 cells/raw.h5ad /tmp/recorded/store/.lamindb/nzigOfr9uZFNFMEq0000.h5ad 4nj_qcEmxrUXXFB1-t6Glw md5 19536 <nil> 3 AnnData 0 <nil> true
2 cells/clean.h5ad /tmp/recorded/store/.lamindb/VrxvH1pvtPDVVkjT0000.h5ad 7BxjdCkF5seUu1MO6-N3KQ md5 19536 <nil> 3 AnnData 0 1 false
3 cells/clean.h5ad /tmp/recorded/store/.lamindb/VrxvH1pvtPDVVkjT0001.h5ad nSml1uu-yXsfarCWBO3aEg md5 19536 <nil> 3 AnnData 0 2 true
4 samples.parquet /tmp/recorded/store/.lamindb/EhOWnCtXcNMqeAOP0000.parquet JSDbxlEgQ2u5mkzMrU6X_g md5 2110 <nil> 2 DataFrame 0 <nil> true
5 given/real.txt /tmp/recorded/store/given/real.txt dLVexYdSzb7PubxidieH1w md5 22 <nil> <nil> <nil> 0 <nil> true
6 images /tmp/recorded/store/.lamindb/bgcCUg61PRFUa2PW 0z5uIo-CgCG9aHJydlaIWw md5-d 3 3 <nil> <nil> 0 <nil> true
7 <nil> /tmp/recorded/store/.lamindb/kZNxfUgEI1JudIR30000.txt z80ghJXVZe9m59_5-Ydk2g md5 1 <nil> <nil> <nil> 0 <nil> true
8 trashed.txt /tmp/recorded/store/.lamindb/KoS2vIj0BJrNAOA60000.txt xMpCOKC5I4INzFCab3WEmw md5 1 <nil> <nil> <nil> 2 <nil> true
9 archived.txt /tmp/recorded/store/.lamindb/5YiQRVhjkRxvPNjO0000.txt yB5yjZ1ML2NvBn-JzBSGLA md5 1 <nil> <nil> <nil> 1 <nil> true
`},
		{"how they hang together", all(t, db, ModelArtifact, "id", "created_by__handle", "storage__root", "run__name", "transform__key", "ulabels__name", "input_of__transform__key", "previous_runs__name", "collections__version"), `
1 anonymous /tmp/recorded/store <nil> <nil> [lung checked] [qc.py atlas.ipynb] [] [1 2.0]
2 anonymous /tmp/recorded/store first qc.py [blood] [atlas.ipynb] [second] [2.0]
3 anonymous /tmp/recorded/store second qc.py [] [atlas.ipynb] [] [1 2.0]
4 anonymous /tmp/recorded/store <nil> <nil> [] [] [] []
5 anonymous /tmp/recorded/store <nil> <nil> [] [] [] []
6 anonymous /tmp/recorded/store <nil> <nil> [] [] [] []
7 anonymous /tmp/recorded/store <nil> <nil> [] [] [] []
8 anonymous /tmp/recorded/store <nil> <nil> [] [] [] []
9 anonymous /tmp/recorded/store <nil> <nil> [] [] [] []
`},
		{"collections", all(t, db, ModelCollection, "id", "uid", "name", "key", "description", "hash", "version", "is_latest", "visibility", "reference", "meta_artifact__key", "run__transform__key", "ulabels__name", "artifacts__id", "input_of__transform__key"), `
1 9nhNVoaHD24uiQEl0000 atlas atlas both N3PBvkwXTrwANnY7Qq_KCQ 1 false 0 https://example.org/atlas samples.parquet atlas.ipynb [lung] [3 1] []
2 9nhNVoaHD24uiQEl0001 atlas atlas both 0NnRJwn0-ZYq6YkeU7PQRQ 2.0 true 0 <nil> <nil> atlas.ipynb [] [3 1 2] [train.py]
3 hoEcAoBmNQx2FKLd0000 gone gone <nil> SDkIuxzu_mbIPV6pf747qw <nil> true 2 <nil> <nil> <nil> [] [4] []
`},
		{"transforms", all(t, db, ModelTransform, "id", "uid", "key", "type", "source_code", "version", "is_latest", "runs__name"), `
1 Df66aZxsAdPs0000 qc.py script print(1) 1 false [first]
2 Df66aZxsAdPs0001 qc.py script print(2) 2 true [second]
3 XPadFhmGjEr00000 atlas.ipynb script [] <nil> true []
4 qHkPThBtDJIv0000 train.py script train() <nil> true []
`},
		{"runs", all(t, db, ModelRun, "id", "uid", "status", "params", "started_at"), `
1 BEFcAU9cvxSbfktl started map[genes:[g1] threshold:0.5] 2026-11-26 10:16:25.654 +0000 UTC
2 jk90xQ8DmP2F7jw8 started <nil> 2026-11-26 10:16:27.24 +0000 UTC
3 QYeiKmZKX3BdElR5 started <nil> 2026-11-26 10:16:28.427 +0000 UTC
4 NgPncxLpeqQNOOFi started <nil> 2026-11-26 10:16:28.961 +0000 UTC
`},
		{"labels", all(t, db, ModelULabel, "id", "uid", "name", "type__name", "is_type", "created_at"), `
1 HmzyLeEf organ <nil> true 2026-11-26 10:16:25.209 +0000 UTC
2 uQ47CL28 lung organ false 2026-11-26 10:16:25.248 +0000 UTC
3 iWiRLbsw blood organ false 2026-11-26 10:16:25.34 +0000 UTC
4 4UP3dyO4 checked <nil> false 2026-11-26 10:16:25.482 +0000 UTC
`},
	} {
		if tt.got != strings.TrimPrefix(tt.want, "\n") {
			t.Errorf("%s:\n%s", tt.name, tt.got)
		}
	}
	features, err := db.Features(context.Background(), ModelArtifact, "nzigOfr9uZFNFMEq0000")
	if err != nil || len(features) != 1 || features[0].Name != "obs" || fmt.Sprint(features[0].Names, features[0].DTypes) != "[cell_type score] [str float]" {
		t.Errorf("features: %v, %v", features, err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the instance was changed: %v", err)
	}
}

func TestASecondImportAddsWhatIsNewOnly(t *testing.T) {
	db := fresh(t)
	must(t, db, Save{Model: ModelULabel, Record: Record{"name": "lung", "description": "ours"}})
	if _, err := db.ImportLamindb(context.Background(), instance(t), nil); err != nil {
		t.Fatal(err)
	}
	dump := func() string {
		return all(t, db, ModelArtifact, "uid", "updated_at", "ulabels__name", "input_of__uid", "version") + all(t, db, ModelCollection, "uid", "artifacts__uid", "order_hash")
	}
	first := dump()
	out, err := db.ImportLamindb(context.Background(), instance(t), nil)
	if err != nil || len(out.Added) != 0 || out.Links != 0 || out.There[ModelArtifact] != 9 || dump() != first {
		t.Errorf("imported again: %+v, %v", out, err)
	}
	if got := all(t, db, ModelULabel, "name", "description"); !strings.Contains(got, "lung ours") || len(out.Notes) != 1 || !strings.Contains(out.Notes[0], "one with it here: 1") {
		t.Errorf("labels:\n%s%q", got, out.Notes)
	}
	newer := instance(t, `INSERT INTO lamindb_artifact SELECT version_tag, 1, is_locked, _aux, created_at, updated_at, 100, 'VrxvH1pvtPDVVkjT0002', key, _real_key, description, suffix, kind, otype,
		size, 'another', n_files, n_observations, _hash_type, _key_is_virtual, _overwrite_versions, branch_id, created_on_id, run_id, schema_id, space_id, storage_id, created_by_id, extra_data
		FROM lamindb_artifact WHERE id = 3`, `INSERT INTO lamindb_artifactulabel (artifact_id, ulabel_id, created_by_id) VALUES (100, 2, 1)`)
	var told int64
	out, err = db.ImportLamindb(context.Background(), newer, func(done, total int64) { told = total })
	if err != nil || !reflect.DeepEqual(out.Added, map[Model]int64{ModelArtifact: 1}) || out.Links != 1 || told != 0 {
		t.Errorf("a newer one: %+v, %v, told of %d", out, err, told)
	}
	want := "VrxvH1pvtPDVVkjT0000 1 false\nVrxvH1pvtPDVVkjT0001 2 false\nVrxvH1pvtPDVVkjT0002 3 true\n"
	if got := all(t, db, ModelArtifact, "uid", "version", "is_latest"); !strings.Contains(got, want) {
		t.Errorf("versions:\n%s", got)
	}
	next := must(t, db, Save{Model: ModelArtifact, Record: file("next", "key", "cells/clean.h5ad")})
	if next.Record.UID() != "VrxvH1pvtPDVVkjT0003" || next.Record.Text("version") != "4" {
		t.Errorf("the next version is %v", next.Record)
	}
}

// Both sides number the versions of a family, so that two of one uid need not be one.
func TestAnImportTellsVersionsOfBothSidesApart(t *testing.T) {
	db := fresh(t)
	if _, err := db.ImportLamindb(context.Background(), instance(t), nil); err != nil {
		t.Fatal(err)
	}
	ours := must(t, db, Save{Model: ModelArtifact, Record: file("ours", "key", "cells/clean.h5ad")}).Record
	const uid = "VrxvH1pvtPDVVkjT0002"
	if ours.UID() != uid {
		t.Fatalf("ours is %s", ours.UID())
	}
	theirs := instance(t, `INSERT INTO lamindb_artifact SELECT '3', 1, is_locked, _aux, '2026-11-27 10:00:00.5', updated_at, 100, 'VrxvH1pvtPDVVkjT0002', key, _real_key, description, suffix, kind, otype,
		size, 'theirs', n_files, n_observations, _hash_type, _key_is_virtual, _overwrite_versions, branch_id, created_on_id, run_id, schema_id, space_id, storage_id, created_by_id, extra_data
		FROM lamindb_artifact WHERE id = 3`,
		`INSERT INTO lamindb_artifactulabel (artifact_id, ulabel_id, created_by_id) VALUES (100, 2, 1)`)
	for again := range 2 {
		out, err := db.ImportLamindb(context.Background(), theirs, nil)
		if err != nil {
			t.Fatal(err)
		}
		if again == 0 && (out.Added[ModelArtifact] != 1 || len(out.Notes) != 1 || !strings.Contains(out.Notes[0], "got the next one: 1")) {
			t.Errorf("it added %v and says %q", out.Added, out.Notes)
		}
		if again == 1 && (len(out.Added) != 0 || len(out.Notes) != 0 || out.Links != 0) {
			t.Errorf("imported again: %+v", out)
		}
		got := all(t, db, ModelArtifact, "uid", "hash", "version", "is_latest", "path", "ulabels__name")
		for _, want := range []string{
			uid + " " + ours.Text("hash") + " 3 false " + ours.Text("path") + " []\n",
			"VrxvH1pvtPDVVkjT0003 theirs 4 true /tmp/recorded/store/.lamindb/VrxvH1pvtPDVVkjT0002.h5ad [lung]\n",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("import %d: no %s in\n%s", again, want, got)
			}
		}
	}
	// One of ours that was deleted for good makes no room for a second record of theirs.
	if _, err := db.Delete(context.Background(), ModelArtifact, uid, true); err != nil {
		t.Fatal(err)
	}
	if out, err := db.ImportLamindb(context.Background(), theirs, nil); err != nil || len(out.Added) != 0 {
		t.Errorf("after ours is gone: %+v, %v", out, err)
	}
}

func TestNumbersOfAnImportStayWhatTheyAre(t *testing.T) {
	db := fresh(t)
	if _, err := db.ImportLamindb(context.Background(), instance(t, `UPDATE lamindb_run SET params = '{"big": 1152921504606846977, "one": 1, "half": 0.5}' WHERE id = 4`), nil); err != nil {
		t.Fatal(err)
	}
	found, err := db.Records(context.Background(), Query{Model: ModelRun, Where: Lookup{"uid", "NgPncxLpeqQNOOFi"}})
	if err != nil || len(found) != 1 || !reflect.DeepEqual(found[0]["params"], map[string]any{"big": int64(1152921504606846977), "one": int64(1), "half": 0.5}) {
		t.Errorf("it gives %v, %v", found, err)
	}
}

func TestAnInstanceThatCanNotBeImportedLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ours := fresh(t)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	for _, tt := range []struct {
		name string
		ctx  context.Context
		path string
		kind error
		says []string
	}{
		{"no file", nil, filepath.Join(dir, "none.db"), ErrNoRecord, []string{"none.db", "STORAGE/.lamindb/lamin.db"}},
		{"a folder", nil, dir, ErrInvalid, []string{"no file"}},
		{"no database", nil, write("text.db", strings.Repeat("text ", 1000)), ErrBadFile, []string{"text.db", "lamindb instance"}},
		{"a registry of ours", nil, ours.Path(), ErrBadFile, []string{"lamindb_artifact"}},
		{"a schema of another time", nil, instance(t, "ALTER TABLE lamindb_artifact RENAME COLUMN branch_id TO _branch_code"), ErrBadFile, []string{"branch_id", "lamin migrate deploy"}},
		{"broken parameters", nil, instance(t, "PRAGMA ignore_check_constraints = 1", "UPDATE lamindb_run SET params = '{' WHERE id = 4"), ErrBadFile, []string{"run"}},
		{"a caller who has gone", gone, instance(t), context.Canceled, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db := fresh(t)
			ctx := tt.ctx
			if ctx == nil {
				ctx = context.Background()
			}
			_, err := db.ImportLamindb(ctx, tt.path, nil)
			wantError(t, err, tt.kind, tt.says...)
			for i := range Schema {
				if m := Schema[i].Model; m != ModelUser {
					if n, err := db.Count(context.Background(), Query{Model: m, All: true}); err != nil || n != 0 {
						t.Errorf("%d of %s are left, %v", n, m, err)
					}
				}
			}
		})
	}
}

func TestWhatLamindbCallsOtherwise(t *testing.T) {
	for from, want := range map[string]string{"cat[ULabel]": "cat", "cat[ULabel|bionty.CellType]": "cat", "cat": "cat", "int": "int", "Float": "float", "datetime": "datetime",
		"date": "datetime", "list[cat[ULabel]]": "object", "num": "num", "": "object", "path": "object"} {
		if got := ourDType(from); got != want {
			t.Errorf("%q is %q, want %q", from, got, want)
		}
	}
}

func TestAKeyThatSeveralImportedHaveIsToldOf(t *testing.T) {
	db := fresh(t)
	path := instance(t, "UPDATE lamindb_artifact SET key = 'images' WHERE id IN (4, 8)") // 8 is in the trash
	out, err := db.ImportLamindb(context.Background(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if said := fmt.Sprint(out.Notes); !strings.Contains(said, "keys of artifacts that are those of several, which only their uids tell apart: 1") {
		t.Errorf("it says %s", said)
	}
	// They stay as they are, and what has nothing to do with their key can be done to them.
	found, err := db.Records(context.Background(), Query{Model: ModelArtifact, Where: Lookup{"key", "images"}})
	if err != nil || len(found) != 2 {
		t.Fatal(found, err)
	}
	for _, r := range found {
		update(t, db, ModelArtifact, r.UID(), Record{"description": "one of two"})
		del(t, db, ModelArtifact, r.UID(), false)
	}
}
