// Package registry keeps what is known of data: artifacts, collections of them, their versions, the runs that made and read
// them, labels and features. It never opens the data itself.
//
//	db, err := registry.Open(ctx, registry.Options{Path: "/data/registry.db", User: "ada"})
//	saved, err := db.Save(ctx, registry.Save{Model: registry.ModelCollection,
//		Record:  registry.Record{"name": "atlas"},
//		Members: []any{registry.Record{"path": "/data/a.h5ad", "hash": hash, "hash_type": kind, "size": size}}})
//	found, err := db.Records(ctx, registry.Query{Model: registry.ModelArtifact, OrderBy: []string{"-created_at"},
//		Where: registry.Lookup{Path: "collections__name", Value: "atlas"}})
//
// A registry is one SQLite file, which [Open] makes where it is missing. [Schema] says which models there are and what fields
// they have; the SQL, the lookups of queries and the checks of what is saved are all made from it. A [Record] is a map of
// values by field; references to other records are their uids. [Artifact] and [Collection] are such records as structs:
//
//	artifact, err := db.Artifact(ctx, uid)
//	fmt.Println(artifact.Path, artifact.CreatedAt)
//
// # What is the same, and what is new
//
// [DB.Save] gives the record that is there: an artifact of the same content, by [HashFile] and [HashOfFolder], which are lamindb's
// hashes; a collection of the same members in the same order; a label, user or storage of the same name; a transform of the
// same key and source. Other content under a key is a new version, as is what says which record it revises. A uid is random, but
// for its last four characters, which number the versions of a family. Versions are nil until there are two; then they are "1", "2", or what users say.
//
// # Queries
//
// A [Query] asks by lookups, as Django has them: "suffix", "size__gt", "ulabels__name__icontains"; [DB.Records], [DB.UIDs], [DB.Values],
// [DB.Count] and [DB.Exists] answer it, and [DB.Search] finds words. How lookups hang together is at [Where]. Texts compare by
// Unicode's code points; regular expressions are those of package regexp. A record comes once, and the order is total, so
// that slices are stable. Of records with a visibility, those that are shown come, unless the query says otherwise.
//
// With a million artifacts, a slice of what a condition on indexed fields leaves, in an order that an index has, takes a few milliseconds;
// what looks through every text, half a second to two. BenchmarkAMillionArtifacts measures that. For the first, four things are
// done beside indexes: SQLite's planner is told what registries look like (planner.go); it begins with the condition that is
// found to leave the fewest records (begin.go); and where none leaves few, the first records of the order are looked at before all
// are sorted (early.go); and what is sorted is ids, which indexes have, and not records (statement.go).
//
// # Invariants
//
//   - Every write is one transaction: all of it is there, or nothing, also after a kill or a loss of power.
//   - Of every family of versions exactly one is the latest: the newest that is shown, else hidden, else in the trash. The database
//     itself refuses a second.
//   - A key is that of one family's latest, outside the trash. It is free once that has another, though older versions have it still; and
//     what would make one of these a second latest of it is refused. A copy from another database comes without a key that is another's
//     here. Only an import may bring two, and says so.
//   - The same content is the same record, whatever it is called.
//   - An artifact that a collection holds can not be deleted for good.
//   - No text of a user becomes part of SQL: names come from Schema, values are parameters.
//   - A file of an earlier version is brought up to date when it is opened, all at once; one of a newer version is left alone.
//
// # Caveats
//
// It needs cgo. Several processes may have the same file open on a local disk; they take turns at writing. On a network file
// system, which is found out by statfs, one process at a time has it, by a lease that it gives up when it is idle: see [Open].
// Such a lease is as good as the file system is at making hard links and at showing them to other machines.
//
// Values of Go that a client sent are checked against Schema; numbers may come as any type of whole number.
package registry
