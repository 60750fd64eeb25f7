#!/usr/bin/env python3
"""Runs the portable binary inside other systems, made by debootstrap: no library of this one is used.

    portable_systems.py LLMSWEEP FOLDER SUITE...      bullseye, trixie, ...; as root

In each: the demo, a self-test, HTTPS with an authority of its own that the environment, Debian's place
or Red Hat's place of authorities names, and the refusal without it. FOLDER keeps the systems for the
next time. The packages come from where this host's apt gets them. Exits 1 where something is wrong.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

PLACES = ["etc/ssl/certs/ca-certificates.crt", "etc/pki/tls/certs/ca-bundle.crt"]
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
QUICK = ["-c", "1,2", "--requests", "4", "--repeats", "1", "--isl", "16", "--osl", "8"]


def mirror():
    lines = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages"],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    return next(line.split()[0] for line in lines if "-" not in line.split()[1])


def make_system(suite, folder):
    root = folder / suite
    if not (root / "made").exists():
        shutil.rmtree(root, ignore_errors=True)
        done = subprocess.run(["debootstrap", "--variant=minbase", suite, root, mirror()], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            sys.exit(f"{suite} cannot be had: {done.stdout[-300:]}{done.stderr[-300:]}")
        (root / "made").touch()
    return root


class System:
    """The root is changed in a namespace of mounts of its own: nothing stays mounted."""

    def __init__(self, root, llmsweep):
        self.root = root
        shutil.copy(llmsweep, root / "usr/bin/llmsweep")
        for place in PLACES:
            (root / place).unlink(missing_ok=True)
        (root / "etc/hosts").write_text("127.0.0.1 localhost\n", encoding="utf-8")  # debootstrap leaves none
        shutil.rmtree(root / "root", ignore_errors=True)
        (root / "root").mkdir()

    def words(self, words):
        inside = 'mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" && root=$1 && shift && ' \
                 'cd "$root" && exec chroot "$root" /bin/sh -c \'cd /root && exec "$@"\' sh "$@"'
        return ["unshare", "-m", "sh", "-c", inside, "sh", str(self.root), *words]

    def run(self, *words, **environment):
        return subprocess.run(self.words(words), capture_output=True, text=True, env=ENVIRONMENT | environment,
                              timeout=280, check=False)

    def start(self, *words):
        return subprocess.Popen(self.words(words), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                env=ENVIRONMENT)


def expect(condition, what, done):
    if not condition:
        sys.exit(f"FAILED: {what}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def try_https(system):
    root = system.root / "root"
    (root / "endpoint.yaml").write_text("engine: {step: {base_ms: 2}, max_batch_size: 16}\n")
    server = system.start("llmsweep", "simulate", "endpoint.yaml", "--port", "0", "--tls", "--certificate", "authority.pem")
    try:
        url = server.stdout.readline().strip().replace("127.0.0.1", "localhost")

        def sweep(name, **environment):
            return system.run("llmsweep", "run", url, *QUICK, "--name", name, **environment)

        refused = sweep("refused")
        expect(refused.returncode == 1 and "certificate" in refused.stderr, "an unknown authority is refused", refused)
        done = sweep("environment", SSL_CERT_FILE="/root/authority.pem")
        expect(done.returncode == 0, "HTTPS by SSL_CERT_FILE", done)
        for place in PLACES:
            path = system.root / place
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / "authority.pem", path)
            name = place.replace("/", "-")
            done = sweep(name)
            expect(done.returncode == 0, f"HTTPS by /{place}", done)
            result = json.loads((root / "results" / name / "result.json").read_text())
            expect(result["provenance"]["ca_file"] == f"/{place}", "the result says which", done)
            path.unlink()
    finally:
        server.terminate()
        server.wait()


def try_system(suite, root, llmsweep):
    system = System(root, llmsweep)
    facts = system.run("llmsweep", "--version", "--verbose")
    expect(facts.returncode == 0, "--version", facts)
    runtime = next(line for line in facts.stdout.splitlines() if line.startswith("runtime"))
    demo = system.run("llmsweep", "demo", "--quick")
    expect(demo.returncode == 0 and "users per GPU" in demo.stdout, "the demo", demo)
    expect((root / "root/results/demo/report.html").exists(), "its report", demo)
    test = system.run("llmsweep", "selftest", "--streams", "16", "--rate", "50")
    expect(test.returncode in (0, 1) and "Ceiling: " in test.stdout, "the self-test", test)
    try_https(system)
    print(f"{suite}: {runtime.split(None, 1)[1]}; demo, self-test "
          f"({'trusted' if test.returncode == 0 else 'busy machine: not trusted'}) and HTTPS work", flush=True)


def main(llmsweep, folder, *suites):
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        sys.exit("portable_systems.py: needs root and debootstrap")
    folder = pathlib.Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for suite in suites:
        try_system(suite, make_system(suite, folder), llmsweep)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
