"""The child's side: its standard streams, and bounds on what a hostile file can make it take."""

from __future__ import annotations

import os
from contextlib import suppress


def take_over_standard_streams() -> tuple[int, int]:
    """Return descriptors of the real stdin and stdout; leave nothing to read and the log to write in their place."""
    source, sink = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return source, sink


def write_whole(sink: int, data: bytes) -> None:
    """Write all of `data`; raises `BrokenPipeError` when nobody reads any more."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(sink, rest) :]


def limit_resources(what: str, most: int) -> None:
    """Bound what the process may take, and leave no core file.

    Args:
        what: `RLIMIT_AS` or `RLIMIT_DATA`.
        most: in bytes. A lower limit that is there already stays.
    """
    try:
        import resource
    except ImportError:
        return
    for name, value in ((what, most), ("RLIMIT_CORE", 0)):
        with suppress(OSError, ValueError):
            number = getattr(resource, name)
            hard = resource.getrlimit(number)[1]
            resource.setrlimit(number, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))
