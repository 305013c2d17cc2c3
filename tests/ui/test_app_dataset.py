"""Selecting a data set in the workbench shows its rows; leaving it stops its reader."""

from __future__ import annotations

import psutil

from tests.ui.conftest import MakeApp, ready, screen_text, until
from vlmtui.ui.widgets.dataset_view import DatasetView


async def test_a_data_set_is_shown_and_its_reader_ends_with_the_app(make_shell: MakeApp) -> None:
    app = make_shell()
    async with app.run_test(size=(160, 44)) as pilot:
        await ready(pilot)
        while app.workbench.part("explorer").selected.name != "questions.jsonl":  # type: ignore[attr-defined]
            await pilot.press("down")
        await until(pilot, lambda: "questions.jsonl · JSON Lines · 1 row" in screen_text(pilot))
        view = app.workbench.query_one(DatasetView)
        await until(pilot, lambda: view.row.detail is not None)
        assert "trains GRPO" in screen_text(pilot)
        await pilot.press("f6")
        await until(pilot, lambda: view.table.has_focus)
        await app.action_run_action_of("dataset.filter")
        await until(pilot, lambda: "Show only rows with" in screen_text(pilot))
        child = view.child
        assert child is not None
    assert not psutil.pid_exists(child)
