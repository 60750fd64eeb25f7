#!/usr/bin/env python3
"""Simulates what the limits of docs/decisions/0009 call invalid: 300 runs of 200 requests a cell.

    benchmarks/validity_limits.py

Each request has a true latency (normal, sd 5 %) and a delay of the client's. `shift` is what the
delays make of the statistic; the other columns say in how many of 100 runs it is refused: by
1 % or 50 us of the figure itself, by 1 % or 1 ms, and by the rule before (p99 of the delays against
1 % of the median E2E or 1 ms, here with an E2E of 10 times the figure).
"""

import random

RUNS, REQUESTS = 300, 200

CLIENTS = {
    "healthy, 20 us": lambda: random.lognormvariate(-4.0, 0.6),
    "64 in step": lambda: random.uniform(0.005, 0.25),
    "2 % late by 2 ms": lambda: random.lognormvariate(-4.0, 0.6)
    + (random.expovariate(0.5) if random.random() < 0.02 else 0),
    "busy core": lambda: random.lognormvariate(-4.0, 0.6)
    + (random.uniform(0, 4) if random.random() < 0.3 else 0),
    "starved": lambda: random.uniform(0, 6),
}


def percentile(values, p):
    ordered = sorted(values)
    h = (len(ordered) - 1) * p
    low = int(h)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (h - low)


def main():
    random.seed(1)
    print("| client | figure, ms | statistic | shift, ms | 1 % or 50 us | 1 % or 1 ms | before |")
    print("|---|---|---|---|---|---|---|")
    for client, delay in CLIENTS.items():
        for figure in (4, 20, 150, 4000):
            for statistic, p in (("p50", 0.5), ("p99", 0.99)):
                shift, tight, loose, before = 0, 0, 0, 0
                for _ in range(RUNS):
                    true = [max(0.2, random.gauss(figure, 0.05 * figure)) for _ in range(REQUESTS)]
                    delays = [delay() for _ in true]
                    ours = [a + b for a, b in zip(true, delays)]
                    was, is_now = percentile(true, p), percentile(ours, p)
                    shift += (is_now - was) / RUNS
                    tight += is_now - was > max(0.05, 0.01 * was)
                    loose += is_now - was > max(1, 0.01 * was)
                    before += percentile(delays, 0.99) > max(1, 0.01 * 10 * figure)
                share = [round(100 * count / RUNS) for count in (tight, loose, before)]
                print(f"| {client} | {figure} | {statistic} | {shift:.3f} | "
                      f"{share[0]} % | {share[1]} % | {share[2]} % |")


if __name__ == "__main__":
    main()
