#!/usr/bin/env python3
"""Adds what Go does not know to the list of bin/lenet's Go modules, and prints it: CycloneDX 1.6, https://cyclonedx.org.

    sbom.py BUILD LIBTORCH_VERSION 'NAME==VERSION HASH' ...

Added are libtorch's wheels, as libtorch.mk pins them, the libraries in BUILD/lib, and the system's libraries that all of these load.
"""
import glob
import hashlib
import json
import os
import re
import subprocess
import sys


def sha256(path):
    with open(path, "rb") as f:
        return [{"alg": "SHA-256", "content": hashlib.file_digest(f, "sha256").hexdigest()}]


def wheel(pin):
    name, version, digest = re.fullmatch(r"(.+)==(\S+) (\w+)", pin).groups()
    purl = f"pkg:pypi/{name}@{version}"
    return {"bom-ref": purl, "type": "library", "name": name, "version": version, "purl": purl, "hashes": [{"alg": "SHA-256", "content": digest}]}


def library(path, description):
    return {"bom-ref": "file:" + os.path.basename(path), "type": "file", "name": os.path.basename(path), "description": description, "hashes": sha256(path)}


def system_libraries(files, own):
    """What the dynamic linker finds outside of BUILD/lib, with Debian's package and version where dpkg knows them."""
    paths = set()
    for file in files:
        output = subprocess.run(["ldd", file], capture_output=True, text=True, check=True).stdout
        paths.update(os.path.realpath(p) for p in re.findall(r"(?:=> |^\s+)(/\S+) \(0x", output, re.M))
    for path in sorted(p for p in paths if p not in own):
        found = library(path, "of the system")
        try:
            names = [path, path.removeprefix("/usr")]  # where /lib is a link to /usr/lib, packages may have either name
            package = subprocess.run(["dpkg", "-S", *names], capture_output=True, text=True).stdout.split(": ")[0]
            found["version"] = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=True).stdout
            found["purl"] = f"pkg:deb/debian/{package.split(':')[0]}@{found['version']}"
        except (OSError, subprocess.CalledProcessError):
            pass  # another system than Debian's
        yield found


def main():
    build, version, *pins = sys.argv[1:]
    with open(f"{build}/modules.cdx.json") as f:
        bom = json.load(f)
    here = sorted(glob.glob(f"{build}/lib/lib*.so*") + glob.glob(f"{build}/lib/lib*.dylib"))
    here = [p for p in here if "emulated" not in p]  # for tests alone
    about = {"libcgotorch": "gotorch's C++ half, compiled from its module", "libtorchx": "lenet's C++"}
    describe = lambda p: about.get(os.path.basename(p).split(".")[0].split("_")[0], f"of libtorch {version} or its wheels")
    bom.setdefault("components", [])
    bom["components"] += [wheel(pin) for pin in pins]
    bom["components"] += [library(p, describe(p)) for p in here]
    if sys.platform == "linux":
        own = {os.path.realpath(p) for p in here}
        bom["components"] += system_libraries([f"{build}/bin/lenet", *here], own)
    json.dump(bom, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
