// Package lineage finds out where a record of the registry came from and what became of it, and draws that.
//
//	Load   the [Graph] around a record: what it was made from, and what was made from it
//	Text   that as a tree of lines
//	SVG    that as a picture, layer after layer from left to right
//
// The graph goes through runs: an artifact or a collection leads back to the run that made it, a run to its inputs; a collection
// to its members. What lies beside the way, such as the other outputs of the run that made the record, is not part of it.
//
// # Invariants
//
//   - The same records give the same text and the same picture, to the byte.
//   - A graph has [Options.Most] nodes at most, the nearest ones, and says of each node how many of its neighbours were left out.
//
// # Caveats
//
// A record can, by a mistake or by a run that reads what it writes, be its own ancestor. The picture then has an edge that goes back.
//
// # Layout
//
// Layers, crossings and places follow Sugiyama, Tagawa and Toda, Methods for Visual Understanding of Hierarchical System Structures
// (IEEE Transactions on Systems, Man, and Cybernetics 11, 1981): longest paths, barycentres, edges over several layers through a
// place of their own in each.
package lineage
