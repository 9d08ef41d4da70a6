package rowstore

// Usage is what a table has.
type Usage struct {
	Dir     string
	Rows    int64 // of the matrix
	Stored  int64 // rows that the table has
	Bytes   int64 // of its files that this process knows
	Needs   int64 // bytes for all rows, from what is stored; before that, a guess
	Damaged int64 // rows and files that were found damaged, and forgotten, since the table was opened
	Full    bool  // nothing can be appended for now
}

// Usage is as this process knows it: it does not count what is on the disk.
func (t *Table) Usage() Usage {
	u := Usage{
		Dir: t.path(""), Rows: t.spec.Rows, Stored: t.rows.stored.Load(), Damaged: t.damaged.Load(), Full: t.Full(),
	}
	records, used := int64(0), int64(0)
	for _, g := range t.segments.Load().all {
		u.Bytes += g.size.Load()
		records += g.records.Load()
		used += g.used.Load()
	}
	u.Needs = t.spec.needs(records, used)
	return u
}
