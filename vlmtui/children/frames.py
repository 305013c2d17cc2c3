"""Frames: the length of a message (big-endian) and then the message. Both ends of a child's pipes speak in them."""

from __future__ import annotations

PREFIX_BYTES = 4
"""The length of the length."""
MAX_FRAME = 64 * 1024 * 1024
"""No message is longer; a length beyond it means that the other end is not to be trusted any more."""


def frame(body: bytes) -> bytes:
    """Return `body` as one frame."""
    return len(body).to_bytes(PREFIX_BYTES, "big") + body


def take_frames(buffer: bytearray) -> list[bytes]:
    """Take the bodies of the whole frames from the front of `buffer`; what is not whole yet stays in it."""
    bodies: list[bytes] = []
    while len(buffer) >= PREFIX_BYTES:
        end = PREFIX_BYTES + int.from_bytes(buffer[:PREFIX_BYTES], "big")
        if len(buffer) < end:
            break
        bodies.append(bytes(buffer[PREFIX_BYTES:end]))
        del buffer[:end]
    return bodies
