#!/usr/bin/env python3
"""Two servers on one GPU, measured with everything: docs/measured.md shows what came of it.

    one_card.py LLMSWEEP OUT A B STAGE... [--set KEY=VALUE]... [--rounds 3]

A and B are base URLs (…/v1) of two servers that run on one GPU, A the one that most stages load
(BF16 there, FP8 for B). Stages, by the specs of configs/measured/one-card-*.yaml:

    warm      a short run of each, so that no first run meets a server that has never worked
    pair      `versus`: A and B in pairs, one loaded at a time
    rates     an open loop of A through its capacity, which `pair` has shown
    search    the users of A at a target, confirmed
    energy    a minute of A, a minute with a foreign client on it, a minute of B, and beside them what
              NVML says when asked from Python (nvml.jsonl), where that module is there
    sessions  users of A with conversations and pauses
    apis      `versus` with A on both sides: chat against responses, and chat against messages
    scrape    A with no page read, with pages at the edges, and with the whole page read three times a
              second by another client (pages.jsonl), in turns

Every stage leaves its result in OUT/STAGE. --set goes to every llmsweep run.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import threading
import time
import urllib.request

SPECS = pathlib.Path(__file__).resolve().parent.parent / "configs" / "measured"
SHARES = (0.6, 0.9, 1.05, 1.3)  # of the capacity that 64 users show
PAGES_PER_S = 3
FOREIGN_AFTER_S, FOREIGN_FOR = 15, "20s"


class Bench:
    def __init__(self, options):
        self.program = str(pathlib.Path(options.program).resolve())
        self.out = pathlib.Path(options.out).resolve()
        self.out.mkdir(parents=True, exist_ok=True)
        self.a, self.b = options.a, options.b
        self.sets = [word for value in options.set for word in ("--set", value)]
        self.rounds = options.rounds

    def call(self, *words):
        began = time.monotonic()
        done = subprocess.run([self.program, *map(str, words)], capture_output=True, text=True, check=False)
        print(f"$ llmsweep {' '.join(map(str, words))}\n{done.stdout}{done.stderr}"
              f"[exit code {done.returncode} after {time.monotonic() - began:.1f} s]", flush=True)
        return done.returncode

    def run(self, stage, url, *sets, spec=None, name=None):
        """One sweep in OUT/STAGE/NAME."""
        name = name or f"one-card-{stage}"
        words = [word for value in (f"endpoint.url={url}", f"name={name}", *sets) for word in ("--set", value)]
        return self.call("run", SPECS / f"one-card-{spec or stage}.yaml", "--quiet", "--out", self.out / stage,
                         *words, *self.sets)

    def warm(self):
        for side, url in (("a", self.a), ("b", self.b)):
            self.run("warm", url, "load.concurrency=64", "load.requests_per_slot=1", "load.repeats=1",
                     "endpoint.metrics=[auto]", spec="pair", name=side)

    def pair(self):
        spec = SPECS / "one-card-pair.yaml"
        sides = [("--set-a", f"endpoint.url={self.a}"), ("--set-a", "system.precision=BF16"), ("--set-a", "name=bf16"),
                 ("--set-b", f"endpoint.url={self.b}"), ("--set-b", "system.precision=FP8"), ("--set-b", "name=fp8")]
        self.call("versus", spec, spec, "--rounds", self.rounds, "--quiet", "--out", self.out / "pair",
                  *[word for side in sides for word in side], *self.sets)

    def rates(self):
        result = json.loads((self.out / "pair/bf16-versus-fp8/a/result.json").read_text(encoding="utf-8"))
        capacity = result["levels"][-1]["request_throughput_rps"]
        rates = [round(share * capacity, 1) for share in SHARES]
        self.run("rates", self.a, f"load.rate={rates}")

    def search(self):
        self.run("search", self.a)

    def sessions(self):
        self.run("sessions", self.a)

    def apis(self):
        """What one server takes for the same prompts (but for their first words) over another API."""
        spec = SPECS / "one-card-pair.yaml"
        for api in ("responses", "messages"):
            sides = [word for side, name in (("a", "chat"), ("b", api))
                     for word in (f"--set-{side}", f"endpoint.api={name}", f"--set-{side}", f"name={name}")]
            self.call("versus", spec, spec, "--rounds", self.rounds, "--quiet", "--out", self.out / "apis", *sides,
                      "--set", f"endpoint.url={self.a}", "--set", "system.precision=BF16", *self.sets)

    def energy(self):
        stop = threading.Event()
        sampler = threading.Thread(target=sample_nvml, args=(self.out / "nvml.jsonl", stop))
        sampler.start()
        records = self.out / "energy/one-card-energy/requests.jsonl"
        planted = threading.Thread(target=self.plant_foreign, args=(records, stop))
        planted.start()
        self.run("energy", self.a)
        planted.join(timeout=60)
        self.run("energy", self.b, "load.repeats=1", "system.precision=FP8", name="one-card-energy-fp8")
        stop.set()
        sampler.join()
        planted.join()

    def plant_foreign(self, records, stop):
        """Once the second repeat has begun: eight users of somebody else for a while."""
        while not stop.is_set():
            time.sleep(0.2)
            if records.exists() and b'"repeat":1' in records.read_bytes()[-20000:]:
                break
        time.sleep(FOREIGN_AFTER_S)
        if not stop.is_set():
            self.run("foreign", self.a, "load.concurrency=8", f"load.duration={FOREIGN_FOR}", "load.repeats=1",
                     "endpoint.metrics=off", spec="energy")

    def scrape(self):
        arms = ("none", "edges", "full")
        for round_ in range(self.rounds):
            for arm in arms[round_ % 3:] + arms[:round_ % 3]:
                stop = threading.Event()
                reader = threading.Thread(target=read_pages, args=(self.a.removesuffix("/v1") + "/metrics",
                                                                   self.out / "pages.jsonl", stop))
                if arm == "full":
                    reader.start()
                pages = ["endpoint.metrics=[auto]", "endpoint.metrics_every=0s"] if arm == "edges" else []
                self.run("scrape", self.a, *pages, name=f"{arm}-{round_}")
                stop.set()
                if arm == "full":
                    reader.join()


def read_pages(url, path, stop):
    with open(path, "a", encoding="utf-8") as out:
        while not stop.wait(1 / PAGES_PER_S):
            asked = time.monotonic_ns()
            with urllib.request.urlopen(url, timeout=5) as page:
                size = len(page.read())
            out.write(json.dumps({"asked_ns": asked, "answered_ns": time.monotonic_ns(), "bytes": size}) + "\n")


def sample_nvml(path, stop):
    """The counter of energy (mJ) and the power (mW) of the first GPU, ten times a second."""
    try:
        import pynvml
        pynvml.nvmlInit()
        gpu = pynvml.nvmlDeviceGetHandleByIndex(0)
    except Exception as error:  # no module, no library, no GPU: this stage goes on without
        print(f"NVML from Python: {error}", flush=True)
        return
    with open(path, "w", encoding="utf-8") as out:
        while not stop.wait(0.1):
            asked = time.monotonic_ns()
            row = {"energy_mj": pynvml.nvmlDeviceGetTotalEnergyConsumption(gpu),
                   "power_mw": pynvml.nvmlDeviceGetPowerUsage(gpu),
                   "sm_clock_mhz": pynvml.nvmlDeviceGetClockInfo(gpu, pynvml.NVML_CLOCK_SM)}
            out.write(json.dumps({"asked_ns": asked, "answered_ns": time.monotonic_ns(), **row}) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("program", "out", "a", "b"):
        parser.add_argument(name)
    parser.add_argument("stages", nargs="+", choices=("warm", "pair", "rates", "search", "energy", "sessions", "apis", "scrape"))
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    bench = Bench(options)
    for stage in options.stages:
        began = time.monotonic()
        getattr(bench, stage)()
        print(f"== {stage}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
