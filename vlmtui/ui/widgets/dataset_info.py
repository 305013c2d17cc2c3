"""What stands above and below the rows of a data set."""

from __future__ import annotations

from pathlib import PurePath

from vlmtui.datasets.protocol import DatasetInfo, Progress
from vlmtui.datasets.schema import Schema
from vlmtui.safetext import safe_line
from vlmtui.ui.widgets.preview_info import size_text


def name_line(info: DatasetInfo, progress: Progress | None) -> str:
    """Return what the file is: `train.jsonl · JSON Lines · 1,200 rows · 3 MB`."""
    rows = progress.rows if progress is not None else info.rows
    complete = progress.complete if progress is not None else info.complete
    facts = [safe_line(PurePath(info.path).name, 80)]
    if info.split:
        others = f" of {', '.join(safe_line(name, 20) for name in info.splits[:6])}" if len(info.splits) > 1 else ""
        facts.append(safe_line(info.split, 40) + others)
    facts.append(info.format)
    more = "" if complete else f" so far ({progress.share if progress is not None else 0:.0%} read)"
    facts.append(f"{rows:,} row{'s' if rows != 1 else ''}{more}")
    if info.bytes:
        facts.append(size_text(info.bytes))
    return " · ".join(facts)


def schema_line(schema: Schema, width: int) -> str:
    """Return what the rows are good for and what is missing, in at most two lines of `width` cells."""
    fits = f"trains {', '.join(schema.fits)}" if schema.fits else "no training method recognised"
    first = f"{schema.title} · {fits}"
    if schema.pictures and len(first) + 30 <= width:
        first += f" · pictures in {safe_line(', '.join(schema.pictures), 40)}"
    if not schema.missing:
        return first
    missing = "For " + "; for ".join(schema.missing)
    if schema.missing[0].startswith("pictures"):
        missing = schema.missing[0][:1].upper() + schema.missing[0][1:]
    elif schema.kind == "unknown":
        missing = "Missing for " + schema.missing[0]
    if len(missing) > width:
        missing = missing[: width - 1] + "…"
    return f"{first}\n{safe_line(missing)}"


def status_line(info: DatasetInfo, progress: Progress | None, cursor: int, total: int, filtered: str) -> str:
    """Return where the cursor is, what is filtered, and how many rows are bad."""
    facts = [f"row {cursor + 1:,} of {total:,}" if total else "no rows"]
    if filtered:
        done = "" if progress is None or progress.filtered >= 1.0 else f" ({progress.filtered:.0%} looked through)"
        facts = [f"match {cursor + 1:,} of {total:,}" if total else "no row matches"]
        facts.append(f"only rows with {safe_line(filtered, 40)}{done}, Esc shows all")
    if progress is not None:
        if progress.bad:
            facts.append(f"{progress.bad:,} bad row{'s' if progress.bad != 1 else ''}")
        if progress.checked < progress.rows:
            facts.append(f"{progress.checked:,} rows checked")
        elif not progress.bad and progress.complete:
            facts.append("all rows are good")
    return " · ".join(facts)
