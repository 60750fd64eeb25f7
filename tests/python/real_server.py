#!/usr/bin/env python3
"""What has to hold of a server that others wrote, whatever its speed is.

    real_server.py LLMSWEEP URL[#NAME] [--api API[,API]] [--model NAME] [--checks N] [--levels N[,N]]

URL is the base URL of an OpenAI-compatible server, up to and with /v1; its first model is requested
unless NAME names one, behind the URL or as an option. Per API (chat and completions; embeddings and
rerank have no output and none of its times):

- `check` succeeds each of N times (10), and costs the same each time;
- a run per level (1 and 4 streams): each request has its record, once, ended well, with as many
  output tokens as were requested (or a stop, where the server takes no ignore_eos), and recompute.py
  derives the same numbers from the records;
- what the server counts of itself (/metrics of vLLM and llama.cpp) rises by the sum over the records
  and the cost of one check, to the token, and runs[].telemetry says the same of each repeat, and that
  nobody else was served;
- the mean TTFT and ITL are those of the server's own metric (vLLM), the medians of prefill and
  decoding those that the server sends (llama.cpp: server_timings.py).

What a server does not say is shown as "-" and not compared. A level that the client's machine spoiled
is measured again, three times at most; then its latencies are left out, with a line GAVE UP.
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

SPEC = """name: real
system: {{gpus: 1}}
endpoint: {{url: {url}, api: {api}, request_timeout: 60s, model: {model}}}
workload: {{dataset: sample, input_tokens: 100, output_tokens: 32}}
load: {{concurrency: [{level}], requests_per_slot: {per_slot}, repeats: 2}}
"""
HERE = pathlib.Path(__file__).resolve().parent
SHOWN = ("phase", "index", "outcome", "error", "output_tokens", "token_source", "finish_reason")
TRIES = 3
REQUESTS = 32  # per repeat, at the least
# Between the client and the server's own stamp lie HTTP, the tokenizer and a queue of processes.
TTFT_ABOVE_MS = 10
CLOSE = 0.1  # of the server's mean, or
CLOSE_MS = 1

# What a server counts since its start, by our names: the metrics whose sum it is.
COUNTERS = {
    "requests": ["vllm:request_success_total"],
    "input": ["vllm:prompt_tokens_total", "llamacpp:prompt_tokens_total",
              "llamacpp:prompt_tokens_cached_total"],
    "output": ["vllm:generation_tokens_total", "llamacpp:tokens_predicted_total"],
    "ttft_sum": ["vllm:time_to_first_token_seconds_sum"],
    "ttft_count": ["vllm:time_to_first_token_seconds_count"],
    "itl_sum": ["vllm:inter_token_latency_seconds_sum"],
    "itl_count": ["vllm:inter_token_latency_seconds_count"],
}
EXACT = ("requests", "output", "ttft_count")  # of which every check costs the same
METRIC = re.compile(r"^([a-z_:]+)(?:\{.*\})? ([0-9.e+-]+)$", re.ASCII)


def counted(url):
    """The server's own counters; those that it has."""
    page = f"{url.rstrip('/').removesuffix('/v1')}/metrics"
    try:
        with urllib.request.urlopen(page, timeout=10) as answer:
            text = answer.read().decode()
    except (OSError, urllib.error.HTTPError):
        return collections.Counter()
    found = collections.Counter()
    names = {metric: name for name, metrics in COUNTERS.items() for metric in metrics}
    for line in text.splitlines():
        match = METRIC.match(line)
        if match and match[1] in names:
            found[names[match[1]]] += float(match[2])
    return found


def settled(url):
    """The counters once they stand still: some follow the end of an answer by an instant."""
    last = counted(url)
    for _ in range(50):
        time.sleep(0.1)
        now = counted(url)
        if now == last:
            break
        last = now
    return last


def minus(after, before):
    return {name: after[name] - before[name] for name in after}


class Server:
    """One API of a server, and what was wrong with it."""

    def __init__(self, options, api):
        self.options = options
        self.api = api
        self.wrong = []
        self.rows = []

    def expect(self, holds, sentence):
        if not holds:
            self.wrong.append(sentence)
            print(f"WRONG: {self.api}: {sentence}")

    def spec(self, folder, level):
        text = SPEC.format(url=json.dumps(self.options.url), api=self.api, level=level,
                           model=json.dumps(self.options.model),
                           per_slot=max(4, -(-REQUESTS // level)))
        (folder / "spec.yaml").write_text(text, encoding="utf-8")
        return folder / "spec.yaml"

    def check(self, folder):
        """Checks; what one of them costs by the server's counters."""
        spec = self.spec(folder, 1)
        passed = 0
        before = settled(self.options.url)
        for _ in range(self.options.checks):
            ended = subprocess.run([self.options.llmsweep, "check", spec], capture_output=True,
                                   text=True, check=False)
            passed += ended.returncode == 0
            settled(self.options.url)  # a check gives its last request up, which has to be counted
            if ended.returncode != 0:
                print(ended.stderr)
        costs = minus(settled(self.options.url), before)
        print(f"{self.api}: {passed} of {self.options.checks} checks succeed")
        self.expect(passed == self.options.checks, f"{self.options.checks - passed} checks fail")
        cost = {name: value / self.options.checks for name, value in costs.items()}
        for name in EXACT:
            # llama.cpp leaves message_start out, and with it the count of the prompt, where an answer
            # begins with half a character: a check then asks otherwise.
            if name in cost and self.api != "messages":
                self.expect(cost[name] == int(cost[name]), f"checks differ in {name}: {costs[name]}")
        return cost

    def run(self, folder, level, cost):
        """A run; what its load, without the check before it, cost by the server's counters."""
        start = settled(self.options.url)
        done = {name: start[name] + cost[name] for name in EXACT if name in start}
        with subprocess.Popen([self.options.llmsweep, "run", self.spec(folder, level), "--out", folder,
                               "--quiet"], stdout=subprocess.DEVNULL) as running:
            checked = None  # the first look at the counters that finds the whole check
            while done and not checked and running.poll() is None:
                now = counted(self.options.url)
                if all(now[name] == value for name, value in done.items()):
                    checked = now
                time.sleep(0.01)
        if running.returncode != 0:
            sys.exit(f"{self.api}: `run` exits {running.returncode}")
        end = settled(self.options.url)
        rise = minus(end, checked) if checked else {}
        for name in (*EXACT, "input") if checked else ():
            if name in end:  # the run may have begun by the time of that look
                rise[name] = end[name] - start[name] - cost[name]
        return rise

    def level(self, folder, level, cost):
        folder.mkdir()
        for left in reversed(range(TRIES)):
            rise = self.run(folder, level, cost)
            with open(folder / "real/requests.jsonl", encoding="utf-8") as lines:
                records = [json.loads(line) for line in lines]
            stated = json.loads((folder / "real/result.json").read_text(encoding="utf-8"))
            subprocess.run([sys.executable, HERE / "recompute.py", folder / "real"], check=True,
                           stdout=subprocess.DEVNULL)
            # vLLM 0.32 leaves ignore_eos and min_tokens of /messages unread.
            stops = "ignore_eos" in stated["provenance"]["dropped_fields"] or self.api == "messages"
            self.account(level, records, rise, stops)
            self.telemetry(level, records, stated)
            busy = set(stated["levels"][0]["invalid_reasons"]) - {"output_tokens_off"}
            late = bool(busy) and bool(rise) and left == 0
            if not busy or not rise or late:
                self.time(level, records, rise, late, folder)
                return
            subprocess.run(["rm", "-r", folder / "real"], check=True)

    def account(self, level, records, rise, stops):
        where = f"level {level}"
        measured = [record for record in records if record["phase"] == "measured"]
        self.expect(len(measured) == 2 * level * max(4, -(-REQUESTS // level)),
                    f"{where}: {len(measured)} measured requests")
        ids = [record["response_id"] for record in records if record["response_id"]]
        self.expect(len(set(ids)) == len(ids), f"{where}: a response has two records")
        for record in records:
            stopped = stops and record["finish_reason"] in ("stop", "end_turn")
            whole = record["output_tokens"] == 32 or (stopped and record["output_tokens"] < 32)
            if "inputs" in record:
                whole = record["output_tokens"] == 0 and record["last_token_ns"] is not None
            whole = whole and record["outcome"] == "ok" and record["token_source"] == "usage"
            cut = record["phase"] == "filler" and record["outcome"] == "cancelled"
            said = {key: record[key] for key in SHOWN}
            self.expect(whole or cut, f"{where}: {said}")
        cut = sum(record["outcome"] == "cancelled" for record in records)
        uncounted = sum(record["outcome"] == "ok" and record["input_tokens"] is None
                        for record in records)
        self.expect(uncounted == 0 or self.api == "messages",
                    f"{where}: {uncounted} answers without a count of the prompt")
        if "requests" in rise:  # those that it finished
            # An answer that is one piece is finished and counted also for a client that has given it up.
            finished = cut if self.api in ("embeddings", "rerank") else 0
            self.expect(0 <= rise["requests"] - (len(records) - cut) <= finished,
                        f"{where}: {len(records) - cut} answers, {rise['requests']:g} at the server")
        # What was cut has no usage, and went on at the server for a while.
        each = 2000 if self.api == "rerank" else 200  # whose query is read with each document
        for name, most in (("input", each * (cut + uncounted)), ("output", 32 * cut)):
            ours = sum(record[f"{name}_tokens"] or 0 for record in records)
            if name in rise:
                self.expect(ours <= rise[name] <= ours + most,
                            f"{where}: {ours} {name} tokens in the records, {rise[name]:g} at the server")
        self.counts = (len(records), cut, sum(r["output_tokens"] or 0 for r in records),
                       rise.get("output"))

    def telemetry(self, level, records, stated):
        for run in stated["levels"][0]["runs"]:
            figures = {figure["figure"]: figure for figure in (run["telemetry"] or {}).get("figures", [])}
            own = [record for record in records if record["repeat"] == run["repeat"]]
            ours = sum(record["output_tokens"] or 0 for record in own)
            cut = sum(record["outcome"] == "cancelled" for record in own)
            where = f"level {level}, repeat {run['repeat']}"
            if "output_tokens" in figures:
                counted_there = figures["output_tokens"]["run"]
                self.expect(counted_there is not None and ours <= counted_there <= ours + 32 * cut,
                            f"{where}: {ours} output tokens in the records, {counted_there} by telemetry")
                foreign = run["telemetry"]["foreign"]
                self.expect(not foreign["found"], f"{where}: foreign traffic: {foreign}")

    def time(self, level, records, rise, late, folder):
        ours, theirs = {}, {}
        seen = [record for record in records if record["first_token_ns"]]
        if not seen:  # of an API that generates nothing
            self.rows.append((level, *self.counts, {}, {}))
            return
        ours["ttft"] = sum(r["first_token_ns"] - r["sent_ns"] for r in seen) / len(seen) / 1e6
        spans = [r for r in seen if r["output_tokens"] and r["output_tokens"] > 1]
        ours["itl"] = (sum(r["last_token_ns"] - r["first_token_ns"] for r in spans) /
                       sum(r["output_tokens"] - 1 for r in spans) / 1e6)
        for name in ("ttft", "itl"):
            if f"{name}_sum" in rise:
                theirs[name] = rise[f"{name}_sum"] / rise[f"{name}_count"] * 1e3
        if not late:
            for name, value in theirs.items():
                over = max(CLOSE * value, TTFT_ABOVE_MS if name == "ttft" else CLOSE_MS)
                under = max(CLOSE * value, CLOSE_MS)
                self.expect(-under <= ours[name] - value <= over,
                            f"level {level}: mean {name} {ours[name]:.2f} ms, "
                            f"{value:.2f} ms by the server")
            if any(record["server_decode_us"] is not None for record in records):
                ended = subprocess.run([sys.executable, HERE / "server_timings.py", folder / "real"],
                                       check=False)
                self.expect(ended.returncode == 0, f"level {level}: medians differ from the server's")
        else:
            print(f"GAVE UP: busy: {self.api}, level {level}: latencies not compared")
        self.rows.append((level, *self.counts, ours, theirs))


def table(servers):
    print(f"{'':>12} {'level':>5} {'records':>7} {'cut':>4} {'output':>7} {'server':>7} {'TTFT ms':>8} "
          f"{'server':>8} {'ITL ms':>8} {'server':>8}")
    for server in servers:
        for level, records, cut, output, theirs, ours, stamps in server.rows:
            cells = [f"{output:7}", f"{theirs:7g}" if theirs is not None else f"{'-':>7}"]
            for name in ("ttft", "itl"):
                cells.append(f"{ours[name]:8.2f}" if name in ours else f"{'-':>8}")
                cells.append(f"{stamps[name]:8.2f}" if name in stamps else f"{'-':>8}")
            print(f"{server.api:>12} {level:5} {records:7} {cut:4}", *cells)


def main():
    parser = argparse.ArgumentParser(description="Compares a run with a real server's own figures.")
    parser.add_argument("llmsweep")
    parser.add_argument("url")
    parser.add_argument("--api", default="chat,completions")
    parser.add_argument("--model", default="")
    parser.add_argument("--checks", type=int, default=10)
    parser.add_argument("--levels", default="1,4")
    options = parser.parse_args()
    options.url, _, named = options.url.partition("#")
    options.model = options.model or named
    servers = [Server(options, api) for api in options.api.split(",")]
    for server in servers:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            cost = server.check(folder)
            for level in map(int, options.levels.split(",")):
                server.level(folder / str(level), level, cost)
    table(servers)
    return 1 if any(server.wrong for server in servers) else 0


if __name__ == "__main__":
    sys.exit(main())
