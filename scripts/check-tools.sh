#!/bin/sh
# check-tools.sh CXX [wheels|zip] [EMULATOR]: is all there that a build needs? One line that says what to install, if not.
# With `wheels`, pip is needed to download libtorch; with `zip`, only Python. EMULATOR runs what CXX compiles for another processor.
set -eu
cxx=$1 fetch=${2-} emulator=${3-}

missing() {
	echo "make: $1" >&2
	exit 1
}

case $(uname -s) in
Darwin) compiler="xcode-select --install" ;;
*) compiler="apt-get install g++ (or your system's package)" ;;
esac
[ -z "$emulator" ] || compiler="apt-get install g++-aarch64-linux-gnu qemu-user"

command -v "${cxx%% *}" >/dev/null || missing "no C++ compiler '$cxx': $compiler"
[ -z "$emulator" ] || command -v "${emulator%% *}" >/dev/null || missing "no emulator '${emulator%% *}': apt-get install qemu-user"
command -v go >/dev/null || missing "no Go: install it from https://go.dev/dl/"

# Go 1.21 and later fetch the version that go.mod asks for, or say so themselves.
case $(go env GOVERSION) in
'' | go1 | go1.[0-9] | go1.[0-9].* | go1.1[0-9] | go1.1[0-9].* | go1.20 | go1.20.*)
	missing "$(go version) is too old: go.mod asks for $(sed -n 's/^go //p' go.mod); install it from https://go.dev/dl/" ;;
esac
[ ! -e go.mod ] || go list -m >/dev/null || missing "this Go cannot read go.mod (its message is above); install $(sed -n 's/^go //p' go.mod) or later from https://go.dev/dl/"

[ -n "$fetch" ] || exit 0
command -v python3 >/dev/null || missing "no python3, which fetches libtorch: apt-get install python3, or give LIBTORCH=/path"
if [ "$fetch" = wheels ]; then
	python3 -m pip --version >/dev/null 2>&1 || missing "no pip for python3, which fetches libtorch: apt-get install python3-pip, or give LIBTORCH=/path"
	if [ "$(uname -s)" = Linux ]; then
		glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)
		[ -n "$glibc" ] && [ "$(printf '2.28\n%s\n' "$glibc" | sort -V | head -1)" = 2.28 ] ||
			missing "libtorch's wheel needs glibc 2.28 or later, and this system has ${glibc:-another C library}: give LIBTORCH=/path"
	fi
fi
