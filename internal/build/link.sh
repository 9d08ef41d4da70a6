#!/bin/sh
# Prints how this machine can link a program of Go and C: static, where there is a C library for it, else dynamic. SQLite is C.
cc=${CC:-cc}
if [ "$(uname)" = Linux ] && printf 'int main(void) { return 0; }\n' | "$cc" -x c - -static -o /dev/null -lpthread 2>/dev/null; then
	echo static
else
	echo dynamic
fi
