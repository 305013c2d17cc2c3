"""What the runs look like at three sizes: their list, a run's page, the comparison, the jobs in the panel."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion

from tests.ui.conftest import MakeApp, ready, screen_text, until
from tests.unit.monitor.made import event_file, healthy, make_job, say, training, write_events
from vlmtui.monitor.client import MonitorClient
from vlmtui.monitor.protocol import Details, Device, Machine
from vlmtui.paths import runs_directory
from vlmtui.runs.events import Logged
from vlmtui.runs.folder import RunFolder
from vlmtui.ui.monitor.run_view import RunView
from vlmtui.ui.monitor.runs_list import RunRows

GPU = Device(name="NVIDIA L4", busy=0.93, used=18_400_000_000, total=24_000_000_000, temperature=71.0, power=68.0)
MACHINE = Machine(
    devices=[GPU], no_gpu="", cpu=0.41, cores=8, used=12_000_000_000, total=32_000_000_000, free=81_000_000_000,
    disk=200_000_000_000,
)  # fmt: skip


def a_job(title: str, created: float, lora_r: int, **trl: object) -> RunFolder:
    run = make_job(runs_directory(), title)
    recipe = {
        "stages": [{"method": "sft", "data": {"dataset_name": "/data/digits.jsonl"}, "trl": {"seed": 1, **trl}}],
        "model": {"model_name_or_path": "HuggingFaceTB/SmolVLM-256M-Instruct", "use_peft": True, "lora_r": lora_r},
        "output_dir": f"/data/{title}-adapter",
    }
    job = msgspec.structs.replace(run.job(), id=title, created=created, recipe=recipe, device="cuda:0")
    run.job_file.write_bytes(msgspec.json.encode(job))
    named = run.path.with_name(title)  # as it stands on its tab
    run.path.rename(named)
    return RunFolder(named)


@pytest.fixture
def some_runs(workspace: Path) -> tuple[RunFolder, RunFolder]:
    """One that is being trained by this process, with a NaN; one that has finished; one of somebody else's."""
    going, over = a_job("low-rank", 2_000.0, 8, learning_rate=1e-3), a_job("high-rank", 1_000.0, 64, warmup_steps=10)
    bad = Logged(stage="sft", step=124, values={}, not_finite={"loss": "nan"})
    write_events(going, [*training(200)[:130], bad, *training(200)[131:140]], began=time.time() - 70)
    say(going, "running", stage="sft", step=130, steps=200, eta_s=35.0)
    going.log_file.write_text("".join(f"step {number}: a line of the log\n" for number in range(1, 31)))
    write_events(over, training(200, seed=3))
    say(over, "finished", stage="sft", step=200, steps=200, loss=healthy(200, 3))
    event_file(workspace / "theirs", {"train/loss": [(step, 0.2 + 2 / step) for step in range(1, 30)]})
    return going, over


async def machine(client: MonitorClient) -> Machine:
    return MACHINE  # the one that the test runs on is never twice the same


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_runs(
    snapshot: SnapshotAssertion,
    make_shell: MakeApp,
    some_runs: tuple[RunFolder, RunFolder],
    size: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(MonitorClient, "machine", machine)
    snapshot = snapshot.use_extension(SVGImageExtension)
    seen: dict[str, str] = {}
    async with make_shell().run_test(size=size) as pilot:
        app = await ready(pilot)

        async def picture(name: str) -> None:
            await pilot.pause()
            await pilot.wait_for_scheduled_animations()
            seen[name] = app.export_screenshot()

        await app.run_action("app.run_action_of('view.training')")
        rows = app.workbench.query_one("#training").query_one(RunRows)
        await until(pilot, lambda: app.focused is rows and len(rows.rows) == 3)
        await until(pilot, lambda: all(row.loss is not None for row in rows.rows))
        await until(pilot, lambda: rows.rows[1].alerts)
        await picture("list")
        rows.go_to(str(some_runs[0].path))
        await pilot.press("enter")
        await until(pilot, lambda: app.workbench.viewer.id == "run")
        view = app.workbench.viewer
        assert isinstance(view, RunView)

        def whole() -> bool:
            return isinstance(view.details, Details) and view.details.share == 1 and view.curves.up_to_date

        await until(pilot, lambda: whole() and app.runs_feed.machine is not None)
        lines = view.query_one("#run-head")  # the computer stands in the last one, where there is room for it
        await until(pilot, lambda: view.size.height < 30 or lines.size.height == 7 or "93%" in screen_text(pilot))
        await until(pilot, lambda: view.size.height < 34 or "step 30: a line of the log" in screen_text(pilot))
        await picture("run")
        for run in some_runs:
            app.runs_feed.pin(str(run.path))
        rows.focus()
        await until(pilot, lambda: app.focused is rows)
        await pilot.press("c")
        await until(pilot, lambda: view.page == "compare" and len(view.curves.runs) == 2 and whole())
        await until(pilot, lambda: "RECIPE" in screen_text(pilot) and app.focused is view.focus_target)
        await picture("comparison")
        await app.run_action("app.run_action_of('view.jobs')")
        jobs = app.workbench.query_one("#jobs").query_one(RunRows)
        await until(pilot, lambda: jobs.rows and app.focused is jobs and (whole() or not view.curves.region))
        await picture("jobs")
    assert [name for name, svg in seen.items() if svg != snapshot(name=name)] == []
