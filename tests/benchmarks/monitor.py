"""The monitor's speed: a run of many points, the cost of a refresh on the terminal's side, the list, the memory.

    python -m tests.benchmarks.monitor [RESULT.json]

Beside it, TensorBoard's own reader over an event file of the same curves. `POINTS` and `METRICS` in the environment
make it smaller; the issue's figures are 1,000,000 and 20. TensorBoard's file has a hundredth of the points: its reader
takes many microseconds each.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import psutil

from tests.benchmarks.table import Figure, percentile, report
from tests.unit.monitor.made import event_file, healthy, make_job, say, training, write_events
from vlmtui.monitor.client import MonitorClient
from vlmtui.monitor.protocol import Details, Drawn, Listed

POINTS = int(os.environ.get("POINTS", 1_000_000))
METRICS = int(os.environ.get("METRICS", 20))
_RUNS = 200
_REFRESHES = 40
_WATCHED_S = 40.0
_RECIPE = """\
method: sft
model_name_or_path: demo
dataset_name: digits/train
output_dir: out
use_peft: true
lora_r: 8
num_train_epochs: 1000
learning_rate: 2.0e-3
eval_fraction: 0.0
"""
_TENSORBOARD = (
    "import sys, time; t = time.perf_counter()\n"
    "from tensorboard.backend.event_processing.event_accumulator import EventAccumulator\n"
    "a = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0}); a.Reload()\n"
    "print(time.perf_counter() - t, sum(len(a.Scalars(tag)) for tag in a.Tags()['scalars']))"
)


def write_long(path: Path, first: int = 1, last: int = POINTS) -> None:
    """Append so many points of each metric to an event log."""
    encode = msgspec.json.Encoder().encode
    names = ["loss", "grad_norm", "learning_rate", *(f"metric_{number}" for number in range(METRICS - 3))]
    with path.open("ab") as file:
        for start in range(first, last + 1, 10_000):
            lines = []
            for step in range(start, min(start + 10_000, last + 1)):
                value = round(healthy(step), 6)
                values = {name: value + place for place, name in enumerate(names)}
                lines.append(encode({"type": "log", "at": 1e9 + step, "stage": "sft", "step": step, "values": values}))
            file.write(b"\n".join(lines) + b"\n")


async def long_run(folder: Path) -> list[Figure]:
    """Open the run, wait until it is whole, refresh it in the real widget."""
    from textual.app import App, ComposeResult

    from vlmtui.ui.monitor.curves import CurvesView, Shown

    job = make_job(folder, "long")
    write_long(job.events_file)
    say(job, "running", stage="sft", step=POINTS, steps=2 * POINTS)
    figures: list[Figure] = []
    client = MonitorClient(folder)
    began = time.perf_counter()
    await client.machine()
    start = time.perf_counter() - began
    figures.append(Figure("start of the reader", start, 1, unit="s", detail="once a session"))
    began = time.perf_counter()
    drawn = await client.draw([(str(job.path), "loss", 300)], smoothing=0.6)
    assert isinstance(drawn, Drawn)
    assert drawn.curves[0].points
    figures.append(Figure("open to the first curve", time.perf_counter() - began, 1.0, unit="s"))
    while isinstance(details := await client.look(str(job.path)), Details) and details.share < 1:
        await asyncio.sleep(0.2)
    assert isinstance(details, Details)
    whole = time.perf_counter() - began
    figures.append(Figure("open to all points", whole, 60, unit="s", detail=f"{POINTS:,} x {METRICS}"))

    class Bench(App[None]):
        def compose(self) -> ComposeResult:
            yield CurvesView()

    app = Bench()
    spent: list[float] = []
    asked: list[float] = []
    async with app.run_test(size=(200, 60)) as pilot:
        view = app.query_one(CurvesView)
        view.show([Shown(str(job.path), "long", frozenset(details.metrics))], details.axes)
        await pilot.pause()
        for number in range(_REFRESHES):  # each with new points in every curve
            write_long(job.events_file, POINTS + 1 + 100 * number, POINTS + 100 * (number + 1))
            before = details.version
            while isinstance(details, Details) and details.version == before:
                details = await client.look(str(job.path))
            assert isinstance(details, Details)
            request = view.request()
            start = time.perf_counter()
            drawn = await client.draw(request.wanted, smoothing=request.smoothing)
            asked.append(time.perf_counter() - start)
            assert isinstance(drawn, Drawn)
            start = time.process_time()
            view.take(request, drawn)
            for row in range(view.size.height):
                view.render_line(row)
            spent.append(1000 * (time.process_time() - start))
        count = len(view.tiles())
    figures.append(
        Figure("refresh: UI time, median", percentile(spent, 0.5), 16, unit="ms", detail=f"{count} plots at 200x60")
    )
    figures.append(Figure("refresh: UI time, p95", percentile(spent, 0.95), 16, unit="ms"))
    figures.append(Figure("refresh: answer of the reader", percentile(asked, 0.5), 1, unit="s", detail="kept curves"))
    memory = psutil.Process().memory_info().rss / 1e6
    figures.append(Figure("memory of the UI's process", memory, 200, unit="MB", detail="with this benchmark in it"))
    reader = psutil.Process(client.pid).memory_info().rss / 1e6
    figures.append(Figure("memory of the reader", reader, 2000, unit="MB"))
    await client.close()
    return figures


async def many_runs(folder: Path) -> list[Figure]:
    """List many runs."""
    for number in range(_RUNS):
        job = make_job(folder, f"run {number}")
        write_events(job, training(20, every=10))
        say(job, "finished", stage="sft", step=20, steps=20, loss=1.0)
    client = MonitorClient(folder)
    began = time.perf_counter()
    listed = await client.list()
    while isinstance(listed, Listed) and len(listed.rows) < _RUNS:
        await asyncio.sleep(0.01)
        listed = await client.list()
    assert isinstance(listed, Listed)
    figures = [Figure(f"list {_RUNS} runs, with the reader's start", time.perf_counter() - began, 2, unit="s")]
    process = psutil.Process(client.pid)
    before = sum(process.cpu_times()[:2])
    for _ in range(10):
        await client.list()
        await asyncio.sleep(1)
    used = 100 * (sum(process.cpu_times()[:2]) - before) / 10
    figures.append(Figure("one core's time while 200 runs are watched", used, 5, unit="%", detail="over 10 s"))
    await client.close()
    return figures


async def beside_a_job(folder: Path) -> list[Figure]:
    """Watch a real training of the demo model, as `vlmtui runs watch` does: what does it take of the computer?"""
    from vlmtui.runs.control import stop
    from vlmtui.runs.events import Logged, read_events
    from vlmtui.runs.folder import every, remove
    from vlmtui.runs.status import ENDED
    from vlmtui.training.digits import write_digits
    from vlmtui.ui.monitor.watch import WatchApp

    write_digits(folder / "digits")
    (folder / "recipe.yaml").write_text(_RECIPE)
    os.environ["VLMTUI_RUNS"] = str(folder / "runs")
    subprocess.run([sys.executable, "-m", "vlmtui", "train", str(folder / "recipe.yaml"), "--detach"], check=True)
    (run,) = every(folder / "runs")
    while not any(isinstance(event, Logged) for event in read_events(run.events_file)):
        assert run.state() not in ENDED, run.log_file.read_text()[-2000:]
        await asyncio.sleep(0.5)
    job = psutil.Process(run.status().process.pid)
    app = WatchApp(run.path)
    async with app.run_test(size=(120, 40)):
        await asyncio.sleep(5)  # until all that was there is read and drawn
        reader, ours = psutil.Process(app.runs_feed.client.pid), psutil.Process()
        before = [sum(one.cpu_times()[:2]) for one in (ours, reader, job)]
        await asyncio.sleep(_WATCHED_S)
        after = [sum(one.cpu_times()[:2]) for one in (ours, reader, job)]
    stop(run)
    while run.state() not in ENDED:
        await asyncio.sleep(0.2)
    remove(run)
    screen, read, trained = (end - begin for begin, end in zip(before, after, strict=True))
    detail = f"terminal {screen:.2f} s, reader {read:.2f} s, job {trained:.1f} s in {_WATCHED_S:.0f} s"
    share = 100 * (screen + read) / (_WATCHED_S * (os.cpu_count() or 1))
    return [Figure("watching a job, of the computer", share, 1, unit="%", detail=detail)]


async def beside_tensorboard(folder: Path) -> list[Figure]:
    """Load the same event file with TensorBoard's own loader, and here."""
    steps = max(100, POINTS // 100)
    tags = {
        f"train/metric_{number}": [(s, healthy(s) + number) for s in range(1, steps + 1)] for number in range(METRICS)
    }
    event_file(folder / "events", tags)
    done = subprocess.run(
        [sys.executable, "-c", _TENSORBOARD, str(folder / "events")], capture_output=True, text=True, check=True
    )
    theirs, points = done.stdout.split()
    client = MonitorClient(folder / "none", [folder])
    await client.machine()
    began = time.perf_counter()
    drawn = await client.draw([(str(folder / "events"), "metric_0", 300)])
    assert isinstance(drawn, Drawn)
    first = time.perf_counter() - began
    while isinstance(details := await client.look(str(folder / "events")), Details) and details.share < 1:
        await asyncio.sleep(0.05)
    ours = time.perf_counter() - began
    await client.close()
    detail = f"{ours:.1f} s / {float(theirs):.1f} s, {int(points):,} points"
    return [
        Figure("event file: first curve", first, 1, unit="s"),
        Figure("event file: all points, against TensorBoard", ours / float(theirs), 1.5, detail=detail),
    ]


def main() -> None:
    """Measure and report."""
    figures: list[Figure] = []
    for part in (long_run, many_runs, beside_a_job, beside_tensorboard):
        with tempfile.TemporaryDirectory() as folder:
            figures += asyncio.run(part(Path(folder)))
    report("Training monitor", figures)


if __name__ == "__main__":
    main()
