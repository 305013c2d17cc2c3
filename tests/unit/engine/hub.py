"""A small model hub on this machine, for tests: speaks as much of the hub's protocol as a download needs."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .serving import serving

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """The hub.

    Attributes:
        repositories: folder of each repository, by id; the one revision is `main`.
        refuse: HTTP status, and the hub's error code, for every request; None to answer.
        slow: waits this event before the second half of a large file is sent.
        seen: paths and authorisation headers that were asked for.
        ranges: `Range` headers of requests that went on with a file.
        damage: sends a large file with other bytes at its end than it has.
        sha256: names files by their SHA-256, as the hub does with large ones.
    """

    daemon_threads = True

    def __init__(self, repositories: dict[str, Path]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories = repositories
        self.refuse: tuple[int, str] | None = None
        self.slow: threading.Event | None = None
        self.seen: list[tuple[str, str]] = []
        self.ranges: list[str] = []
        self.damage = False
        self.sha256 = False

    @property
    def address(self) -> str:
        """What HF_ENDPOINT is set to."""
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def hub(**repositories: Path) -> Iterator[Hub]:
    """Run a hub; a keyword `owner__name` is the repository `owner/name`."""
    server = Hub({name.replace("__", "/"): folder for name, folder in repositories.items()})
    with serving(server):
        yield server


class _Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *arguments: object) -> None:
        pass

    def _answer(self, *, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.seen.append((path, self.headers.get("authorization", "")))
        if self.server.refuse is not None:
            status, code = self.server.refuse
            self._send(status, b"", {"X-Error-Code": code}, body)
            return
        words = path.strip("/").split("/")
        if words[:2] == ["api", "models"]:
            self._api("/".join(words[2:4]), words[4:], body)
        elif len(words) > 4 and words[2] == "resolve":
            self._file("/".join(words[:2]), words[3], "/".join(words[4:]), body)
        else:
            self._send(404, b"", {}, body)

    def _api(self, name: str, rest: list[str], body: bool) -> None:
        folder = self.server.repositories.get(name)
        if folder is None:
            self._send(401, b"", {"X-Error-Code": "RepoNotFound"}, body)
            return
        revision = rest[1] if len(rest) > 1 else "main"
        if revision not in ("main", COMMIT):
            self._send(404, b"", {"X-Error-Code": "RevisionNotFound"}, body)
            return
        files = sorted(path for path in folder.iterdir() if path.is_file())
        if rest[:1] == ["tree"]:
            answer: object = [
                {"type": "file", "path": path.name, "size": path.stat().st_size, "oid": _etag(path)} for path in files
            ]
        else:
            answer = {"id": name, "sha": COMMIT, "siblings": [{"rfilename": path.name} for path in files]}
        self._send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"}, body)

    def _file(self, name: str, revision: str, file: str, body: bool) -> None:
        folder = self.server.repositories.get(name)
        if folder is None:
            self._send(401, b"", {"X-Error-Code": "RepoNotFound"}, body)
        elif revision not in ("main", COMMIT):
            self._send(404, b"", {"X-Error-Code": "RevisionNotFound"}, body)
        elif not (folder / file).is_file():
            self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT}, body)
        else:
            data = (folder / file).read_bytes()
            digest = hashlib.sha256(data).hexdigest() if self.server.sha256 else _etag(folder / file)
            headers = {"ETag": f'"{digest}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
            if self.server.damage and len(data) > 100_000:
                data = data[:-8] + b"damaged!"
            wanted = self.headers.get("range", "")
            if wanted.startswith("bytes=") and body:
                self.server.ranges.append(wanted)
                start = int(wanted.removeprefix("bytes=").partition("-")[0])
                headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
                self._send(206, data[start:], headers, body)
            else:
                self._send(200, data, headers, body)

    def _send(self, status: int, data: bytes, headers: dict[str, str], body: bool) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if not body:
            return
        try:
            half = len(data) // 2
            self.wfile.write(data[:half])
            if self.server.slow is not None and len(data) > 100_000:
                self.wfile.flush()
                self.server.slow.wait(30)
            self.wfile.write(data[half:])
        except OSError:
            pass  # the other side was stopped or killed


def _etag(path: Path) -> str:
    return hashlib.sha1(path.read_bytes()).hexdigest()
