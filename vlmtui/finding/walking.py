"""The files below a folder, as the system lists them."""

from __future__ import annotations

import os
from collections.abc import Iterator


def walk(folder: bytes, *, ordered: bool = False) -> Iterator[bytes]:
    """Go through the files below `folder`, near ones first; hidden ones and what links lead to are left out.

    Args:
        ordered: those of one folder by their names, else as the system lists them, which is sooner.
    """
    folders = [b""]
    while folders:
        deeper: list[bytes] = []
        for place in folders:
            below: list[bytes] = []
            try:
                with os.scandir(os.path.join(folder, place)) as entries:  # noqa: PTH118 - bytes
                    for entry in sorted(entries, key=_name) if ordered else entries:
                        if entry.name[:1] == b".":
                            continue
                        path = place + b"/" + entry.name if place else entry.name
                        if _is_folder(entry):
                            below.append(path)
                        else:
                            yield path
            except OSError:
                continue  # a folder that may not be read has no files to open
            deeper += sorted(below)
        folders = deeper


def _name(entry: os.DirEntry[bytes]) -> bytes:
    return entry.name


def _is_folder(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
