// Command loaderd is the daemon and the tool that looks at it. Each verb is one file.
//
//	loaderd serve              run the daemon in the foreground
//	loaderd status [--json]    what runs: collections, sessions, who waits for whom
//	loaderd stop [--if-idle]   end it
//	loaderd head FILE… -n 3    print batches as a table, read from the ring
//	loaderd prepare FILE…      write the rows of files to the row store, ahead of their first use
//	loaderd version [--build]  print versions
//
// Nobody has to call serve: clients start a daemon when none answers, and it leaves ten minutes after the last of them.
//
// Exit codes: 0; 1 for an error, which is one line on standard error and one with the cure; 3 when no daemon runs (status, stop);
// 4 when one runs already (serve); 80 for a command line that is none.
package main
