#!/usr/bin/env python3
"""Streams through vLLM's own Python request function, as its benchmark drives it.

usage: vllm_requests.py FUNCTION_FILE BASE_URL STREAMS TOKENS

FUNCTION_FILE is vllm/benchmarks/lib/endpoint_request_func.py of an installed or unpacked vLLM: that
module is loaded alone, since the package itself needs a GPU framework.
"""
import asyncio
import importlib.util
import sys

import aiohttp


def load(path):
    spec = importlib.util.spec_from_file_location("endpoint_request_func", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


async def stream(functions, base_url, streams, tokens):
    connector = aiohttp.TCPConnector(limit=streams, limit_per_host=streams, ttl_dns_cache=300,
                                     force_close=False, keepalive_timeout=60)
    async with aiohttp.ClientSession(connector=connector, trust_env=False,
                                     timeout=aiohttp.ClientTimeout(total=600)) as session:
        requests = [functions.RequestFuncInput(
            prompt="a", api_url=base_url + "/completions", prompt_len=1, output_len=tokens,
            model="bench", ignore_eos=True) for _ in range(streams)]
        return await asyncio.gather(*(
            functions.async_request_openai_completions(request, session) for request in requests))


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    functions = load(sys.argv[1])
    streams, tokens = int(sys.argv[3]), int(sys.argv[4])
    outputs = asyncio.run(stream(functions, sys.argv[2], streams, tokens))
    failed = [output.error for output in outputs if not output.success]
    short = [output for output in outputs if output.output_tokens != tokens]
    if failed or short:
        sys.exit(f"{len(failed)} failed, {len(short)} short: {(failed or ['?'])[0]}")


if __name__ == "__main__":
    main()
