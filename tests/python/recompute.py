#!/usr/bin/env python3
"""Derives the numbers of result.json from requests.jsonl, by docs/metrics.md alone.

    recompute.py FOLDER     exits 0 where every number agrees, 1 with a line for each that does not
    recompute.py --comparison JSON BASELINE CANDIDATE
                            the same for what `compare --format json` said of two folders

Shares no code with llmsweep. Covers everything in `levels` except the part of `client` that only the
client can know, and the users at each target; of a comparison every ratio with its interval, the
sweep's, the adjusted probabilities and the verdicts.
"""

import bisect
import json
import math
import os
import sys

import recompute_sessions

TOLERANCE = 1e-9
FAILURES = []


def check(where, computed, stated, tolerance=TOLERANCE):
    if computed is None or stated is None:
        if computed is not stated:
            FAILURES.append(f"{where}: computed {computed}, stated {stated}")
        return
    if abs(computed - stated) > tolerance * max(1.0, abs(computed)):
        FAILURES.append(f"{where}: computed {computed!r}, stated {stated!r}")


def percentile(ordered, p):
    """Type 7: linear interpolation between order statistics."""
    h = (len(ordered) - 1) * p
    low = math.floor(h)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (h - low)


def interval_ranks(n, p=0.5, confidence=0.95):
    """1-based ranks with at most (1 - confidence) / 2 binomial probability in each tail."""
    tail = (1 - confidence) / 2
    cumulative, below = [], 0.0
    for k in range(n + 1):
        below += math.comb(n, k) * p**k * (1 - p) ** (n - k)
        cumulative.append(below)
    low = max((r for r in range(1, n + 1) if cumulative[r - 1] <= tail), default=None)
    high = min((r for r in range(1, n + 1) if 1 - cumulative[r - 1] <= tail), default=None)
    return (low, high) if low and high else None


def distribution(values):
    values = sorted(values)
    if not values:
        return None
    answer = {"mean": math.fsum(values) / len(values), "min": values[0], "max": values[-1]}
    for name, p, needed in (("p50", 0.5, 1), ("p90", 0.9, 1), ("p95", 0.95, 1), ("p99", 0.99, 300)):
        answer[name] = percentile(values, p) if len(values) >= needed else None
    ranks = interval_ranks(len(values)) if len(values) < 1000 else None
    if ranks:
        answer["p50_ci95"] = [values[ranks[0] - 1], values[ranks[1] - 1]]
    return answer


def bucket_middle_ms(bucket):
    """docs/result-format.md: below 2048 in units of 125 ns, then 1024 buckets an octave."""
    if bucket < 2048:
        low, width = bucket, 1
    else:
        octave, step = divmod(bucket - 2048, 1024)
        width = 2 ** (octave + 1)
        low = (1024 + step) * width
    return (2 * low + width) * 125 // 2 / 1e6  # truncated to the ns


def histogram_distribution(records, key):
    weights = {}
    for record in records:
        for bucket, weight in record[key]:
            weights[bucket] = weights.get(bucket, 0) + weight
    total = sum(weights.values())
    if not total:
        return None
    middles = sorted((bucket_middle_ms(b), w) for b, w in weights.items())

    def order_statistic(index):
        for middle, weight in middles:
            if index < weight:
                return middle
            index -= weight
        return middles[-1][0]

    def at(p):
        h = (total - 1) * p
        low = math.floor(h)
        a, b = order_statistic(low), order_statistic(min(low + 1, total - 1))
        return a + (b - a) * (h - low)

    answer = {
        "mean": math.fsum(m * w for m, w in middles) / total,
        "min": middles[0][0],
        "max": middles[-1][0],
    }
    for name, p, needed in (("p50", 0.5, 1), ("p90", 0.9, 1), ("p95", 0.95, 1), ("p99", 0.99, 300)):
        answer[name] = at(p) if total >= needed else None
    return answer


def ms(record, later, earlier="sent_ns"):
    if record[later] is None or record[earlier] is None:
        return None
    return (record[later] - record[earlier]) / 1e6


def streamed_tokens(record):
    """Older files have no such key: all of the output was taken for streamed."""
    streamed = record.get("streamed_tokens")
    return record["output_tokens"] if streamed is None else streamed


def point_of(item, closed):
    """A load point's name: `closed` is the key of a concurrency."""
    return item.get("load_point") or f"c{item[closed]}"


def origin_of(record):
    """Where a request's latencies start."""
    return "scheduled_ns" if record.get("load_point", "").startswith(("r", "p", "t")) else "sent_ns"


def ttft(record):
    """All in one read: when the first token came is not known."""
    at_once = record["first_token_ns"] == record["last_token_ns"] and streamed_tokens(record) > 1
    return None if at_once else ms(record, "first_token_ns", origin_of(record))


def tpot(record):
    divisor = streamed_tokens(record) - record["first_chunk_tokens"]
    span = ms(record, "last_token_ns", "first_token_ns")
    return span / divisor if divisor > 0 and span is not None else None


def latencies(records):
    ok = [r for r in records if r["phase"] == "measured" and r["outcome"] == "ok"]
    samples = {
        "e2e_ms": [ms(r, "last_token_ns", origin_of(r)) for r in ok],
        "ttft_ms": [ttft(r) for r in ok],
        "ttfo_ms": [ms(r, "first_answer_token_ns", origin_of(r)) for r in ok],
        "tpot_ms": [tpot(r) for r in ok],
    }
    of_vllm = {  # docs/metrics.md, "Under vLLM's definitions"
        "e2e_ms": [ms(r, "last_choice_ns") for r in ok],
        "ttft_ms": [ms(r, "first_choice_ns") for r in ok],
        "tpot_ms": [
            ms(r, "last_choice_ns", "first_choice_ns") / (r["output_tokens"] - 1)
            for r in ok
            if r["output_tokens"] > 1
        ],
    }
    answer = {name: distribution([v for v in s if v is not None]) for name, s in samples.items()}
    answer["itl_ms"] = histogram_distribution(ok, "itl_hist")
    answer["icl_ms"] = histogram_distribution(ok, "icl_hist")
    if any(v is not None for v in of_vllm["e2e_ms"]):  # of streams
        answer["vllm_definitions"] = {name: distribution(sample) for name, sample in of_vllm.items()}
    return answer


STATISTICS = ("p50", "p90", "p95", "p99", "mean")


def late(record, token):
    """By how much our stamp of the token is later than the kernel's receipt, ms; None: not known."""
    delay = record.get(f"{token}_delay_ns")
    return None if delay is None else delay / 1e6


def first_token_late(record):
    """Chunks that a stall made wait behind the first token: the receipt is that of the last of them."""
    share, merged = late(record, "first_token"), record.get("first_token_merged", 0)
    after = record["chunks"] - 1 - merged
    if share is None or merged == 0 or after <= 0:
        return share
    last = record["last_token_ns"] - (record.get("last_token_delay_ns") or 0)
    received = record["first_token_ns"] - record["first_token_delay_ns"]
    return share + max(0.0, (last - received) / 1e6) * merged / after


def twice(records, metric):
    """The samples from our stamps and from the kernel's arrivals, and how many of the latter there are."""
    ours, kernels, known = [], [], 0
    for r in records:
        if metric == "e2e":
            value, share = ms(r, "last_token_ns", origin_of(r)), late(r, "last_token")
        elif metric == "ttft":
            value, share = ttft(r), first_token_late(r)
        elif metric == "ttfo":
            value, share = ms(r, "first_answer_token_ns", origin_of(r)), late(r, "first_answer_token")
            if r["first_answer_token_ns"] == r["first_token_ns"]:
                share = first_token_late(r)
        else:
            value, share = tpot(r), None
            first, last = late(r, "first_token"), late(r, "last_token")
            divisor = streamed_tokens(r) - r["first_chunk_tokens"]
            if first is not None and last is not None and divisor > 0:
                share = (last - first) / divisor
        if value is not None:
            ours.append(value)
            kernels.append(value - (share or 0))
            known += share is not None
    return ours, kernels, known


def doubts(run, ok):
    """docs/metrics.md, "Is the figure valid?": what is in `validity` of latencies and gaps, without reasons.

    What only the client can know, the delay of its sample of reads, is taken from the run."""
    found, client = set(), run["client"]

    def sampled(metric, statistic, limit, floor, tokens=1.0):
        delay = client.get(f"receive_delay_{statistic}_ms")
        if delay is None:
            delay = client[f"receive_delay_{'p50' if statistic == 'mean' else 'p99'}_ms"]
        figure = run[f"{metric}_ms"][statistic]
        if client["receive_samples"] and figure is not None:
            if delay / tokens > max(floor, limit * figure):
                found.add(f"{metric}:{statistic}")

    for metric in ("e2e", "ttft", "ttfo", "tpot"):
        ours, kernels, known = twice(ok, metric)
        if ours and known >= 0.95 * len(ours):
            ours, kernels = distribution(ours), distribution(kernels)
            for statistic in STATISTICS:
                if ours[statistic] is not None:
                    share = abs(ours[statistic] - kernels[statistic])
                    if share > max(0.05, 0.01 * kernels[statistic]):
                        found.add(f"{metric}:{statistic}")
        else:
            tokens = max(1.0, (run["output_tokens_mean"] or 0) - 1) if metric == "tpot" else 1.0
            for statistic in STATISTICS:
                sampled(metric, statistic, 0.01, 0.05, tokens)
    gaps = sum(weight for r in ok for _, weight in r["icl_hist"])
    left_out = sum(r.get("gaps_left_out", 0) for r in ok)
    check("gaps", gaps + left_out, client["gaps"])
    check("gaps_left_out", left_out, client["gaps_left_out"])
    for metric in ("itl", "icl"):
        for statistic in STATISTICS:
            sampled(metric, statistic, 0.05, 0.1)
            if left_out > 0.01 * (gaps + left_out) and run[f"{metric}_ms"][statistic] is not None:
                found.add(f"{metric}:{statistic}")
    return found


def overlap(a, b, low, high):
    return max(0, min(b, high) - max(a, low))


def tokens_received(records):
    """A request that ended before its usage came has counted chunks: scaled by the others' tokens."""
    counted = [r for r in records if r["outcome"] == "ok" and r["token_source"] != "chunks"]
    chunks = sum(r["chunks"] for r in counted)
    scale = sum(r["output_tokens"] for r in counted) / chunks if chunks else 1
    cut_short = lambda r: r["outcome"] != "ok" and r["token_source"] == "chunks"
    return {id(r): r["output_tokens"] * (scale if cut_short(r) else 1) for r in records}


def tokens_inside(r, received, low, high):
    if r["first_token_ns"] is None:
        return 0
    span = r["last_token_ns"] - r["first_token_ns"]
    if span <= 0:
        return received[id(r)] if low <= r["first_token_ns"] <= high else 0
    share = overlap(r["first_token_ns"], r["last_token_ns"], low, high) / span
    return received[id(r)] * share


SECONDS = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


def seconds(text):
    number = text.rstrip("hmsun")
    return float(number) * SECONDS[text[len(number) :].strip()]


def deviation(values):
    return math.sqrt(moments(values)[1]) if len(values) > 1 else 0.0


def steps_of(load):
    """(begin, end, rate at both) of each step of load.profile, in seconds after the window's begin."""
    steps, begin = [], 0.0
    for step in load.get("profile", []):
        end = begin + seconds(step["for"])
        rates = (step["rate"], step["rate"]) if "rate" in step else (step["from"], step["to"])
        steps.append((begin, end, *rates))
        begin = end
    return steps


def arrivals_until(steps, at):
    """The integral of the profile's rate; beyond its edges the rate is theirs."""
    if at <= 0:
        return at * steps[0][2]
    total = 0.0
    for begin, end, low, high in steps:
        if at <= begin:
            break
        part = min(at, end) - begin
        total += part * (low + (high - low) * part / (end - begin) / 2)
    return total + max(0.0, at - steps[-1][1]) * steps[-1][3]


def window_of(load, start_ns, step=None):
    """(begin, end, when its load began), of the run or of one step of its profile."""
    begin = start_ns + round(seconds(load["warmup"]) * 1e9)
    steps = steps_of(load)
    if step is not None:
        edges = [begin + round(steps[step][i] * 1e9) for i in (0, 1)]
        return *edges, edges[0]
    length = steps[-1][1] if steps else seconds(load["measure"])
    return begin, begin + round(length * 1e9), start_ns


def in_phases(records, begin, end):
    """As if the window were this one."""
    for r in records:
        at = r["scheduled_ns"]
        yield dict(r, phase="warmup" if at < begin else "measured" if at < end else "filler")


def open_loop(records, load, rate, start_ns, step=None):
    """docs/metrics.md, "Rates": the rates of the window, and the state."""
    begin, end, begins = window_of(load, start_ns, step)
    end_of = lambda r: r["end_ns"] if r["end_ns"] is not None else r["scheduled_ns"]
    length = (end - begin) / 1e9
    measured = [r for r in records if r["phase"] == "measured"]
    for r in records:
        phase = "warmup" if r["scheduled_ns"] < begin else "measured" if r["scheduled_ns"] < end else "filler"
        if r["phase"] != phase:
            FAILURES.append(f"{rate}: request {r['index']} is {r['phase']}, scheduled as {phase}")
    inside = lambda at: at is not None and begin <= at < end
    in_flight = lambda at: sum(r["scheduled_ns"] < at <= end_of(r) for r in records)
    received = tokens_received(records)
    tokens = math.fsum(tokens_inside(r, received, begin, end) for r in records)
    served = sum(r["outcome"] == "ok" and inside(r["end_ns"]) for r in records)
    begun = lambda r: r["last_token_ns"] if r["first_token_ns"] is None else r["first_token_ns"]
    first = [
        (begun(r) - r["scheduled_ns"], r["last_token_ns"] - begun(r), r["scheduled_ns"])
        for r in measured
        if r["last_token_ns"] is not None and (ttft(r) is not None or "inputs" in r)
    ]
    built_up, wait, service = begin, 0, math.inf
    if late := sorted(wait for wait, _, at in first if at >= end - (end - begin) // 4):
        shortest = min(wait for wait, _, _ in first)
        service = percentile(sorted(decoding for _, decoding, _ in first), 0.5) + shortest
        wait = percentile(late, 0.5) - shortest
        built_up = min(max(begins + 3 * service, begin), begin + (end - begin) // 2)
    growth = in_flight(end) - in_flight(built_up)
    lengths = [r["planned_output_tokens"] for r in measured]
    mean = math.fsum(lengths) / len(lengths) if lengths else 0
    cs = max(0.25, deviation(lengths) / mean) if mean > 0 else 0.25
    if "trace" in load:  # as it came
        due = sorted(r["scheduled_ns"] for r in records if begin <= r["scheduled_ns"] < end)
        rate = len(due) / length
        gaps = [(b - a) / 1e9 for a, b in zip(due, due[1:])]
        if len(due) >= 3:
            ca = deviation(gaps) / (math.fsum(gaps) / len(gaps))
        else:
            ca = 1
    else:
        arrivals = load["arrivals"]
        ca = {"poisson": 1, "gamma": arrivals["cv"], "constant": 0}[arrivals["process"]]
    since = (end - built_up) / 1e9
    limit = max(2, 2.33 * math.sqrt(rate * since * (ca**2 + cs**2)))
    if "trace" in load and service < math.inf:
        came = lambda at: sum(at - service <= r["scheduled_ns"] < at for r in records)
        limit += came(end) - came(built_up)
    if (steps := steps_of(load)) and service < math.inf:  # what is in flight follows the rate
        first_step = start_ns + round(seconds(load["warmup"]) * 1e9)

        def expected(at):
            after = (at - first_step) / 1e9
            return arrivals_until(steps, after) - arrivals_until(steps, after - service / 1e9)

        limit += expected(end) - expected(built_up)
    state = "overloaded" if growth > limit else "unsettled" if wait > service / 4 else "settled"
    figures = {
        "offered_rps": sum(inside(r["scheduled_ns"]) for r in measured) / length,
        "achieved_rps": sum(inside(r["sent_ns"]) for r in records) / length,
        "served_rps": served / length,
        "growth_rps": growth / since,
        "request_throughput_rps": served / length,
        "steady_output_throughput_tps": tokens / length,
        "output_throughput_tps": tokens / length,
        "achieved_concurrency": sum(
            overlap(r["sent_ns"] or r["scheduled_ns"], end_of(r), begin, end) for r in records
        )
        / (end - begin),
        "wall_seconds": length,
    }
    counted = {
        "window_from_ns": begin,
        "window_to_ns": end,
        "scheduled": sum(inside(r["scheduled_ns"]) for r in measured),
        "sent": sum(inside(r["sent_ns"]) for r in records),
        "waiting_at_end": sum(
            r["scheduled_ns"] < end <= end_of(r)
            and (r["first_token_ns"] is None or r["first_token_ns"] >= end)
            for r in records
        ),
        "growth_limit": limit,
    }
    return figures, counted, state


def rates(records, concurrency, gpus, fillers):
    received = tokens_received(records)
    measured = [r for r in records if r["phase"] == "measured"]
    start = min(r["sent_ns"] or r["scheduled_ns"] for r in measured)
    last = [r["last_token_ns"] for r in measured if r["last_token_ns"] is not None]
    end = max(last) if last else max(r["end_ns"] for r in measured)
    window = (end - start) / 1e9

    answer = {
        "output_throughput_tps": math.fsum(
            tokens_inside(r, received, start, end) for r in records if r["phase"] != "warmup"
        )
        / window
    }
    by_slot = {}
    for r in sorted(records, key=lambda r: (r["sent_ns"] or r["scheduled_ns"], r["index"])):
        by_slot.setdefault(r["slot"], []).append(r)
    occupied = tokens = completed = 0
    held = {}  # a slot that a Retry-After holds counts as taken
    for requests in by_slot.values():
        for before, r in zip([None] + requests, requests):
            if before and before["retry_after_ms"] is not None:
                gap = (r["sent_ns"] or r["scheduled_ns"]) - before["end_ns"]
                held[id(r)] = max(0, min(r["scheduled_ns"] - before["end_ns"], gap))
            if r["phase"] != "measured":
                continue
            begin = r["sent_ns"] or r["scheduled_ns"]
            occupied += r["end_ns"] - begin
            occupied += begin - before["end_ns"] if before else 0
            tokens += received[id(r)]
            completed += r["outcome"] == "ok"
    if fillers:
        steady = concurrency * tokens / (occupied / 1e9)
        answer["steady_output_throughput_tps"] = steady
        answer["request_throughput_rps"] = concurrency * completed / (occupied / 1e9)
        busy = sum(
            overlap((r["sent_ns"] or r["scheduled_ns"]) - held.get(id(r), 0), r["end_ns"], start, end)
            for r in records
        )
        answer["achieved_concurrency"] = busy / (end - start)
        answer["throughput_per_gpu_tps"] = steady / gpus
        median = percentile(sorted(ms(r, "last_token_ns") for r in measured if r["outcome"] == "ok"), 0.5)
        answer["throughput_per_latency"] = steady / median
    return answer


OF_OUTPUT = (
    "output_throughput_tps",
    "steady_output_throughput_tps",
    "throughput_per_gpu_tps",
    "throughput_per_latency",
)


def of_results(figures, ok):
    """docs/metrics.md, "Where nothing is generated": what is left of the rates, and the inputs'."""
    inputs = next((r["inputs"] for r in ok if "inputs" in r), 0)
    if not inputs:
        return figures
    left = {name: None if name in OF_OUTPUT else value for name, value in figures.items()}
    requests = figures.get("request_throughput_rps")
    if requests is not None:
        counted = [r["input_tokens"] for r in ok if r["input_tokens"] is not None]
        left["inputs_per_s"] = requests * inputs
        left["input_throughput_tps"] = requests * math.fsum(counted) / len(counted) if counted else None
    return left


def in_step(records):
    """docs/metrics.md, "In step": the share of the other slots that start with a request, mean."""
    starts = sorted((r["sent_ns"], r["slot"], r) for r in records if r["sent_ns"] is not None)
    counted = [r for _, _, r in starts if r["phase"] == "measured" and r["outcome"] == "ok"]
    slots = max((slot for _, slot, _ in starts), default=0) + 1
    if slots < 2 or not counted:
        return None
    median = percentile(sorted(ms(r, "last_token_ns") for r in counted), 0.5)
    most_ns = 0.025 * median * 1e6
    instants = [at for at, _, _ in starts]
    shares = []
    for r in counted:
        low = bisect.bisect_left(instants, r["sent_ns"] - most_ns)
        high = bisect.bisect_right(instants, r["sent_ns"] + most_ns)
        others = {slot for _, slot, _ in starts[low:high]} - {r["slot"]}
        shares.append(len(others) / (slots - 1))
    return math.fsum(shares) / len(shares)


def compare_distributions(where, computed, stated):
    for name, values in computed.items():
        if name == "vllm_definitions":
            compare_distributions(f"{where}.{name}", values, stated[name])
            continue
        if values is None:
            if stated[name].get("p50") is not None:
                FAILURES.append(f"{where}.{name}: no samples, but a median is stated")
            continue
        for statistic, value in values.items():
            if statistic == "p50_ci95":
                for i in (0, 1):
                    check(f"{where}.{name}.p50_ci95[{i}]", value[i], stated[name]["p50_ci95"][i])
            else:
                check(f"{where}.{name}.{statistic}", value, stated[name][statistic])


def can_be_judged(level, figure):
    """docs/metrics.md, "Is the level valid?": which of its reasons keep a median from being judged."""
    doubts = level.get("validity", {})
    if figure in doubts:
        return False
    named = {reason for reasons in doubts.values() for reason in reasons} & {"client_delay", "gaps_left_out"}
    reasons = set(level["invalid_reasons"]) - named
    if "too_few_requests" in reasons and all(run["e2e_ms"]["count"] for run in level["runs"]):
        reasons.remove("too_few_requests")  # a median needs one
    return not reasons


def geometric_mean(values):
    return math.exp(math.fsum(math.log(v) for v in values) / len(values))


# ---- Student's t without SciPy: the incomplete beta function by its continued fraction.


def beta_fraction(a, b, x):
    tiny, c, d = 1e-300, 1.0, 1.0 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    value = d
    for m in range(1, 500):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 + step * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + step / c
            c = c if abs(c) > tiny else tiny
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


def incomplete_beta(a, b, x):
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1) / (a + b + 2):
        return front * beta_fraction(a, b, x) / a
    return 1 - front * beta_fraction(b, a, 1 - x) / b


def student_upper(t, degrees):
    """P(T > t), t >= 0."""
    return incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t)) / 2


def student_quantile(upper, degrees):
    low, high = 0.0, 1e8
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if student_upper(middle, degrees) > upper else (low, middle)
    return (low + high) / 2


# ---- A comparison, by docs/statistics.md, "A comparison's rows".

STATISTIC_OF = {"e2e_p50_ms": "e2e_ms", "ttft_p50_ms": "ttft_ms", "tpot_p50_ms": "tpot_ms"}
LOWER = set(STATISTIC_OF)
SHOWN = ("throughput_tps", "throughput_per_gpu_tps", *STATISTIC_OF)


def run_value(run, figure, gpus):
    if figure in STATISTIC_OF:
        return run[STATISTIC_OF[figure]]["p50"]
    steady = run["steady_output_throughput_tps"]
    return steady / gpus if figure == "throughput_per_gpu_tps" else steady


def moments(values):
    mean = math.fsum(values) / len(values)
    return mean, math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1)


def welch(a, b, noise):
    """Difference of the mean logs, its interval and its two-sided probability."""
    (mean_a, of_a), (mean_b, of_b) = moments(a), moments(b)
    of_a, of_b = of_a / len(a), of_b / len(b)
    spread = of_a**2 / (len(a) - 1) + of_b**2 / (len(b) - 1)
    degrees = (of_a + of_b) ** 2 / spread if spread > 0 else len(a) + len(b) - 2
    variance = of_a + of_b
    if noise > 0:
        share = variance / (variance + noise**2)
        degrees = min(1e6, degrees / share**2) if share > 0 else 1e6
        variance += noise**2
    error, d = math.sqrt(variance), mean_b - mean_a
    half = student_quantile(0.025, degrees) * error
    probability = 2 * student_upper(abs(d) / error, degrees) if error > 0 else float(d == 0)
    return d, (math.exp(d - half), math.exp(d + half)), probability


def holm(probabilities):
    order = sorted(range(len(probabilities)), key=lambda i: probabilities[i])
    adjusted, largest = [0.0] * len(order), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * probabilities[i]))
        adjusted[i] = largest
    return adjusted


def verdict_of(figure, d, interval, adjusted, min_effect):
    if adjusted > 0.05 or max(interval[1], 1 / interval[0]) < 1 + min_effect:
        return "no_difference_shown"
    return "better" if (d < 0) == (figure in LOWER) else "worse"


def comparison(path, baseline, candidate):
    with open(path, encoding="utf-8") as file:
        (said,) = json.load(file)
    sides = []
    for folder in (baseline, candidate):
        with open(f"{folder}/result.json", encoding="utf-8") as file:
            sides.append(json.load(file))
    noise = math.sqrt(2) * math.log1p(said["session_noise"])
    gpus = [side["system"]["gpus"] for side in sides]
    rows = []  # (where, figure, d, interval, probability, what was said)
    for figure in SHOWN:
        of_sweep = ([], [])  # of each side: a level's logs by repeat
        for level in said["levels"]:
            runs = [
                next(l for l in side["levels"] if l["concurrency"] == level["concurrency"])["runs"]
                for side in sides
            ]
            if level["with_drain"] or not (level["baseline_valid"] and level["candidate_valid"]):
                continue
            if not level[figure] or level[figure]["verdict"] in ("invalid_figure", "runs_lack_it"):
                continue
            logs = [
                {run["repeat"]: math.log(run_value(run, figure, gpus[i])) for run in runs[i]} for i in (0, 1)
            ]
            if min(map(len, logs)) > 1:
                found = welch(list(logs[0].values()), list(logs[1].values()), noise)
                rows.append((f"c{level['concurrency']} {figure}", figure, *found, level[figure]))
            for i in (0, 1):
                of_sweep[i].append(logs[i])
        if len(of_sweep[0]) < 2:
            continue
        means = []
        for levels in of_sweep:
            repeats = set.intersection(*(set(level) for level in levels))
            means.append([math.fsum(level[r] for level in levels) / len(levels) for r in sorted(repeats)])
        if min(map(len, means)) > 1:
            rows.append((f"sweep {figure}", figure, *welch(*means, noise), said["sweep"][figure]))
    check("family.rows", len(rows), said["family"]["rows"])
    for row, adjusted in zip(rows, holm([row[4] for row in rows])):
        where, figure, d, interval, _, stated = row
        check(f"{where}: ratio", math.exp(d), stated["ratio"])
        check(f"{where}: low", interval[0], stated["ci95"][0])
        check(f"{where}: high", interval[1], stated["ci95"][1])
        check(f"{where}: p", adjusted, stated["p_adjusted"])
        verdict = verdict_of(figure, d, interval, adjusted, said["min_effect"])
        if verdict != stated["verdict"] and abs(adjusted - 0.05) > 1e-9:
            FAILURES.append(f"{where}: computed {verdict}, stated {stated['verdict']}")
    for line in FAILURES[:40]:
        print(line)
    print(f"{len(rows)} rows compared, {len(FAILURES)} numbers differ")
    return 1 if FAILURES or not rows else 0


# ---- Users at a target, by docs/statistics.md.


def median_of(level):
    medians = [run["e2e_ms"]["p50"] for run in level["runs"] if run["e2e_ms"]["p50"]]
    return geometric_mean(medians) if len(medians) > 1 else level["e2e_ms"]["p50"]


def confirmed_states(levels, limit_ms):
    """By fresh runs: "passes", "misses" or None, of each level."""
    logs = [[math.log(r["e2e_ms"]["p50"]) for r in l["runs"] if r.get("confirming")] for l in levels]
    states = []
    for of_level in logs:
        state = None
        for look in (n for n in (3, 4, 6, 9) if n <= len(of_level)):
            groups = [group[:look] for group in logs if len(group[:look]) > 1]
            degrees = sum(len(group) - 1 for group in groups)
            variance = math.fsum(moments(group)[1] * (len(group) - 1) for group in groups) / degrees
            half = student_quantile(0.05 / 2 / 4, degrees) * math.sqrt(variance / look)
            mean = math.fsum(of_level[:look]) / look
            if mean + half <= math.log(limit_ms):
                state = "passes"
            elif mean - half > math.log(limit_ms):
                state = "misses"
            if state:
                break
        states.append(state)
    return states


def users_at(levels, limit_ms):
    """The bracket (passing, failing) and whether it is confirmed."""
    states = confirmed_states(levels, limit_ms)
    passing = failing = None
    for level, state in zip(levels, states):
        if state == "misses":
            failing = level["concurrency"]
            break
        if state == "passes":
            passing = level["concurrency"]
    if passing and failing:
        return passing, failing, True
    passing = failing = None
    for level, state in zip(levels, states):
        if state == "misses" or (state is None and median_of(level) > limit_ms):
            failing = level["concurrency"]
            break
        passing = level["concurrency"]
    return passing, failing, False


def users_of(level):
    point = level.get("load_point", "")
    return int(point[1:]) if point.startswith("u") else level["concurrency"]


def check_users(result, gpus):
    for target in result["users_at_target"]:
        if target["metric"] != "e2e" or target["statistic"] != "p50":
            continue
        at = f"at {target['target_ms']} ms"
        levels = [
            dict(level, concurrency=users_of(level))
            for level in sorted(result["levels"], key=lambda level: users_of(level) or 0)
            if users_of(level) and can_be_judged(level, "e2e:p50")
        ]
        passing, failing, confirmed = users_at(levels, target["target_ms"])
        check(f"users {at}", passing or 0, target["users"])
        check(f"users per GPU {at}", (passing or 0) / gpus, target["users_per_gpu"])
        check(f"c_fail {at}", failing, target["c_fail"])
        check(f"confirmed {at}", float(confirmed), float(target.get("confirmed", False)))
        wide = passing and failing and failing > 1.1 * passing
        if wide and "confirmed" in target and target["c_interpolated_ci95"] is not None:
            FAILURES.append(f"{at}: an interval of c_interpolated over {passing} to {failing}")


def check_starts(result, folder):
    """When each run began, from the journal, where it is beside the records."""
    if not os.path.exists(f"{folder}/sweep.jsonl"):
        return
    with open(f"{folder}/sweep.jsonl", encoding="utf-8") as file:
        started = [e for e in map(json.loads, file) if e.get("event") == "run_started"]
    at = {(point_of(e, "level"), e["repeat"]): e["started_ns"] for e in started}  # the last counts
    kept = {(point_of(l, "concurrency"), r["repeat"]) for l in result["levels"] for r in l["runs"]}
    first = min((at[key] for key in kept if key in at), default=None)
    for level in result["levels"]:
        for run in level["runs"]:
            key = (point_of(level, "concurrency"), run["repeat"])
            if run.get("started_s") is not None and key in at:
                check(f"{key[0]}.run{key[1]}.started_s", (at[key] - first) / 1e9, run["started_s"])


def start_of(folder, point, repeat):
    """What the schedule's instants count from, from the journal."""
    with open(f"{folder}/sweep.jsonl", encoding="utf-8") as file:
        ended = [e for e in map(json.loads, file) if e.get("event") == "run_ended"]
    return [e for e in ended if (point_of(e, "level"), e["repeat"]) == (point, repeat)][-1]["open_loop"]["start_ns"]


def check_open(where, records, run, load, rate, start_ns, step=None):
    figures, counted, state = open_loop(records, load, rate, start_ns, step)
    figures = of_results(figures, [r for r in records if r["phase"] == "measured" and r["outcome"] == "ok"])
    stated = run["open_loop"]
    if stated["overload"] != "none":  # its window ends with it
        return
    for name, value in figures.items():
        check(f"{where}.{name}", value, run[name])
    for name, value in counted.items():
        # The service time in it is rounded to a nanosecond, in which 600 requests/s are 6e-7.
        tolerance = 1e-7 if name == "growth_limit" else TOLERANCE
        check(f"{where}.open_loop.{name}", value, stated[name], tolerance)
    if state != stated["state"]:
        FAILURES.append(f"{where}: computed {state}, stated {stated['state']}")


def check_sessions(where, records, stated):
    numbers, samples, prefix, buckets = recompute_sessions.figures_of(records)
    for name, value in numbers.items():
        check(f"{where}.sessions.{name}", value, stated[name])
    compare_distributions(f"{where}.sessions", {n: distribution(v) for n, v in samples.items()}, stated)
    if (prefix is None) != (stated["prefix"] is None):
        FAILURES.append(f"{where}.sessions.prefix: computed {prefix}, stated {stated['prefix']}")
    for name, value in (prefix or {}).items():
        check(f"{where}.sessions.prefix.{name}", value, stated["prefix"][name])
    if [bucket[:2] for bucket in buckets] != [(turns["from"], turns["to"]) for turns in stated["turns"]]:
        FAILURES.append(f"{where}.sessions.turns: {[bucket[:2] for bucket in buckets]} computed")
        return
    for (first, to, requests), turns in zip(buckets, stated["turns"]):
        figures = {
            "ttft_ms": distribution([v for v in map(recompute_sessions.ttft_of, requests) if v is not None]),
            "e2e_ms": distribution([v for v in map(recompute_sessions.e2e_of, requests) if v is not None]),
        }
        compare_distributions(f"{where}.sessions.turns {first} to {to}", figures, turns)


def check_users_run(where, records, run, load, users, start_ns):
    """A run of users: phases, rates of the window, the law and the sessions."""
    begin, end, _ = window_of(load, start_ns)
    length = (end - begin) / 1e9
    starts = {r["slot"]: min(x["index"] for x in records if x["slot"] == r["slot"]) for r in records}
    for r in records:
        primes = r["index"] == starts[r["slot"]] and r["turn"] > 1
        at = r["scheduled_ns"]
        phase = "warmup" if at < begin or primes else "measured" if at < end else "filler"
        if r["phase"] != phase:
            FAILURES.append(f"{where}: request {r['index']} is {r['phase']}, due as {phase}")
    received = tokens_received(records)
    tokens = math.fsum(tokens_inside(r, received, begin, end) for r in records)
    end_of = lambda r: r["end_ns"] if r["end_ns"] is not None else r["scheduled_ns"]
    busy = sum(overlap(r["sent_ns"] or r["scheduled_ns"], end_of(r), begin, end) for r in records)
    law = recompute_sessions.law_of(records, begin, end, users)
    ok = [r for r in records if r["phase"] == "measured" and r["outcome"] == "ok"]
    figures = {
        "steady_output_throughput_tps": tokens / length,
        "request_throughput_rps": len(ok) / length,
        "achieved_concurrency": busy / (end - begin),
        "wall_seconds": length,
    }
    if law:
        figures["littles_law_error"] = abs(law["users_by_law"] / users - 1)
    for name, value in figures.items():
        check(f"{where}.{name}", value, run[name])
    for name, value in law.items():
        if name in run["sessions"]:  # law_noise: not in the first results of users
            check(f"{where}.sessions.{name}", value, run["sessions"][name])
    check_sessions(where, records, run["sessions"])


def check_profile(result, records, folder):
    """Each step of load.profile, as a level whose window it is. How many runs of steps."""
    compared = 0
    for number, step in enumerate(result.get("profile", [])):
        point = point_of(result["levels"][0], "concurrency")
        rate = (step["rate_from"] + step["rate_to"]) / 2
        every = []
        for run in step["level"]["runs"]:
            load = result["spec"]["load"]
            start = start_of(folder, point, run["repeat"])
            begin, end, _ = window_of(load, start, number)
            of_run = list(in_phases((r for r in records if r["repeat"] == run["repeat"]), begin, end))
            every += of_run
            where = f"step {number}.run{run['repeat']}"
            ok = [r for r in of_run if r["phase"] == "measured" and r["outcome"] == "ok"]
            check(f"{where}.completed", len(ok), run["requests"]["completed"])
            if ok and run["open_loop"]["state"] != "overloaded":  # a pause has none
                compare_distributions(where, latencies(of_run), run)
            check_open(where, of_run, run, load, rate, start, number)
            compared += 1
        if any(r["phase"] == "measured" for r in every) and step["level"]["open_loop"]["state"] != "overloaded":
            compare_distributions(f"step {number}", latencies(every), step["level"])
    return compared


def check_costs(where, steady, run, result):
    """What tokens cost and the stated powers use, by docs/cost.md."""
    system = result["system"]
    prices, power, gpus = result.get("prices") or {}, system.get("power") or {}, system.get("gpus")
    total = None
    if run["input_tokens_mean"] and run["output_tokens_mean"]:
        total = steady * (run["input_tokens_mean"] + run["output_tokens_mean"]) / run["output_tokens_mean"]
    hour = prices.get("gpu_hour") if prices.get("source") and prices.get("date") and gpus else None
    kw, provisioned = power.get("node_kw"), power.get("provisioned_kw_per_gpu")
    for key, of, throughput in (
        ("total_throughput_tps", 1, total and 1 / total),
        ("cost_per_million_output_tokens", hour and hour * gpus / 3600 * 1e6, steady),
        ("cost_per_million_tokens", hour and hour * gpus / 3600 * 1e6, total),
        ("node_j_per_output_token", kw and kw * 1000, steady),
        ("provisioned_j_per_output_token", provisioned and gpus and provisioned * 1000 * gpus, steady),
    ):
        if key in run:  # later than the oldest files
            check(f"{where}.{key}", of / throughput if of and throughput else None, run[key])


def main(folder):
    with open(f"{folder}/result.json", encoding="utf-8") as file:
        result = json.load(file)
    with open(f"{folder}/requests.jsonl", encoding="utf-8") as file:
        records = [r for r in map(json.loads, file) if not r["superseded"]]
    gpus = result["system"]["gpus"]
    load = result["spec"]["load"]
    compared = 0
    for level in result["levels"]:
        concurrency = level["concurrency"]
        point = point_of(level, "concurrency")
        of_level = [r for r in records if point_of(r, "level") == point]
        run_rates = []
        for run in level["runs"]:
            where = f"{point}.run{run['repeat']}"
            of_run = [r for r in of_level if r["repeat"] == run["repeat"]]
            measured = [r for r in of_run if r["phase"] == "measured"]
            ok = [r for r in measured if r["outcome"] == "ok"]
            check(f"{where}.completed", len(ok), run["requests"]["completed"])
            check(f"{where}.failed", len(measured) - len(ok), run["requests"]["failed"])
            is_open = run.get("open_loop")
            if not (is_open and is_open["state"] == "overloaded"):
                compare_distributions(where, latencies(of_run), run)
            elif any(run[metric]["p50"] is not None for metric in ("e2e_ms", "ttft_ms", "tpot_ms", "itl_ms")):
                FAILURES.append(f"{where}: overloaded, and has a latency")
            if is_open:
                check_open(where, of_run, run, load, float(point[1:]), start_of(folder, point, run["repeat"]))
                if run.get("sessions") and is_open["state"] != "overloaded":
                    means = recompute_sessions.means_of_trace(of_run, run["wall_seconds"])
                    for name, value in means.items():
                        check(f"{where}.sessions.{name}", value, run["sessions"][name])
                    check_sessions(where, of_run, run["sessions"])
                compared += 1
                continue
            if run.get("sessions"):
                start = start_of(folder, point, run["repeat"])
                check_users_run(where, of_run, run, load, float(point[1:]), start)
                compared += 1
                continue
            if "validity" in run:
                stated = {key for key in run["validity"] if ":" in key}
                computed = doubts(run, ok)
                if computed != stated:
                    FAILURES.append(f"{where}.validity: computed {sorted(computed)}, stated {sorted(stated)}")
            if "in_step" in run:
                check(f"{where}.in_step", in_step(of_run), run["in_step"])
            run_rates.append(of_results(rates(of_run, concurrency, gpus, load["fillers"]), ok))
            for name, value in run_rates[-1].items():
                check(f"{where}.{name}", value, run[name])
            if run_rates[-1].get("steady_output_throughput_tps") is not None:
                check_costs(where, run_rates[-1]["steady_output_throughput_tps"], run, result)
            compared += 1
        is_open = level.get("open_loop")
        if not (is_open and is_open["state"] == "overloaded"):
            compare_distributions(point, latencies(of_level), level)
        if level.get("sessions") and not (is_open and is_open["state"] == "overloaded"):
            check_sessions(point, of_level, level["sessions"])
            continue
        if not is_open and all(run["valid"] for run in level["runs"]):
            for name in ("steady_output_throughput_tps", "output_throughput_tps"):
                if all(run.get(name) is not None for run in run_rates):
                    check(f"c{concurrency}.{name}", geometric_mean([r[name] for r in run_rates]), level[name])
    compared += check_profile(result, records, folder)
    check_users(result, gpus)
    check_starts(result, folder)
    for line in FAILURES[:40]:
        print(line)
    print(f"{compared} runs compared, {len(FAILURES)} numbers differ")
    return 1 if FAILURES or not compared else 0


if __name__ == "__main__":
    if sys.argv[1] == "--comparison":
        sys.exit(comparison(*sys.argv[2:]))
    sys.exit(main(sys.argv[1]))
