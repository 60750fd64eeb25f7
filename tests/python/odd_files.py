#!/usr/bin/env python3
"""Every place in which a command reads or writes a file, with a file there that is none.

    odd_files.py LLMSWEEP FOLDER DOCUMENT [--write] [--only TEXT]

A device, a FIFO, links, a folder, a file of 4 GB without content, a line of 17 MiB. Of each call it is
asked: it ends within 10 s and in 1 GiB of memory, by itself and not by a signal; where it fails, with one
message that names the file, and with exit code 1 or 2; nothing that was there has changed but a regular
file or a stream that it was told to write; nothing is left beside it. DOCUMENT has the table of what was
seen; exits 1 where that differs or a belief is broken. --write puts the table there.
"""

import argparse
import base64
import concurrent.futures
import json
import os
import re
import resource
import shutil
import stat
import subprocess
import sys

BEGIN, END = "<!-- odd files: made by tests/python/odd_files.py -->", "<!-- end of the odd files -->"
ODD = ["device", "full device", "FIFO", "link to itself", "link to a file", "folder", "sparse 4 GB", "17 MiB line"]
SECONDS = 10
ATTEMPTS = 4
PROFILE = "engine:\n  step: {base_ms: 1}\n"
SPEC = """name: test
system: {{gpus: 1}}
endpoint: {{simulator: {profile}, metrics: off{endpoint}}}
workload: {{input_tokens: 20, output_tokens: 5{workload}}}
load: {{concurrency: [1], requests_per_slot: 2, warmup_per_slot: 0, repeats: 1}}
"""


def make_odd(kind, path, target):
    """Puts the odd file at `path`; False where this machine may not."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
    try:
        if kind == "device":
            os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        elif kind == "full device":
            os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 7))
            with open(path, "rb"):
                pass
    except PermissionError:
        return False
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "link to itself":
        os.symlink(os.path.basename(path), path)
    elif kind == "link to a file":
        os.symlink(target, path)
    elif kind == "folder":
        os.mkdir(path)
    elif kind == "sparse 4 GB":
        with open(path, "wb") as file:
            file.truncate(4 << 30)
    elif kind == "17 MiB line":
        with open(path, "wb") as file:
            file.write(b"x" * (17 << 20))
    return True


def looks(path):
    """What must not change of it."""
    status = os.lstat(path)
    content = os.readlink(path) if stat.S_ISLNK(status.st_mode) else status.st_size
    return (stat.S_IFMT(status.st_mode), status.st_ino, content, status.st_mtime_ns)


def tree(folder):
    found = {}
    for at, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(at, name)
            found[path] = looks(path) if not os.path.isdir(path) or os.path.islink(path) else "folder"
    return found


class Place:
    """Where a file stands: its name in the table, the path below a test's folder, the words of the command.

    `fits` makes the content that a link to a file leads to. `writes`: the command writes there.
    `may_change`: what else the command writes, below the test's folder.
    """

    def __init__(self, name, words, path="odd", writes=False, may_change=(), setup=None, environment=None):
        self.name, self.words, self.path, self.writes = name, words, path, writes
        self.may_change, self.setup, self.environment = may_change, setup, environment or {}


def spec_with(endpoint="", workload=""):
    def setup(folder):
        with open(f"{folder}/spec.yaml", "w", encoding="utf-8") as file:
            file.write(SPEC.format(profile="profile.yaml", endpoint=endpoint, workload=workload))

    return setup


REQUIRE = ["--require", "error_rate@all <= 1%"]
RUN_FILES = ["result.json", "requests.jsonl", "sweep.jsonl", "truth.jsonl", "truth.jsonl.signs", "chunks.bin", "report.html", "figure.svg"]
MADE_BY_RUN = ["out", "state"]
REMADE = ["sweep/result.json", "sweep/report.html", "sweep/figure.svg"]


def places():
    reads = [
        Place("run SPEC", ["run", "odd", "--out", "out", "--quiet"]),
        Place("run --gate", ["run", "spec.yaml", "--out", "out", "--quiet", "--gate", "odd"]),
        Place("run --baseline", ["run", "spec.yaml", "--out", "out", "--quiet", "--gate", "policy.yaml", "--baseline", "odd"]),
        Place("run --resume", ["run", "spec.yaml", "--resume", "odd", "--quiet", "--record-chunks"]),
        Place("check SPEC", ["check", "odd"]),
        Place("prompts SPEC", ["prompts", "odd"]),
        Place("rebuild FOLDER", ["rebuild", "odd"]),
        Place("gate RESULT", ["gate", "odd", *REQUIRE]),
        Place("gate --baseline", ["gate", "sweep", "--no-worse", "e2e:p50@c1 by 3%", "--baseline", "odd"]),
        Place("gate --policy", ["gate", "sweep", "--policy", "odd"]),
        Place("compare BASELINE", ["compare", "odd", "sweep"]),
        Place("compare CANDIDATE", ["compare", "sweep", "odd"]),
        Place("report RESULT", ["report", "odd", "--csv", "-"]),
        Place("show RESULT", ["show", "odd"]),
        Place("export RESULT", ["export", "odd", "--as", "csv"]),
        Place("import PATH", ["import", "odd", "-o", "new.json"]),
        Place("import --system", ["import", "vllm.json", "-o", "new.json", "--system", "odd"]),
        Place("import --quality", ["import", "sweep/result.json", "-o", "new.json", "--quality", "odd"]),
        Place("verify RESULT", ["verify", "odd", "--truth", "sweep/truth.jsonl"]),
        Place("verify --truth", ["verify", "sweep", "--truth", "odd"]),
        Place("calibrate INPUT", ["calibrate", "odd"]),
        Place("trace FILE", ["trace", "odd"]),
        Place("calibrate --start", ["calibrate", "sweep", "--start", "odd"]),
        Place("tokens FILE", ["tokens", "--tokenizer", "ranks.tiktoken#o200k_base", "odd"]),
        Place("tokens --tokenizer", ["tokens", "--tokenizer", "odd", "--text", "x"]),
        Place("simulate PROFILE", ["simulate", "odd", "--port", "0"]),
        Place("endpoint.simulator", ["check", "spec.yaml"], path="profile.yaml"),
        Place("endpoint.api_key_file", ["check", "spec.yaml"], setup=spec_with(endpoint=", api_key_file: odd")),
        Place("workload.dataset", ["prompts", "spec.yaml"], setup=spec_with(workload=", dataset: odd")),
        Place("workload.tokenizer", ["prompts", "spec.yaml"], setup=spec_with(workload=", tokenizer: odd")),
        Place("the kept self-test, read by check", ["check", "spec.yaml"], path="state/llmsweep/selftest.json"),
    ]
    for name in RUN_FILES:
        inside = f"sweep/{name}"
        reads += [
            Place(f"{name}, by show", ["show", "sweep"], path=inside),
            Place(f"{name}, by report", ["report", "sweep", "--html", "new.html"], path=inside, may_change=["new.html"]),
            Place(f"{name}, by verify", ["verify", "sweep"], path=inside),
            Place(f"{name}, by rebuild", ["rebuild", "sweep"], path=inside, may_change=REMADE),
            Place(f"{name}, by run --resume", ["run", "spec.yaml", "--resume", "sweep", "--quiet", "--record-chunks"], path=inside,
                  may_change=REMADE + [f"sweep/{made}" for made in RUN_FILES]),
        ]
    writes = [
        Place("run --out", ["run", "spec.yaml", "--out", "odd", "--quiet"], may_change=["odd"]),
        Place("run --json", ["run", "spec.yaml", "--out", "out", "--quiet", "--gate", "policy.yaml", "--json", "odd"], writes=True),
        Place("run --junit", ["run", "spec.yaml", "--out", "out", "--quiet", "--gate", "policy.yaml", "--junit", "odd"], writes=True),
        Place("gate --json", ["gate", "sweep", *REQUIRE, "--json", "odd"], writes=True),
        Place("gate --junit", ["gate", "sweep", *REQUIRE, "--junit", "odd"], writes=True),
        Place("gate, GITHUB_STEP_SUMMARY", ["gate", "sweep", *REQUIRE], writes=True, environment={"GITHUB_STEP_SUMMARY": "odd"}),
        Place("compare --figure", ["compare", "sweep", "sweep", "--figure", "odd"], writes=True),
        Place("report --html", ["report", "sweep", "--html", "odd"], writes=True),
        Place("report --figure", ["report", "sweep", "--figure", "odd"], writes=True),
        Place("export --as requests-csv --out", ["export", "sweep", "--as", "requests-csv", "--out", "odd"], writes=True),
        Place("report --figures", ["report", "sweep", "--figures", "odd"], may_change=["odd"]),
        Place("report --markdown", ["report", "sweep", "--markdown", "odd"], writes=True),
        Place("report --csv", ["report", "sweep", "--csv", "odd"], writes=True),
        Place("export --out", ["export", "sweep", "--as", "csv", "--out", "odd"], writes=True),
        Place("import --out", ["import", "vllm.json", "--gpus", "1", "--out", "odd"], writes=True),
        Place("calibrate --output", ["calibrate", "sweep", "--max-error", "1000", "--output", "odd"], writes=True),
        Place("simulate --log", ["simulate", "profile.yaml", "--port", "0", "--log", "odd"], writes=True,
              may_change=["odd.signs"]),
        Place("simulate --certificate", ["simulate", "profile.yaml", "--port", "0", "--tls", "--certificate", "odd"], writes=True),
    ]
    return reads + writes


class Bench:
    def __init__(self, program, folder):
        self.program = os.path.abspath(program)
        self.folder = os.path.abspath(folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.model = f"{self.folder}/model"
        os.makedirs(f"{self.model}/state/llmsweep")
        source = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        shutil.copy(f"{source}/import/data/vllm/c2.json", f"{self.model}/vllm.json")
        with open(f"{self.model}/profile.yaml", "w", encoding="utf-8") as file:
            file.write(PROFILE)
        with open(f"{self.model}/policy.yaml", "w", encoding="utf-8") as file:
            file.write("rules:\n  - require: 'error_rate@all <= 1%'\n")
        with open(f"{self.model}/ranks.tiktoken", "w", encoding="utf-8") as file:
            file.writelines(f"{base64.b64encode(bytes([byte])).decode()} {byte}\n" for byte in range(256))
        spec_with()(self.model)
        self.make_valid_sweep()
        os.rename(f"{self.model}/made/test", f"{self.model}/sweep")
        shutil.rmtree(f"{self.model}/made")

    def make_valid_sweep(self):
        """Others of the table's cells would be those of a level that a busy machine made INVALID."""
        for _ in range(5 * ATTEMPTS):
            made = self.call(["run", "spec.yaml", "--out", "made", "--record-chunks", "--quiet"], self.model, {})
            if made.returncode != 0:
                sys.exit(f"the model of all cases could not be made: {made.stderr}")
            with open(f"{self.model}/made/test/result.json", encoding="utf-8") as file:
                if all(level["valid"] for level in json.load(file)["levels"]):
                    return
            shutil.rmtree(f"{self.model}/made")
        print("SKIPPED: busy: every sweep of the model was INVALID")
        sys.exit(77)

    def call(self, words, folder, environment):
        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        variables = {key: value for key, value in os.environ.items() if not key.startswith("GITHUB_")}
        variables.update(XDG_STATE_HOME=f"{folder}/state", NO_COLOR="1", **environment)
        # `simulate` serves until it is told to stop: by then it has read and opened what it needs.
        prefix = ["timeout", "-s", "INT", "1"] if words[0] == "simulate" else []
        return subprocess.run([*prefix, self.program, *words], cwd=folder, env=variables, text=True, errors="replace",
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, preexec_fn=limit, check=False)

    def try_one(self, place, kind, number):
        """(cell of the table, what is wrong); again where other work on the machine made a gated run INVALID"""
        for _ in range(ATTEMPTS):
            cell, wrong = self.try_once(place, kind, number)
            if cell != "12" or place.words[0] != "run":
                break
        return cell, wrong

    def try_once(self, place, kind, number):
        folder = f"{self.folder}/{number}"
        shutil.copytree(self.model, folder)
        try:
            if place.setup:
                place.setup(folder)
            odd = f"{folder}/{place.path}"
            target = f"{folder}/target"
            if os.path.isdir(odd):
                shutil.copytree(odd, target)
            elif os.path.exists(odd):
                shutil.copy(odd, target)
            else:
                with open(target, "w", encoding="utf-8") as file:
                    file.write("precious\n")
            if not make_odd(kind, odd, target):
                return None, []
            before = tree(folder)
            try:
                ended = self.call(place.words, folder, place.environment)
            except subprocess.TimeoutExpired:
                return "hangs", [f"did not end within {SECONDS} s"]
            return self.judge(place, kind, folder, odd, before, ended)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @staticmethod
    def judge(place, kind, folder, odd, before, ended):
        wrong = []
        code = ended.returncode - 256 if ended.returncode > 192 else ended.returncode
        if code == 124:
            code = 0  # timeout's own: it served until it was told to stop
        if code not in (0, 1, 2, 10, 11, 12):
            wrong.append(f"exit code {code}")
        messages = [one for one in ended.stderr.splitlines() if one.startswith("llmsweep: ")]
        message = messages[0].removeprefix("llmsweep: ") if messages else ""
        if code in (1, 2) and not message and not ended.stdout:
            wrong.append("no message")
        if len(messages) > 1 or len(message) > 800:
            wrong.append(f"{len(messages)} messages, {len(message)} bytes")
        if "bug in llmsweep" in ended.stderr or "Traceback" in ended.stderr:
            wrong.append(message)
        allowed = [f"{folder}/{one}" for one in MADE_BY_RUN + list(place.may_change) + ["new.json", "new.html"]]
        regular = kind in ("sparse 4 GB", "17 MiB line")
        if place.writes and regular:
            allowed.append(odd)
        after = tree(folder)
        for path in sorted(set(before) | set(after)):
            if path == odd and kind in ("device", "full device", "FIFO") and path in after and before[path][:2] == after[path][:2]:
                continue  # a stream: written into
            if any(path == one or path.startswith(one + "/") for one in allowed) and not (path == odd and not regular and kind != "folder"):
                continue
            if before.get(path) != after.get(path):
                wrong.append(f"{os.path.relpath(path, folder)}: {before.get(path)} became {after.get(path)}")
        wrong += [f"left behind: {path}" for path in after if ".tmp-" in path]
        message = message.replace(folder + "/", "").replace(os.path.dirname(folder), "FOLDER")
        return f"{code}" + (f": {generalised(message)}" if code in (1, 2) and message else ""), wrong


def generalised(message):
    message = re.sub(r"127\.0\.0\.1:\d+", "HOST:PORT", message)
    message = re.sub(r"x{20,}…?", "x…", message)
    message = re.sub(r"looked for it in the current folder, .*", "looked for it in the current folder, …", message)
    return message.replace("|", "\\|")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("llmsweep")
    arguments.add_argument("folder")
    arguments.add_argument("document")
    arguments.add_argument("--write", action="store_true")
    arguments.add_argument("--only", default="")
    options = arguments.parse_args()
    bench = Bench(options.llmsweep, options.folder)
    chosen = [place for place in places() if options.only in place.name]
    cases = [(place, kind) for place in chosen for kind in ODD]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        seen = list(pool.map(lambda case: bench.try_one(*case[1], case[0]), enumerate(cases)))
    broken = 0
    sentences, rows = [], []
    cells = iter(seen)
    for place in chosen:
        row = []
        for kind in ODD:
            cell, wrong = next(cells)
            for one in wrong:
                broken += 1
                print(f"WRONG: {place.name}, {kind}: {one}")
            row.append(cell)
        rows.append((place.name, row))
    skipped = sum(cell is None for _, row in rows for cell in row)
    text = table(rows, sentences)
    print(f"{len(cases)} cases, {broken} broken, {skipped} not possible on this machine")
    if options.only:
        print(text)
        return 1 if broken else 0
    with open(options.document, encoding="utf-8") as file:
        document = file.read()
    begin, end = document.index(BEGIN) + len(BEGIN), document.index(END)
    if options.write:
        with open(options.document, "w", encoding="utf-8") as file:
            file.write(document[:begin] + "\n" + text + "\n" + document[end:])
    elif skipped == 0 and document[begin:end].strip() != text.strip():
        known = document[begin:end].strip().splitlines()
        for line in text.strip().splitlines():
            if line not in known:
                print(f"not in {options.document}: {line[:400]}")
                broken += 1
    return 1 if broken else 0


def table(rows, sentences):
    """Exit codes, each failure with the number of its sentence, and the sentences."""

    def numbered(cell):
        if cell is None:
            return "–"
        code, _, sentence = cell.partition(": ")
        if not sentence:
            return code
        if sentence not in sentences:
            sentences.append(sentence)
        return f"{code} [{sentences.index(sentence) + 1}]"

    lines = ["| place | " + " | ".join(ODD) + " |", "|---" * (len(ODD) + 1) + "|"]
    for name, row in rows:
        lines.append(f"| {name} | " + " | ".join(numbered(cell) for cell in row) + " |")
    lines.append("")
    lines += [f"{number}. {sentence}" for number, sentence in enumerate(sentences, 1)]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
