"""Pictures and videos that the tests of media and preview look at, drawn here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

MODES = ("RGB", "L", "LA", "RGBA", "P", "1", "I;16")


def scene(width: int = 96, height: int = 64) -> Image.Image:
    """A gradient with a red disc in the upper left and a blue square in the lower right."""
    down, across = np.mgrid[0:height, 0:width]
    pixels = np.stack((across * 255 // width, down * 255 // height, np.full_like(across, 90)), axis=-1)
    image = Image.fromarray(pixels.astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.ellipse((width // 10, height // 10, width // 3, height // 2), fill=(230, 30, 30))
    draw.rectangle((width * 6 // 10, height * 6 // 10, width * 9 // 10, height * 9 // 10), fill=(30, 60, 230))
    return image


def quarters(mode: str) -> Image.Image:
    """A 40 x 20 picture in `mode`, its left half dark (64) and its right half light (192), opaque; I;16 in 16 bits."""
    grey = np.full((20, 40), 64, np.uint8)
    grey[:, 20:] = 192
    if mode == "I;16":
        return Image.fromarray(grey.astype(np.uint16) * 257)
    if mode == "1":
        return Image.fromarray(grey).point(lambda value: 255 if value > 128 else 0).convert("1")
    colour = Image.fromarray(grey).convert("RGB")
    return colour.quantize(16) if mode == "P" else colour.convert(mode)


def write_video(path: Path, frames: int = 20, size: tuple[int, int] = (64, 48), fps: float = 10.0) -> Path:
    """Write a video whose frame i is grey 10 * i, with its left half 20 darker."""
    import cv2

    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), fps, size)
    for index in range(frames):
        frame = np.full((size[1], size[0], 3), 10 * index + 30, np.uint8)
        frame[:, : size[0] // 2] -= 20
        writer.write(frame)
    writer.release()
    return path


def turn_video(path: Path) -> None:
    """Mark the video at `path` as one that is shown turned by 90 degrees (the matrix in its track header)."""
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    for place, value in enumerate((0, 0x10000, 0, 0xFFFF0000, 0, 0, 0, 0, 0x40000000)):
        data[matrix + 4 * place : matrix + 4 * place + 4] = value.to_bytes(4, "big")
    path.write_bytes(data)


def write_numbered(
    path: Path, frames: int = 60, size: tuple[int, int] = (160, 64), fps: float = 10.0, codec: str = "mp4v"
) -> Path:
    """Write a video whose frames say their own number: ten blocks side by side, the bits of it (see `number_of`)."""
    import cv2

    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), fps, size)
    assert writer.isOpened()
    width = size[0] // 10
    for number in range(frames):
        frame = np.full((size[1], size[0], 3), 40, np.uint8)
        for bit in range(10):
            if number >> bit & 1:
                frame[:, bit * width : (bit + 1) * width] = 215
        writer.write(frame)
    writer.release()
    return path


def number_of(frame: np.ndarray) -> int:
    """Return the number that a frame of `write_numbered` says, at whatever size it is (height x width x 3)."""
    height, width = frame.shape[:2]
    bits = [int(frame[height // 2, int((bit + 0.5) * width / 10)].mean()) > 128 for bit in range(10)]
    return sum(1 << bit for bit, on in enumerate(bits) if on)


def vary_rate(path: Path, runs: list[tuple[int, float]]) -> None:
    """Give the frames of the MP4 at `path` other durations: `runs` of (how many, times as long as before).

    Rewrites the table of durations (`stts`) and the sizes of the boxes around it; the frames lie before them.
    """
    data = path.read_bytes()
    assert data.index(b"mdat") < data.index(b"moov")
    at = data.index(b"stts") - 4
    old = int.from_bytes(data[at : at + 4], "big")
    step = int.from_bytes(data[at + 20 : at + 24], "big")
    table = b"".join(n.to_bytes(4, "big") + round(step * times).to_bytes(4, "big") for n, times in runs)
    box = (16 + len(table)).to_bytes(4, "big") + b"stts" + bytes(4) + len(runs).to_bytes(4, "big") + table
    grown = len(box) - old
    new = bytearray(data[:at] + box + data[at + old :])
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        place = new.index(name) - 4
        size = int.from_bytes(new[place : place + 4], "big") + grown
        new[place : place + 4] = size.to_bytes(4, "big")
    edits = new.find(b"edts")  # it would cut the track to its old duration
    if edits >= 0:
        new[edits : edits + 4] = b"free"
    path.write_bytes(new)


def only_sound(path: Path) -> None:
    """Make the track of the MP4 at `path` one of sound, as its handler says."""
    data = path.read_bytes()
    path.write_bytes(data.replace(b"vide", b"soun").replace(b"vmhd", b"smhd"))
