#!/usr/bin/env python3
"""Makes tokenizer.json, the byte-level BPE with which the tests of exact lengths run everywhere.

usage: train.py [--check]

Learned from datasets/sharegpt-sample.json, which was written for this project, so the vocabulary
is under the project's own licence. Nothing is drawn and every tie is broken by the bytes: the same
sample gives the same file on every machine. --check writes nothing and fails if the file that is
there differs. A new vocabulary needs new oracles: oracle.py, in this folder.
"""
import collections
import heapq
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLE = os.path.join(HERE, "..", "..", "..", "datasets", "sharegpt-sample.json")
FILE = os.path.join(HERE, "tokenizer.json")
PIPELINES = os.path.join(HERE, "pipelines.json")
TOKENS = 8192  # without the added ones

# Llama 3's pattern as far as Python's re can say it; only the learning depends on the difference.
LETTER = r"[^\W\d_]"
PIECE = re.compile(rf"(?i:'s|'t|'re|'ve|'m|'ll|'d)|(?:[^\r\n\w]|_)?{LETTER}+|\d{{1,3}}"
                   rf"| ?(?:[^\s\w]|_)+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")

# One of each kind: special, not special but normalized, and such as swallow space beside them.
ADDED = [{"content": "<|endoftext|>", "special": True},
         {"content": "<|im_start|>", "special": True},
         {"content": "<|im_end|>", "special": True},
         {"content": "<|fim_prefix|>", "special": True, "rstrip": True},
         {"content": "<|fim_suffix|>", "special": True, "lstrip": True},
         {"content": "<think>", "normalized": True},
         {"content": "</think>", "normalized": True},
         {"content": "[INST]", "single_word": True}]


def byte_alphabet():
    """GPT-2's letter for each byte."""
    printable = [*range(0x21, 0x7f), *range(0xa1, 0xad), *range(0xae, 0x100)]
    letters = {byte: chr(byte) for byte in printable}
    for byte in range(256):
        letters.setdefault(byte, chr(256 + byte - sum(1 for b in printable if b < byte)))
    return letters


def pieces_of_the_sample():
    counts = collections.Counter()
    with open(SAMPLE, encoding="utf-8") as file:
        for record in json.load(file):
            for turn in record["conversations"]:
                counts.update(PIECE.findall(turn["value"]))
    return counts


def learn(counts, wanted):
    """The merges, best first: most frequent pair, on a tie the one with the smaller bytes."""
    words = [[bytes([b]) for b in piece.encode()] for piece in counts]
    times = list(counts.values())
    frequency = collections.Counter()
    where = collections.defaultdict(set)
    for index, word in enumerate(words):
        for pair in zip(word, word[1:]):
            frequency[pair] += times[index]
            where[pair].add(index)
    queue = [(-count, pair) for pair, count in frequency.items()]
    heapq.heapify(queue)
    known = {bytes([b]) for b in range(256)}
    merges = []
    while len(known) < wanted:
        count, pair = heapq.heappop(queue)
        if frequency[pair] != -count:
            continue  # an entry from before another merge; the right one is in the queue too
        joined = pair[0] + pair[1]
        merges.append(pair)
        known.add(joined)
        changed = set()
        for index in where.pop(pair):
            word = words[index]
            for old in zip(word, word[1:]):
                frequency[old] -= times[index]
                changed.add(old)
            at = 0
            while at + 1 < len(word):
                if (word[at], word[at + 1]) == pair:
                    word[at:at + 2] = [joined]
                at += 1
            for new in zip(word, word[1:]):
                frequency[new] += times[index]
                where[new].add(index)
                changed.add(new)
        for other in changed:
            if frequency[other] > 0:
                heapq.heappush(queue, (-frequency[other], other))
    return merges


def tokenizer_json():
    letters = byte_alphabet()
    text = lambda token: "".join(letters[byte] for byte in token)
    merges = learn(pieces_of_the_sample(), TOKENS)
    vocabulary = dict.fromkeys([*sorted(letters.values()), *(text(a + b) for a, b in merges)])
    vocabulary = {token: index for index, token in enumerate(vocabulary)}
    added = [{"id": TOKENS + index, "single_word": False, "lstrip": False, "rstrip": False,
              "normalized": False, "special": False, **token} for index, token in enumerate(ADDED)]
    with open(PIPELINES, encoding="utf-8") as file:
        pipeline = json.load(file)["llama3"]
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
             "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
             "ignore_merges": True, "vocab": vocabulary,
             "merges": [f"{text(a)} {text(b)}" for a, b in merges]}
    return json.dumps({"version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
                       **pipeline, "post_processor": None,
                       "decoder": {"type": "ByteLevel", "add_prefix_space": True,
                                   "trim_offsets": True, "use_regex": True},
                       "model": model}, ensure_ascii=False, indent=0) + "\n"


def main():
    made = tokenizer_json()
    if sys.argv[1:] == ["--check"]:
        with open(FILE, encoding="utf-8") as file:
            if file.read() != made:
                sys.exit(f"{FILE} is not what {sys.argv[0]} makes of the sample: run it, then "
                         "oracle.py")
        return
    with open(FILE, "w", encoding="utf-8") as file:
        file.write(made)


if __name__ == "__main__":
    main()
