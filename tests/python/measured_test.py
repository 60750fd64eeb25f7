#!/usr/bin/env python3
"""Recomputes docs/measured.md from datasets/measured and tries the commands on these files.

    measured_test.py LLMSWEEP SCRATCH            exits 0 where everything agrees, 1 with what does not
    LLMSWEEP_WRITE_DOCS=1 measured_test.py ...   writes the page's blocks and its figure again

A block is what stands between `<!-- generated: NAME -->` and `<!-- end -->`. Outside of them the page
may name no number that is not a setting of the runs. Shares no code with llmsweep.
"""

import json
import lzma
import math
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys

import one_card

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "datasets/measured"
PAGE = ROOT / "docs/measured.md"
FIGURE = ROOT / "docs/images/measured.svg"
LLAMA = "llama-3.1-8b-bf16-h200"
MTP_ON = "deepseek-v3-8-layers-fp8-mtp-on-h200"
MTP_OFF = "deepseek-v3-8-layers-fp8-mtp-off-h200"
FAILURES = []
T_975 = {2: 4.302653}  # Student's t, two degrees of freedom: three repeats

# What the page says of how it was measured; no result.
SETTINGS = {"1", "4", "5", "8", "16", "32", "61", "64", "95", "128", "141", "256", "512", "800", "950", "1,024", "1,600", "2,400", "0.26.0", "0.85"}


def check(holds, what):
    if not holds:
        FAILURES.append(what)


def result(name):
    return json.loads((DATA / name / "result.json").read_text())


def records(name):
    with open(DATA / name / "requests.jsonl", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def counters(name):
    """label -> the counters' growth since the page before."""
    pages = json.loads((DATA / name / "server-counters.json").read_text())
    return {now["label"]: {key: value - before["values"].get(key, 0) for key, value in now["values"].items()}
            for before, now in zip(pages, pages[1:])}


def ms(ns):
    return ns / 1e6


def whole(value):
    return f"{value:,.0f}"


def short(value):
    """Three digits that mean something, as the tables of llmsweep."""
    if value >= 1000:
        return whole(value)
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}"


def percent(ratio):
    return f"{100 * (ratio - 1):+.1f} %"


def runs_of(name, level, metric):
    """The metric's figure of each run, from the records alone."""
    by_run = {}
    for record in ALL[name]:
        if record["level"] == level and record["phase"] == "measured" and record["outcome"] == "ok":
            by_run.setdefault(record["repeat"], []).append(record)
    figures = []
    for repeat in sorted(by_run):
        rows = by_run[repeat]
        if metric == "e2e":
            figures.append(statistics.median(ms(r["last_token_ns"] - r["sent_ns"]) for r in rows))
        elif metric == "ttft":
            figures.append(statistics.median(ms(r["first_token_ns"] - r["sent_ns"]) for r in rows))
        elif metric == "tpot":
            figures.append(statistics.median(
                ms(r["last_token_ns"] - r["first_token_ns"]) / (r["streamed_tokens"] - r["first_chunk_tokens"])
                for r in rows))
    return figures


def stated_runs(name, level, key):
    row = next(x for x in RESULTS[name]["levels"] if x["concurrency"] == level)
    if key == "throughput":
        return [run["steady_output_throughput_tps"] for run in row["runs"]]
    return [run[key + "_ms"]["p50"] for run in row["runs"]]


def figures(name, level, key):
    """Each run's figure: of result.json, and where the records tell, equal to what they tell."""
    stated = stated_runs(name, level, key)
    if key != "throughput":
        computed = runs_of(name, level, key)
        check(len(computed) == len(stated) and
              all(abs(a / b - 1) < 1e-6 for a, b in zip(computed, stated)),
              f"{name} c{level} {key}: records give {computed}, result.json says {stated}")
    return stated


def geometric(values):
    return math.exp(statistics.fmean(map(math.log, values)))


def half_width(values):
    logs = [math.log(v) for v in values]
    return T_975[len(logs) - 1] * statistics.stdev(logs) / math.sqrt(len(logs))


def with_interval(values):
    mean, half = math.log(geometric(values)), half_width(values)
    return f"{short(math.exp(mean))} [{short(math.exp(mean - half))}, {short(math.exp(mean + half))}]"


def spread(values):
    return f"{100 * statistics.stdev(map(math.log, values)):.2f} %"


def levels(name):
    return [row["concurrency"] for row in RESULTS[name]["levels"]]


def level_table(name):
    lines = ["| users | output tokens/s | median E2E, ms | median TTFT, ms | median TPOT, ms |", "|---|---|---|---|---|"]
    for level in levels(name):
        lines.append("| " + " | ".join([str(level)] + [with_interval(figures(name, level, key))
                                                       for key in ("throughput", "e2e", "ttft", "tpot")]) + " |")
    return lines


def llama():
    target = RESULTS[LLAMA]["users_at_target"][0]
    return level_table(LLAMA) + [
        "",
        f"At a median E2E latency of {whole(target['target_ms'])} ms: {target['users']} users on one GPU "
        f"({target['c_pass']} pass, {target['c_fail']} do not; interpolated {target['c_interpolated']:.1f})."]


def noise():
    lines = ["| | users | throughput | E2E | TTFT | TPOT | TTFT of the runs, ms |", "|---|---|---|---|---|---|---|"]
    for name, title in ((LLAMA, "Llama-3.1-8B shape"), (MTP_OFF, "DeepSeek-V3 shape, MTP off"),
                        (MTP_ON, "DeepSeek-V3 shape, MTP on")):
        for level in levels(name):
            cells = [spread(figures(name, level, key)) for key in ("throughput", "e2e", "ttft", "tpot")]
            cells.append(", ".join(short(v) for v in figures(name, level, "ttft")))
            lines.append(f"| {title} | {level} | " + " | ".join(cells) + " |")
    return lines


def client_file(name, level):
    return json.loads((DATA / name / f"vllm-client-c{level}.json").read_text())


def pooled(name, level, key):
    row = next(x for x in RESULTS[name]["levels"] if x["concurrency"] == level)
    return row["vllm_definitions"][key + "_ms"]["p50"]


def referee():
    lines = ["| | users | figure | llmsweep | vLLM's client | apart |", "|---|---|---|---|---|---|"]
    for name, title in ((LLAMA, "Llama-3.1-8B shape"), (MTP_ON, "DeepSeek-V3 shape, MTP on")):
        other = client_file(name, 64)
        for key, theirs, label in (("e2e", "median_e2el_ms", "median E2E, ms"),
                                   ("ttft", "median_ttft_ms", "median TTFT, ms"),
                                   ("tpot", "median_tpot_ms", "median TPOT, ms")):
            ours = pooled(name, 64, key)
            lines.append(f"| {title} | 64 | {label} | {short(ours)} | {short(other[theirs])} | "
                         f"{percent(ours / other[theirs])} |")
        row = next(x for x in RESULTS[name]["levels"] if x["concurrency"] == 64)
        for key, label in (("output_throughput_tps", "tokens/s, drain included"),
                           ("steady_output_throughput_tps", "tokens/s, steady")):
            ours = row[key]
            lines.append(f"| {title} | 64 | {label} | {whole(ours)} | {whole(other['output_throughput'])} | "
                         f"{percent(ours / other['output_throughput'])} |")
    grown = counters(LLAMA)["after_client_c16"]
    other = client_file(LLAMA, 16)
    lines += ["", f"At 16 users vLLM's client is no referee here. It ran after its own run at 64, with the same seed and so "
              f"with the same prompts, and the server took {whole(grown['prompt_tokens_cached_total'])} of its "
              f"{whole(grown['prompt_tokens_total'])} prompt tokens from the prefix cache: median TTFT "
              f"{short(other['median_ttft_ms'])} ms where llmsweep, whose prompts begin with words of their own, found "
              f"{short(pooled(LLAMA, 16, 'ttft'))} ms; median E2E {short(other['median_e2el_ms'])} against "
              f"{short(pooled(LLAMA, 16, 'e2e'))} ms."]
    first = counters(LLAMA)["after_client_c64"]
    lines += ["", f"In its run at 64 the cache served {whole(first['prompt_tokens_cached_total'])} prompt tokens, as many as its "
              "64 warm-up requests have, which all send one prompt; the measured ones are distinct."]
    return lines


def server_table():
    lines = ["| | users | requests completed | prompt tokens | output tokens | cached prompt tokens | mean TTFT, ms | mean E2E, ms |",
             "|---|---|---|---|---|---|---|---|"]
    for name, title in ((LLAMA, "Llama-3.1-8B shape"), (MTP_OFF, "DeepSeek-V3 shape, MTP off"),
                        (MTP_ON, "DeepSeek-V3 shape, MTP on")):
        grown = counters(name)
        for level in levels(name):
            server, client = {}, {"n": 0, "prompt": 0, "output": 0, "ttft": [], "e2e": []}
            for repeat in (1, 2):
                for key, value in grown[f"c{level}r{repeat}"].items():
                    server[key] = server.get(key, 0) + value
                for r in ALL[name]:
                    if r["level"] != level or r["repeat"] != repeat:
                        continue
                    if r["first_token_ns"] is not None:
                        client["ttft"].append(ms(r["first_token_ns"] - r["sent_ns"]))
                        client["prompt"] += r["planned_input_tokens"]
                        client["output"] += r["output_tokens"]
                    if r["outcome"] == "ok":
                        client["n"] += 1
                        client["e2e"].append(ms(r["end_ns"] - r["sent_ns"]))

            def mean(key):
                return 1000 * server[key + "_sum"] / server[key + "_count"]

            lines.append(
                f"| {title} | {level} | {client['n']}, {whole(server['request_success_total:length'])} | "
                f"{whole(client['prompt'])}, {whole(server['prompt_tokens_total'])} | "
                f"{whole(client['output'])}, {whole(server['generation_tokens_total'])} | "
                f"{whole(server['prompt_tokens_cached_total'])} | "
                f"{short(statistics.fmean(client['ttft']))}, {short(mean('time_to_first_token_seconds'))} | "
                f"{short(statistics.fmean(client['e2e']))}, {short(mean('e2e_request_latency_seconds'))} |")
    return lines


def accepted():
    grown = counters(MTP_ON)
    drafts = sum(v["spec_decode_num_drafts_total"] for k, v in grown.items() if re.fullmatch(r"c\d+r\d", k))
    taken = sum(v["spec_decode_num_accepted_tokens_total"] for k, v in grown.items() if re.fullmatch(r"c\d+r\d", k))
    per_chunk = ", ".join(f"{row['client']['tokens_per_chunk']:.3f}" for row in RESULTS[MTP_ON]["levels"])
    return [f"Of {whole(drafts)} drafts the server counted {whole(taken)} as accepted: {1 + taken / drafts:.3f} tokens per "
            f"step. llmsweep saw {per_chunk} tokens per chunk at 1, 8 and 64 users."]


def mtp():
    """Ratios, intervals and verdicts as `llmsweep compare` gives them; the ratio is computed here as well."""
    compared = json.loads(run("compare", DATA / MTP_OFF / "result.json", DATA / MTP_ON / "result.json",
                              "--format", "json"))[0]["levels"]
    lines = ["| users | output tokens/s, MTP off | on | on / off | | median E2E, ms, off | on | median TPOT, ms, off | on |",
             "|---|---|---|---|---|---|---|---|---|"]
    for level, row in zip(levels(MTP_ON), compared):
        off, on = ({key: figures(name, level, key) for key in ("throughput", "e2e", "tpot")} for name in (MTP_OFF, MTP_ON))
        stated = row["throughput_tps"]
        ratio = geometric(on["throughput"]) / geometric(off["throughput"])
        check(abs(ratio / stated["ratio"] - 1) < 1e-9, f"compare says {stated['ratio']} at {level}, computed {ratio}")
        low, high = stated["ci95"]
        lines.append(f"| {level} | {with_interval(off['throughput'])} | {with_interval(on['throughput'])} | "
                     f"{ratio:.2f} [{low:.2f}, {high:.2f}] | {stated['verdict'].replace('_', ' ')} | "
                     f"{with_interval(off['e2e'])} | {with_interval(on['e2e'])} | "
                     f"{with_interval(off['tpot'])} | {with_interval(on['tpot'])} |")

    def gaps(side):
        return ", ".join(short(row["icl_p50_ms"][side]) for row in compared)

    return lines + ["", "A chunk is a step of the engine, as a rule. The median gap between two was " + gaps("baseline") + " ms at 1, 8 and 64 users "
                    "without MTP and " + gaps("candidate") + " ms with it: where the gap grows by more than the tokens per step, MTP does not pay.",
                    ""] + accepted()


def host():
    lines = ["| | users | stalls over 5 ms | longest, ms | requests they touched | 99th percentile of the client's own delay, ms |",
             "|---|---|---|---|---|---|"]
    for name, title in ((LLAMA, "Llama-3.1-8B shape"), (MTP_OFF, "DeepSeek-V3 shape, MTP off"),
                        (MTP_ON, "DeepSeek-V3 shape, MTP on")):
        for row in RESULTS[name]["levels"]:
            c = row["client"]
            lines.append(f"| {title} | {row['concurrency']} | {c['stalls']} | {c['stall_max_ms']:.1f} | {c['stalled_requests']} | "
                         f"{c['receive_delay_p99_ms']:.3f} |")
    starts = []
    for repeat in range(3):
        sent = sorted(r["sent_ns"] for r in ALL[LLAMA]
                      if r["level"] == 64 and r["repeat"] == repeat and r["phase"] == "warmup")
        starts.append(ms(sent[-1] - sent[0]))
    lines += ["", "The 64 requests that open a run at 64 users of the Llama shape went out within "
              + ", ".join(f"{s:.1f}" for s in starts) + " ms of one another, run by run."]
    return lines


def one_card_pair():
    sides = [one_card.FOLDER / side / "result.json" for side in ("bf16", "fp8")]
    return one_card.pair(check, json.loads(run("compare", *sides, "--format", "json"))[0]["levels"])


def one_card_apis():
    def compare(*names):
        sides = [one_card.FOLDER / name / "result.json" for name in names]
        return json.loads(run("compare", *sides, "--format", "json"))[0]["levels"]
    return one_card.apis(check, compare)


def one_card_calibrated():
    done = subprocess.run([LLMSWEEP, "calibrate", one_card.FOLDER / "bf16/result.json"], capture_output=True, text=True)
    check(done.returncode == 0, f"calibrate: exit code {done.returncode}\n{done.stderr}")
    return one_card.calibrated(done.stdout + done.stderr)


BLOCKS = {"one-card-pair": one_card_pair, "one-card-rates": lambda: one_card.rates(check), "one-card-apis": one_card_apis,
          "one-card-search": lambda: one_card.search(check), "one-card-power": one_card.power, "one-card-scrape": one_card.scrape, "one-card-energy": lambda: one_card.energy(check),
          "one-card-sessions": lambda: one_card.sessions(check), "one-card-replay": one_card.replay,
          "one-card-calibrated": one_card_calibrated, "llama": llama, "noise": noise, "referee": referee, "server": server_table, "mtp": mtp, "host": host}


def run(*arguments, expect=0):
    done = subprocess.run([LLMSWEEP, *map(str, arguments)], capture_output=True, text=True, cwd=SCRATCH)
    check(done.returncode == expect, f"llmsweep {' '.join(map(str, arguments))}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def commands():
    """compare, gate, report and show work on what is in the repository, and say what the page says."""
    run("compare", DATA / MTP_OFF / "result.json", DATA / MTP_ON / "result.json")
    run("compare", DATA / LLAMA / "result.json", DATA / MTP_ON / "result.json", expect=2)  # lengths differ
    run("gate", DATA / LLAMA, "--require", "e2e:p50@c16 <= 15s")
    run("gate", DATA / LLAMA, "--require", "e2e:p50@c64 <= 15s", expect=10)
    run("gate", DATA / MTP_ON, "--baseline", DATA / MTP_OFF, "--no-worse", "throughput@c64 by 3%", expect=10)
    run("report", DATA / LLAMA, "--html", SCRATCH / "one.html", "--markdown", SCRATCH / "one.md")
    run("report", DATA / MTP_OFF, DATA / MTP_ON, "--html", SCRATCH / "two.html")
    run("report", DATA / LLAMA, "--figure", SCRATCH / "measured.svg", "--target", "e2e:p50:15s", "--title", TITLE)
    run("show", DATA / LLAMA)
    run("import", DATA / LLAMA / "vllm-client-c64.json", "--gpus", "1", "-o", SCRATCH / "client.json")
    for name in ("one.html", "two.html", "one.md", "client.json"):
        check((SCRATCH / name).stat().st_size > 1000, f"{name} is empty")


TITLE = "Shape of Llama-3.1-8B, BF16, random weights, one H200"


def anonymous():
    """The page says that host name, kernel build and paths are taken out of the files."""
    for path in sorted(DATA.rglob("*")):
        if path.suffix not in (".json", ".jsonl", ".xz"):
            continue
        data = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
        for pattern in (rb'"host": ?"[^"]', rb'"boot_id": ?"[^"]', rb'"kernel": ?"[^"]*-', rb"/(tmp|home|root|work)/"):
            found = re.search(pattern, data)
            check(not found, f"{path.relative_to(DATA)}: {found and found[0]}")


def recompute():
    for name in (LLAMA, MTP_OFF, MTP_ON):
        done = subprocess.run([sys.executable, str(ROOT / "tests/python/recompute.py"), str(DATA / name)],
                              capture_output=True, text=True)
        check(done.returncode == 0, f"{name}: {done.stdout}")
    for name in ("bf16", "fp8", "rates", "search", "sessions", "energy-bf16", "energy-fp8",
                 "apis-chat-1", "apis-responses", "apis-chat-2", "apis-messages"):
        one_card.unpack(name, SCRATCH / name)
        done = subprocess.run([sys.executable, str(ROOT / "tests/python/recompute.py"), str(SCRATCH / name)],
                              capture_output=True, text=True)
        check(done.returncode == 0, f"{name}: {done.stdout}")


def main():
    text = PAGE.read_text(encoding="utf-8")
    write = os.environ.get("LLMSWEEP_WRITE_DOCS") == "1"
    outside = text
    for name, make in BLOCKS.items():
        block = re.search(rf"<!-- generated: {name} -->\n((?:(?!<!--).)*)<!-- end -->", text, re.S)
        if not block:
            check(False, f"docs/measured.md has no block '{name}'")
            continue
        made = "\n".join(make()) + "\n"
        if write:
            text = text.replace(block[0], f"<!-- generated: {name} -->\n{made}<!-- end -->")
        else:
            check(block[1] == made, f"docs/measured.md, block '{name}' is not what the files give:\n{made}")
        outside = outside.replace(block[0], "")
    outside = re.sub(r"`[^`]*`|\[[^]]*\]\([^)]*\)|https?://\S+", "", outside)
    outside = re.sub(r"(?m)^    .*$", "", outside)
    for name in ("E2E", "H200", "H100", "GB300", "GB200", "DeepSeek-V3", "Llama-3.1-8B", "DeepSeek V4", "BF16", "FP8", "NVFP4", "MXFP4"):
        outside = outside.replace(name, "")
    for number in re.findall(r"\d[\d,.]*\d|\d", outside):
        check(number in SETTINGS, f"docs/measured.md names {number} outside of what is recomputed")
    commands()
    if write:
        PAGE.write_text(text, encoding="utf-8")
        shutil.copy(SCRATCH / "measured.svg", FIGURE)
    else:
        check(FIGURE.read_bytes() == (SCRATCH / "measured.svg").read_bytes(),
              "docs/images/measured.svg is not what llmsweep report draws of the files")
    recompute()
    anonymous()
    for failure in FAILURES:
        print(failure)
    return 1 if FAILURES else 0


LLMSWEEP = str(pathlib.Path(sys.argv[1]).resolve())
SCRATCH = pathlib.Path(sys.argv[2]).resolve()
shutil.rmtree(SCRATCH, ignore_errors=True)
SCRATCH.mkdir(parents=True)
ALL = {name: records(name) for name in (LLAMA, MTP_ON, MTP_OFF)}
RESULTS = {name: result(name) for name in ALL}
sys.exit(main())
