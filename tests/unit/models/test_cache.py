"""The hub's cache as its library writes it, whole and in pieces; and checkpoints' files read without torch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny_model import checkpoint
from vlmtui.models.cache import cached, cached_models, snapshot
from vlmtui.models.catalogue import FAMILY, by_id
from vlmtui.models.files import count_parameters, missing_shards, pickle_files, safetensors_files
from vlmtui.paths import hub_cache

_COMMIT = "a" * 40


@pytest.fixture
def repository(home: Path) -> Path:
    """A repository in the cache, with a whole checkpoint behind links."""
    folder = hub_cache() / "models--owner--name"
    (folder / "blobs").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(_COMMIT)
    there = folder / "snapshots" / _COMMIT
    there.mkdir(parents=True)
    for file in checkpoint("smolvlm").iterdir():
        shutil.copy(file, folder / "blobs" / file.name)
        (there / file.name).symlink_to(Path("../../blobs") / file.name)
    return folder


def test_nothing_is_cached_without_a_cache(home: Path) -> None:
    assert not cached("owner/name")
    assert cached_models() == []


def test_a_whole_checkpoint(repository: Path) -> None:
    assert cached("owner/name")
    assert cached("owner/name", _COMMIT)
    assert not cached("owner/name", "v2")
    assert snapshot("owner/name") == repository / "snapshots" / _COMMIT
    (model,) = cached_models()
    assert (model.id, model.complete) == ("owner/name", True)
    assert model.size > 700_000


@pytest.mark.parametrize("lost", ["config.json", "model.safetensors"])
def test_a_download_that_was_broken_off(repository: Path, lost: str) -> None:
    (repository / "blobs" / lost).unlink()  # its link leads nowhere now
    assert not cached("owner/name")
    assert [model.complete for model in cached_models()] == [False]


def test_a_shard_that_is_missing(repository: Path) -> None:
    there = repository / "snapshots" / _COMMIT
    (there / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"x": "model-2.safetensors"}}))
    assert missing_shards(there) == ["model-2.safetensors"]
    assert not cached("owner/name")


def test_a_damaged_index_is_not_a_crash(repository: Path) -> None:
    (repository / "snapshots" / _COMMIT / "model.safetensors.index.json").write_text("[]")
    assert not cached("owner/name")
    assert cached_models() == []


def test_names_that_lead_elsewhere(repository: Path) -> None:
    assert not cached("../..")
    assert not cached("owner/name", "../../../../../etc")
    assert not cached("owner/name", "x" * 5000)


def test_parameters_from_the_header_alone() -> None:
    folder = checkpoint("smolvlm")
    assert count_parameters(folder) == 189_392
    assert [path.name for path in safetensors_files(folder)] == ["model.safetensors"]
    assert pickle_files(folder) == []


def test_the_family() -> None:
    assert len({entry.id for entry in FAMILY}) == len(FAMILY) == 11
    small = by_id("HuggingFaceTB/SmolVLM2-256M-Video-Instruct")
    assert small is not None
    assert (small.parameters, small.context, small.version, small.video, small.kind) == (
        256_484_928,
        8192,
        2,
        True,
        "instruct",
    )
    assert {entry.kind for entry in FAMILY if entry.id.endswith("-Base")} == {"base"}
    assert by_id("owner/other") is None


def test_models_import_nothing_heavy() -> None:
    code = (
        "import sys, vlmtui.models.catalogue, vlmtui.models.cache, vlmtui.models.files, vlmtui.models.hardware,"
        " vlmtui.models.processor; print(sorted({m.split('.')[0] for m in sys.modules}))"
    )
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("torch", "transformers", "huggingface_hub", "numpy", "PIL", "textual"):
        assert f"'{heavy}'" not in names
