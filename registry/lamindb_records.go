package registry

import (
	"slices"
	"strings"
)

// Branches of lamindb, as its visibility is called today, in branch_id.
const (
	lamindbMain    = 1
	lamindbArchive = 0
	lamindbTrash   = -1
)

// visibility is that of a row: its branch. Records of other branches are not seen on the main one, and neither are the files that
// lamindb makes for itself.
func (im *lamindbImport) visibility(row lamindbRow) int64 {
	switch branch := row.int("branch_id"); {
	case branch == lamindbTrash:
		return Trash
	case branch != lamindbMain && branch != lamindbArchive:
		im.note("records of a branch of their own, which are hidden here: %d")
		return Hidden
	case branch == lamindbArchive, strings.HasPrefix(row.text("kind"), "__lamindb"):
		return Hidden
	}
	return Visible
}

func (im *lamindbImport) user(row lamindbRow) (Record, error) {
	return Record{"handle": row.text("handle"), "name": row.or("name")}, nil
}

func (im *lamindbImport) storage(row lamindbRow) (Record, error) {
	return Record{"root": row.text("root"), "type": row.text("type"), "description": row.or("description")}, nil
}

func (im *lamindbImport) ulabel(row lamindbRow) (Record, error) {
	return Record{"name": row.text("name"), "description": row.or("description"), "is_type": row.int("is_type") != 0,
		"reference": row.or("reference"), "reference_type": row.or("reference_type")}, nil
}

func (im *lamindbImport) transform(row lamindbRow) (Record, error) {
	kind := row.text("kind")
	if f, _ := tables[ModelTransform].Field("type"); !slices.Contains(f.Choices, kind) {
		kind = "pipeline"
		im.note("transforms of a kind that there is not here, which are pipelines now: %d")
	}
	return Record{"key": row.or("key"), "name": row.or("description"), "description": row.or("description"), "type": kind,
		"source_code": row.or("source_code"), "hash": row.or("hash"), "reference": row.or("reference"),
		"reference_type": row.or("reference_type"), "version": row.or("version_tag"), "is_latest": false}, nil
}

// lamindbStatus are our words for the codes of a run.
var lamindbStatus = map[int64]string{-3: "started", -2: "started", -1: "started", 0: "finished", 1: "errored", 2: "aborted"}

func (im *lamindbImport) run(row lamindbRow) (Record, error) {
	transform := im.ref(ModelTransform, row, "transform_id")
	if transform == nil {
		im.out.LeftOut["runs of a transform that is not there"]++
		return nil, nil
	}
	r := Record{"transform": transform, "name": row.or("name"), "status": lamindbStatus[row.int("_status_code")],
		"reference": row.or("reference"), "reference_type": row.or("reference_type")}
	if r["status"] == "" {
		r["status"] = "aborted"
	}
	if s := row.text("params"); s != "" {
		params, err := jsonValue(s)
		if err != nil {
			return nil, err
		}
		r["params"] = params
	}
	var err error
	if r["started_at"], err = row.time("started_at"); err != nil {
		return nil, err
	}
	r["finished_at"], err = row.time("finished_at")
	row["updated_at"] = either(row["updated_at"], row["created_at"])
	return r, err
}

func either(a, b any) any {
	if a != nil {
		return a
	}
	return b
}

func (im *lamindbImport) artifact(row lamindbRow) (Record, error) {
	storage := im.ref(ModelStorage, row, "storage_id")
	if storage == nil {
		im.out.LeftOut["artifacts of a storage that is not there"]++
		return nil, nil
	}
	root, err := im.rootOf(storage.(int64))
	if err != nil {
		return nil, err
	}
	run := im.ref(ModelRun, row, "run_id")
	transform, err := im.transformOf(run)
	if err != nil {
		return nil, err
	}
	return Record{
		"key": row.or("key"), "description": row.or("description"), "storage": storage, "path": strings.TrimSuffix(root, "/") + "/" + lamindbKey(row),
		"suffix": row.text("suffix"), "kind": row.or("kind"), "otype": row.or("otype"), "size": row.number("size"), "hash": row.or("hash"),
		"hash_type": row.or("_hash_type"), "n_files": row.number("n_files"), "n_observations": row.number("n_observations"),
		"version": row.or("version_tag"), "is_latest": false, "visibility": im.visibility(row), "run": run, "transform": transform,
	}, nil
}

// lamindbKey is where under its storage the file of an artifact lies: under its key, or, where that is a name only, under its
// uid; versions of a folder share one place.
func lamindbKey(row lamindbRow) string {
	if real := row.text("_real_key"); real != "" {
		return real
	}
	if key := row.text("key"); key != "" && row.int("_key_is_virtual") == 0 {
		return key
	}
	uid := row.text("uid")
	if row.int("_overwrite_versions") != 0 {
		uid = uid[:min(len(uid), tables[ModelArtifact].Stem)]
	}
	return ".lamindb/" + uid + row.text("suffix")
}

func (im *lamindbImport) collection(row lamindbRow) (Record, error) {
	run := im.ref(ModelRun, row, "run_id")
	transform, err := im.transformOf(run)
	if err != nil {
		return nil, err
	}
	key := row.text("key")
	return Record{
		"name": key[strings.LastIndexByte(key, '/')+1:], "key": key, "description": row.or("description"), "hash": row.or("hash"),
		"reference": row.or("reference"), "reference_type": row.or("reference_type"), "meta_artifact": im.ref(ModelArtifact, row, "meta_artifact_id"),
		"version": row.or("version_tag"), "is_latest": false, "visibility": im.visibility(row), "run": run, "transform": transform,
	}, nil
}
