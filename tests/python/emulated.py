#!/usr/bin/env python3
"""Runs the portable build of aarch64 under qemu-user: the demo, then the test programs.

    emulated.py BUILD [PROGRAM...]     BUILD: build/portable/aarch64/build; PROGRAM such as stats_test

An emulator shows that it works and not how fast: tests that ask whether a level is valid or how late
a stamp is, those that repeat one computation thousands of times (both listed in tests/CMakeLists.txt),
and what the emulator itself cannot do (LEFT_OUT) are left out, and counted. It has no SO_TIMESTAMPING:
that the demo does without receive stamps, and says so, is checked. Exits 1 where a test fails.
"""

import contextlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
EMULATOR = ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"]
LIMIT = 1800  # s for a program

# By program: what the emulator cannot do, or is too slow for.
LEFT_OUT = {}


@contextlib.contextmanager
def runnable(build):
    """Meanwhile the program in BUILD is a script that emulates it: the tests start it by its path."""
    program, emulated = build / "llmsweep", build / "llmsweep.aarch64"
    if not emulated.exists():  # as it does where an earlier run was killed
        program.replace(emulated)
    try:
        program.write_text(f'#!/bin/sh\nexec {" ".join(EMULATOR)} {emulated} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        yield program
    finally:
        emulated.replace(program)


def try_demo(program):
    with tempfile.TemporaryDirectory(prefix="llmsweep-emulated-") as folder:
        done = subprocess.run([program, "demo", "--quick", "--out", folder], capture_output=True, text=True, timeout=600,
                              check=False)
        if done.returncode != 0 or not (pathlib.Path(folder) / "demo/report.html").exists():
            sys.exit(f"FAILED: the demo: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        for system in ("h200-fp8", "gb200-nvfp4"):
            result = json.loads((pathlib.Path(folder) / "demo" / system / "result.json").read_text(encoding="utf-8"))
            levels = result["levels"]
            if len(levels) != 4 or not all("no_receive_stamps" in level["warnings"] for level in levels):
                sys.exit(f"FAILED: {system}: levels without the warning no_receive_stamps: {levels}")
        print("the demo: its report is there; no receive stamps, as every level says")


def set_lists():
    text = (ROOT / "tests/CMakeLists.txt").read_text(encoding="utf-8")
    found = {}
    for module, names in re.findall(r'set\((?:measuring|repeating)_(\w+) "(.*?)"\)', text):
        found.setdefault(f"{module}_test", []).extend(names.split(":"))
    return found


def listed(program, names):
    words = [*EMULATOR, program, "--gtest_list_tests", f"--gtest_filter={names}"]
    lines = subprocess.run(words, capture_output=True, text=True, check=True, timeout=300).stdout.splitlines()
    return sum(line.startswith("  ") for line in lines)


def try_program(program, left_out):
    """Its counts: passed, failed, skipped, left out."""
    names = "-" + ":".join(["Vocabularies/*", *left_out])
    begin = time.monotonic()
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        with tempfile.TemporaryFile("w+") as said:
            try:
                code = subprocess.run([*EMULATOR, program, f"--gtest_filter={names}", f"--gtest_output=json:{report.name}"],
                                      stdout=said, stderr=subprocess.STDOUT, timeout=LIMIT, check=False).returncode
            except subprocess.TimeoutExpired:
                code = f"none within {LIMIT} s"
            said.seek(0)
            text = said.read()
        tests = [case for suite in json.loads(pathlib.Path(report.name).read_text(encoding="utf-8") or '{"testsuites": []}')
                 ["testsuites"] for case in suite["testsuite"]]
    failed = [f"{case['classname']}.{case['name']}" for case in tests if "failures" in case]
    skipped = sum(case["result"] == "SKIPPED" for case in tests)
    if code not in (0, 1) or (code == 1 and not failed):
        failed.append(f"{program.name}: exit code {code}: {text[-500:]}")
    counts = {"passed": len(tests) - skipped - sum("failures" in case for case in tests), "failed": len(failed),
              "skipped": skipped, "left out": listed(program, "*") - listed(program, names)}
    print(f"{program.name:28} " + ", ".join(f"{count} {what}" for what, count in counts.items())
          + f", {time.monotonic() - begin:.0f} s", flush=True)
    for name in failed:
        print(f"  {name}")
    return counts


def main(build, *names):
    build = pathlib.Path(build).resolve()
    programs = [build / "tests" / name for name in names] or sorted((build / "tests").glob("*_test"))
    lists = set_lists()
    total = dict.fromkeys(("passed", "failed", "skipped", "left out"), 0)
    with runnable(build) as llmsweep:
        if not names:
            try_demo(llmsweep)
        for program in programs:
            counts = try_program(program, lists.get(program.name, []) + LEFT_OUT.get(program.name, []))
            total = {what: count + counts[what] for what, count in total.items()}
    print(", ".join(f"{count} {what}" for what, count in total.items()))
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
