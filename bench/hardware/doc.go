// Command hardware measures what the machine can do at most, in the form in which loaderd uses it.
//
//	hardware memcpy SECONDS                        copying in memory, by buffers that fit the caches and that do not
//	hardware read SECONDS FILE…                    sequential reads of 1 MiB, of files that are in the page cache
//	hardware random SECONDS BYTES FILE…            reads of BYTES at random places, past the page cache
//
// Each is done with one goroutine and with several. It prints a line of JSON for each: see Limit.
package main
