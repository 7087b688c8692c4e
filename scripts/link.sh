#!/bin/sh
# link.sh ARGS…: the C compiler that links bin/lenet. gotorch's cgo lines ask for folders inside its module, as pairs of words (`-L DIR`,
# `-Wl,-rpath DIR`), to search when linking and when running. They hold nothing; without them the binary's only run-time
# path is our relative one.
set -eu
for arg; do
	shift
	case $arg in
	-L | -Wl,-rpath | */cgotorch | */cgotorch/libtorch/lib) ;;
	*) set -- "$@" "$arg" ;;
	esac
done
exec ${CC:-cc} "$@"
