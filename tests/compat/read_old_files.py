#!/usr/bin/env python3
"""Reads every corpus of tests/compat with a build: read_old_files.py LLMSWEEP SCRATCH

Each file that an earlier version wrote must still be read, and must say what it said then: every
key of that time is there with its value. New keys may have joined them.
"""
import csv
import io
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
READ_CHUNKS = HERE.parent / "python" / "read_chunks.py"

# What a later version makes of old records otherwise, on purpose: a pattern of the value's path
# in a result that was rebuilt, and the line of CHANGELOG.md that says so.
RECOMPUTED = {
    r"users_at_target\[\d+\]\.c_interpolated ": "One median per level",
    r"users_at_target\[\d+\]\.c_interpolated_ci95 was .*, is null": "has an interval only where",
    r'(.*\.)?warnings was \[(.*?)(, )?(.*)\], is \[\2(, )?"input_estimated"(, )?\4\]': "`input_estimated`",
}

# The same of what is only read: what no file states was written as 0.
NOT_KNOWN = {
    r".*\b(mean|min|max|output_speed_tps|decode_speed_tps|throughput_per_latency|input_tokens_mean|"
    r"output_tokens_mean) was 0(\.0)?, is null": "is null instead of 0",
    r'.*_(mean|min|max) was "0", is ""': "is null instead of 0",
}
# And of gates.
WITHOUT_AN_INTERVAL = {
    r"rules\[\d\]\.why was .the whole interval lies (below|above) the limit., is .the value is ":
        "what has no interval",
}
# And of comparisons.
JUDGED_AS_A_FAMILY = {
    r"\[0\]\.fields was ": "name whatever makes requests unlike",
    r"\[0\]\.notes was ": "name whatever makes requests unlike",
    r"\[0\]\.headlines(\[\d\])? was ": "The ratio over the whole sweep",
    r".*\.verdict was ": "only after Holm over it",
}


def differences(old, new, path=""):
    """Where `new` does not say all that `old` says."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in old.items():
            at = f"{path}.{key}" if path else key
            if key not in new:
                yield f"{at} is gone"
            else:
                yield from differences(value, new[key], at)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (was, now) in enumerate(zip(old, new)):
            yield from differences(was, now, f"{path}[{i}]")
    elif old != new:
        yield f"{path} was {json.dumps(old)[:80]}, is {json.dumps(new)[:80]}"


def assert_says(old, new, what, except_for=()):
    found = [line for line in differences(old, new) if not any(re.match(pattern, line) for pattern in except_for)]
    assert not found, f"{what}: {len(found)} values differ, first: " + "; ".join(found[:5])


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]


class Reader:
    def __init__(self, binary, corpus, scratch):
        self.binary, self.corpus, self.scratch = binary, corpus, scratch
        self.state = scratch / "state"
        self.env = {**os.environ, "XDG_STATE_HOME": str(self.state), "COMPAT_KEY": "compat-0123456789abcdef"}
        self.results = scratch / "results"  # a copy, which may be written to
        shutil.copytree(corpus / "results", self.results)
        shutil.copytree(corpus / "specs", scratch / "specs")

    def call(self, *args, expect=0):
        done = subprocess.run([self.binary, *map(str, args)], cwd=self.scratch / "specs", env=self.env, text=True,
                              capture_output=True, timeout=120, check=False)
        assert done.returncode == expect, f"{args}: exit code {done.returncode}, not {expect}: {done.stderr}{done.stdout[-500:]}"
        return done.stderr if expect in (1, 2) else done.stdout

    def folders(self):
        return sorted(path for path in self.results.iterdir())

    def stored(self, name, file="result.json"):
        return json.loads((self.corpus / "results" / name / file).read_text())

    def expected(self, name):
        return (self.corpus / "expected" / name).read_text()

    def with_truth(self):
        return [folder for folder in self.folders() if (folder / "truth.jsonl").exists()]

    # Each of these is a test.

    def show_says_what_was_stored(self):
        for folder in self.folders():
            for file in folder.glob("*.json"):
                shown = json.loads(self.call("show", file, "--format", "json"))
                assert_says(self.stored(folder.name, file.name), shown, file, NOT_KNOWN)
            for kind in ("table", "markdown", "csv"):
                assert len(self.call("show", folder, "--format", kind).splitlines()) > 1

    def csv_has_every_column(self):
        for folder in self.folders():
            if folder.name == "candidate":
                continue
            old = list(csv.DictReader(io.StringIO(self.expected(f"{folder.name}.csv"))))
            new = list(csv.DictReader(io.StringIO(self.call("export", folder, "--as", "csv"))))
            assert_says(old, new, f"{folder.name}.csv", NOT_KNOWN)

    def exports_say_the_same(self):
        for folder in self.folders():
            if folder.name == "candidate":
                continue
            vllm = json_lines(self.call("export", folder, "--as", "vllm-json"))
            old = json_lines(self.expected(f"{folder.name}.vllm"))
            # Completions went out under the name of vLLM's chat backend.
            spec = self.stored(folder.name).get("spec") or {}
            if spec.get("endpoint", {}).get("api") == "completions":
                for row in old:
                    row["endpoint_type"] = row["backend"] = "openai"
            assert_says(old, vllm, f"{folder.name}.vllm")
            lines = self.call("export", folder, "--as", "llm-d-report").splitlines()
            # That a level is INVALID has joined its description; of sources its schema has three.
            lost = [line for line in self.expected(f"{folder.name}.llm-d").splitlines()
                    if line not in lines and not line.startswith("      source: ") and not any(said.startswith(line[:-1] + "; INVALID") for said in lines)]
            assert not lost, f"{folder.name}.llm-d: {lost}"

    def rebuild_gives_the_same_result(self):
        for folder in self.with_truth():
            copy = self.scratch / "rebuilt" / folder.name
            shutil.copytree(folder, copy)
            self.call("rebuild", copy)
            assert_says(self.stored(folder.name), json.loads((copy / "result.json").read_text()),
                        f"{folder.name} rebuilt", RECOMPUTED)
            for file in ("requests.jsonl", "sweep.jsonl"):
                assert (copy / file).read_bytes() == (folder / file).read_bytes(), f"{folder.name}/{file} was written to"
            (copy / "result.json").unlink()  # `show` makes it of the records where there is none
            assert_says(self.stored(folder.name), json.loads(self.call("show", copy, "--format", "json")),
                        f"{folder.name} without result.json", RECOMPUTED)

    def report_draws_all(self):
        for folder in self.folders():
            out = self.scratch / "report" / folder.name
            out.mkdir(parents=True)
            self.call("report", folder, "--html", out / "r.html", "--figures", out / "figures", "--markdown", out / "r.md",
                      "--csv", out / "r.csv")
            name = self.stored(folder.name)["name"]
            assert name in (out / "r.html").read_text()
            assert name in (out / "r.md").read_text().replace("\\_", "_")
            assert len(list((out / "figures").glob("*.svg"))) >= 4
        self.call("report", self.results / "complete", self.results / "candidate", "--html", self.scratch / "two.html")

    def compare_says_the_same(self):
        found = json.loads(self.call("compare", self.results / "complete", self.results / "candidate", "--format", "json"))
        assert_says(json.loads(self.expected("compare.json")), found, "compare", JUDGED_AS_A_FAMILY)

    def gate_decides_the_same(self):
        old = json.loads(self.expected("gate.json"))
        found = json.loads(self.call("gate", self.results / "candidate", "--baseline", self.results / "complete",
                                     "--policy", "policy.yaml", "--format", "json", expect=old["exit_code"]))
        assert old["outcome"] == "FAIL" and len(old["rules"]) == 5
        assert_says(old, found, "gate", WITHOUT_AN_INTERVAL)

    def verify_agrees(self):
        for folder in self.with_truth():
            found = json.loads(self.call("verify", folder, "--format", "json", "--tolerance", "1s"))
            assert_says(json.loads(self.expected(f"{folder.name}.verify.json")), found, f"{folder.name} verified")

    def chunks_agree_with_the_records(self):
        seen = 0
        for folder in self.folders():
            if (folder / "chunks.bin").exists():
                done = subprocess.run([sys.executable, READ_CHUNKS, folder], capture_output=True, text=True, check=False)
                assert done.returncode == 0 and ", 0 differ" in done.stdout, done.stdout + done.stderr
                seen += 1
        assert seen == 2

    def resume_completes(self, name, kept):
        folder = self.scratch / "resumed" / name
        shutil.copytree(self.corpus / "results" / name, folder)
        before = json_lines((folder / "requests.jsonl").read_text())
        self.call("run", "cut.yaml", "--set", f"name={name}", "--resume", folder, "--quiet")
        after = json_lines((folder / "requests.jsonl").read_text())
        place = lambda r: (r["level"], r["repeat"])
        for was, now in zip(before, after):
            assert now["superseded"] == (place(was) not in kept), (name, place(was))
            assert_says(was, {**now, "superseded": was["superseded"]}, f"{name}: a record")
        counted = [r for r in after if not r["superseded"] and r["phase"] == "measured"]
        assert len(counted) == 24 and len({(*place(r), r["index"]) for r in counted}) == 24
        result = json.loads((folder / "result.json").read_text())
        assert not result["interrupted"] and [level["concurrency"] for level in result["levels"]] == [1, 2]
        assert [level["requests"]["completed"] for level in result["levels"]] == [8, 16]
        old = {(level["concurrency"], run["repeat"]): run for level in self.stored(name)["levels"] for run in level["runs"]}
        for level in result["levels"]:
            for run in level["runs"]:
                if (level["concurrency"], run["repeat"]) in kept:
                    assert_says(old[level["concurrency"], run["repeat"]], run, f"{name}: a run that was kept", RECOMPUTED)

    def a_killed_sweep_is_resumed(self):
        self.resume_completes("killed", {(1, 0)})

    def an_interrupted_sweep_is_resumed(self):
        self.resume_completes("interrupted", {(1, 0)})

    def specs_and_self_test_are_read(self):
        selftest = json.loads((self.corpus / "selftest.json").read_text())
        selftest["host"] = platform.node()  # that of another machine is none
        path = self.state / "llmsweep" / "selftest.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(selftest))
        found = json.loads(self.call("check", "complete.yaml", "--format", "json"))
        assert json.loads(self.expected("check.json")).keys() <= found.keys()
        assert found["template_tokens"] == 7 and found["model"] == "simulated"
        said = f"the self-test of {selftest['created_at']} trusts this machine up to 4 streams"
        assert any(said in note for note in found["notes"]), found["notes"]
        for spec, plan in (("drafts.json", "concurrency 2; 3 repeats"), ("unusual.json", "concurrency 3; 1 repeat"),
                           ("invalid.yaml", "concurrency 2; 1 repeat"), ("given-up.yaml", "concurrency 1, 2; 1 repeat")):
            assert plan in self.call("run", spec, "--dry-run"), spec
        assert not (self.scratch / "specs" / "results").exists(), "a dry run leaves nothing"
        # What the spec reads as now is what was written out then.
        out = self.scratch / "again"
        self.call("run", "unusual.json", "--quiet", "--out", out)
        written = next(out.iterdir()) / "result.json"
        assert_says(self.stored("unusual_keys-2.0")["spec"], json.loads(written.read_text())["spec"], "unusual.json")

    def scores_are_attached(self):
        out = self.scratch / "scores.json"
        self.call("import", self.results / "imported" / "result.json", "--quality", "scores.json", "-o", out)
        assert json.loads(out.read_text())["quality"] == {"gsm8k": 0.955}

    # And what a file of a later version may look like.

    def unknown_keys_are_ignored_in_results_records_and_journals(self):
        def with_more(value):
            if isinstance(value, dict):
                return {**{key: with_more(child) for key, child in value.items()}, "of_a_later_version": {"x": [1]}}
            return [with_more(child) for child in value] if isinstance(value, list) else value

        folder = self.scratch / "later"
        shutil.copytree(self.corpus / "results" / "drafts", folder)
        stored = self.stored("drafts")
        later = with_more(stored)
        for place in (later["spec"], *(part["requests"]["by_outcome"] for level in later["levels"]
                                       for part in (level, *level["runs"]))):
            place.pop("of_a_later_version")  # a map of names, and the spec, which is kept as it is
        later["quality"] = stored["quality"]
        (folder / "result.json").write_text(json.dumps(later))
        shown = json.loads(self.call("show", folder, "--format", "json"))
        assert_says(stored, shown, "a result with unknown keys", [r"spec\."])
        journal = []
        for line in json_lines((folder / "sweep.jsonl").read_text()):
            journal += [{**line, "of_a_later_version": 1}, {"event": "of_a_later_version", "at": line["at"]}]
        (folder / "sweep.jsonl").write_text("".join(json.dumps(line) + "\n" for line in journal))
        self.call("rebuild", folder)
        assert_says(stored, json.loads((folder / "result.json").read_text()), "a journal with unknown keys and events",
                    RECOMPUTED)
        old = (folder / "requests.jsonl").read_text().splitlines()
        (folder / "requests.jsonl").write_text("".join(line[:-1] + ',"x":{}}\n' for line in old))
        old = (folder / "truth.jsonl").read_text().splitlines()
        (folder / "truth.jsonl").write_text("".join(line[:-1] + ',"x":{}}\n' for line in old))
        self.call("verify", folder, "--tolerance", "1s", )

    def what_cannot_be_read_right_is_refused(self):
        path = self.scratch / "newer.json"
        newer = self.stored("complete")
        path.write_text(json.dumps({**newer, "schema_version": 2}))
        said = self.call("show", path, expect=2)
        assert "schema_version 2" in said and "update llmsweep" in said, said
        newer["levels"][0]["warnings"] = ["of_a_later_version"]
        path.write_text(json.dumps(newer))
        said = self.call("show", path, expect=2)
        assert "levels[0].warnings[0]: unknown value 'of_a_later_version'" in said, said
        spec = self.scratch / "specs" / "newer.yaml"
        spec.write_text((self.corpus / "specs" / "complete.yaml").read_text() + "of_a_later_version: 1\n")
        assert "of_a_later_version" in self.call("check", spec, expect=2)
        profile = self.scratch / "specs" / "newer-profile.yaml"
        profile.write_text((self.corpus / "specs" / "toy.yaml").read_text() + "of_a_later_version: 1\n")
        said = self.call("check", "complete.yaml", "--set", f"endpoint.simulator={profile}", expect=2)
        assert "of_a_later_version" in said, said
        policy = self.scratch / "specs" / "newer-policy.yaml"
        policy.write_text((self.corpus / "specs" / "policy.yaml").read_text() + "of_a_later_version: 1\n")
        said = self.call("gate", self.results / "candidate", "--policy", policy, expect=2)
        assert "of_a_later_version" in said, said


TESTS = [name for name, value in vars(Reader).items() if callable(value)
         and name not in ("__init__", "call", "folders", "stored", "expected", "with_truth", "resume_completes")]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    binary, scratch = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).absolute()
    shutil.rmtree(scratch, ignore_errors=True)
    failed = 0
    corpora = sorted(path.parent for path in HERE.glob("*/results"))
    assert corpora, "no corpus"
    for corpus in corpora:
        reader = Reader(binary, corpus, scratch / corpus.name)
        for name in TESTS:
            try:
                getattr(reader, name)()
            except AssertionError as problem:
                failed += 1
                print(f"FAILED {corpus.name} {name}: {problem}")
    print(f"{len(corpora) * len(TESTS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
