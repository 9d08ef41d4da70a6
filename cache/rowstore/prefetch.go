package rowstore

// Prefetch asks the processor for the row's memory, ahead of its use. It does nothing here.
func (r Row) Prefetch() {}
