#!/usr/bin/env python3
"""Writes a model of random weights that real servers load in a second: nothing is fetched.

    tiny_model.py FOLDER TEXT...     a llama of two layers with a byte-level BPE trained on the texts,
                                     as Hugging Face's library reads it (needs torch, transformers)
    tiny_model.py FOLDER.gguf FOLDER the same shape with that tokenizer for llama.cpp (needs gguf)

It knows <think> and </think>, so that a reasoning parser can be tried. What it says means nothing.
"""
import json
import pathlib
import sys

WIDTH, HIDDEN, LAYERS, HEADS, CONTEXT = 128, 256, 2, 4, 4096
SPECIAL = ["<|begin|>", "<|end|>", "<|user|>", "<|assistant|>", "<think>", "</think>"]
TEMPLATE = ("{% for m in messages %}<|{{ 'assistant' if m['role'] == 'assistant' else 'user' }}|>"
            "{{ m['content'] }}<|end|>{% endfor %}"
            "{% if add_generation_prompt %}<|assistant|>{% endif %}")


def write_folder(folder, texts):
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        [text.read_text(encoding="utf-8") for text in texts],
        trainers.BpeTrainer(vocab_size=4000, special_tokens=SPECIAL, show_progress=False,
                            initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=SPECIAL[0],
                                   eos_token=SPECIAL[1], pad_token=SPECIAL[1],
                                   additional_special_tokens=SPECIAL[2:],
                                   clean_up_tokenization_spaces=False)
    fast.chat_template = TEMPLATE
    folder.mkdir(parents=True, exist_ok=True)
    fast.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    torch.manual_seed(1)
    config = LlamaConfig(vocab_size=len(fast), hidden_size=WIDTH, intermediate_size=HIDDEN,
                         num_hidden_layers=LAYERS, num_attention_heads=HEADS,
                         num_key_value_heads=HEADS, max_position_embeddings=CONTEXT,
                         bos_token_id=0, eos_token_id=1, pad_token_id=1, tie_word_embeddings=False)
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)


def write_gguf(path, folder):
    import gguf
    import numpy

    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    added = {token["id"]: token["content"] for token in tokenizer["added_tokens"]}
    known = {number: text for text, number in tokenizer["model"]["vocab"].items()} | added
    words = [known[number] for number in range(len(known))]
    kinds = [gguf.TokenType.CONTROL if number in added else gguf.TokenType.NORMAL
             for number in range(len(words))]
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(len(words))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(words)
    writer.add_token_types(kinds)
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge)
                             for merge in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)
    random = numpy.random.default_rng(1)

    def weights(name, *shape):
        values = random.standard_normal(shape) * 0.02 if len(shape) == 2 else numpy.ones(shape)
        writer.add_tensor(f"{name}.weight", values.astype(numpy.float32))

    weights("token_embd", len(words), WIDTH)
    weights("output", len(words), WIDTH)
    weights("output_norm", WIDTH)
    for block in range(LAYERS):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            weights(f"blk.{block}.{name}", WIDTH, WIDTH)
        for name in ("ffn_gate", "ffn_up"):
            weights(f"blk.{block}.{name}", HIDDEN, WIDTH)
        weights(f"blk.{block}.ffn_down", WIDTH, HIDDEN)
        for name in ("attn_norm", "ffn_norm"):
            weights(f"blk.{block}.{name}", WIDTH)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    target, *sources = map(pathlib.Path, sys.argv[1:])
    if target.suffix == ".gguf":
        write_gguf(target, sources[0])
    else:
        write_folder(target, sources)
