"""The terminal's side of finding: starts the children, asks them, and hands their answers on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from vlmtui.finding.child import LineChild
from vlmtui.finding.protocol import Ask, Found, Search, Searched


class FileFinder:
    """Finds files of one folder; to be closed."""

    def __init__(self, folder: Path, recent: list[str], found: Callable[[Found], None]) -> None:
        """Args:
        folder: Where to look.
        recent: Paths relative to it that come first where they match, newest first.
        found: Called with each answer to the newest question.
        """
        self._child = LineChild("vlmtui.finding.host", str(folder), *recent)
        self._found = found
        self._decode = msgspec.json.Decoder(Found).decode
        self._asked = Ask(0, "")

    def ask(self, letters: str) -> None:
        """Ask for files with these letters; the answers of earlier questions are dropped from here on."""
        self._asked = Ask(self._asked.id + 1, letters)
        self._send()

    async def run(self) -> str:
        """Run until closed.

        Returns:
            One line that says why it ended by itself; empty when it was closed.
        """
        return await self._child.run(self._send, self._receive)

    async def close(self) -> None:
        """End the child, if it was started, and wait for its end."""
        await self._child.close()

    def _send(self) -> None:
        self._child.send(self._asked)

    def _receive(self, line: bytes) -> None:
        found = self._decode(line)
        if found.id == self._asked.id:
            self._found(found)


class FileSearch:
    """One search through the files of a folder; to be closed.

    A process of its own, as an editor starts one for each search: to give a search up is then to end it, whatever it
    hangs in, a slow network folder or a regular expression that never ends.
    """

    def __init__(self, folder: Path, search: Search, receive: Callable[[Searched], None]) -> None:
        """Args:
        folder: Where to look.
        search: What to look for.
        receive: Called with what was found since the last call, the last time with `done`.
        """
        self._child = LineChild("vlmtui.finding.search_host", str(folder))
        self._search = search
        self._receive = receive
        self._decode = msgspec.json.Decoder(Searched).decode

    async def run(self) -> str:
        """Search to the end, or until closed.

        Returns:
            One line that says what went wrong; empty when nothing did.

        Raises:
            OSError: the child cannot be started.
        """
        return await self._child.run(
            lambda: self._child.send(self._search), lambda line: self._receive(self._decode(line))
        )

    async def close(self) -> None:
        """End it, if it was started, and wait for its end."""
        await self._child.close()
