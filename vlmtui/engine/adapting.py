"""Lays adapters over a loaded checkpoint, several and weighted, and switches them without reading the base again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vlmtui.engine.failures import EngineFailure
from vlmtui.models import adapters, files
from vlmtui.models.adapters import AdapterUse
from vlmtui.models.hardware import Quantize

MOST_KEPT = 8
"""Adapters that stay in memory, in use or not: going back to one costs nothing."""


@dataclass
class Over:
    """The adapters of one loaded checkpoint.

    Attributes:
        uses: those that act, in the order they were asked for.
    """

    uses: tuple[AdapterUse, ...] = ()
    _names: dict[tuple[str, int], str] = field(default_factory=dict)
    _made: int = 0

    @property
    def words(self) -> str:
        """Names what acts, for what is kept by it; empty for the base alone."""
        return " + ".join(str(use) for use in self.uses)

    @property
    def acting(self) -> tuple[str, ...]:
        """Names the weights that act: an adapter that was trained again and read again is another one."""
        names = {folder: name for (folder, _), name in self._names.items()}
        return tuple(f"{names.get(str(Path(use.folder).resolve()), '')} {use}" for use in self.uses)


def check_folder(use: AdapterUse) -> Path:
    """Return the adapter's folder, absolute.

    Raises:
        EngineFailure: `bad_adapter`: it holds none.
    """
    try:
        return adapters.check(Path(use.folder))
    except adapters.AdapterError as error:
        raise EngineFailure("bad_adapter", error.cause, error.remedy) from error


def check(wanted: Sequence[AdapterUse], model: str, folder: Path, quantize: Quantize) -> None:
    """Look at adapters before anything large is read.

    Args:
        wanted: the adapters.
        model: the checkpoint as it is called, see `adapters.made_for`.
        folder: where its files are.
        quantize: the kind of its weights.

    Raises:
        EngineFailure: `bad_adapter`: one that holds none, was made for another base, or does not go with int8 weights.
    """
    seen: set[str] = set()
    for use in wanted:
        found = check_folder(use)
        if str(found) in seen:
            raise EngineFailure("bad_adapter", f"the adapter {found.name} is named twice", "name it once")
        seen.add(str(found))
        base = adapters.base_of(found)
        if not adapters.made_for(base, model, folder):
            raise EngineFailure(
                "bad_adapter",
                f"the adapter {found.name} was made for {base}, and {model} is loaded",
                f"load {base} with it, or choose an adapter that was made for {model}",
            )
        settings = files.read_json(found / "adapter_config.json")
        if quantize == "int8" and settings.get("use_dora"):
            raise EngineFailure(
                "bad_adapter",
                f"the adapter {found.name} is a DoRA one, which needs the weights under it as they are",
                "load the checkpoint without int8 weights",
            )
        if use.weight != 1 and settings.get("peft_type") != "LORA":
            raise EngineFailure(
                "bad_adapter", f"the adapter {found.name} has no weight to set: it is not LoRA", "leave the weight out"
            )


def lay_over(model: Any, over: Over, wanted: Sequence[AdapterUse], check_stop: Callable[[], None]) -> None:
    """Let `wanted`, which `check` has passed, act on `model` from now on, and no others; none for the base alone.

    What acted before acts again if this fails.

    Raises:
        EngineFailure: `bad_adapter`: the weights do not fit.
    """
    names: list[str] = []
    for use in wanted:
        check_stop()
        names.append(_loaded(model, over, Path(use.folder).resolve()))
    if names:
        model.enable_adapters()
        model.set_adapter(names)
        _weigh(model, {name: use.weight for name, use in zip(names, wanted, strict=True)})
    elif over._names:
        model.disable_adapters()
    over.uses = tuple(wanted)
    _let_go(model, over, set(names))


def _loaded(model: Any, over: Over, folder: Path) -> str:
    """Return the name under which the adapter in `folder`, as it is now, is in memory; read it if it is not."""
    key = (str(folder), (folder / "adapter_model.safetensors").stat().st_mtime_ns)
    if key in over._names:
        over._names[key] = over._names.pop(key)  # the newest
        return over._names[key]
    over._made += 1
    name = f"adapter{over._made}"
    try:
        info = model.load_adapter(str(folder), adapter_name=name)
        strange = sorted(getattr(info, "unexpected_keys", ()) or ())
        if strange:
            raise ValueError(f"the checkpoint has no place for {strange[0]}")
    except BaseException as error:  # also a stop: no half of it may stay
        with contextlib.suppress(Exception):
            model.delete_adapter(name)
        _restore(model, over)
        if not isinstance(error, RuntimeError | ValueError | KeyError | OSError):
            raise
        raise EngineFailure(
            "bad_adapter",
            f"the adapter {folder.name} does not fit this checkpoint: {error}",
            "load the checkpoint that it was trained on: its adapter_config.json names it",
        ) from error
    over._names[key] = name
    return name


def _restore(model: Any, over: Over) -> None:
    """Let act again what acted before, after something went wrong."""
    by_folder = {folder: name for (folder, _), name in over._names.items()}
    names = [by_folder[str(Path(use.folder).resolve())] for use in over.uses]
    with contextlib.suppress(Exception):
        if names:
            model.set_adapter(names)
            _weigh(model, {name: use.weight for name, use in zip(names, over.uses, strict=True)})
        elif over._names:
            model.disable_adapters()


def _weigh(model: Any, weights: dict[str, float]) -> None:
    for module in model.modules():
        if callable(set_scale := getattr(module, "set_scale", None)):
            for name, weight in weights.items():
                set_scale(name, weight)


def _let_go(model: Any, over: Over, acting: set[str]) -> None:
    """Forget the adapters that were not used for longest, where more are in memory than stay there."""
    for key, name in list(over._names.items()):
        if len(over._names) <= MOST_KEPT:
            return
        if name not in acting:
            model.delete_adapter(name)
            del over._names[key]
