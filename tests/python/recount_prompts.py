#!/usr/bin/env python3
"""Recounts exact-length prompts with Hugging Face's tokenizers (PyPI), an independent counter.

usage: recount_prompts.py LLMSWEEP TOKENIZER_DIR [LENGTH:COUNT ...]

For each tokenizer.json in TOKENIZER_DIR, and each length, has LLMSWEEP write COUNT prompts and
counts them again. Prints one line each; exits 1 if any prompt is off, 77 (skipped) where the
package or the files are missing.
"""
import glob
import json
import os
import subprocess
import sys
import tempfile
import time

SPEC = """name: recount
system: {{gpus: 1}}
endpoint: {{url: "http://127.0.0.1:1/v1", model: none}}
workload: {{dataset: {dataset}, input_tokens: {tokens}, output_tokens: 1, seed: {seed},
           tokenizer: {tokenizer}}}
load: {{concurrency: [1]}}
"""
DEFAULT = ["1:10000", "2:10000", "16:10000", "128:10000", "1024:10000", "2400:10000",
           "8192:10000", "131072:100"]


def recount(program, path, counter, tokens, count, dataset):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as spec:
        spec.write(SPEC.format(dataset=dataset, tokens=tokens, seed=1, tokenizer=path))
        spec.flush()
        start = time.monotonic()
        process = subprocess.Popen([program, "prompts", spec.name, "--count", str(count)],
                                   stdout=subprocess.PIPE)
        wrong = seen = 0
        distinct = set()
        batch = []

        def check():
            nonlocal wrong
            for encoding in counter.encode_batch(batch, add_special_tokens=False):
                wrong += len(encoding.ids) != tokens
            batch.clear()

        for line in process.stdout:
            prompt = json.loads(line)
            assert prompt["input_tokens"] == tokens, prompt["input_tokens"]
            seen += 1
            distinct.add(hash(prompt["text"]))
            batch.append(prompt["text"])
            if len(batch) * tokens > 2_000_000 or len(batch) == 512:
                check()
        check()
        if process.wait() != 0:
            sys.exit(f"{program} failed")
    good = wrong == 0 and seen == count and len(distinct) == count
    print(f"{os.path.basename(path):20} {dataset:7} N={tokens:<7} {seen:6} prompts, {wrong} wrong, "
          f"{len(distinct)} distinct, {time.monotonic() - start:.1f} s", flush=True)
    return good


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        import tokenizers
    except ImportError:
        print("skipped: the Python package tokenizers is not installed")
        return 77
    files = [path for path in sorted(glob.glob(os.path.join(sys.argv[2], "*.json")))
             if not path.endswith(".config.json")]
    if not files:
        print(f"skipped: no tokenizer.json in {sys.argv[2]}; scripts/fetch-tokenizer gets some")
        return 77
    good = True
    for path in files:
        counter = tokenizers.Tokenizer.from_file(path)
        for pair in sys.argv[3:] or DEFAULT:
            tokens, count = (int(word) for word in pair.split(":"))
            dataset = "random" if tokens > 100_000 else "sample"
            good = recount(sys.argv[1], path, counter, tokens, count, dataset) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
