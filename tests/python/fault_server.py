"""Endpoints that misbehave on purpose, byte by byte, for fault_matrix.py. Standard library only."""

import json
import socket
import ssl
import threading
import time

from http_requests import Probes, requests_on

MODELS = json.dumps({"object": "list", "data": [{"id": "m", "object": "model"}]}).encode()


def answer(body, status="200 OK", kind="application/json", extra=b""):
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n".encode()
    return head + extra + b"\r\n" + body


def event(**delta):
    return b"data: " + json.dumps({"id": "x", "choices": [{"index": 0, "delta": delta}]}).encode() + b"\n\n"


def good_stream(tokens=2):
    usage = {"id": "x", "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": tokens}}
    finish = {"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}
    body = b"".join(event(content=" a") for _ in range(tokens))
    body += b"data: " + json.dumps(finish).encode() + b"\n\ndata: " + json.dumps(usage).encode()
    return body + b"\n\ndata: [DONE]\n\n"


def body_of(request):
    return json.loads(request.split(b"\r\n\r\n", 1)[1])


def tokens_of(request):
    return body_of(request)["max_tokens"]


STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


class Server:
    """Answers the check before a run well; what it does to the requests after it is `fault`.

    fault(connection, number, request) is called for each request of the run, numbered from 1, and
    returns False to close the connection. Without one, every request is answered well.
    """

    def __init__(self, fault=None, family=socket.AF_INET, tls=None):
        self.fault, self.tls = fault, tls
        self.connections = 0
        self.request_bytes = 0
        self.headers = []
        self.posts = 0
        self.open = 0
        self.limit = None
        self.lock = threading.Lock()
        self.probes = Probes()
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        self.listener.listen(256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self, host="127.0.0.1"):
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}/v1"

    def close(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with self.lock:
            self.connections += 1
            self.open += 1
        refused = self.limit is not None and self.too_many()
        try:
            connection.settimeout(30)
            if refused:
                return
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            while self.one_request(connection):
                pass
        except (OSError, ssl.SSLError):
            pass
        finally:
            with self.lock:
                self.open -= 1
            try:
                connection.close()
            except OSError:
                pass

    def too_many(self):
        """Also a moment later, when connections that the client has closed are seen to be."""
        for _ in range(20):
            with self.lock:
                if self.open <= self.limit:
                    return False
            time.sleep(0.01)
        return True

    def one_request(self, connection):
        request = self.read(connection)
        if not request:
            return False
        if request.startswith(b"GET"):
            connection.sendall(answer(MODELS))
            return True
        if self.fault is None or self.probes.holds(body_of(request)):
            self.stream(connection, request)
            return True
        with self.lock:
            self.posts += 1
            number = self.posts
        return self.fault(connection, number, request)

    @staticmethod
    def stream(connection, request):
        connection.sendall(answer(good_stream(tokens_of(request)), kind="text/event-stream"))

    def read(self, connection):
        for head, body in requests_on(connection, self.heard):
            self.headers.append(head)
            return head + b"\r\n\r\n" + body
        return b""

    def heard(self, size):
        with self.lock:
            self.request_bytes += size


def slow_headers(connection, _number, _request):
    for byte in STREAM_HEAD:
        connection.sendall(bytes([byte]))
        time.sleep(0.1)
    return False


def never_ends(connection, _number, _request):
    connection.sendall(STREAM_HEAD)
    while True:
        connection.sendall(event(content=" a" * 500))


def endless_header(connection, _number, _request):
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        connection.sendall(b"a" * 65536)


def endless_line(connection, _number, _request):
    connection.sendall(STREAM_HEAD + b"data: ")
    while True:
        connection.sendall(b"a" * 65536)


def gzip_unasked(connection, _number, _request):
    import gzip

    body = gzip.compress(good_stream())
    connection.sendall(answer(body, kind="text/event-stream", extra=b"Content-Encoding: gzip\r\n"))
    return True


def redirect_to(location):
    def fault(connection, _number, _request):
        head = f"Location: {location}\r\n".encode()
        connection.sendall(answer(b"", "307 Temporary Redirect", extra=head))
        return True

    return fault


def refuse_all(status, extra=b"", body=b'{"error": {"message": "no"}}'):
    def fault(connection, _number, _request):
        connection.sendall(answer(body, status, extra=extra))
        return True

    return fault


def every(nth, bad, good=Server.stream):
    """Each nth request meets `bad`, the others are answered well."""

    def fault(connection, number, request):
        if number % nth == 0:
            return bad(connection, number, request)
        good(connection, request)
        return True

    return fault
