#!/usr/bin/env python3
"""The HTML report of a run of many requests: what it takes to write, how large it is, how fast it opens.

    page_of_many.py LLMSWEEP FOLDER [REQUESTS]

Measures a quick level by the program's simulator and repeats its records, moved on in time, until
there are REQUESTS (1,000,000) in requests.jsonl. The figures of result.json stay those of the quick
level; what is looked at here is the page. Also writes them as CSV (`export --as requests-csv`).
Exits 1 where the page is larger than 5 MB, where writing it takes more than 128 MB of memory, or
where it takes a headless Chromium more than 3 s to open and draw it (skipped where there is none).
"""

import json
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "python"))
from chromium import Chromium, find_chromium  # noqa: E402

SPEC = """name: many
system: {gpus: 1}
endpoint: {simulator: profile.yaml}
workload: {input_tokens: 20, output_tokens: 4}
load: {concurrency: [32], requests_per_slot: 20, repeats: 1}
"""
PROFILE = "engine:\n  step: {base_ms: 1}\n  max_batch_size: 64\n"
MEGABYTE = 1_000_000
LIMITS = {"page_mb": 5, "memory_mb": 128, "open_s": 3}


def measured_run(llmsweep, folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for name, text in (("spec.yaml", SPEC), ("profile.yaml", PROFILE)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    subprocess.run([llmsweep, "run", "spec.yaml", "--quiet"], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return os.path.join(folder, "results", "many")


def multiply(run, requests):
    path = os.path.join(run, "requests.jsonl")
    with open(path, encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    instants = [key for key in records[0] if key.endswith("_ns") and "delay" not in key]
    known = [record[key] for record in records for key in instants if record[key] is not None]
    length = max(known) - min(known) + 1_000_000
    written = 0
    with open(path, "w", encoding="utf-8") as file:
        for copy in range(-(-requests // len(records))):
            for record in records[: requests - written]:
                moved = {key: record[key] + copy * length if record[key] is not None else None
                         for key in instants}
                file.write(json.dumps({**record, **moved, "index": written}) + "\n")
                written += 1


def run_measured(words):
    """Seconds, and the most memory that it had, in MB."""
    began = time.monotonic()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit("%s: exit code %d" % (" ".join(words), process.returncode))
    return time.monotonic() - began, usage.ru_maxrss * 1024 / MEGABYTE


def seconds_to_open(program, page):
    browser = Chromium(program)
    try:
        browser.open(page)  # the first page pays for the browser's own start
        began = time.monotonic()
        browser.open(page)
        drawn = browser.evaluate("charts.length > 0 && document.querySelectorAll('#chart-distribution rect').length > 1")
        taken = time.monotonic() - began
        if not drawn or browser.problems():
            sys.exit("the page is not drawn: %s" % browser.problems())
        return taken
    finally:
        browser.close()


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    llmsweep, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
    requests = int(sys.argv[3]) if len(sys.argv) == 4 else 1_000_000
    run = measured_run(llmsweep, folder)
    multiply(run, requests)
    page = os.path.join(folder, "page.html")
    seconds, memory = run_measured([llmsweep, "report", run, "--html", page])
    found = {"page_mb": os.path.getsize(page) / MEGABYTE, "memory_mb": memory}
    table = os.path.join(folder, "requests.csv")
    csv_seconds, csv_memory = run_measured([llmsweep, "export", run, "--as", "requests-csv", "-o", table])
    with open(table, encoding="utf-8") as file:
        lines = sum(1 for _ in file)
    if lines != requests + 1:
        sys.exit("%d lines of CSV of %d requests" % (lines, requests))
    print("%d requests: page %.2f MB, written in %.1f s with %.0f MB; CSV %.0f MB in %.1f s with %.0f MB" %
          (requests, found["page_mb"], seconds, memory, os.path.getsize(table) / MEGABYTE, csv_seconds,
           csv_memory))
    program = find_chromium()
    if program is None:
        print("SKIPPED: no Chromium is installed")
    else:
        found["open_s"] = seconds_to_open(program, page)
        print("opened and drawn in %.2f s" % found["open_s"])
    over = [key for key, value in found.items() if value > LIMITS[key]]
    if over:
        sys.exit("over the limit: " + ", ".join("%s %.2f > %g" % (key, found[key], LIMITS[key]) for key in over))


main()
