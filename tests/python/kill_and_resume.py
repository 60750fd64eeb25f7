#!/usr/bin/env python3
"""Kills a sweep at random instants and resumes it: nothing may be lost, nothing may be there twice.

    kill_and_resume.py LLMSWEEP FOLDER [KILLS] [SEED] [TOLERANCE]

Each round starts a short sweep, every other one against a simulated endpoint that outlives it, the
rest with an embedded one that dies with it. It sends SIGKILL at a random instant (and again during
the resume, one time in three), and then checks that
  - requests.jsonl is readable: whole lines, but for the end of the last one;
  - the resume completes, and every planned request is there once among the records that count;
  - the statistics of the runs and levels that were complete before the kill have not changed, and
    have the counts of an uninterrupted sweep;
  - `rebuild` makes the same result.json from the records;
  - `verify` finds every request of the endpoint's log accounted for: recorded, superseded, a check
    of a resume, or in flight at the kill, or ended within TOLERANCE (2s) before it.
Exits 0 where all rounds pass, 1 with a line for each belief that was broken.
"""

import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

SPEC = """name: sweep
system: {{gpus: 1}}
endpoint: {{{endpoint}}}
workload: {{input_tokens: 20, output_tokens: 8}}
load: {{concurrency: [1, 3], requests_per_slot: 6, min_requests: 12, repeats: 2, warmup_per_slot: 1}}
targets: [{{metric: e2e, statistic: p50, max: 1s}}]
"""
PROFILE = "engine:\n  step: {base_ms: 1, per_sequence_us: 50}\n"
BROKEN = []


def believe(belief, *words):
    if not belief:
        BROKEN.append(" ".join(str(word) for word in words))
    return belief


def read_records(path, killed):
    """Every whole line; the last one may be cut where the sweep was killed."""
    if not os.path.exists(path):
        return []
    with open(path, "rb") as file:
        *lines, rest = file.read().split(b"\n")
    believe(killed or not rest, path, "ends in half a line")
    return [json.loads(line) for line in lines]


def counted(records):
    return [r for r in records if not r["superseded"]]


def identities(records):
    return sorted((r["level"], r["repeat"], r["index"]) for r in counted(records) if r["phase"] != "filler")


def load_result(folder):
    path = os.path.join(folder, "result.json")
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def runs_of(result):
    return {(level["concurrency"], run["repeat"]): run for level in result["levels"] for run in level["runs"]}


def counts(result):
    return {
        key: (run["requests"]["completed"], run["requests"]["failed"], run["output_tokens_mean"])
        for key, run in runs_of(result).items()
    }


class Rounds:
    def __init__(self, program, folder, seed, tolerance):
        self.program, self.folder, self.random = program, folder, random.Random(seed)
        self.tolerance = tolerance
        self.kills = 0
        self.without_record = collections.Counter()
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/profile.yaml", "w", encoding="utf-8") as file:
            file.write(PROFILE)
        self.truth = f"{folder}/truth.jsonl"
        if os.path.exists(self.truth):
            os.remove(self.truth)
        self.endpoint = subprocess.Popen(
            [program, "simulate", f"{folder}/profile.yaml", "--port", "0", "--log", self.truth],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        url = self.endpoint.stdout.readline().strip()
        for name, endpoint in (("spec", f"url: {url}"), ("embedded", f"simulator: {folder}/profile.yaml")):
            with open(f"{folder}/{name}.yaml", "w", encoding="utf-8") as file:
                file.write(SPEC.format(endpoint=endpoint))
        self.spec = "spec"

    def run(self, words, kill_after=None):
        process = subprocess.Popen(
            [self.program, "run", f"{self.folder}/{self.spec}.yaml", "--quiet", *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if kill_after is not None:
            try:
                process.wait(kill_after)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                self.kills += 1
        _, errors = process.communicate(timeout=120)
        return process.returncode, errors

    def reference(self):
        began = time.monotonic()
        code, errors = self.run(["--out", f"{self.folder}/whole"])
        if code != 0:
            sys.exit(f"the uninterrupted sweep failed: {errors}")
        self.seconds = time.monotonic() - began
        whole = f"{self.folder}/whole/sweep"
        self.expected = identities(read_records(f"{whole}/requests.jsonl", False))
        self.counts = counts(load_result(whole))

    def round(self, number):
        out = f"{self.folder}/round"
        shutil.rmtree(out, ignore_errors=True)
        target = f"{out}/sweep"
        self.spec = "embedded" if number % 2 == 0 else "spec"
        self.run(["--out", out], kill_after=self.random.uniform(0, 1.05 * self.seconds))
        before = self.after_kill(number, target)
        while self.random.random() < 0.33 and os.path.isdir(target):
            self.run(["--resume", target], kill_after=self.random.uniform(0, self.seconds))
            before = self.after_kill(number, target)
        words = ["--resume", target] if os.path.isdir(target) else ["--out", out]
        code, errors = self.run(words)
        if not believe(code == 0, f"round {number}: the resume ended with {code}: {errors}"):
            return
        self.after_resume(number, target, before)

    def after_kill(self, number, target):
        records = read_records(f"{target}/requests.jsonl", True)
        found = identities(records)
        believe(len(found) == len(set(found)), f"round {number}: a request is there twice after a kill")
        return load_result(target)

    def after_resume(self, number, target, before):
        records = read_records(f"{target}/requests.jsonl", False)
        believe(identities(records) == self.expected, f"round {number}: requests lost or double")
        result = load_result(target)
        believe(not result["interrupted"], f"round {number}: still marked interrupted")
        believe(counts(result) == self.counts, f"round {number}: other counts than uninterrupted")
        if before:
            now = runs_of(result)
            for key, run in runs_of(before).items():
                if "interrupted" not in run["invalid_reasons"]:
                    believe(now[key] == run, f"round {number}: run {key} changed")
            for level in before["levels"]:
                if len(level["runs"]) == 2 and "interrupted" not in level["invalid_reasons"]:
                    believe(level in result["levels"], f"round {number}: level {level['concurrency']} changed")
        with open(f"{target}/result.json", "rb") as file:
            saved = file.read()
        done = subprocess.run([self.program, "rebuild", target], capture_output=True, check=False)
        believe(done.returncode == 0, f"round {number}: rebuild failed: {done.stderr}")
        with open(f"{target}/result.json", "rb") as file:
            believe(file.read() == saved, f"round {number}: rebuild gives another result")
        self.verify(number, target)

    def verify(self, number, target):
        words = ["verify", target, "--tolerance", self.tolerance, "--format", "json"]
        words += ["--truth", self.truth] if self.spec == "spec" else []
        done = subprocess.run([self.program, *words], capture_output=True, check=False, text=True)
        if not believe(done.stdout, f"round {number}: verify failed: {done.stderr}"):
            return
        report = json.loads(done.stdout)
        believe(report["verified"], f"round {number}: {report['problems'][:3]}")
        keys = ("in_flight_at_kill", "in_flight_at_most", "unwritten_at_kill", "unlogged_at_kill", "checks_of_resumes", "superseded")
        self.without_record.update({key: report[key] for key in keys})


def main(program, folder, kills="10", seed="1", tolerance="2s"):
    rounds = Rounds(program, os.path.abspath(folder), int(seed), tolerance)
    number = 0
    try:
        rounds.reference()
        while rounds.kills < int(kills) and not BROKEN:
            number += 1
            rounds.round(number)
    finally:
        rounds.endpoint.terminate()
        rounds.endpoint.wait()
    for line in BROKEN[:20]:
        print(line)
    print(f"{rounds.kills} kills in {number} sweeps, {len(BROKEN)} beliefs broken; {dict(rounds.without_record)}")
    return 1 if BROKEN else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
