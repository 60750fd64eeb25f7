#!/usr/bin/env python3
"""Recounts exact-length prompts with independent counters, from PyPI: tokenizers, tiktoken,
sentencepiece and mistral-common.

usage: recount_prompts.py LLMSWEEP TOKENIZER [LENGTH:COUNT ...]

TOKENIZER is a file or a folder of them: a tokenizer.json is counted by Hugging Face's library, a
tekken*.json by mistral-common, NAME.model by sentencepiece, NAME.tiktoken, where NAME is an encoding of tiktoken's, by tiktoken over the same ranks. For each,
and each length, has LLMSWEEP write COUNT prompts and counts them again. Prints one line each;
exits 1 if any prompt is off, 77 (skipped) where a package or the files are missing.
"""
import base64
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

CHECKED_AT_ONCE = 500_000  # tokens


def hugging_face_counter(path):
    import tokenizers
    tokenizer = tokenizers.Tokenizer.from_file(path)

    def count(texts):
        return [len(encoding.ids)
                for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
    return count


def tiktoken_counter(path):
    import tiktoken
    from tiktoken_ext import openai_public
    with open(path, "rb") as file:
        ranks = {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, file)}
    name = os.path.basename(path).removesuffix(".tiktoken")
    # The encoding's own constructor would download the ranks; its pattern is all that is needed.
    openai_public.load_tiktoken_bpe = lambda *_, **__: ranks
    known = openai_public.ENCODING_CONSTRUCTORS[name]()
    encoding = tiktoken.Encoding(name, pat_str=known["pat_str"], mergeable_ranks=ranks,
                                 special_tokens=known["special_tokens"])
    return lambda texts: [len(encoding.encode(text, allowed_special="all")) for text in texts]


def tekken_counter(path):
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer
    known = Tekkenizer.from_file(path)
    return lambda texts: [len(known.encode(text, bos=False, eos=False)) for text in texts]


def piece_counter(path):
    import sentencepiece
    known = sentencepiece.SentencePieceProcessor(model_file=path)
    return lambda texts: [len(ids) for ids in known.encode(texts)]


def counter_of(path):
    if path.endswith(".tiktoken"):
        return tiktoken_counter(path)
    if path.endswith(".model"):
        return piece_counter(path)
    tekken = os.path.basename(path).startswith("tekken")
    return tekken_counter(path) if tekken else hugging_face_counter(path)


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
            wrong += sum(counted != tokens for counted in counter(batch))
            batch.clear()

        for line in process.stdout:
            prompt = json.loads(line)
            assert prompt["input_tokens"] == tokens, prompt["input_tokens"]
            seen += 1
            distinct.add(hash(prompt["text"]))
            batch.append(prompt["text"])
            if len(batch) * tokens > CHECKED_AT_ONCE or len(batch) == 512:
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
    files = [sys.argv[2]]
    if os.path.isdir(sys.argv[2]):
        files = sorted(path for path in glob.glob(os.path.join(sys.argv[2], "*"))
                       if path.endswith((".json", ".model", ".tiktoken"))
                       and not path.endswith(".config.json"))
    if not files:
        print(f"skipped: no tokenizer in {sys.argv[2]}; scripts/fetch-tokenizer gets some")
        return 77
    good = True
    for path in files:
        try:
            counter = counter_of(path)
        except ImportError as missing:
            print(f"skipped: the Python package {missing.name} is not installed")
            return 77
        for pair in sys.argv[3:] or DEFAULT:
            tokens, count = (int(word) for word in pair.split(":"))
            dataset = "random" if tokens > 100_000 else "sample"
            good = recount(sys.argv[1], path, counter, tokens, count, dataset) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
