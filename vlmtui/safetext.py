"""The one place where untrusted text becomes text that may be shown.

Model output, file names, metadata, exception texts and logs may hold terminal escape sequences: a file's NAME can
write the user's clipboard (OSC 52) through a widget that prints it. Rich and Textual strip five control codes, neither
ESC nor C1. So every such text passes through here before it reaches a widget or a terminal.
"""

from __future__ import annotations

import re

# C0 but \n and \t, DEL, C1: everything that can start or end an escape sequence.
_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f\x80-\x9f"
# Bidirectional overrides and isolates, and the marks that steer them: they make `gpj.exe` read as `exe.jpg`.
_BIDI = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# Line and paragraph separators break a widget's one line in two; lone surrogates cannot be encoded for the terminal.
_OTHER = r"\u2028\u2029\ud800-\udfff\ufeff"

_UNSAFE = re.compile(f"[{_CONTROLS}{_BIDI}{_OTHER}]")
_LINE_BREAKS = re.compile(r"[\n\t]+")


def safe_text(text: str) -> str:
    """Return `text` with everything that a terminal could act on replaced by U+FFFD; newlines and tabs stay.

    `\\r\\n` becomes `\\n` first, so that text written on Windows keeps its lines. Replaced, not removed: the reader
    sees that something was there.
    """
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def safe_line(text: str, limit: int = 0) -> str:
    """Return `text` as one safe line: as `safe_text`, with line breaks and tabs as a space.

    Args:
        text: Anything, from anywhere.
        limit: The most characters to return, cut with an ellipsis; 0 for no limit.
    """
    line = _LINE_BREAKS.sub(" ", safe_text(text)).strip()
    if limit and len(line) > limit:
        return line[: limit - 1] + "…"
    return line


def sentence(text: str, *names: str) -> str:
    """Return `text` as one safe sentence: a capital first, unless it begins with one of `names`, and a full stop last.

    Args:
        text: A cause or a remedy, as an error has them.
        names: What must stay as it is, such as the name of the file that the error is about.
    """
    line = safe_line(text)
    if not any(name and line.startswith(safe_line(name)) for name in names):
        line = f"{line[:1].upper()}{line[1:]}"
    return f"{line}."
