// Package rowstore keeps decoded rows of matrices, compact and one by one, and expands them into batches.
//
//	Store    a folder of tables that processes share     Open
//	Table    rows of one matrix, on disk and mapped      Store.Table, Table.Row, Table.Append
//	Row      one encoded row: a view of memory           AppendSparse, AppendDense, Length
//	Kernel   expands rows into one field of a batch      NewKernel, Kernel.Dense, Kernel.CSR
//	Scratch  working memory of one goroutine             the zero value is ready
//	DType    element types, numpy's names
//
// # Rows
//
// A record is encoded once, from a canonical row (columns strictly ascending), and is lossless bit for bit: −0.0 and the
// payloads of NaNs survive. What was written is decoded and compared before it is handed out.
//
//	rec, err := rowstore.AppendSparse(nil, 17, rowstore.Float32, 20000, idx, vals)
//	...
//	r := rowstore.Row(rec)
//	if err := r.Check(17, rowstore.Float32, 20000); err != nil { … }    // once, when the bytes come from a disk
//	k := rowstore.NewKernel(rowstore.KernelOptions{Stored: rowstore.Float32, Cols: 20000, OutSize: 4, Width: 20000})
//	k.Dense(dst, r, &scratch)
//
// All numbers of a record are little-endian. It begins with a header of 32 bytes:
//
//	 0  uint32  CRC-32C of all that follows, padding included
//	 4  uint32  length of the record in units of 16 bytes
//	 8  int64   number of the row
//	16  uint32  n, the stored values (dense rows: columns)
//	20  uint32  length of the escapes in units of 2 bytes
//	24  uint16  exceptions
//	26  uint8   entries of the dictionary
//	27  uint8   DType
//	28  uint8   layout: 0 columns and values, 1 values of all columns; + 2: was given as a dense row;
//	              + 4: layout 0, with some −0.0 of a dense row
//	29  uint8   form of the values: 0 raw, 1 bytes, 2 words, 3 dictionary
//	30  uint16  magic, "rw"
//
// Sections follow, each padded with zeros to a multiple of 16 bytes; those that a row does not need are empty:
//
//	gaps        n signed bytes (layout 0): how many columns lie between a stored value and the one before it, less 128;
//	            127: see escapes
//	values      n elements: raw as stored; bytes and words: integers that the values equal; dictionary: bytes,
//	            positions in it + 1, or 0: no bit set
//	dictionary  elements as stored, the most frequent first
//	exceptions  the values that the form cannot hold: their positions (uint32 each), columns (uint32), elements as stored.
//	            Their place among the values holds 0
//	escapes     gaps of 255 and more as uint16, in order; 65535: a uint32 follows
//
// Gaps and values are aligned by position, and hold no state but the column: a vector unit expands 16, 32 or 64 at a
// time. A count matrix takes about 2 bytes a non-zero, and so do log-normalised floats, which have a few dozen distinct
// values a row.
//
// # Kernels
//
// A [Kernel] goes from a record to the memory of a batch in one pass: columns are summed up, mapped to the field's,
// values are cast, and written where they stay. It allocates nothing once its [Scratch] has seen rows as large.
//
// On amd64 it runs on AVX-512 (with VNNI and VBMI2: Ice Lake, Zen 4 and later) or AVX2, where the processor has them; the tag
// purego builds without. Results are the same, bit for bit. Gaps are summed up by products of bytes with weights of 0 and 1.
// A dense row is made in the innermost cache first, a byte a column, and expanded from there, so that each line of the batch is
// written once; KernelOptions.Stream has it written past the caches, which saves reading it first. A panel of genes is looked up
// in a bitmap, 16 columns at a time. [Row.Prefetch] asks for the next row while a kernel is at this one.
//
// # Stores
//
// A [Store] keeps tables, and a [Table] the rows of one matrix, in whatever order they come. It may lack any of them: who
// misses a row makes it from the source and appends it.
//
//	s, err := rowstore.Open(rowstore.Options{Dir: dir})
//	...
//	t, err := s.Table(rowstore.Spec{Source: path, Identity: id, Matrix: "X", Rows: n, Cols: m, DType: rowstore.Float32, NNZ: nnz})
//	...
//	err = s.Guard(func() error {    // touching a row is touching a file
//		if r, ok := t.Row(17); ok {
//			k.Dense(dst, r, &scratch)
//			return nil
//		}
//		...                     // from the source; t.Append for the next time
//	})
//
// On disk, DIR/v1 has a folder for each table, named by a digest of its [Spec]:
//
//	about.json                 source, matrix and sizes, for people
//	lock                       locked (shared) by each process that has the table open; its time is that of the last use
//	HOST-PID-RANDOM-N.open     a segment that a process writes, and has locked (exclusive)
//	HOST-PID-RANDOM-N.seg      a segment that is whole
//
// A segment begins with a header of 128 bytes: magic "ldrowseg", uint32 version, uint32 unit, 32 bytes digest of the Spec, 16 each
// of digests of the machine's boot and of its name, uint32 process; the last 4 are the CRC-32C of those before. Records follow, each at a
// multiple of the unit, which is 16 bytes, or more where 31 bits would not number the table's units. A whole segment ends with a
// footer: for each record uint32 row and uint32 address, in units from the beginning of the file. Its trailer of 40 bytes: magic
// "ldrowend", uint32 version, uint32 rows, uint64 end of the records, uint32 CRC-32C of the footer, uint32 CRC-32C of the header,
// 4 zeros, uint32 CRC-32C of those 36.
//
// Space is reserved on the disk before it is written, so that a full disk is an error of Append. Files are written by pwrite and read
// through mappings. When a segment is full, at Seal and at Close, it gets its footer, is synced, renamed, and its folder is synced.
// What a killed process has left open is read record by record by the next who opens the table, and sealed. Short segments, of
// short sessions, are copied into one.
//
// # Invariants
//
//   - A row that is served was whole when it was first touched: its checksum, its number, its type, and that it decodes within the
//     matrix. Damage of any kind is found before, logged with file and row, and the row is then missing.
//   - A table never grows beyond the budget, which leaves a tenth of the disk unless it is a number of bytes, and what is kept stays while a process has the table open. Room is
//     made by removing tables that nobody has open, first the one that was not used for longest.
//   - Nobody touches an open segment whose writer may live.
//   - A table has one address of 31 bits for a row, and a bit that says whether the record was checked; readers take no lock.
//   - A record that passes [Row.Check] never fails a kernel, whatever its bytes. Kernels that meet other bytes write wrong
//     numbers or panic, but never outside the memory they were given.
//   - Kernels never change after NewKernel and are shared by goroutines; a Scratch is used by one goroutine at a time.
//
// # Caveats
//
// Rows of a table are views of its files: use them inside [Store.Guard], and not after [Table.Close]. A goroutine that fn starts is not
// guarded. A fault waits for the disk, and holds a processor of the Go scheduler while it does: [Table.Prefetch] what is
// about to be read.
//
// On a network file system, locks may not reach other machines: their open segments and tables are left alone for a day then. A
// file system that reserves no space may lose rows of an open segment to a full disk; Seal finds that, and they are missing.
// Damage to memory, or to a file after a row was first touched, is not found. Two processes that need the same row both write it.
//
// A Row is valid as long as the memory it views. Platforms are little-endian. A column map must not send two columns of a
// row to one column of the field.
//
// Prior art: delta-coded bytes with escapes are common in text retrieval (Williams and Zobel, "Compressing integers for fast file
// access", 1999); expanding them by vector prefix sums is after Lemire and Boytsov, "Decoding billions of integers per
// second through vectorization" (2015).
package rowstore
