package rowstore

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// FuzzSegment reads any bytes as a segment, whole or broken: what it finds lies inside, and is sound.
func FuzzSegment(f *testing.F) {
	spec := sampleSpec(8)
	var file []byte
	var list footer
	file = append(file, encodeHeader(spec.id(), spec.unit(), origin{pid: 1})...)
	for row := range int64(4) {
		list = list.add(row, uint32(len(file)/unit))
		file = append(file, sampleRecord(f, row, 1)...)
	}
	whole := append(bytes.Clone(file), list.sealed(file, int64(len(file)))...)
	f.Add(whole)
	f.Add(file)
	f.Add(whole[:len(whole)-1])
	f.Add([]byte(segmentMagic))
	t := newTable(&Store{}, spec)
	f.Fuzz(func(t2 *testing.T, data []byte) {
		size := int64(len(data))
		c, err := readContents(bytes.NewReader(data), size, t.id, t.unit, spec.Rows)
		if err == nil {
			if c.end > size || int64(len(c.footer)) > size {
				t2.Fatalf("%d bytes hold records up to %d and a footer of %d", size, c.end, len(c.footer))
			}
			for i := range c.footer.count() {
				row, at := c.footer.entry(i)
				if row >= spec.Rows || int64(at)*t.unit+headerSize > c.end {
					t2.Fatalf("row %d at %d", row, at)
				}
			}
		}
		list, end := t.records(&segment{data: data})
		for i := range list.count() {
			row, at := list.entry(i)
			r := (&segment{data: data[:end]}).record(int64(at) * t.unit)
			if err := t.check(r, row); err != nil {
				t2.Fatalf("row %d: %v", row, err)
			}
		}
	})
}

// FuzzAbout reads any text as an about.json.
func FuzzAbout(f *testing.F) {
	text, err := json.Marshal(about{Format: 1, Source: "/a", Rows: 3})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, aboutFile), text, 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := readAbout(dir)
		if err == nil && !json.Valid(text) {
			t.Errorf("%q gives %+v", text, a)
		}
	})
}
