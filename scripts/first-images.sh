#!/bin/sh
# first-images.sh MNIST DEST: writes the first 512 images of each of MNIST's two sets, from its gzipped files, to IDX files in DEST.
set -eu
mkdir -p "$2"
for set in train t10k; do
	{ # type and dimensions, in octal: bytes, 512 x 28 x 28
		printf '\0\0\10\3' && printf '\0\0\2\0' && printf '\0\0\0\34' && printf '\0\0\0\34'
		gzip -dc "$1/$set-images-idx3-ubyte.gz" | tail -c +17 | head -c 401408
	} >"$2/$set-images-idx3-ubyte"
	{
		printf '\0\0\10\1' && printf '\0\0\2\0'
		gzip -dc "$1/$set-labels-idx1-ubyte.gz" | tail -c +9 | head -c 512
	} >"$2/$set-labels-idx1-ubyte"
done
