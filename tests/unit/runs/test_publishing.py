"""A result goes to the hub only after it was shown what goes where; a hub on this machine takes it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from vlmtui.runs.folder import RunError, RunFolder, create
from vlmtui.runs.publishing import plan


class Taking(ThreadingHTTPServer):
    """Takes a commit, as the hub does: `taken` holds the files, `made` how repositories were created."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: dict[str, bytes] = {}
        self.made: list[dict[str, object]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Taking

    def log_message(self, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        self._say({}, 404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if "/preupload/" in self.path:
            named = json.loads(body)["files"]
            files = [{"path": one["path"], "uploadMode": "regular", "shouldIgnore": False} for one in named]
            self._say({"files": files})
        elif "/commit/" in self.path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.server.taken[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            self._say(
                {
                    "commitUrl": f"http://127.0.0.1:{self.server.server_address[1]}/me/tuned/commit/1",
                    "commitOid": "1",
                    "success": True,
                }
            )
        elif self.path.startswith("/api/repos/create"):
            self.server.made.append(json.loads(body))
            self._say({"url": f"http://127.0.0.1:{self.server.server_address[1]}/me/tuned"})
        else:
            self._say({"errors": [], "warnings": []})

    def _say(self, answer: object, status: int = 200) -> None:
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def hub() -> Iterator[Taking]:
    server = Taking()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    output = tmp_path / "out"
    output.mkdir()
    for name in ("adapter_config.json", "README.md", "vlmtui.json"):
        (output / name).write_text("{}")
    (output / "adapter_model.safetensors").write_bytes(b"weights")
    return create("t", "cpu", {}, output=str(output), root=tmp_path / "runs")


def push(run: RunFolder, hub: Taking, *words: str) -> subprocess.CompletedProcess[str]:
    address = f"http://127.0.0.1:{hub.server_address[1]}"
    environment = {**os.environ, "HF_HUB_OFFLINE": "0", "HF_ENDPOINT": address, "HF_TOKEN": "hf_secretsecret"}
    command = [sys.executable, "-m", "vlmtui", "runs", "push", str(run.path), "me/tuned", *words]
    return subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120
    )


def test_nothing_is_sent_before_it_was_seen(run: RunFolder, hub: Taking) -> None:
    found = push(run, hub)
    assert (found.returncode, hub.made, hub.taken) == (1, [], {})
    assert "adapter_model.safetensors  7 bytes" in found.stdout
    assert "private" in found.stdout and f"{hub.server_address[1]}/me/tuned" in found.stdout
    assert "--yes" in found.stderr

    found = push(run, hub, "--yes")
    assert found.returncode == 0, found.stderr
    assert hub.taken == {"adapter_config.json": b"{}", "README.md": b"{}", "adapter_model.safetensors": b"weights"}
    assert hub.made[0]["name"] == "tuned" and "public" not in str(hub.made[0].get("visibility"))
    assert hub.made[0].get("private") is True or hub.made[0].get("visibility") == "private"
    assert "hf_secret" not in found.stdout + found.stderr


def test_what_cannot_be_pushed(run: RunFolder, tmp_path: Path) -> None:
    for name in ("me", "me/a/b", "me/ a", "/a"):
        with pytest.raises(RunError, match="owner/name"):
            plan(run, name)
    with pytest.raises(RunError, match="no result"):
        plan(run, "me/a", folder=tmp_path / "nowhere")
    assert "PUBLIC" in "".join(plan(run, "me/a", private=False).lines)
