"""How other clients are asked for a load. What is common to a concurrency and a rate."""


def vllm_serve(program, root, load, *, tokenizer, prompt_tokens, tokens, model="bench"):
    """`vllm bench serve`, and the Rust clients that take its flags. `load`: more of them."""
    return [*program, "--backend", "openai", "--base-url", root, "--model", model,
            "--dataset-name", "random", "--random-input-len", str(prompt_tokens),
            "--random-output-len", str(tokens), "--tokenizer", tokenizer, "--ignore-eos",
            "--temperature", "0", "--disable-tqdm", *load]


def aiperf(program, root, load, *, tokenizer, prompt_tokens, tokens, out, model="bench"):
    return [program, "profile", "--model", model, "--url", root, "--endpoint-type", "chat",
            "--streaming", "--output-tokens-mean", str(tokens), "--output-tokens-stddev", "0",
            "--synthetic-input-tokens-mean", str(prompt_tokens), "--extra-inputs",
            "ignore_eos:true", "--tokenizer", tokenizer, "--use-server-token-count",
            "--artifact-dir", out, "--ui", "none", *load]


def guidellm(program, root, load, *, tokenizer, prompt_tokens, tokens, model="bench"):
    return [program, "run", "--backend",
            f"kind=openai_http,target={root},model={model},request_format=/v1/completions",
            "--tokenizer", f"kind=hf_auto,model={tokenizer}", "--data",
            f"kind=synthetic_text,prompt_tokens={prompt_tokens},output_tokens={tokens}",
            "--disable-console", *load]
