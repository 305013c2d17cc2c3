"""Typed messages in frames: what a child that reads is asked and what it answers, encoded alike for each of them."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from vlmtui.children.frames import frame

Asked = TypeVar("Asked")
Told = TypeVar("Told")


class Codec(Generic[Asked, Told]):
    """Encodes the requests and replies of one protocol, and decodes each with its own types.

    Args:
        requests, replies: the union of the messages of each direction.
    """

    def __init__(self, requests: Any, replies: Any) -> None:
        self._encoder = msgspec.msgpack.Encoder()
        self._requests: msgspec.msgpack.Decoder[Asked] = msgspec.msgpack.Decoder(requests)
        self._replies: msgspec.msgpack.Decoder[Told] = msgspec.msgpack.Decoder(replies)

    def encode(self, message: Asked | Told) -> bytes:
        """Return `message` as one frame."""
        return frame(self._encoder.encode(message))

    def decode_request(self, body: bytes) -> Asked:
        """Return the request in a frame's body; raises `msgspec.DecodeError`."""
        return self._requests.decode(body)

    def decode_reply(self, body: bytes) -> Told:
        """Return the reply in a frame's body; raises `msgspec.DecodeError`."""
        return self._replies.decode(body)


class Failing:
    """What the failures of every protocol have in common: a cause and a remedy, one line each."""

    __slots__ = ()

    cause: str
    remedy: str

    @property
    def line(self) -> str:
        """Cause and remedy as one line."""
        return f"{self.cause}: {self.remedy}" if self.remedy else self.cause
