#!/bin/sh
# link-libtorch.sh LIBTORCH BUILD VERSION cpu|cuda PLATFORM: checks that LIBTORCH is libtorch VERSION for PLATFORM, points BUILD/libtorch at
# it, and links its shared libraries (and, beside a Python installation's torch, NVIDIA's) into BUILD/lib, where the
# relative run-time path of bin/lenet finds them.
set -eu
dir=$1 build=$2 version=$3 half=$4 platform=$5

fail() {
	echo "libtorch: $1" >&2
	exit 1
}

[ -d "$dir" ] || fail "LIBTORCH: there is no folder $dir"
header=$dir/include/torch/headeronly/version.h
[ -f "$dir/include/torch/csrc/api/include/torch/torch.h" ] && [ -d "$dir/lib" ] ||
	fail "$dir has no include/torch/csrc/api/include/torch/torch.h or no lib/: give the folder that holds include/ and lib/"
found=$(sed -n 's/^ *"\([0-9][0-9.]*\).*"$/\1/p' "$header" 2>/dev/null | head -1)
[ "$found" = "$version" ] || fail "$dir is libtorch ${found:-of another version}, and lenet needs $version: give that one, or leave LIBTORCH out"

case $platform in
Darwin-*) so=dylib ;;
*)
	so=so
	[ -f "$dir/lib/libtorch_cpu.so" ] || fail "$dir/lib has no libtorch_cpu.so"
	# Bytes 18 and 19 of an ELF file name the machine: 0x3e is x86-64, 0xb7 is arm64.
	machine=$(od -An -tx1 -j18 -N2 "$dir/lib/libtorch_cpu.so" | tr -d ' \n')
	case $platform/$machine in
	*-x86_64/3e00 | *-aarch64/b700) ;;
	*) fail "$dir is built for another processor than this one ($platform)" ;;
	esac
	;;
esac

[ "$half" = cpu ] || [ -f "$dir/lib/libtorch_cuda.so" ] ||
	fail "$dir/lib has no libtorch_cuda.so: give a libtorch with CUDA, or DEVICE=cpu"

mkdir -p "$build/lib"
find "$build/lib" -type l -exec rm -f {} +
rm -f "$build/lib/libtorchx_cuda.$so" # of another libtorch
for lib in "$dir"/lib/*."$so"* "$dir"/../nvidia/*/lib/*."$so"*; do
	case ${lib##*/} in
	'*'* | libtorch.so | libtorch_python.*) ;;
	*) ln -sf "$lib" "$build/lib/" ;;
	esac
done
ln -sfn "$dir" "$build/libtorch"
