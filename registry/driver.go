package registry

import (
	"database/sql"
	"net/url"

	"github.com/mattn/go-sqlite3"
)

// driverName is SQLite with connectHook.
const driverName = "loaderd-sqlite3"

func init() { sql.Register(driverName, &sqlite3.SQLiteDriver{ConnectHook: connectHook}) }

// connectHook is called with every new connection: the place of SQL functions of our own.
func connectHook(c *sqlite3.SQLiteConn) error { return registerFunctions(c) }

// source is the name under which the driver opens a file. Options are the driver's and SQLite's.
func source(path string, options url.Values) string {
	u := url.URL{Scheme: "file", Path: path, RawQuery: options.Encode()}
	return u.String()
}
