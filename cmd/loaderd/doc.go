// Command loaderd is the daemon and the tool that looks at it. Each verb is one file.
//
//	loaderd serve              run the daemon in the foreground
//	loaderd status [--json]    what runs: collections, sessions, who waits for whom
//	loaderd stop [--if-idle]   end it
//	loaderd head FILE… -n 3    print batches as a table, read from the ring
//	loaderd prepare FILE…      write the rows of files to the row store, ahead of their first use
//	loaderd version [--build]  print versions
//
// of the registry, each with --json:
//
//	loaderd add PATH…                    register files, folders and URLs
//	loaderd ls [KIND] [FIELD=VALUE…]     list records that fulfil conditions
//	loaderd show RECORD                  all fields of one
//	loaderd describe RECORD              one and what it has to do with others
//	loaderd versions RECORD              the versions of its family
//	loaderd lineage RECORD [--svg FILE]  where it came from and what became of it
//	loaderd cache RECORD…                where it can be read; copied first, if it is on a slow file system
//	loaderd collection create NAME ARTIFACT…
//	loaderd collection append COLLECTION ARTIFACT…
//	loaderd rm RECORD… [--permanent]     into the trash, or for good
//	loaderd restore RECORD…              out of the trash
//	loaderd import lamindb FILE          take over a lamindb instance
//
// and for shells:
//
//	loaderd completion bash|zsh|fish     print the function that completes words
//
// A RECORD is a uid or the beginning of one, a key, a name, or the path of a file that is registered.
//
// Nobody has to call serve: clients start a daemon when none answers, and it leaves ten minutes after the last of them.
//
// Exit codes: 0; 1 for an error, which is one line on standard error and one with the cure, or JSON where --json is given; 3 when no daemon runs (status, stop);
// 4 when one runs already (serve); 80 for a command line that is none.
package main
