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
    _blind: set[str] = field(default_factory=set)  # names of those that change nothing of what is seen of a picture

    @property
    def words(self) -> str:
        """Names what acts, for what is kept by it; empty for the base alone."""
        return " + ".join(str(use) for use in self.uses)

    @property
    def acting(self) -> tuple[str, ...]:
        """Names the weights that act: an adapter that was trained again and read again is another one."""
        names = {folder: name for (folder, _), name in self._names.items()}
        return tuple(f"{names.get(str(Path(use.folder).resolve()), '')} {use}" for use in self.uses)

    @property
    def acting_on_sight(self) -> tuple[str, ...]:
        """The same, without those that leave alone what is seen of a picture: most do not touch the vision tower."""
        names = {folder: name for (folder, _), name in self._names.items()}
        inside = [names.get(str(Path(use.folder).resolve()), "") for use in self.uses]
        return tuple(f"{name} {use}" for name, use in zip(inside, self.uses, strict=True) if name not in self._blind)

    def beside(self, uses: tuple[AdapterUse, ...]) -> Over:
        """Return the same adapters in memory as somebody sees them for whom `uses` act."""
        return Over(uses, self._names, self._made, self._blind)


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
    weights = read(model, over, wanted, check_stop)
    act(model, over, weights)
    over.uses = tuple(wanted)
    _let_go(model, over, set(weights))


def read(model: Any, over: Over, wanted: Sequence[AdapterUse], check_stop: Callable[[], None]) -> dict[str, float]:
    """Have `wanted` in memory, without letting them act yet; return the weight of each by its name there.

    Raises:
        EngineFailure: as `lay_over`.
    """
    weights: dict[str, float] = {}
    for use in wanted:
        check_stop()
        weights[_loaded(model, over, Path(use.folder).resolve())] = use.weight
    return weights


def act(model: Any, over: Over, weights: dict[str, float]) -> None:
    """Let the adapters in memory of these names act, and no others."""
    if weights:
        model.enable_adapters()
        model.set_adapter(list(weights))
        _weigh(model, weights)
    elif over._names:
        model.disable_adapters()


def switch_of(model: Any) -> Callable[[dict[str, float]], None]:
    """Return what does as `act` does, in a third of the time: it has looked for the layers already.

    Made once all adapters that it will be asked for are in memory.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils.other import ModulesToSaveWrapper

    layers = [module for module in model.modules() if isinstance(module, BaseTunerLayer | ModulesToSaveWrapper)]
    scaled = [layer for layer in layers if callable(getattr(layer, "set_scale", None))]

    def switch(weights: dict[str, float]) -> None:
        names = list(weights)
        for layer in layers:
            layer.enable_adapters(bool(names))
            if names:
                layer.set_adapter(names, inference_mode=True)
        for layer in scaled:
            for name, weight in weights.items():
                layer.set_scale(name, weight)

    return switch


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
    if all(_writes(path) for path, _ in model.named_parameters() if f".{name}." in path):
        over._blind.add(name)
    return name


def _writes(path: str) -> bool:
    """Return whether a parameter belongs to the part that writes the answer, by its name in a SmolVLM."""
    return ".text_model." in path or path.startswith("lm_head.")


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
            over._blind.discard(name)
