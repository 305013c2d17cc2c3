"""From a path to a reader: which files and folders are data sets."""

from __future__ import annotations

import json
import stat
from dataclasses import dataclass, field
from pathlib import Path

from vlmtui.datasets.errors import DatasetError
from vlmtui.datasets.json_array import looks_like_rows
from vlmtui.datasets.rows import Source
from vlmtui.media.errors import from_os_error, shown_name
from vlmtui.media.files import open_regular

METADATA = ("metadata.jsonl", "metadata.csv", "metadata.parquet")
_SMALL_JSON = 4 * 1024 * 1024
_MOST_FILES = 100_000


@dataclass(slots=True)
class Opened:
    """A data set that is open.

    Attributes:
        source: its rows.
        split: the split that is open; empty where there are none.
        splits: all there are.
    """

    source: Source
    split: str = ""
    splits: list[str] = field(default_factory=list)


def is_dataset(path: Path) -> bool:
    """Return whether `path` is a data set: a file by its name (JSON by its first bytes too), a folder by its content.

    Never raises; reads at most a few kilobytes.
    """
    try:
        if path.is_dir():
            return bool(_is_saved(path) or (path / "dataset_dict.json").is_file() or _metadata_splits(path))
        suffix = path.suffix.lower()
        if suffix == ".json":
            with open_regular(str(path), DatasetError) as stream:
                return looks_like_rows(stream.read(4096))
    except (OSError, DatasetError, ValueError):
        return False
    return suffix in _READERS


def open_dataset(path: Path, split: str = "") -> Opened:
    """Open the data set at `path`.

    Args:
        path: A file, a folder that `datasets.save_to_disk` wrote, or one of pictures with a `metadata` file.
        split: One of its splits; the first (`train` if there is one) by default.

    Raises:
        DatasetError: it cannot be opened, or is none.
    """
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError):
            raise DatasetError(f"{shown_name(path)}: no file can have this name", "choose another", "missing") from None
        raise from_os_error(error, path, DatasetError) from None
    if is_folder:
        return _open_folder(path, split)
    reader = path.suffix.lower()
    if reader not in _READERS:
        cause = f"{shown_name(path)} is of no kind that can be read as a data set"
        raise DatasetError(cause, "choose a .jsonl, .json, .csv, .tsv, .parquet or .arrow file", "foreign")
    return Opened(_open_file(path))


def _open_file(path: Path) -> Source:
    kind = _READERS[path.suffix.lower()]
    if kind == "lines":
        from vlmtui.datasets.json_lines import JsonLines

        return JsonLines(path)
    if kind == "array":
        from vlmtui.datasets.json_array import JsonArray

        return JsonArray(path)
    if kind == "delimited":
        from vlmtui.datasets.delimited import Delimited

        return Delimited(path)
    from vlmtui.datasets.columnar import Arrow, Parquet

    return Parquet(path) if kind == "parquet" else Arrow([path], path.parent)


_READERS = {
    ".jsonl": "lines", ".ndjson": "lines", ".json": "array", ".csv": "delimited", ".tsv": "delimited",
    ".parquet": "parquet", ".arrow": "arrow",
}  # fmt: skip


def _open_folder(path: Path, split: str) -> Opened:
    places: dict[str, Path] = {}
    if (path / "dataset_dict.json").is_file():
        names = _read_json(path / "dataset_dict.json").get("splits")
        places = {str(name): path / str(name) for name in names} if isinstance(names, list) else {}
    elif _is_saved(path):
        places = {"": path}
    else:
        places = _metadata_splits(path)
    # A split's name comes from a file: it must not lead out of the folder.
    places = {name: place for name, place in places.items() if _inside(path, place)}
    if not places:
        cause = f"{shown_name(path)} is no data set: it has neither a metadata file nor what save_to_disk writes"
        raise DatasetError(cause, "a metadata.jsonl or metadata.csv with a column file_name makes it one", "no_table")
    if split and split not in places:
        cause = f"{shown_name(path)} has no split {split!r}"
        raise DatasetError(cause, f"choose one of {', '.join(places)}", "missing")
    chosen = split or ("train" if "train" in places else next(iter(places)))
    place = places[chosen]
    if place.is_dir():
        source: Source = _open_saved(place)
    else:
        source = _open_file(place)
        source.format = "pictures with metadata"
    return Opened(source, chosen, [name for name in places if name])


def _is_saved(path: Path) -> bool:
    return (path / "state.json").is_file() and (path / "dataset_info.json").is_file()


def _open_saved(path: Path) -> Source:
    from vlmtui.datasets.columnar import Arrow

    listed = _read_json(path / "state.json").get("_data_files")
    listed = listed if isinstance(listed, list) else []
    names = [str(file.get("filename", "")) for file in listed if isinstance(file, dict)]
    files = [path / name for name in names[:_MOST_FILES]]
    if not files or not all(_inside(path, file) for file in files):
        cause = f"{shown_name(path)}: its state.json names no Arrow files in the folder"
        raise DatasetError(cause, "write it again with save_to_disk", "damaged")
    return Arrow(files, path)


def _metadata_splits(path: Path) -> dict[str, Path]:
    """Return the metadata files by split: the folder's own, or those of its folders `train`, `test`, …."""
    for name in METADATA:
        if (path / name).is_file():
            return {"": path / name}
    found: dict[str, Path] = {}
    for split in ("train", "validation", "val", "valid", "dev", "test"):
        for name in METADATA:
            if split not in found and (path / split / name).is_file():
                found[split] = path / split / name
    return found


def _read_json(path: Path) -> dict[str, object]:
    with open_regular(str(path), DatasetError) as stream:
        try:
            value = json.loads(stream.read(_SMALL_JSON))
        except (ValueError, RecursionError, OSError):
            value = None
    if not isinstance(value, dict):
        raise DatasetError(f"{shown_name(path)} is damaged", "write the data set again with save_to_disk")
    return value


def _inside(folder: Path, place: Path) -> bool:
    try:
        return place.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):
        return False
