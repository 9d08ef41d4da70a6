//go:build !linux

package daemon

import (
	"fmt"
	"net"
	"os"
)

func fileIdentity(path string) (string, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	own := fmt.Sprintf("%d:%d", fi.Size(), fi.ModTime().UnixNano())
	if !fi.IsDir() {
		return own, nil
	}
	inside, err := folderIdentity(path)
	return own + inside, err
}

// hungUp cannot look: a query goes on to its end.
func hungUp(*net.UnixConn) bool { return false }

func isTemporary(error) bool { return false }
