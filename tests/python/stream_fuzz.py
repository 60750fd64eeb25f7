#!/usr/bin/env python3
"""Answers of random shape, and what llmsweep makes of them.

    stream_fuzz.py LLMSWEEP [--answers N] [--seed S]

An endpoint of its own, which shares no code with llmsweep, draws for every answer how it is framed,
what its chunks hold, where its tokens are counted and how it ends, and keeps its own count of tokens
and its own instants. Every record has to agree. Both APIs and both transports take a quarter each.
Exits 0 where none differs; the seed, which is printed, makes the same answers again.
"""

import argparse
import json
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from http_requests import requests_on

PLANNED = 24  # output tokens of a request; the checks before a run ask for fewer
SLOTS = 8
LATE_NS = 500_000_000  # a stamp may be as late: the machine may be busy
WORD = " tok"

THOUGHTS = {
    "reasoning_content": lambda text: {"reasoning_content": text},
    "reasoning": lambda text: {"content": "", "reasoning": text},
    "thinking": lambda text: {"content": "", "thinking": text},
    "coined": lambda text: {"internal_thoughts": text},
    "details": lambda text: {"reasoning_details": [{"type": "reasoning.text", "text": text, "index": 0}]},
    "blocks": lambda text: {"thinking_blocks": [{"type": "thinking", "thinking": text}]},
    "parts": lambda text: {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]},
}
EMPTY_DELTAS = [
    {"content": ""},
    {"content": None},
    {"reasoning_details": []},
    {"content": [{"type": "text", "text": ""}]},
    {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"arguments": ""}}]},
]
FAILURES = ["error", "abort", "network_error", "insufficient_system_resource", "timeout", "cancelled",
            "upstream_timeout", "SERVER_ERROR"]  # fmt: skip
ERRORS = [
    '{"error":{"message":"gone","type":"t"}}',
    '{"error":"gone"}',
    '{"errors":[{"message":"gone"}]}',
    '{"object":"error","message":"gone"}',
    '{"type":"error","message":"gone"}',
    '{"detail":"gone"}',
    '{"code":500,"message":"gone"}',
    '{"error_code":17,"error_msg":"gone"}',
    '{"retcode":-1,"message":"gone"}',
    '{"Error":{"Code":"Gone","Message":"gone"}}',
    '{"failure":{"reason":"gone"}}',
    '{"choices":[{"index":0,"delta":{},"error":{"message":"gone"}}]}',
    '{"choices":[],"base_resp":{"status_code":1002,"status_msg":"gone"}}',
]
SINS = ['"logprob":NaN', '"logprob":-Infinity', '"more":{"a":1,}', '"raw":"a\tb"']


class Answer:
    """One answer: its events in order, each with what it brings, and what has to be read of it."""

    def __init__(self, rng, api, number):
        self.rng, self.api = rng, api
        self.id = f"fuzz-{number}"
        self.events = []  # (bytes, tokens in it or 0, is it an answer's)
        self.framing = {
            "end": rng.choice(["\n", "\n", "\n", "\r\n", "\r"]),
            "space": rng.random() < 0.8,
            "head": rng.choice(["", "", "", "event: message", "id: 7"]),
            "one_line": rng.random() < 0.1,
        }
        if self.framing["one_line"]:
            self.framing["head"] = ""
            self.framing["end"] = "\n"
        self.sin_rate = rng.choice([0, 0, 0, 0.3])
        self.repaired = 0
        # Of the choice: as it should be, without its list, its delta named message, its delta a text.
        self.choice_form = rng.choice(["list"] * 7 + ["object", "message", "text"])
        self.finish_form = rng.choice(["finish_reason"] * 4 + ["finishReason", "object", "beside"])
        self.expected = {}
        self.draw()

    # Framing.

    def payload(self, text):
        end = self.framing["end"]
        head = self.framing["head"] + end if self.framing["head"] else ""
        space = " " if self.framing["space"] else ""
        return f"{head}data:{space}{text}{end}{'' if self.framing['one_line'] else end}"

    def add(self, value, tokens=0, answers=False):
        text = json.dumps(value, ensure_ascii=self.rng.random() < 0.5)
        sin = tokens and self.rng.random() < self.sin_rate
        if sin:
            text = text[:-1] + "," + self.rng.choice(SINS) + "}"
        misshapen = value.get("choices") and self.misshapen and (tokens or self.choice_form == "object")
        self.repaired += bool(sin or misshapen)
        self.events.append((self.payload(text).encode(), tokens, answers))
        if self.rng.random() < 0.05 and not self.framing["one_line"]:
            end = self.framing["end"]
            self.events.append((f": still there{end}{end}".encode(), 0, False))

    def chunk(self, delta, finish=None, **more):
        choice = {"index": 0, "delta": delta}
        if self.api == "completions":
            choice = {"index": 0, "text": delta.get("content") or ""}
        elif self.choice_form == "message":
            choice = {"index": 0, "message": delta}
        elif self.choice_form == "text" and set(delta) == {"content"} and isinstance(delta["content"], str):
            choice = {"index": 0, "delta": delta["content"]}
        if self.finish_form == "object":
            choice["finish_reason"] = finish and {"type": finish}
        elif self.finish_form == "beside":
            more["finish_reason"] = finish
        else:
            choice[self.finish_form] = finish
        choices = choice if self.choice_form == "object" else [choice]
        self.misshapen = self.choice_form == "object" or choice.get("message") or isinstance(choice.get("delta"), str)
        return {"id": self.id, "object": "chunk", "created": 1, "model": "m", "choices": choices, **more}

    def no_choice(self, **more):
        return {"id": self.id, "object": "chunk", "created": 1, "model": "m", "choices": [], **more}

    # Content.

    def draw(self):
        rng = self.rng
        most = rng.choice([1, 1, 1, 2, 4, 6])
        self.usage = rng.choice(["none", "end", "finish", "along", "alone", "x_groq", "input_output",
                                 "texts", "zero_last", "behind_done"])  # fmt: skip
        self.ending = rng.choice(["whole"] * 6 + ["stop", "done_only", "finish_failure", "error",
                                                   "silent_error", "early_finish", "eof"])  # fmt: skip
        self.finish = rng.choice(["last", "own", "own", "none"])
        thinks = self.api == "chat" and rng.random() < 0.4
        self.hidden = rng.choice([0, 0, 5, 12]) if thinks and self.counts_reasoning() else 0
        self.thoughts = rng.randrange(1, 12) if thinks and not self.hidden else 0
        self.field = rng.choice(sorted(THOUGHTS))
        self.beside = self.thoughts > 0 and self.usage == "end" and rng.random() < 0.5
        if self.finish == "none" and self.usage not in ("end", "x_groq", "input_output", "texts"):
            most = 1  # else nothing says that the answer is complete
        sizes, left = [], PLANNED - self.hidden
        while left:
            sizes.append(min(left, rng.randrange(1, most + 1)))
            left -= sizes[-1]
        if self.usage == "alone" and not self.falls(sizes):
            sizes = [1] * sum(sizes)
        if self.ending != "whole":
            sizes = sizes[: max(3, len(sizes) // 2)]
            if self.usage == "alone" and not self.falls(sizes):
                sizes = [1] * len(sizes)
            # An answer that ends early holds no more thoughts than tokens.
            self.thoughts = min(self.thoughts, sum(sizes))
        self.sizes = sizes
        self.write()

    def counts_reasoning(self):
        return self.usage in ("end", "finish", "input_output", "x_groq", "texts")

    @staticmethod
    def falls(sizes):
        """Whether such counts cannot be a running total."""
        return any(a > b for a, b in zip(sizes, sizes[1:])) or (len(sizes) > 1 and len(set(sizes)) == 1)

    def counts(self, completion):
        """The members of a usage object."""
        names = ("input_tokens", "output_tokens") if self.usage == "input_output" else ("prompt_tokens", "completion_tokens")
        details = "input_tokens_details" if self.usage == "input_output" else "prompt_tokens_details"
        reasoning = self.hidden or (self.thoughts if self.rng.random() < 0.5 or self.beside else 0)
        shown = completion - (self.thoughts if self.beside else 0)
        usage = {names[0]: 31, names[1]: shown, "total_tokens": 31 + completion, details: {"cached_tokens": 7}}
        if reasoning and self.counts_reasoning():
            usage["completion_tokens_details"] = {"reasoning_tokens": reasoning}
            self.expected["reasoning_tokens"] = reasoning
        if self.usage == "texts":
            usage = {k: str(v) if isinstance(v, int) else v for k, v in usage.items()}
        return usage

    def said(self, completion):
        usage = self.counts(completion)
        return {"x_groq": {"id": "r", "usage": usage}} if self.usage == "x_groq" else {"usage": usage}

    def write(self):
        rng = self.rng
        if self.api == "chat":
            for _ in range(rng.choice([0, 1, 1, 2])):
                role = {"role": "assistant", **rng.choice(EMPTY_DELTAS)}
                self.add(self.chunk(role))
        early = self.ending == "early_finish"
        sent = 0
        for i, size in enumerate(self.sizes):
            last = i == len(self.sizes) - 1
            # A chunk holds thoughts or answer, not both.
            thought = sent < self.thoughts
            delta = THOUGHTS[self.field](WORD * size) if thought else {"content": WORD * size}
            sent += size
            finish = "stop" if early else None
            more = {}
            if self.usage == "along":
                more = {"usage": {"prompt_tokens": 31, "completion_tokens": sent, "total_tokens": 31 + sent}}
            if self.usage == "alone":
                more = {"usage": {"prompt_tokens": 0 if i else 31, "completion_tokens": size}}
            if self.ending == "whole" and last and self.finish == "last":
                finish = "length"
                if self.usage == "finish":
                    more = self.said(sent + self.hidden)
            self.add(self.chunk(delta, finish, **more), size, not thought)
        self.end(sent)

    def end(self, sent):
        rng = self.rng
        done = rng.choice(["[DONE]", "[DONE]", "[DONE]", '"[DONE]"'])
        total = sent + self.hidden
        ending, usage = self.ending, self.usage
        closes = False
        if ending in ("whole", "stop"):
            reason = "length" if ending == "whole" else "stop"
            if ending == "stop" or self.finish == "own":
                more = self.said(total) if usage == "finish" else {}
                self.add(self.chunk({}, reason, **more))
            elif usage == "finish" and self.finish == "none":
                self.add(self.no_choice(**self.said(total)))
            if usage in ("end", "x_groq", "input_output", "texts"):
                self.add(self.no_choice(**self.said(total)))
            if usage == "zero_last":
                self.add(self.no_choice(usage=self.counts(total)))
                self.add(self.no_choice(usage={"prompt_tokens": 31, "completion_tokens": 0}))
        elif ending == "finish_failure":
            self.add(self.chunk({}, rng.choice(FAILURES)))
        elif ending == "error":
            self.events.append((self.payload(rng.choice(ERRORS)).encode(), 0, False))
        elif ending == "silent_error":
            end = self.framing["end"]
            form = rng.choice([["event: error", ": gone"], ["event: error"], ["event: error", "data:"],
                               [": gone", "event: error"]])  # fmt: skip
            self.events.append(((end if self.framing["one_line"] else "").encode()
                                + (end.join(form) + end + end).encode(), 0, False))  # fmt: skip
        elif ending == "eof":
            closes = True
        if not closes:
            self.events.append((self.payload(done).encode(), 0, False))
            if usage == "behind_done" and ending in ("whole", "stop"):
                self.add(self.no_choice(usage=self.counts(total)))
                # In the same write: what comes after [DONE] need not be waited for.
                tail = self.events.pop()
                while self.events[-1][0].find(b"DONE") < 0:
                    tail = (self.events.pop()[0] + tail[0], 0, False)
                self.events[-1] = (self.events[-1][0] + tail[0], 0, False)
        self.expect(sent, total)

    def expect(self, sent, total):
        e = self.expected
        good = self.ending in ("whole", "stop")
        e["outcome"] = "ok" if good else "protocol_error"
        e["chunks"] = len(self.sizes)
        e["repaired_chunks"] = self.repaired
        if not good:
            e.pop("reasoning_tokens", None)
            return
        e["response_id"] = self.id
        if self.usage == "none":
            length = self.ending == "whole" and self.finish != "none"
            e["token_source"] = "limit" if length else "chunks"
            e["output_tokens"] = PLANNED if length else len(self.sizes)
            if length:
                e["streamed_tokens"] = PLANNED
                e["first_chunk_tokens"] = self.sizes[0]
            return
        e["token_source"] = "usage"
        e["output_tokens"] = total
        e["streamed_tokens"] = sent
        if self.ending == "stop" and self.usage not in ("along", "alone") and sent > len(self.sizes):
            e["streamed_tokens"] = sent - 1  # the stop is taken for a token without a chunk
        elif len(set(self.sizes)) > 1 or self.sizes[0] > 0:
            e["first_chunk_tokens"] = self.sizes[0]
        if self.usage not in ("along", "alone"):
            e["cached_tokens"] = 7
        e["input_tokens"] = 31

    # On the wire.

    def send(self, out):
        """Pieces of any size; the instants are those just before an event's last byte goes out."""
        self.sent_ns, self.answer_ns = [], None
        pace = self.rng.choice([0.0005, 0.002])
        split = self.rng.random() < 0.3
        for data, tokens, answers in self.events:
            if split and len(data) > 4 and self.rng.random() < 0.5:
                at = self.rng.randrange(1, len(data) - 1)
                out(data[:at])
                data = data[at:]
            if tokens:
                time.sleep(pace)
                now = time.monotonic_ns()
                self.sent_ns.append(now)
                if answers and self.answer_ns is None:
                    self.answer_ns = now
            out(data)


class Endpoint:
    def __init__(self, api, seed):
        self.api, self.seed = api, seed
        self.answers, self.number, self.lock = {}, 0, threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            for head, body in requests_on(connection):
                if head.startswith(b"GET"):
                    models = b'{"object":"list","data":[{"id":"m","object":"model"}]}'
                    reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                    connection.sendall(reply % len(models) + models)
                else:
                    self.answer(connection, json.loads(body))
        except OSError:
            pass
        finally:
            connection.close()

    def answer(self, connection, request):
        with self.lock:
            self.number += 1
            number = self.number
        answer = Answer(random.Random(f"{self.seed}/{number}"), self.api, number)
        if request.get("max_tokens") != PLANNED:  # a check before the run
            answer.events = [(answer.payload(json.dumps(answer.chunk({"content": " ok"}, "length"))).encode(), 1, True),
                             (answer.payload("[DONE]").encode(), 0, False)]  # fmt: skip
        else:
            self.answers[answer.id] = answer

        def out(data):
            connection.sendall(b"%x\r\n%s\r\n" % (len(data), data))

        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        answer.send(out)
        connection.sendall(b"0\r\n\r\n")


def run(llmsweep, folder, api, transport, seed, answers):
    endpoint = Endpoint(api, seed)
    spec = {
        "name": "fuzz",
        "system": {"gpus": 1},
        "endpoint": {"url": f"http://127.0.0.1:{endpoint.port}/v1", "model": "m", "api": api, "request_timeout": "20s"},
        "workload": {"dataset": "random", "input_tokens": 16, "output_tokens": PLANNED},
        "load": {"concurrency": [SLOTS], "requests_per_slot": -(-answers // SLOTS), "repeats": 1, "warmup_per_slot": 0,
                 "fillers": False, "max_error_rate": 1, "max_consecutive_errors": 1_000_000},
        "client": {"transport": transport},
    }  # fmt: skip
    path = folder / f"{api}-{transport}.json"
    path.write_text(json.dumps(spec))
    command = [llmsweep, "run", str(path), "--out", str(folder / path.stem), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    endpoint.listener.close()
    records = folder / path.stem / "fuzz" / "requests.jsonl"
    return endpoint.answers, [json.loads(line) for line in records.read_text().splitlines()]


def differences(answer, record):
    found = []
    for key, value in answer.expected.items():
        if key == "first_chunk_tokens" and record["coalesced_chunks"]:
            continue  # a read may have brought more than the first chunk
        if record[key] != value:
            found.append(f"{key} {record[key]} recorded, {value} sent")
    weights = sum(weight for _, weight in record["itl_hist"])
    later = (record["streamed_tokens"] or 0) - record["first_chunk_tokens"]
    # The gaps that a stall of this machine made are in neither: then there are fewer.
    exact = record["gaps_left_out"] == 0
    if record["outcome"] == "ok" and (weights != later if exact else weights >= later):
        found.append(f"ITL of {weights} tokens, TPOT of {later}")
    stamps = [("first_token_ns", answer.sent_ns[0]), ("last_token_ns", answer.sent_ns[-1]),
              ("first_answer_token_ns", answer.answer_ns)]  # fmt: skip
    for key, sent in stamps:
        if (record[key] is None) != (sent is None):
            found.append(f"{key} {record[key]} recorded, {sent} sent")
        elif sent is not None and not 0 <= record[key] - sent <= LATE_NS:
            found.append(f"{key} is {(record[key] - sent) / 1e6:.3f} ms after it was sent")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("llmsweep")
    parser.add_argument("--answers", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="llmsweep-fuzz-"))
    compared = wrong = 0
    try:
        for api in ("chat", "completions"):
            for transport in ("sockets", "libcurl"):
                seed = f"{options.seed}/{api}/{transport}"
                answers, records = run(options.llmsweep, folder, api, transport, seed, -(-options.answers // 4))
                for record in records:
                    answer = answers.pop(record["response_id"], None)
                    found = differences(answer, record) if answer else ["no such answer was sent"]
                    compared += 1
                    if not found:
                        continue
                    wrong += 1
                    if wrong <= 10:
                        shape = f"{answer.usage}, {answer.ending}, {answer.finish}, {answer.sizes}" if answer else ""
                        print(f"{api} by {transport}, {record['response_id']} ({shape}): {'; '.join(found)}: {record['error']}")
                wrong += len(answers)
                for name in list(answers)[:5]:
                    print(f"{api} by {transport}, {name}: no record")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{compared} answers compared, {wrong} differ")
    return 1 if wrong or compared < options.answers else 0


if __name__ == "__main__":
    sys.exit(main())
