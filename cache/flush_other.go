//go:build !linux

package cache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// flush has all that was written below a folder on the disk.
func flush(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}
