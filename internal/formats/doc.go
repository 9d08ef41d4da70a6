// Package formats gives tests the matrix of formats: small files of every form that the readers know, made by testdata/matrix,
// and with each what h5py, zarr-python or anndata reads in it. It also keeps docs/formats.md, the table of what is read, true.
//
//	func TestEveryFormReads(t *testing.T) {
//		dir, cases := formats.Load(t)
//		outcomes := ...                                 // one a case: read, or refused with which words
//		formats.Check(t, "hdf5", outcomes, *update)      // the page says the same
//	}
//
// The files are made by `make test-go`, which sets [Env]: with it, a matrix that is not there fails the test. Without it, as in a
// plain `go test ./...` after cloning, the tests are skipped; the fixtures under testdata, which are committed, have most
// of the same forms.
//
// # Caveats
//
// Three packages write a part of docs/formats.md each. `make formats` runs them one after another.
package formats
