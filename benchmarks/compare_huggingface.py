#!/usr/bin/env python3
"""Encoding speed beside Hugging Face's Rust library, one thread, the same documents, in turns; of a
tekken.json beside mistral-common (tiktoken).

usage: compare_huggingface.py TOKENIZER_BENCHMARK TOKENIZER_DIR
TOKENIZER_BENCHMARK is the built program of that name; it encodes with those files of TOKENIZER_DIR that
it knows. Needs the PyPI packages tokenizers and, for a tekken.json, mistral-common, for a Unigram
tokenizer.model sentencepiece: Hugging Face's library is then given the pieces and the normalization
that are in it, as transformers converts such a file, and sentencepiece itself is timed too.
"""
import json
import os
import subprocess
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
TURNS = 3


def documents():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with open(os.path.join(root, "datasets", "sharegpt-sample.json"), encoding="utf-8") as file:
        texts = [""]
        for record in json.load(file):
            texts[-1] += "".join(turn["value"].strip() + "\n\n" for turn in record["conversations"])
            if len(texts[-1].encode()) > 4096:
                texts.append("")
        return texts


def hugging_face(whole):
    import tokenizers
    return (f"Hugging Face {tokenizers.__version__}",
            lambda texts: sum(len(encoding.ids) for encoding in
                              whole.encode_batch_fast(texts, add_special_tokens=False)))


def fields_of(message):
    """(number, value) of each field of a protocol buffer; fixed ones as bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(kind) or varint()
        yield key >> 3, message[at:at + size]
        at += size


def converted(path):
    """The Unigram model of a tokenizer.model in Hugging Face's library, as transformers converts it."""
    import sentencepiece
    import tokenizers
    from tokenizers import normalizers, pre_tokenizers
    with open(path, "rb") as file:
        parts = dict(field for field in fields_of(file.read()) if field[0] in (2, 3))
    settings = dict(fields_of(parts[3]))
    known = sentencepiece.SentencePieceProcessor(model_file=path)
    pieces = [(known.id_to_piece(i), known.get_score(i)) for i in range(known.get_piece_size())]
    whole = tokenizers.Tokenizer(tokenizers.models.Unigram(
        pieces, unk_id=known.unk_id(), byte_fallback=bool(dict(fields_of(parts[2])).get(35))))
    steps = [normalizers.Precompiled(settings[2])] if settings.get(2) else []
    whole.normalizer = normalizers.Sequence(
        [*steps, normalizers.Strip(left=False, right=True),
         normalizers.Replace(tokenizers.Regex(" {2,}"), "\u2581")])
    whole.pre_tokenizer = pre_tokenizers.Metaspace(
        "\u2581", prepend_scheme="always" if settings.get(3, 1) else "never")
    return whole


def counters_of(path):
    """Names of libraries, and what counts the tokens of texts with each."""
    if path.endswith(".model"):
        import sentencepiece
        known = sentencepiece.SentencePieceProcessor(model_file=path)
        return [hugging_face(converted(path)),
                (f"sentencepiece {sentencepiece.__version__}",
                 lambda texts: sum(len(ids) for ids in known.encode(texts, num_threads=1)))]
    if os.path.basename(path).startswith("tekken"):
        import mistral_common
        from mistral_common.tokens.tokenizers.tekken import Tekkenizer
        tekken = Tekkenizer.from_file(path)
        return [(f"mistral-common {mistral_common.__version__}",
                 lambda texts: sum(len(tekken.encode(text, bos=False, eos=False)) for text in texts))]
    import tokenizers
    return [hugging_face(tokenizers.Tokenizer.from_file(path))]


def ours(program, folder, name):
    """Bytes a second and tokens, or nothing where the file is not there."""
    output = subprocess.run(
        [program, f"--benchmark_filter=^encode/{name}$", "--benchmark_format=json"],
        env={**os.environ, "LLMSWEEP_TOKENIZER_DIR": folder}, check=True, capture_output=True).stdout
    measured = json.loads(output)["benchmarks"][0]
    return measured if "bytes_per_second" in measured else None


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    program, folder = sys.argv[1:]
    texts = documents()
    size = sum(len(text.encode()) for text in texts)
    listed = subprocess.run([program, "--benchmark_filter=^encode/", "--benchmark_list_tests"], check=True,
                            capture_output=True, text=True).stdout
    for name in (line.removeprefix("encode/") for line in listed.split()):
        here = ours(program, folder, name)
        if here is None:
            continue
        path = next(path for path in (os.path.join(folder, name + end) for end in (".json", ".model"))
                    if os.path.exists(path))
        for library, count in counters_of(path):
            best, least, tokens = 0.0, 1e9, 0
            for _ in range(TURNS):
                best = max(best, ours(program, folder, name)["bytes_per_second"])
                start = time.process_time()
                tokens = count(texts)
                least = min(least, time.process_time() - start)
            same = "same tokens" if tokens == round(here["tokens"]) else f"{tokens} TOKENS THERE"
            print(f"{name:12} llmsweep {best / 1e6:6.1f} MB/s, {library} {size / least / 1e6:5.1f} MB/s, "
                  f"ratio {best / (size / least):4.1f}; {same} ({round(here['tokens'])})", flush=True)


if __name__ == "__main__":
    main()
