package rowstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// What a segment's file is made of; see doc.go.
const (
	segmentVersion = 1
	segmentHeader  = 128
	segmentTrailer = 40
	footerEntry    = 8

	segmentMagic = "ldrowseg"
	trailerMagic = "ldrowend"
)

var (
	errForeign = errors.New("it is a segment of another table")
	errVersion = errors.New("it is a segment of another version")
	errBroken  = errors.New("it is no whole segment")
)

// origin is who began a segment.
type origin struct {
	boot [16]byte // digest of the machine's boot id, zeros where there is none
	host [16]byte // digest of its name
	pid  uint32
}

func newOrigin(sys *system, pid int) origin {
	o := origin{host: shortDigest(sys.host), pid: uint32(pid)}
	if sys.boot != "" {
		o.boot = shortDigest(sys.boot)
	}
	return o
}

func shortDigest(s string) (d [16]byte) {
	sum := sha256.Sum256([]byte(s))
	copy(d[:], sum[:])
	return d
}

// encodeHeader is the beginning of a segment.
func encodeHeader(id tableID, unit int64, from origin) []byte {
	b := make([]byte, segmentHeader)
	copy(b, segmentMagic)
	binary.LittleEndian.PutUint32(b[8:], segmentVersion)
	binary.LittleEndian.PutUint32(b[12:], uint32(unit))
	copy(b[16:], id[:])
	copy(b[48:], from.boot[:])
	copy(b[64:], from.host[:])
	binary.LittleEndian.PutUint32(b[80:], from.pid)
	binary.LittleEndian.PutUint32(b[segmentHeader-4:], crc32.Checksum(b[:segmentHeader-4], castagnoli))
	return b
}

// decodeHeader checks that b begins a segment of the table. The version stands before all that it decides.
func decodeHeader(b []byte, id tableID, unit int64) (from origin, err error) {
	if len(b) < segmentHeader || string(b[:8]) != segmentMagic {
		return from, errBroken
	}
	b = b[:segmentHeader]
	version := binary.LittleEndian.Uint32(b[8:])
	if crc32.Checksum(b[:segmentHeader-4], castagnoli) != binary.LittleEndian.Uint32(b[segmentHeader-4:]) {
		if version != segmentVersion {
			return from, fmt.Errorf("%w (%d): this is version %d", errVersion, version, segmentVersion)
		}
		return from, fmt.Errorf("%w: its header is damaged", errBroken)
	}
	if version != segmentVersion {
		return from, fmt.Errorf("%w (%d): this is version %d", errVersion, version, segmentVersion)
	}
	if !bytes.Equal(b[16:48], id[:]) || int64(binary.LittleEndian.Uint32(b[12:])) != unit {
		return from, errForeign
	}
	copy(from.boot[:], b[48:])
	copy(from.host[:], b[64:])
	from.pid = binary.LittleEndian.Uint32(b[80:])
	return from, nil
}

// footer lists the rows of a segment in the order of their records: for each the row and the address in the segment, in units.
type footer []byte

func (f footer) add(row int64, at uint32) footer {
	f = binary.LittleEndian.AppendUint32(f, uint32(row))
	return binary.LittleEndian.AppendUint32(f, at)
}

func (f footer) count() int { return len(f) / footerEntry }

func (f footer) entry(i int) (row int64, at uint32) {
	e := f[i*footerEntry:]
	return int64(binary.LittleEndian.Uint32(e)), binary.LittleEndian.Uint32(e[4:])
}

// sealed is the footer as it is written at the end of a segment with so many bytes of header and records, with its trailer.
func (f footer) sealed(header []byte, end int64) []byte {
	b := make([]byte, 0, len(f)+segmentTrailer)
	b = append(b, f...)
	t := len(b)
	b = append(b, trailerMagic...)
	b = binary.LittleEndian.AppendUint32(b, segmentVersion)
	b = binary.LittleEndian.AppendUint32(b, uint32(f.count()))
	b = binary.LittleEndian.AppendUint64(b, uint64(end))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(f, castagnoli))
	b = binary.LittleEndian.AppendUint32(b, binary.LittleEndian.Uint32(header[segmentHeader-4:])) // it ends this segment, no other
	b = append(b, 0, 0, 0, 0)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[t:], castagnoli))
}

// contents is what the ends of a sealed segment say of it.
type contents struct {
	from   origin
	footer footer
	end    int64 // of the records
}

// readContents reads the ends of a segment of so many bytes, and believes nothing that does not agree with the rest.
func readContents(r io.ReaderAt, size int64, id tableID, unit, rows int64) (c contents, err error) {
	var header [segmentHeader]byte
	var trailer [segmentTrailer]byte
	if size < segmentHeader {
		return c, fmt.Errorf("%w: it has %d bytes", errBroken, size)
	}
	if _, err := r.ReadAt(header[:], 0); err != nil {
		return c, err
	}
	if c.from, err = decodeHeader(header[:], id, unit); err != nil {
		return c, err
	}
	if size < segmentHeader+segmentTrailer {
		return c, fmt.Errorf("%w: it has %d bytes", errBroken, size)
	}
	if _, err := r.ReadAt(trailer[:], size-segmentTrailer); err != nil {
		return c, err
	}
	count, sum, err := c.readTrailer(trailer[:], header[:], size)
	if err != nil {
		return c, err
	}
	c.footer = make(footer, count*footerEntry)
	if _, err := r.ReadAt(c.footer, c.end); err != nil {
		return c, err
	}
	if crc32.Checksum(c.footer, castagnoli) != sum {
		return c, fmt.Errorf("%w: its footer is damaged", errBroken)
	}
	return c, c.check(unit, rows)
}

func (c *contents) readTrailer(t, header []byte, size int64) (count int64, sum uint32, err error) {
	if string(t[:8]) != trailerMagic || crc32.Checksum(t[:segmentTrailer-4], castagnoli) != binary.LittleEndian.Uint32(t[segmentTrailer-4:]) {
		return 0, 0, fmt.Errorf("%w: it has no trailer", errBroken)
	}
	count = int64(binary.LittleEndian.Uint32(t[12:]))
	c.end = int64(binary.LittleEndian.Uint64(t[16:]))
	if c.end < segmentHeader || c.end > size || size-c.end != count*footerEntry+segmentTrailer {
		return 0, 0, fmt.Errorf("%w: its %d bytes are not those of %d rows that end at %d", errBroken, size, count, c.end)
	}
	if !bytes.Equal(t[28:32], header[segmentHeader-4:]) {
		return 0, 0, fmt.Errorf("%w: its trailer is another's", errBroken)
	}
	return count, binary.LittleEndian.Uint32(t[24:]), nil
}

// check finds rows and addresses that cannot be. Addresses ascend.
func (c *contents) check(unit, rows int64) error {
	from := int64(segmentHeader)
	for i := range c.footer.count() {
		row, at := c.footer.entry(i)
		off := int64(at) * unit
		if row >= rows || off < from || off+headerSize > c.end {
			return fmt.Errorf("%w: its footer has row %d at byte %d", errBroken, row, off)
		}
		from = off + headerSize
	}
	return nil
}

// aligned up to the unit of a table, a power of two.
func alignUp(n, unit int64) int64 { return (n + unit - 1) &^ (unit - 1) }
