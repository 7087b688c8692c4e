#!/bin/sh
# gpu-check.sh [RESULTS]: checks and times lenet on this machine's first NVIDIA GPU; writes RESULTS/gpu.json and RESULTS/gpu.md.
#
# `make gpu-check` packs it with all that it needs but a driver, a Python with PyTorch 2.11 for CUDA 13, whose folder serves as libtorch, and,
# for one of the checks, compute-sanitizer. No Go, no compiler, no network.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=$(cat "$here/libtorch-version")
need="install PyTorch $version for CUDA 13"
torch=$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))') || {
	echo "gpu-check: python3 has no torch; $need" >&2
	exit 1
}
found=$(python3 -c 'import torch; print(torch.__version__.split("+")[0], "for CUDA", torch.version.cuda)')
case $found in
"$version for CUDA 13."*) ;;
*)
	echo "gpu-check: python3 has PyTorch $found, and lenet is built for $version; $need" >&2
	exit 1
	;;
esac
LD_LIBRARY_PATH=$here/lib:$torch/lib:$torch/../nvidia/cu13/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
XDG_CACHE_HOME=$here/cache
export LD_LIBRARY_PATH XDG_CACHE_HOME
exec python3 "$here/gpu_check.py" --pack "$here" --results "${1:-results}"
