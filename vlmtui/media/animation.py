"""Playing an animated picture: one frame at a time, whatever the file says; media child only.

Nothing is decoded ahead and nothing is queued: whoever shows the animation asks what is due now, and gets that frame.
Frames in between are decoded (a GIF's build on each other) but go nowhere. When decoding itself is slower than the
animation, it runs slower rather than ever further behind.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import BinaryIO

from PIL import Image

from vlmtui.media.errors import PictureError, shown_name
from vlmtui.media.files import open_regular
from vlmtui.media.pictures import ANIMATED, FORMATS, MAX_PIXELS, orientation, to_eight_bits, turned

MOST_PIXELS = 16_000_000
"""The most pixels of a frame that is played: decoding larger ones takes longer than they are due."""
SHORTEST_S, LONGEST_S = 0.02, 60.0
"""What a frame's duration is held to."""
_UNSAID_S = 0.1  # a duration of 0 or 10 ms means "as fast as you can" to old files; browsers take this, so do we
_MOST_FRAMES = 10_000  # in one round; then it starts over
_BUDGET_S = 0.2  # decoding of frames that are already past ends here, and the clock is set back


class Player:
    """An animation that is being played. Holds the file and one frame."""

    def __init__(self, path: str) -> None:
        """Open the picture at `path`.

        Raises:
            PictureError: it cannot be read, is no animation, or its frames are too large to play.
        """
        self.path = path
        self.damaged = 0
        """Number of the first frame that cannot be decoded; the animation ends before it. 0 for none."""
        self._stream: BinaryIO = open_regular(path, PictureError)
        try:
            with _strict():
                self._image: Image.Image = Image.open(self._stream, formats=FORMATS)
                animated = bool(getattr(self._image, "is_animated", False))
        except Exception as error:
            self.close()
            raise PictureError(f"{shown_name(path)} cannot be played: {error}", "make or download it again") from None
        width, height = self._image.size
        if not animated or self._image.format not in ANIMATED:
            self.close()
            raise PictureError(f"{shown_name(path)} is no animation", "choose a GIF, WebP or PNG of several frames")
        if width * height > min(MOST_PIXELS, MAX_PIXELS):
            self.close()
            raise PictureError(
                f"{shown_name(path)} is too large to play: {width:,} x {height:,} pixels a frame",
                f"scale it down to {MOST_PIXELS // 1_000_000} megapixels", "too_large",
            )  # fmt: skip
        self._turn = orientation(self._image)
        self._frame = -1
        self._shown: Image.Image | None = None
        self._ends = 0.0  # on the clock of `at`, when the frame's time is over
        self._lag = 0.0  # how far that clock was set back

    def close(self) -> None:
        """Give the file back."""
        self._shown = None
        self._stream.close()

    def at(self, seconds: float, check: Callable[[], None] | None = None) -> tuple[Image.Image, int, float]:
        """Return the frame that is due `seconds` after the start (RGB, RGBA or L), its number, and how long it stays.

        Args:
            seconds: Since the start; not less than in the call before.
            check: Called between frames; what it raises ends the decoding.

        Raises:
            PictureError: not even the first frame can be decoded.
        """
        now = seconds - self._lag
        if now < self._ends and self._shown is not None:
            return self._shown, self._frame, self._ends - now
        began = time.monotonic()
        moved = False
        while self._shown is None or now >= self._ends:
            if moved and time.monotonic() - began > _BUDGET_S:
                self._lag += now - self._ends
                now = self._ends
                self._ends = now + self._duration()
                break
            if check is not None:
                check()
            self._next()
            moved = True
        assert self._shown is not None
        return self._shown, self._frame, max(SHORTEST_S, self._ends - now)

    def _next(self) -> None:
        """Decode the next frame; after the last, or at a damaged one, the first."""
        number = self._frame + 1
        limit = self.damaged or _MOST_FRAMES
        if number < limit:
            try:
                self._decode(number)
                return
            except EOFError:
                if number == 0:
                    raise PictureError(f"{shown_name(self.path)} has no frames", "make or download it again") from None
            except Exception as error:  # decoders raise nearly anything on damaged data
                if number == 0:
                    cause = f"{shown_name(self.path)} is damaged: {error or type(error).__name__}"
                    raise PictureError(cause, "make or download it again") from None
                self.damaged = number
        self._frame = -1
        try:
            self._decode(0)
        except Exception as error:
            cause = f"{shown_name(self.path)} cannot be played again: {error or type(error).__name__}"
            raise PictureError(cause, "make or download it again") from None

    def _decode(self, number: int) -> None:
        with _strict():
            self._image.seek(number)
            frame = to_eight_bits(self._image.copy())
        self._shown = turned(frame, self._turn)
        self._frame = number
        self._ends += self._duration()

    def _duration(self) -> float:
        said = self._image.info.get("duration", 0)
        try:
            seconds = float(said) / 1000
        except (TypeError, ValueError):
            seconds = 0.0
        if not seconds > 0.0105:  # NaN as well
            return _UNSAID_S
        return max(SHORTEST_S, min(LONGEST_S, seconds))


class _strict(warnings.catch_warnings):
    """Pillow's remarks on odd files are not shown, but its warning of a decompression bomb is an error."""

    def __enter__(self) -> None:
        super().__enter__()
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
