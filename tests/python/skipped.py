#!/usr/bin/env python3
"""Counts what ctest did not test, by reason, from the log that it leaves.

    skipped.py [--require KIND] BUILD_FOLDER...     exits 1 if a test of KIND was skipped

Read from every test's output, also that of one which passed: GTEST_SKIP() messages and lines
"SKIPPED: reason" or "GAVE UP: reason". A reason may begin with its kind: "vocabularies: " (a real
vocabulary is not here), "nightly: " (packages that only the nightly tier installs),
"before-release: " (clones that only that tier makes), "busy: " (the machine was too busy to measure
on); the rest is "missing on this machine".
"""
import argparse
import collections
import pathlib
import re
import sys

KINDS = {
    "vocabularies": "vocabularies",
    "nightly": "nightly tier",
    "before-release": "before-release tier",
    "busy": "busy machine",
}
OTHER = "missing on this machine"
SHOWN = 3  # names per reason
LOG = "Testing/Temporary/LastTest.log"

TEST = re.compile(r"^\d+/\d+ Test: (.*?)(?:  # GetParam\(\).*)?$")
REASON = re.compile(r"^(?:SKIPPED|GAVE UP): (.*)$")
CASE = re.compile(r"^\[ RUN      \] (\S+)")


def skips(log):
    """(test, reason) pairs, and how many tests the log is of."""
    found = []
    tests = 0
    name = ""
    lines = iter(log)
    for line in lines:
        line = line.rstrip("\n")
        if match := TEST.match(line):
            name = match[1]
            tests += 1
        elif match := CASE.match(line):
            name = match[1]
        elif match := REASON.match(line):
            found.append((name, match[1]))
        elif line.endswith(": Skipped"):
            found.append((name, next(lines, "").rstrip("\n") or "no reason given"))
    return found, tests


def kind_of(reason):
    return KINDS.get(reason.split(":", 1)[0], OTHER)


def report(folder):
    """Prints one build's skips and returns their kinds, counted."""
    path = folder / LOG
    if not path.exists():
        print(f"{folder.name}: no test was run")
        return collections.Counter()
    with path.open(encoding="utf-8", errors="replace") as log:
        found, tests = skips(log)
    kinds = collections.Counter(kind_of(reason) for _, reason in found)
    parts = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    print(f"{folder.name}: {tests} tests, {len(found)} skipped" + (f": {parts}" if parts else ""))
    names = collections.defaultdict(list)
    for name, reason in found:
        names[reason].append(name)
    for reason, of in sorted(names.items(), key=lambda item: (kind_of(item[0]), item[0])):
        more = f" and {len(of) - SHOWN} more" if len(of) > SHOWN else ""
        print(f"  {reason}: {', '.join(of[:SHOWN])}{more}")
    return kinds


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments.add_argument("--require", metavar="KIND", choices=KINDS, action="append", default=[])
    arguments.add_argument("folder", type=pathlib.Path, nargs="+")
    options = arguments.parse_args()
    kinds = sum((report(folder) for folder in options.folder), collections.Counter())
    missing = [kind for kind in options.require if kinds[KINDS[kind]]]
    for kind in missing:
        print(f"FAILED: tests of '{kind}' were skipped, and this tier requires them")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
