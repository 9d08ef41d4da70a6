package rowstore

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"

	"golang.org/x/sys/unix"
)

// Rows are mapped files, and a file can become shorter: in vector code, too, that must be a panic that can be caught.
func TestAFaultInARowIsAPanic(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	row := sparseRow(r, Float32, "as in cells", "counts", 20000)
	rec := row.encode(t, nil, 0)
	path := filepath.Join(t.TempDir(), "rows")
	eachLevel(t, (*testing.T).Run, func(t *testing.T) {
		if err := os.WriteFile(path, rec, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		m, err := unix.Mmap(int(f.Fd()), 0, len(rec), unix.PROT_READ, unix.MAP_SHARED)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Munmap(m)
		k := NewKernel(KernelOptions{Stored: Float32, Cols: row.cols, OutSize: 4, Width: row.cols})
		dst, idx := alignedBytes(4*row.cols), make([]int32, 20000)
		if err := f.Truncate(int64(os.Getpagesize())); err != nil {
			t.Fatal(err)
		}
		for name, run := range map[string]func(w *Scratch){
			"Dense": func(w *Scratch) { k.Dense(dst, m, w) },
			"CSR":   func(w *Scratch) { k.CSR(idx, dst, m, w) },
		} {
			func() {
				defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
				defer func() {
					if _, ok := recover().(interface{ Addr() uintptr }); !ok {
						t.Errorf("%s: no fault", name)
					}
				}()
				run(new(Scratch))
			}()
		}
	})
}
