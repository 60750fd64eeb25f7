#!/usr/bin/env python3
"""Recomputes the numbers in tests/stats/reference.json from sources that are not ours.

NumPy (percentiles), SciPy (normal, Student, Welch, isotonic regression), exact rational arithmetic
(binomial ranks) and the closed-testing definition (Holm). The C++ tests compare llmsweep with the
same file. Without arguments: compares, exit 0 or 1; where NumPy or SciPy is missing, exit 77.
--write makes the file anew.
"""

import itertools
import json
import math
import pathlib
import random
import sys
from fractions import Fraction

PATH = pathlib.Path(__file__).resolve().parent.parent / "stats" / "reference.json"

try:
    import numpy
    import scipy
    from scipy import optimize, stats
except ImportError as missing:
    print(f"SKIPPED: nightly: {missing}; the stored numbers stay unchecked here", file=sys.stderr)
    sys.exit(77)
if not hasattr(stats.ttest_ind([0, 1], [2, 3]), "confidence_interval"):  # since 1.11
    print(f"SKIPPED: nightly: SciPy {scipy.__version__} is too old", file=sys.stderr)
    sys.exit(77)


def samples(source, count, sigma=0.5):
    return [round(math.exp(source.gauss(2, sigma)), 6) for _ in range(count)]


def inputs():
    source = random.Random(20261122)
    percentile_samples = [samples(source, n) for n in (1, 2, 3, 7, 20, 101, 300)]
    rank_sizes = [5, 6, 7, 10, 20, 35, 36, 37, 50, 71, 72, 100, 299, 300, 367, 368, 500]
    return {
        "percentile": [
            {"values": values, "p": p}
            for values in percentile_samples
            for p in (0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1)
        ],
        "ranks": [
            {"samples": n, "p": p, "confidence": confidence}
            for n in rank_sizes
            for p in (0.5, 0.9, 0.95, 0.99)
            for confidence in (0.9, 0.95)
        ],
        "large_ranks": [
            {"samples": n, "p": p, "confidence": 0.95}
            for n in (10_000, 1_000_000)
            for p in (0.5, 0.99, 0.999)
        ],
        "normal_quantile": [{"p": p} for p in (1e-6, 0.025, 0.2, 0.5, 0.9, 0.975, 0.9995)],
        "student": [
            {"p": p, "degrees": degrees}
            for p in (0.005, 0.025, 0.4, 0.9, 0.975)
            for degrees in (1, 2, 2.7, 4, 8, 31.5, 500)
        ],
        "student_interval": [
            {"values": samples(source, n, 0.02), "confidence": confidence}
            for n in (2, 3, 5, 12)
            for confidence in (0.9, 0.95, 0.99)
        ],
        "welch": [
            {"first": samples(source, n, 0.02), "second": samples(source, m, 0.04)}
            for n, m in ((2, 2), (3, 3), (3, 5), (5, 3), (10, 4))
        ],
        "holm": [
            {"p_values": [round(source.random() ** 3, 6) for _ in range(n)]}
            for n in (1, 2, 3, 5, 8)
        ] + [{"p_values": [0.01, 0.01, 0.04, 0.9, 1.0]}],
        "isotonic": [
            {
                "values": [round(i + source.gauss(0, noise), 4) for i in range(n)],
                "weights": [round(source.uniform(0.5, 20), 3) for _ in range(n)],
            }
            for n in (1, 2, 6, 15, 40)
            for noise in (0.5, 5)
        ],
    }


def exact_ranks(samples, p, confidence):
    """Fractions only: the largest low with P(B < low) and the smallest high with P(B >= high)
    both at most (1 - confidence) / 2."""
    p = Fraction(str(p))
    tail = (1 - Fraction(str(confidence))) / 2
    mass = [math.comb(samples, k) * p**k * (1 - p) ** (samples - k) for k in range(samples + 1)]
    low, below = 0, Fraction(0)
    while below + mass[low] <= tail:
        below += mass[low]
        low += 1
    from_top, above = 0, Fraction(0)
    while above + mass[samples - from_top] <= tail:
        above += mass[samples - from_top]
        from_top += 1
    return [low, samples + 1 - from_top] if low and from_top else None


def scipy_ranks(samples, p, confidence):
    tail = (1 - confidence) / 2
    binomial = stats.binom(samples, p)
    low = int(binomial.ppf(tail))
    low = low + 1 if binomial.cdf(low) <= tail else low
    high = int(binomial.isf(tail)) + 1
    return [low, high]


def closed_testing(p_values):
    """Holm's adjusted p by its meaning: the largest Bonferroni p over all sets with the hypothesis."""
    everyone = range(len(p_values))
    sets = [s for n in range(1, len(p_values) + 1) for s in itertools.combinations(everyone, n)]
    return [
        max(min(1.0, len(s) * min(p_values[j] for j in s)) for s in sets if i in s)
        for i in everyone
    ]


def student_interval(values, confidence):
    mean = numpy.mean(values)
    return list(map(float, stats.t.interval(confidence, len(values) - 1, loc=mean,
                                            scale=stats.sem(values))))


def welch(first, second):
    test = stats.ttest_ind(second, first, equal_var=False)
    interval = test.confidence_interval(0.95)
    return {
        "difference": float(numpy.mean(second) - numpy.mean(first)),
        "degrees": float(test.df),
        "p_value": float(test.pvalue),
        "interval": [float(interval.low), float(interval.high)],
    }


EXPECTED = {
    "percentile": lambda values, p: float(numpy.percentile(values, 100 * p)),
    "ranks": exact_ranks,
    "large_ranks": scipy_ranks,
    "normal_quantile": lambda p: float(stats.norm.ppf(p)),
    "student": lambda p, degrees: float(stats.t.ppf(p, degrees)),
    "student_interval": student_interval,
    "welch": welch,
    "holm": closed_testing,
    "isotonic": lambda values, weights: list(
        map(float, optimize.isotonic_regression(values, weights=weights).x)),
}


def close(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(close(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(close, a, b))
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def main():
    if sys.argv[1:] == ["--write"]:
        cases = inputs()
        for kind, rows in cases.items():
            for row in rows:
                row["expected"] = EXPECTED[kind](**row)
        body = ",\n".join(
            f'  "{kind}": [\n    ' + ",\n    ".join(json.dumps(row) for row in rows) + "\n  ]"
            for kind, rows in cases.items())
        PATH.write_text("{\n" + body + "\n}\n")
        return 0
    wrong = 0
    checked = 0
    for kind, rows in json.loads(PATH.read_text()).items():
        for row in rows:
            expected = row.pop("expected")
            recomputed = EXPECTED[kind](**row)
            checked += 1
            if not close(expected, recomputed):
                wrong += 1
                print(f"{kind} {row}: stored {expected}, recomputed {recomputed}")
    print(f"{checked} stored numbers, {wrong} differ (SciPy {scipy.__version__})")
    return 1 if wrong or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
