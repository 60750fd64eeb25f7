"""A quick endpoint for echoed_secrets.py that repeats what it was told, wherever a server can.

`say(n)` gives what the n-th request of a run is told, as (place, text): the text stands in that
place of the answer. Standard library only.
"""

import json
import socket
import threading

from http_requests import Probes, requests_on

STREAM = "text/event-stream"


def answer(body, status="200 OK", kind="application/json", head=""):
    body = body if isinstance(body, bytes) else body.encode("utf-8", "surrogateescape")
    text = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{head}\r\n"
    return text.encode("utf-8", "surrogateescape") + body


def data(payload):
    return f"data: {payload}\n\n"


def chunk(content='"content": " a"', more="", finish="null", name='"x"'):
    return data(f'{{"id": {name}, "choices": [{{"index": 0, "delta": {{{content}}}, "finish_reason": {finish}}}]{more}}}')


def stream(tokens):
    usage = f'"choices": [], "usage": {{"prompt_tokens": 10, "completion_tokens": {tokens}}}'
    return chunk() * tokens + chunk("", finish='"length"') + data(f'{{"id": "x", {usage}}}') + data("[DONE]")


def events(text):
    return answer(text, kind=STREAM)


# Where a text can stand: as it is (headers, HTML, lines of a stream) or inside of a JSON text, for
# which it must already be spelled so that it may stand between quotes.
RAW = {
    "reason": lambda t: answer("{}", f"500 {t}"),
    "content type": lambda t: answer("<html>", kind=f"text/html; k={t}"),
    "content type of an error": lambda t: answer("", "500 X", kind=f"{t}"),
    "content encoding": lambda t: answer("", head=f"Content-Encoding: {t}\r\n"),
    "encoding of an error": lambda t: answer("", "500 X", head=f"Content-Encoding: {t}\r\n"),
    "redirect": lambda t: answer("", "307 T", head=f"Location: http://h/?k={t}\r\n"),
    "header": lambda t: answer("", "500 X", head=f"X-Told: {t}\r\nX-{t[:9].encode().hex()}: 1\r\nRetry-After: {t}\r\n"),
    "length": lambda t: f"HTTP/1.1 200 OK\r\nContent-Length: {t}\r\n\r\n".encode(),
    "coding": lambda t: f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {t}\r\n\r\n".encode(),
    "no status line": lambda t: f"{t}\r\n\r\n".encode(),
    "status": lambda t: f"HTTP/1.1 {t} OK\r\n\r\n".encode(),
    "header without a name": lambda t: f"HTTP/1.1 200 OK\r\n: {t}\r\n{t}\r\n\r\n".encode(),
    "size of a chunk": lambda t: f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{t}\r\n".encode(),
    "extension and trailer": lambda t: (
        f"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n2;{t}\r\n{{}}\r\n0\r\nX-T: {t}\r\n\r\n".encode()),
    "page": lambda t: answer(f"<html><body>{t}", "502 Bad Gateway", "text/html"),
    "page instead of a stream": lambda t: answer(f"<p>{t}</p>", kind="text/html"),
    "sentence": lambda t: answer(f"no access with {t}", "403 Forbidden", "text/plain"),
    "sentence without a space": lambda t: answer(t, "403 Forbidden", "text/plain"),
    "comment": lambda t: events(f": {t}\n\n" + stream(2)),
    "comment alone": lambda t: events(f": {t}\n\n"),
    "event name": lambda t: events(f"event: {t}\n" + stream(2)),
    "event id and retry": lambda t: events(f"id: {t}\nretry: {t}\n" + stream(2)),
    "unknown field": lambda t: events(f"{t}: {t}\n" + stream(2)),
    "error event": lambda t: events(chunk() + f"event: error\ndata: {t}\n\n"),
    "error field": lambda t: events(f"error: {t}\n\n"),
    "no JSON": lambda t: events(chunk() + data(t)),
    "JSON that has not begun": lambda t: events(data("{" + t)),
}
IN_JSON = {
    "message": lambda t: answer(f'{{"error": {{"message": "{t}"}}}}', "500 X"),
    "type": lambda t: answer(f'{{"error": {{"message": "no", "type": "{t}"}}}}', "400 X"),
    "code": lambda t: answer(f'{{"error": {{"message": "no", "code": "{t}"}}}}', "400 X"),
    "param": lambda t: answer(f'{{"error": {{"message": "", "param": "{t}"}}}}', "400 X"),
    "error as text": lambda t: answer(f'{{"error": "{t}", "error_type": "{t}"}}', "422 X"),
    "detail": lambda t: answer(f'{{"detail": [{{"loc": ["body", "{t}"], "msg": "{t}", "input": "{t}"}}]}}', "422 X"),
    "name of a member": lambda t: answer(f'{{"error": {{"{t}": 1}}}}', "400 X"),
    "another object": lambda t: answer(f'{{"told": "{t}"}}', "500 X"),
    "object instead of a stream": lambda t: answer(f'{{"{t}": "{t}"}}'),
    "error under 200": lambda t: answer(f'{{"error": {{"message": "{t}"}}}}'),
    "id": lambda t: events(chunk(name=f'"{t}"') + stream(2)),
    "finish reason": lambda t: events(chunk() + chunk("", finish=f'"{t}"') + data("[DONE]")),
    "finish reason without a token": lambda t: events(chunk("", finish=f'"{t}"') + data("[DONE]")),
    "model": lambda t: events(chunk(more=f', "model": "{t}"') + stream(2)),
    "text": lambda t: events(chunk(f'"content": "{t}"') + stream(2)),
    "tool call": lambda t: events(chunk(f'"tool_calls": [{{"function": {{"arguments": "{t}"}}}}]') + stream(2)),
    "role": lambda t: events(chunk(f'"role": "{t}"') + stream(2)),
    "usage": lambda t: events(chunk(more=f', "usage": {{"completion_tokens": "{t}"}}') + stream(2)),
    "error in a stream": lambda t: events(chunk() + data(f'{{"error": {{"message": "{t}", "type": "{t}"}}}}')),
    "error of a choice": lambda t: events(data(f'{{"choices": [{{"error": {{"message": "{t}"}}}}]}}')),
    "chunk that is cut": lambda t: events(chunk() + data(f'{{"id": "{t}", "choices": [{{"delta": {{"content": "{t}')),
    "name in a chunk that is cut": lambda t: events(data(f'{{"{t}": 1, "{t}')),
    "chunk that is a text": lambda t: events(data(f'"{t}"')),
}
CLOSES = ("length", "coding", "no status line", "status", "header without a name", "size of a chunk")


class EchoServer:
    """models(), probe(n), tokenize(n): what answers those, None for the usual answer."""

    def __init__(self, say=None, models=None, probe=None, tokenize=None):
        self.say, self.models, self.probe, self.tokenize = say, models, probe, tokenize
        self.lock, self.number, self.authorizations = threading.Lock(), 0, set()
        self.probes = Probes()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def close(self):
        self.listener.close()

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
                reply, keep = self.reply(head, body)
                connection.sendall(reply)
                if not keep:
                    return
        except OSError:
            pass
        finally:
            connection.close()

    def reply(self, head, body):
        at = head.lower().find(b"authorization: ")
        if at >= 0:
            self.authorizations.add(head[at + 15:].split(b"\r\n", 1)[0].decode())
        if head.startswith(b"GET"):
            return (self.models() if self.models else None) or answer('{"data": [{"id": "m"}]}'), True
        request = json.loads(body)
        if b"/tokenize " in head.split(b"\r\n", 1)[0]:
            return (self.tokenize(request) if self.tokenize else None) or answer('{"tokens": [1]}'), True
        tokens = request["max_tokens"]
        if self.probes.holds(request):
            return (self.probe(request) if self.probe else None) or events(stream(tokens)), self.probe is None
        with self.lock:
            number, self.number = self.number, self.number + 1
        place, text = self.say(number, request)
        make = RAW.get(place) or IN_JSON.get(place)
        return (make(text) if make else events(stream(tokens))), place not in CLOSES
