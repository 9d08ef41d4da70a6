package registry

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"slices"
)

// applicationID marks a file as a registry of ours in its header: "ldrd".
const applicationID = 0x6c647264

// step brings a file from the version before to this one.
type step struct {
	version int
	sql     []string
}

// steps are all versions after the first, in order. A new file gets the newest schema at once.
var steps = []step{
	{2, []string{
		"CREATE INDEX artifact_path ON artifact (path)",
		"CREATE UNIQUE INDEX feature_name_dtype ON feature (name, dtype)",
		databaseTable,
	}},
	{3, []string{
		"DROP INDEX artifact_storage_id",
		`CREATE INDEX artifact_storage_id ON "artifact" ("storage_id", visibility, created_at)`,
		"DROP INDEX artifact_suffix",
		`CREATE INDEX artifact_suffix ON "artifact" ("suffix", visibility, created_at)`,
		"DROP INDEX artifact_otype",
		`CREATE INDEX artifact_otype ON "artifact" ("otype", visibility, created_at)`,
		"DROP INDEX artifact_visibility",
		`CREATE INDEX artifact_visibility ON "artifact" (visibility, created_at) WHERE visibility > 0`,
		"DROP INDEX artifact_transform_id",
		`CREATE INDEX artifact_transform_id ON "artifact" ("transform_id", visibility, created_at)`,
		"DROP INDEX artifact_run_id",
		`CREATE INDEX artifact_run_id ON "artifact" ("run_id", visibility, created_at)`,
		"DROP INDEX artifact_created_by_id",
		`CREATE INDEX artifact_created_by_id ON "artifact" ("created_by_id", visibility, created_at)`,
		"DROP INDEX collection_meta_artifact_id",
		`CREATE INDEX collection_meta_artifact_id ON "collection" ("meta_artifact_id", visibility, created_at)`,
		"DROP INDEX collection_artifact_id",
		`CREATE INDEX collection_artifact_id ON "collection" ("artifact_id", visibility, created_at)`,
		"DROP INDEX collection_visibility",
		`CREATE INDEX collection_visibility ON "collection" (visibility, created_at) WHERE visibility > 0`,
		"DROP INDEX collection_transform_id",
		`CREATE INDEX collection_transform_id ON "collection" ("transform_id", visibility, created_at)`,
		"DROP INDEX collection_run_id",
		`CREATE INDEX collection_run_id ON "collection" ("run_id", visibility, created_at)`,
		"DROP INDEX collection_created_by_id",
		`CREATE INDEX collection_created_by_id ON "collection" ("created_by_id", visibility, created_at)`,
	}},
	{4, []string{
		retiredTable,
		"DROP INDEX artifact_storage_id",
		`CREATE INDEX artifact_storage_id ON "artifact" ("storage_id", visibility, created_at, key)`,
		"DROP INDEX artifact_suffix",
		`CREATE INDEX artifact_suffix ON "artifact" ("suffix", visibility, created_at, key)`,
		"DROP INDEX artifact_otype",
		`CREATE INDEX artifact_otype ON "artifact" ("otype", visibility, created_at, key)`,
		"DROP INDEX artifact_transform_id",
		`CREATE INDEX artifact_transform_id ON "artifact" ("transform_id", visibility, created_at, key)`,
		"DROP INDEX artifact_run_id",
		`CREATE INDEX artifact_run_id ON "artifact" ("run_id", visibility, created_at, key)`,
		"DROP INDEX artifact_created_by_id",
		`CREATE INDEX artifact_created_by_id ON "artifact" ("created_by_id", visibility, created_at, key)`,
		"DROP INDEX collection_meta_artifact_id",
		`CREATE INDEX collection_meta_artifact_id ON "collection" ("meta_artifact_id", visibility, created_at, key)`,
		"DROP INDEX collection_artifact_id",
		`CREATE INDEX collection_artifact_id ON "collection" ("artifact_id", visibility, created_at, key)`,
		"DROP INDEX collection_transform_id",
		`CREATE INDEX collection_transform_id ON "collection" ("transform_id", visibility, created_at, key)`,
		"DROP INDEX collection_run_id",
		`CREATE INDEX collection_run_id ON "collection" ("run_id", visibility, created_at, key)`,
		"DROP INDEX collection_created_by_id",
		`CREATE INDEX collection_created_by_id ON "collection" ("created_by_id", visibility, created_at, key)`,
	}},
	{5, []string{concealedTable}},
	{6, slices.Concat(keyFirst("collection", "artifact"), keyFirst("featureset", "feature"))},
	{7, []string{`ALTER TABLE "artifact" ADD COLUMN "rest_hash" TEXT`}},
	{8, []string{seenTable}},
}

// keyFirst makes a table of members anew, with the columns of its key before the others.
func keyFirst(own, other string) []string {
	table := own + "_" + other
	return []string{
		fmt.Sprintf("ALTER TABLE %s RENAME TO unsorted", table),
		fmt.Sprintf("DROP INDEX %s_%s_id", table, other),
		fmt.Sprintf(`CREATE TABLE %s (
			%[2]s_id INTEGER NOT NULL REFERENCES "%[2]s" (id) ON DELETE CASCADE,
			position INTEGER NOT NULL,
			%[3]s_id INTEGER NOT NULL REFERENCES "%[3]s" (id) ON DELETE RESTRICT,
			PRIMARY KEY (%[2]s_id, position)
		) STRICT, WITHOUT ROWID`, table, own, other),
		fmt.Sprintf("INSERT INTO %s SELECT %s_id, position, %s_id FROM unsorted", table, own, other),
		"DROP TABLE unsorted",
		fmt.Sprintf("CREATE UNIQUE INDEX %s_%[3]s_id ON %[1]s (%[3]s_id, %[2]s_id)", table, own, other),
	}
}

// schemaVersion is the newest version that a list of steps leads to.
func schemaVersion(steps []step) int {
	if len(steps) == 0 {
		return 1
	}
	return steps[len(steps)-1].version
}

// migrate makes the tables of a new file, or brings those of an older one up to date, all of it or nothing.
func (db *DB) migrate(ctx context.Context, p *pools, steps []step) error {
	want := schemaVersion(steps)
	have, err := db.checkOurs(ctx, p.write, want)
	if err != nil || have == want {
		return err
	}
	return db.updateIn(ctx, p, "open", func(tx *tx) error { return tx.migrate(steps, want) })
}

// querier is a connection, or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// checkOurs is the version of the schema, 0 of an empty file, or the error that the file is none of ours.
func (db *DB) checkOurs(ctx context.Context, q querier, want int) (have int, err error) {
	var id, tables int
	err = db.retry(ctx, func() error {
		return q.QueryRowContext(ctx, "SELECT (SELECT user_version FROM pragma_user_version), (SELECT application_id FROM pragma_application_id), "+
			"(SELECT count(*) FROM sqlite_master)").Scan(&have, &id, &tables)
	})
	switch {
	case err != nil:
		return 0, err
	case id != applicationID && (have != 0 || tables != 0):
		return 0, fail(ErrBadFile, "open", db.path, "move it away, or name another folder with LOADERD_DATA_DIR", "it is a database, but no registry of loaderd")
	case have > want:
		return 0, fail(ErrNewer, "open", db.path, "update loaderd, or name another folder with LOADERD_DATA_DIR",
			"its schema has version %d, this program knows up to %d", have, want)
	}
	return have, nil
}

// probe refuses a file that is none of ours before anything of it is changed, such as its journal.
func (db *DB) probe(ctx context.Context) error {
	raw, err := sql.Open(driverName, source(db.path, url.Values{"_busy_timeout": {fmt.Sprint(busyTimeout.Milliseconds())}, "_query_only": {"1"}}))
	if err != nil {
		return err
	}
	defer raw.Close()
	_, err = db.checkOurs(ctx, raw, schemaVersion(steps))
	return err
}

func (tx *tx) migrate(steps []step, want int) error {
	have, err := tx.db.checkOurs(tx.ctx, tx.sql, want) // again, for another process may have been faster
	if err != nil {
		return err
	}
	var todo []string
	if have == 0 {
		todo = ddl()
	}
	for _, s := range steps {
		if have != 0 && s.version > have {
			todo = append(todo, s.sql...)
		}
	}
	todo = append(todo, statistics()...)
	todo = append(todo, fmt.Sprintf("PRAGMA application_id = %d", applicationID), fmt.Sprintf("PRAGMA user_version = %d", want))
	for _, q := range todo {
		if _, err := tx.sql.ExecContext(tx.ctx, q); err != nil {
			return fmt.Errorf("from version %d to %d: %s: %w", have, want, q, err)
		}
	}
	return nil
}
