#!/usr/bin/env python3
"""What clients say of an open loop, beside what the server's own log says of the same requests.

    peers_open_loop.py LLMSWEEP --tokenizer DIR [--vllm "PROGRAM bench serve"] [--aiperf PROGRAM]
                       [--guidellm PROGRAM] [--loads 0.5 0.8 0.95] [--seconds 60] [--stall 2]
                       [--only CLIENT ...] [--keep FOLDER] [--json FILE]

Each client asks a simulated server of its own (`llmsweep simulate`, 16 slots) for Poisson arrivals
at shares of its capacity, and once more at the first share with the client and its children stopped
for some seconds in mid-run (--stall 0: not). Prints a Markdown table; a client that is not named is
left out with a line. --tokenizer: a Hugging Face tokenizer, which all others ask for. Wants four
quiet cores: says how busy the machine was before it began.

Rate, TTFT and E2E are said by the client / by the log: of the requests that the client counted, from
the server's receipt of the request to the send of the first and the last token. The log knows no
schedule, so what a late client adds is in no figure of it. "came" is of the arrivals that a stall
and the second after it should have had, the share that reached the server: 1 where all that was due
is sent, however late; less where arrivals were moved or left out.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import peer_commands

SLOTS, STEP_MS, SEQUENCE_US, PREFILL_US = 16, 8, 125, 50
PROMPT_TOKENS, TOKENS = 32, 50
PROFILE = f"""model: bench
engine:
  step: {{base_ms: {STEP_MS}, per_sequence_us: {SEQUENCE_US}, per_prefill_token_us: {PREFILL_US}}}
  max_batch_size: {SLOTS}
"""


def capacity_rps():
    """Each request takes its share of full steps, and its prefill."""
    full_step_ms = STEP_MS + SLOTS * SEQUENCE_US / 1000
    return 1000 / (TOKENS * full_step_ms / SLOTS + PROMPT_TOKENS * PREFILL_US / 1000)


def percentile(values, p):
    """Type 7, as NumPy's default."""
    ordered = sorted(values)
    if not ordered:
        return None
    at = (len(ordered) - 1) * p
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


class Server:
    """A simulated server of its own, and its log."""

    def __init__(self, llmsweep, folder):
        self.log = os.path.join(folder, "truth.jsonl")
        profile = os.path.join(folder, "profile.yaml")
        with open(profile, "w", encoding="utf-8") as file:
            file.write(PROFILE)
        self.process = subprocess.Popen(
            [llmsweep, "simulate", profile, "--port", "0", "--log", self.log],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().strip()

    def ended(self):
        """Requests whose line is written."""
        if not os.path.exists(self.log):
            return 0
        with open(self.log, "rb") as file:
            return file.read().count(b"\n")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        self.process.stdout.close()
        with open(self.log, encoding="utf-8") as file:
            return [json.loads(line) for line in file]


class Llmsweep:
    """Counts what is scheduled in its window, by its own records."""

    name = "llmsweep"

    def __init__(self, options):
        self.program = options.llmsweep

    def command(self, url, rate, seconds, folder):
        spec = os.path.join(folder, "spec.yaml")
        with open(spec, "w", encoding="utf-8") as file:
            file.write(
                f"name: open\nsystem: {{gpus: 1}}\nendpoint: {{url: \"{url}\", api: completions}}\n"
                f"workload: {{dataset: random, input_tokens: {PROMPT_TOKENS}, input_scope: content, "
                f"output_tokens: {TOKENS}}}\n"
                f"load: {{rate: {rate}, warmup: 5s, measure: {seconds}s, drain: 120s, repeats: 1}}\n")
        return [self.program, "run", spec, "--out", os.path.join(folder, "out")]

    def says(self, folder):
        with open(os.path.join(folder, "out/open/result.json"), encoding="utf-8") as file:
            (level,) = json.load(file)["levels"]
        ids = set()
        with open(os.path.join(folder, "out/open/requests.jsonl"), encoding="utf-8") as file:
            for record in map(json.loads, file):
                if record["phase"] == "measured" and record["outcome"] == "ok":
                    ids.add(record["response_id"])
        run = level["runs"][0]
        remark = run["open_loop"]["state"]
        if not level["valid"]:
            remark += ", INVALID: " + " ".join(level["invalid_reasons"])
        return {"rate": level["achieved_rps"], "ttft": level["ttft_ms"], "e2e": level["e2e_ms"],
                "remark": remark, "ids": ids}


class Vllm:
    """Counts all that it sent."""

    name = "vLLM bench serve"

    def __init__(self, options):
        self.program, self.tokenizer = options.vllm.split(), options.tokenizer

    def command(self, url, rate, seconds, folder):
        load = ["--request-rate", str(rate), "--num-prompts", str(round(rate * seconds)),
                "--percentile-metrics", "ttft,e2el", "--metric-percentiles", "50,99",
                "--save-result", "--result-dir", folder, "--result-filename", "vllm.json"]
        return peer_commands.vllm_serve(
            self.program, url.removesuffix("/v1"), load, tokenizer=self.tokenizer,
            prompt_tokens=PROMPT_TOKENS, tokens=TOKENS)

    def says(self, folder):
        with open(os.path.join(folder, "vllm.json"), encoding="utf-8") as file:
            said = json.load(file)

        def figures(name):
            return {"p50": said[f"median_{name}_ms"], "p99": said[f"p99_{name}_ms"]}

        return {"rate": said["request_throughput"], "ttft": figures("ttft"), "e2e": figures("e2el"),
                "remark": f"{said['completed']} completed"}


class Aiperf:
    """Counts all that it sent."""

    name = "AIPerf"

    def __init__(self, options):
        self.program, self.tokenizer = options.aiperf, options.tokenizer

    def command(self, url, rate, seconds, folder):
        load = ["--request-rate", str(rate), "--arrival-pattern", "poisson", "--request-count",
                str(round(rate * seconds))]
        return peer_commands.aiperf(
            self.program, url.removesuffix("/v1"), load, tokenizer=self.tokenizer,
            prompt_tokens=PROMPT_TOKENS, tokens=TOKENS, out=os.path.join(folder, "aiperf"))

    def says(self, folder):
        path = os.path.join(folder, "aiperf/profile_export_aiperf.json")
        with open(path, encoding="utf-8") as file:
            said = json.load(file)
        remark = f"{said['request_count']['avg']:.0f} completed"
        if "effective_latency" in said:
            remark += f"; effective latency p99 {said['effective_latency']['p99']:.0f} ms"
        return {"rate": said["request_throughput"]["avg"], "ttft": said["time_to_first_token"],
                "e2e": said["request_latency"], "remark": remark}


class Guidellm:
    """Counts all that it sent."""

    name = "GuideLLM"

    def __init__(self, options):
        self.program, self.tokenizer = options.guidellm, options.tokenizer

    def command(self, url, rate, seconds, folder):
        load = ["--profile", f"kind=poisson,rate={rate}", "--constraint",
                f"kind=max_requests,count={round(rate * seconds)}", "--output",
                f"kind=json,path={os.path.join(folder, 'guidellm.json')}"]
        return peer_commands.guidellm(
            self.program, url.removesuffix("/v1"), load, tokenizer=self.tokenizer,
            prompt_tokens=PROMPT_TOKENS, tokens=TOKENS)

    def says(self, folder):
        with open(os.path.join(folder, "guidellm.json"), encoding="utf-8") as file:
            (benchmark,) = json.load(file)["benchmarks"]
        metrics = benchmark["metrics"]

        def figures(name, to_ms):
            found = metrics[name]["successful"]["percentiles"]
            return {p: found[p] * to_ms for p in ("p50", "p99")}

        remark = f"{metrics['request_totals']['successful']} completed"
        late = figures("request_scheduled_latency", 1000)
        if late["p99"] < 1e9:  # at times 0.8.1 subtracts nothing: the instant itself
            remark += f"; scheduled latency p99 {late['p99']:.0f} ms"
        return {"rate": metrics["requests_per_second"]["successful"]["mean"],
                "ttft": figures("time_to_first_token_ms", 1), "e2e": figures("request_latency", 1000),
                "remark": remark}


def truth_of(log, ids):
    """Of the requests that the client counts; without `ids` all that were answered whole."""
    rows = [row for row in log if row["status"] == 200 and row["output_tokens"] == TOKENS
            and (ids is None or row["response_id"] in ids)]
    if len(rows) < 2:
        sys.exit(f"the log has {len(rows)} requests that the client counts")
    arrivals = sorted(row["arrival_ns"] for row in rows)

    def waits(chunk):
        values = [(row["sent_ns"][chunk] - row["arrival_ns"]) / 1e6 for row in rows]
        return {"p50": percentile(values, 0.5), "p99": percentile(values, 0.99)}

    return {"rate": (len(rows) - 1) / ((arrivals[-1] - arrivals[0]) / 1e9), "ttft": waits(0),
            "e2e": waits(-1), "requests": len(rows)}


def stop_for(client, server, half, stall):
    """Stops the client and its children once half of the requests have ended. The instants."""
    while server.ended() < half:
        if client.poll() is not None:
            return None
        time.sleep(0.05)
    os.killpg(client.pid, signal.SIGSTOP)
    begin = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    time.sleep(stall)
    os.killpg(client.pid, signal.SIGCONT)
    return begin, time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def share_that_came(log, stopped, rate):
    """Of the arrivals of a stall and of the second after it."""
    begin, end = stopped
    end += 1_000_000_000
    came = sum(begin <= row["arrival_ns"] < end for row in log)
    return came / (rate * (end - begin) / 1e9)


def measure(options, peer, load, stall, folder):
    rate = round(load * capacity_rps(), 3)
    server = Server(options.llmsweep, folder)
    stopped = None
    try:
        with open(os.path.join(folder, "client.log"), "w", encoding="utf-8") as output:
            client = subprocess.Popen(
                peer.command(server.url, rate, options.seconds, folder), stdout=output,
                stderr=output, stdin=subprocess.DEVNULL, cwd=folder, start_new_session=True)
        try:
            if stall:
                stopped = stop_for(client, server, rate * options.seconds / 2, stall)
            client.wait(options.seconds * 5 + 300)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(client.pid, signal.SIGKILL)
    finally:
        log = server.stop()
    try:
        said = peer.says(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        with open(os.path.join(folder, "client.log"), encoding="utf-8") as file:
            print(f"{peer.name}: no result ({error!r}), exit {client.returncode}:\n"
                  f"{file.read()[-1500:]}", file=sys.stderr)
        return None
    truth = truth_of(log, said.pop("ids", None))
    row = {"client": peer.name, "load": load, "stall_s": stall, "asked_rps": rate, "said": said,
           "log": truth}
    if stopped:
        row["came"] = share_that_came(log, stopped, rate)
    return row


def both(row, key, part=None, digits=0):
    values = [row[side][key] if part is None else row[side][key][part] for side in ("said", "log")]
    texts = ["–" if value is None else f"{value:.{digits}f}" for value in values]
    return " / ".join(texts)


def print_row(row):
    load = f"{row['load']:g}" + (f", stopped {row['stall_s']:g} s" if row["stall_s"] else "")
    came = f"{row['came']:.2f}" if "came" in row else ""
    print(f"| {row['client']} | {load} | {row['asked_rps']:.1f} | {both(row, 'rate', digits=1)} | "
          f"{both(row, 'ttft', 'p50')} | {both(row, 'ttft', 'p99')} | {both(row, 'e2e', 'p50')} | "
          f"{both(row, 'e2e', 'p99')} | {came} | {row['said']['remark']} |", flush=True)


def clients(options):
    for kind, given in ((Llmsweep, True), (Vllm, options.vllm), (Aiperf, options.aiperf),
                        (Guidellm, options.guidellm)):
        if options.only and kind.name not in options.only:
            continue
        if given and (kind is Llmsweep or options.tokenizer):
            yield kind(options)
        else:
            print(f"{kind.name}: its program or --tokenizer is not given: left out", file=sys.stderr)


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("llmsweep", type=os.path.abspath)
    parser.add_argument("--tokenizer", type=os.path.abspath)
    parser.add_argument("--vllm")
    parser.add_argument("--aiperf", type=os.path.abspath)
    parser.add_argument("--guidellm", type=os.path.abspath)
    parser.add_argument("--loads", type=float, nargs="+", default=[0.5, 0.8, 0.95])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--stall", type=float, default=2)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--keep", type=os.path.abspath)
    parser.add_argument("--json")
    return parser.parse_args()


def main():
    options = arguments()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before; capacity "
          f"{capacity_rps():.1f} requests/s, {options.seconds} s a run; client / log\n")
    print("| client | load | asked, 1/s | rate, 1/s | TTFT p50, ms | TTFT p99, ms | E2E p50, ms | "
          "E2E p99, ms | came | says |\n|---|---|---|---|---|---|---|---|---|---|")
    cases = [(load, 0) for load in options.loads]
    if options.stall:
        cases.append((options.loads[0], options.stall))
    rows = []
    for peer in clients(options):
        for load, stall in cases:
            folder = tempfile.mkdtemp(prefix=f"{peer.name.split()[0].lower()}-{load}-",
                                      dir=options.keep)
            row = measure(options, peer, load, stall, folder)
            if not options.keep:
                shutil.rmtree(folder)
            if row:
                print_row(row)
                rows.append(row)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
