#!/usr/bin/env python3
"""Runs what others include or copy: the steps of action.yml, the lines of packaging/gitlab-ci.yml, the
arguments of the Kubernetes Job and the Slurm batch script, each against the simulated endpoint.

    ci_steps_test.py LLMSWEEP     exits 77 where PyYAML is missing
"""

import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import unittest
import xml.etree.ElementTree

try:
    import yaml
except ImportError:
    print("SKIPPED: python3 has no yaml")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHORT = ["-c", "1,2", "--requests", "4", "--repeats", "1", "--isl", "16", "--osl", "8"]
PASSING = 'rules: [{require: "error_rate@all <= 1%"}]\n'
FAILING = 'rules: [{require: "e2e:p50@c1 <= 1ms"}]\n'
NOT_PASSED = {10: "FAIL", 12: "INVALID"}  # of FAILING: the latter where the client was late


def text_of(path):
    return path.read_text(encoding="utf-8") if path.exists() else ""


class WithAnEndpoint(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="llmsweep-ci-"))
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "endpoint.yaml").write_text("engine: {step: {base_ms: 2}, max_batch_size: 16}\n")
        (self.folder / "passing.yaml").write_text(PASSING)
        (self.folder / "failing.yaml").write_text(FAILING)
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "LLMSWEEP_", "SLURM_"))}
        self.url = self.endpoint()

    def endpoint(self, *options):
        server = subprocess.Popen([LLMSWEEP, "simulate", "endpoint.yaml", "--port", "0", *options], cwd=self.folder,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        return server.stdout.readline().strip()

    def archive(self):
        """As scripts/portable makes it, but that the program in it is a link to the one under test."""
        path = self.folder / "llmsweep.tar.xz"
        with tarfile.open(path, "w:xz", preset=0) as tar:
            entry = tarfile.TarInfo("llmsweep-0-linux-x/bin/llmsweep")
            entry.type, entry.linkname = tarfile.SYMTYPE, str(LLMSWEEP)
            tar.addfile(entry)
        return path, hashlib.sha256(path.read_bytes()).hexdigest()

    def served(self):
        """The folder over HTTP, on loopback."""
        def handler(*arguments):
            return Quiet(*arguments, directory=str(self.folder))

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}"

    def shell(self, command, shell="bash", **environment):
        words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"] if shell == "bash" else [shell, "-e", "-c"]
        return subprocess.run([*words, command], cwd=self.folder, env={**self.environment, **environment},
                              capture_output=True, text=True, timeout=120, check=False)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Action(WithAnEndpoint):
    def run_action(self, **given):
        """Exit codes by step name, and the outputs; as a runner does it."""
        action = yaml.safe_load(text_of(ROOT / "action.yml"))
        self.assertEqual(action["runs"]["using"], "composite")
        inputs = {name: given.pop(name.replace("-", "_"), value.get("default", "")) for name, value in action["inputs"].items()}
        self.assertEqual(given, {})
        runner = {name: self.folder / name for name in ("output", "path", "summary", "temp")}
        for name in ("output", "path", "summary"):
            runner[name].write_text("")
        runner["temp"].mkdir(exist_ok=True)
        known = {"github.action_path": str(ROOT), "runner.temp": str(runner["temp"])}
        known.update({f"inputs.{name}": value for name, value in inputs.items()})
        codes, outputs, failed = {}, {}, False
        for step in action["runs"]["steps"]:
            known.update({f"steps.measure.outputs.{name}": value for name, value in outputs.items()})
            condition = step.get("if", "success()")
            if (failed and "always()" not in condition) or \
                    any(not known.get(name) for name in re.findall(r"([\w.-]+) != ''", condition)):
                continue
            if "uses" in step:
                self.assertRegex(step["uses"], r"^actions/[\w-]+@v\d+$")
                codes[step["name"]] = 0
                continue
            self.assertNotIn("${{", step["run"])  # what a caller gives is no part of a script
            environment = {name: re.sub(r"\$\{\{ (.*?) \}\}", lambda match: known[match[1]], value)
                           for name, value in step["env"].items()}
            path = "".join(f"{line}:" for line in text_of(runner["path"]).split())
            done = self.shell(step["run"], PATH=path + self.environment["PATH"], GITHUB_ACTIONS="true",
                              GITHUB_OUTPUT=str(runner["output"]), GITHUB_PATH=str(runner["path"]),
                              GITHUB_STEP_SUMMARY=str(runner["summary"]), **environment)
            codes[step["name"]] = done.returncode
            failed |= done.returncode != 0
            outputs = dict(line.split("=", 1) for line in text_of(runner["output"]).splitlines())
            self.said = done.stdout + done.stderr
        return codes, outputs

    def test_measures_and_gates(self):
        archive, digest = self.archive()
        codes, outputs = self.run_action(archive=str(archive), sha256=digest, spec=self.url,
                                         arguments="\n".join([*SHORT, "--name", "two words"]), policy="passing.yaml")
        self.assertEqual(codes, {"Install": 0, "Measure": 0, "Summary": 0, "Keep the results": 0}, self.said)
        self.assertEqual(outputs["exit-code"], "0")
        self.assertTrue((self.folder / outputs["result"] / "result.json").exists(), outputs)
        suite = xml.etree.ElementTree.parse(self.folder / "results/gate.xml").getroot()
        self.assertEqual(suite.tag, "testsuites")
        summary = text_of(self.folder / "summary")
        self.assertIn("PASS", summary)
        self.assertIn("| Concurrency |", summary)

    def test_a_verdict_is_its_exit_code_and_the_results_are_kept(self):
        archive, digest = self.archive()
        codes, outputs = self.run_action(archive=f"{self.served()}/{archive.name}", sha256=digest, spec=self.url,
                                         arguments="\n".join(SHORT), policy="failing.yaml")
        code = codes["Measure"]
        self.assertIn(code, NOT_PASSED, self.said)
        self.assertEqual(codes, {"Install": 0, "Measure": code, "Summary": 0, "Keep the results": 0}, self.said)
        self.assertEqual(outputs["exit-code"], str(code))
        self.assertEqual(json.loads(text_of(self.folder / "results/gate.json"))["outcome"], NOT_PASSED[code])

    def test_another_archive_than_the_one_that_was_named_is_not_run(self):
        archive, digest = self.archive()
        other = digest[::-1]
        self.assertEqual(self.run_action(archive=str(archive), sha256=other, spec=self.url)[0], {"Install": 1})
        self.assertEqual(self.run_action(archive=f"{self.served()}/{archive.name}", spec=self.url)[0], {"Install": 2})
        self.assertFalse((self.folder / "results").exists())

    def test_nothing_listens(self):
        archive, _ = self.archive()
        codes, outputs = self.run_action(archive=str(archive), spec="http://127.0.0.1:1/v1", arguments="--name\nx")
        self.assertEqual(codes, {"Install": 0, "Measure": 1}, self.said)
        self.assertEqual(outputs["exit-code"], "1")


class GitLab(WithAnEndpoint):
    def run_job(self, shell, **variables):
        job = yaml.safe_load(text_of(ROOT / "packaging/gitlab-ci.yml"))[".llmsweep"]
        self.assertLessEqual(set(variables), set(job["variables"]))
        self.assertEqual(job["artifacts"]["paths"], ["results/"])
        return self.shell("\n".join(job["before_script"] + job["script"]), shell, **{**job["variables"], **variables})

    def test_measures_and_gates_in_bash_and_in_sh(self):
        archive, digest = self.archive()
        for shell, policy, codes in (("bash", "passing.yaml", [0]), ("sh", "failing.yaml", list(NOT_PASSED))):
            done = self.run_job(shell, LLMSWEEP_ARCHIVE=f"{self.served()}/{archive.name}", LLMSWEEP_SHA256=digest,
                                LLMSWEEP_SPEC=self.url, LLMSWEEP_ARGUMENTS="\n".join([*SHORT, "--name", "two words"]),
                                LLMSWEEP_POLICY=policy)
            self.assertIn(done.returncode, codes, done.stdout + done.stderr)
            self.assertTrue((self.folder / "results/gate.xml").exists())
            self.assertEqual(len(list((self.folder / "results").glob("*/result.json"))), 1)
            shutil.rmtree(self.folder / "results")

    def test_another_archive_than_the_one_that_was_named_is_not_run(self):
        archive, digest = self.archive()
        done = self.run_job("bash", LLMSWEEP_ARCHIVE=str(archive), LLMSWEEP_SHA256=digest[::-1], LLMSWEEP_SPEC=self.url)
        self.assertEqual(done.returncode, 1)
        done = self.run_job("bash", LLMSWEEP_ARCHIVE="https://127.0.0.1:1/x", LLMSWEEP_SPEC=self.url)
        self.assertEqual(done.returncode, 2)


class Cluster(WithAnEndpoint):
    def test_the_job_of_kubernetes_measures(self):
        _, job = yaml.safe_load_all(text_of(ROOT / "packaging/examples/kubernetes-job.yaml"))
        pod = job["spec"]["template"]["spec"]
        container, = pod["containers"]
        self.assertTrue(pod["securityContext"]["runAsNonRoot"])
        self.assertTrue(container["securityContext"]["readOnlyRootFilesystem"])
        self.assertEqual({mount["name"] for mount in container["volumeMounts"]}, {volume["name"] for volume in pod["volumes"]})
        url = self.endpoint("--api-key", "planted")
        arguments = [{"http://vllm:8000/v1": url, "/results": str(self.folder / "results")}.get(word, word)
                     for word in container["args"]]
        self.assertIn(url, arguments)
        variable, = container["env"]
        done = subprocess.run([LLMSWEEP, *arguments, *SHORT[2:]], cwd=self.folder, capture_output=True, text=True,
                              env={**self.environment, variable["name"]: "planted"}, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(list((self.folder / "results").glob("*/result.json"))), 1)

    def slurm(self, *options):
        (self.folder / "bin").mkdir(exist_ok=True)
        if not (self.folder / "bin/llmsweep").exists():
            (self.folder / "bin/llmsweep").symlink_to(LLMSWEEP)
        return subprocess.Popen(
            ["bash", ROOT / "packaging/examples/slurm.sh", self.url, *options], cwd=self.folder,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**self.environment, "PATH": f"{self.folder}/bin:{self.environment['PATH']}",
                 "SLURM_JOB_ID": "7", "SLURM_SUBMIT_DIR": str(self.folder)})

    def test_the_batch_script_of_slurm_measures(self):
        said = (job := self.slurm(*SHORT)).communicate(timeout=120)[0]
        self.assertEqual(job.returncode, 0, said)
        self.assertEqual(len(list((self.folder / "results/7").glob("*/result.json"))), 1)

    def test_the_end_of_its_time_leaves_what_was_measured(self):
        job = self.slurm("-c", "1", "--requests", "100000", "--isl", "16", "--osl", "8", "--repeats", "1")
        deadline = time.monotonic() + 60
        while not list((self.folder / "results/7").glob("*/requests.jsonl")) and time.monotonic() < deadline:
            time.sleep(0.05)
        job.send_signal(signal.SIGTERM)
        said = job.communicate(timeout=60)[0]
        self.assertEqual(job.returncode, 130, said)
        self.assertIn("[interrupted: 0 of 1 runs]", said)
        self.assertEqual(len(list((self.folder / "results/7").glob("*/result.json"))), 1)

    def parts(self, name="my-server"):
        (self.folder / "spec.yaml").write_text(
            f"name: {name}\nendpoint: {{url: {json.dumps(self.url)}}}\n"
            "workload: {input_tokens: 40, output_tokens: 20, nonce: fixed}\n"
            "load: {concurrency: [4], requests_per_slot: 3, repeats: 1}\n")
        return self.folder / "spec.yaml"

    def assert_merged(self, folder, clients):
        result = json.loads((folder / "result.json").read_text())
        self.assertEqual([client["rank"] for client in result["clients"]], list(range(clients)))
        (level,) = result["levels"]
        self.assertEqual(level["requests"]["completed"], 12)
        self.assertEqual([client["lost"] for client in level["runs"][0]["clients"]], [""] * clients)

    def test_the_clients_of_slurm_share_a_load(self):
        spec = self.parts()
        (self.folder / "bin").mkdir()
        (self.folder / "bin/llmsweep").symlink_to(LLMSWEEP)
        (self.folder / "bin/srun").write_text(
            "#!/bin/bash\nwhile [[ $1 == --* ]]; do shift; done\n"
            "for rank in 0 1 2; do SLURM_PROCID=$rank SLURM_NTASKS=3 \"$@\" & pids+=($!); done\n"
            "for pid in \"${pids[@]}\"; do wait \"$pid\" || failed=1; done\nexit ${failed:-0}\n")
        (self.folder / "bin/srun").chmod(0o755)
        for job, lead in enumerate((5, 20)):  # the latter where the machine was busy
            done = subprocess.run(
                ["bash", ROOT / "packaging/examples/slurm-clients.sh", spec], cwd=self.folder, check=False,
                capture_output=True, text=True, timeout=120,
                env={**self.environment, "PATH": f"{self.folder}/bin:{self.environment['PATH']}", "LEAD": str(lead),
                     "EVERY": "3s", "SLURM_JOB_ID": str(job), "SLURM_NTASKS": "3", "SLURM_SUBMIT_DIR": str(self.folder)})
            if "a client failed" not in done.stderr:
                break
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_merged(self.folder / f"results/{job}/merged", 3)

    def test_the_clients_of_kubernetes_share_a_load(self):
        text = text_of(ROOT / "packaging/examples/kubernetes-clients.yaml")
        config, _, job = yaml.safe_load_all(text)
        self.assertEqual(job["spec"]["completionMode"], "Indexed")
        clients = job["spec"]["completions"]
        self.assertEqual(job["spec"]["parallelism"], clients)
        pod = job["spec"]["template"]["spec"]
        container, = pod["containers"]
        self.assertEqual({mount["name"] for mount in container["volumeMounts"]}, {volume["name"] for volume in pod["volumes"]})
        (self.folder / "theirs.yaml").write_text(config["data"]["spec.yaml"])
        spec = self.parts()
        for lead in (5, 20):
            start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + lead))
            places = {"/spec/spec.yaml": str(spec), "/results": str(self.folder / f"results-{lead}"), "START_AT": start, "10m": "3s"}
            arguments = [places.get(word, word) for word in container["args"]]
            self.assertEqual(places.keys() - set(container["args"]), set())
            pods = [subprocess.Popen([LLMSWEEP, *arguments], cwd=self.folder, stderr=subprocess.PIPE, text=True,
                                     stdout=subprocess.DEVNULL, env={**self.environment, "JOB_COMPLETION_INDEX": str(index)})
                    for index in range(clients)]
            said = [pod.communicate(timeout=120)[1] for pod in pods]
            if all(pod.returncode == 0 for pod in pods):
                break
        self.assertEqual([pod.returncode for pod in pods], [0] * clients, said)
        merged = self.folder / "merged"
        subprocess.run([LLMSWEEP, "merge", *(self.folder / f"results-{lead}").glob("my-server*"), "--out", merged],
                       check=True, stdout=subprocess.DEVNULL)
        self.assert_merged(merged, clients)
        checked = subprocess.run([LLMSWEEP, "run", self.folder / "theirs.yaml", "--dry-run"], capture_output=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stderr)


if __name__ == "__main__":
    LLMSWEEP = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
