// Package registry keeps what is known of data: artifacts, collections of them, their versions, the runs that made and read
// them, labels and features. It never opens the data itself.
//
// A registry is one SQLite file, which [Open] makes where it is missing. [Schema] says which models there are and what fields
// they have; the SQL, the lookups of queries and the checks of what is saved are all made from it. A [Record] is a map of
// values by field.
//
// # Invariants
//
//   - Every write is one transaction: all of it is there, or nothing.
//   - Of every family of versions exactly one is the latest; the database itself refuses a second.
//   - The same content is the same record.
//   - No text of a user becomes part of SQL: names come from Schema, values are parameters.
package registry
