#!/usr/bin/env python3
"""Reads an executable with readelf and says which protections it was built with.

    hardening.py EXECUTABLE [--require]

--require exits 1 where one is missing: position-independent, RELRO with all symbols bound at the
start, stack not executable, stack protector, FORTIFY, and on x86-64 control-flow protection (CET)
in our own code. Without it the list is only printed: a Debug build has none of FORTIFY.
"""

import platform
import re
import subprocess
import sys


def readelf(*words):
    return subprocess.run(["readelf", "-W", *words], capture_output=True, text=True, check=True).stdout


def protections(path):
    header, segments, dynamic = readelf("-h", path), readelf("-l", path), readelf("-d", path)
    symbols = readelf("--syms", "--dyn-syms", path)  # where it is not glibc's it is a local one
    stack = re.search(r"GNU_STACK.*? (R\S*) ", segments)
    found = {
        "position-independent (PIE)": bool(re.search(r"Type:\s+DYN", header)) and "(FLAGS_1)" in dynamic and "PIE" in dynamic,
        "RELRO": "GNU_RELRO" in segments,
        "all symbols bound at the start (BIND_NOW)": bool(re.search(r"BIND_NOW|FLAGS.*NOW", dynamic)),
        "stack not executable": bool(stack) and "E" not in stack.group(1),
        "stack protector": "__stack_chk_fail" in symbols,
        "FORTIFY": bool(re.search(r"__\w+_chk\b(?<!__stack_chk)", symbols.replace("__stack_chk_fail", ""))),
        "no library path of its own (RPATH)": "RPATH" not in dynamic and "RUNPATH" not in dynamic,
    }
    if platform.machine() == "x86_64":
        code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], capture_output=True, text=True, check=False)
        # What other files may call: no clones, no cold parts, nothing of an unnamed namespace. What
        # nothing outside can point to needs no landing pad.
        begins = re.findall(r"^[0-9a-f]+ <(_ZN8llmsweep[^>.]*)>:\n([^\n]*)", code.stdout, re.M)
        begins = [first for name, first in begins if "_GLOBAL__N_" not in name]
        found["control-flow protection (CET) in our code"] = bool(begins) and all("endbr64" in first for first in begins)
    if ".symtab" not in readelf("-S", path):
        # The portable build: its stack protector is its own, and no function has a name.
        for name in ("stack protector", "control-flow protection (CET) in our code"):
            if not found.pop(name, True):
                print(f"?   {name}: the file is stripped")
    return found


def main(path, *flags):
    found = protections(path)
    for name, there in found.items():
        print(f"{'yes' if there else 'NO ':3} {name}")
    return 1 if "--require" in flags and not all(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
