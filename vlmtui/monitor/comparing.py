"""What differs between runs: their recipes, key by key, and each metric at its end, at its best, at the same step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import yaml

from vlmtui.monitor.details import best_of, row_of
from vlmtui.monitor.naming import in_order, is_dull, rising
from vlmtui.monitor.protocol import Alert, Comparison, Difference, Measure
from vlmtui.monitor.sources.source import Source
from vlmtui.monitor.table import Table

_MOST_KEYS = 2000
_LONGEST = 200


class _Plain(yaml.SafeLoader):
    """Reads YAML without aliases: a few lines of somebody's file could else stand for gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        return super().compose_node(parent, index)


def compared(sources: Sequence[tuple[Source, list[Alert]]], now: float) -> Comparison:
    """Return runs, each with its alerts, beside each other."""
    recipes = [flat(source.settings()) for source, _ in sources]
    differing, same = differences(recipes)
    return Comparison(
        runs=[row_of(source, alerts, now) for source, alerts in sources],
        known=[bool(recipe) for recipe in recipes],
        differences=differing,
        same=same,
        measures=measures([source.shown for source, _ in sources]),
        share=min((source.share for source, _ in sources), default=1.0),
    )


def keys_in(text: str) -> dict[str, Any]:
    """Return the keys of a recipe's or a configuration's text; none where it is something else."""
    try:
        found = yaml.load(text, Loader=_Plain)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def flat(keys: Mapping[str, Any]) -> dict[str, str]:
    """Return keys and values as text, what lies within another key behind a dot."""
    found: dict[str, str] = {}
    waiting: list[tuple[str, Any]] = [("", keys)]
    while waiting and len(found) < _MOST_KEYS:
        name, value = waiting.pop()
        if isinstance(value, dict) and (value or not name):
            waiting += [(f"{name}.{key}" if name else str(key), one) for key, one in value.items()]
        else:
            found[name] = _written(value)
    return found


def _written(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ", ".join(_written(one) for one in value[:50])[:_LONGEST]
    return " ".join(str(value).split())[:_LONGEST]


def differences(recipes: Sequence[Mapping[str, str]]) -> tuple[list[Difference], int]:
    """Return the keys whose values are not the same in all recipes, where the result goes last, and how many are.

    A recipe without any key is unknown: it differs from none.
    """
    known = [recipe for recipe in recipes if recipe]
    found, same = [], 0
    for name in sorted({name for recipe in known for name in recipe}, key=lambda name: (name == "output_dir", name)):
        if len({recipe.get(name) for recipe in known}) > 1:
            found.append(Difference(key=name, values=[recipe.get(name) for recipe in recipes]))
        else:
            same += 1
    return found, same


def measures(tables: Sequence[Table]) -> list[Measure]:
    """Return the metrics of some runs beside each other."""
    names = in_order(list({name for table in tables for name in table.metrics if not is_dull(name)}))
    return [_measure(name, tables) for name in names]


def _measure(name: str, tables: Sequence[Table]) -> Measure:
    points = [table.points(name) for table in tables]
    ends = [float(steps[-1]) for steps, _ in points if len(steps)]
    # As far as the shortest of those that have it: what came later has had more training.
    common = min(ends) if len(ends) > 1 else math.nan
    same = []
    for steps, values in points:
        place = int(np.searchsorted(steps, common, "right")) - 1 if math.isfinite(common) else -1
        same.append(float(values[place]) if place >= 0 else None)
    return Measure(
        metric=name,
        rising=rising(name),
        step=int(common) if math.isfinite(common) else -1,
        last=[float(values[-1]) if len(values) else None for _, values in points],
        best=[best_of(table, name) for table in tables],
        same=same,
    )
