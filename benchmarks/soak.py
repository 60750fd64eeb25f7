#!/usr/bin/env python3
"""An hour-shaped run, compressed: many requests through one process, watched from outside.

    soak.py LLMSWEEP FOLDER [REQUESTS] [--faults] [--limit-mb MB] [--json FILE]

Serves the simulator in a process of its own (tiny responses, at once), runs one sweep of REQUESTS
measured requests (1,000,000) in a hundred levels, and samples the sweep's resident memory and open
descriptors. With --faults, 5 % of the requests meet one of eleven faults. Then checks that
  - every request is in requests.jsonl once, and issued = ok + failed by reason, exactly, in the
    records, in result.json and (without faults) in the simulator's own count;
  - resident memory after the first 10 % of the requests grows by less than 5 MB to the end: that of
    the last five levels against that of the first five, and the slope of the straight line through
    all levels, times a hundred. A level's is what is resident when half of its records are written,
    so that it does not matter how long a level takes and where in it a sample falls. (--limit-mb: in
    a short run the first 10 % is over before the allocator has settled);
  - open descriptors after the first 10 % never exceed the most until there by more than 16;
  - the records' clock and ours agree at the end.
Exits 0 where all hold.
"""

import argparse
import bisect
import collections
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

FAULTS = """faults:
  - {kind: reset, probability: 0.006, after_chunks: 1}
  - {kind: truncate, probability: 0.006, after_chunks: 1}
  - {kind: malformed_json, probability: 0.005, after_chunks: 1}
  - {kind: error_event, probability: 0.005, after_chunks: 1}
  - {kind: missing_done, probability: 0.005}
  - {kind: done_only, probability: 0.005}
  - {kind: early_end, probability: 0.005, after_chunks: 1}
  - {kind: status, probability: 0.005, status: 500}
  - {kind: status, probability: 0.005, status: 429, retry_after_s: 1}
  - {kind: stall, probability: 0.001, after_chunks: 1, duration: 3s}
  - {kind: slow_headers, probability: 0.002, duration: 20ms}
"""
PROFILE = "engine:\n  step: {base_ms: 0}\n  max_batch_size: 1024\n"


def sample(pid):
    """Resident bytes and open descriptors of a process."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return resident, len(os.listdir(f"/proc/{pid}/fd"))


def levels_of(requests):
    """A hundred levels, the most concurrent first: what a level needs is there from the start."""
    return list(range(119, 19, -1)), -(-requests // 100)


def write_spec(folder, url, requests):
    levels, per_level = levels_of(requests)
    # A slot has whole requests: a level rounds up.
    with open(f"{folder}/spec.yaml", "w", encoding="utf-8") as file:
        file.write(
            f"name: soak\nsystem: {{gpus: 1}}\nendpoint: {{url: {url}, request_timeout: 2s}}\n"
            "workload: {dataset: random, input_tokens: 8, output_tokens: 4, reuse: allow}\n"
            f"load: {{concurrency: {levels}, requests_per_slot: 1, min_requests: {per_level}, repeats: 1,\n"
            "  warmup_per_slot: 1, fillers: false, max_error_rate: 1, max_consecutive_errors: 1000000}\n"
        )


def watch(process, records, samples):
    while process.poll() is None:
        try:
            size = os.path.getsize(records) if os.path.exists(records) else 0
            samples.append((size, *sample(process.pid)))
        except (FileNotFoundError, ProcessLookupError):
            return
        time.sleep(0.1)


def read_records(path):
    seen = collections.Counter()
    by_outcome = collections.Counter()
    last_end = 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            last_end = max(last_end, record["end_ns"])
            seen[(record["level"], record["index"])] += 1
            if record["phase"] == "measured":
                by_outcome[record["outcome"]] += 1
    return seen, by_outcome, last_end


def simulator_count(url):
    page = urllib.request.urlopen(url.removesuffix("/v1") + "/metrics", timeout=10).read().decode()
    lines = [line for line in page.splitlines() if line.startswith("vllm:request_success_total{")]
    return sum(int(float(line.split()[-1])) for line in lines)


def resident_by_level(samples, journal):
    """Resident bytes when half of a level's records were written, by level in order."""
    sizes = [size for size, _, _ in samples]
    resident = []
    with open(journal, encoding="utf-8") as file:
        events = [json.loads(line) for line in file]
    for event in events:
        if event["event"] != "run_ended":
            continue
        middle = (event["begin_byte"] + event["end_byte"]) / 2
        after = min(max(bisect.bisect_left(sizes, middle), 1), len(sizes) - 1)
        (size, low, _), (next_size, high, _) = samples[after - 1 : after + 1]
        share = (middle - size) / (next_size - size) if next_size > size else 0
        resident.append(low + min(max(share, 0), 1) * (high - low))
    return resident


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("llmsweep")
    arguments.add_argument("folder")
    arguments.add_argument("requests", type=int, nargs="?", default=1_000_000)
    arguments.add_argument("--faults", action="store_true")
    arguments.add_argument("--limit-mb", type=float, default=5)
    arguments.add_argument("--json")
    options = arguments.parse_args()
    folder = os.path.abspath(options.folder)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    with open(f"{folder}/profile.yaml", "w", encoding="utf-8") as file:
        file.write(PROFILE + (FAULTS if options.faults else ""))
    simulator = subprocess.Popen(
        [options.llmsweep, "simulate", f"{folder}/profile.yaml", "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )
    broken = []
    try:
        url = simulator.stdout.readline().strip()
        write_spec(folder, url, options.requests)
        began = time.monotonic()
        with open(f"{folder}/log.txt", "w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [options.llmsweep, "run", f"{folder}/spec.yaml", "--out", folder, "--quiet"], stdout=log, stderr=log
            )
            samples = []
            watcher = threading.Thread(target=watch, args=(process, f"{folder}/soak/requests.jsonl", samples))
            watcher.start()
            code = process.wait()
            ended = time.monotonic_ns()
            watcher.join()
        seconds = time.monotonic() - began
        answered = simulator_count(url)
    finally:
        simulator.terminate()
        simulator.wait()
    if code != 0:
        broken.append(f"the sweep ended with {code}, see {folder}/log.txt")

    seen, by_outcome, last_end = read_records(f"{folder}/soak/requests.jsonl")
    with open(f"{folder}/soak/result.json", encoding="utf-8") as file:
        result = json.load(file)
    stated = collections.Counter()
    completed = failed = 0
    for level in result["levels"]:
        completed += level["requests"]["completed"]
        failed += level["requests"]["failed"]
        stated.update(level["requests"]["by_outcome"])
    levels, per_level = levels_of(options.requests)
    planned = sum(-(-per_level // c) * c for c in levels)
    issued = sum(by_outcome.values())
    if issued != planned:
        broken.append(f"{planned} measured requests were planned, {issued} are in the records")
    if any(times != 1 for times in seen.values()):
        broken.append("a request is in the records more than once")
    if completed + failed != issued or dict(stated) != dict(by_outcome):
        broken.append(f"result.json says {completed} + {failed} and {dict(stated)}")
    preflight = answered - len(seen)
    if not options.faults and not 0 <= preflight <= 20:
        broken.append(f"the simulator answered {answered} requests, the records have {len(seen)}")
    drift = (ended - last_end) / 1e9
    if not 0 <= drift < 60:
        broken.append(f"the last record ended {drift:.1f} s before the process")

    total = max(size for size, _, _ in samples)
    resident = resident_by_level(samples, f"{folder}/soak/sweep.jsonl")
    steady = resident[len(resident) // 10 :]
    growth = statistics.mean(steady[-5:]) - statistics.mean(steady[:5])
    fitted = len(resident) * statistics.linear_regression(range(len(steady)), steady).slope
    descriptors = [one[2] for one in samples if 0.1 * total <= one[0] < total]
    if max(growth, fitted) >= options.limit_mb * 1e6:
        broken.append("resident memory grows")
    before = max(one[2] for one in samples if one[0] < 0.1 * total)
    if max(descriptors) > before + 16:
        broken.append(f"descriptors grow from {before} to {max(descriptors)}")
    figures = {
        "requests": issued, "ok": by_outcome["ok"], "failed": {k: v for k, v in sorted(by_outcome.items()) if k != "ok"},
        "seconds": round(seconds, 1), "requests_per_second": round(issued / seconds),
        "rss_at_10_percent_mb": round(statistics.mean(steady[:5]) / 1e6, 2),
        "rss_growth_mb": round(growth / 1e6, 2), "rss_fitted_growth_mb": round(fitted / 1e6, 2),
        "rss_max_mb": round(max(one[1] for one in samples) / 1e6, 2),
        "descriptors": [before, max(descriptors)], "samples": len(samples),
        "last_record_before_exit_s": round(drift, 2), "broken": broken,
    }
    print(json.dumps(figures, indent=1))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({**figures, "resident_by_level_mb": [round(one / 1e6, 2) for one in resident]}, file)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
