"""A data set's view with its real child: what a user sees of good, bad, hostile, growing and vanishing data."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Static

from tests.ui.conftest import png
from vlmtui.media.client import MediaClient
from vlmtui.ui.showing import show
from vlmtui.ui.themes import THEMES
from vlmtui.ui.widgets.dataset_view import DatasetView
from vlmtui.ui.widgets.preview_canvas import PreviewCanvas


class Bench(App[None]):
    """A view and what it posts."""

    def __init__(self, path: Path | None = None) -> None:
        super().__init__()
        self.media = MediaClient()
        self.first = path
        self.shown: list[DatasetView.Shown] = []
        self.failed: list[DatasetView.Failed] = []
        self.attached: list[Path] = []

    def compose(self) -> ComposeResult:
        yield DatasetView(self.media, graphics="half-block", id="dataset")

    def on_mount(self) -> None:
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "vscode-dark"
        self.view.focus()
        self.view.path = self.first

    @property
    def view(self) -> DatasetView:
        return self.query_one(DatasetView)

    def on_dataset_view_shown(self, message: DatasetView.Shown) -> None:
        self.shown.append(message)

    def on_dataset_view_failed(self, message: DatasetView.Failed) -> None:
        self.failed.append(message)

    def on_dataset_view_attach_requested(self, message: DatasetView.AttachRequested) -> None:
        self.attached.append(message.path)

    async def on_unmount(self) -> None:
        await self.media.close()

    def text(self, part: str) -> str:
        return str(self.query_one(f"#dataset-{part}", Static).content)

    def screen_text(self) -> str:
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())


async def until(pilot: Pilot[None], done: Callable[[], object], seconds: float = 20.0) -> None:
    end = monotonic() + seconds
    while not done():
        assert monotonic() < end, pilot.app.screen_text()  # type: ignore[attr-defined]
        await asyncio.sleep(0.01)
    await pilot.pause()


def on_row(app: Bench, number: int) -> bool:
    """Whether the row is shown, with the cursor on it."""
    detail, line = app.view.row.detail, app.view.table.line
    return detail is not None and line is not None and detail.row == line.row == number


async def drawn(pilot: Pilot[None]) -> None:
    """Wait until the row's picture is on the screen and all rows are checked."""
    app = pilot.app
    assert isinstance(app, Bench)
    await until(pilot, lambda: app.view.row.detail is not None)
    await until(pilot, lambda: app.view.progress and app.view.progress.checked == app.view.progress.rows)
    if app.view.row.display and app.view.row.region:
        await until(pilot, lambda: any(canvas.drawn for canvas in app.query(PreviewCanvas)))
    await pilot.pause()


def _row(number: int) -> dict[str, object]:
    return {
        "images": [f"{'red' if number % 2 else 'blue'}.png"],
        "prompt": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": f"Question {number}?"}]}],
        "completion": [{"role": "assistant", "content": [{"type": "text", "text": f"answer {number}"}]}],
    }


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    (tmp_path / "red.png").write_bytes(png((200, 40, 40)))
    (tmp_path / "blue.png").write_bytes(png((40, 60, 200)))
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(_row(number)) + "\n" for number in range(1000)))
    return path


async def test_rows_pictures_and_conversation(rows: Path) -> None:
    app = Bench(rows)
    async with app.run_test(size=(130, 40)) as pilot:
        await until(pilot, lambda: on_row(app, 0))
        await drawn(pilot)
        seen = app.screen_text()
        assert "Question 0?" in seen and "answer 0" in seen and "▀" in seen
        assert "rows.jsonl · JSON Lines · 1,000 rows" in seen
        assert "Prompt and completion · trains SFT" in seen and "For DPO: a better" in seen
        assert "all rows are good" in app.text("status")
        await pilot.press("down")
        await until(pilot, lambda: on_row(app, 1))
        await pilot.press("G")
        await until(pilot, lambda: on_row(app, 999))
        assert "answer 999" in app.screen_text()
        await pilot.press("colon", *"500", "enter")
        await until(pilot, lambda: on_row(app, 499))
        await pilot.press("g")
        await until(pilot, lambda: on_row(app, 0))
        assert [shown.info.rows for shown in app.shown] == [1000]
        await pilot.press("a")
        await until(pilot, lambda: app.attached)
        assert app.attached == [rows.parent / "blue.png"]


async def test_find_and_filter(rows: Path) -> None:
    app = Bench(rows)
    async with app.run_test(size=(130, 40)) as pilot:
        await until(pilot, lambda: on_row(app, 0))
        await pilot.press("slash", *"ANSWER 73", "enter")
        await until(pilot, lambda: on_row(app, 73))
        await pilot.press("n")
        await until(pilot, lambda: on_row(app, 730))
        await pilot.press("N")
        await until(pilot, lambda: on_row(app, 73))
        await pilot.press("ampersand", *"completion:answer 99", "enter")
        await until(pilot, lambda: app.view.table.total == 11)
        await until(pilot, lambda: on_row(app, 99))
        await pilot.press("G")
        await until(pilot, lambda: on_row(app, 999))
        assert "match 11 of 11" in app.text("status")
        await pilot.press("escape")
        await until(pilot, lambda: app.view.table.total == 1000)
        await pilot.press("ampersand", *"nowhere", "enter")
        await until(pilot, lambda: "no row matches" in app.text("status"))
        await pilot.press("ampersand", *["backspace"] * 7, "enter")
        await until(pilot, lambda: app.view.table.total == 1000)
        await pilot.press("slash", *"nowhere", "enter")
        await until(pilot, lambda: "no row from here on has nowhere" in app.text("status"))


async def test_a_narrow_low_window_shows_the_table_or_the_row(rows: Path) -> None:
    app = Bench(rows)
    async with app.run_test(size=(60, 16)) as pilot:
        await until(pilot, lambda: on_row(app, 0))
        assert "answer" not in app.screen_text().replace("completion", "") or not app.view.row.region
        await pilot.press("enter")
        await until(pilot, lambda: "answer 0" in app.screen_text() and not app.view.table.region)
        await pilot.press("escape")
        await until(pilot, lambda: bool(app.view.table.region) and app.view.table.has_focus)


async def test_hostile_cells_names_and_columns_are_harmless(tmp_path: Path) -> None:
    evil = "\x1b]52;c;aGk=\x07\x9b31m\u202eevil\n[bold]x[/bold]"
    path = tmp_path / f"a{evil}.jsonl".replace("/", "_")
    row = {"image": f"../{evil}.png", f"question{evil}": evil, "question": evil, "answer": [evil], "role": evil}
    path.write_text(json.dumps(row) + "\n" + json.dumps(row)[:-9] + "\n" + evil.replace("\n", " ") + "\n")
    app = Bench(path)
    async with app.run_test(size=(130, 40)) as pilot:
        await until(pilot, lambda: on_row(app, 0))
        await until(pilot, lambda: app.view.progress is not None and app.view.progress.bad == 3)
        detail = app.view.row.detail
        assert detail is not None and any("outside of the data set's folder" in line for line in detail.problems)
        seen = ""
        for number in range(3):
            await until(pilot, lambda n=number: on_row(app, n))
            seen += app.screen_text()
            await pilot.press("down")
        assert "[bold]x" in seen
        assert "lies outside" in seen
        assert "no JSON" in seen
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", seen)
        assert "3 bad rows" in app.text("status")


async def test_a_file_that_grows_is_read_anew_and_one_that_goes_is_said(rows: Path) -> None:
    app = Bench(rows)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: on_row(app, 0))
        await pilot.press("down", "down")
        await until(pilot, lambda: on_row(app, 2))
        with rows.open("a") as file:
            file.write(json.dumps(_row(1000)) + "\n")
        await until(pilot, lambda: app.view.table.total == 1001)
        await until(pilot, lambda: on_row(app, 2))
        rows.unlink()
        await until(pilot, lambda: app.failed)
        assert "no longer there" in app.screen_text()


async def test_only_the_newest_of_several_is_shown(rows: Path, tmp_path: Path) -> None:
    others = []
    for number in range(5):
        other = tmp_path / f"other{number}.csv"
        other.write_text(f"question,answer\nwhich?,number {number}\n")
        others.append(other)
    app = Bench(rows)
    async with app.run_test(size=(100, 30)) as pilot:
        for other in others:
            app.view.path = other
            await pilot.pause(0.005)
        await until(pilot, lambda: "number 4" in app.screen_text())
        assert app.text("name").startswith("other4.csv")
        assert app.shown[-1].path == others[-1]


async def test_a_killed_reader_is_one_line_and_the_next_data_set_opens(rows: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("question,answer\nwhich?,this one\n")
    app = Bench(rows)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: on_row(app, 0))
        child = app.view.child
        assert child is not None
        os.kill(child, signal.SIGSTOP)
        await pilot.press("G")
        await pilot.pause(0.1)
        os.kill(child, signal.SIGKILL)
        await until(pilot, lambda: app.failed)
        assert "the reader ended" in app.failed[0].line
        app.view.path = other
        await until(pilot, lambda: "this one" in app.screen_text())


async def test_pictures_kept_as_bytes_are_drawn_and_cleared_away(tmp_path: Path, home: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    picture = {"bytes": png((30, 160, 60)), "path": "../../etc/passwd"}
    table = pa.table({"image": [picture] * 3, "query": ["how many?"] * 3, "label": [["14"]] * 3})
    pq.write_table(table, tmp_path / "chart.parquet")
    app = Bench(tmp_path / "chart.parquet")
    async with app.run_test(size=(130, 40)) as pilot:
        await drawn(pilot)
        assert "ChartQA · trains SFT" in app.screen_text() and "▀" in app.screen_text()
        await pilot.press("a")
        await until(pilot, lambda: app.attached)
        file = app.attached[0]
        assert file.name == "row1-1.png" and file.is_relative_to(home) and file.read_bytes() == picture["bytes"]
    assert not file.exists()


async def test_what_is_no_data_set_is_said(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"model": "x"}')
    app = Bench(path)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.failed)
        assert "no table of rows" in app.screen_text()


async def test_while_it_is_hidden_nothing_is_done(rows: Path) -> None:
    app = Bench(rows)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: on_row(app, 0))
        show(app.view, False)
        await until(pilot, lambda: app.view._timer is not None and not app.view._timer._active.is_set())
        show(app.view, True)
        await until(pilot, lambda: app.view._timer is not None and app.view._timer._active.is_set())


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_looks(snap_compare, rows: Path, size: tuple[int, int]) -> None:
    assert snap_compare(Bench(rows), terminal_size=size, run_before=drawn)


def test_looks_of_a_preference_pair(snap_compare, tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(png((200, 40, 40)))
    row = {
        "images": ["red.png"],
        "prompt": "What is on the table?",
        "chosen": "A red cup and two books.",
        "rejected": "A dog, a cat, three cups and a lamp that is not there.",
    }
    (tmp_path / "pairs.jsonl").write_text((json.dumps(row) + "\n") * 3)
    assert snap_compare(Bench(tmp_path / "pairs.jsonl"), terminal_size=(120, 40), run_before=drawn)
