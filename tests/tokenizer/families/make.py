#!/usr/bin/env python3
"""Makes the tokenizers in this folder and oracle.jsonl: small vocabularies of characters, as SentencePiece's are
written in a tokenizer.json, in the pipelines of families that servers run, and what Hugging Face's library makes
of texts with them. Needs tokenizers==0.23.3, from PyPI. Trained on datasets/sharegpt-sample.json.

One object per line of oracle.jsonl: "text", the "ids" by family, and "ids_plain" where added tokens taken for
text give others.
"""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "python"))
import tokenizer_families as all_families  # noqa: E402

CHOSEN = ("gemma-2-3", "llama-2", "mistral-v3", "metaspace-first", "unknown-apart")


def main():
    train = all_families.bpe_file
    all_families.bpe_file = lambda path, *args, **parts: train(
        path, *args, **{**parts, "vocabulary": 640, "alphabet": 80})
    encoders = {}
    for name, _, make in all_families.hugging_face_families(HERE):
        if name not in CHOSEN:
            continue
        path = make()
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        with open(path, "w", encoding="utf-8") as file:
            file.write(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n")
        encoders[name] = [encode for _, encode in all_families.hugging_face(path)]
    texts = all_families.nasty_texts()
    texts = texts[:60] + texts[400:]
    ids = {name: [encode(texts) for encode in both] for name, both in encoders.items()}
    with open(os.path.join(HERE, "oracle.jsonl"), "w", encoding="utf-8") as out:
        for at, text in enumerate(texts):
            line = {"text": text, "ids": {name: both[0][at] for name, both in ids.items()}}
            plain = {name: both[1][at] for name, both in ids.items() if both[0][at] != both[1][at]}
            out.write(json.dumps({**line, **({"ids_plain": plain} if plain else {})}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
