package h5

import "fmt"

const signature = "\x89HDF\r\n\x1a\n"

// readSuperblock finds the signature (at 0, 512, 1024, 2048 …: a user block may precede it) and
// reads what follows. Format: HDF5 File Format Specification, II.A.
func (f *File) readSuperblock() error {
	at, err := f.findSignature()
	if err != nil {
		return err
	}
	b := make([]byte, min(128, f.size-at))
	if len(b) < 48 { // the least that any version has
		return &Error{Kind: ErrTruncated, Form: "superblock"}
	}
	if _, err := f.ReadAt(b, at); err != nil {
		return err
	}
	c := cursor{b: b, pos: len(signature)}
	var eof uint64
	switch v := c.u8(); v {
	case 0, 1:
		eof, err = f.superblock0(&c, v)
	case 2, 3:
		eof, err = f.superblock2(&c)
	default:
		return unsupported(fmt.Sprintf("superblock version %d", v))
	}
	if err != nil {
		return err
	}
	return f.place(at, eof)
}

// checkExtension refuses files whose metadata is not where it belongs: with a cache image, what stands at
// the addresses may be older than the file.
func (f *File) checkExtension() error {
	if f.extAddr == undefAddr {
		return nil
	}
	h, err := f.header(f.extAddr, 0)
	if err != nil {
		return err
	}
	for _, m := range h.msgs {
		if m.kind == msgCacheImage {
			return unsupported("metadata cache image")
		}
	}
	return nil
}

func (f *File) findSignature() (int64, error) {
	var b [8]byte
	for at := int64(0); at <= f.size-int64(len(b)); at = max(512, at*2) {
		if _, err := f.ReadAt(b[:], at); err != nil {
			return 0, err
		}
		if string(b[:]) == signature {
			return at, nil
		}
	}
	form := "no HDF5 signature"
	if f.size == 0 {
		form = "the file is empty"
	}
	return 0, &Error{Kind: ErrNotHDF5, Form: form, Hint: "give the path of an .h5ad file"}
}

func (f *File) superblock0(c *cursor, version uint8) (eof uint64, err error) {
	c.skip(4) // versions of free space, root entry; reserved; version of shared header messages
	if err := f.sizes(c); err != nil {
		return 0, err
	}
	c.skip(1 + 2 + 2 + 4) // reserved, group leaf and internal K, consistency flags
	if version == 1 {
		c.skip(4) // chunk B-tree K, reserved
	}
	f.base = int64(c.addr())
	c.addr() // free space
	eof = c.addr()
	f.extAddr = undefAddr
	c.addr() // driver information
	c.addr() // root's link name
	f.rootAddr = c.addr()
	if c.bad {
		return 0, &Error{Kind: ErrTruncated, Form: "superblock"}
	}
	return eof, nil
}

func (f *File) superblock2(c *cursor) (eof uint64, err error) {
	if err := f.sizes(c); err != nil {
		return 0, err
	}
	c.skip(1) // consistency flags
	f.base = int64(c.addr())
	f.extAddr = c.addr()
	eof = c.addr()
	f.rootAddr = c.addr()
	end := c.pos
	sum := c.u32()
	if c.bad {
		return 0, &Error{Kind: ErrTruncated, Form: "superblock"}
	}
	if !f.trusting && sum != lookup3(c.b[:end]) {
		return 0, corrupt("superblock: wrong checksum")
	}
	return eof, nil
}

func (f *File) sizes(c *cursor) error {
	f.offLen, f.lenLen = int(c.u8()), int(c.u8())
	for _, n := range [2]int{f.offLen, f.lenLen} {
		if n != 2 && n != 4 && n != 8 {
			return unsupported(fmt.Sprintf("superblock: sizes of offsets and lengths %d and %d", f.offLen, f.lenLen))
		}
	}
	c.offLen, c.lenLen = f.offLen, f.lenLen
	return nil
}

// place checks the base address and the end of the file. When a user block was added or removed
// after writing, the superblock's true place wins over the base address it states.
func (f *File) place(at int64, eof uint64) error {
	if eof == undefAddr || eof > 1<<62 || f.base < 0 || uint64(f.base) > eof {
		return corrupt(fmt.Sprintf("superblock: base address %#x, end of file %#x", uint64(f.base), eof))
	}
	end := int64(eof) - f.base + at
	f.base = at
	if end > f.size {
		return &Error{Kind: ErrTruncated, Form: fmt.Sprintf("%d bytes of %d", f.size, end),
			Hint: "copy or download it again; if it is being written, wait until the writer closed it"}
	}
	return nil
}
