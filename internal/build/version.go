package build

// Version is the version of this binary. It is a variable only so that the linker can set it.
var Version = "0.1.0+dev"
