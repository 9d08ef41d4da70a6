#!/bin/sh
# Prints how this machine can link the system's libdeflate: static, dynamic, or nothing when it cannot (no library, no
# pkg-config, no C compiler). Static serves every Linux of the processor, as the build without cgo does.
cc=${CC:-cc}
pkg-config --exists libdeflate 2>/dev/null && command -v "$cc" >/dev/null || exit 0
links() {
	printf '#include <libdeflate.h>\nint main(void) { return libdeflate_alloc_decompressor() == 0; }\n' |
		"$cc" -x c - $(pkg-config --cflags libdeflate) "$@" -o /dev/null $(pkg-config --libs libdeflate) 2>/dev/null
}
if [ "$(uname)" = Linux ] && links -static; then
	echo static
elif links; then
	echo dynamic
fi
