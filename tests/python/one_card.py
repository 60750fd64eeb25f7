"""The blocks of docs/measured.md about two servers on one GPU, from datasets/measured/one-card-h200.

Shares no code with llmsweep. measured_test.py puts them on the page and compares.
"""
import bisect
import json
import lzma
import math
import pathlib
import re
import statistics

import read_chunks

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "datasets/measured/one-card-h200"
T_975 = {2: 4.302653, 4: 2.776445}  # Student's t by degrees of freedom: pairs less one

LONGEST_GAP_NS = 300_000_000


def result(name):
    return json.loads((FOLDER / name / "result.json").read_text(encoding="utf-8"))


def lines_of(name, file):
    with lzma.open(FOLDER / name / f"{file}.jsonl.xz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def unpack(name, folder):
    """What recompute.py reads, uncompressed."""
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps(result(name)), encoding="utf-8")
    for file in (FOLDER / name).glob("*.xz"):
        (folder / file.stem).write_bytes(lzma.decompress(file.read_bytes()))


def whole(value):
    return f"{value:,.0f}"


def median_e2e(records, level, repeat):
    return statistics.median((r["last_token_ns"] - r["sent_ns"]) / 1e6 for r in records
                             if r["level"] == level and r["repeat"] == repeat and r["phase"] == "measured"
                             and r["outcome"] == "ok")


def paired(a, b):
    """b / a of pairs with its 95 % interval, Student's t on the logs."""
    logs = [math.log(y / x) for x, y in zip(a, b)]
    mean, half = statistics.fmean(logs), T_975[len(logs) - 1] * statistics.stdev(logs) / math.sqrt(len(logs))
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half)


def gauge(run, figure):
    return next(row for row in run["telemetry"]["figures"] if row["figure"] == figure)


def pair(check, compared):
    """`compared`: the levels of `llmsweep compare --format json` of both sides."""
    sides = {name: (result(name), lines_of(name, "requests")) for name in ("bf16", "fp8")}
    table = ["| users | median E2E of the runs, ms, BF16 | FP8 | FP8 / BF16, pairs | output tokens/s, FP8 / BF16 | "
             "W, BF16 | FP8 | SM clock, MHz, BF16 | FP8 |", "|---|---|---|---|---|---|---|---|---|"]
    for a, b, row in zip(sides["bf16"][0]["levels"], sides["fp8"][0]["levels"], compared):
        users = a["concurrency"]
        e2e = [[median_e2e(sides[name][1], users, repeat) for repeat in range(3)] for name in ("bf16", "fp8")]
        speed = [[run["steady_output_throughput_tps"] for run in level["runs"]] for level in (a, b)]
        cells = []
        for values, key in ((e2e, "e2e_p50_ms"), (speed, "throughput_tps")):
            ratio, low, high = paired(*values)
            stated = row[key]
            check(abs(ratio / stated["ratio"] - 1) < 1e-6 and abs(low / stated["ci95"][0] - 1) < 1e-6,
                  f"one card, {users} users, {key}: computed {ratio} from {low}, compare says {stated}")
            cells.append(f"{ratio:.3f} [{low:.3f}, {high:.3f}]")
        means = [whole(statistics.fmean(gauge(run, figure)["mean"] for run in level["runs"]))
                 for figure in ("gpu_power_w", "gpu_clock_mhz") for level in (a, b)]
        table.append("| " + " | ".join([str(users), *(", ".join(map(whole, runs)) for runs in e2e), *cells, *means]) + " |")
    return table


def apis(check, compare):
    """`compare(a, b)`: the levels of `llmsweep compare --format json` of two sides."""
    table = ["| users | API | median E2E, ms, chat | its own | its own / chat: median E2E, pairs | TTFT | TPOT | output tokens/s |",
             "|---|---|---|---|---|---|---|---|"]
    for api, chat in (("responses", "apis-chat-1"), ("messages", "apis-chat-2")):
        sides = [(result(name), lines_of(name, "requests")) for name in (chat, f"apis-{api}")]
        for level, row in zip(sides[0][0]["levels"], compare(chat, f"apis-{api}")):
            users = level["concurrency"]
            e2e = [[median_e2e(records, users, repeat) for repeat in range(len(level["runs"]))] for _, records in sides]
            ratio, low, _ = paired(*e2e)
            stated = row["e2e_p50_ms"]
            check(abs(ratio / stated["ratio"] - 1) < 1e-6 and abs(low / stated["ci95"][0] - 1) < 1e-6,
                  f"{api}, {users} users: computed {ratio} from {low}, compare says {stated}")
            ratios = ["{:.3f} [{:.3f}, {:.3f}]".format(row[key]["ratio"], *row[key]["ci95"])
                      for key in ("e2e_p50_ms", "ttft_p50_ms", "tpot_p50_ms", "throughput_tps")]
            means = [whole(math.exp(statistics.fmean(map(math.log, runs)))) for runs in e2e]
            table.append("| " + " | ".join([str(users), api, *means, *ratios]) + " |")
    return table


def pages(name):
    """load point -> [(running, waiting)] of the server's pages inside the window."""
    found = {}
    for page in lines_of(name, "telemetry"):
        if page["role"] != "server" or page["moment"] not in ("start", "between", "end"):
            continue
        values = [re.search(rf"^vllm:num_requests_{which}(?:{{.*}})? (\S+)$", page["samples"], re.M)
                  for which in ("running", "waiting")]
        if all(values):
            found.setdefault(page["load_point"], []).append(tuple(float(value[1]) for value in values))
    return found


def rates(check):
    records, gauges = lines_of("rates", "requests"), pages("rates")
    table = ["| requests/s, nominal | arrivals in the window | ended in it, /s | state | running at the engine, mean | waiting, mean | "
             "largest | without a first token at the end | median TTFT, ms | median E2E, ms | W | SM clock, MHz |",
             "|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for level in result("rates")["levels"]:
        run, key = level["runs"][0], level["load_point"]
        begin, end = run["open_loop"]["window_from_ns"], run["open_loop"]["window_to_ns"]
        own = [r for r in records if r["load_point"] == key]
        ended = sum(1 for r in own if r["outcome"] == "ok" and begin <= r["end_ns"] < end)
        measured = [r for r in own if r["phase"] == "measured"]
        waiting = sum(1 for r in own if r["scheduled_ns"] < end and r["end_ns"] >= end
                      and (r["first_token_ns"] is None or r["first_token_ns"] >= end))
        served = ended / ((end - begin) / 1e9)
        running, queue = zip(*gauges[key])
        for computed, stated, what in (
                (len(measured), run["open_loop"]["scheduled"], "scheduled"), (served, level["served_rps"], "served"),
                (waiting, run["open_loop"]["waiting_at_end"], "waiting"),
                (statistics.fmean(queue), gauge(run, "waiting")["mean"], "queue"),
                (statistics.fmean(running), gauge(run, "running")["mean"], "running")):
            check(abs(computed - stated) <= 1e-6 * max(1, abs(stated)), f"one card, {key}, {what}: computed {computed}, stated {stated}")
        latencies = ["–", "–"]
        if level["e2e_ms"] is not None and level["e2e_ms"]["p50"] is not None:
            latencies = [whole(statistics.median((r[to] - r["scheduled_ns"]) / 1e6 for r in measured if r["outcome"] == "ok"))
                         for to in ("first_token_ns", "last_token_ns")]
        table.append(f"| {key[1:]} | {len(measured)} | {served:.1f} | {run['open_loop']['state']} | {statistics.fmean(running):.1f} | "
                     f"{statistics.fmean(queue):.1f} | {whole(max(queue))} | {waiting} | {' | '.join(latencies)} | "
                     f"{whole(gauge(run, 'gpu_power_w')['mean'])} | {whole(gauge(run, 'gpu_clock_mhz')['mean'])} |")
    return table


def search(check):
    found = result("search")["search"]
    records = lines_of("search", "requests")
    chosen, fresh = [], {}
    for step in found["path"]:
        value = median_e2e(records, step["concurrency"], step["repeat"])
        check(abs(value / step["value_ms"] - 1) < 1e-6, f"one card, search: {step} has {value}")
        if step["confirming"]:
            fresh.setdefault(step["concurrency"], []).append(value)
        else:
            chosen.append(f"{step['concurrency']}: {whole(value)}")
    lines = [f"Users and median E2E of the runs that led there, ms: {', '.join(chosen)}. Fresh runs: "
             + "; ".join(f"at {users} " + ", ".join(map(whole, values)) for users, values in sorted(fresh.items())) + "."]
    ends = [found["pass"], found["fail"]]
    kept = [sum(value <= found["target_ms"] for value in fresh.get(users, [])) for users in ends]
    lines.append(f"It ended as `{found['end']}` after {len(found['path'])} runs: {ends[0]:.0f} users keep the target ({kept[0]} of "
                 f"{len(fresh[ends[0]])} fresh runs did), {ends[1]:.0f} do not ({kept[1]} of {len(fresh[ends[1]])} did).")
    check(found["end"] == "confirmed", f"one card, search: {found['end']}")
    return lines


def power():
    levels = result("rates")["levels"]
    ratios, refresh, read = [], [], []
    for level in levels:
        telemetry = level["runs"][0]["telemetry"]
        by_basis = {row["basis"]: row["joules"] / row["window_s"] for row in telemetry["energy"]}
        ratios.append(by_basis["gpu_counter"] / by_basis["gpu_power_integral"])
        source = next(row for row in telemetry["sources"] if row["role"] == "gpu")
        refresh.append(source["refresh_s"])
        read.append((source["page_p50_ms"], source["page_max_ms"]))
    server = [next(row for row in level["runs"][0]["telemetry"]["sources"] if row["role"] == "server") for level in levels]
    return [f"Over the windows of the rates the counter of energy was {min(ratios):.4f} to {max(ratios):.4f} of the integral of power. "
            f"Reading the GPU took {min(p for p, _ in read):.1f} to {max(p for p, _ in read):.1f} ms (medians; {max(m for _, m in read):.0f} ms at most), "
            f"the server's page by its needed names {min(s['page_p50_ms'] for s in server):.1f} to {max(s['page_p50_ms'] for s in server):.1f} ms "
            f"(medians; {max(s['page_max_ms'] for s in server):.0f} ms at most). No window was long enough for J per token."]


def interpolated(points, at):
    """The value at `at` of a counter read at the instants of `points`, ascending (instant, value)."""
    right = bisect.bisect_left(points, (at,))
    (t0, v0), (t1, v1) = points[right - 1], points[right]
    return v0 + (v1 - v0) * (at - t0) / (t1 - t0)


def tokens_between(records, begin, end):
    """Output tokens that came in between, those of an answer evenly from its first to its last."""
    tokens = 0
    for r in records:
        first, last, count = r["first_token_ns"], r["last_token_ns"], r["output_tokens"] or r["streamed_tokens"] or r["chunks"]
        if first is None or not count:
            continue
        tokens += (begin <= first < end) + (count - 1) * max(0, min(last, end) - max(first, begin)) / max(1, last - first)
    return tokens


def energy(check):
    own = [((row["asked_ns"] + row["answered_ns"]) / 2, row["energy_mj"] / 1000) for row in lines_of("energy-bf16", "nvml")]
    table = ["| server | window, s | W | SM clock, MHz | output tokens/s in it | J per output token | its stated error | "
             "the counter asked from Python, ÷ llmsweep's |", "|---|---|---|---|---|---|---|---|"]
    shares = []
    for name, title in (("energy-bf16", "BF16"), ("energy-fp8", "FP8")):
        run = result(name)["levels"][0]["runs"][0]
        pages = {page["moment"]: page for page in lines_of(name, "telemetry") if page["role"] == "gpu" and page["repeat"] == 0}
        read = [(pages[moment]["asked_ns"] + pages[moment]["answered_ns"]) / 2 for moment in ("start", "end")]
        counter = [float(re.search(r"^nvml_energy_mj\S* (\d+)", pages[moment]["samples"], re.M)[1]) / 1000 for moment in ("start", "end")]
        joules, seconds = counter[1] - counter[0], (read[1] - read[0]) / 1e9
        records = [r for r in lines_of(name, "requests") if r["repeat"] == 0]
        tokens = tokens_between(records, *read)
        stated = next(row for row in run["telemetry"]["energy"] if row["basis"] == "gpu_counter")
        check(abs(joules / stated["joules"] - 1) < 0.002, f"one card, {name}: {joules} J, stated {stated['joules']}")
        check(abs(joules / tokens / stated["j_per_output_token"] - 1) < 0.005,
              f"one card, {name}: {joules / tokens} J a token, stated {stated['j_per_output_token']}")
        asked = interpolated(own, read[1]) - interpolated(own, read[0])
        table.append(f"| {title} | {seconds:.1f} | {whole(joules / seconds)} | {whole(gauge(run, 'gpu_clock_mhz')['mean'])} | "
                     f"{whole(tokens / seconds)} | {joules / tokens:.4f} | {100 * stated['error_j'] / stated['joules']:.2f} % | {asked / joules:.4f} |")
        shares.append(f"{100 * run['telemetry']['foreign']['tokens_share']:+.3f} %")
    run = result("energy-bf16")["levels"][0]["runs"][1]["telemetry"]
    planted = lines_of("energy-bf16", "foreign")
    completed = [r for r in planted if r["outcome"] == "ok"]
    energy_of = next(row for row in run["energy"] if row["basis"] == "gpu_counter")
    found = run["foreign"]
    check(found["found"] and energy_of["j_per_output_token"] is None and energy_of["missing"] == "foreign_traffic", "one card: no foreign client was found")
    return [*table, "",
            f"In a second run of BF16 another client, of which llmsweep knew nothing, had {len(completed)} requests answered and gave up "
            f"{len(planted) - len(completed)} ({whole(sum(r['output_tokens'] for r in completed))} output tokens answered whole). llmsweep counted "
            f"{whole(found['server_requests'] - found['our_requests'])} requests and {whole(found['server_tokens'] - found['our_tokens'])} output tokens "
            f"at the server beyond its own, warned (`foreign_traffic`), and gave no J per token. Without it the server's output tokens were "
            f"{' and '.join(shares)} off llmsweep's."]


def sessions(check):
    table = ["| users | turns measured | think, s, mean | R, s, mean | X(R + Z), users | median TTFT, ms, first turn | later ones | "
             "median E2E, ms | input tokens from the cache | of what turns before had put there |", "|---|---|---|---|---|---|---|---|---|---|"]
    records = lines_of("sessions", "requests")
    for level in result("sessions")["levels"]:
        stated, key = level["sessions"], level["load_point"]
        measured = [r for r in records if r["load_point"] == key and r["phase"] == "measured" and r["outcome"] == "ok"]
        think = statistics.fmean(r["think_ns"] / 1e9 for r in measured)
        answer = statistics.fmean((r["end_ns"] - r["scheduled_ns"]) / 1e9 for r in measured)
        cached = sum(r["cached_tokens"] or 0 for r in measured)
        entered = sum(r["input_tokens"] for r in measured)
        for computed, says, what in ((think, stated["think_mean_s"], "think"), (len(measured), stated["turns_rps"] * 40, "turns"),
                                     (entered, stated["prefix"]["input_tokens"], "input"), (answer, stated["response_mean_s"], "response")):
            check(abs(computed / says - 1) < 1e-3, f"one card, sessions {key}, {what}: computed {computed}, stated {says}")

        def ttft(later):
            return statistics.median((r["first_token_ns"] - r["scheduled_ns"]) / 1e6 for r in measured if (r["turn"] > 1) == later)
        e2e = statistics.median((r["last_token_ns"] - r["scheduled_ns"]) / 1e6 for r in measured)
        table.append(f"| {key[1:]} | {len(measured)} | {think:.2f} | {answer:.3f} | {len(measured) / 40 * (think + answer):.1f} | {ttft(False):.1f} | "
                     f"{ttft(True):.1f} | {whole(e2e)} | {100 * cached / entered:.1f} % | "
                     f"{100 * stated['prefix']['reported_tokens'] / stated['prefix']['ideal_tokens']:.1f} % |")
    return table


def gaps_met(gaps, pages):
    """The mean gap, in ms, of those that lie over one of `pages`, which are apart."""
    begins = [begin for begin, _ in gaps]
    met = []
    for asked, answered in pages:
        for begin, end in gaps[bisect.bisect_left(begins, asked - LONGEST_GAP_NS):bisect.bisect_right(begins, answered)]:
            if end > asked:
                met.append((end - begin) / 1e6)
    return statistics.fmean(met)


def scrape():
    runs = {}
    for record in lines_of("scrape", "requests"):
        runs.setdefault((record["arm"], record["round"]), []).append(record)
    speed = {arm: [statistics.median((r["last_token_ns"] - r["first_token_ns"]) / 1e6 / (r["output_tokens"] - 1)
                                     for r in runs[arm, round_]) for round_ in range(5)]
             for arm in ("none", "edges", "full")}
    table = ["| the server's page | median TPOT of the runs, ms | against none, pairs |", "|---|---|---|"]
    for arm, title in (("none", "not read"), ("edges", "by its needed names, at the edges of the window"),
                       ("full", "whole, three times a second, by another client")):
        ratio = "–" if arm == "none" else "{:.3f} [{:.3f}, {:.3f}]".format(*paired(speed["none"], speed[arm]))
        table.append(f"| {title} | {', '.join(f'{value:.2f}' for value in speed[arm])} | {ratio} |")
    reads = [(page["asked_ns"], page["answered_ns"], page["bytes"]) for page in lines_of("scrape", "pages")]
    met, elsewhere = [], []
    for round_ in range(5):
        data = lzma.decompress((FOLDER / f"scrape/full-{round_}.chunks.bin.xz").read_bytes())
        gaps = sorted((a, b) for _, instants in read_chunks.blocks(data) for a, b in zip(instants, instants[1:]) if b > a)
        inside = [(asked, answered) for asked, answered, _ in reads if gaps[0][0] < asked < gaps[-1][1] - LONGEST_GAP_NS]
        met.append(gaps_met(gaps, inside))
        elsewhere.append(statistics.fmean(gaps_met(gaps, [(a + shift, b + shift) for a, b in inside])
                                          for shift in range(30_000_000, 330_000_000, 10_000_000)))
    milliseconds = [(answered - asked) / 1e6 for asked, answered, _ in reads]
    return [*table, "",
            f"A whole page ({reads[0][2] / 1000:.0f} kB) took {statistics.median(milliseconds):.1f} ms. The gaps between chunks that lay over one were "
            f"{', '.join(f'{value:.1f}' for value in met)} ms on average, run by run; over the same stretches moved by 30 to 320 ms "
            f"{', '.join(f'{value:.1f}' for value in elsewhere)} ms."]


def calibrated(output):
    """`output`: what `llmsweep calibrate` says of the BF16 side."""
    error = re.search(r"mean absolute error ([\d.]+) %", output)[1]
    rows = re.findall(r"^c=(\d+) \S+ (\w+): measured ([\d.,]+), fitted ([\d.,]+) \(([-+][\d.]+) %\)", output, re.M)
    said = "; ".join(f"{title} {', '.join(f'{off} %' for _, key, _, _, off in rows if key == name)}"
                     for name, title in (("e2e_ms", "E2E"), ("ttft_ms", "TTFT"), ("tpot_ms", "TPOT")))
    return [f"Its mean error over {len(rows)} figures is {error} %. By users: {said}."]


def medians(records, level):
    """E2E, TTFT and TPOT of a level's runs, in ms: the geometric mean of their medians."""
    figures = []
    for of in (lambda r: r["last_token_ns"] - r["sent_ns"], lambda r: r["first_token_ns"] - r["sent_ns"],
               lambda r: (r["last_token_ns"] - r["first_token_ns"]) / (r["output_tokens"] - 1)):
        runs = {}
        for r in records:
            if r["level"] == level and r["phase"] == "measured" and r["outcome"] == "ok":
                runs.setdefault(r["repeat"], []).append(of(r) / 1e6)
        figures.append(statistics.geometric_mean(statistics.median(run) for run in runs.values()))
    return figures


def replay():
    table = ["| users | E2E, ms, measured | replayed | | TTFT, ms, measured | replayed | | TPOT, ms, measured | replayed | |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    measured, replayed = lines_of("bf16", "requests"), lines_of("replay", "requests")
    for users in sorted({r["level"] for r in replayed}):
        cells = []
        for a, b, digits in zip(medians(measured, users), medians(replayed, users), (0, 0, 2)):
            cells += [f"{a:,.{digits}f}", f"{b:,.{digits}f}", f"{b / a - 1:+.1%}".replace("%", " %")]
        table.append(f"| {users} | {' | '.join(cells)} |")
    return table
