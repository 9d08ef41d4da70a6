// Package leak finds what a test leaves behind: goroutines, file descriptors, mappings of shared memory, child processes.
//
//	func TestX(t *testing.T) {
//		leak.Check(t)
//		...
//	}
//
// [Check] takes a census when it is called and another after the test and all its cleanups that were registered later; what is
// new then, and still there after a while, fails the test by name.
//
// # Caveats
//
// The census is of the whole process: a test that calls [Check] must not run in parallel with others. Descriptors, mappings and
// children are counted on Linux only. What the runtime makes for itself and keeps (its poller, its signal goroutine)
// does not count.
package leak
