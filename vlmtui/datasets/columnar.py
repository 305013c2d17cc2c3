"""Parquet and Arrow through pyarrow, batch by batch; the bytes of pictures only when a row is looked at."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vlmtui.datasets.errors import DatasetError
from vlmtui.datasets.rows import WITHHELD, Row
from vlmtui.media.errors import shown_name
from vlmtui.media.files import open_regular

_BATCH = 256
_KEPT_BATCHES = 32


class Parquet:
    """See `Source`."""

    format = "Parquet"
    complete = True
    progress = 1.0

    def __init__(self, path: Path) -> None:
        """Open the file at `path`; raises `DatasetError`."""
        self.root = path.parent
        self._stream = open_regular(str(path), DatasetError)
        try:
            self._file = pq.ParquetFile(self._stream)
        except Exception as error:  # pyarrow raises nearly anything on damaged data
            self._stream.close()
            raise _damaged(path, error) from None
        meta = self._file.metadata
        self.rows = meta.num_rows
        self._starts = [0, *accumulate(meta.row_group(i).num_rows for i in range(meta.num_row_groups))]
        schema = self._file.schema_arrow
        self._names = list(schema.names)
        self._labels = _labels(schema.metadata)
        self._light = [
            column.path for column in map(self._file.schema.column, range(len(self._file.schema.names)))
            if column.physical_type not in ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY") or _is_text(column)
        ]  # fmt: skip
        self._batches: OrderedDict[tuple[int, int], pa.RecordBatch] = OrderedDict()
        self._open: tuple[int, int, Iterator[pa.RecordBatch]] | None = None  # group, next row, the rest of them

    def columns(self) -> list[str]:
        return list(self._names)

    def close(self) -> None:
        self._open = None
        self._file.close()
        self._stream.close()

    def advance(self) -> None:
        """Nothing to look through: the file says how many rows it has."""

    def read(self, start: int, count: int, *, whole: bool = False) -> list[Row]:
        found: list[Row] = []
        while len(found) < count and start < self.rows:
            group = bisect_right(self._starts, start) - 1
            within = start - self._starts[group]
            try:
                batch, at = (self._whole if whole else self._batch)(group, within)
                rows = _rows(batch, at, 1 if whole else count - len(found), self._names, self._labels)
            except Exception as error:  # see above; a damaged group must not hide the others
                rows = [Row(error=f"cannot be read: {_reason(error)}")]
            if not rows:
                rows = [Row(error="the file holds fewer rows than it says")]
            found += rows
            start += len(rows)
        return found

    def sweep(self) -> Iterator[list[Row]]:
        """Yield all rows whole, in their order, some at a time: each group is decoded once."""
        done = 0
        try:
            for batch in self._file.iter_batches(16, use_threads=False):
                done += batch.num_rows
                yield _rows(batch, 0, batch.num_rows, self._names, self._labels)
        except Exception as error:  # see above
            yield [Row(error=f"cannot be read: {_reason(error)}")] * (self.rows - done)

    def _batch(self, group: int, within: int) -> tuple[pa.RecordBatch, int]:
        """Return the batch with the row `within` a group, and its place there; without the bytes of pictures.

        A group is decoded from its start on, and batches may end before their size: pages end there.
        """
        for (other, start), batch in self._batches.items():
            if other == group and start <= within < start + batch.num_rows:
                self._batches.move_to_end((group, start))
                return batch, within - start
        if self._open is None or self._open[0] != group or self._open[1] > within:
            rest = self._file.iter_batches(_BATCH, row_groups=[group], columns=self._light, use_threads=False)
            self._open = (group, 0, rest)
        _, at, rest = self._open
        for batch in rest:
            self._batches[(group, at)] = batch
            if len(self._batches) > _KEPT_BATCHES:
                self._batches.popitem(last=False)
            start, at = at, at + batch.num_rows
            self._open = (group, at, rest)
            if within < at:
                return batch, within - start
        self._open = None
        raise DatasetError("the row group ends early", "write the file again")

    def _whole(self, group: int, within: int) -> tuple[pa.RecordBatch, int]:
        """Return a batch with the row `within` a group and everything in it, and its place there."""
        at = 0
        for batch in self._file.iter_batches(16, row_groups=[group], use_threads=False):
            if within < at + batch.num_rows:
                return batch, within - at
            at += batch.num_rows
        raise DatasetError("the row group ends early", "write the file again")


class Arrow:
    """See `Source`: Arrow files in the order of their rows, as `datasets.save_to_disk` writes them."""

    format = "Arrow"
    complete = True
    progress = 1.0

    def __init__(self, files: list[Path], root: Path) -> None:
        """Open `files`; raises `DatasetError`."""
        self.root = root
        self._maps: list[pa.MemoryMappedFile] = []
        self._batches: list[pa.RecordBatch] = []
        schema: pa.Schema | None = None
        for path in files:
            open_regular(str(path), DatasetError).close()
            try:
                mapped = pa.memory_map(str(path))
                self._maps.append(mapped)
                table = _read_table(mapped)
            except Exception as error:  # pyarrow raises nearly anything on damaged data
                self.close()
                raise _damaged(path, error) from None
            schema = schema or table.schema
            self._batches += table.to_batches()
        self._starts = [0, *accumulate(batch.num_rows for batch in self._batches)]
        self.rows = self._starts[-1]
        self._names = list(schema.names) if schema is not None else []
        self._labels = _labels(schema.metadata if schema is not None else None)

    def columns(self) -> list[str]:
        return list(self._names)

    def close(self) -> None:
        self._batches = []
        for mapped in self._maps:
            mapped.close()

    def advance(self) -> None:
        """Nothing to look through: the batches say how many rows they have."""

    def read(self, start: int, count: int, *, whole: bool = False) -> list[Row]:
        found: list[Row] = []
        while len(found) < count and start < self.rows:
            number = bisect_right(self._starts, start) - 1
            batch = self._batches[number]
            try:
                batch.validate()
                within = start - self._starts[number]
                part = batch.slice(within, count - len(found))
                rows = _rows(part if whole else _without_bytes(part), 0, part.num_rows, self._names, self._labels)
            except Exception as error:  # see above
                rows = [Row(error=f"cannot be read: {_reason(error)}")]
            found += rows
            start += len(rows)
        return found


def _read_table(mapped: pa.MemoryMappedFile) -> pa.Table:
    """Return an Arrow file as a table without copying it: a stream, as `datasets` writes it, or random-access."""
    magic = mapped.read(6)
    mapped.seek(0)
    if magic == b"ARROW1":
        return pa.ipc.open_file(mapped).read_all()
    return pa.ipc.open_stream(mapped).read_all()


def _rows(batch: pa.RecordBatch, start: int, count: int, names: list[str], labels: dict[str, list[str]]) -> list[Row]:
    found = []
    for values in batch.slice(start, count).to_pylist():
        # Columns that were left out hold nothing but bytes.
        whole = {name: values.get(name, WITHHELD) for name in names}
        for name, meanings in labels.items():
            number = whole.get(name)
            if isinstance(number, int) and 0 <= number < len(meanings):
                whole[name] = meanings[number]
        found.append(Row(whole))
    return found


def _without_bytes(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return `batch` without what holds bytes: of a picture's struct the path stays."""
    kept: dict[str, pa.Array] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        light = _light(column)
        if light is not None:
            kept[name] = light
    if not kept:  # a batch without columns has no length
        return pa.RecordBatch.from_pydict({"": pa.nulls(batch.num_rows)})
    return pa.RecordBatch.from_pydict(kept)


def _light(column: pa.Array) -> pa.Array | None:
    kind = column.type
    if _is_binary(kind):
        return None
    if pa.types.is_struct(kind) and any(_is_binary(field.type) for field in kind):
        fields = [field for field in kind if not _is_binary(field.type)]
        parts = dict(zip((field.name for field in kind), column.flatten(), strict=True))
        if not fields:
            return None
        return pa.StructArray.from_arrays([parts[f.name] for f in fields], fields=fields, mask=column.is_null())
    if (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and _holds_bytes(kind.value_type):
        inner = _light(column.flatten())
        lengths = column.value_lengths().fill_null(0).to_pylist()
        if inner is None:
            return pa.array([["" for _ in range(min(n, 64))] for n in lengths], pa.list_(pa.string()))
        offsets = pa.array([0, *accumulate(lengths)], pa.int32())
        return pa.ListArray.from_arrays(offsets, inner)
    return column


def _is_binary(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind))


def _holds_bytes(kind: pa.DataType) -> bool:
    return _is_binary(kind) or (pa.types.is_struct(kind) and any(_is_binary(field.type) for field in kind))


def _is_text(column: Any) -> bool:
    """Return whether a Parquet column of byte arrays holds text (or numbers kept as bytes), not pictures."""
    return str(column.logical_type) not in ("None", "NONE") or str(column.converted_type) not in ("NONE", "None")


def _labels(metadata: dict[bytes, bytes] | None) -> dict[str, list[str]]:
    """Return the names of `ClassLabel` numbers by column, as the `datasets` library notes them in a schema."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        return {
            name: [str(label) for label in feature["names"]]
            for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return {}


def _damaged(path: Path, error: Exception) -> DatasetError:
    if isinstance(error, DatasetError):
        return error
    return DatasetError(f"{shown_name(path)} is damaged: {_reason(error)}", "make, copy or download it again")


def _reason(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:160] or type(error).__name__
