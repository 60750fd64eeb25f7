#!/usr/bin/env python3
"""Exports read by the programs that they are for.

usage: consumers.py LLMSWEEP [FOLDER]

FOLDER, else $LLMSWEEP_CONSUMERS, holds clones: github-action-benchmark, inference (of mlcommons), bencher; each that
is there is tried. Measures a small sweep of the simulated endpoint, exports it and gives the files to them:
- github-action-benchmark: its extractResult(), of a clone in which `npm ci` and `npm run build` were run;
- MLPerf's submission checker (mlcommons/inference): its EndpointsParser, which reads result_summary.json;
- Bencher: its JSON adapter (lib/bencher_adapter of a clone), which a small crate calls; needs cargo.
Nothing is downloaded, but for what cargo builds. Prints a line each; exits 1 where a figure is lost on the way, 77
(skipped) where there is no clone.
"""
import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile

SPEC = """name: nightly
system: {gpus: 2}
endpoint: {simulator: %s}
workload: {input_tokens: 50, output_tokens: 20}
load: {concurrency: [1, 2], requests_per_slot: 12, warmup_per_slot: 1, repeats: 2}
"""
PROFILE = "engine:\n  step: {base_ms: 2, per_prefill_token_us: 1, per_sequence_us: 100}\n  max_batch_size: 8\n"


def output_of(words, **more):
    done = subprocess.run(words, capture_output=True, text=True, check=False, **more)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, words[:4]))}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def measured(program, folder):
    profile, spec = os.path.join(folder, "profile.yaml"), os.path.join(folder, "spec.yaml")
    with open(profile, "w", encoding="utf-8") as out:
        out.write(PROFILE)
    with open(spec, "w", encoding="utf-8") as out:
        out.write(SPEC % profile)
    output_of([program, "run", spec, "--quiet", "--out", folder])
    return os.path.join(folder, "nightly")


def exported(program, result, form, path):
    output_of([program, "export", result, "--as", form, "-o", path])
    with open(path, encoding="utf-8") as file:
        return file.read()


def github_action_benchmark(program, result, folder, clone):
    """Every entry comes back as it was, for both tools."""
    event = os.path.join(folder, "event.json")
    commit = {"author": {"name": "a"}, "committer": {"name": "a"}, "id": "0", "message": "m", "timestamp": "t", "url": "u"}
    with open(event, "w", encoding="utf-8") as out:
        json.dump({"head_commit": commit}, out)
    entries = 0
    for form, tool in (("smaller", "customSmallerIsBetter"), ("bigger", "customBiggerIsBetter")):
        path = os.path.join(folder, form + ".json")
        written = json.loads(exported(program, result, "github-benchmark-" + form, path))
        script = (f"require({json.dumps(os.path.join(os.path.abspath(clone), 'dist', 'src', 'extract.js'))})"
                  f".extractResult({{tool: {json.dumps(tool)}, outputFilePath: {json.dumps(path)}}})"
                  ".then(found => console.log(JSON.stringify(found.benches)))"
                  ".catch(error => { console.error(error); process.exit(1); })")
        read = json.loads(output_of(["node", "-e", script], env={**os.environ, "GITHUB_EVENT_PATH": event}))
        if read != written or not written:
            raise SystemExit(f"github-action-benchmark reads {read[:2]} of {written[:2]}")
        entries += len(written)
    return f"{entries} entries read back"


def mlperf_inference(program, result, folder, clone):
    """The checker's parser finds the figures of each level where it looks for a run's."""
    sys.path.insert(0, os.path.join(clone, "tools", "submission"))
    from submission_checker.parsers.endpoints_parser import EndpointsParser
    lines = exported(program, result, "mlperf-endpoints", os.path.join(folder, "mlperf.jsonl")).splitlines()
    for number, line in enumerate(lines):
        level = json.loads(line)
        scenario = os.path.join(folder, f"scenario-{number}")
        os.makedirs(os.path.join(scenario, "performance"))
        with open(os.path.join(scenario, "performance", "result_summary.json"), "w", encoding="utf-8") as out:
            out.write(line)
        with open(os.path.join(scenario, "config.yaml"), "w", encoding="utf-8") as out:
            out.write("type: server\n")
        parser = EndpointsParser(scenario)
        wanted = {"generated_query_count": level["n_samples_issued"],
                  "generated_query_duration": level["duration_ns"],
                  "result_mean_latency_ns": level["latency"]["avg"],
                  "result_min_latency_ns": level["latency"]["min"],
                  "result_max_latency_ns": level["latency"]["max"]}
        for key, value in wanted.items():
            if parser[key] != value:
                raise SystemExit(f"the submission checker has {key} = {parser[key]}, the export {value}")
        keys = sorted(parser.get_keys())
    return f"{len(lines)} levels opened, {len(keys)} of its keys found"


CRATE = """[package]
name = "consumer"
version = "0.1.0"
edition = "2024"
[dependencies]
bencher_adapter = { path = "%s/lib/bencher_adapter" }
serde_json = "1"
[workspace]
"""
MAIN = """use bencher_adapter::{Adaptable, Settings, adapters::json::AdapterJson};
fn main() {
    let text = std::fs::read_to_string(std::env::args().nth(1).unwrap()).unwrap();
    let found = AdapterJson::parse(&text, Settings::default()).expect("not Bencher's metric format");
    println!("{}", serde_json::to_string(&found).unwrap());
}
"""


def bencher(program, result, folder, clone):
    """Its JSON adapter, of whose types the metric format is the serialization, gives the same back."""
    path = os.path.join(folder, "bencher.json")
    written = json.loads(exported(program, result, "bencher", path))
    crate = os.path.join(folder, "consumer")
    os.makedirs(os.path.join(crate, "src"))
    with open(os.path.join(crate, "Cargo.toml"), "w", encoding="utf-8") as out:
        out.write(CRATE % os.path.abspath(clone))
    with open(os.path.join(crate, "src", "main.rs"), "w", encoding="utf-8") as out:
        out.write(MAIN)
    shutil.copy(os.path.join(clone, "Cargo.lock"), crate)  # later versions of what it needs do not fit
    read = json.loads(output_of(["cargo", "run", "--quiet", "--", path], cwd=crate))
    if sorted(read) != sorted(written) or not written:
        raise SystemExit(f"Bencher reads the benchmarks {sorted(read)} of {sorted(written)}")
    metrics = 0
    for name, figures in written.items():
        for slug, metric in figures.items():
            found = {key: value for key, value in read[name][slug].items() if value is not None}
            same = sorted(found) == sorted(metric) and all(  # its parser may be off in the last digit
                math.isclose(found[key], value, rel_tol=1e-12) for key, value in metric.items())
            if not same:
                raise SystemExit(f"Bencher reads {name} {slug} as {found}, the export says {metric}")
            metrics += 1
    return f"{len(written)} benchmarks, {metrics} metrics read back"


def main():
    options = argparse.ArgumentParser()
    options.add_argument("program")
    options.add_argument("clones", nargs="?", default=os.environ.get("LLMSWEEP_CONSUMERS", ""))
    chosen = options.parse_args()
    known = {"github-action-benchmark": github_action_benchmark, "inference": mlperf_inference, "bencher": bencher}
    checks = [(name, check, os.path.join(chosen.clones, name)) for name, check in known.items()
              if chosen.clones and os.path.isdir(os.path.join(chosen.clones, name))]
    if not checks:
        print("SKIPPED: before-release: no clones of " + ", ".join(known) + " (LLMSWEEP_CONSUMERS)")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        result = measured(os.path.abspath(chosen.program), folder)
        for name, check, clone in checks:
            print(f"{name}: {check(os.path.abspath(chosen.program), result, folder, clone)}", flush=True)


if __name__ == "__main__":
    main()
