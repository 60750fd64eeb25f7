"""What users with sessions did, computed anew from a run's records: docs/metrics.md, "Users"."""

import math


def turns_of(records):
    """Of each session (run and number) its requests by turn."""
    sessions = {}
    for r in records:
        if "session" in r:
            sessions.setdefault((r["repeat"], r["session"]), []).append(r)
    return {key: sorted(turns, key=lambda r: r["turn"]) for key, turns in sessions.items()}


def ms(later, earlier):
    return (later - earlier) / 1e6


def origin_of(r):
    return r["scheduled_ns" if is_of_trace(r) else "sent_ns"]


def is_of_trace(r):
    return (r.get("load_point") or "").startswith("t")


def e2e_of(r):
    return None if r["last_token_ns"] is None else ms(r["last_token_ns"], origin_of(r))


def ttft_of(r):
    buffered = r["first_token_ns"] == r["last_token_ns"] and (r["streamed_tokens"] or r["output_tokens"]) > 1
    return None if r["first_token_ns"] is None or buffered else ms(r["first_token_ns"], origin_of(r))


def is_measured(r):
    return r["phase"] == "measured"


def prefix_of(sessions):
    sums = dict.fromkeys(
        ("input_tokens", "ideal_tokens", "reported_tokens", "leaked_tokens", "first_turn_tokens"), 0
    )
    known = False
    for turns in sessions.values():
        for i, r in enumerate(turns):
            if is_of_trace(r) or not is_measured(r) or r["cached_tokens"] is None or r["input_tokens"] is None:
                continue
            follows = i > 0 and turns[i - 1]["turn"] + 1 == r["turn"]
            if follows and turns[i - 1]["input_tokens"] is None:
                continue
            known = True
            sums["input_tokens"] += r["input_tokens"]
            if not follows:
                sums["first_turn_tokens"] += r["cached_tokens"]
                continue
            ideal = min(turns[i - 1]["input_tokens"], r["input_tokens"])
            sums["ideal_tokens"] += ideal
            sums["reported_tokens"] += r["cached_tokens"]
            sums["leaked_tokens"] += max(0, r["cached_tokens"] - ideal - 64)
    return sums if known else None


def buckets_of(ok):
    """(from, to, its requests) of turn 1, 2, 3 to 4, … and of all later ones."""
    buckets, first, to = [], 1, 1
    last = max((r["turn"] for r in ok), default=0)
    while first <= last:
        buckets.append((first, to, [r for r in ok if first <= r["turn"] <= to]))
        first, to = to + 1, to * 2
    buckets = [bucket for bucket in buckets if bucket[2]]
    if last > 2:
        buckets.append((2, 0, [r for r in ok if r["turn"] > 1]))
    return buckets


def figures_of(records):
    """(numbers, distributions by name, prefix, buckets) that the records say by themselves."""
    sessions = turns_of(records)
    measured = [r for r in records if is_measured(r)]
    broken = [r for r in measured if r["outcome"] != "ok"]
    whole = [
        turns
        for turns in sessions.values()
        if is_measured(turns[-1])
        and turns[-1]["outcome"] == "ok"
        and turns[-1]["turn"] == turns[-1]["turns_planned"] == len(turns)
    ]
    numbers = {
        "ended": len(whole),
        "broken": len(broken),
        "turns_not_sent": sum(r["turns_planned"] - r["turn"] for r in broken),
    }
    samples = {
        "duration_ms": [ms(turns[-1]["end_ns"], turns[0]["sent_ns"]) for turns in whole],
        "waiting_ms": [math.fsum(e2e_of(r) or 0 for r in turns) for turns in whole],
        "ttft_sum_ms": [math.fsum(ttft_of(r) or 0 for r in turns) for turns in whole],
    }
    ok = [r for r in measured if r["outcome"] == "ok"]
    return numbers, samples, prefix_of(sessions), buckets_of(ok)


def means_of_trace(records, length):
    """Means and rate of the measured turns of one run of a trace, over `length` s."""
    measured = [r for r in records if is_measured(r)]
    thoughts = [r["think_ns"] / 1e9 for r in measured if "think_ns" in r]
    response = math.fsum(ms(r["end_ns"], r["scheduled_ns"]) for r in measured) / 1e3
    return {
        "think_mean_s": math.fsum(thoughts) / len(thoughts) if thoughts else None,
        "response_mean_s": response / len(measured) if measured else None,
        "turns_rps": len(measured) / length if measured else None,
        "users_by_law": None,
        "law_noise": None,
    }


def law_of(records, begin, end, users):
    """Means, rate and users of the measured turns of one run."""
    measured = [r for r in records if is_measured(r)]
    if not measured:
        return {}
    length = (end - begin) / 1e9
    think = math.fsum(r.get("think_ns", 0) for r in measured) / 1e9
    response = math.fsum(ms(r["end_ns"], r["scheduled_ns"]) for r in measured) / 1e3
    cycles = [(r.get("think_ns", 0) / 1e9, ms(r["end_ns"], r["scheduled_ns"]) / 1e3) for r in measured]
    total = math.fsum(z + a for z, a in cycles)
    mean = math.fsum((z * z - a * a) / 2 for z, a in cycles) / total
    square = math.fsum((z**3 + a**3) / 3 for z, a in cycles) / total
    return {
        "law_noise": math.sqrt(2 * max(0.0, square - mean * mean) / users) / length,
        "think_mean_s": think / len(measured),
        "response_mean_s": response / len(measured),
        "turns_rps": len(measured) / length,
        "users_by_law": (think + response) / length,
    }
