"""The bytes of a text file, at any place: straight from the disk, or from memory when it had to be recoded."""

from __future__ import annotations

import codecs
import os
from typing import BinaryIO

from vlmtui.datasets.errors import DatasetError
from vlmtui.media.errors import from_os_error, shown_name
from vlmtui.media.files import open_regular

_RECODED_MOST = 64 * 1024 * 1024
_HEAD = 64 * 1024
_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class TextBytes:
    """A text file as UTF-8 bytes whose lines end with `\\n`.

    Attributes:
        start: where the text begins, behind a byte order mark.
        size: where it ends.
    """

    def __init__(self, path: str) -> None:
        """Open the file at `path`.

        Raises:
            DatasetError: it cannot be opened, or is in UTF-16 and too large to be recoded in memory.
        """
        self._path = path
        self._stream: BinaryIO = open_regular(path, DatasetError)
        self._recoded: bytes | None = None
        self.start = 0
        self.size = os.fstat(self._stream.fileno()).st_size
        try:
            self._look()
        except BaseException:
            self._stream.close()
            raise

    def read(self, size: int, offset: int) -> bytes:
        """Return at most `size` bytes from `offset` on; b"" at the end.

        Raises:
            DatasetError: the disk does not give them.
        """
        if self._recoded is not None:
            return self._recoded[offset : offset + size]
        try:
            return os.pread(self._stream.fileno(), size, offset)
        except OSError as error:
            raise from_os_error(error, self._path, DatasetError) from None

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self._recoded = b"" if self._recoded is not None else None

    def _look(self) -> None:
        head = self.read(_HEAD, 0)
        if head.startswith(codecs.BOM_UTF8):
            self.start = len(codecs.BOM_UTF8)
        elif head.startswith((*_UTF_32, *_UTF_16)):
            self._recode("utf-32" if head.startswith(_UTF_32) else "utf-16")
        elif b"\x00" in head:
            raise DatasetError(f"{shown_name(self._path)} is no text", "choose a .jsonl, .json or .csv file", "foreign")
        elif b"\r" in head and b"\n" not in head:
            self._recode("utf-8")

    def _recode(self, encoding: str) -> None:
        if self.size > _RECODED_MOST:
            what = "in UTF-16" if encoding != "utf-8" else "with line ends of the old Macintosh"
            cause = f"{shown_name(self._path)} is {what}, and too large to be recoded here"
            raise DatasetError(cause, "save it as UTF-8 with another program", "too_large")
        text = self.read(self.size, 0).decode(encoding, "replace" if encoding != "utf-8" else "surrogateescape")
        text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        self._recoded = text.encode("utf-8", "surrogateescape" if encoding == "utf-8" else "replace")
        self.size = len(self._recoded)
