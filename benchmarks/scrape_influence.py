#!/usr/bin/env python3
"""What reading a server's metrics does to what is measured: with and without, and gap by gap.

    scrape_influence.py LLMSWEEP [--url URL] [--every 1s] [--rounds 8] [--concurrency 8]
                        [--output-tokens 200] [--block 30ms] [--requests 10]

1. `llmsweep versus` of one system in pairs: side a reads no page, side b the server's page at the
   edges of each run's window and every --every inside it. Printed: b / a of each figure with the
   95 % interval between pairs. An interval with 1 in it shows no influence.
2. The gaps between chunks of side b (chunks.bin) that overlap the reading of a page, against the
   same gaps with the pages shifted in time: a page meets long gaps more often than short ones, and
   so do shifted ones. Printed: the mean excess of a gap, with the 95 % interval between runs
   (Student's t), and the share of the time in which a page was being read.

Without --url against a simulated endpoint of its own process, whose page stands it for --block (0ms:
not at all), as rendering stands the event loop of a Python server: what is to be found is known.
"""
import argparse
import bisect
import json
import math
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "python"))
from read_chunks import blocks  # noqa: E402

PROFILE = """engine: {{step: {{base_ms: 8, per_sequence_us: 50}}, max_batch_size: 64}}
wire: {{metrics_block: {block}}}
"""
SPEC = """name: influence
system: {{gpus: 1}}
endpoint: {{url: "{url}"}}
workload: {{dataset: random, input_tokens: 200, output_tokens: {output}, output_lengths: about}}
load: {{concurrency: [{concurrency}], requests_per_slot: {requests}, repeats: 1}}
client: {{record_chunks: true}}
"""
FIGURES = {"e2e_p50_ms": "median E2E", "ttft_p50_ms": "median TTFT", "tpot_p50_ms": "median TPOT",
           "itl_p50_ms": "median ITL", "throughput_tps": "throughput"}
T975 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
        2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086]
SHIFTS = 200


def student(values):
    """The mean and half of its 95 % interval; None: a single value has none."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return mean, None
    t = T975[min(len(values) - 2, len(T975) - 1)]
    return mean, t * statistics.stdev(values) / math.sqrt(len(values))


def run_pairs(program, folder, url, options):
    """Measures the pairs; the folder of the two sides."""
    (folder / "spec.yaml").write_text(SPEC.format(url=url, output=options.output_tokens,
                                                  concurrency=options.concurrency,
                                                  requests=options.requests), encoding="utf-8")
    done = subprocess.run([program, "versus", folder / "spec.yaml", folder / "spec.yaml",
                           "--rounds", str(options.rounds), "--out", folder / "out",
                           "--set-a", "endpoint.metrics=off", "--set-a", "name=without",
                           "--set-b", f"endpoint.metrics_every={options.every}", "--set-b", "name=with"],
                          capture_output=True, text=True, check=False)
    found = list((folder / "out").glob("*/versus.json"))
    if not found:
        sys.exit(f"versus failed with exit code {done.returncode}:\n{done.stderr}")
    for line in done.stderr.splitlines():
        if "metrics:" in line:
            print(line)
    return found[0].parent


def print_pairs(folder):
    comparison = json.loads((folder / "versus.json").read_text(encoding="utf-8"))["comparison"]
    print("\nwith reading / without, 95 % interval between pairs:")
    level = comparison["levels"][0]
    for key, title in FIGURES.items():
        row = level.get(key)
        if not row or not row.get("ci95"):
            print(f"  {title:14} no figure that can be compared (the client was late, or a side has none)")
            continue
        low, high = row["ci95"]
        verdict = "no influence shown" if low <= 1 <= high else "INFLUENCE"
        print(f"  {title:14} {row['ratio']:.4f} [{low:.4f}, {high:.4f}]  {verdict}")


def pages_of(side):
    """(level, repeat) -> [(asked, answered)] in ns, of the window."""
    pages = {}
    with open(side / "telemetry.jsonl", encoding="utf-8") as file:
        for line in file:
            page = json.loads(line)
            if page["moment"] in ("start", "between", "end"):
                run = (page["level"], page["repeat"])
                pages.setdefault(run, []).append((page["asked_ns"], page["answered_ns"]))
    return pages


def gaps_of(side):
    """(level, repeat) -> [(from, to)] in ns, sorted."""
    gaps = {}
    with open(side / "chunks.bin", "rb") as file:
        for (level, repeat, _), instants in blocks(file.read()):
            gaps.setdefault((level, repeat), []).extend(
                (a, b) for a, b in zip(instants, instants[1:]) if b > a)
    return {run: sorted(found) for run, found in gaps.items()}


def mean_overlapping(gaps, starts, longest, pages):
    """The mean length, ms, of the gaps in which a page was being read; None: there are none."""
    lengths = []
    for asked, answered in pages:
        for i in range(bisect.bisect_left(starts, asked - longest), bisect.bisect_right(starts, answered)):
            if gaps[i][1] > asked:
                lengths.append((gaps[i][1] - gaps[i][0]) / 1e6)
    return statistics.fmean(lengths) if lengths else None


def print_gaps(side):
    pages, gaps = pages_of(side), gaps_of(side)
    draw = random.Random(1)
    excess, usual, read, spans = [], [], 0, 0
    for run, own in sorted(pages.items()):
        found = gaps.get(run, [])
        inside = [page for page in own if found and found[0][0] <= page[0] and page[1] <= found[-1][1]]
        if not inside:
            continue
        starts = [gap[0] for gap in found]
        longest = max(b - a for a, b in found)
        begin, length = found[0][0], found[-1][1] - found[0][0]
        spans += length
        read += sum(b - a for a, b in inside)
        shifted = []
        for _ in range(SHIFTS):
            by = draw.randrange(length)
            moved = [(begin + (a - begin + by) % length, b - a) for a, b in inside]
            mean = mean_overlapping(found, starts, longest, [(a, a + took) for a, took in moved])
            if mean is not None:
                shifted.append(mean)
        here = mean_overlapping(found, starts, longest, inside)
        if here is None or not shifted:
            continue
        usual.append(statistics.fmean(shifted))
        excess.append(here - usual[-1])
    if not excess:
        sys.exit("no page was read while chunks came: make the runs longer, or --every shorter")
    mean, half = student(excess)
    print(f"\ngaps between chunks while a page is read, over {len(excess)} runs: "
          f"{statistics.fmean(usual):.2f} ms with the pages shifted in time, and {mean:+.2f} ms with them "
          f"where they were" + (f" [{mean - half:+.2f}, {mean + half:+.2f}]" if half is not None else "") +
          f"; a page was being read {100 * read / spans:.2f} % of the time")
    if half is not None:
        print("  " + ("no influence shown" if abs(mean) <= half else "INFLUENCE" if mean > 0 else
                      "pages come in the server's quiet moments: nothing can be said"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--url")
    parser.add_argument("--every", default="1s")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--requests", type=int, default=10)
    parser.add_argument("--output-tokens", type=int, default=200)
    parser.add_argument("--block", default="0ms")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        endpoint = None
        url = options.url
        if url is None:
            (folder / "profile.yaml").write_text(PROFILE.format(block=options.block), encoding="utf-8")
            endpoint = subprocess.Popen([options.program, "simulate", folder / "profile.yaml", "--port", "0"],
                                        stdout=subprocess.PIPE, text=True)
            url = endpoint.stdout.readline().strip()
        try:
            sides = run_pairs(options.program, folder, url, options)
        finally:
            if endpoint is not None:
                endpoint.terminate()
                endpoint.wait()
        print_pairs(sides)
        print_gaps(sides / "b")


main()
