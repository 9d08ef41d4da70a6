// Package tables reads what the columns of a table are, and as little else of the file as it can: names and types, and how many
// rows there are where the file says so.
//
//	t, err := tables.Read("cells.parquet")
//	for _, c := range t.Columns {
//		fmt.Println(c.Name, c.DType)
//	}
//
// It reads Parquet (the footer: https://parquet.apache.org/docs/file-format/metadata/), Arrow's file format and Feather 2 (the
// footer, too), and texts with commas or tabs between (the head of the file, from which types are guessed).
//
// # Caveats
//
// Nothing of the data is looked at, but in texts. A column of categories is one of text in Parquet, unless pandas wrote the file.
package tables
