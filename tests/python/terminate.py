#!/usr/bin/env python3
"""TERM at random instants of sweeps whose requests take ten seconds, and a resume of each.

    terminate.py LLMSWEEP FOLDER [ROUNDS] [SEED] [AT_ONCE]

Slurm and Kubernetes send TERM and, 30 s later, KILL. Of each round it is asked: out within 20 s; where
anything had been measured result.json, report.html and figure.svg are whole; a resume ends the sweep, with
no request lost and none twice, as `verify` says. Exits 1 where one of that is broken.
"""

import concurrent.futures
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

SECONDS = 20
PROFILE = "engine:\n  step: {base_ms: 100}\n"
SPEC = """name: term
system: {gpus: 1}
endpoint: {simulator: profile.yaml}
workload: {input_tokens: 20, output_tokens: 100}
load: {concurrency: [1, 3], requests_per_slot: 1, warmup_per_slot: 0, repeats: 1}
"""


def whole(folder, interrupted):
    with open(f"{folder}/result.json", encoding="utf-8") as file:
        assert json.load(file)["interrupted"] == interrupted, "result.json"
    with open(f"{folder}/report.html", encoding="utf-8") as file:
        assert file.read().rstrip().endswith("</html>"), "report.html"
    with open(f"{folder}/figure.svg", encoding="utf-8") as file:
        assert file.read().rstrip().endswith("</svg>"), "figure.svg"


def one_round(program, folder, wait):
    """Seconds from TERM to the end, and what had become of the sweep by then."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for name, text in (("profile.yaml", PROFILE), ("spec.yaml", SPEC)):
        with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    call = {"cwd": folder, "stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "env": dict(os.environ, XDG_STATE_HOME=folder)}
    run = subprocess.Popen([program, "run", "spec.yaml", "--out", "out", "--quiet"], stderr=subprocess.PIPE, text=True, **call)
    try:
        try:
            run.wait(wait)
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        _, errors = run.communicate(timeout=SECONDS)
        took = time.monotonic() - begun
    except subprocess.TimeoutExpired:
        run.kill()
        run.wait()
        raise AssertionError(f"TERM after {wait:.2f} s: not out within {SECONDS} s") from None
    sweep = f"{folder}/out/term"
    if run.returncode == 0:
        whole(sweep, False)
        return took, "had ended"
    if run.returncode == -signal.SIGTERM:
        assert not os.path.exists(sweep), "killed with a folder"
        return took, "had not begun"
    assert run.returncode == 130, f"exit code {run.returncode}: {errors}"
    if not os.path.exists(sweep):
        return took, "was in its check"
    whole(sweep, True)
    resumed = subprocess.run([program, "run", "spec.yaml", "--resume", "out/term", "--quiet"], stderr=subprocess.PIPE, text=True, check=False, **call)
    assert resumed.returncode == 0, f"resume: {resumed.stderr}"
    whole(sweep, False)
    verified = subprocess.run([program, "verify", "out/term"], cwd=folder, capture_output=True, text=True, check=False)
    assert verified.returncode == 0, f"verify: {verified.stdout}"
    with open(f"{sweep}/requests.jsonl", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    counted = [record for record in records if record["phase"] == "measured" and not record["superseded"]]
    assert len(counted) == 4 and all(record["outcome"] == "ok" for record in counted), "the resumed sweep's requests"
    return took, "was resumed"


def main():
    program, folder = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    rounds, seed, at_once = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((3, 100), (4, 1), (5, 20)))
    # Requests of 10 s at two levels, one after the other; the check before takes about 3 s.
    chance = random.Random(seed)
    waits = [chance.uniform(0, 22) for _ in range(rounds)]
    broken, seen, slowest = 0, {}, 0.0
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        futures = [pool.submit(one_round, program, f"{folder}/{i}", wait) for i, wait in enumerate(waits)]
        for wait, future in zip(waits, futures):
            try:
                took, what = future.result()
                slowest = max(slowest, took)
                seen[what] = seen.get(what, 0) + 1
            except (AssertionError, OSError, ValueError) as error:
                broken += 1
                print(f"TERM after {wait:.2f} s: {error}")
    what = ", ".join(f"{count} {text}" for text, count in sorted(seen.items()))
    print(f"{rounds} TERMs (seed {seed}): {what}; the slowest was out after {slowest:.1f} s; {broken} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
