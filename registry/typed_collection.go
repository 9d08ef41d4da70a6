package registry

import (
	"context"
	"time"
)

// Collection is the record of a collection with a Go field for each of its own: a copy, which [DB.Update] does not see. Texts and
// references that are absent are ""; references are uids. Its members are not in it: [DB.Artifacts] gives them, with the query
// Query{Of: &Of{ModelCollection, uid, "artifacts"}, All: true}, in their order.
type Collection struct {
	ID          int64 // holds in one database; 0 of one that is not saved
	UID         string
	StemUID     string // what the uids of all its versions begin with
	Version     string // "" until there is a second one
	IsLatest    bool   // of its versions
	Visibility  int64  // Visible, Hidden or Trash
	Name        string
	Key         string // a name like a path, which its versions share
	Description string

	Hash          string // of the members' hashes, whatever their order
	OrderHash     string // of the members in their order
	Reference     string // a URL or an external id
	ReferenceType string // what Reference is
	MetaArtifact  string // the uid of an artifact that describes the members
	Artifact      string // the uid of the one artifact that a collection of a table or a folder is

	Transform string // the uid of the transform whose run made it
	Run       string // the uid of the run that made it
	CreatedBy string // the uid of a user
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Collection is a record of a collection as a struct.
func (r Record) Collection() *Collection {
	return &Collection{
		ID: r.Int("id"), UID: r.UID(), StemUID: r.Text("stem_uid"), Version: r.Text("version"), IsLatest: r.Bool("is_latest"),
		Visibility: r.Int("visibility"), Name: r.Text("name"), Key: r.Text("key"), Description: r.Text("description"),
		Hash: r.Text("hash"), OrderHash: r.Text("order_hash"), Reference: r.Text("reference"), ReferenceType: r.Text("reference_type"),
		MetaArtifact: r.Text("meta_artifact"), Artifact: r.Text("artifact"),
		Transform: r.Text("transform"), Run: r.Text("run"), CreatedBy: r.Text("created_by"), CreatedAt: r.Time("created_at"), UpdatedAt: r.Time("updated_at"),
	}
}

// Collection is the collection of a uid; [ErrNoRecord] where there is none.
func (db *DB) Collection(ctx context.Context, uid string) (*Collection, error) {
	r, err := db.Get(ctx, ModelCollection, uid)
	if err != nil {
		return nil, err
	}
	return r.Collection(), nil
}

// Collections gives the collections that a query asks for; its Model may be left out.
func (db *DB) Collections(ctx context.Context, q Query) ([]*Collection, error) {
	return typed(ctx, db, ModelCollection, q, Record.Collection)
}
