#!/usr/bin/env python3
"""Computes from the tools' own per-request data what an import of these files has to give.

    expected.py            compares with expected.json; exits 1 with a line for each difference
    expected.py --write    writes expected.json

Shares no code with llmsweep; definitions are docs/metrics.md's.
"""

import json
import math
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent


def percentile(values, p):
    ordered = sorted(values)
    at = (len(ordered) - 1) * p
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def figures(requests):
    """requests: {start (s) or None, e2e, ttft (ms), tokens}"""
    e2e = [r["e2e"] for r in requests]
    tpot = [(r["e2e"] - r["ttft"]) / (r["tokens"] - 1) for r in requests if r["tokens"] > 1]
    answer = {
        "completed": len(requests),
        "e2e_p50": percentile(e2e, 0.5),
        "e2e_p90": percentile(e2e, 0.9),
        "e2e_mean": math.fsum(e2e) / len(e2e),
        "ttft_p50": percentile([r["ttft"] for r in requests], 0.5),
        "tpot_p50": percentile(tpot, 0.5),
        "output_tokens_mean": sum(r["tokens"] for r in requests) / len(requests),
    }
    if all(r["start"] is not None for r in requests):
        first = min(r["start"] for r in requests)
        last = max(r["start"] + r["e2e"] / 1e3 for r in requests)
        answer["output_throughput"] = sum(r["tokens"] for r in requests) / (last - first)
    return answer


def read(name):
    return json.loads((HERE / name).read_text(encoding="utf-8"))


def aiperf(concurrency):
    lines = (HERE / f"aiperf/concurrency_{concurrency}/profile_export.jsonl").read_text().splitlines()
    requests = []
    for line in map(json.loads, lines):
        metrics = line["metrics"]
        assert line.get("error") is None and metrics["request_latency"]["unit"] == "ms"
        requests.append(
            {
                "start": line["metadata"]["request_start_ns"] / 1e9,
                "e2e": metrics["request_latency"]["value"],
                "ttft": metrics["time_to_first_token"]["value"],
                "tokens": metrics["usage_completion_tokens"]["value"],
            }
        )
    return figures(requests)


def guidellm(index):
    requests = []
    for r in read("guidellm/benchmarks.json")["benchmarks"][index]["requests"]["successful"]:
        times = r["info"]["timings"]
        requests.append(
            {
                "start": times["request_start"],
                "e2e": (times["last_token_iteration"] - times["request_start"]) * 1e3,
                "ttft": (times["first_token_iteration"] - times["request_start"]) * 1e3,
                "tokens": r["output_metrics"]["text_tokens"],
            }
        )
    return figures(requests)


def genai_bench(concurrency):
    name = f"genai-bench/D50_20_text-to-text_num_concurrency_{concurrency}_time_1s.json"
    data = read(name)
    assert data["_time_unit"] == "s"
    requests = [
        {"start": None, "e2e": r["e2e_latency"] * 1e3, "ttft": r["ttft"] * 1e3, "tokens": r["num_output_tokens"]}
        for r in data["individual_request_metrics"]
        if r["error_code"] is None
    ]
    answer = figures(requests)
    tokens = sum(r["tokens"] for r in requests)
    answer["output_throughput"] = tokens / data["aggregated_metrics"]["run_duration"]
    return answer


def vllm(concurrency):
    data = read(f"vllm/c{concurrency}.json")
    return figures(
        [
            {"start": start, "e2e": e2e * 1e3, "ttft": ttft * 1e3, "tokens": tokens}
            for start, e2e, ttft, tokens in zip(
                data["start_times"], data["latencies"], data["ttfts"], data["output_lens"]
            )
        ]
    )


def sglang(concurrency):
    data = read(f"sglang/c{concurrency}.jsonl")
    answer = figures(
        [
            {"start": None, "e2e": (ttft + math.fsum(gaps)) * 1e3, "ttft": ttft * 1e3, "tokens": tokens}
            for ttft, gaps, tokens in zip(data["ttfts"], data["itls"], data["output_lens"])
        ]
    )
    answer["output_throughput"] = sum(data["output_lens"]) / data["duration"]
    return answer


def main():
    computed = {
        "aiperf": {"2": aiperf(2), "4": aiperf(4)},
        "guidellm": {"2": guidellm(0), "4": guidellm(1)},
        "genai-bench": {"2": genai_bench(2), "4": genai_bench(4)},
        "vllm": {"2": vllm(2), "4": vllm(4)},
        "sglang": {"2": sglang(2), "4": sglang(4)},
    }
    path = HERE / "expected.json"
    if "--write" in sys.argv:
        path.write_text(json.dumps(computed, indent=1) + "\n", encoding="utf-8")
        return 0
    stored = json.loads(path.read_text(encoding="utf-8"))
    bad = 0
    for tool, levels in computed.items():
        for level, values in levels.items():
            for name, value in values.items():
                if not math.isclose(value, stored[tool][level][name], rel_tol=1e-12):
                    print(f"{tool} c{level} {name}: {value}, stored {stored[tool][level][name]}")
                    bad += 1
    return 1 if bad or computed.keys() != stored.keys() else 0


if __name__ == "__main__":
    sys.exit(main())
