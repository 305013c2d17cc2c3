"""`vlmtui train`: reads a recipe, starts its run, and watches it; or says what the run would do. No torch here."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import msgspec

from vlmtui.runs.command import follow
from vlmtui.runs.control import start
from vlmtui.runs.folder import RunError, create, find
from vlmtui.runs.queue import ALL_GPUS
from vlmtui.safetext import safe_line
from vlmtui.training.beginning import PRESETS, presets
from vlmtui.training.commands import accelerate_commands, trl_commands
from vlmtui.training.launch import run_ranks
from vlmtui.training.recipe import Recipe, RecipeError, read_recipe

_PREFLIGHT = "vlmtui.training.preflight"


def train(options: argparse.Namespace) -> int:
    """Do what `vlmtui train` was asked; return the exit code: 0, 1 for a failure, 2 for a recipe that is wrong."""
    if options.presets:
        return _presets()
    if options.join:
        return _join(options.join, options.node)
    if options.recipe is None:
        _complain("name a recipe, e.g. `vlmtui train recipe.yaml`; `vlmtui train --presets` lists some to begin with")
        return 2
    preset = PRESETS / f"{options.recipe}.yaml"
    path = Path(options.recipe).expanduser()
    if not path.exists() and preset.is_file():
        print(preset.read_text(encoding="utf-8"), end="")  # noqa: T201 - what the command is for
        return 0
    try:
        recipe, text = read_recipe(path)
        if options.print_command:
            return _print_commands(recipe)
        device = choose_device(recipe)
        if options.dry_run:
            return _dry_run(recipe, device, as_json=options.json, probe=options.probe)
        _check_output(Path(recipe.output_dir), overwrite=options.overwrite)
    except RecipeError as error:
        for mistake in error.mistakes:
            _complain(mistake)
        return 2
    except RunError as error:
        _complain(str(error))
        return 1
    return _start(recipe, text, path, device, options)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what `vlmtui train` takes."""
    parser.add_argument("recipe", nargs="?", metavar="RECIPE.yaml", help="the recipe; a preset's name prints it")
    parser.add_argument("--dry-run", action="store_true", help="say what it would do: rows, tokens, labels, memory")
    parser.add_argument("--json", action="store_true", help="with --dry-run: as one JSON object")
    parser.add_argument(
        "--probe", action="store_true", help="with --dry-run: measure one step, in a process of its own"
    )
    parser.add_argument("--detach", action="store_true", help="return at once; `vlmtui runs watch` shows it")
    parser.add_argument("--overwrite", action="store_true", help="replace a result that output_dir holds already")
    parser.add_argument("--cloned-from", default="", metavar="RUN", help="the run whose recipe this one was made from")
    parser.add_argument("--print-command", action="store_true", help="print the same training as a command of TRL's")
    parser.add_argument("--join", metavar="RUN", help="on a further node: train as a part of the run RUN")
    parser.add_argument("--node", type=int, default=1, metavar="N", help="with --join: which node this is (default: 1)")
    parser.add_argument("--presets", action="store_true", help="name the recipes that come with vlmtui")
    parser.set_defaults(run=train)


def choose_device(recipe: Recipe) -> str:
    """Return the device whose queue the run waits in: `cpu` or `cuda:N`, asked of the driver.

    Raises:
        RunError: the recipe names a GPU that is not here.
    """
    wanted = recipe.looks.device
    if wanted == "cpu" or any(stage.trl.get("use_cpu") for stage in recipe.stages):
        return "cpu"
    free = _gpus()
    several = recipe.launch is not None and recipe.launch.processes > recipe.launch.nodes
    if several and wanted in ("auto", "cuda"):
        return ALL_GPUS if free else "cpu"
    if wanted == "auto":
        return f"cuda:{free.index(max(free))}" if free else "cpu"
    number = int(wanted.partition(":")[2] or 0)
    if number >= len(free):
        raise RunError(f"there is no GPU {wanted} here", "set device: auto or cpu; `vlmtui doctor` says what is here")
    return f"cuda:{number}"


def _print_commands(recipe: Recipe) -> int:
    for command in [*trl_commands(recipe), *(f"# {one}" for one in accelerate_commands(recipe))]:
        print(command)  # noqa: T201 - what the command is for
    return 0


def _presets() -> int:
    for name, line, _ in presets():
        print(f"{name:<24}{line}")  # noqa: T201 - what the command is for
    return 0


def _gpus() -> list[int]:
    """Return the free bytes of each NVIDIA GPU; [] without a driver."""
    try:
        import pynvml

        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        return [int(pynvml.nvmlDeviceGetMemoryInfo(handle).free) for handle in handles]
    except Exception:  # no driver, no library: most machines
        return []


def _join(name: str, node: int) -> int:
    """Run this node's ranks of a run that was started on the first node; return when they end."""
    try:
        run = find(name)
        recipe = msgspec.convert(run.job().recipe, Recipe)
    except RunError as error:
        _complain(str(error))
        return 1
    if recipe.launch is None or not 0 < node < recipe.launch.nodes:
        _complain(
            f"{run.id} has no node {node}: its recipe says launch: nodes: {recipe.launch and recipe.launch.nodes}"
        )
        return 2
    failed = run_ranks(run, recipe.launch, lambda: False, node)
    if failed is not None:
        _complain(f"{failed.cause}: {failed.remedy}")
    return int(failed is not None)


def _check_output(output: Path, *, overwrite: bool) -> None:
    if output.exists() and not output.is_dir():
        raise RunError(f"output_dir: {output} is a file", "name a folder")
    if output.is_dir() and any(output.iterdir()):
        if not (output / "vlmtui.json").is_file():
            raise RunError(f"output_dir: {output} holds other things", "name a folder that is new or empty")
        if not overwrite:
            raise RunError(f"output_dir: {output} holds a result already", "name another, or add --overwrite")


def _start(recipe: Recipe, text: str, path: Path, device: str, options: argparse.Namespace) -> int:
    methods = "+".join(stage.method for stage in recipe.stages)
    title = f"{methods} {Path(str(recipe.model['model_name_or_path'])).name} {path.stem}"
    try:
        run = create(
            title, device, msgspec.to_builtins(recipe), text=text, source=str(path.resolve()), output=recipe.output_dir,
            overwrite=options.overwrite, cloned_from=options.cloned_from,
        )  # fmt: skip
        start(run)
    except RunError as error:
        _complain(str(error))
        return 1
    except OSError as error:
        _complain(f"{error.filename or 'the run'}: {error.strerror or error}")
        return 1
    if options.detach:
        print(run.id)  # noqa: T201 - what the command is for
        return 0
    _complain(f"run {run.id}: Ctrl+C stops it with a checkpoint; it goes on when this terminal closes")
    return follow(run)


def _dry_run(recipe: Recipe, device: str, *, as_json: bool, probe: bool) -> int:
    """Let a process that may import torch say what the run would do."""
    child = subprocess.run(
        [
            sys.executable,
            "-P",
            "-m",
            _PREFLIGHT,
            device,
            *(["--json"] if as_json else []),
            *(["--probe"] if probe else []),
        ],
        input=msgspec.json.encode(recipe),
        env={**os.environ, "HF_HUB_DISABLE_TELEMETRY": "1"},
        check=False,
    )
    return child.returncode


def _complain(line: str) -> None:
    print(safe_line(line), file=sys.stderr)  # noqa: T201 - what the command is for
