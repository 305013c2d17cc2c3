"""What a file is, by its name alone: no file is opened, so a folder of 100,000 names costs nothing."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal

Kind = Literal["picture", "video", "dataset", "text", "other"]

# Only what `vlmtui.media.pictures` and `vlmtui.media.videos` can decode: an icon is a promise.
PICTURE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".ppm", ".pgm"}
    | {".pbm", ".pnm", ".ico", ".avif", ".mpo", ".qoi"}
)
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts", ".ogv", ".flv", ".wmv", ".3gp"}
)
DATASET_SUFFIXES = frozenset({".jsonl", ".ndjson", ".parquet", ".arrow", ".csv", ".tsv"})
TEXT_SUFFIXES = frozenset(
    {".txt", ".md", ".rst", ".log", ".json", ".toml", ".yaml", ".yml", ".ini", ".cfg", ".xml", ".html", ".css"}
    | {".py", ".ipynb", ".sh", ".c", ".h", ".cpp", ".hpp", ".rs", ".go", ".js", ".tex", ".tcss", ".jinja"}
)
_TEXT_NAMES = frozenset({"readme", "license", "licence", "makefile", "dockerfile", "changelog", ".gitignore"})


def kind_of(path: PurePath | str) -> Kind:
    """Return what the file at `path` is, by its suffix; nothing is read.

    A folder is `other`: ask the file system about those.
    """
    name = PurePath(path).name.lower()
    suffix = PurePath(name).suffix
    if suffix in PICTURE_SUFFIXES:
        return "picture"
    if suffix in VIDEO_SUFFIXES:
        return "video"
    if suffix in DATASET_SUFFIXES:
        return "dataset"
    if suffix in TEXT_SUFFIXES or name in _TEXT_NAMES:
        return "text"
    return "other"
