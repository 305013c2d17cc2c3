"""The lines of the models view: two for a model or an adapter, and the figures of the one under the cursor."""

from __future__ import annotations

from pathlib import Path

from textual.content import Content

from vlmtui.models.adapters import Adapter, AdapterUse
from vlmtui.models.estimate import Room
from vlmtui.models.listing import ListedModel
from vlmtui.models.pace import count_words, size_words
from vlmtui.safetext import safe_line

_NAMES = {"float32": "float32", "bf16": "bf16", "8bit": "8-bit", "4bit": "4-bit"}
_STATES = {"here": "here", "partly here": "partly here", "not here": "on the hub"}


def model_line(model: ListedModel, *, loaded: bool, fetched: str, width: int) -> Content:
    """Return the two lines of a model.

    Args:
        loaded: it answers now.
        fetched: how far its download is, e.g. `43 %`; empty where none runs.
        width: cells that there are.
    """
    sign, style = ("●", "$text-success") if loaded else ("○" if model.state == "here" else " ", "$foreground-muted")
    state = f"fetching {fetched}" if fetched else "loaded" if loaded else _STATES[model.state]
    figures = [count_words(model.parameters), size_words(model.disk) if model.disk else "", state]
    return Content.assemble(
        (f"{sign} ", style),
        (_name(model.id, width - 3), "bold" if loaded else ""),
        ("\n  " + " · ".join(filter(None, figures)), "$text-warning" if fetched else "$foreground-muted"),
    )


def adapter_line(adapter: Adapter, use: AdapterUse | None, *, width: int) -> Content:
    """Return the two lines of an adapter; `use` is how it lies over the model, if it does."""
    sign, style = ("●", "$text-success") if use is not None else ("+", "$foreground-muted")
    weight = f"weight {use.weight:g}" if use is not None else ""
    base = _name(adapter.base, width) if adapter.base else "base not named"
    words = adapter.note or " · ".join(filter(None, [weight, adapter.kind, f"for {base}"]))
    return Content.assemble(
        (f"{sign} ", style),
        (_name(adapter.folder, width - 3), "bold" if use is not None else ""),
        ("\n  " + safe_line(words, max(8, width - 3)), "$text-warning" if adapter.note else "$foreground-muted"),
    )


def model_details(model: ListedModel, room: Room) -> Content:
    """Return what is known of a model, with what fits this device."""
    lines: list[Content | str | tuple[str, str]] = []
    if model.context:
        lines.append(f"context {model.context:,} tokens\n")
    for name, size in model.memory.items():
        fits = size <= room.free
        sign = ("fits", "$text-success") if fits else ("too large", "$text-error")
        lines += [f"{_NAMES[name]:<8}{size_words(size):>8}  ", sign, "\n"]
    if model.memory:
        lines.append((f"with a picture; {size_words(room.free)} are free", "$foreground-muted"))
    if model.note:
        lines.append((f"\n{safe_line(model.note, 120)}", "$foreground-muted"))
    return Content.assemble(*lines)


def adapter_details(adapter: Adapter) -> Content:
    """Return what is known of an adapter."""
    lines = [f"{adapter.kind}, {adapter.parameters:,} parameters" if adapter.kind else ""]
    lines += [f"on {', '.join(adapter.targets)}" if adapter.targets else ""]
    lines += [f"made for {adapter.base}" if adapter.base else "", adapter.folder]
    return Content("\n".join(safe_line(line, 160) for line in lines if line))


def _name(id: str, width: int) -> str:
    """Return a short name: of a folder its last part, of the family's without its owner."""
    name = Path(id).name if id.startswith(("/", "~")) else id.removeprefix("HuggingFaceTB/")
    return safe_line(name, max(8, width))
