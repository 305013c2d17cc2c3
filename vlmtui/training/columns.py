"""Which column says what: the columns of a recipe's data set, and its first rows as what they would be learned as."""

from __future__ import annotations

from typing import Any

from vlmtui.datasets.cells import cell_text
from vlmtui.datasets.conversation import as_conversation, problems_of
from vlmtui.datasets.schema import detect
from vlmtui.training.examples import UnfitData, schema_for
from vlmtui.training.reading import first_rows
from vlmtui.training.recipe import Recipe

_SHOWN = 3
_SAMPLE = 24
_MOST_TEXT = 600


def look_at_columns(recipe: Recipe, stage: int) -> dict[str, Any]:
    """Return `columns`: the names; `taken`: which column is which part; `problem`: why the method cannot use them so,
    or ""; `rows`: of the first ones `turns` (role, text, number of pictures) or, where it cannot, `cells` (column and
    text), and `problem`. All text is as the data set has it.

    Raises:
        DatasetError: the data set cannot be read.
    """
    method, data = recipe.stages[stage].method, recipe.stages[stage].data
    names, rows = first_rows(data, _SAMPLE)
    good = [row.values for row in rows if not row.error]
    names = list(dict.fromkeys([*names, *(name for values in good for name in values)]))
    found = detect(names, good)
    problem = ""
    try:
        found = schema_for(names, good, data, method)
    except UnfitData as error:
        problem = str(error)
    taken: dict[str, str] = {**found.columns, **({"images": found.pictures[0]} if found.pictures else {})}
    if problem:
        taken.update((part, name) for part, name in data.columns.items())
    shown: list[dict[str, Any]] = []
    for row in rows[:_SHOWN]:
        if row.error or problem:
            cells = [(name, cell_text(value, picture=name in found.pictures)) for name, value in row.values.items()]
            shown.append({"cells": cells, "turns": [], "problem": row.error})
            continue
        turns = [(turn.role, turn.text[:_MOST_TEXT], len(turn.pictures)) for turn in as_conversation(row.values, found)]
        shown.append({"cells": [], "turns": turns, "problem": next(iter(problems_of(row.values, found)), "")})
    return {"columns": names, "taken": taken, "problem": problem, "kind": found.title, "rows": shown}
