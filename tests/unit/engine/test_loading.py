"""What can and cannot be loaded, and what is said about it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.tiny_model import checkpoint
from vlmtui.engine import loading, resolving
from vlmtui.engine.failures import EngineFailure, Stopped, understand
from vlmtui.engine.protocol import Event, Load, LoadProgress

from .checkpoints import load


def refused(model: Path | str, **options: Any) -> EngineFailure:
    """Return the failure of a load that must fail."""
    try:
        load(model, **options)
    except Exception as error:
        return understand(error)
    raise AssertionError("it loaded")


@pytest.fixture
def copy(smolvlm2: Path, tmp_path: Path) -> Path:
    """A checkpoint that a test may spoil."""
    return Path(shutil.copytree(smolvlm2, tmp_path / "copy"))


def change(path: Path, **values: Any) -> None:
    """Change keys of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize("family", ["smolvlm", "idefics3"])
@pytest.mark.parametrize("kind", ["instruct", "base"])
def test_both_versions_base_and_instruct(family: Any, kind: Any) -> None:
    loaded = load(checkpoint(family, kind=kind)).loaded
    assert (loaded.family, loaded.kind, loaded.video) == (family, kind, family == "smolvlm")
    assert loaded.parameters == 189_392
    assert loaded.processor.tokens_per_tile == 16


def test_a_checkpoint_without_a_template_is_a_base_one() -> None:
    assert load(checkpoint("smolvlm", template=False)).loaded.kind == "base"


@pytest.mark.parametrize(("name", "base"), [("SmolVLM-256M-Base", True), ("my-base-v2", True), ("Baseball", False)])
def test_base_by_name(name: str, base: bool, smolvlm2: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(smolvlm2, tmp_path / name)
    assert (load(folder).loaded.kind == "base") is base


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_the_precision_can_be_set(smolvlm2: Path, dtype: str) -> None:
    made = load(smolvlm2, dtype=dtype)
    assert made.loaded.dtype == dtype
    assert str(made.model.dtype) == f"torch.{dtype}"


def test_turns_end_even_where_the_generation_config_does_not_say_so(copy: Path) -> None:
    (copy / "generation_config.json").write_text('{"eos_token_id": 0, "pad_token_id": 128002}')
    made = load(copy)
    end = made.processor.tokenizer.convert_tokens_to_ids("<end_of_utterance>")
    assert set(made.model.generation_config.eos_token_id) == {0, end}
    assert made.model.generation_config.pad_token_id < made.model.config.text_config.vocab_size


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"device": "cuda"}, "GPU"),
        ({"device": "mps"}, "Apple"),
        ({"device": "gpu"}, "device"),
        ({"dtype": "int8"}, "int8"),
    ],
)
def test_a_device_or_precision_that_is_not_here(smolvlm2: Path, options: dict[str, str], word: str) -> None:
    failure = refused(smolvlm2, **options)
    assert failure.code == "bad_device"
    assert word in failure.cause


# ---- folders that are no checkpoint ----


def _no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def _broken_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def _list_config(folder: Path) -> None:
    (folder / "config.json").write_text("[1, 2]")


def _wrong_config(folder: Path) -> None:
    change(folder / "config.json", vision_config={"hidden_size": "wide"})


def _text_model(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "llama", "hidden_size": 8}')


def _no_type(folder: Path) -> None:
    (folder / "config.json").write_text('{"hidden_size": 8}')


def _remote_code(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "own", "auto_map": {"AutoConfig": "code.Config"}}')
    (folder / "code.py").write_text("raise SystemExit('must not run')")


def _no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def _only_pickles(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _cut_weights(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])


def _no_header(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\xff" * 4096)


def _missing_shard(folder: Path) -> None:
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "model-00002-of-00002.safetensors"}}')


def _no_processor(folder: Path) -> None:
    for name in ("preprocessor_config.json", "processor_config.json"):
        (folder / name).unlink()


def _no_tokenizer(folder: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()


def _adapter(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "HuggingFaceTB/SmolVLM-256M-Instruct"}')


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        (_no_config, "no_such_model", ["config.json"]),
        (_broken_config, "no_such_model", ["configuration"]),
        (_list_config, "no_such_model", ["configuration"]),
        (_wrong_config, "no_such_model", ["configuration"]),
        (_text_model, "not_vision_language", ["llama"]),
        (_no_type, "not_vision_language", ["model_type"]),
        (_remote_code, "remote_code", ["never executes"]),
        (_no_weights, "not_safetensors", ["no weights"]),
        (_only_pickles, "not_safetensors", ["pickled"]),
        (_cut_weights, "not_safetensors", ["cut off"]),
        (_no_header, "not_safetensors", ["damaged"]),
        (_missing_shard, "not_safetensors", ["model-00002-of-00002"]),
        (_no_processor, None, ["processor"]),
        (_no_tokenizer, "no_such_model", ["processor"]),
        (_adapter, "no_such_model", ["adapter", "SmolVLM-256M-Instruct"]),
    ],
)
def test_what_is_wrong_with_a_folder(
    copy: Path, spoil: Callable[[Path], None], code: str | None, words: list[str]
) -> None:
    spoil(copy)
    failure = refused(copy)
    assert failure.code == code or (code is None and failure.code in ("no_such_model", "not_vision_language"))
    for word in words:
        assert word in failure.cause + failure.remedy


def test_pickles_beside_safetensors_are_never_touched(copy: Path) -> None:
    (copy / "pytorch_model.bin").write_bytes(b"\x80\x04cos\nsystem\n(S'touch /tmp/owned'\ntR.")
    assert load(copy).loaded.parameters == 189_392


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("", "named"),
        ("/no/such/folder", "no folder"),
        ("./nothing", "no folder"),
        ("a b/c", "neither"),
        ("../../no/such/one", "no folder"),
        ("~nobody-of-that-name/x", "home"),
        ("x" * 5000, "long"),
        ("x\0y", "neither"),
        ("owner/name/more", "no folder"),
        ("owner/..", "neither"),
        ("x\x1b]52;c;aGk=\x07", "neither"),
    ],
)
def test_names_that_are_neither_a_folder_nor_an_id(name: str, word: str) -> None:
    failure = refused(name)
    assert failure.code == "no_such_model"
    assert word in failure.cause


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    assert "is a file" in refused(tmp_path / "model.safetensors").cause


def test_a_missing_demo_is_said_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(resolving, "weights_path", lambda: tmp_path)
    failure = refused("demo")
    assert failure.code == "no_such_model"
    assert "demo" in failure.cause


def test_the_demo_is_loaded_like_any_other(monkeypatch: pytest.MonkeyPatch, smolvlm2: Path) -> None:
    monkeypatch.setattr(resolving, "weights_path", lambda: smolvlm2)
    loaded = load("demo").loaded
    assert (loaded.name, loaded.demo) == ("demo", True)


def test_weights_that_do_not_fit_are_refused_before_they_are_read(
    smolvlm2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 500_000})())
    failure = refused(smolvlm2)
    assert failure.code == "out_of_memory"
    assert "smaller checkpoint" in failure.remedy


def test_offline_and_not_in_the_cache() -> None:
    failure = refused("HuggingFaceTB/SmolVLM2-256M-Video-Instruct")
    assert failure.code == "no_network"
    assert "HF_HUB_OFFLINE" in failure.remedy


@pytest.mark.parametrize("stage", ["libraries", "processor", "weights", "warm_up"])
def test_a_stop_is_heard_between_and_within_the_steps(smolvlm2: Path, stage: str) -> None:
    stopped = False
    seen: list[str] = []

    def report(event: Event) -> None:
        nonlocal stopped
        assert isinstance(event, LoadProgress)
        seen.append(event.stage)
        stopped = stopped or event.stage == stage

    def check() -> None:
        if stopped:
            raise Stopped

    released: list[bool] = []
    try:
        loading.load(
            Load(id=1, model=str(smolvlm2)),
            report=report,
            check=check,
            release=lambda: released.append(True),
            asked_at=0.0,
        )
    except Stopped:
        assert stage != "warm_up"
        assert seen[-1] == stage
        assert bool(released) is (stage == "weights")  # what was loaded before is kept until weights are read
    else:
        assert stage == "warm_up"  # nothing is left to stop
