"""The keys that a recipe may have, as the installed TRL declares them, read without importing it.

`SFTConfig`, `DPOConfig` and `ModelConfig` are dataclasses whose fields carry their own help. Importing them costs torch
and many seconds; so their source is parsed instead. What is checked here is what TRL itself would accept.
"""

from __future__ import annotations

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

_CONFIGS = {
    "sft": ("sft_config", "SFTConfig"),
    "dpo": ("dpo_config", "DPOConfig"),
    "mpo": ("dpo_config", "DPOConfig"),
    "kto": ("kto_config", "KTOConfig"),
    "grpo": ("grpo_config", "GRPOConfig"),
}


class Field(msgspec.Struct, frozen=True):
    """A key of TRL's.

    Attributes:
        name: as it is written.
        types: what its annotation names: `int`, `float`, `bool`, `str`, `list`, `dict`, `None`, `Literal`, others.
        default: as Python source.
        help: one paragraph, TRL's own.
        choices: of a `Literal`; [] for any.
    """

    name: str
    types: tuple[str, ...]
    default: str = ""
    help: str = ""
    choices: tuple[Any, ...] = ()


class FieldsMissing(Exception):
    """TRL or transformers is not installed, or of a version whose fields cannot be found."""


@cache
def training_fields(method: str) -> dict[str, Field]:
    """Return what TRL's configuration of `method` (`sft`, `dpo`) takes, `TrainingArguments` included.

    Raises:
        FieldsMissing: see there.
    """
    module, name = _CONFIGS[method]
    trainers = _package("trl") / "trainer"
    found = _fields(_package("transformers") / "training_args.py", "TrainingArguments")
    found |= _fields(trainers / "base_config.py", "_BaseConfig")
    return found | _fields(trainers / f"{module}.py", name)


@cache
def model_fields() -> dict[str, Field]:
    """Return what TRL's `ModelConfig` takes: the checkpoint, LoRA and quantisation; raises `FieldsMissing`."""
    return _fields(_package("trl") / "trainer" / "model_config.py", "ModelConfig")


def accepts(field: Field, value: Any) -> bool:
    """Return whether `value`, as YAML gives it, is of a type that the field takes."""
    if value is None:
        return "None" in field.types or field.default == "None"
    if field.choices and not isinstance(value, list | dict):
        return value in field.choices or len(field.types) > 1
    known = {"int", "float", "bool", "str", "list", "dict"} & set(field.types)
    if not known:
        return True  # an enumeration or a class of TRL's own: it says itself what it takes
    match value:
        case bool():
            return "bool" in known
        case int():
            return bool(known & {"int", "float"})
        case float():
            return "float" in known
        case str():
            return "str" in known or len(known) < len(set(field.types) - {"None"})
        case list():
            return "list" in known
        case dict():
            return "dict" in known
    return False


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise FieldsMissing(f"the package {name} is missing: install vlmtui again with pip")
    return Path(next(iter(spec.submodule_search_locations)))


@cache
def _fields(path: Path, name: str) -> dict[str, Field]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError) as error:
        raise FieldsMissing(f"{path.name} of the installed packages cannot be read: {error}") from None
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return {
                one.name: one
                for line in node.body
                if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
                for one in [_field(line.target.id, line.annotation, line.value)]
            }
    raise FieldsMissing(f"the installed packages have no {name} in {path.name}: install vlmtui's own versions again")


def _field(name: str, annotation: ast.expr, value: ast.expr | None) -> Field:
    types: list[str] = []
    choices: list[Any] = []
    for part in _parts(annotation):
        if isinstance(part, ast.Subscript):
            head = ast.unparse(part.value)
            if head == "Literal":
                choices += [ast.literal_eval(one) for one in _elements(part.slice)]
            types.append(head.rpartition(".")[2])
        else:
            types.append(ast.unparse(part).rpartition(".")[2].strip("'\""))
    default, text = "", ""
    if isinstance(value, ast.Call):
        for argument in value.keywords:
            if argument.arg in ("default", "default_factory"):
                default = ast.unparse(argument.value)
            if argument.arg == "metadata" and isinstance(argument.value, ast.Dict):
                text, options = _metadata(argument.value)
                choices += options
    elif value is not None:
        default = ast.unparse(value)
    return Field(name, tuple(types), default, " ".join(text.replace("%%", "%").split()), tuple(choices))


def _metadata(node: ast.Dict) -> tuple[str, list[Any]]:
    text, choices = "", []
    for key, value in zip(node.keys, node.values, strict=True):
        if not isinstance(key, ast.Constant):
            continue
        try:
            literal = ast.literal_eval(value)
        except ValueError:
            continue  # built at run time; only the help is lost
        if key.value == "help":
            text = str(literal)
        elif key.value == "choices":
            choices = list(literal)
    return text, choices


def _parts(annotation: ast.expr) -> list[ast.expr]:
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return [*_parts(annotation.left), *_parts(annotation.right)]
    return [annotation]


def _elements(node: ast.expr) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, ast.Tuple) else [node]
