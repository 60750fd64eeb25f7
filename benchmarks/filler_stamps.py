#!/usr/bin/env python3
"""Whether making fillers while a run goes on makes its stamps later.

    filler_stamps.py LLMSWEEP [--rounds N] [--tokenizer server]

Runs one level of 64 streams with wide output lengths against a simulated endpoint of its own process,
in turns with fillers (whose planned ones run out, so that the thread which shows the progress makes
more) and without any. Per variant: how late the first and the last token of each measured request
was stamped, against the instant at which the endpoint handed it to the kernel (its truth log), p50
and p99 of each run, as the median over the rounds and their range.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile

PROFILE = "engine: {step: {base_ms: 5, per_sequence_us: 20}, max_batch_size: 64}\n"
SPEC = """name: stamps
system: {{gpus: 1}}
endpoint: {{url: "{url}"}}
workload: {{dataset: random, input_tokens: 500, output_tokens: {{min: 4, max: 400}}{tokenizer}}}
load: {{concurrency: [64], requests_per_slot: 3, repeats: 1, fillers: {fillers}}}
"""


def run(program, folder, fillers, tokenizer):
    """How late stamps are in µs, and how many fillers were sent."""
    (folder / "profile.yaml").write_text(PROFILE, encoding="utf-8")
    truth = folder / "truth.jsonl"
    with subprocess.Popen([program, "simulate", folder / "profile.yaml", "--port", "0", "--log", truth],
                          stdout=subprocess.PIPE, text=True) as endpoint:
        try:
            spec = SPEC.format(url=endpoint.stdout.readline().strip(), fillers=str(fillers).lower(),
                               tokenizer=f', tokenizer: "{tokenizer}"' if tokenizer else "")
            (folder / "spec.yaml").write_text(spec, encoding="utf-8")
            subprocess.run([program, "run", folder / "spec.yaml", "--out", folder, "--quiet"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        finally:
            endpoint.terminate()
    sent = {}
    with open(truth, encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            sent[line["response_id"]] = line["sent_ns"]
    late, made = [], 0
    with open(folder / "stamps/requests.jsonl", encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            made += record["phase"] == "filler"
            if record["phase"] != "measured" or record["outcome"] != "ok":
                continue
            instants = sent[record["response_id"]]
            late.append((record["first_token_ns"] - instants[0]) / 1e3)
            late.append((record["last_token_ns"] - instants[-1]) / 1e3)
    return sorted(late), made


def main():
    parser = argparse.ArgumentParser(description="Stamp error with and without fillers.")
    parser.add_argument("llmsweep")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokenizer", default="", help="server: prompts of exact lengths")
    options = parser.parse_args()
    seen = {True: [], False: []}
    for _ in range(options.rounds):
        for fillers in seen:
            with tempfile.TemporaryDirectory() as name:
                seen[fillers].append(
                    run(options.llmsweep, pathlib.Path(name), fillers, options.tokenizer))
    print(f"{'':>16} {'fillers':>8} {'stamps':>7} {'p50 µs':>20} {'p99 µs':>20}")
    for fillers, runs in seen.items():
        cells = []
        for share in (0.5, 0.99):
            values = [late[int(share * (len(late) - 1))] for late, _ in runs]
            cells.append(f"{statistics.median(values):.0f} ({min(values):.0f}–{max(values):.0f})")
        made = statistics.median(made for _, made in runs)
        print(f"{'with fillers' if fillers else 'without':>16} {made:8g} {len(runs[0][0]):7} "
              f"{cells[0]:>20} {cells[1]:>20}")


if __name__ == "__main__":
    main()
