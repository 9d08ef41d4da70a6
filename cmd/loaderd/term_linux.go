package main

import "golang.org/x/sys/unix"

// termiosRequest asks a terminal for its settings; what is none refuses.
const termiosRequest = unix.TCGETS
