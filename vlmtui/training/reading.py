"""The rows of the data set that a recipe names: a file or folder through our own readers, or one from the hub."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from vlmtui.datasets.columnar import Parquet
from vlmtui.datasets.opening import open_dataset
from vlmtui.datasets.rows import Row, Source
from vlmtui.datasets.schema import Schema
from vlmtui.paths import hub_cache
from vlmtui.training.examples import BadRow, Example, UnfitData, examples_of, schema_for
from vlmtui.training.recipe import Data, Method

_SAMPLE = 24
_READ = 64
_LOOKED_AT = 5_000
"""So many rows have their pictures decoded before the training; of more, only headers are read."""
_TESTS = ("validation", "val", "valid", "dev", "test")
_HELD_OUT = 0.1
_FEW = 20


@dataclass(slots=True)
class Examples:
    """What a stage learns from.

    Attributes:
        train, evaluation: the examples.
        rows: how many rows were read.
        bad: those that cannot be used.
        schema: what the rows are.
        notes: what people should know, a line each.
    """

    train: list[Example]
    evaluation: list[Example]
    rows: int
    bad: list[BadRow]
    schema: Schema
    notes: list[str]


@dataclass(slots=True)
class _Split:
    columns: list[str]
    rows: Iterator[tuple[int, Row]]
    root: Path
    count: int


def read_examples(data: Data, method: Method, seed: int, spill: Path | None = None) -> Examples:
    """Return the examples of the data set that `data` names, those for evaluation held out by `seed`.

    Args:
        spill: a folder for pictures that come as bytes; they stay in memory without it.

    Raises:
        DatasetError: it cannot be read.
        UnfitData: its rows are not what `method` needs, or none is left.
    """
    local = Path(data.dataset_name)
    if local.is_absolute() and local.exists():
        train, test, notes = _local(local, data)
    else:
        train, test, notes = _from_hub(data)
    found, bad, rows, schema = _collect(train, data, method, spill)
    held: list[Example] = []
    if test is not None:
        held, more_bad, more_rows, _ = _collect(test, data, method, spill)
        bad += more_bad
        rows += more_rows
    else:
        found, held, note = _held_out(found, data, seed)
        notes += [note] if note else []
    if not found:
        raise UnfitData(f"no row can be trained on{': ' + bad[0].reason if bad else ''}")
    return Examples(found, held, rows, bad, schema, notes)


def first_rows(data: Data, count: int) -> tuple[list[str], list[Row]]:
    """Return the columns of the data set that `data` names, and at most `count` rows to train on; no more is read.

    Raises:
        DatasetError: it cannot be read.
        UnfitData: it has no such split.
    """
    local = Path(data.dataset_name)
    if not (local.is_absolute() and local.exists()):
        split, _, _ = _from_hub(data)
        return split.columns, [row for _, row in islice(split.rows, count)]
    with closing(open_dataset(local, data.dataset_train_split if local.is_dir() else "").source) as source:
        while not source.complete and source.rows < count:
            source.advance()
        return source.columns(), source.read(0, count, whole=True)


def _collect(
    split: _Split, data: Data, method: Method, spill: Path | None
) -> tuple[list[Example], list[BadRow], int, Schema]:
    sample: list[tuple[int, Row]] = []
    for numbered in split.rows:
        sample.append(numbered)
        if len(sample) == _SAMPLE:
            break
    good = [row.values for _, row in sample if not row.error]
    schema = schema_for(split.columns, good, data, method)
    counted = 0

    def rows() -> Iterator[tuple[int, Row]]:
        nonlocal counted
        for source in (sample, split.rows):
            for numbered in source:
                if data.max_rows is not None and counted >= data.max_rows:
                    return
                counted += 1
                yield numbered

    root = Path(data.data_root) if data.data_root else split.root
    look = min(split.count, data.max_rows or split.count) <= _LOOKED_AT
    found: list[Example] = []
    bad: list[BadRow] = []
    for one in examples_of(rows(), schema, root, method, look=look, spill=spill):
        if isinstance(one, BadRow):
            bad.append(one)
        else:
            found.append(one)
    return found, bad, counted, schema


def _held_out(examples: list[Example], data: Data, seed: int) -> tuple[list[Example], list[Example], str]:
    """Return the examples to train on and those held out, whole rows at a time."""
    rows = sorted({example.row for example in examples})
    share = data.eval_fraction
    note = ""
    if share is None:
        share = _HELD_OUT if len(rows) >= _FEW else 0.0
        note = (
            f"{share:.0%} of the rows are held out for evaluation; eval_fraction sets another share"
            if share
            else "too few rows to hold some out: nothing is evaluated; eval_fraction sets a share"
        )
    if not share:
        return examples, [], note
    count = min(len(rows) - 1, max(1, round(len(rows) * share)))
    held = set(Random(seed).sample(rows, count)) if count > 0 else set()
    return [one for one in examples if one.row not in held], [one for one in examples if one.row in held], note


def _local(path: Path, data: Data) -> tuple[_Split, _Split | None, list[str]]:
    opened = open_dataset(path, data.dataset_train_split if path.is_dir() else "")
    wanted = data.dataset_test_split
    notes: list[str] = []
    if not wanted and data.eval_fraction is None:
        wanted = next((name for name in _TESTS if name in opened.splits and name != opened.split), "")
        notes = [f"the split {wanted!r} is evaluated on"] if wanted else []
    test = None
    if wanted:
        test = _split(open_dataset(path, wanted).source)
    return _split(opened.source), test, notes


def _split(source: Source) -> _Split:
    while not source.complete:
        source.advance()
    return _Split(source.columns(), _swept(source), source.root, source.rows)


def _swept(source: Source) -> Iterator[tuple[int, Row]]:
    with closing(source):
        number = 0
        if isinstance(source, Parquet):
            for rows in source.sweep():
                yield from enumerate(rows, number)
                number += len(rows)
            return
        while rows := source.read(number, _READ, whole=True):
            yield from enumerate(rows, number)
            number += len(rows)


def _from_hub(data: Data) -> tuple[_Split, _Split | None, list[str]]:
    """Return the splits of a hub data set, from the cache or downloaded."""
    import datasets

    splits = datasets.load_dataset(data.dataset_name, data.dataset_config)
    names = list(splits)
    train = data.dataset_train_split or ("train" if "train" in names else names[0])
    for wanted in (train, data.dataset_test_split):
        if wanted and wanted not in names:
            raise UnfitData(f"{data.dataset_name} has no split {wanted!r}, but {', '.join(names)}")
    test, notes = data.dataset_test_split, []
    if not test and data.eval_fraction is None:
        test = next((name for name in _TESTS if name in names and name != train), "")
        notes = [f"the split {test!r} is evaluated on"] if test else []
    return _hub_split(splits[train]), _hub_split(splits[test]) if test else None, notes


def _hub_split(split: Any) -> _Split:
    import datasets

    features = {name: _undecoded(feature, datasets) for name, feature in split.features.items()}
    split = split.cast(datasets.Features(features))
    names = {name: one.names for name, one in features.items() if isinstance(one, datasets.ClassLabel)}

    def rows() -> Iterator[tuple[int, Row]]:
        for number, values in enumerate(split):
            for name, meanings in names.items():
                if isinstance(values[name], int) and 0 <= values[name] < len(meanings):
                    values[name] = meanings[values[name]]
            yield number, Row(values)

    # Its pictures are in its rows, or among what was downloaded with it; a path in a row may lead nowhere else.
    return _Split(list(split.column_names), rows(), hub_cache().parent, len(split))


def _undecoded(feature: Any, datasets: Any) -> Any:
    """Return `feature` with pictures as they are stored: bytes and a name."""
    if isinstance(feature, datasets.Image):
        return datasets.Image(decode=False)
    if isinstance(feature, datasets.List):
        return datasets.List(_undecoded(feature.feature, datasets), length=feature.length)
    if isinstance(feature, dict):
        return {name: _undecoded(one, datasets) for name, one in feature.items()}
    return feature
