package mapped

import (
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
)

// FileIdentity names what is at path as it is now: another file there, or a changed one, has another identity. It does not
// hold the number of the device, which file systems may have anew each time they are mounted.
func FileIdentity(path string) (string, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	own := fmt.Sprintf("%d:%d:%d:%d", inode(fi), fi.Size(), fi.ModTime().UnixNano(), changeTime(fi))
	if !fi.IsDir() {
		return own, nil
	}
	inside, err := folderIdentity(path)
	return own + inside, err
}

// identify gives the path of a file, absolute and without symbolic links, and its identity.
func identify(path string) (source, identity string, err error) {
	if identity, err = FileIdentity(path); err != nil {
		return "", "", err
	}
	if source, err = filepath.Abs(path); err == nil {
		source, err = filepath.EvalSymlinks(source)
	}
	return source, identity, err
}

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
		_, err = fmt.Fprintf(h, "%q %d %d %d\n", name, fi.Size(), fi.ModTime().UnixNano(), changeTime(fi))
		return err
	})
	return fmt.Sprintf("/%x", h.Sum(nil)), err
}
