"""`python -m vlmtui.demo.evaluate`: exact match of the demo model by kind of question, as two Markdown tables.

The first table is on freshly drawn pictures of the drawing code it was trained on, the second on those of another
one. Every answer comes through the real processor and `generate`, as in the program itself.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from random import Random

import torch

from vlmtui.demo import weights_path
from vlmtui.demo.evaluate import cases
from vlmtui.demo.evaluate.altdraw import altdraw, restyle
from vlmtui.demo.evaluate.answers import Checkpoint

Score = tuple[int, int]
Table = dict[str, dict[str, Score]]

_DRAWINGS = {"drawing code of the training": cases.TRAINED, "another drawing code": (altdraw, restyle)}
_ROWS = (
    "count", "place", "colour", "shape", "size", "exists", "relation", "compare", "text", "read", "fine print",
    "describe", "list", "absent", "other", "no picture", "as a follow-up", "about a later picture",
    "differs", "which has", "has more", "in picture", "pictures", "several pictures",
    "direction", "moves", "colour change", "appears", "happens", "frame count", "frames",
)  # fmt: skip


def _score(
    model: Checkpoint, asked: list[cases.Case], splitting: bool, total: str | None, wrong: list[dict[str, str]]
) -> dict[str, Score]:
    tally: dict[str, list[bool]] = defaultdict(list)
    for case, said in model.answers(asked, splitting):
        answer = case.right(splitting)
        tally[case.row].append(said == answer)
        if total:
            tally[total].append(said == answer)
        if said != answer and len(wrong) < 400:
            prompt = case.messages[-1]["content"]
            assert isinstance(prompt, list)
            wrong.append({"row": case.row, "prompt": prompt[-1]["text"], "answer": answer, "said": said})
    return {row: (sum(good), len(good)) for row, good in tally.items()}


def evaluate(
    folder: Path, number: int, number_several: int, seed: int, wrong: list[dict[str, str]] | None = None
) -> dict[str, Table]:
    """Exact match of the checkpoint in `folder`.

    Args:
        number: single pictures in each table.
        number_several: albums, and films, in each table.
        seed: of the drawn pictures; the training draws from other generators.
        wrong: filled with the first few hundred wrong answers.

    Returns:
        Table by drawing code, then by row, then by column: (right, asked).
    """
    model = Checkpoint(folder)
    wrong = [] if wrong is None else wrong
    tables: dict[str, Table] = {}
    for name, (paint, style) in _DRAWINGS.items():
        table: Table = defaultdict(dict)
        single = list(cases.single(Random(f"{seed}/single"), number, paint, style))
        album = list(cases.several(Random(f"{seed}/several"), number_several, paint, style))
        for splitting in (False, True):
            column = "splitting on" if splitting else "splitting off"
            parts = _score(model, single, splitting, None, wrong)
            parts |= _score(model, album, splitting, "several pictures", wrong)
            for row, score in parts.items():
                table[row][column] = score
        for as_video in (False, True):
            film = list(cases.films(Random(f"{seed}/films"), number_several, paint, style, as_video))
            for row, score in _score(model, film, False, "frames", wrong).items():
                table[row]["sent as a video" if as_video else "splitting off"] = score
        tables[name] = {row: table[row] for row in _ROWS if row in table}
    return tables


def as_markdown(name: str, table: Table) -> str:
    """A table as Markdown: share of exact answers and, in brackets, how many were asked."""
    columns = ("splitting off", "splitting on", "sent as a video")
    lines = [f"Exact match, {name}:", "", "| asked | " + " | ".join(columns) + " |", "| --- |" + " ---: |" * 3]
    for row, scores in table.items():
        cells = []
        for column in columns:
            right, asked = scores.get(column, (0, 0))
            cells.append(f"{right / asked:.3f} ({asked})" if asked else "")
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m vlmtui.demo.evaluate", description="Evaluate the demo model.")
    parser.add_argument("--weights", type=Path, default=weights_path(), help="folder of a checkpoint")
    parser.add_argument("--n", type=int, default=1000, help="single pictures in each table")
    parser.add_argument("--several", type=int, help="albums and films in each table (default: 0.3 of --n)")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    parser.add_argument("--wrong", type=Path, metavar="FILE", help="also write wrong answers there, as JSON lines")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    begun = time.time()
    wrong: list[dict[str, str]] = []
    several = options.several if options.several is not None else max(1, round(options.n * 0.3))
    try:
        tables = evaluate(options.weights, options.n, several, options.seed, wrong)
    except OSError as problem:
        print(f"{options.weights}: no checkpoint to evaluate ({problem}); see --weights", file=sys.stderr)
        return 1
    if options.wrong:
        options.wrong.write_text("".join(json.dumps(case) + "\n" for case in wrong))
    if options.json:
        print(json.dumps({"seed": options.seed, "seconds": round(time.time() - begun), "tables": tables}))
    else:
        print("\n\n".join(as_markdown(name, table) for name, table in tables.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
