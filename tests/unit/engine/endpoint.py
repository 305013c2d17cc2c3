"""A small OpenAI-compatible endpoint on this machine, for tests: lists models, streams, fails at will."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .serving import serving

WORDS = ["The ", "picture ", "shows ", "a ", "café", ".\n"]


class Endpoint(ThreadingHTTPServer):
    """The endpoint.

    Attributes:
        models: what it lists.
        key: that it wants; empty for none.
        refusals: HTTP status, headers and body of the next answers to questions, one each, before it answers again.
        pause: waits for this before the third word.
        break_off: closes the connection after the third word.
        strict: knows no `stream_options`.
        asked: bodies of the questions.
        keys: authorisation headers.
        gone: set when the other side has closed the connection in the middle of an answer.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.models: list[dict[str, Any]] = [{"id": "smolvlm", "object": "model", "max_model_len": 4096}]
        self.key = ""
        self.refusals: list[tuple[int, dict[str, str], str]] = []
        self.pause: threading.Event | None = None
        self.break_off = False
        self.strict = False
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.gone = threading.Event()

    @property
    def address(self) -> str:
        """What `--endpoint` is given."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """Run an endpoint."""
    server = Endpoint()
    with serving(server):
        yield server


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        if self._let_in():
            page = {"object": "list", "data": self.server.models}
            self._send(200, json.dumps(page) if self.path == "/v1/models" else "<html>", {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._let_in():
            return
        self.server.asked.append(body)
        if self.server.refusals:
            status, headers, said = self.server.refusals.pop(0)
            self._send(status, said, headers)
        elif self.server.strict and "stream_options" in body:
            self._send(422, '{"detail": "Unexpected fields: stream_options"}', {})
        else:
            self._stream(body)

    def _let_in(self) -> bool:
        self.server.keys.append(self.headers.get("Authorization", ""))
        if self.server.key and self.server.keys[-1] != f"Bearer {self.server.key}":
            self._send(401, '{"error": {"message": "Unauthorized"}}', {})
            return False
        return True

    def _send(self, status: int, text: str, headers: dict[str, str]) -> None:
        data = text.encode()
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(data))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, body: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        words = WORDS[: body["max_tokens"]]
        try:
            self.wfile.write(b": hello\n\n")
            for number, word in enumerate(words):
                if number == 2 and self.server.break_off:
                    return
                if number == 2 and self.server.pause is not None:
                    self.connection.settimeout(30)
                    if not self.connection.recv(1):  # nothing comes: it is closed
                        self.server.gone.set()
                        return
                self._event({"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]})
            reason = "length" if len(words) < len(WORDS) else "stop"
            self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
            if body.get("stream_options"):
                self._event({"choices": [], "usage": {"prompt_tokens": 77, "completion_tokens": len(words)}})
            self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            self.server.gone.set()

    def _event(self, value: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(value).encode() + b"\n\n")
        self.wfile.flush()
