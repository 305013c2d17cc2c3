"""Pictures as sixels, one sequence for each row of cells.

By rows, so that a part of the screen can be painted again (something lay over it) without sending the picture again.
Format: DEC's VT330/VT340 graphics manual: columns of six pixels as one character, one pass for each colour.
"""

from __future__ import annotations

import re

import numpy as np
from PIL import Image

_RUN = re.compile(rb"(.)\1{3,}", re.S)
_BAND = 6


def encode_rows(image: Image.Image, cell_height: int, colours: int = 256, *, dither: bool = True) -> list[bytes]:
    """Return an RGB `image` as sixel sequences, each of `cell_height` pixels (the last may be less).

    Args:
        image: RGB.
        cell_height: Pixels of a row of cells.
        colours: Colour registers of the terminal, 2 to 256. Each sequence defines those that it uses.
        dither: Smooth gradients for three times the bytes; always with fewer than 64 colours, which need it.
    """
    colours = max(2, min(256, colours))
    small = image.copy()
    small.thumbnail((160, 160), Image.Resampling.BOX)  # median cut on every pixel would take 300 ms to say the same
    chosen = small.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    spread = dither or colours < 64
    reduced = image.quantize(palette=chosen, dither=Image.Dither.FLOYDSTEINBERG if spread else Image.Dither.NONE)
    palette = np.array(reduced.getpalette(), dtype=np.int64).reshape(-1, 3)
    percent = (palette * 100 + 127) // 255
    indices = np.asarray(reduced)
    return [_encode(indices[top : top + cell_height], percent) for top in range(0, image.height, cell_height)]


def _encode(indices: np.ndarray, percent: np.ndarray) -> bytes:
    """Return one sequence; `indices` is height x width, `percent` the palette in hundredths, n x 3."""
    height, width = indices.shape
    # P2 = 1: pixels that are not set keep what is there (the last band is taller than the row of cells).
    out = [b'\x1bP0;1;0q"1;1;%d;%d' % (width, height)]
    out += [b"#%d;2;%d;%d;%d" % (c, *percent[c]) for c in np.unique(indices).tolist()]
    across = np.arange(width)
    place = np.zeros(256, np.intp)
    for top in range(0, height, _BAND):
        band = indices[top : top + _BAND]
        here = np.unique(band)
        place[here] = np.arange(len(here))
        planes = np.full((len(here), width), 63, np.uint8)  # 63, `?`, is a column with no pixel set
        for bit, row in enumerate(band):
            planes[place[row], across] += 1 << bit
        passes = [b"#%d%s" % (c, _packed(plane.tobytes())) for c, plane in zip(here.tolist(), planes, strict=True)]
        out.append(b"$".join(passes))
        out.append(b"-")
    out[-1] = b"\x1b\\"  # no line feed after the last band: it could scroll the screen
    return b"".join(out)


def _packed(plane: bytes) -> bytes:
    """Return `plane` without empty columns at its end, and with runs of four and more as `!count`."""
    body = plane.lstrip(b"?")
    gap = len(plane) - len(body)
    return (b"!%d?" % gap if gap else b"") + _RUN.sub(lambda run: b"!%d%s" % (len(run[0]), run[1]), body.rstrip(b"?"))
