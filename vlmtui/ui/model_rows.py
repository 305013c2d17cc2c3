"""The lines of the model picker: what can be loaded, how large it is, and what is here already. No widget."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from textual.content import Content

from vlmtui.safetext import safe_line
from vlmtui.ui.engine_state import ModelChoice


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A line of the picker.

    Attributes:
        model: what is loaded: `demo`, a hub id or a folder.
        note: what it is for, a few words.
        size: its parameters, e.g. `256 M`.
        memory: what it needs, e.g. `1.2 GB`.
        kind: `instruct` or `base`, and what it takes.
        here: it is on this machine and needs no download.
        choice: how to load it, where that is known already.
    """

    model: str
    note: str = ""
    size: str = ""
    memory: str = ""
    kind: str = ""
    here: bool = False
    choice: ModelChoice | None = None

    @property
    def search(self) -> str:
        """What is looked through for what the user types."""
        return f"{self.model} {self.note} {self.kind} {self.size}".casefold()


def model_rows() -> list[ModelRow]:
    """Return the demo model and the family, as the catalogue has them.

    Looks into the local cache, which may be on a slow disk: call it off the event loop.
    """
    from vlmtui.models.catalogue import FAMILY, cached

    rows = [ModelRow("demo", "coloured shapes, short words", kind="built in", here=True)]
    rows += [
        ModelRow(
            entry.id,
            entry.note,
            _count(entry.parameters),
            f"{entry.memory_gb:.1f} GB",
            entry.kind + (", video" if entry.video else ""),
            here=cached(entry.id),
        )
        for entry in FAMILY
    ]
    return rows


def typed_row(typed: str) -> ModelRow | None:
    """Return the line for what the user typed, if it can be a folder or a hub id."""
    if typed.startswith(("/", "~", "./", "../")):
        path = Path(typed).expanduser()
        return ModelRow(str(path), "this folder" if path.is_dir() else "no such folder", here=path.is_dir())
    owner, slash, name = typed.partition("/")
    if slash and owner and name and "/" not in name and " " not in typed:
        return ModelRow(typed, "from the hub")
    return None


def row_content(row: ModelRow, width: int, *, current: bool) -> Content:
    """Lay a line out in columns for `width` cells."""
    columns = f"{row.size:>6}  {row.memory:>7}  {row.kind:<15}"
    if not row.size:
        columns = f"{row.note:<{len(columns)}.{len(columns)}}"
    state = "loaded" if current else "on disk" if row.here and row.model != "demo" else ""
    room = max(12, width - len(columns) - 12)
    folder = row.model.startswith("/")
    name = safe_line(Path(row.model).name if folder else row.model.removeprefix("HuggingFaceTB/"), room)
    return Content.assemble(
        "● " if current else "  ",
        (name.ljust(room), "bold" if current else ""),
        (columns, "$foreground-muted"),
        " ",
        (state, "$text-success"),
    )


def _count(parameters: int) -> str:
    return f"{parameters / 1e9:.1f} B" if parameters >= 1e9 else f"{parameters / 1e6:.0f} M"
