"""Who answers in a column, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from vlmtui.models.adapters import AdapterUse
from vlmtui.safetext import safe_line
from vlmtui.ui.engine_state import ModelChoice

MOST_SIDES = 4


@dataclass(frozen=True, slots=True)
class SideChoice:
    """Who answers.

    Attributes:
        model: what is loaded, without adapters.
        adapters: what lies over it.
        system: what it is told first; empty for nothing.
    """

    model: ModelChoice
    adapters: tuple[AdapterUse, ...] = ()
    system: str = ""

    @property
    def name(self) -> str:
        """The model and its adapters; safe to show."""
        return " + ".join([short(self.model.model or self.model.endpoint), *map(adapter_words, self.adapters)])


def bare(choice: ModelChoice) -> ModelChoice:
    """Return `choice` without adapters: what has to be in memory for it."""
    return replace(choice, adapter="", adapters=())


def short(model: str) -> str:
    """Return a model's name as it is shown: of a folder its last part, of the family's without its owner."""
    name = Path(model).name if model.startswith(("/", "~")) else model.removeprefix("HuggingFaceTB/")
    return safe_line(name, 60)


def adapter_words(use: AdapterUse) -> str:
    """Return an adapter's name, with its weight where that is not 1."""
    name = safe_line(Path(use.folder).name, 40)
    return name if use.weight == 1 else f"{name}×{use.weight:g}"
