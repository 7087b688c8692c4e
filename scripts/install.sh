#!/bin/sh
# install.sh DEST: copies what was built and the libraries that it loads to DEST/bin and DEST/lib. DEST can be moved.
set -eu
cd "$(dirname "$0")/.."
mkdir -p "$1/bin" "$1/lib"
cp build/bin/lenet "$1/bin/"
cp -L build/lib/* "$1/lib/"
