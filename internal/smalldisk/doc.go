// Package smalldisk gives a test a real disk that is full soon: a file system in memory, which a process with name spaces of its own may
// mount without being root.
//
//	func TestX(t *testing.T) { smalldisk.Run(t, "TestXOnASmallDisk") }
//
//	func TestXOnASmallDisk(t *testing.T) {
//		dir := smalldisk.Mount(t, "1m")
//		...
//	}
//
// [Run] starts the test binary again, for the other test alone; [Mount] skips that test in every other process. Linux only.
//
// # Caveats
//
// Where a process may have no name spaces, or mount nothing, the test is skipped, and says why.
package smalldisk
