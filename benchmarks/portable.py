#!/usr/bin/env python3
"""CPU a chunk of two builds of llmsweep, in turns against one simulated endpoint.

    portable.py DEBIAN PORTABLE [ROUNDS]      7 rounds by default, of about 20 s

Each run: 64 streams of 200 chunks a second, plain HTTP and HTTPS, the client on one core and the
endpoint on another. CPU is user and system time of the whole process; that of a run of a tenth of the
length is taken off, so that what a start costs cancels out. Prints medians with their range, and the
same of PORTABLE / DEBIAN of each round.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

STREAMS, TOKENS = 64, 250
LONG, SHORT = 10, 1  # requests a slot


def pin(core):
    cores = sorted(os.sched_getaffinity(0))
    return lambda: os.sched_setaffinity(0, {cores[core % len(cores)]})


def cpu_of(program, folder, url, requests):
    spec = folder / "spec.yaml"
    authority = f", ca_file: {folder}/authority.pem" if url.startswith("https:") else ""
    spec.write_text(f"name: x\nsystem: {{gpus: 1}}\nendpoint: {{url: '{url}'{authority}}}\n"
                    f"workload: {{input_tokens: 20, output_tokens: {TOKENS}}}\n"
                    f"load: {{concurrency: [{STREAMS}], requests_per_slot: {requests}, repeats: 1, warmup_per_slot: 0}}\n",
                    encoding="utf-8")
    process = subprocess.Popen([program, "run", spec, "--out", folder / "results", "--quiet"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, preexec_fn=pin(0))
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{program}: exit code {process.returncode}: {said.decode()}")
    return usage.ru_utime + usage.ru_stime


def cpu_a_chunk(program, folder, url):
    chunks = STREAMS * TOKENS * (LONG - SHORT)
    return 1e6 * (cpu_of(program, folder, url, LONG) - cpu_of(program, folder, url, SHORT)) / chunks


def shown(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def compare(programs, rounds, tls):
    with tempfile.TemporaryDirectory(prefix="llmsweep-portable-") as name:
        folder = pathlib.Path(name)
        (folder / "endpoint.yaml").write_text("engine: {step: {base_ms: 5}, max_batch_size: 64}\n", encoding="utf-8")
        options = ["--tls", "--certificate", folder / "authority.pem"] if tls else []
        server = subprocess.Popen([programs[0], "simulate", folder / "endpoint.yaml", "--port", "0", *options],
                                  stdout=subprocess.PIPE, text=True, preexec_fn=pin(1))
        try:
            url = server.stdout.readline().strip()
            found = {program: [] for program in programs}
            for number in range(rounds):
                for program in programs if number % 2 == 0 else programs[::-1]:
                    found[program].append(cpu_a_chunk(program, folder, url))
        finally:
            server.terminate()
            server.wait()
    debian, portable = (found[program] for program in programs)
    ratios = [new / old for old, new in zip(debian, portable)]
    print(f"{'HTTPS' if tls else 'HTTP'}: Debian {shown(debian, 2)} µs a chunk, portable {shown(portable, 2)} µs, "
          f"ratio {shown(ratios, 3)}, of the medians {statistics.median(portable) / statistics.median(debian):.3f}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    PROGRAMS = sys.argv[1:3]
    for TLS in (False, True):
        compare(PROGRAMS, int(sys.argv[3]) if len(sys.argv) > 3 else 7, TLS)
