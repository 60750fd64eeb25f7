#!/usr/bin/env python3
"""Holds our medians against the server's own, where it sends timings (llama.cpp does).

    server_timings.py FOLDER...     exits 1 where a median differs by more than 2 ms

Per level: the median time of the prefill and of the decoding, ours from requests.jsonl and the
server's from its own clock in the same requests. The server's prefill starts when a slot takes the
request, which is when llama.cpp sends the response headers: so ours is first byte to first token,
and what comes before (parsing, queueing; part of TTFT) stands beside it.
"""

import json
import statistics
import sys

LIMIT_MS = 2.0


def main(folders):
    worst = 0.0
    print(f"{'level':>24} {'n':>5} {'before':>8} {'prefill':>8} {'server':>8} {'decode':>9} {'server':>9}")
    for folder in folders:
        levels = {}
        with open(f"{folder}/requests.jsonl", encoding="utf-8") as file:
            for line in file:
                record = json.loads(line)
                timed = record["server_decode_us"] is not None
                if record["phase"] == "measured" and record["outcome"] == "ok" and timed:
                    levels.setdefault(record["level"], []).append(record)
        for level, records in sorted(levels.items()):
            before = statistics.median((r["first_byte_ns"] - r["sent_ns"]) / 1e6 for r in records)
            ours = statistics.median(
                (r["first_token_ns"] - r["first_byte_ns"]) / 1e6 for r in records
            )
            prefill = statistics.median(r["server_prefill_us"] / 1e3 for r in records)
            decode = statistics.median(
                (r["last_token_ns"] - r["first_token_ns"]) / 1e6 for r in records
            )
            server = statistics.median(r["server_decode_us"] / 1e3 for r in records)
            name = f"{folder.rstrip('/').rsplit('/', 1)[-1]} c{level}"
            print(
                f"{name:>24} {len(records):5} {before:8.2f} {ours:8.2f} {prefill:8.2f} "
                f"{decode:9.2f} {server:9.2f}"
            )
            worst = max(worst, abs(ours - prefill), abs(decode - server))
    print(f"largest difference of medians: {worst:.2f} ms")
    return 1 if worst > LIMIT_MS or not worst else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
