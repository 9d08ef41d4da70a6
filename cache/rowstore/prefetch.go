package rowstore

// Prefetch asks the processor for the row's memory, ahead of its use. Where
// that cannot be asked, it does nothing.
func (r Row) Prefetch() { r.prefetch() }
