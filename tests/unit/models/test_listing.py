"""What the list of models says, from files and the catalogue; what fits; how fast and how long."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.tiny_model import checkpoint
from vlmtui.models import adapters
from vlmtui.models.catalogue import FAMILY
from vlmtui.models.estimate import Room, estimates, fitting, memory_needed
from vlmtui.models.files import count_parameters, count_quantisable
from vlmtui.models.listing import adapters_in, listed, one
from vlmtui.models.pace import Pace, count_words, duration_words, progress_line, size_words

ROOM = Room("cuda:0", "a GPU", 8_000_000_000, 4_000_000_000)


def test_the_estimate_meets_the_published_memory_in_bfloat16() -> None:
    for entry in FAMILY:
        needed = memory_needed(entry.parameters, entry.quantisable, "bf16") / 1e9
        if entry.memory_gb > 1:  # of the smallest only "less than 1" is published
            assert abs(needed - entry.memory_gb) < 0.05
        assert needed < entry.memory_gb + 0.05


def test_what_can_be_quantised_is_counted_from_the_files() -> None:
    folder = checkpoint("smolvlm", "256M")
    assert count_parameters(folder) == 256_484_928
    (entry,) = [entry for entry in FAMILY if entry.id.endswith("SmolVLM2-256M-Video-Instruct")]
    assert count_quantisable(folder) == entry.quantisable


def test_what_fits() -> None:
    needed = estimates(2_246_272_880, 2_042_000_000)
    assert fitting(needed, ROOM) == ["8bit", "4bit"]
    assert estimates(0, 0) == {}


def test_folders_in_every_state(home: Path, tmp_path: Path) -> None:
    good = Path(shutil.copytree(checkpoint("smolvlm"), tmp_path / "good"))
    cut = Path(shutil.copytree(good, tmp_path / "cut"))
    data = (cut / "model.safetensors").read_bytes()
    (cut / "model.safetensors").write_bytes(data[: len(data) // 2])
    pickled = Path(shutil.copytree(good, tmp_path / "pickled"))
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "config.json").write_text('{"model_type": "llama"}')
    other = Path(shutil.copytree(good, tmp_path / "other"))
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"model_type": "llava"}))

    found = {Path(model.id).name: model for model in listed([tmp_path], ROOM)}
    assert found["demo"].parameters > 1_000_000
    assert (found["good"].state, found["good"].context, found["good"].note) == ("here", 1024, "")
    assert found["good"].fits == ("float32", "bf16", "8bit", "4bit")
    assert found["cut"].state == "partly here" and "cut off" in found["cut"].note
    assert found["pickled"].state == "partly here" and "pickled" in found["pickled"].note
    assert "untested" in found["other"].note
    assert "text" not in found
    assert {entry.id.split("/")[1] for entry in FAMILY} <= set(found)
    assert one(str(good), ROOM) == found["good"]
    assert one("owner/none", ROOM) is None


def test_adapters_are_found_and_described(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "tuned"
    folder.mkdir(parents=True)
    settings = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "use_dora": True, "target_modules": ["v_proj", "q_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps(settings | {"base_model_name_or_path": "owner/base"}))
    assert adapters_in([tmp_path]) == [folder]
    described = adapters.describe(folder)
    assert (described.base, described.kind, described.targets) == ("owner/base", "", ())
    assert "adapter_model.safetensors" in described.note
    shutil.copy(checkpoint("smolvlm") / "model.safetensors", folder / "adapter_model.safetensors")
    described = adapters.describe(folder)
    assert (described.kind, described.targets) == ("DoRA r 8 alpha 16", ("q_proj", "v_proj"))
    assert (described.parameters, described.note) == (189_392, "")


def test_rate_and_time_left() -> None:
    pace = Pace()
    pace.look(500_000_000, 10.0)  # what was there from an earlier try
    assert pace.rate == 0.0
    assert progress_line(500_000_000, 1_000_000_000, pace) == "500 MB of 1.0 GB, 50 %"
    pace.look(520_000_000, 12.0)
    assert pace.rate == 10_000_000
    assert progress_line(520_000_000, 1_000_000_000, pace) == "520 MB of 1.0 GB, 52 %, 10.0 MB/s, 48 s left"
    for second in range(13, 30):
        pace.look(520_000_000, float(second))  # it stalls: the rate is that of the last seconds
    assert pace.rate == 0.0
    assert [duration_words(seconds) for seconds in (8, 200, 900, 7500)] == ["8 s", "3 min 20 s", "15 min", "2 h 5 min"]
    assert [size_words(size) for size in (5, 12_000, 4_000_000, 310e6, 1.25e9)] == [
        "5 B", "12 kB", "4.0 MB", "310 MB", "1.2 GB",
    ]  # fmt: skip
    assert [count_words(count) for count in (0, 189_392, 1_863_424, 2_246_272_880)] == ["", "189 k", "1.9 M", "2.2 B"]
