#!/usr/bin/env python3
"""Writes the components of the portable build as cmake/Notices.cmake reads them.

    components.py ROOT > FILE

ROOT is the folder of fetch.py. The licences of what the compiler adds are those of its wheel.
"""

import pathlib
import sys

sys.dont_write_bytecode = True  # not beside the sources
import fetch

HERE = pathlib.Path(__file__).resolve().parent

# What Zig links in from its own sources: name, SPDX licence, notice below its lib/ folder.
RUNTIME = [
    ("libc++", "Apache-2.0 WITH LLVM-exception", "lib/libcxx/LICENSE.TXT"),
    ("libc++abi", "Apache-2.0 WITH LLVM-exception", "lib/libcxxabi/LICENSE.TXT"),
    ("libunwind", "Apache-2.0 WITH LLVM-exception", "lib/libunwind/LICENSE.TXT"),
    ("compiler runtime", "MIT", "LICENSE"),
    ("glibc's start-up objects", "LGPL-2.1-or-later WITH GNU-compiler-exception", "lib/libc/glibc/LICENSES"),
]


def notice_of(component, root):
    if component.name == "Boost":  # two megabytes of who wrote which header
        return HERE.parent / "licenses/BSL-1.0.txt"
    source = root / "src" / component.name
    if component.form == "source":
        return source / "debian/copyright"
    return source / "usr/share/doc" / component.package / "copyright"


def main(root):
    root = pathlib.Path(root).resolve()
    _, components = fetch.read_table(HERE / "sources.txt")
    lines = []
    for component in components:
        if component.inside():
            lines.append((component.name, component.version, component.licence, component.purl(),
                          notice_of(component, root)))
    zig, = (component for component in components if component.name == "zig")
    package, = root.glob("venv/lib/python3*/site-packages/ziglang")
    for name, licence, notice in RUNTIME:
        purl = f"pkg:pypi/{zig.package}@{zig.version}"
        lines.append((name, f"of Zig {zig.version}", licence, purl, package / notice))
    for line in lines:
        if not line[-1].is_file():
            fetch.fail("its notice is missing", line[-1], f"look where {line[0]} keeps its licence now")
        print("|".join(str(field) for field in line))


if __name__ == "__main__":
    main(*sys.argv[1:])
