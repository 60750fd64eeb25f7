#!/usr/bin/env python3
"""Every fault that docs/reliability.md lists, done to the real program; makes its table.

    fault_matrix.py LLMSWEEP FOLDER DOCUMENT [--write] [--only TEXT]

Each row is one run of the binary against the simulator, a server of fault_server.py or a real fault
of the system (a full disk, a closed port range, a stopped process). What the row says is what was
seen: how it ended, what is kept, the exit code. Exits 1 where the document's table differs, with the
rows that do; --write puts the table into it instead. A row that this machine cannot do (no root, no
openssl) is taken from the document and named.
"""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fault_server as server  # noqa: E402

BEGIN, END = "<!-- fault matrix: made by tests/python/fault_matrix.py -->", "<!-- end of the fault matrix -->"
ROWS = []
KEY = "sk-planted-0123456789"


class Skip(Exception):
    pass


def row(fault):
    def register(function):
        ROWS.append((fault, function))
        return function

    return register


class Case:
    """One run: its folder, its spec, how it ended."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        self.out = f"{folder}/out"

    def profile(self, faults="", step="{base_ms: 1}"):
        path = f"{self.folder}/profile.yaml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"engine:\n  step: {step}\n" + (f"faults:\n{faults}" if faults else ""))
        return path

    def simulate(self, faults="", step="{base_ms: 1}"):
        process = subprocess.Popen(
            [self.program, "simulate", self.profile(faults, step), "--port", "0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return process, process.stdout.readline().strip()

    def start(self, endpoint, load="concurrency: [2], requests_per_slot: 6", sets=(), prefix=(), env=None):
        spec = f"{self.folder}/spec.yaml"
        with open(spec, "w", encoding="utf-8") as file:
            file.write(
                f"name: fault\nsystem: {{gpus: 1}}\nendpoint: {{{endpoint}}}\n"
                "workload: {dataset: random, input_tokens: 10, output_tokens: 2, reuse: allow}\n"
                f"load: {{{load}, repeats: 1, warmup_per_slot: 0, fillers: false}}\n")
        words = [*prefix, self.program, "run", spec, "--out", self.out, "--quiet"]
        for one in sets:
            words += ["--set", one]
        environment = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
        environment.update(env or {})
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        return self

    def wait(self):
        self.stdout, self.stderr = self.process.communicate(timeout=100)
        self.code = self.process.returncode
        return self

    def run(self, *words, **named):
        return self.start(*words, **named).wait()

    def until(self, condition, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not condition():
            time.sleep(0.01)

    def records(self):
        path = f"{self.out}/fault/requests.jsonl"
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def result(self):
        with open(f"{self.out}/fault/result.json", encoding="utf-8") as file:
            return json.load(file)

    # What the table says, each from what was seen.
    def failed(self, reason=True):
        """The failures' outcomes and first reason, and what the level says."""
        records = [r for r in self.records() if r["phase"] == "measured"]
        bad = [r for r in records if r["outcome"] not in ("ok", "cancelled")]
        if not bad:
            return "all requests ok"
        outcomes = sorted({r["outcome"] for r in bad})
        text = f"`{'`, `'.join(outcomes)}`" + (f": {words(bad[0]['error'])}" if reason else "")
        levels = self.result()["levels"]
        if levels and any("errors" in level["invalid_reasons"] for level in levels):
            text += "; level INVALID (errors)"
        return text

    def refusal(self):
        """What the program said at its end, up to the advice."""
        lines = [line for line in self.stderr.splitlines() if line.startswith("llmsweep: ")]
        return words(lines[-1].removeprefix("llmsweep: ").split("; ")[0]) if lines else "no message"

    def kept(self, planned=12):
        found = [r for r in self.records() if r["phase"] == "measured"]
        identities = {(r["level"], r["repeat"], r["index"]) for r in found}
        assert len(identities) == len(found), "a record is there twice"
        if not found:
            return "none: nothing had been sent" if not os.path.exists(f"{self.out}/fault") else "none"
        return "all" if len(found) == planned else "every request that was sent"

    def seen(self, outcome, kept=None, planned=12):
        return outcome, kept or self.kept(planned), self.code


def words(text):
    """Without what differs from run to run: hosts, ports, folders, times."""
    text = re.sub(r"(http|https)://[^ ,;]*", "URL", text)
    text = re.sub(r"(127\.0\.0\.1|\[::1\]|localhost):\d+", "HOST:PORT", text)
    text = re.sub(r"/[^ :]*/(out|disk|case[^/ :]*)[^ :]*", "FILE", text)
    text = re.sub(r"\d+(\.\d+)? s\b", "N s", text)
    text = re.sub(r"chatcmpl-\w+", "ID", text)
    text = re.sub(r"^(URL|FILE|fault:) ", "", text).replace("|", "\\|")
    return text if len(text) <= 200 else text[:text.rindex(" ", 0, 200)] + " …"


# ---- The endpoint


@row("endpoint down at the start")
def down(case):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    case.run(f"url: 'http://127.0.0.1:{port}/v1'")
    return case.seen(case.refusal())


@row("host name that does not resolve")
def no_name(case):
    case.run("url: 'http://no-such-host.invalid/v1'")
    return case.seen(case.refusal())


@row("endpoint dies in mid-level and stays away")
def dies(case):
    endpoint, url = case.simulate(step="{base_ms: 10}")
    case.start(f"url: '{url}'", "concurrency: [2], requests_per_slot: 500, max_consecutive_errors: 5")
    case.until(lambda: len(case.records()) > 10)
    endpoint.kill()
    endpoint.wait()
    case.wait()
    found = case.records()
    assert any(r["outcome"] == "ok" for r in found) and any(r["outcome"] == "transport_error" for r in found)
    levels = case.result()["levels"]
    assert levels[0]["requests"]["completed"] == sum(r["outcome"] == "ok" for r in found)
    return case.seen("level ended after `load.max_consecutive_errors`; " + case.refusal(), planned=0)


@row("endpoint goes away for 0.3 s and comes back")
def comes_back(case):
    faults = "  - {kind: refuse, requests: [9], duration: 300ms}\n"
    endpoint, url = case.simulate(faults, "{base_ms: 10}")
    case.run(f"url: '{url}', request_timeout: 5s",
             "concurrency: [2], requests_per_slot: 1000, max_consecutive_errors: 1000000")
    endpoint.kill()
    endpoint.wait()
    found = case.records()
    last = max(found, key=lambda r: r["end_ns"])
    assert last["outcome"] == "ok" and any(r["outcome"] == "transport_error" for r in found)
    return case.seen("failures while it is away, then `ok` again; level INVALID (errors)", planned=2000)


@row("connection limit: a third connection is closed at once")
def connection_limit(case):
    endpoint = server.Server()
    endpoint.limit = 2
    case.run(f"url: '{endpoint.url()}'", "concurrency: [4], requests_per_slot: 3, max_consecutive_errors: 1000")
    return case.seen(case.failed(reason=False))  # reset or closed, as the close meets the request


@row("429 with Retry-After, `load.retry_after: fail`")
def too_many(case):
    bad = server.refuse_all("429 Too Many Requests", b"Retry-After: 1\r\n")
    endpoint = server.Server(server.every(4, bad))
    began = time.monotonic()
    case.run(f"url: '{endpoint.url()}'", "concurrency: [1], requests_per_slot: 12")
    assert time.monotonic() - began < 3
    assert [r["retry_after_ms"] for r in case.records() if r["outcome"] != "ok"] == [1000] * 3
    return case.seen(case.failed() + "; the next request follows at once")


@row("429 with Retry-After, `load.retry_after: hold`")
def too_many_hold(case):
    bad = server.refuse_all("429 Too Many Requests", b"Retry-After: 1\r\n")
    endpoint = server.Server(server.every(4, bad))
    case.run(f"url: '{endpoint.url()}'", "concurrency: [1], requests_per_slot: 12, retry_after: hold")
    found = sorted(case.records(), key=lambda r: r["index"])
    for first, second in zip(found, found[1:]):
        held = (second["sent_ns"] - first["end_ns"]) / 1e9
        assert (held >= 1) == (first["outcome"] != "ok"), held
    return case.seen(case.failed() + "; the slot sends nothing until the time has passed")


@row("429 with a Retry-After of years, `load.retry_after: hold`")
def too_many_hold_years(case):
    bad = server.refuse_all("429 Too Many Requests", b"Retry-After: 99999999999999999999\r\n")
    endpoint = server.Server(server.every(4, bad))
    case.run(f"url: '{endpoint.url()}'", "concurrency: [1], requests_per_slot: 12, retry_after: hold, retry_after_max: 300ms")
    found = sorted(case.records(), key=lambda r: r["index"])
    for first, second in zip(found, found[1:]):
        held = (second["sent_ns"] - first["end_ns"]) / 1e9
        assert (held >= 0.3) == (first["outcome"] != "ok") and held < 5, held
        assert first["retry_after_ms"] == (None if first["outcome"] == "ok" else 9_007_199_254_740_000)
    assert "retry_after_cut" in case.result()["levels"][0]["warnings"]
    return case.seen(case.failed() + "; the slot sends on after `load.retry_after_max`; warning retry_after_cut")


@row("every answer is HTTP 500: the error budget of consecutive failures")
def budget(case):
    endpoint = server.Server(lambda c, n, r: server.refuse_all("500 Internal Server Error")(c, n, r) if n > 6
                             else (server.Server.stream(c, r), True)[1])
    case.run(f"url: '{endpoint.url()}'", "concurrency: [1], requests_per_slot: 200, max_consecutive_errors: 5")
    found = case.records()
    assert len(found) == 11 and case.result()["levels"][0]["requests"]["completed"] == 6
    return case.seen("level ended after `load.max_consecutive_errors`; " + case.refusal(), planned=200)


@row("every fourth answer is HTTP 500, `load.stop_over_error_rate: true`")
def error_rate(case):
    endpoint = server.Server(server.every(4, server.refuse_all("500 Internal Server Error")))
    case.run(f"url: '{endpoint.url()}'",
             "concurrency: [1], requests_per_slot: 200, max_error_rate: 0.02, stop_over_error_rate: true")
    found = case.records()
    assert len(found) == 20 and sum(r["outcome"] != "ok" for r in found) == 5
    return case.seen("level ended when it could not keep `load.max_error_rate` any more; " + case.failed(), planned=200)


# ---- Responses


@row("slow loris: headers byte by byte, slower than `endpoint.request_timeout`")
def loris(case):
    endpoint = server.Server(server.every(3, server.slow_headers))
    case.run(f"url: '{endpoint.url()}', request_timeout: 500ms")
    return case.seen(case.failed())


@row("response that never ends (`client.max_response_bytes`)")
def endless(case):
    endpoint = server.Server(server.every(3, server.never_ends))
    case.run(f"url: '{endpoint.url()}'", sets=["client.max_response_bytes=100000"])
    return case.seen(case.failed())


@row("header of unbounded length")
def header(case):
    endpoint = server.Server(server.every(3, server.endless_header))
    case.run(f"url: '{endpoint.url()}'")
    return case.seen(case.failed())


@row("line of unbounded length in the stream")
def line(case):
    endpoint = server.Server(server.every(6, server.endless_line))
    case.run(f"url: '{endpoint.url()}'")
    return case.seen(case.failed())


@row("gzip that nobody asked for")
def gzip(case):
    endpoint = server.Server(server.every(3, server.gzip_unasked))
    case.run(f"url: '{endpoint.url()}'")
    return case.seen(case.failed())


def simulated(kind, after=1, more=""):
    def run(case):
        faults = f"  - {{kind: {kind}, requests: [8], after_chunks: {after}{more}}}\n"
        case.run(f"simulator: {case.profile(faults)}",
                 "concurrency: [2], requests_per_slot: 6", ["workload.output_tokens=5"])
        return case.seen(case.failed())

    return run


row("connection reset in the stream")(simulated("reset"))
row("connection closed inside the body")(simulated("truncate"))
row("chunk cut in the middle")(simulated("malformed_json"))
row("error event under HTTP 200")(simulated("error_event"))
row("end without [DONE] and without finish reason")(simulated("missing_done"))
row("finish reason and usage, then silence on an open connection")(simulated("silent_end", more=", duration: 20s"))
row("[DONE] without any token")(simulated("done_only", after=0))
row("[DONE] after half of the tokens: no finish reason, no usage")(simulated("done_only", after=2))
row("`event: error` without data, then [DONE]")(simulated("silent_error"))
row("finish reason that names a failure, then [DONE]")(simulated("finish_error"))


def habit(wire, warning):
    """Something that a server does in every answer; `warning` is what the level says of it."""

    def run(case):
        with open(case.profile(), "a", encoding="utf-8") as file:
            file.write(f"wire: {{{wire}}}\n")
        case.run(f"simulator: '{case.folder}/profile.yaml'", sets=["workload.output_tokens=5"])
        found = case.result()["levels"][0]["warnings"]
        assert warning in found, found
        return case.seen(f"{case.failed()}; warning {warning}")

    return run


row("a proxy hands each stream over in one piece")(habit("buffered: true", "buffered"))
row("the response ends 20 ms after [DONE]")(habit("tail: 20ms", "response_tail"))
row("another model answers than the requested one")(habit("answer_model: another", "other_model"))
row("NaN in the JSON of chunks")(habit("not_json: true", "repaired_chunks"))
row("choices that are one object instead of a list")(habit("choice_form: object", "repaired_chunks"))


# ---- Where requests go


@row("redirect to another host")
def redirect(case):
    other = server.Server()
    endpoint = server.Server(server.every(3, server.redirect_to(other.url() + "/chat/completions")))
    case.run(f"url: '{endpoint.url()}', api_key_env: FAULT_KEY", env={"FAULT_KEY": KEY})
    assert other.connections == 0 and any(KEY.encode() in head for head in endpoint.headers)
    return case.seen(case.failed() + "; not followed, the other host sees no connection")


def on_localhost(case, family):
    """`localhost` stands for both addresses, the server listens on one."""
    with open(f"{case.folder}/hosts", "w", encoding="utf-8") as file:
        file.write("127.0.0.1 localhost\n::1 localhost\n")
    prefix = ["unshare", "-m", "sh", "-c", f"mount --bind {case.folder}/hosts /etc/hosts && exec \"$@\"", "x"]
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode != 0:
        raise Skip("may not give localhost two addresses")
    try:
        endpoint = server.Server(family=family)
    except OSError as error:
        raise Skip("no IPv6 on the loopback") from error
    case.run(f"url: '{endpoint.url('localhost')}'", prefix=prefix)
    return case.seen(case.failed() + "; the address that accepts is taken, and recorded")


@row("`localhost` has two addresses, the server listens on IPv4 only")
def ipv4(case):
    return on_localhost(case, socket.AF_INET)


@row("`localhost` has two addresses, the server listens on IPv6 only")
def ipv6(case):
    return on_localhost(case, socket.AF_INET6)


@row("proxy in the environment, not asked for")
def proxy_unasked(case):
    proxy, endpoint = server.Server(), server.Server()
    case.run(f"url: '{endpoint.url()}'", env={"http_proxy": f"http://127.0.0.1:{proxy.port}"})
    assert proxy.connections == 0
    return case.seen(case.failed() + "; the proxy sees no connection")


@row("proxy in the environment, `endpoint.use_proxy: true`")
def proxy_asked(case):
    proxy = server.Server()
    case.run("url: 'http://no-such-host.invalid/v1', use_proxy: true", env={"http_proxy": f"http://127.0.0.1:{proxy.port}"})
    assert proxy.connections > 0
    return case.seen(case.failed() + "; everything goes through the proxy")


# ---- TLS


def certificate(case, name, start="20240101000000Z", end="20991231235959Z"):
    """A self-signed certificate and its key, valid from `start` to `end`."""
    if shutil.which("openssl") is None:
        raise Skip("no openssl")
    folder = case.folder
    with open(f"{folder}/ca.cnf", "w", encoding="utf-8") as file:
        file.write(f"[ca]\ndefault_ca=x\n[x]\ndatabase={folder}/index.txt\nserial={folder}/serial\nnew_certs_dir={folder}\n"
                   "default_md=sha256\npolicy=p\nx509_extensions=e\nunique_subject=no\n[p]\ncommonName=supplied\n"
                   f"[e]\nbasicConstraints=CA:TRUE\nsubjectAltName={name}\n[req]\ndistinguished_name=d\n[d]\n")
    open(f"{folder}/index.txt", "w", encoding="utf-8").close()
    with open(f"{folder}/serial", "w", encoding="utf-8") as file:
        file.write("01\n")
    for command in (
        f"openssl req -new -newkey rsa:2048 -nodes -keyout {folder}/key.pem -out {folder}/r.csr -subj /CN=x -config {folder}/ca.cnf",
        f"openssl ca -batch -selfsign -config {folder}/ca.cnf -keyfile {folder}/key.pem -in {folder}/r.csr "
        f"-out {folder}/cert.pem -startdate {start} -enddate {end} -notext"):
        done = subprocess.run(command.split(), capture_output=True, check=False)
        if done.returncode != 0:
            raise Skip("openssl: " + done.stderr.decode()[-200:])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
    return context


def tls_case(case, trusted, name="IP:127.0.0.1", **dates):
    endpoint = server.Server(tls=certificate(case, name, **dates))
    trust = f", ca_file: {case.folder}/cert.pem" if trusted else ""
    case.run(f"url: '{endpoint.url()}', api_key_env: FAULT_KEY{trust}", env={"FAULT_KEY": KEY})
    return endpoint


@row("TLS: certificate that is trusted")
def tls_good(case):
    endpoint = tls_case(case, True)
    assert endpoint.request_bytes > 0
    return case.seen(case.failed())


def tls_bad(case, *words_, **named):
    endpoint = tls_case(case, *words_, **named)
    assert endpoint.connections > 0 and endpoint.request_bytes == 0, "bytes of a request arrived"
    return case.seen(case.refusal() + "; the server gets no byte of a request")


@row("TLS: certificate that nobody vouches for")
def tls_unknown(case):
    return tls_bad(case, False)


@row("TLS: certificate of another host")
def tls_name(case):
    return tls_bad(case, True, "DNS:elsewhere.example")


@row("TLS: certificate that has expired")
def tls_expired(case):
    return tls_bad(case, True, start="20200101000000Z", end="20200102000000Z")


# ---- The machine


def mounted(case, options):
    os.makedirs(case.out)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", case.out], capture_output=True, check=False)
    if done.returncode != 0:
        raise Skip("may not mount")


def unmounted(case):
    subprocess.run(["umount", "-l", case.out], check=True)


@row("disk full")
def disk_full(case):
    mounted(case, "size=96k")
    try:
        case.run(f"simulator: {case.profile()}", "concurrency: [8], requests_per_slot: 1000")
        found = case.records()
        assert len(found) > 20 and "median E2E" in case.stdout
        assert case.result()["name"] == "fault"
        return case.seen(case.refusal() + "; the table shows all that was measured", "those that had room")
    finally:
        unmounted(case)


@row("output folder read-only")
def read_only(case):
    mounted(case, "size=96k,ro")
    try:
        case.run(f"simulator: {case.profile()}")
        return case.seen(case.refusal(), "none: nothing had been sent")
    finally:
        unmounted(case)


@row("output folder vanishes in mid-run")
def vanished(case):
    case.start(f"simulator: {case.profile(step='{base_ms: 5}')}", "concurrency: [2], requests_per_slot: 60")
    case.until(lambda: len(case.records()) > 10)
    shutil.rmtree(case.out)
    case.wait()
    assert "median E2E" in case.stdout
    return case.seen(case.refusal() + "; the table shows what was measured", "none: the folder is gone")


@row("killed (SIGKILL) in mid-run, then `--resume`")
def killed(case):
    case.start(f"simulator: {case.profile(step='{base_ms: 5}')}", "concurrency: [2], requests_per_slot: 60")
    case.until(lambda: len(case.records()) > 10)
    case.process.kill()
    case.wait()
    before = len(case.records())
    code = case.code
    again = subprocess.run([case.program, "run", f"{case.folder}/spec.yaml", "--resume", f"{case.out}/fault", "--quiet"],
                           capture_output=True, check=False)
    found = case.records()
    counted = [r for r in found if not r["superseded"]]
    assert again.returncode == 0 and len(counted) == 120 and len(found) >= 120 + before - 1
    return "the broken run is started again, its records stay and are marked `superseded`", "every request that had ended, but for those of the last 20 ms", f"{128 - code}, then {again.returncode}"


@row("Ctrl-C (SIGINT) in mid-run")
def interrupted(case):
    case.start(f"simulator: {case.profile(step='{base_ms: 5}')}", "concurrency: [2], requests_per_slot: 500")
    case.until(lambda: len(case.records()) > 10)
    case.process.send_signal(signal.SIGINT)
    case.wait()
    assert case.result()["interrupted"] and "interrupted" in case.result()["levels"][0]["invalid_reasons"]
    assert all(r["outcome"] == "ok" for r in case.records())
    return case.seen("requests in flight end; level INVALID (interrupted)", planned=1000)


@row("SIGTERM or SIGHUP in mid-run, requests of 60 s")
def terminated(case):
    case.start(f"simulator: {case.profile(step='{base_ms: 30}')}", "concurrency: [2], requests_per_slot: 1",
               ["workload.output_tokens=2000"])
    case.until(lambda: os.path.exists(f"{case.out}/fault/result.json"))
    time.sleep(0.5)
    begun = time.monotonic()
    case.process.send_signal(signal.SIGTERM)
    case.process.send_signal(signal.SIGHUP)  # the second stops at once
    case.wait()
    assert time.monotonic() - begun < 8 and case.result()["interrupted"]
    assert all(r["outcome"] == "cancelled" for r in case.records()) and len(case.records()) == 2
    assert os.path.exists(f"{case.out}/fault/report.html")
    return "requests in flight get 8 s at most, the second signal ends them at once; result, figure and report are written", "every request that was sent", case.code


@row("process stopped for 1 s (SIGSTOP, SIGCONT)")
def stopped(case):
    case.start(f"simulator: {case.profile(step='{base_ms: 5}')}", "concurrency: [2], requests_per_slot: 60")
    case.until(lambda: len(case.records()) > 10)
    case.process.send_signal(signal.SIGSTOP)
    time.sleep(1)
    case.process.send_signal(signal.SIGCONT)
    case.wait()
    level = case.result()["levels"][0]
    client = level["client"]
    assert client["stall_max_ms"] > 900 and client["stalled_requests"] > 0, client
    assert ("host_stall" in level["warnings"]) == bool(level["validity"]), level
    return case.seen(case.failed() + "; the stall is counted, with the requests that it touched; warning "
                     "host_stall where it leaves a figure in doubt", planned=120)


STEP = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
static struct timespec first;
int clock_gettime(clockid_t id, struct timespec* at) {
  static int (*real)(clockid_t, struct timespec*);
  if (!real) real = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  int code = real(id, at);
  if (id == CLOCK_REALTIME) {
    struct timespec now;
    real(CLOCK_MONOTONIC, &now);
    if (!first.tv_sec) first = now;
    if (now.tv_sec - first.tv_sec >= 1) at->tv_sec -= 3600;
  }
  return code;
}
"""


@row("clock of the day steps back an hour in mid-run")
def clock_step(case):
    if shutil.which("cc") is None:
        raise Skip("no C compiler")
    with open(f"{case.folder}/step.c", "w", encoding="utf-8") as file:
        file.write(STEP)
    shim = f"{case.folder}/step.so"
    if subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, f"{case.folder}/step.c", "-ldl"], check=False).returncode != 0:
        raise Skip("no C compiler that works")
    case.run(f"simulator: {case.profile(step='{base_ms: 5}')}", "concurrency: [2], requests_per_slot: 200",
             ["client.receive_stamps=false"], env={"LD_PRELOAD": shim})
    found = case.records()
    ends = [r["end_ns"] for r in found]
    assert ends == sorted(ends) and all(0 <= r["end_ns"] - r["sent_ns"] < 60e9 for r in found)
    return case.seen(case.failed() + "; instants are of a clock that never steps", planned=400)


@row("file descriptors run out (`ulimit -n 40`, 64 streams)")
def descriptors(case):
    case.run(f"simulator: {case.profile()}", "concurrency: [64], requests_per_slot: 2", prefix=["sh", "-c", "ulimit -n 40; exec \"$@\"", "x"])
    return case.seen(case.refusal())


@row("ports run out (10 for 64 streams)")
def ports(case):
    script = "ip link set lo up && echo 40000 40009 > /proc/sys/net/ipv4/ip_local_port_range && exec \"$@\""
    if subprocess.run(["unshare", "-n", "sh", "-c", script, "x", "true"], capture_output=True, check=False).returncode != 0:
        raise Skip("may not make a network namespace")
    case.run(f"simulator: {case.profile()}", "concurrency: [64], requests_per_slot: 2, max_consecutive_errors: 1000000",
             prefix=["unshare", "-n", "sh", "-c", script, "x"])
    return case.seen(case.refusal())


# ---- The table


def table(rows):
    lines = ["| fault | outcome | records kept | exit code |", "|---|---|---|---|"]
    lines += [f"| {fault} | {outcome} | {kept} | {code} |" for fault, outcome, kept, code in rows]
    return "\n".join(lines)


def documented(document):
    with open(document, encoding="utf-8") as file:
        text = file.read()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    found = {}
    for entry in text[begin:end].strip().splitlines()[2:]:
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", entry)[1:-1]]
        if len(cells) == 4:
            found[cells[0]] = tuple(cells)
    return text, begin, end, found


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("llmsweep")
    arguments.add_argument("folder")
    arguments.add_argument("document")
    arguments.add_argument("--write", action="store_true")
    arguments.add_argument("--only", default="")
    options = arguments.parse_args()
    text, begin, end, known = documented(options.document)
    broken, rows = [], []

    def do(item):
        number, (fault, function) = item
        case = Case(os.path.abspath(options.llmsweep), f"{os.path.abspath(options.folder)}/case{number}")
        try:
            outcome, kept, code = function(case)
            return (fault, outcome, kept, str(code))
        except Skip as why:
            print(f"skipped: {fault}: {why}")
            return known.get(fault, (fault, "not tried", "", ""))
        except Exception as error:  # a broken belief is a row that fails
            broken.append(f"{fault}: {type(error).__name__} {error}: {getattr(case, 'stderr', '')[-300:]}")
            return (fault, "BROKEN", "", "")

    chosen = [(i, one) for i, one in enumerate(ROWS) if options.only in one[0]]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        rows = list(pool.map(do, chosen))
    for line_ in broken:
        print(line_)
    if options.only:
        print(table(rows))
        return 1 if broken else 0
    if options.write:
        with open(options.document, "w", encoding="utf-8") as file:
            file.write(text[:begin] + "\n" + table(rows) + "\n" + text[end:])
        print(f"{len(rows)} rows written")
        return 1 if broken else 0
    differ = [one for one in rows if known.get(one[0]) != one] + [one for one in known.values() if one[0] not in {r[0] for r in rows}]
    for one in differ:
        print(f"seen:       {' | '.join(one)}\ndocumented: {' | '.join(known.get(one[0], ('no row',)))}")
    print(f"{len(rows)} faults, {len(differ)} rows differ, {len(broken)} broken")
    return 1 if differ or broken else 0


if __name__ == "__main__":
    sys.exit(main())
