#!/usr/bin/env python3
"""Reads chunks.bin as docs/result-format.md describes it, and holds it against requests.jsonl.

usage: read_chunks.py FOLDER    (exit code 1 where they differ)
"""
import json
import struct
import sys


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def blocks(data):
    """(level, repeat, index), instants in ns; a last block that was cut short is left out."""
    assert data[:8] == b"LLMSCHK1", "no chunks.bin"
    at = 8
    while at + 4 <= len(data):
        (length,) = struct.unpack_from("<I", data, at)
        at += 4
        if at + length > len(data):
            return
        end = at + length
        level, at = varint(data, at)
        if level == 0:  # of a load that is no concurrency: its name
            size, at = varint(data, at)
            level, at = data[at:at + size].decode(), at + size
        head = [level]
        for _ in range(3):
            value, at = varint(data, at)
            head.append(value)
        instants, now = [], 0
        for _ in range(head[3]):
            step, at = varint(data, at)
            now += step
            instants.append(now)
        assert at == end, f"the block before byte {end} is broken"
        yield tuple(head[:3]), instants


def main():
    folder = sys.argv[1]
    with open(f"{folder}/chunks.bin", "rb") as file:
        chunks = dict(blocks(file.read()))
    requests = superseded = differ = 0
    with open(f"{folder}/requests.jsonl", encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            if record.get("superseded"):
                superseded += 1
                continue
            requests += 1
            instants = chunks.get((record.get("load_point", record["level"]), record["repeat"], record["index"]))
            ends = [instants[0], instants[-1]] if instants else [None, None]
            if (instants is None or len(instants) != record["chunks"]
                    or ends != [record["first_token_ns"], record["last_token_ns"]]):
                differ += 1
    total = sum(map(len, chunks.values()))
    print(f"{requests} requests, {total} chunks, {differ} differ")
    return 1 if differ or not requests <= len(chunks) <= requests + superseded else 0


if __name__ == "__main__":
    sys.exit(main())
