"""The requests of one connection, for the endpoints of these tests. Standard library only."""

import json


def requests_on(connection, heard=lambda size: None):
    """(head, body) of each request, without the empty line between them, until the client has gone.

    `heard` is called with the bytes of each read.
    """
    data = b""

    def more():
        nonlocal data
        piece = connection.recv(65536)
        heard(len(piece))
        data += piece
        return bool(piece)

    while True:
        while b"\r\n\r\n" not in data:
            if not more():
                return
        head, _, data = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        while len(data) < length:
            if not more():
                return
        body, data = data[:length], data[length:]
        yield head, body


PROBE_TOKENS = 16  # what the check before a run asks for first; a run of the tests asks for others


class Probes:
    """Tells the requests of the check before a run, which ask one prompt for several lengths."""

    def __init__(self):
        self.prompts = set()

    def holds(self, request):
        prompt = json.dumps(request.get("prompt", request.get("messages")))
        if request["max_tokens"] == PROBE_TOKENS:
            self.prompts.add(prompt)
        return prompt in self.prompts
