#!/usr/bin/env python3
"""A short sweep of a real server, and what has to hold of it whatever its speed is.

    real_server.py LLMSWEEP URL

URL is the base URL of an OpenAI-compatible server, up to and with /v1; its first model is asked.
Every request has to succeed with the requested number of output tokens, recompute.py has to derive
the same numbers from the records, and server_timings.py compares the medians with the server's own
where it sends any.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

SPEC = """name: real
system: {{gpus: 1}}
endpoint: {{url: {url}}}
workload: {{dataset: sample, input_tokens: 100, output_tokens: 16}}
load: {{concurrency: [1, 2], requests_per_slot: 4, repeats: 2}}
"""
HERE = pathlib.Path(__file__).resolve().parent


def main(program, url):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "spec.yaml").write_text(SPEC.format(url=json.dumps(url)), encoding="utf-8")
        subprocess.run([program, "run", folder / "spec.yaml", "--out", folder], check=True)
        with open(folder / "real/requests.jsonl", encoding="utf-8") as lines:
            records = [json.loads(line) for line in lines]
        measured = [record for record in records if record["phase"] == "measured"]
        wrong = [record for record in measured
                 if record["outcome"] != "ok" or record["output_tokens"] != 16]
        for record in wrong:
            print(f"WRONG: {record}")
        subprocess.run([sys.executable, HERE / "recompute.py", folder / "real"], check=True)
        if any(record["server_decode_us"] is not None for record in measured):
            subprocess.run([sys.executable, HERE / "server_timings.py", folder / "real"], check=True)
        return 1 if wrong or len(measured) != 2 * (4 + 8) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
