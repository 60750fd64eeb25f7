#!/usr/bin/env python3
"""Says whether an executable starts on every Linux with glibc 2.28: check_binary.py FILE...

Exits 1 where one needs a library that is not glibc's own or a symbol of a newer glibc, looks for
libraries in places of its own, is no position-independent executable, or may run its stack. Prints
a line for each file: what it needs, and of which glibc its newest symbol is.
"""

import os
import re
import subprocess
import sys

NEWEST = (2, 28)
LIBRARIES = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1"}
LOADERS = {"Advanced Micro Devices X86-64": "ld-linux-x86-64.so.2", "AArch64": "ld-linux-aarch64.so.1"}


def readelf(*words):
    return subprocess.run(["readelf", "-W", *words], capture_output=True, text=True, check=True).stdout


def facts(path):
    header, segments, dynamic = readelf("-h", path), readelf("-l", path), readelf("-d", path)
    versions = readelf("-V", path)
    needs = versions.partition("Version needs section")[2]
    return {
        "machine": re.search(r"Machine:\s+(.*)", header).group(1).strip(),
        "pie": re.search(r"Type:\s+DYN", header) is not None,
        "loader": re.search(r"program interpreter: (\S+?)\]", segments),
        "needed": re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic),
        "path": re.search(r"\((RPATH|RUNPATH)\).*\[(.*)\]", dynamic),
        "stack": re.search(r"GNU_STACK.*? (R\S*) ", segments),
        "versions": sorted(set(re.findall(r"Name: (\S+)\s+Flags", needs))),
    }


def glibc(version):
    match = re.fullmatch(r"GLIBC_(\d+(?:\.\d+)+)", version)
    return tuple(int(part) for part in match[1].split(".")) if match else None


def objections(found):
    loader = LOADERS.get(found["machine"])
    if loader is None:
        yield f"is for {found['machine']}"
    if not found["pie"]:
        yield "is not position-independent"
    if found["loader"] and os.path.basename(found["loader"].group(1)) != loader:
        yield f"asks for the loader {found['loader'].group(1)}"
    for name in found["needed"]:
        if name not in LIBRARIES and name != loader:
            yield f"needs {name}"
    if found["path"]:
        yield f"has the {found['path'].group(1)} {found['path'].group(2)}"
    if found["stack"] is None or "E" in found["stack"].group(1):
        yield "has an executable stack"
    for version in found["versions"]:
        if glibc(version) is None:
            yield f"needs symbols of {version}"
        elif glibc(version) > NEWEST:
            yield f"needs symbols of {version}, above GLIBC_{NEWEST[0]}.{NEWEST[1]}"


def main(*paths):
    failed = False
    for path in paths:
        found = facts(path)
        wrong = list(objections(found))
        for sentence in wrong:
            print(f"{path}: {sentence}")
        failed |= bool(wrong)
        if not wrong:
            newest = max((glibc(version) for version in found["versions"]), default=None)
            print(f"{path}: {found['machine']}, needs {', '.join(found['needed']) or 'no library'}, "
                  f"newest symbol {'GLIBC_' + '.'.join(str(part) for part in newest) if newest else 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
