"""Adapters over a loaded checkpoint: several, weighted, switched without reading the base again, refused by name."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.adapter_maker import make_adapters
from vlmtui.engine.client import EngineClient
from vlmtui.engine.protocol import Side, SideSays
from vlmtui.models.adapters import AdapterError, AdapterUse, made_for, parse

from .asking import at_most, everything, failed, finished, loaded, text_of, turn

on_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def folders(smolvlm2: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two adapters for the tiny SmolVLM2, and one that says it was made for another base."""
    place = tmp_path_factory.mktemp("adapters")
    made = {folder.name: folder for folder in make_adapters(smolvlm2, place, "one", "two", "dora")}
    other = Path(shutil.copytree(made["one"], place / "other"))
    config = (other / "adapter_config.json").read_text().replace(str(smolvlm2), "HuggingFaceTB/SmolVLM-Instruct")
    (other / "adapter_config.json").write_text(config)
    return made | {"other": other}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(smolvlm2: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EngineClient]:
    client = EngineClient(log=tmp_path_factory.mktemp("log") / "engine.log")
    loaded(await everything(client.load(str(smolvlm2))))
    yield client
    await client.close()


async def says(engine: EngineClient) -> str:
    return text_of(await everything(engine.generate([turn("Say something.")], sampling=at_most(16))))


def use(folder: Path, weight: float = 1.0) -> AdapterUse:
    return AdapterUse(str(folder), weight)


@on_one_loop
async def test_switched_mixed_weighted_and_taken_off(engine: EngineClient, folders: dict[str, Path]) -> None:
    one, two = folders["one"], folders["two"]
    base = await says(engine)
    wishes = {
        "one": (use(one),),
        "two": (use(two),),
        "both": (use(one), use(two)),
        "some": (use(one, 0.25), use(two)),
        "none of it": (use(one, 0.0),),
        "base": (),
    }
    said = {}
    for name, wish in wishes.items():
        now = loaded(await everything(engine.adapt(wish)))
        assert now.adapters == wish
        assert now.adapter == " + ".join(str(one) for one in wish)
        said[name] = await says(engine)
    assert said["base"] == said["none of it"] == base
    assert len({said["one"], said["two"], said["both"], said["some"], base}) == 5
    loaded(await everything(engine.adapt(wishes["some"])))
    assert await says(engine) == said["some"]
    loaded(await everything(engine.adapt(())))


@on_one_loop
async def test_side_by_side_in_the_engines_process(engine: EngineClient, folders: dict[str, Path]) -> None:
    loaded(await everything(engine.adapt((use(folders["two"]),))))
    before = await says(engine)
    sides = [Side(), Side(adapters=(use(folders["one"]),))]
    events = await everything(engine.compare([turn("Say something.")], sides, sampling=at_most(16)))
    assert finished(events).reason == "end"
    said = [
        "".join(text_of([e.event]) for e in events if isinstance(e, SideSays) and e.side == side) for side in (0, 1)
    ]
    failure = failed(await everything(engine.compare([turn("What?")], [Side(adapters=(use(folders["other"]),))])))
    assert failure.code == "bad_adapter"
    assert engine.loaded is not None and engine.loaded.adapters == (use(folders["two"]),)
    assert await says(engine) == before
    for side, text in zip(sides, said, strict=True):
        loaded(await everything(engine.adapt(side.adapters)))
        assert await says(engine) == text != before


@on_one_loop
async def test_one_for_another_base_is_refused_with_both_names(
    engine: EngineClient, folders: dict[str, Path], smolvlm2: Path
) -> None:
    loaded(await everything(engine.adapt((use(folders["one"]),))))
    before = await says(engine)
    failure = failed(await everything(engine.adapt((use(folders["other"]),))))
    assert failure.code == "bad_adapter"
    assert "HuggingFaceTB/SmolVLM-Instruct" in failure.cause and smolvlm2.name in failure.cause
    assert await says(engine) == before  # what acted before acts on
    assert engine.loaded is not None and engine.loaded.adapters == (use(folders["one"]),)


@on_one_loop
async def test_weights_of_another_shape_leave_nothing_behind(
    engine: EngineClient, folders: dict[str, Path], smolvlm2: Path, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file, save_file

    loaded(await everything(engine.adapt((use(folders["two"]),))))
    before = await says(engine)
    stranger = Path(shutil.copytree(folders["one"], tmp_path / "stranger"))
    weights = load_file(stranger / "adapter_model.safetensors")  # as for a wider model
    wider = {name: value.repeat(2, axis=1) if "lora_A" in name else value for name, value in weights.items()}
    save_file(wider, stranger / "adapter_model.safetensors", {"format": "pt"})
    failure = failed(await everything(engine.adapt((use(folders["one"]), use(stranger)))))
    assert failure.code == "bad_adapter" and "stranger" in failure.cause
    assert await says(engine) == before
    failure = failed(await everything(engine.adapt((use(tmp_path / "nothing"),))))
    assert failure.code == "bad_adapter"


@on_one_loop
async def test_a_file_trained_anew_is_read_anew(engine: EngineClient, folders: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders["one"], tmp_path / "again"))
    loaded(await everything(engine.adapt((use(folder),))))
    before = await says(engine)
    shutil.copy(folders["two"] / "adapter_model.safetensors", folder / "adapter_model.safetensors")
    loaded(await everything(engine.adapt((use(folder),))))
    assert await says(engine) != before


@on_one_loop
async def test_over_int8_weights_and_back_after_a_death(
    engine: EngineClient, folders: dict[str, Path], smolvlm2: Path, tmp_path: Path
) -> None:
    events = await everything(engine.load(str(smolvlm2), quantize="int8", adapters=(use(folders["one"], 0.5),)))
    assert loaded(events).adapters == (use(folders["one"], 0.5),)
    mixed = await says(engine)
    loaded(await everything(engine.adapt((use(folders["two"]),))))
    tuned = await says(engine)
    assert tuned != mixed
    await engine.close()
    assert await says(engine) == tuned  # in a new child
    failure = failed(await everything(engine.adapt((use(folders["dora"]),))))
    assert "DoRA" in failure.cause and "int8" in failure.remedy


def test_as_the_command_line_names_them(folders: dict[str, Path], tmp_path: Path) -> None:
    one = str(folders["one"])
    assert parse(one) == AdapterUse(one, 1.0)
    assert parse(f"{one}:0.5") == AdapterUse(one, 0.5)
    assert str(parse(f"{one}:0.5")) == f"{one}:0.5"
    for wrong in (f"{one}:much", f"{one}:nan", f"{one}:1e9", str(tmp_path), "/nowhere"):
        with pytest.raises(AdapterError):
            parse(wrong)


def test_for_which_base(tmp_path: Path) -> None:
    there = tmp_path / "SmolVLM-Instruct"
    hub = "HuggingFaceTB/SmolVLM-Instruct"
    cached = "/home/x/hub/models--HuggingFaceTB--SmolVLM-Instruct/snapshots/" + "a" * 40
    assert made_for("", "anything", there)
    assert made_for(hub, hub, there)
    assert made_for(str(there), "whatever", there)
    assert made_for(cached, hub, there)
    assert made_for(hub, "SmolVLM-Instruct", there)  # a copy in a folder
    assert not made_for(hub, "HuggingFaceTB/SmolVLM-Instruct-DPO", there)
    assert not made_for("me/SmolVLM-Instruct", hub, there)
    assert not made_for(hub, "demo", there)
