#!/usr/bin/env python3
"""Runs what the workflows in .github/workflows run: every `run:` step in order, as the runner does.

    workflows_test.py LLMSWEEP     exits 77 where PyYAML is missing

Left out are the steps that install packages and build. `gh` is a stand-in: it has no earlier run
for the first night and hands out the first night's result for the second. A gate may end in any of
its outcomes on a busy machine; everything else has to succeed, and the outputs have to be there.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

try:
    import yaml
except ImportError:
    print("SKIPPED: python3 has no yaml")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]
GATE_CODES = {0: "PASS", 10: "FAIL", 11: "INCONCLUSIVE", 12: "INVALID"}
NOT_RUN = {"Install what the build needs", "Build"}


def checked(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")


def workflow(name):
    loaded = yaml.safe_load((ROOT / ".github/workflows" / name).read_text(encoding="utf-8"))
    checked(True in loaded or "on" in loaded, f"{name} has no trigger")  # YAML 1.1: `on` is true
    checked(loaded["permissions"]["contents"] == "read", f"{name} may write")
    for job in loaded["jobs"].values():
        for step in job["steps"]:
            checked(("uses" in step) != ("run" in step), f"{name}: {step}")
            if "uses" in step:
                checked(re.fullmatch(r"[\w/-]+@v\d+", step["uses"]), f"{name}: {step['uses']}")
    return loaded


def run_steps(loaded, folder, environment):
    """Exit codes by step name; after a step has failed only `if: always()` steps run."""
    codes = {}
    failed = False
    (job,) = loaded["jobs"].values()
    for step in job["steps"]:
        if "run" not in step or step["name"] in NOT_RUN:
            continue
        condition = str(step.get("if", ""))
        if failed and "always()" not in condition:
            continue
        for path in re.findall(r"hashFiles\('([^']+)'\)", condition):
            if not (folder / path).exists():
                break
        else:
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                cwd=folder, env=environment, capture_output=True, text=True, timeout=280, check=False)
            codes[step["name"]] = done.returncode
            failed |= done.returncode != 0
            if done.returncode not in GATE_CODES:
                sys.exit(f"FAILED: {step['name']} exits {done.returncode}\n{done.stdout}{done.stderr}")
    return codes


def checkout(folder, llmsweep):
    for name in ("configs", "datasets"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "build/release").mkdir(parents=True)
    (folder / "build/release/llmsweep").symlink_to(llmsweep)
    tools = folder / "tools"
    tools.mkdir()
    (tools / "llmsweep").symlink_to(llmsweep)
    gh = tools / "gh"
    gh.write_text(
        '#!/bin/sh\n'
        'if [ "$1 $2" = "run list" ]; then if [ -d first ]; then echo 1; fi; exit 0; fi\n'
        'if [ "$1 $2" = "run download" ]; then cp -r first baselines; exit 0; fi\n'
        "exit 1\n")
    gh.chmod(0o755)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GITHUB_")}
    environment["PATH"] = f"{tools}:{environment['PATH']}"
    environment["GITHUB_ACTIONS"] = "true"
    environment["GITHUB_STEP_SUMMARY"] = str(folder / "summary.md")
    return environment


def check_gate(folder, code, what):
    suite = xml.etree.ElementTree.parse(folder / "gate.xml").getroot()
    checked(suite.tag == "testsuites", f"{what}: gate.xml")
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    checked(GATE_CODES[code] in summary, f"{what}: the step summary does not say {GATE_CODES[code]}")


def smoke(folder, llmsweep):
    environment = checkout(folder, llmsweep)
    codes = run_steps(workflow("performance-smoke.yml"), folder, environment)
    code = codes["Sweep the simulator and gate"]
    check_gate(folder, code, "smoke")
    outcome = json.loads((folder / "gate.json").read_text())["outcome"]
    checked(outcome == GATE_CODES[code], f"smoke: gate.json says {outcome}")
    checked((folder / "results/demo-gb200-nvfp4/result.json").exists(), "smoke: no result")
    print("smoke:", GATE_CODES[code])


def nightly(folder, llmsweep):
    environment = checkout(folder, llmsweep)
    (folder / "endpoint.yaml").write_text("engine: {step: {base_ms: 2}, max_batch_size: 16}\n")
    (folder / "spec.yaml").write_text(
        "name: night\nsystem: {gpus: 1}\nendpoint: {url: 'http://127.0.0.1:1/v1'}\n"
        "workload: {input_tokens: 20, output_tokens: 20}\n"
        "load: {concurrency: [1, 8], requests_per_slot: 4, repeats: 2}\n")
    server = subprocess.Popen(
        [llmsweep, "simulate", "endpoint.yaml", "--port", "0"],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        environment["SPEC"] = "spec.yaml"
        environment["NIGHTS"] = "5"
        environment["ENDPOINT"] = server.stdout.readline().strip()
        loaded = workflow("performance-nightly.yml")
        codes = run_steps(loaded, folder, environment)
        checked(codes == {"Fetch the baselines": 0, "Sweep and gate": 0, "Give the result one name": 0,
                          "Pin the first nights": 0}, f"first night: {codes}")
        checked((folder / "baselines/night-1/result.json").exists(), "first night: nothing pinned")
        (folder / "baselines").rename(folder / "first")
        shutil.rmtree(folder / "results")
        codes = run_steps(loaded, folder, environment)
    finally:
        server.terminate()
        server.wait()
    code = codes["Sweep and gate"]
    check_gate(folder, code, "second night")
    checked(codes["Compare"] == 0 and codes["Give the result one name"] == 0, f"second: {codes}")
    checked((folder / "results/nightly/result.json").exists(), "second night: no result")
    pinned = sorted(path.name for path in (folder / "baselines").iterdir())
    checked(pinned == (["night-1", "night-2"] if code == 0 else ["night-1"]), f"second night: {pinned}")
    print("nightly:", GATE_CODES[code])


def main():
    llmsweep = str(pathlib.Path(sys.argv[1]).resolve())
    for test in (smoke, nightly):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="llmsweep-workflow-"))
        try:
            test(folder, llmsweep)
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
