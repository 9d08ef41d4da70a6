package daemon

import (
	"fmt"
	"hash/fnv"
	"io/fs"
	"path/filepath"
)

// folderIdentity tells folders apart by the names, sizes and ages of all that is in them: a zarr store may be changed chunk by
// chunk, and the folder itself shows nothing of it.
func folderIdentity(path string) (string, error) {
	h := fnv.New128a()
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(h, "%q %d %d\n", name, fi.Size(), fi.ModTime().UnixNano())
		return err
	})
	return fmt.Sprintf("/%x", h.Sum(nil)), err
}
