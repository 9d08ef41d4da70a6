package registry

import "fmt"

// Values of Artifact.visibility and Collection.visibility.
const (
	Visible int64 = 0
	Hidden  int64 = 1
	Trash   int64 = 2
)

// Schema has all models. A change here needs a step in migrations.
var Schema = []Table{
	{
		Model: ModelUser, UID: 8, Doc: "who makes records",
		Fields: withTimes(
			Field{Name: "handle", Type: Text, Must: true, Unique: true, Doc: "name of the account"},
			Field{Name: "name", Type: Text, Doc: "name of the person"},
		),
	},
	{
		Model: ModelStorage, UID: 12, Doc: "a place under which artifacts lie",
		Fields: withCommon(
			Field{Name: "root", Type: Text, Must: true, Unique: true, Fixed: true, Doc: "a folder's absolute path, or the URL of a bucket and prefix"},
			Field{Name: "type", Type: Text, Must: true, Doc: "local, or the scheme of the URL"},
			Field{Name: "description", Type: Text, Doc: "a description"},
		),
	},
	{
		Model: ModelTransform, UID: 16, Stem: 12, Doc: "a script, notebook or pipeline that makes artifacts",
		Fields: withCommon(
			Field{Name: "key", Type: Text, Index: true, Doc: "a name like a path"},
			Field{Name: "name", Type: Text, Index: true, Doc: "a title"},
			Field{Name: "description", Type: Text, Doc: "a description"},
			Field{Name: "type", Type: Text, Must: true, Choices: []string{"script", "notebook", "pipeline", "function", "linker"}, Doc: "what it is"},
			Field{Name: "source_code", Type: Text, Doc: "its text"},
			Field{Name: "hash", Type: Text, Index: true, Doc: "hash of its text"},
			Field{Name: "reference", Type: Text, Doc: "a URL or an external id"},
			Field{Name: "reference_type", Type: Text, Doc: "what reference is"},
			version, isLatest, stem(12),
		),
	},
	{
		Model: ModelRun, UID: 16, Doc: "one run of a transform",
		Fields: withCommon(
			Field{Name: "name", Type: Text, Doc: "a name"},
			Field{Name: "transform", Type: Ref, To: ModelTransform, Back: "runs", Must: true, Fixed: true, Doc: "what ran"},
			Field{Name: "status", Type: Text, Must: true, Choices: []string{"started", "finished", "errored", "aborted"}, Doc: "how far it is"},
			Field{Name: "started_at", Type: Time, Index: true, Doc: "when it began"},
			Field{Name: "finished_at", Type: Time, Doc: "when it ended"},
			Field{Name: "params", Type: JSON, Doc: "its parameters"},
			Field{Name: "reference", Type: Text, Doc: "a URL or an external id"},
			Field{Name: "reference_type", Type: Text, Doc: "what reference is"},
		),
		Relations: []Relation{
			{Name: "input_artifacts", To: ModelArtifact, Link: "artifact_input_of", Own: "run_id", Other: "artifact_id", Doc: "artifacts that it read"},
			{Name: "input_collections", To: ModelCollection, Link: "collection_input_of", Own: "run_id", Other: "collection_id", Doc: "collections that it read"},
		},
	},
	{
		Model: ModelULabel, UID: 8, Doc: "a label for artifacts and collections",
		Fields: withCommon(
			Field{Name: "name", Type: Text, Must: true, Unique: true, Doc: "the label"},
			Field{Name: "description", Type: Text, Doc: "a description"},
			Field{Name: "type", Type: Ref, To: ModelULabel, Back: "labels", Doc: "a label that says what kind this one is of"},
			Field{Name: "is_type", Type: Bool, Must: true, Doc: "whether it says what kind others are of"},
			Field{Name: "reference", Type: Text, Doc: "a URL or an external id"},
			Field{Name: "reference_type", Type: Text, Doc: "what reference is"},
		),
		Relations: []Relation{
			{Name: "artifacts", To: ModelArtifact, Link: "artifact_ulabel", Own: "ulabel_id", Other: "artifact_id", Doc: "artifacts that have the label"},
			{Name: "collections", To: ModelCollection, Link: "collection_ulabel", Own: "ulabel_id", Other: "collection_id", Doc: "collections that have the label"},
		},
	},
	{
		Model: ModelFeature, UID: 12, Unique: []string{"name", "dtype"}, Doc: "a column of obs, a variable, or a column of a table",
		Fields: withCommon(
			Field{Name: "name", Type: Text, Must: true, Index: true, Fixed: true, Doc: "its name in the files"},
			Field{Name: "dtype", Type: Text, Must: true, Fixed: true, Doc: "int, float, bool, str, cat, datetime, num (of a variable) or object"},
			Field{Name: "description", Type: Text, Doc: "a description"},
		),
		Relations: []Relation{
			{Name: "feature_sets", To: ModelFeatureSet, Link: "featureset_feature", Own: "feature_id", Other: "featureset_id", Doc: "sets that have it"},
		},
	},
	{
		Model: ModelFeatureSet, UID: 16, Doc: "the features that an artifact has in one slot",
		Fields: withCommon(
			Field{Name: "name", Type: Text, Index: true, Doc: "a name"},
			Field{Name: "description", Type: Text, Doc: "a description"},
			Field{Name: "n", Type: Int, Must: true, Fixed: true, Doc: "how many features there are"},
			Field{Name: "dtype", Type: Text, Fixed: true, Doc: "the dtype of all features, where they have one in common"},
			Field{Name: "otype", Type: Text, Must: true, Fixed: true, Doc: "whose fields the features are: Feature"},
			Field{Name: "hash", Type: Text, Must: true, Unique: true, Fixed: true, Doc: "hash of names, dtypes and their order"},
		),
		Relations: []Relation{
			{Name: "features", To: ModelFeature, Link: "featureset_feature", Own: "featureset_id", Other: "feature_id", Order: "position", Doc: "its features in the order of the file"},
			{Name: "artifacts", To: ModelArtifact, Link: "artifact_featureset", Own: "featureset_id", Other: "artifact_id", Extra: "slot", Doc: "artifacts that have it"},
			{Name: "collections", To: ModelCollection, Link: "collection_featureset", Own: "featureset_id", Other: "collection_id", Extra: "slot", Doc: "collections that have it"},
		},
	},
	{
		Model: ModelArtifact, UID: 20, Stem: 16, Doc: "a file or folder of data",
		Fields: withCommon(
			Field{Name: "key", Type: Text, Index: true, Doc: "a name like a path; artifacts of one key are versions of each other"},
			Field{Name: "description", Type: Text, Index: true, Doc: "a description"},
			Field{Name: "storage", Type: Ref, To: ModelStorage, Back: "artifacts", Must: true, Doc: "where it lies"},
			Field{Name: "path", Type: Text, Must: true, Index: true, Doc: "where it lies: an absolute path, or a URL"},
			Field{Name: "suffix", Type: Text, Must: true, Index: true, Few: true, Doc: "the ending that says its format, composite ones whole: .h5ad, .anndata.zarr"},
			Field{Name: "kind", Type: Text, Doc: "what it is for: dataset, model, or a word of your own"},
			Field{Name: "otype", Type: Text, Index: true, Few: true, Doc: "what it is in memory: AnnData, DataFrame"},
			Field{Name: "size", Type: Int, Fixed: true, Doc: "bytes"},
			Field{Name: "hash", Type: Text, Index: true, Fixed: true, Doc: "hash of the content, 22 characters"},
			Field{Name: "hash_type", Type: Text, Fixed: true, Doc: "how hash is made: md5, sha1-fl, md5-d"},
			Field{Name: "rest_hash", Type: Text, Fixed: true, Doc: "hash of what hash leaves out: names in a folder, the middle of a large file"},
			Field{Name: "n_files", Type: Int, Fixed: true, Doc: "files of a folder"},
			Field{Name: "n_observations", Type: Int, Doc: "rows"},
			version, isLatest, stem(16), visibility,
			Field{Name: "transform", Type: Ref, To: ModelTransform, Back: "output_artifacts", Doc: "whose run made it"},
			Field{Name: "run", Type: Ref, To: ModelRun, Back: "output_artifacts", Doc: "the run that made it"},
		),
		Relations: append(sharedRelations(ModelArtifact, "artifact"),
			Relation{Name: "collections", To: ModelCollection, Link: "collection_artifact", Own: "artifact_id", Other: "collection_id", Doc: "collections that hold it"}),
	},
	{
		Model: ModelCollection, UID: 20, Stem: 16, Doc: "artifacts in an order",
		Fields: withCommon(
			Field{Name: "name", Type: Text, Index: true, Doc: "a name or title"},
			Field{Name: "key", Type: Text, Index: true, Doc: "a name like a path; collections of one key are versions of each other"},
			Field{Name: "description", Type: Text, Index: true, Doc: "a description"},
			Field{Name: "hash", Type: Text, Index: true, Fixed: true, Doc: "hash of the members' hashes, whatever their order"},
			Field{Name: "order_hash", Type: Text, Fixed: true, Doc: "hash of the members in their order"},
			Field{Name: "reference", Type: Text, Doc: "a URL or an external id"},
			Field{Name: "reference_type", Type: Text, Doc: "what reference is"},
			Field{Name: "meta_artifact", Type: Ref, To: ModelArtifact, Back: "meta_of", Doc: "an artifact that describes the members"},
			Field{Name: "artifact", Type: Ref, To: ModelArtifact, Back: "collection_of", Fixed: true, Doc: "the one artifact that a collection of a table or a folder is"},
			version, isLatest, stem(16), visibility,
			Field{Name: "transform", Type: Ref, To: ModelTransform, Back: "output_collections", Doc: "whose run made it"},
			Field{Name: "run", Type: Ref, To: ModelRun, Back: "output_collections", Doc: "the run that made it"},
		),
		Relations: append(sharedRelations(ModelCollection, "collection"),
			Relation{Name: "artifacts", To: ModelArtifact, Link: "collection_artifact", Own: "collection_id", Other: "artifact_id", Order: "position", Doc: "its members in their order"}),
	},
}

var (
	version    = Field{Name: "version", Type: Text, Doc: "a version; none until there is a second one"}
	isLatest   = Field{Name: "is_latest", Type: Bool, Must: true, Fixed: true, Doc: "whether it is the newest of its family, those in the trash last"}
	visibility = Field{Name: "visibility", Type: Int, Must: true, Index: true, Few: true, Doc: "0: shown, 1: hidden, 2: in the trash"}
)

// stem is the field of what the uids of a family have in common.
func stem(n int) Field {
	return Field{Name: "stem_uid", Type: Text, Fixed: true, Computed: fmt.Sprintf("substr(uid, 1, %d)", n), Doc: "what the uids of all its versions begin with"}
}

// withTimes are the fields that every model has, around those of its own. The id comes first in SQL and is no field.
func withTimes(own ...Field) []Field {
	fields := append([]Field{{Name: "uid", Type: Text, Must: true, Unique: true, Fixed: true, Doc: "an id that holds in every database"}}, own...)
	return append(fields,
		Field{Name: "created_at", Type: Time, Must: true, Index: true, Fixed: true, Doc: "when it was saved first"},
		Field{Name: "updated_at", Type: Time, Must: true, Fixed: true, Doc: "when it was changed last"})
}

func withCommon(own ...Field) []Field {
	return append(withTimes(own...), Field{Name: "created_by", Type: Ref, To: ModelUser, Must: true, Fixed: true, Doc: "who saved it first"})
}

// sharedRelations are those of artifacts and collections alike.
func sharedRelations(m Model, name string) []Relation {
	return []Relation{
		{Name: "ulabels", To: ModelULabel, Link: name + "_ulabel", Own: name + "_id", Other: "ulabel_id", Doc: "its labels"},
		{Name: "feature_sets", To: ModelFeatureSet, Link: name + "_featureset", Own: name + "_id", Other: "featureset_id", Extra: "slot", Doc: "its features, one set a slot (obs, var, columns)"},
		{Name: "input_of", To: ModelRun, Link: name + "_input_of", Own: name + "_id", Other: "run_id", Doc: "runs that read it"},
		{Name: "previous_runs", To: ModelRun, Link: name + "_previous_run", Own: name + "_id", Other: "run_id", Doc: "runs that made it before, or saved it again"},
	}
}
