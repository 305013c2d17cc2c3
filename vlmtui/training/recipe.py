"""Recipes: what a training is, in YAML with TRL's own field names. Read and checked here, without torch."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import Meta

from vlmtui.demo import DEMO_MODEL_ID
from vlmtui.training.contradictions import contradictions, refused
from vlmtui.training.fields import FieldsMissing, accepts, model_fields, training_fields

Method = Literal["sft", "dpo", "mpo", "kto", "grpo"]
METHODS: tuple[Method, ...] = ("sft", "dpo", "mpo", "kto", "grpo")
PREFERENCES: frozenset[Method] = frozenset({"dpo", "mpo"})
"""The methods that learn from a better and a worse answer."""
Reward = Literal["exact_match", "relaxed_accuracy", "anls", "short", "json"]
Tower = Literal["text", "connector", "vision"]

_MOST = 1_000_000
_MISSING = object()
_Count = Annotated[int, Meta(ge=1)]
_Share = Annotated[float, Meta(ge=0, lt=1)]
_Pixels = Annotated[int, Meta(ge=32, le=4096)]
_Rate = Annotated[float, Meta(gt=0)]


class Data(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a stage trains on; the keys that say so.

    Each is a key of a recipe. `dataset_*` are TRL's (`ScriptArguments`), the others are ours.
    """

    dataset_name: Annotated[str, Meta(description="a file or folder, relative to the recipe, or a hub id")] = ""
    dataset_config: Annotated[str | None, Meta(description="the hub data set's configuration")] = None
    dataset_train_split: Annotated[str, Meta(description="the split to train on")] = ""
    dataset_test_split: Annotated[str, Meta(description="the split to evaluate on")] = ""
    columns: Annotated[
        dict[Literal["prompt", "completion", "chosen", "rejected", "messages", "label", "images"], str],
        Meta(description="which column says what, where that is not found out"),
    ] = {}
    data_root: Annotated[str, Meta(description="the folder that pictures must lie in; the data set's by default")] = ""
    bad_rows: Annotated[Literal["refuse", "skip"], Meta(description="what to do when rows cannot be used")] = "refuse"
    max_rows: Annotated[_Count | None, Meta(description="use only so many rows, the first ones")] = None
    eval_fraction: Annotated[
        _Share | None, Meta(description="share of the rows held out for evaluation, drawn by the seed")
    ] = None
    max_length: Annotated[
        _Count | None, Meta(description="longer examples count as bad rows: cutting would lose image tokens")
    ] = None


class Looks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a run looks at pictures, what it trains and how it is evaluated: our own keys, of the whole recipe."""

    device: Annotated[str, Meta(description="auto, cpu, cuda or cuda:N", pattern="^(auto|cpu|cuda(:[0-9]+)?)$")] = (
        "auto"
    )
    image_splitting: Annotated[
        bool | None, Meta(description="cut pictures into tiles; by default as when answering: not on a CPU")
    ] = None
    image_longest_edge: Annotated[
        _Pixels | None, Meta(description="pixels that the longest edge is scaled to before cutting")
    ] = None
    lora_towers: Annotated[list[Tower], Meta(description="which towers get adapters: text, connector, vision")] = []
    freeze: Annotated[list[Tower], Meta(description="without adapters: towers that are not trained")] = []
    tower_learning_rates: Annotated[
        dict[Tower, _Rate], Meta(description="a learning rate of its own for a tower, e.g. {vision: 1.0e-5}")
    ] = {}
    cache_features: Annotated[
        bool, Meta(description="SFT with frozen vision: look at each picture once, keep what was seen on the disk")
    ] = True
    on_out_of_memory: Annotated[
        Literal["fail", "halve"], Meta(description="halve: go on with half the batch and twice the accumulation")
    ] = "fail"
    rewards: Annotated[list[Reward], Meta(description="GRPO: what an answer is rewarded for, added up")] = []
    eval_examples: Annotated[
        int, Meta(ge=0, le=5000, description="how many held-out examples are answered at each evaluation")
    ] = 32
    eval_max_new_tokens: Annotated[int, Meta(ge=1, le=4096, description="the longest of these answers")] = 64


class Launch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """On how many processes a run is trained, as `accelerate launch` starts them; the keys of `launch:`."""

    processes: Annotated[_Count, Meta(description="all of them, over all nodes")] = 1
    nodes: Annotated[_Count, Meta(description="machines; their disk with the runs is shared")] = 1
    address: Annotated[
        str, Meta(description="HOST:PORT of the first node, for the others to meet at", pattern="^[^:]+:[0-9]+$|^$")
    ] = ""
    config_file: Annotated[str, Meta(description="a config file of accelerate's: FSDP, DeepSpeed")] = ""


class Stage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One training: `trl` holds the fields of TRL's configuration that were given."""

    method: Method
    data: Data
    trl: dict[str, Any] = {}


class Recipe(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A recipe, checked, with absolute paths.

    Attributes:
        stages: one after the other; the second goes on from the first's result.
        model: the fields of TRL's `ModelConfig` that were given.
        looks: our own keys.
        output_dir: where the result goes.
        launch: how several processes are started; None for one.
    """

    stages: list[Stage]
    model: dict[str, Any]
    looks: Looks
    output_dir: str
    launch: Launch | None = None


class RecipeError(ValueError):
    """A recipe that cannot be used. `mistakes` are lines that name file and line."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class _Lines(dict[str, Any]):
    """A mapping that knows the line of each of its keys."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, int] = {}


def read_recipe(path: Path) -> tuple[Recipe, str]:
    """Return the recipe in the file at `path`, and its text.

    Raises:
        RecipeError: with all mistakes that were found.
    """
    try:
        if path.stat().st_size > _MOST:
            raise RecipeError([f"{path}: too large to be a recipe"])
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RecipeError([f"{path}: {error.strerror or error}"]) from None
    except UnicodeDecodeError:
        raise RecipeError([f"{path}: is no text in UTF-8"]) from None
    return parse_recipe(text, path), text


def parse_recipe(text: str, path: Path) -> Recipe:
    """Return the recipe in `text`; `path` is where it lies (for messages, and where relative paths begin).

    Raises:
        RecipeError: with all mistakes that were found.
    """
    try:
        return _Reader(path).read(text)
    except FieldsMissing as error:
        raise RecipeError([str(error)]) from None


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder = path.parent.resolve()
        self._mistakes: list[str] = []

    def read(self, text: str) -> Recipe:
        table = self._load(text)
        methods = self._methods(table)
        stages_given = table.pop("stages", None) or {}
        launch = self._launch(table.pop("launch", None))
        training = {method: training_fields(method) for method in methods}
        allowed = {"method", "stages", "output_dir", *_names(Data), *_names(Looks), *model_fields()}
        allowed |= {name for fields in training.values() for name in fields}
        self._unknown(table, allowed)
        model = {name: self._typed(table, name, model_fields()[name]) for name in table if name in model_fields()}
        looks = self._struct(Looks, table)
        stages = [self._stage(method, training[method], table, self._part(stages_given, method)) for method in methods]
        if isinstance(stages_given, _Lines):
            self._unknown(stages_given, set(methods), "stage")
        model = self._model(table, model)
        output = table.get("output_dir")
        if not isinstance(output, str) or not output.strip():
            self._say(table, "output_dir", "is needed: where the result goes, e.g. output_dir: out")
        flat = dict(table)
        for given in stages_given.values() if isinstance(stages_given, dict) else ():
            flat |= given if isinstance(given, dict) else {}
        if looks is not None and bool(looks.rewards) != ("grpo" in methods):
            need = "is needed for GRPO, e.g. rewards: [exact_match]" if not looks.rewards else "is for GRPO only"
            self._say(table, "rewards", need)
        for key, line in contradictions(flat):
            self._say(table, key, line)
        if self._mistakes:
            raise RecipeError(sorted(self._mistakes, key=_line_of))
        assert looks is not None
        return Recipe(
            stages=[stage for stage in stages if stage is not None],
            model=model,
            looks=looks,
            output_dir=str((self._folder / Path(str(output)).expanduser()).resolve()),
            launch=launch,
        )

    # ---- parts of it ----

    def _load(self, text: str) -> _Lines:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                raise RecipeError([f"{self._path}: is empty; `vlmtui train --presets` names some to begin with"])
            if not isinstance(node, yaml.MappingNode):
                raise RecipeError([f"{self._path}:{node.start_mark.line + 1}: a recipe is lines of `key: value`"])
            return self._mapping(loader, node)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = f":{mark.line + 1}" if mark is not None else ""
            problem = getattr(error, "problem", None) or str(error)
            raise RecipeError([f"{self._path}{line}: {' '.join(str(problem).split())}"]) from None
        except RecursionError:
            raise RecipeError([f"{self._path}: nested too deeply"]) from None
        finally:
            loader.dispose()

    def _mapping(self, loader: yaml.SafeLoader, node: yaml.MappingNode) -> _Lines:
        table = _Lines()
        for key_node, value_node in node.value:
            key = str(loader.construct_object(key_node, deep=True))
            line = key_node.start_mark.line + 1
            if key in table:
                first = table.lines[key]
                self._mistakes.append(f"{self._path}:{line}: {key!r} stands in line {first} already: delete one")
                continue
            table.lines[key] = line
            table[key] = (
                self._mapping(loader, value_node)
                if isinstance(value_node, yaml.MappingNode)
                else loader.construct_object(value_node, deep=True)
            )
        return table

    def _methods(self, table: _Lines) -> list[Method]:
        given = table.get("method", _MISSING)
        if given is _MISSING:
            self._say(table, "method", f"is needed: one of {', '.join(METHODS)}, or a list of them")
            return ["sft"]
        wanted = given if isinstance(given, list) else [given]
        methods: list[Method] = [method for method in METHODS for one in wanted if one == method]
        if not wanted or len(methods) != len(wanted) or len(set(methods)) != len(methods):
            self._say(table, "method", f"{given!r} is none that is known: choose {', '.join(METHODS)} or [sft, dpo]")
            return methods[:1] or ["sft"]
        if methods != wanted or len(methods) > 2 or (len(methods) == 2 and methods[0] != "sft"):
            self._say(table, "method", "two stages are sft and one other, in this order: [sft, dpo]")
        return methods

    def _launch(self, given: Any) -> Launch | None:
        if given is None:
            return None
        if not isinstance(given, _Lines):
            self._mistakes.append(f"{self._path}: launch: holds no `key: value` lines, e.g. processes: 2")
            return None
        self._unknown(given, _names(Launch), "key of launch")
        launch: Launch | None = self._struct(Launch, given)
        if launch is None:
            return None
        if launch.nodes > 1 and not launch.address:
            self._say(given, "nodes", "needs address: HOST:PORT of the first node")
        if launch.processes % launch.nodes:
            self._say(given, "processes", f"{launch.processes} cannot be shared evenly by {launch.nodes} nodes")
        if not launch.config_file:
            return launch
        file = (self._folder / Path(launch.config_file).expanduser()).resolve()
        if not file.is_file():
            self._say(given, "config_file", f"there is no {file}; `accelerate config --config_file F` writes one")
        return msgspec.structs.replace(launch, config_file=str(file))

    def _part(self, given: Any, method: str) -> _Lines:
        part = given.get(method) if isinstance(given, dict) else None
        if part is None:
            return _Lines()
        if not isinstance(part, _Lines):
            self._mistakes.append(f"{self._path}: stages: {method} holds no `key: value` lines")
            return _Lines()
        return part

    def _stage(self, method: Method, fields: dict[str, Any], table: _Lines, own: _Lines) -> Stage | None:
        self._unknown(own, {*fields, *_names(Data)} - {"output_dir"}, f"key of the stage {method}")
        both = _Lines()
        for part in (table, own):
            both.update(part)
            both.lines.update(part.lines)
        data = self._struct(Data, both)
        ours = {*_names(Data), *_names(Looks), *model_fields(), "output_dir"}
        trl = {name: self._typed(both, name, fields[name]) for name in both if name in fields and name not in ours}
        for name, reason in refused(trl):
            self._say(both, name, reason)
        if method == "kto" and trl.get("per_device_train_batch_size") == 1:
            self._say(both, "per_device_train_batch_size", "KTO needs more than 1: it compares within the batch")
        if data is None:
            return None
        return Stage(method=method, data=self._located(data, both), trl=_BY_METHOD.get(method, {}) | trl)

    def _located(self, data: Data, table: _Lines) -> Data:
        """Return `data` with absolute paths."""
        if not data.dataset_name:
            self._say(table, "dataset_name", "is needed: a file relative to the recipe, or a hub id")
            return data
        place = self._folder / Path(data.dataset_name).expanduser()
        looks_like_path = data.dataset_name.startswith((".", "/", "~")) or place.suffix.lower() in _SUFFIXES
        if place.exists():
            data = msgspec.structs.replace(data, dataset_name=str(place.resolve()))
        elif looks_like_path or data.dataset_name.count("/") > 1:
            self._say(table, "dataset_name", f"there is no {place}")
        if data.data_root:
            root = (self._folder / Path(data.data_root).expanduser()).resolve()
            if not root.is_dir():
                self._say(table, "data_root", f"there is no folder {root}")
            data = msgspec.structs.replace(data, data_root=str(root))
        return data

    def _model(self, table: _Lines, model: dict[str, Any]) -> dict[str, Any]:
        name = model.get("model_name_or_path")
        if not isinstance(name, str) or not name.strip():
            self._say(table, "model_name_or_path", "is needed: demo, a hub id, or a folder")
            return model
        place = self._folder / Path(name).expanduser()
        if name != DEMO_MODEL_ID and place.is_dir():
            return model | {"model_name_or_path": str(place.resolve())}
        if name.startswith((".", "/", "~")):
            self._say(table, "model_name_or_path", f"there is no folder {place}")
        return model

    # ---- values ----

    def _struct(self, kind: type[Any], table: _Lines) -> Any:
        """Return the keys of `kind` in `table`, each checked by itself; None when one is wrong."""
        types = {field.name: field.type for field in msgspec.structs.fields(kind)}
        good: dict[str, Any] = {}
        wrong = False
        for name, type_ in types.items():
            if name not in table:
                continue
            try:
                good[name] = msgspec.convert(table[name], type_)
            except msgspec.ValidationError as error:
                self._say(table, name, str(error))
                wrong = True
        return None if wrong else kind(**good)

    def _typed(self, table: _Lines, name: str, field: Any) -> Any:
        """Return a value of one of TRL's fields; `2e-4` is a text in YAML and meant as a number."""
        value = table[name]
        if isinstance(value, str) and {"float", "int"} & set(field.types) and "str" not in field.types:
            try:
                value = float(value)
            except ValueError:
                self._say(table, name, f"{value!r} is no number")
                return value
        if not accepts(field, value):
            wanted = " or ".join(str(one) for one in (field.choices or field.types))
            self._say(table, name, f"{value!r} is not {wanted}")
        return dict(value) if isinstance(value, dict) else value

    def _unknown(self, table: _Lines, allowed: Iterable[str], what: str = "key") -> None:
        names = sorted(allowed)
        for name in table:
            if name not in names:
                self._say(table, name, f"unknown {what}{_hint(name, names)}")

    def _say(self, table: _Lines, key: str, line: str) -> None:
        place = f":{table.lines[key]}" if key in table.lines else ""
        mistake = f"{self._path}{place}: {key}: {line}"
        if mistake not in self._mistakes:
            self._mistakes.append(mistake)


_BY_METHOD: dict[Method, dict[str, Any]] = {
    # MPO is DPO with three losses at once (Wang et al. 2024), weighted as in its paper and TRL's documentation.
    "mpo": {"loss_type": ["sigmoid", "bco_pair", "sft"], "loss_weights": [0.8, 0.2, 1.0]}
}
_SUFFIXES = {".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".arrow"}
_GONE = {
    "warmup_ratio": "warmup_steps takes a share below 1 now",
    "max_seq_length": "it is called max_length now",
    "logging_dir": "logs are in the run's folder",
    "tokenizer": "the processor comes with model_name_or_path",
    "torch_dtype": "it is called dtype now",
    "lora_rank": "it is called lora_r",
    "evaluation_strategy": "it is called eval_strategy now",
}


def _hint(name: str, names: list[str]) -> str:
    if name in _GONE:
        return f"; {_GONE[name]}"
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.7)
    return f"; did you mean {near[0]!r}?" if near else ""


def _line_of(mistake: str) -> int:
    """Return the line that a mistake names; those that name none come last."""
    found = re.search(r":(\d+): ", mistake)
    return int(found[1]) if found else _MOST


def _names(kind: type[msgspec.Struct]) -> list[str]:
    return [field.name for field in msgspec.structs.fields(kind)]
