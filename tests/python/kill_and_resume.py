#!/usr/bin/env python3
"""Kills a sweep at random instants and resumes it: nothing may be lost, nothing may be there twice.

    kill_and_resume.py LLMSWEEP FOLDER [KILLS] [SEED] [MARGIN]

Each round starts a short sweep, every other one against a simulated endpoint that outlives it, the
rest with an embedded one that dies with it. It sends SIGKILL at a random instant (and again during
the resume, one time in three), and then checks that
  - requests.jsonl is readable: whole lines, but for the end of the last one;
  - the resume completes, and every planned request is there once among the records that count;
  - the statistics of the runs and levels that were complete before the kill have not changed, and
    have the counts of an uninterrupted sweep;
  - `rebuild` makes the same result.json from the records;
  - `verify` finds every request of the endpoint's log accounted for: recorded, superseded, a check
    of a resume, in flight at the kill, or ended so shortly before it that its record was not
    written yet: 20 ms and MARGIN (2s; verify's own default is 20 ms). Those it names, each;
  - `verify` with its own margin misses a record of a killed run that is taken away, the last one
    that had ended 50 ms before the kill.
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
    def __init__(self, program, folder, seed, margin):
        self.program, self.folder, self.random = program, folder, random.Random(seed)
        self.margin = margin
        self.kills = 0
        self.killed_ns = []  # of this round, on the clock of the records
        self.longest_unwritten_ms = 0
        self.planted = 0
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
                self.killed_ns.append(time.monotonic_ns())
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
        self.killed_ns.clear()
        self.run(["--out", out], kill_after=self.random.uniform(0, 1.05 * self.seconds))
        before = self.after_kill(number, target)
        while self.random.random() < 0.33 and os.path.isdir(target):
            self.run(["--resume", target], kill_after=self.random.uniform(0, self.seconds))
            before = self.after_kill(number, target)
        if os.path.isdir(target) and not os.listdir(target):
            os.rmdir(target)  # killed before there was anything to resume
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
        report = self.verify_report(number, target, self.margin)
        if not report:
            return
        believe(report["verified"], f"round {number}: {report['problems'][:3]}")
        for which in ("unwritten", "unlogged"):
            believe(len(report[which]) == report[f"{which}_at_kill"], f"round {number}: {which} are not all named")
        late = [r.get("before_kill_ms", r.get("before_last_sign_of_life_ms")) for r in report["unwritten"]]
        self.longest_unwritten_ms = max([self.longest_unwritten_ms, *late])
        keys = ("in_flight_at_kill", "in_flight_at_most", "unwritten_at_kill", "unlogged_at_kill", "checks_of_resumes", "superseded")
        self.without_record.update({key: report[key] for key in keys})
        self.plant_a_loss(number, target)

    def verify_report(self, number, target, margin):
        words = ["verify", target, "--tolerance", "2s", "--format", "json", "--kill-margin", margin]
        words += ["--truth", self.truth] if self.spec == "spec" else []
        done = subprocess.run([self.program, *words], capture_output=True, check=False, text=True)
        if not believe(done.stdout, f"round {number}: verify failed: {done.stderr}"):
            return None
        report = json.loads(done.stdout)
        believe(done.returncode == (0 if report["verified"] else 1), f"round {number}: exit code {done.returncode}")
        return report

    def plant_a_loss(self, number, target):
        """Takes the record away that ended last among those 50 ms and more before a kill."""
        path = f"{target}/requests.jsonl"
        with open(path, "rb") as file:
            lines = file.read().splitlines(keepends=True)
        ended = []
        for i, record in enumerate(map(json.loads, lines)):
            later = [kill - record["end_ns"] for kill in self.killed_ns if kill >= record["end_ns"]]
            if record["superseded"] and record["outcome"] == "ok" and later and min(later) >= 50_000_000:
                ended.append((record["end_ns"], i, record["response_id"]))
        if not ended:
            return  # the kills came between two runs, or just after one had begun
        _, index, response_id = max(ended)
        with open(path, "wb") as file:
            file.writelines(lines[:index] + lines[index + 1:])
        report = self.verify_report(number, target, "20ms")
        if not report:
            return
        self.planted += 1
        named = [problem for problem in report["problems"] if f"({response_id}): lost" in problem]
        believe(named, f"round {number} ({self.spec}): {response_id} was taken away, verify says {report['problems'][:3]}")


def main(program, folder, kills="10", seed="1", margin="2s"):
    rounds = Rounds(program, os.path.abspath(folder), int(seed), margin)
    number = 0
    try:
        rounds.reference()
        # On until there was a record to take away: not every kill leaves one old enough.
        wanted = int(kills)
        while not BROKEN and (rounds.kills < wanted or (rounds.planted == 0 and rounds.kills < 4 * wanted)):
            number += 1
            rounds.round(number)
    finally:
        rounds.endpoint.terminate()
        rounds.endpoint.wait()
    for line in BROKEN[:20]:
        print(line)
    print(
        f"{rounds.kills} kills in {number} sweeps, {len(BROKEN)} beliefs broken; {dict(rounds.without_record)}; "
        f"the longest unwritten ended {rounds.longest_unwritten_ms:.1f} ms before its kill; "
        f"{rounds.planted} records taken away and missed"
    )
    if wanted >= 10 and rounds.planted == 0:
        print("no record could be taken away: the sweep is too short for the check of verify")
        return 1
    return 1 if BROKEN else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
