"""A stub of an OpenAI-compatible endpoint on loopback."""

from __future__ import annotations

import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def offered(body):
    """Return the hashtags that a request offers, in order."""
    return re.findall(r"^\d+\. (\S+) \(", body["messages"][1]["content"], re.M)


def backwards(body):
    """Choose the last three of the hashtags offered, last first."""
    return json.dumps(offered(body)[:-4:-1])


class Stub:
    """What was asked, and what is answered.

    Attributes:
        answers: text, (status, text) or a function of the request's body, one after the other; the last for ever.
        requests: (path, headers, body) of each request.
    """

    def __init__(self):
        self.answers, self.requests, self.url, self.tokens = [backwards], [], "", 100

    def next_answer(self, body):
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        answer = answer(body) if callable(answer) else answer
        return answer if isinstance(answer, tuple) else (200, answer)


@contextmanager
def chat_stub():
    """Serve a `Stub` for a `with` block."""
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            stub.requests.append((self.path, dict(self.headers), body))
            status, text = stub.next_answer(body)
            if status is None:
                # The connection ends without an answer.
                return
            raw = isinstance(text, bytes)
            message = {"choices": [{"message": {"content": text}}], "usage": {"total_tokens": stub.tokens}}
            payload = text if raw else json.dumps(message).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{stub.url}/elsewhere")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
