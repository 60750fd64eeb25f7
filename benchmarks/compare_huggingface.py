#!/usr/bin/env python3
"""Encoding speed beside Hugging Face's Rust library, one thread, the same documents; of a
tekken.json beside mistral-common (tiktoken).

usage: compare_huggingface.py TOKENIZER_BENCHMARK TOKENIZER_DIR
(needs the PyPI packages tokenizers and, for a tekken.json, mistral-common; TOKENIZER_BENCHMARK is the built program of that name)
"""
import json
import os
import subprocess
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"


def documents():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with open(os.path.join(root, "datasets", "sharegpt-sample.json"), encoding="utf-8") as file:
        texts = [""]
        for record in json.load(file):
            texts[-1] += "".join(turn["value"].strip() + "\n\n" for turn in record["conversations"])
            if len(texts[-1].encode()) > 4096:
                texts.append("")
        return texts


def counter_of(path):
    """The library's name, and what counts the tokens of texts with it."""
    if os.path.basename(path).startswith("tekken"):
        import mistral_common
        from mistral_common.tokens.tokenizers.tekken import Tekkenizer
        known = Tekkenizer.from_file(path)
        return (f"mistral-common {mistral_common.__version__}",
                lambda texts: sum(len(known.encode(text, bos=False, eos=False)) for text in texts))
    import tokenizers
    whole = tokenizers.Tokenizer.from_file(path)
    return (f"Hugging Face {tokenizers.__version__}",
            lambda texts: sum(len(encoding.ids) for encoding in
                              whole.encode_batch_fast(texts, add_special_tokens=False)))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    texts = documents()
    size = sum(len(text.encode()) for text in texts)
    output = subprocess.run(
        [sys.argv[1], "--benchmark_filter=encode", "--benchmark_format=json"],
        env={**os.environ, "LLMSWEEP_TOKENIZER_DIR": sys.argv[2]}, check=True,
        capture_output=True).stdout
    for ours in json.loads(output)["benchmarks"]:
        name = ours["name"].split("/")[1]
        if "bytes_per_second" not in ours:
            continue
        library, count = counter_of(os.path.join(sys.argv[2], name + ".json"))
        best = 1e9
        for _ in range(3):
            start = time.process_time()
            tokens = count(texts)
            best = min(best, time.process_time() - start)
        same = "same tokens" if tokens == round(ours["tokens"]) else f"{tokens} TOKENS THERE"
        here = ours["bytes_per_second"] / 1e6
        there = size / best / 1e6
        print(f"{name:12} llmsweep {here:6.1f} MB/s, {library} "
              f"{there:5.1f} MB/s, ratio {here / there:4.1f}; {same} ({round(ours['tokens'])})")


if __name__ == "__main__":
    main()
