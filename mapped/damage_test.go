package mapped

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/loaderd/loaderd/mapped/h5"
	"github.com/loaderd/loaderd/mapped/zarr"
)

// One damaged file may cost no more memory than this.
const damageBytes = 64 << 20

func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// damaged is a small file of each container, and how to open bytes as such.
var damaged = []struct {
	name string
	obs  string // a categorical column
	open func(data []byte, path string) (container, error)
}{
	{"h5/tiny_none.h5ad", "ct", func(data []byte, path string) (container, error) {
		f, err := h5.NewFile(bytes.NewReader(data), int64(len(data)), path)
		if err != nil {
			return nil, openError(path, err)
		}
		return &h5File{f}, nil
	}},
	{"zarr/b_v3.zarr.zip", "cell_type", func(data []byte, path string) (container, error) {
		s, err := zarr.NewZip(bytes.NewReader(data), int64(len(data)), path)
		if err != nil {
			return nil, zarrError(path, stageOpen, err)
		}
		return &zarrStore{s}, nil
	}},
}

// all reads X and a column of labels whole: what a batch of all rows holds.
func all(data []byte, obs string, open func([]byte, string) (container, error)) (string, error) {
	c, err := openWith(context.Background(), []string{"damaged"}, Options{ObsKeys: []string{obs}, Encode: []string{obs}, CacheBytes: 1 << 16},
		func(path string) (container, error) { return open(data, path) })
	if err != nil {
		return "", err
	}
	defer c.Close()
	e, err := c.NewEncoder(EncoderOptions{Format: CSR})
	if err != nil {
		return "", err
	}
	if c.NObs() > 1000 || e.Bounds(sequence(c.NObs()), nil)[0] > 1<<16 {
		return "more than the file can hold by far", nil
	}
	fields, err := encode(e, sequence(c.NObs()), 0, 1)
	return fmt.Sprintf("%q %v", c.Var(), fields), err
}

// TestADamagedAnnDataFileGivesTheSameBatchOrATypedError takes every eleventh byte; the readers' own tests take every one. It
// also shows that what a checksum guards is never a wrong number: in a zip archive that is everything before its list of
// members. What HDF5's old format does not guard may read as other values.
func TestADamagedAnnDataFileGivesTheSameBatchOrATypedError(t *testing.T) {
	step := 11
	if raceEnabled || testing.Short() {
		step = 97
	}
	for _, d := range damaged {
		t.Run(d.name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("../testdata", d.name))
			if err != nil {
				t.Fatal(err)
			}
			want, err := all(data, d.obs, d.open)
			if err != nil {
				t.Fatal(err)
			}
			guarded := max(0, bytes.Index(data, []byte("PK\x01\x02")))
			caught := 0
			for at := 0; at < len(data); at += step {
				mask := []byte{0xff, 0x01, 0x80, 0x20}[at%4]
				before := allocated()
				data[at] ^= mask
				got, err := all(data, d.obs, d.open)
				data[at] ^= mask
				if used := allocated() - before; used > damageBytes {
					t.Fatalf("byte %d: %d bytes allocated", at, used)
				}
				if err != nil {
					caught++
					namesTheFile(t, at, err)
				} else if at < guarded && got != want {
					t.Fatalf("byte %d: reads %s, want %s", at, got, want)
				}
			}
			for n := 0; n < len(data); n += 512 {
				_, err := all(data[:n], d.obs, d.open)
				if err == nil {
					t.Errorf("cut to %d of %d bytes, and read", n, len(data))
					continue
				}
				namesTheFile(t, n, err)
			}
			if caught == 0 {
				t.Error("no damage was noticed: the test shows nothing")
			}
		})
	}
}

func namesTheFile(t *testing.T, at int, err error) {
	t.Helper()
	var e *Error
	// A name that is damaged is one that no file has.
	if !errors.As(err, &e) || e.Kind == nil || !strings.HasPrefix(e.Object, "damaged") && e.Kind != ErrUnknownKey {
		t.Errorf("byte %d: an error that names no file, or is of no kind: %v", at, err)
	}
}
