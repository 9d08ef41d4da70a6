package ipc

import "os"

// DaemonPidfd is a descriptor of the daemon's process for [AwaitExit], or nil where there is none to be had. The caller closes it.
func (c *Client) DaemonPidfd() *os.File { return PeerPidfd(c.conn.Socket()) }
