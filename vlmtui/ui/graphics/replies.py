"""A question to the terminal, and its answers, taken out of the input before anyone can take them for keys."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Name and version, whether the kitty protocol is understood, the size of a cell in pixels, how many colours sixels may
# have, and last what kind of terminal it is (DA1): every terminal answers that one, so its answer ends the waiting.
QUESTION = "\x1b[>q\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[16t\x1b[?1;1;0S\x1b[c"

_REPLY = re.compile(
    r"\x1bP>\|(?P<name>[^\x1b\x07]{0,200})\x1b\\"
    r"|\x1b_G(?P<kitty>[^\x1b]{0,200})\x1b\\"
    r"|\x1b\[6;(?P<height>\d{1,5});(?P<width>\d{1,5})t"
    r"|\x1b\[\?1;(?P<registers>\d[\d;]{0,20})S"
    r"|\x1b\[\?(?P<kind>[\d;]{0,80})c"
)
# The beginning of one of them, at the end of what has been read so far.
_BEGUN = re.compile(
    r"\x1b(?:P(?:>(?:\|[^\x1b\x07]{0,200}\x1b?)?)?|_(?:G[^\x1b]{0,200}\x1b?)?|\[(?:6(?:;\d{0,5}){0,2}|\?[\d;]{0,80})?)?\Z"
)


@dataclass(slots=True)
class Replies:
    """What the terminal answered so far.

    Attributes:
        name: and version, as it calls itself, e.g. `kitty(0.32.2)` or `XTerm(379)`; empty if it did not say.
        kitty: whether it understands the kitty graphics protocol.
        sixel: whether it draws sixels.
        cell: width and height of a cell in pixels; None if it did not say.
        registers: colours that sixels may use; 0 if it did not say.
        complete: whether its last answer has come.
    """

    name: str = ""
    kitty: bool = False
    sixel: bool = False
    cell: tuple[int, int] | None = None
    registers: int = 0
    complete: bool = False


class ReplyFilter:
    """Takes the answers out of the input; everything else passes, unchanged and in order.

    Answers may come late (a slow line), in pieces, and between key presses. An unfinished piece is held back until
    the rest comes or `release` says that it will not.
    """

    def __init__(self) -> None:
        self.replies = Replies()
        self._held = ""
        self._asked = False

    def begin(self) -> None:
        """Start to look for answers; until then nothing is touched."""
        self.replies = Replies()
        self._asked = True

    def feed(self, text: str) -> str:
        """Return what of `text` was typed."""
        if not self._asked:
            return text
        text = self._held + text
        self._held = ""
        typed = _REPLY.sub(self._note, text)
        begun = _BEGUN.search(typed)
        if begun is not None and (begun[0] != "\x1b" or not self.replies.complete):
            # A lone ESC may be the Escape key: it is held only while an answer is still to come.
            self._held = begun[0]
            return typed[: begun.start()]
        return typed

    def release(self) -> str:
        """Return what was held back: it is no answer, since its rest has not come."""
        held, self._held = self._held, ""
        return held

    def _note(self, match: re.Match[str]) -> str:
        replies = self.replies
        if match["name"] is not None:
            replies.name = match["name"]
        elif match["kitty"] is not None:
            replies.kitty = match["kitty"].endswith(";OK")
        elif match["height"] is not None:
            size = int(match["width"]), int(match["height"])
            replies.cell = size if min(size) > 0 else None
        elif match["registers"] is not None:
            fields = match["registers"].split(";")
            if len(fields) == 2 and fields[0] == "0":
                replies.registers = int(fields[1] or 0)
        else:
            replies.sixel = "4" in match["kind"].split(";")[1:]
            replies.complete = True
        return ""
