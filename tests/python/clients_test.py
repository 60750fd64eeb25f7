#!/usr/bin/env python3
"""Other people's clients against `llmsweep simulate`.

    clients_test.py curl LLMSWEEP
    clients_test.py openai|anthropic LLMSWEEP VENV     installs that package into VENV once

Exits 0 where everything works, 1 where not, 77 (skipped) where the client cannot be had.
"""

import contextlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
INSTALL_SECONDS = 100
PROFILE = """
name: clients
model: simulated
engine:
  step: {base_ms: 1}
faults:
  - {kind: status, requests: [3], status: 429, retry_after_s: 0}
  - {kind: error_event, requests: [4], after_chunks: 2}
"""


@contextlib.contextmanager
def endpoint(binary, *options):
    """The base URL of an endpoint that lives as long as the block."""
    with tempfile.TemporaryDirectory() as folder:
        profile = pathlib.Path(folder, "clients.yaml")
        profile.write_text(PROFILE, encoding="utf-8")
        process = subprocess.Popen(
            [binary, "simulate", str(profile), "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            process.wait(30)
            process.stdout.close()


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(SKIPPED)


def curl(*words):
    return subprocess.run(
        ["curl", "-sS", "--no-buffer", "--max-time", "60", *words],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_curl(binary):
    if not shutil.which("curl"):
        skip("no curl")
    with endpoint(binary) as base:
        models = json.loads(curl(f"{base}/models"))
        assert [m["id"] for m in models["data"]] == ["simulated"], models
        body = {"messages": [{"role": "user", "content": "hi there"}], "max_tokens": 5, "ignore_eos": True}
        answer = json.loads(curl(f"{base}/chat/completions", "-d", json.dumps(body)))
        assert answer["usage"]["completion_tokens"] == 5, answer
        assert len(answer["choices"][0]["message"]["content"].split()) == 5, answer
        stream = curl(f"{base}/chat/completions", "-d", json.dumps({**body, "stream": True}))
        lines = [line for line in stream.split("\n") if line]
        assert lines[-1] == "data: [DONE]", lines
        assert len(lines) == 1 + 5 + 1, lines  # role, tokens, [DONE]
        code = curl("-o", "/dev/null", "-w", "%{http_code}", f"{base}/chat/completions", "-d", json.dumps(body))
        assert code == "429", code
    with tempfile.TemporaryDirectory() as folder:
        pem = str(pathlib.Path(folder, "endpoint.pem"))
        with endpoint(binary, "--tls", "--certificate", pem, "--api-key", "sesame") as base:
            assert base.startswith("https://"), base
            key = ("--cacert", pem, "-H", "Authorization: Bearer sesame")
            assert json.loads(curl(*key, f"{base}/models"))["data"], base
            code = curl("--cacert", pem, "-o", "/dev/null", "-w", "%{http_code}", f"{base}/models")
            assert code == "401", code


def venv_with(package, venv):
    python = venv / "bin" / "python"

    def has_it():
        return python.exists() and subprocess.run([str(python), "-c", f"import {package}"], check=False).returncode == 0

    if has_it():
        return python
    try:
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, timeout=INSTALL_SECONDS)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run(
            [*pip, "--timeout", "5", "--retries", "1", package],
            check=True,
            timeout=INSTALL_SECONDS,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as problem:
        skip(f"the {package} package cannot be installed: {problem}")
    if not has_it():
        skip(f"the {package} package cannot be imported")
    return python


def test_package(package, binary, venv):
    python = venv_with(package, pathlib.Path(venv))
    client = str(pathlib.Path(__file__).with_name(f"{package}_client.py"))
    with endpoint(binary, "--api-key", "sesame") as base:
        subprocess.run([str(python), client, base, "sesame"], check=True, timeout=60)


def main(arguments):
    if arguments[0] == "curl":
        test_curl(arguments[1])
    else:
        test_package(*arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
