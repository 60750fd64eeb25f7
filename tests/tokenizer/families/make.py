#!/usr/bin/env python3
"""Makes the tokenizers in this folder and oracle.jsonl: small vocabularies of characters, as SentencePiece's are
written in a tokenizer.json, in the pipelines of families that servers run; SentencePiece's own files; a tekken.json;
and what Hugging Face's library, sentencepiece and mistral-common make of texts with them. Needs tokenizers==0.23.3,
sentencepiece==0.2.3 and mistral-common==1.13.1, from PyPI. Trained on datasets/sharegpt-sample.json.

One object per line of oracle.jsonl: "text", the "ids" by family, and "ids_plain" where added tokens taken for
text give others.
"""
import json
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "python"))
import tokenizer_families as all_families  # noqa: E402

CHOSEN = ("gemma-2-3", "llama-2", "mistral-v3", "metaspace-first", "unknown-apart")
PIECES = ("pieces-gemma", "pieces-collapsed", "pieces-unigram", "pieces-unigram-defined")


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
        encoders[name + ".json"] = [encode for _, encode in all_families.hugging_face(path)]
    train_pieces = all_families.piece_file
    with tempfile.TemporaryDirectory() as scratch:
        all_families.piece_file = lambda folder, name, **options: train_pieces(
            folder, name, **{**options, "vocab_size": 640, "character_coverage": 0.98})
        for name, _, make, library in all_families.piece_families(scratch):
            if name not in PIECES:
                continue
            path = shutil.copy(make(), HERE)
            encoders[os.path.basename(path)] = [encode for _, encode in library(path)]
    path = all_families.tekken_file(os.path.join(HERE, "tekken.json"), tokens=500)
    encoders["tekken.json"] = [all_families.mistral_common(path)[0][1]] * 2
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
