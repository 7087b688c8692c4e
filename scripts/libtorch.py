#!/usr/bin/env python3
"""Gets libtorch into a folder: lib/ and include/, only what a C++ program uses. Or NVIDIA's compiler.

    libtorch.py wheels      DEST PYTHON_TAG PLATFORM,PLATFORM,... 'NAME==VERSION HASH' ...
    libtorch.py cuda-wheels DEST PYTHON_TAG PLATFORM,PLATFORM,... 'NAME==VERSION HASH' ...
    libtorch.py toolkit     DEST PYTHON_TAG PLATFORM,PLATFORM,... 'NAME==VERSION HASH' ...
    libtorch.py zip         DEST FILE-or-URL

`wheels` downloads the named wheels with the user's own pip configuration and checks their sha256, and keeps what a program on
the CPU uses; `cuda-wheels` keeps CUDA's libraries too; `toolkit` keeps what compiles for CUDA: bin/, nvvm/ and include/; `zip` takes an
official libtorch zip. DEST appears complete or not at all. Called by libtorch.mk; needs nothing but Python's library.
"""
import fcntl
import fnmatch
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile

# Room for the downloaded archives and for what is unpacked from them, beside each other.
NEEDED_BYTES = {"wheels": 1_300_000_000, "cuda-wheels": 6_000_000_000, "toolkit": 500_000_000, "zip": 1_300_000_000}

# Folders of a wheel or of an official zip that become lib/ and include/.
FOLDERS = {
    "torch/lib/": "lib/",
    "torch/include/": "include/",
    "nvidia/cu13/lib/": "lib/",
    "nvidia/cudnn/lib/": "lib/",
    "nvidia/cusparselt/lib/": "lib/",
    "nvidia/nccl/lib/": "lib/",
    "nvidia/nvshmem/lib/": "lib/",
    "libtorch/lib/": "lib/",
    "libtorch/include/": "include/",
}

TOOLKIT_FOLDERS = {f"nvidia/cu13/{folder}/": f"{folder}/" for folder in ("bin", "nvvm", "include")}

# Libraries that no program written in C++ loads; libtorch.so only pulls in the CUDA half.
UNUSED = [
    "lib/*python*", "lib/libshm*", "lib/*global_deps*", "lib/libtorch.so", "lib/libcheckpoint.so", "lib/libnvperf*",
    "lib/libpcsampling*", "lib/*.alt.so*", "lib/libcusolverMg*", "lib/libcufftw*", "lib/libnvblas*", "lib/nvshmem_*", "lib/*.bc",
    "lib/*.a", "lib/*.lib", "lib/*.h", "lib/*/*",
]

# And those that none loads that stays on the CPU.
UNUSED_ON_CPU = ["lib/*cuda.so", "lib/*cuda_linalg.so", "lib/*nvrtc*", "lib/*nvshmem*", "include/*.cuh"]


def fail(message):
    sys.exit(f"libtorch: {message}")


def destination(member, folders, unused):
    """Where a member of an archive goes below DEST, or None where it is not used."""
    for folder, below in folders.items():
        if member.startswith(folder) and not member.endswith("/"):
            path = below + member[len(folder):]
            return None if any(fnmatch.fnmatch(path, pattern) for pattern in unused) else path
    return None


def unpack(archive, dest, folders, unused):
    with zipfile.ZipFile(archive) as z:
        for member in z.infolist():
            path = destination(member.filename, folders, unused)
            if path is None:
                continue
            target = os.path.join(dest, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with z.open(member) as source, open(target, "wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)
            if "/bin/" in "/" + path:
                os.chmod(target, 0o755)


def download_wheels(tmp, tag, platforms, wheels):
    requirements = os.path.join(tmp, "requirements.txt")
    with open(requirements, "w") as f:
        for wheel in wheels:
            name, digest = wheel.split()
            f.write(f"{name} --hash=sha256:{digest}\n")
    command = [sys.executable, "-m", "pip", "download", "--require-hashes", "--no-deps", "--only-binary=:all:", "--no-cache-dir",
               "--disable-pip-version-check", *([] if sys.stderr.isatty() else ["--quiet"]), "--implementation", "cp", "--python-version", tag,
               "--abi", "cp" + tag.replace(".", ""), "--abi", "none", "-d", tmp, "-r", requirements]
    for platform in platforms:
        command += ["--platform", platform]
    if subprocess.run(command, env=dict(os.environ, TMPDIR=tmp), stdout=sys.stderr).returncode != 0:
        fail("pip could not download it (its message is above); check the network and your pip configuration, or give "
             "LIBTORCH=/path/to/libtorch or LIBTORCH_ZIP=FILE-or-URL")
    return [os.path.join(tmp, name) for name in sorted(os.listdir(tmp)) if name.endswith(".whl")]


def open_zip(tmp, source):
    if "://" not in source:
        if not os.path.isfile(source):
            fail(f"LIBTORCH_ZIP: there is no file {source}")
        return source
    path = os.path.join(tmp, "libtorch.zip")
    try:
        with urllib.request.urlopen(source) as response, open(path, "wb") as out:
            shutil.copyfileobj(response, out, 1 << 20)
    except OSError as e:
        fail(f"LIBTORCH_ZIP: cannot download {source}: {e}")
    return path


def main():
    kind, dest, *rest = sys.argv[1:]
    parent = os.path.dirname(dest)
    os.makedirs(parent, exist_ok=True)
    with open(dest + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two checkouts may ask for it at once; the second finds it there
        if os.path.isdir(dest):
            return
        free = shutil.disk_usage(parent).free
        needed = NEEDED_BYTES[kind]
        if free < needed:
            fail(f"{parent} has {free / 1e9:.1f} GB free and {needed / 1e9:.1f} GB are needed; make room, or set "
                 "XDG_CACHE_HOME to a larger disk")
        for name in os.listdir(parent):  # what an interrupted run left
            if name.startswith(os.path.basename(dest) + ".tmp."):
                shutil.rmtree(os.path.join(parent, name), ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=os.path.basename(dest) + ".tmp.", dir=parent) as tmp:
            archives = download_wheels(tmp, rest[0], rest[1].split(","), rest[2:]) if kind != "zip" else [open_zip(tmp, rest[0])]
            unpacked = os.path.join(tmp, "libtorch")
            try:
                for archive in archives:
                    if kind == "toolkit":
                        unpack(archive, unpacked, TOOLKIT_FOLDERS, [])
                    else:
                        unpack(archive, unpacked, FOLDERS, UNUSED if kind == "cuda-wheels" else UNUSED + UNUSED_ON_CPU)
            except (zipfile.BadZipFile, OSError) as e:
                fail(f"cannot unpack {archive}: {e}")
            if not os.path.isdir(os.path.join(unpacked, "include")):
                fail(f"{archives[0]} holds no libtorch")
            os.rename(unpacked, dest)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
