package registry

import (
	"context"
	"time"
)

// Artifact is the record of a file or folder of data with a Go field for each of its own: a copy, which [DB.Update] does not see. Texts
// and references that are absent are ""; references are uids.
type Artifact struct {
	ID          int64 // holds in one database; 0 of one that is not saved
	UID         string
	StemUID     string // what the uids of all its versions begin with
	Version     string // "" until there is a second one
	IsLatest    bool   // of its versions
	Visibility  int64  // Visible, Hidden or Trash
	Key         string // a name like a path, which its versions share
	Description string

	Path          string // absolute, or a URL
	Storage       string // the uid of the storage that Path lies in
	Suffix        string // the ending that says the format: .h5ad, .anndata.zarr
	Kind          string // what it is for: dataset, model, or another word
	OType         string // what it is in memory: AnnData, DataFrame
	Hash          string // of the content, 22 characters; "" of what was not looked at
	HashType      string // how Hash is made: HashWhole, HashEnds, HashFolder
	RestHash      string // of what Hash leaves out: names in a folder, samples of the middle of a large file; "" of nothing, or not known
	Size          *int64 // bytes; nil of what was not looked at
	NFiles        *int64 // of a folder; nil of a file
	NObservations *int64 // rows; nil where that is not known

	Transform string // the uid of the transform whose run made it
	Run       string // the uid of the run that made it
	CreatedBy string // the uid of a user
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Artifact is a record of an artifact as a struct.
func (r Record) Artifact() *Artifact {
	return &Artifact{
		ID: r.Int("id"), UID: r.UID(), StemUID: r.Text("stem_uid"), Version: r.Text("version"), IsLatest: r.Bool("is_latest"),
		Visibility: r.Int("visibility"), Key: r.Text("key"), Description: r.Text("description"),
		Path: r.Text("path"), Storage: r.Text("storage"), Suffix: r.Text("suffix"), Kind: r.Text("kind"), OType: r.Text("otype"),
		Hash: r.Text("hash"), HashType: r.Text("hash_type"), RestHash: r.Text("rest_hash"),
		Size: r.whole("size"), NFiles: r.whole("n_files"), NObservations: r.whole("n_observations"),
		Transform: r.Text("transform"), Run: r.Text("run"), CreatedBy: r.Text("created_by"), CreatedAt: r.Time("created_at"), UpdatedAt: r.Time("updated_at"),
	}
}

// Artifact is the artifact of a uid; [ErrNoRecord] where there is none.
func (db *DB) Artifact(ctx context.Context, uid string) (*Artifact, error) {
	r, err := db.Get(ctx, ModelArtifact, uid)
	if err != nil {
		return nil, err
	}
	return r.Artifact(), nil
}

// Artifacts gives the artifacts that a query asks for; its Model may be left out.
func (db *DB) Artifacts(ctx context.Context, q Query) ([]*Artifact, error) {
	return typed(ctx, db, ModelArtifact, q, Record.Artifact)
}
