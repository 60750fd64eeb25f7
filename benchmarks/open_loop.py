#!/usr/bin/env python3
"""How late the arrivals of a rate are sent, against the simulator in a process of its own.

    open_loop.py LLMSWEEP [--rate 10000] [--seconds 10] [--rounds 3] [--threads auto]
                 [--new-connections] [--json FILE]

Tiny answers, at once. Prints for each round how many of the arrivals were sent, how late (of all
that were measured), and the client's busy share. With --new-connections the server closes each
connection after its answer, so that every request opens one: lateness then has the connect in it.
Wants two quiet cores; says how busy the machine was before it began.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

PROFILE = "engine:\n  step: {base_ms: 0}\n  max_batch_size: 4096\n"


def percentile(ordered, p):
    return ordered[min(len(ordered) - 1, int(p * len(ordered)))]


def start_simulator(llmsweep, folder, close):
    with open(f"{folder}/profile.yaml", "w", encoding="utf-8") as file:
        file.write(PROFILE + ("wire: {close_after: true}\n" if close else ""))
    process = subprocess.Popen(
        [llmsweep, "simulate", f"{folder}/profile.yaml", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline().strip()


def write_spec(folder, url, options):
    with open(f"{folder}/spec.yaml", "w", encoding="utf-8") as file:
        file.write(
            f"name: open\nsystem: {{gpus: 1}}\nendpoint: {{url: {url}, request_timeout: 10s}}\n"
            "workload: {dataset: random, input_tokens: 8, output_tokens: 2, reuse: allow}\n"
            f"load: {{rate: {options.rate}, warmup: 2s, measure: {options.seconds}s, drain: 10s, repeats: 1}}\n"
            f"client: {{threads: {options.threads}}}\n"
        )


def measure(options, folder, url):
    write_spec(folder, url, options)
    out = f"{folder}/out"
    done = subprocess.run(
        [options.llmsweep, "run", f"{folder}/spec.yaml", "--out", out], capture_output=True, text=True
    )
    if done.returncode not in (0, 5):
        sys.exit(done.stderr or done.stdout)
    with open(f"{out}/open/result.json", encoding="utf-8") as file:
        (level,) = json.load(file)["levels"]
    late, sent = [], 0
    with open(f"{out}/open/requests.jsonl", encoding="utf-8") as file:
        for record in map(json.loads, file):
            if record["phase"] != "measured":
                continue
            sent += record["outcome"] == "ok"
            late.append((record["sent_ns"] - record["scheduled_ns"]) / 1e6)
    late.sort()
    run = level["runs"][0]
    subprocess.run(["rm", "-rf", out], check=True)
    return {
        "scheduled": run["open_loop"]["scheduled"],
        "answered": sent,
        "offered_rps": run["offered_rps"],
        "achieved_rps": run["achieved_rps"],
        "lateness_p50_ms": percentile(late, 0.5),
        "lateness_p99_ms": percentile(late, 0.99),
        "lateness_p999_ms": percentile(late, 0.999),
        "lateness_max_ms": late[-1],
        "busy_fraction": run["client"]["busy_fraction"],
        "threads": run["client"]["threads"],
        "valid": run["valid"],
        "invalid_reasons": run["invalid_reasons"],
    }


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("llmsweep", type=os.path.abspath)
    parser.add_argument("--rate", type=float, default=10000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", default="auto")
    parser.add_argument("--new-connections", action="store_true")
    parser.add_argument("--json")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        server, url = start_simulator(options.llmsweep, folder, options.new_connections)
        try:
            for _ in range(options.rounds):
                found = measure(options, folder, url)
                rounds.append(found)
                print(
                    f"{found['answered']} of {found['scheduled']} answered, {found['achieved_rps']:.0f} a second; "
                    f"late p50 {found['lateness_p50_ms']:.3f}, p99 {found['lateness_p99_ms']:.3f}, "
                    f"p99.9 {found['lateness_p999_ms']:.3f}, max {found['lateness_max_ms']:.1f} ms; "
                    f"{found['threads']} loops {100 * found['busy_fraction']:.0f} % busy; "
                    f"{'valid' if found['valid'] else 'INVALID ' + ' '.join(found['invalid_reasons'])}",
                    flush=True,
                )
        finally:
            server.terminate()
            server.wait()
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(rounds, file, indent=1)


if __name__ == "__main__":
    main()
