#!/usr/bin/env python3
"""Plants a key in every place that takes one and looks for it in everything that is written.

    planted_key.py LLMSWEEP FOLDER

Runs, checks, reports, compares, gates, exports and rebuilds against an endpoint that repeats every
header that it gets: in error bodies, in streams, in answers' headers, in ids and finish reasons. The
keys must reach the endpoint and be nowhere else: not in any file of the results, in no output, in no
error text, not in the process's title or its environment as others see it. Exits 1 with each place
where one was found.
"""

import json
import os
import subprocess
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fault_server as server  # noqa: E402

KEY = 'sk-planted/"9f3+7c'  # as JSON and a URL write it, it looks different
HEADER = "planted-header-41d6"
BODY = "planted-body-77aa"
FOUND = []


def spellings(secret):
    quoted = json.dumps(secret)[1:-1]
    return {secret, quoted, json.dumps(quoted)[1:-1], urllib.parse.quote(secret, safe=""), secret.replace("/", "\\/")}


def look(where, data):
    text = data if isinstance(data, bytes) else data.encode()
    for secret in (KEY, HEADER, BODY):
        for spelling in spellings(secret):
            if spelling.encode() in text:
                FOUND.append(f"{secret!r} is in {where}")
                return


def repeated(request):
    """What the endpoint was told, all of it, as it would repeat it."""
    head, body = request.split(b"\r\n\r\n", 1)
    headers = {}
    for line in head.decode().split("\r\n")[1:]:
        name, value = line.split(": ", 1)
        headers[name.lower()] = value
    return headers, json.loads(body)


def repeat_in_errors(connection, number, request):
    headers, body = repeated(request)
    told = f"no access with {headers['authorization']} and {headers['x-api-key']} and {body['client_secret']}"
    answers = [
        lambda: connection.sendall(server.answer(json.dumps({"error": {"message": told}}).encode(), "403 Forbidden")),
        lambda: connection.sendall(server.answer(told.encode(), "500 Internal Server Error", "text/plain")),
        lambda: connection.sendall(server.answer(
            b"data: " + json.dumps({"error": {"message": told}}).encode() + b"\n\n", kind="text/event-stream")),
        lambda: connection.sendall(server.answer(
            b"data: {" + told.encode() + b"\n\n", kind="text/event-stream")),
        lambda: connection.sendall(server.answer(
            server.good_stream(2).replace(b'"id": "x"', b'"id": ' + json.dumps(headers["x-api-key"]).encode())
            .replace(b'"length"', json.dumps(body["client_secret"]).encode()), kind="text/event-stream")),
        lambda: connection.sendall(server.answer(
            b"", "307 Temporary Redirect", extra=f"Location: http://h/?key={urllib.parse.quote(KEY, safe='')}\r\n".encode())),
    ]
    answers[number % len(answers)]()
    return True


class EchoServer(server.Server):
    """Also repeats in what answers the check before a run."""

    def one_request(self, connection):
        return super().one_request(Echo(connection, self))


class Echo:
    def __init__(self, connection, owner):
        self.connection, self.owner = connection, owner

    def __getattr__(self, name):
        return getattr(self.connection, name)

    def sendall(self, data):
        head, _, body = data.partition(b"\r\n\r\n")
        echo = "".join(f"X-Echo-{i}: {line.decode()}\r\n" for i, line in enumerate(self.owner.headers[-1].split(b"\r\n")))
        body = body.replace(b'"object": "model"', b'"object": "model", "owner": ' + json.dumps(f"{KEY} {HEADER}").encode())
        head = head.replace(b"Content-Length: %d" % len(data.partition(b"\r\n\r\n")[2]), b"Content-Length: %d" % len(body))
        self.connection.sendall(head + b"\r\n" + echo.encode() + b"\r\n" + body)


def run(program, words, environment, folder, title=False):
    process = subprocess.Popen([program, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=folder)
    if title:
        for name in ("cmdline", "comm"):
            try:
                with open(f"/proc/{process.pid}/{name}", "rb") as file:
                    look(f"/proc/PID/{name}", file.read())
            except OSError:
                pass
    out, err = process.communicate(timeout=100)
    look(f"the output of {words[0]}", out)
    look(f"the errors of {words[0]}", err)
    return process.returncode, (out + err).decode(errors="replace")


def main(program, folder):
    program, folder = os.path.abspath(program), os.path.abspath(folder)
    os.makedirs(folder, exist_ok=True)
    endpoint = EchoServer(repeat_in_errors)
    key_file = f"{folder}/key"
    with open(key_file, "w", encoding="utf-8") as file:
        file.write(KEY + "\n")
    os.chmod(key_file, 0o600)

    def spec(source):
        path = f"{folder}/{source.split(':')[0]}.yaml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(
                f"name: {source.split(':')[0]}\nsystem: {{gpus: 1}}\n"
                f"endpoint: {{url: '{endpoint.url()}', {source}, headers: {{X-Api-Key: {HEADER}}}, extra_body: {{client_secret: {BODY}}}}}\n"
                "workload: {dataset: random, input_tokens: 10, output_tokens: 2, reuse: allow}\n"
                "load: {concurrency: [2], requests_per_slot: 15, repeats: 1, fillers: false, max_consecutive_errors: 1000}\n")
        return path

    environment = dict(os.environ, PLANTED=KEY)
    for source in ("api_key_env: PLANTED", "api_key_file: " + key_file):
        out = f"{folder}/out-{source.split(':')[0]}"
        path = spec(source)
        name = source.split(":")[0]
        run(program, ["run", path, "--dry-run"], environment, folder)
        run(program, ["check", path], environment, folder)
        code, text = run(program, ["run", path, "--out", out], environment, folder, title=True)
        if f"{out}/{name}" not in text:
            FOUND.append(f"the run ended with {code} before it measured: {text[-300:]}")
            continue
        results = f"{out}/{name}"
        for words in (["rebuild", results], ["report", results], ["show", results], ["compare", results, results],
                      ["gate", results, "--require", "e2e:p50@c2 <= 10s", "--json", f"{out}/gate.json", "--junit", f"{out}/gate.xml"],
                      ["report", results, "--markdown", f"{out}/report.md", "--csv", f"{out}/report.csv"],
                      ["export", results, "--as", "vllm-json"], ["export", results, "--as", "csv"]):
            run(program, words, environment, folder)
        files = [os.path.join(root, one) for root, _, names in os.walk(out) for one in names]
        if len(files) < 8:
            FOUND.append(f"only {files} were written")
        for one in files:
            with open(one, "rb") as file:
                look(one, file.read())
    # A wrong key: the error text of the check before a run.
    refuses = EchoServer(None)
    refuses.one_request = lambda c: (c.sendall(server.answer(refuses.read(c), "401 Unauthorized", "text/plain")), False)[1]
    run(program, ["run", path, "--set", f"endpoint.url={refuses.url()}", "--out", f"{folder}/refused"], environment, folder)
    # A bad spec: what stands in the wrong place is not repeated.
    run(program, ["check", path, "--set", f"endpoint.api_key_env={KEY}"], environment, folder)

    if not any(KEY.encode() in head for head in endpoint.headers):
        FOUND.append("the key never reached the endpoint: nothing was tested")
    for line in FOUND:
        print(line)
    print(f"{len(FOUND)} places hold a planted key")
    return 1 if FOUND else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
