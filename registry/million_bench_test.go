package registry

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// millionRows is how many artifacts the benchmark's database has.
const millionRows = 1_000_000

// million is a database with a million artifacts, 1000 of them with the label "rare", a third with "common", in collections of 10,
// 10,000 and 500,000; made once, in a folder that TestMain removes, or in the file that LOADERD_MILLION names, which stays.
var million = sync.OnceValues(func() (*DB, error) {
	path := os.Getenv("LOADERD_MILLION")
	_, err := os.Stat(path)
	made := path != "" && err == nil
	if path == "" {
		dir, err := os.MkdirTemp("", "loaderd-million")
		if err != nil {
			return nil, err
		}
		benchDirs = append(benchDirs, dir)
		path = filepath.Join(dir, FileName)
	}
	db, err := Open(context.Background(), Options{Path: path, User: "bench"})
	if err != nil || made {
		return db, err
	}
	return db, db.update(context.Background(), "bench", func(tx *tx) error {
		for _, q := range []string{
			`INSERT INTO storage (uid, root, type, created_at, updated_at, created_by_id) SELECT printf('s%011d', value), '/data/' || value, 'local', '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z', 1 FROM generate`,
			`INSERT INTO transform (uid, key, type, is_latest, created_at, updated_at, created_by_id) SELECT printf('t%011d0000', value), 'step' || value || '.py', 'script', 1, '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z', 1 FROM generate WHERE value <= 20`,
			`INSERT INTO run (uid, transform_id, status, started_at, created_at, updated_at, created_by_id) SELECT printf('r%015d', value), 1 + value % 20, 'finished', '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z', 1 FROM generate WHERE value <= 1000`,
			`INSERT INTO ulabel (uid, name, is_type, created_at, updated_at, created_by_id) VALUES ('u0000001', 'rare', 0, '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z', 1), ('u0000002', 'common', 0, '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z', 1)`,
			`INSERT INTO artifact (uid, key, description, storage_id, path, suffix, otype, size, hash, hash_type, n_observations, is_latest, visibility, run_id, transform_id, created_at, updated_at, created_by_id)
			 SELECT printf('a%015d0000', value), printf('project%02d/sample_%07d/counts%s', value % 50, value, s), 'counts of sample ' || value || ' after quality control', 1 + value % 10, printf('p/%d%s', value, s), s,
			   CASE value % 4 WHEN 0 THEN 'DataFrame' WHEN 1 THEN NULL ELSE 'AnnData' END, value * 7919 % 100000000, printf('%022d', value * 7919 % 1000003), 'md5', value % 5000, 1, CASE value % 100 WHEN 7 THEN 2 ELSE 0 END,
			   1 + value % 1000, 1 + (1 + value % 1000) % 20,
			   strftime('%Y-%m-%dT%H:%M:%f', 1700000000 + value, 'unixepoch') || '000Z', '2026-01-01T00:00:00.000000Z', 1
			 FROM (SELECT value, CASE value % 4 WHEN 0 THEN '.parquet' WHEN 1 THEN '.csv' ELSE '.h5ad' END AS s FROM generate)`,
			`INSERT INTO artifact_ulabel (artifact_id, ulabel_id) SELECT id, 1 FROM artifact WHERE id % 1000 = 3`,
			`INSERT INTO artifact_ulabel (artifact_id, ulabel_id) SELECT id, 2 FROM artifact WHERE id % 3 = 0`,
			`INSERT INTO collection (uid, name, order_hash, is_latest, visibility, created_at, updated_at, created_by_id) SELECT printf('c%015d0000', value), 'c' || value, value, 1, 0, '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z', 1 FROM generate WHERE value <= 3`,
			`INSERT INTO collection_artifact (collection_id, artifact_id, position) SELECT 1, id, id FROM artifact WHERE id <= 10`,
			`INSERT INTO collection_artifact (collection_id, artifact_id, position) SELECT 2, id, id FROM artifact WHERE id % 100 = 1`,
			`INSERT INTO collection_artifact (collection_id, artifact_id, position) SELECT 3, id, id FROM artifact WHERE id % 2 = 1`,
		} {
			n := millionRows
			if q[12] == 's' {
				n = 10
			}
			with := fmt.Sprintf("WITH RECURSIVE generate (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM generate WHERE value < %d) ", n)
			if _, err := tx.sql.Exec(with + q); err != nil {
				return fmt.Errorf("%s: %w", q, err)
			}
		}
		return nil
	})
})

var benchDirs []string

// BenchmarkAMillionArtifacts: what is filtered and ordered by indexed fields must take 20 ms at most, contains and regex 2 s.
func BenchmarkAMillionArtifacts(b *testing.B) {
	db, err := million()
	if err != nil {
		b.Fatal(err)
	}
	newest := []string{"-created_at"}
	for _, bm := range []struct {
		name string
		q    Query
		what string
	}{
		{"indexed/newest", Query{OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/otype, newest", Query{Where: Lookup{"otype", "AnnData"}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/otype of none, newest", Query{Where: Lookup{"otype", "MuData"}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/suffix in, newest", Query{Where: Lookup{"suffix__in", []any{".csv", ".h5ad"}}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/run, newest", Query{Where: Lookup{"run", "r000000000000500"}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/transform, by key", Query{Where: Lookup{"transform__key", "step7.py"}, OrderBy: []string{"key"}, Limit: 100}, "rows"},
		{"indexed/otype, last key", Query{Where: Lookup{"otype", "AnnData"}, OrderBy: []string{"-key"}, Limit: 100}, "rows"},
		{"indexed/transform and suffix, newest", Query{Where: And{Lookup{"transform__key", "step7.py"}, Lookup{"suffix", ".csv"}}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/run of a transform, newest", Query{Where: Lookup{"run__transform__key", "step7.py"}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/user, newest", Query{Where: Lookup{"created_by__handle", "bench"}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/key begins, newest", Query{Where: Lookup{"key__startswith", "project07/"}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/key begins with a rare text, newest", Query{Where: Lookup{"key__startswith", "project07/sample_00"}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/key", Query{Where: Lookup{"key", "project07/sample_0000007/counts.parquet"}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/hash in 50", Query{Where: Lookup{"hash__in", hashes(50)}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/a day, by key", Query{Where: Lookup{"created_at__range", []any{"2023-11-20", "2023-11-20T02:00:00Z"}}, OrderBy: []string{"key"}, Limit: 100}, "rows"},
		{"indexed/since, oldest", Query{Where: Lookup{"created_at__gt", "2023-11-20"}, OrderBy: []string{"created_at"}, Limit: 100}, "rows"},
		{"indexed/rare label, newest", Query{Where: Lookup{"ulabels__name", "rare"}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/common label, newest", Query{Where: Lookup{"ulabels__name", "common"}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/both labels, newest", Query{Where: And{And{Lookup{"ulabels__name", "common"}}, And{Lookup{"ulabels__name", "rare"}}}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/without a label, newest", Query{Where: Not{Lookup{"ulabels__name", "common"}}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/small collection, newest", Query{Where: Lookup{"collections__name", "c1"}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/collection, newest", Query{Where: Lookup{"collections__name", "c2"}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/collection, by key", Query{Where: Lookup{"collections__name", "c2"}, OrderBy: []string{"key"}, Limit: 100}, "rows"},
		{"indexed/common label in a collection, newest", Query{Where: And{Lookup{"ulabels__name", "common"}, Lookup{"collections__name", "c2"}}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/large collection, newest", Query{Where: Lookup{"collections__name", "c3"}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/members of a large collection", Query{Of: &Of{ModelCollection, "c0000000000000030000", "artifacts"}, Limit: 100}, "rows"},
		{"indexed/in the trash, newest", Query{Where: Lookup{"visibility", 2}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/one of two, newest", Query{Where: Or{Lookup{"otype", "AnnData"}, Lookup{"suffix", ".csv"}}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/one of two rare, newest", Query{Where: Or{Lookup{"key__startswith", "project07/sample_00"}, Lookup{"run", "r000000000000500"}}, OrderBy: newest, Limit: 100}, "rows"},
		{"indexed/exists", Query{Where: Lookup{"otype", "AnnData"}}, "exists"},
		{"all/count", Query{}, "count"},
		{"all/count of otype", Query{Where: Lookup{"otype", "AnnData"}}, "count"},
		{"all/by size, largest", Query{OrderBy: []string{"-size"}, Limit: 100}, "rows"},
		{"all/page 5000, newest", Query{OrderBy: newest, Limit: 100, Offset: 500_000}, "rows"},
		{"scan/contains, count", Query{Where: Lookup{"key__contains", "99_99"}}, "count"},
		{"scan/contains, none, newest", Query{Where: Lookup{"key__contains", "sample_99x"}, OrderBy: newest, Limit: 100}, "rows"},
		{"scan/icontains, count", Query{Where: Lookup{"key__icontains", "SAMPLE_00012"}}, "count"},
		{"scan/icontains beyond ASCII, count", Query{Where: Lookup{"description__icontains", "É"}}, "count"},
		{"scan/endswith, count", Query{Where: Lookup{"path__endswith", "9.csv"}}, "count"},
		{"scan/regex with a text, count", Query{Where: Lookup{"key__regex", `sample_00[0-4]\d+/counts.h5ad$`}}, "count"},
		{"scan/regex without, count", Query{Where: Lookup{"key__regex", `^\w+\d/.*[13579]/.*v$`}}, "count"},
		{"scan/search, two words", Query{}, "search sample_0001234 counts"},
		{"scan/search, in everything", Query{}, "search counts"},
		{"scan/regex of the description, none, newest", Query{Where: Lookup{"description__iregex", `sample 9+x`}, OrderBy: newest, Limit: 100}, "rows"},
	} {
		bm.q.Model = ModelArtifact
		b.Run(bm.name, func(b *testing.B) {
			for b.Loop() {
				if err := ask(db, bm.q, bm.what); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func ask(db *DB, q Query, what string) error {
	var err error
	switch what {
	case "count":
		_, err = db.Count(context.Background(), q)
	case "exists":
		_, err = db.Exists(context.Background(), q)
	default:
		if text, ok := strings.CutPrefix(what, "search "); ok {
			_, err = db.Search(context.Background(), text, q)
			return err
		}
		_, err = db.Records(context.Background(), q)
	}
	return err
}

func hashes(n int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = fmt.Sprintf("%022d", (i+1)*7919%1000003)
	}
	return out
}
