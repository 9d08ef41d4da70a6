package main

import (
	"fmt"
	"runtime"

	"github.com/loaderd/loaderd/internal/build"
	"github.com/loaderd/loaderd/ipc"
)

type versionCmd struct {
	Build bool `help:"Print the build alone, for programs."`
}

// Run prints what this binary is.
func (c *versionCmd) Run(con *console) error {
	if c.Build {
		fmt.Fprintln(con.out, build.Version)
		return nil
	}
	fmt.Fprintf(con.out, "loaderd %s\nprotocol %d.%d\n%s %s/%s\n",
		build.Version, ipc.Major, ipc.Minor, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
