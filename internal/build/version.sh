#!/bin/sh
# Prints the build string: RELEASE+gCOMMIT, RELEASE+gCOMMIT.CHECKSUM for a tree with local changes to what the
# binary is made of, or what the file VERSION at the root says where there is no git checkout.
set -eu
cd "$(dirname "$0")/../.."
release=$(sed -n 's/^var Version = "\([^+"]*\).*/\1/p' internal/build/version.go)

if commit=$(git rev-parse --short=12 HEAD 2>/dev/null); then
	sources="go.mod go.sum *.go :!*_test.go"
	set -f # the patterns are git's, not the shell's
	changes=$({
		git diff HEAD -- $sources
		git ls-files --others --exclude-standard -- $sources | while read -r f; do cat "$f"; done
	} | cksum | cut -d' ' -f1)
	case $changes in
	4294967295) echo "$release+g$commit" ;; # the checksum of nothing
	*) echo "$release+g$commit.$changes" ;;
	esac
elif [ -f VERSION ]; then
	cat VERSION
else
	echo "$release+dev"
fi
