"""Alerts told outside: a command without a shell, an address, both with a time limit, from the user's settings only."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from pathlib import Path

from vlmtui.monitor.protocol import Alert, RunRow
from vlmtui.settings import read_layers
from vlmtui.ui.monitor.telling import as_json, tell_outside

ROW = RunRow(path="/runs/a", kind="run", state="running", title="digits; $(id)", step=7, steps=9, loss=float("nan"))
BODY = as_json(ROW, Alert(code="spike", line="loss rose", remedy="lower it", step=7))


def python(code: str, *more: str) -> str:
    return shlex.join([sys.executable, "-c", code, *more])


async def test_a_command_gets_the_alert_without_a_shell(tmp_path: Path) -> None:
    file = tmp_path / "said"
    keep = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read() + sys.argv[2])"
    assert await tell_outside(python(keep, str(file), "; echo $HOME"), "", BODY) == []
    said, _, rest = file.read_text().partition("\n")
    told = json.loads(said)
    assert (told["alert"]["code"], told["alert"]["step"], told["run"]["loss"]) == ("spike", 7, None)
    assert rest == "; echo $HOME"
    big = BODY[:-2] + b" " * 1_000_000 + b"}\n"
    assert await tell_outside(python("pass"), "", big) == []  # it does not read what it is told


async def test_what_goes_wrong_with_a_command_is_one_line() -> None:
    bad = "import sys; sys.exit('first\\nno\\x1b[31m network')"
    (line,) = await tell_outside(python(bad), "", BODY)
    assert line.startswith("alert_command ended with exit code 1: no") and "\x1b" not in line
    for command in ("/no/such/command", "'unbalanced", "''", "#"):
        (line,) = await tell_outside(command, "", BODY)
        assert line.startswith("alert_command")
    slow = "import subprocess, sys, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
    (line,) = await tell_outside(python(slow), "", BODY, longest_s=1.0)
    assert "took longer than 1 s" in line
    leaves = "import subprocess; subprocess.Popen(['sleep', '5'])"  # and that holds the pipe
    assert await tell_outside(python(leaves), "", BODY) == []


async def test_an_address_gets_the_alert_and_is_not_repeated() -> None:
    asked: list[bytes] = []
    answers = [b"204 No Content", b"302 Found\r\nLocation: http://127.0.0.1:9/", b"500 Oops", b""]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        asked.append(head.split(b"\r\n")[0] + b" " + await reader.readexactly(size))
        answer = answers[len(asked) - 1]
        if answer:
            writer.write(b"HTTP/1.1 " + answer + b"\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
        else:
            await reader.read()  # it never answers
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        address = f"http://127.0.0.1:{port}/hooks/a-secret"
        assert await tell_outside("", address, BODY) == []
        lines = [line for limit in (60, 60, 1) for line in await tell_outside("", address, BODY, longest_s=limit)]
    assert asked == [b"POST /hooks/a-secret HTTP/1.1 " + BODY] * 4
    assert ["302" in lines[0], "500" in lines[1], "within 1 s" in lines[2]] == [True] * 3
    assert not any("secret" in line for line in lines)
    (line,) = await tell_outside("", address, BODY)  # the server is gone
    assert line.startswith(f"alert_webhook: 127.0.0.1:{port} cannot be reached")
    for wrong in ("file:///etc/passwd", "ftp://host/x", "http://", "http://[::1", "slack"):
        assert await tell_outside("", wrong, BODY) == ["alert_webhook is no http address"]


def test_a_folder_cannot_set_them(tmp_path: Path) -> None:
    own, folder = tmp_path / "settings.toml", tmp_path / ".vlmtui.toml"
    own.write_text('alert_command = "mine"\n')
    folder.write_text('bell = "on"\nalert_command = "theirs"\nalert_webhook = "http://theirs"\n')
    layers = read_layers([own, folder])
    assert (layers.settings.alert_command, layers.settings.alert_webhook) == ("mine", "")
    assert layers.settings.bell == "on"
    assert len(layers.mistakes) == 2 and ".vlmtui.toml:2: alert_command" in layers.mistakes[0]
