"""The system's clipboard, by the programs there are for it: what is copied goes there, pictures come from there.

A terminal is told by OSC 52 as well (Textual does), which reaches the person's own machine through SSH; these programs
reach the clipboard of the machine that this runs on, where there is one, also from terminals that know no OSC 52.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_BYTES = 64 * 2**20
_LONGEST_S = 10.0
_POWERSHELL = (
    "Add-Type -AssemblyName System.Windows.Forms,System.Drawing; $i = [Windows.Forms.Clipboard]::GetImage(); "
    "if ($i) { $m = New-Object IO.MemoryStream; $i.Save($m, [Drawing.Imaging.ImageFormat]::Png); "
    "$b = $m.ToArray(); [Console]::OpenStandardOutput().Write($b, 0, $b.Length) }"
)


class NoPicture(Exception):
    """There is no picture to be had from the clipboard; the text says why and what to do."""


def copying(environment: Mapping[str, str]) -> list[str] | None:
    """Return the command that takes what is copied on its standard input; None where there is none."""
    commands: list[list[str]] = []
    if environment.get("TMUX"):  # tmux hands it on to its terminal
        commands.append(["tmux", "load-buffer", "-w", "-"])
    if environment.get("WAYLAND_DISPLAY"):
        commands.append(["wl-copy"])
    if environment.get("DISPLAY"):
        commands += [["xclip", "-selection", "clipboard"], ["xsel", "--clipboard", "--input"]]
    if sys.platform == "darwin":
        commands.append(["pbcopy"])
    if environment.get("WSL_DISTRO_NAME"):
        commands.append(["clip.exe"])
    return _first(commands, environment)


def reading(environment: Mapping[str, str]) -> list[str] | None:
    """Return the command that writes the picture in the clipboard as PNG; None where there is none."""
    commands: list[list[str]] = []
    if environment.get("WAYLAND_DISPLAY"):
        commands.append(["wl-paste", "--type", "image/png"])
    if environment.get("DISPLAY"):
        commands.append(["xclip", "-selection", "clipboard", "-t", "image/png", "-o"])
    if sys.platform == "darwin":
        commands.append(["pngpaste", "-"])
    if environment.get("WSL_DISTRO_NAME"):
        commands.append(["powershell.exe", "-NoProfile", "-STA", "-Command", _POWERSHELL])
    return _first(commands, environment)


def _first(commands: list[list[str]], environment: Mapping[str, str]) -> list[str] | None:
    path = environment.get("PATH")
    return next((command for command in commands if shutil.which(command[0], path=path)), None)


async def copy(text: str, environment: Mapping[str, str] | None = None) -> bool:
    """Put `text` into the system's clipboard; return whether a program took it."""
    environment = os.environ if environment is None else environment
    command = copying(environment)
    if command is None:
        return False
    try:
        child = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environment),
            start_new_session=True,
        )
        async with asyncio.timeout(_LONGEST_S):
            await child.communicate(text.encode("utf-8", "replace"))
    except (OSError, TimeoutError):
        return False
    return child.returncode == 0


async def picture_of_clipboard(folder: Path, environment: Mapping[str, str] | None = None) -> Path:
    """Write the picture that is in the clipboard into `folder`, for the user alone, and return its file.

    Raises:
        NoPicture: there is none, or no way to it.
    """
    environment = os.environ if environment is None else environment
    command = reading(environment)
    if command is None:
        raise NoPicture(_no_way(environment))
    try:
        child = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environment),
            start_new_session=True,
        )
        assert child.stdout is not None
        try:
            async with asyncio.timeout(_LONGEST_S):
                data = b""
                while len(data) <= _MOST_BYTES and (piece := await child.stdout.read(2**20)):
                    data += piece
        finally:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    except (OSError, TimeoutError) as error:
        raise NoPicture(f"{command[0]} did not answer ({error}): save the picture and attach its file.") from error
    if len(data) > _MOST_BYTES:
        raise NoPicture("The picture in the clipboard is larger than 64 MB: save it and attach its file.")
    if not data.startswith(_PNG):
        raise NoPicture("There is no picture in the clipboard: copy one first.")
    return await asyncio.to_thread(_kept, data, folder)


def _kept(data: bytes, folder: Path) -> Path:
    name = f"clipboard-{time.strftime('%Y%m%d-%H%M%S')}-{hashlib.sha256(data).hexdigest()[:8]}.png"
    file = folder / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(data)
    except OSError as error:
        raise NoPicture(f"{folder}: {error.strerror or error}: make room, or save the picture elsewhere.") from error
    return file


def _no_way(environment: Mapping[str, str]) -> str:
    if environment.get("SSH_CONNECTION") and not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        return "The clipboard is on your own machine, this runs on another (SSH): copy the picture's file here."
    if environment.get("WAYLAND_DISPLAY"):
        return "To read pictures from the clipboard, install wl-clipboard."
    if environment.get("DISPLAY"):
        return "To read pictures from the clipboard, install xclip."
    if sys.platform == "darwin":
        return "To read pictures from the clipboard, install pngpaste (brew install pngpaste)."
    return "There is no clipboard here (no Wayland, X11 or macOS session): attach the picture's file."
