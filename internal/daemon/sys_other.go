//go:build !linux

package daemon

import (
	"fmt"
	"os"
)

func fileIdentity(path string) (string, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d:%d", fi.Size(), fi.ModTime().UnixNano()), nil
}

func isTemporary(error) bool { return false }
