"""Runs beside each other: only what their recipes do not agree on, and their metrics at the same step."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from tests.unit.monitor.made import event_file, make_job, training, write_events
from vlmtui.monitor.client import MonitorClient
from vlmtui.monitor.comparing import differences, flat, keys_in
from vlmtui.monitor.protocol import Comparison, Failure
from vlmtui.runs.folder import RunFolder
from vlmtui.ui.monitor.comparison import comparison_text


def job(root: Path, title: str, steps: int, seed: int, **trl: object) -> RunFolder:
    run = make_job(root, title)
    recipe = {
        "stages": [{"method": "sft", "data": {"dataset_name": "/d"}, "trl": {"seed": 1, **trl}}],
        "model": {"lora_r": 16},
        "looks": {"lora_towers": ["text", "vision"]},
        "output_dir": f"/{title}",
    }
    run.job_file.write_bytes(msgspec.json.encode(msgspec.structs.replace(run.job(), recipe=recipe)))
    write_events(run, training(steps, seed=seed))
    return run


async def test_runs_of_all_kinds_are_compared(tmp_path: Path) -> None:
    short = job(tmp_path / "runs", "short", 100, 1, learning_rate="\x1b[31m")
    long = job(tmp_path / "runs", "long", 200, 1, warmup_steps=5)
    event_file(tmp_path / "theirs", {"train/loss": [(step, 1 / step) for step in range(1, 31)]})
    client = MonitorClient(tmp_path / "runs", [tmp_path])
    try:
        runs = [str(short.path), str(long.path), str(tmp_path / "theirs")]
        while isinstance(found := await client.compare(runs), Comparison) and found.share < 1:
            await asyncio.sleep(0.01)
        assert isinstance(found, Comparison)
        assert found.known == [True, True, False]
        assert {one.key: one.values for one in found.differences} == {
            "learning_rate": ["\x1b[31m", None, None],
            "warmup_steps": [None, "5", None],
            "output_dir": ["/short", "/long", None],
        }
        assert found.differences[-1].key == "output_dir"
        assert found.same == 5
        loss = next(one for one in found.measures if one.metric == "loss")
        assert (loss.step, loss.same[0]) == (30, loss.same[1])  # so far, the curves are the same
        assert loss.last[0] != loss.last[1]
        assert loss.same[2] == pytest.approx(1 / 30)
        assert loss.best[2] is not None and loss.best[2][1] == 30
        exact = next(one for one in found.measures if one.metric == "eval_exact_match")
        assert (exact.step, exact.last[:2], exact.same[:2]) == (100, [1.0, 1.0], [1.0, 0.5])
        assert exact.last[2] is None
        for width in (30, 46, 80, 200):
            lines = comparison_text(found, width).plain.splitlines()
            assert max(len(line) for line in lines) <= width
            assert "\x1b" not in "".join(lines)
        assert "No recipe is known of c" in comparison_text(found, 80).plain
        gone = await client.compare([str(short.path), str(tmp_path / "nothing")])
        assert isinstance(gone, Failure)
    finally:
        await client.close()


def test_somebody_elses_configuration_is_read_with_care() -> None:
    bomb = "a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: [*b, *b]\n"
    assert keys_in(bomb) == keys_in("- a\n- b\n") == keys_in("a: [") == keys_in("d: 2024-99-99\n") == {}
    assert flat(keys_in("a: {b: {c: 1.0e-4}, d: []}\ne: true\nf:\n")) == {
        "a.b.c": "0.0001", "a.d": "", "e": "true", "f": "none",
    }  # fmt: skip
    assert differences([{"a": "1"}, {}]) == ([], 1)
    assert len(flat({str(number): number for number in range(10_000)})) == 2000
