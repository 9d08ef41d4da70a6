package h5

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
)

// signatures begin the structures that point to one another.
var signatures = []string{"TREE", "SNOD", "HEAP", "BTHD", "BTIN", "BTLF", "FRHP", "FHIB", "FHDB", "OHDR", "OCHK", "FAHD", "FADB", "EAHD", "EAIB", "EASB", "EADB"}

// pointers finds, in the structures with a signature, the addresses of other structures: at which byte they stand, and
// where the structure that holds them begins.
func pointers(b []byte, sign string) (at, owner []int) {
	for begin := bytes.Index(b, []byte(sign)); begin >= 0; {
		end := len(b)
		for _, s := range signatures {
			if i := bytes.Index(b[begin+4:], []byte(s)); i >= 0 {
				end = min(end, begin+4+i)
			}
		}
		for i := begin + 4; i+8 <= end; i++ {
			v := binary.LittleEndian.Uint64(b[i:])
			if v > 0 && v < uint64(len(b)-4) && slices.Contains(signatures, string(b[v:v+4])) {
				at, owner = append(at, i), append(owner, begin)
			}
		}
		next := bytes.Index(b[begin+4:], []byte(sign))
		if next < 0 {
			break
		}
		begin += 4 + next
	}
	return at, owner
}

// Every pointer between structures is turned back upon its owner, and upon the structure that all else hangs from.
// Checksums are not verified, so that a loop is met and not only a wrong sum.
func TestStructuresThatFormALoopEnd(t *testing.T) {
	for _, c := range []struct{ file, sign string }{
		{"deep_btree1.h5.gz", "TREE"}, {"tiny_group_old.h5", "TREE"}, {"tiny_gzip.h5ad", "TREE"}, {"deep_btree2.h5.gz", "BTIN"},
		{"deep_heap.h5.gz", "FHIB"}, {"shared_messages_latest.h5", "OHDR"}, {"tiny_group_new.h5", "FRHP"}, {"tiny_latest.h5", "OHDR"},
		{"tiny_latest.h5", "EAHD"}, {"tiny_latest.h5", "EAIB"}, {"tiny_latest.h5", "FAHD"}, {"tiny_latest.h5", "BTHD"},
	} {
		t.Run(c.file+" "+c.sign, func(t *testing.T) {
			b := fixture(t, c.file)
			at, owner := pointers(b, c.sign)
			if len(at) == 0 {
				t.Fatalf("no %s points to anything", c.sign)
			}
			step := max(1, len(at)/8)
			if raceEnabled {
				step = max(1, len(at)/2)
			}
			noticed := 0
			for i := 0; i < len(at); i += step {
				was := binary.LittleEndian.Uint64(b[at[i]:])
				for _, to := range []int{owner[i], owner[0]} {
					binary.LittleEndian.PutUint64(b[at[i]:], uint64(to))
					noticed += readLoop(t, b)
				}
				binary.LittleEndian.PutUint64(b[at[i]:], was)
			}
			if noticed == 0 {
				t.Errorf("of %d pointers that were turned, none made an error", len(at))
			}
		})
	}
}

// readLoop reads all of a file, within the budget, and counts what was found corrupt.
func readLoop(t *testing.T, b []byte) (corrupted int) {
	t.Helper()
	before := allocated()
	f, err := NewFile(bytes.NewReader(b), int64(len(b)), "loop")
	if err != nil {
		if wrong := typed(err); wrong != "" {
			t.Errorf("an error %s: %v", wrong, err)
		}
		return 1
	}
	f.trusting = true
	for at, err := range read(f).errs {
		if wrong := typed(err); wrong != "" {
			t.Errorf("%s: an error %s: %v", at, wrong, err)
		}
		if errors.Is(err, ErrCorrupt) || errors.Is(err, ErrTruncated) {
			corrupted++
		}
	}
	if used := allocated() - before; used > damageBytes {
		t.Errorf("%d bytes allocated", used)
	}
	return corrupted
}

func TestAHeaderThatContinuesInItselfEnds(t *testing.T) {
	next := func(to, n uint64) []byte {
		return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, to), n)
	}
	old := func(to, n uint64) []byte { return append([]byte{msgContinue, 0, 16, 0, 0, 0, 0, 0}, next(to, n)...) }
	for name, b := range map[string][]byte{
		// Version 1: a header of 24 bytes of messages behind 16 others, then a block like it.
		"in its own block":     slices.Concat([]byte{1, 0, 2, 0, 1, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0}, old(40, 24), old(40, 24)),
		"in the one before":    slices.Concat([]byte{1, 0, 2, 0, 1, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0}, old(40, 24), old(64, 24), old(40, 24)),
		"version 2, in itself": slices.Concat([]byte("OHDR\x02\x00\x14\x10\x10\x00\x00"), next(31, 28), make([]byte, 4), []byte("OCHK\x10\x10\x00\x00"), next(31, 28), make([]byte, 4)),
	} {
		_, err := bare(b).header(0, 0)
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "loop") {
			t.Errorf("%s: %v, want a loop", name, err)
		}
	}
}
