#!/usr/bin/env python3
"""Makes oracle.jsonl: what Hugging Face's library and tiktoken make of the oracles' 400 texts with
the tests' vocabulary. Needs tokenizers==0.23.2 and tiktoken==0.12.0, from PyPI.

One object per line: "text" (and "raw_hex", its bytes before they were repaired); per pipeline of
pipelines.json the "ids", "ids_plain" where added tokens taken for text differ from those, and
"decoded" where decoding does not give the text back. "o200k_base" is tiktoken's, over the same
vocabulary as ranks.
"""
import base64
import json
import os

import tiktoken
import tokenizers
from tiktoken_ext import openai_public

from train import FILE, HERE, PIPELINES, byte_alphabet

TEXTS = os.path.join(HERE, "..", "oracles", "llama3.jsonl")  # all three files hold the same texts


def hugging_face(whole, pipeline, added):
    document = {**whole, **pipeline, "added_tokens": whole["added_tokens"] if added else []}
    document["model"] = {**whole["model"], **pipeline.get("model", {})}
    return tokenizers.Tokenizer.from_str(json.dumps(document))


def rank_file(whole):
    """The vocabulary as a tiktoken Encoding with o200k_base's pattern; nothing is downloaded."""
    bytes_of = {letter: byte for byte, letter in byte_alphabet().items()}
    ranks = {bytes(bytes_of[letter] for letter in token): rank
             for token, rank in whole["model"]["vocab"].items()}
    openai_public.load_tiktoken_bpe = lambda *_, **__: ranks
    known = openai_public.ENCODING_CONSTRUCTORS["o200k_base"]()
    return tiktoken.Encoding("tests", pat_str=known["pat_str"], mergeable_ranks=ranks,
                             special_tokens=known["special_tokens"])


def entry(line, counters):
    text = line["text"]
    out = {key: line[key] for key in ("text", "raw_hex") if key in line}
    out.update(ids={}, ids_plain={}, decoded={})
    for name, (encode, encode_plain, decode) in counters.items():
        out["ids"][name] = encode(text)
        plain = encode_plain(text)
        if plain != out["ids"][name]:
            out["ids_plain"][name] = plain
        decoded = decode(out["ids"][name])
        if decoded != text:
            out["decoded"][name] = decoded
    return {key: value for key, value in out.items() if value != {}}


def main():
    with open(FILE, encoding="utf-8") as file:
        whole = json.load(file)
    with open(PIPELINES, encoding="utf-8") as file:
        pipelines = json.load(file)
    counters = {}
    for name, pipeline in pipelines.items():
        parsed, plain = (hugging_face(whole, pipeline, added) for added in (True, False))
        counters[name] = (
            lambda text, t=parsed: t.encode(text, add_special_tokens=False).ids,
            lambda text, t=plain: t.encode(text, add_special_tokens=False).ids,
            lambda ids, t=parsed: t.decode(ids, skip_special_tokens=False))
    ranks = rank_file(whole)
    counters["o200k_base"] = (lambda text: ranks.encode(text, allowed_special="all"),
                              ranks.encode_ordinary, ranks.decode)
    with open(TEXTS, encoding="utf-8") as texts, \
            open(os.path.join(HERE, "oracle.jsonl"), "w", encoding="utf-8") as out:
        for line in texts:
            out.write(json.dumps(entry(json.loads(line), counters), ensure_ascii=True,
                                 separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
