"""The search in the side bar: names and contents, at the row, options, conversations, hostile text."""

from __future__ import annotations

import os
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from tests.ui.conftest import MakeApp, ready, screen_text, type_text, until
from vlmtui.chats.conversation import ChatMessage
from vlmtui.ui.app import VlmtuiApp
from vlmtui.ui.widgets.search_results import SearchResults
from vlmtui.ui.widgets.search_view import SearchView


async def _search(pilot: Pilot[int], text: str) -> tuple[VlmtuiApp, SearchView, SearchResults]:
    """Search for `text`."""
    app = await ready(pilot)
    await pilot.press("ctrl+f")
    await until(pilot, lambda: isinstance(app.focused, Input) and app.focused.id == "search-field")
    await type_text(pilot, text)
    view = app.workbench.side_bar.query_one(SearchView)
    return app, view, view.query_one(SearchResults)


def _says(app: VlmtuiApp) -> str:
    return str(app.screen.query_one("#search-says").render())


async def test_enter_opens_the_data_set_at_the_row_where_it_was_found(make_shell: MakeApp, workspace: Path) -> None:
    rows = [f'{{"question": "number {number}", "answer": "{number % 7}"}}' for number in range(300)]
    (workspace / "deep.jsonl").write_text("\n".join(rows), encoding="utf-8")
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app, _, results = await _search(pilot, "number 251")
        await until(pilot, lambda: _says(app) == "1 place · 1 file.")
        await pilot.press("down", "down")
        await until(pilot, lambda: app.workbench.viewer.id == "dataset")
        assert app.focused is results
        assert not app.workbench.editors.shown.pinned  # type: ignore[union-attr]
        await pilot.press("enter")
        await until(pilot, lambda: app.workbench.viewer.table.cursor == 251)
        assert app.workbench.editors.shown.pinned  # type: ignore[union-attr]
        await until(pilot, lambda: app.focused is not results and app.workbench.kept_layout.at == "editors")


async def test_a_name_is_found_and_options_are_turned_on_by_keys_and_clicks(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app, view, results = await _search(pilot, "Picture1")
        await until(pilot, lambda: _says(app) == "2 files.")
        assert [group.path for group in results.groups] == ["picture1.png", "picture10.png"]
        await pilot.press("down", "c")
        await until(pilot, lambda: _says(app) == "Nothing in 7 files.")
        await pilot.click("SearchOptions", offset=(2, 0))
        await until(pilot, lambda: _says(app) == "2 files.")
        view.query_one(Input).value = "picture[23"
        await pilot.press("alt+r")
        await until(pilot, lambda: "No regular expression" in screen_text(pilot))
        view.query_one(Input).value = "picture[23]"
        await until(pilot, lambda: [group.path for group in results.groups] == ["picture2.png", "picture3.png"])
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: app.workbench.editors.shown is not None)
        await until(pilot, lambda: app.workbench.editors.shown.path.name == "picture3.png")  # type: ignore[union-attr]


async def test_a_conversation_is_found_and_shown(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        kept = app.workbench.keeper.new()
        kept.messages.append(ChatMessage(role="user", text="Is there a narwhal here?"))
        app.workbench.keeper.save(kept)
        _, _, results = await _search(pilot, "narwh")
        await until(pilot, lambda: _says(app) == "1 conversation.")
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: app.workbench.conversation.id == kept.id)
        await until(pilot, lambda: app.workbench.kept_layout.at == "chat")
        assert results.rows


async def test_hostile_names_and_lines_do_nothing_and_files_fold(make_shell: MakeApp, workspace: Path) -> None:
    name = os.fsdecode(b"a\x1b]52;c;x\x07\xff[red]\n.txt")
    (workspace / name).write_bytes(b"one\n\x1b[31m needle \x9b31m [bold] \xff\n")
    (workspace / "many.txt").write_text("needle\n" * 500, encoding="utf-8")
    async with make_shell().run_test(size=(80, 24)) as pilot:
        app, _, results = await _search(pilot, "needle")
        await until(pilot, lambda: _says(app).startswith("101 places · 2 files."))
        text = screen_text(pilot)
        assert "\x1b" not in text
        assert "\x9b" not in text
        assert "[31m needle" in text
        await pilot.press("down", "asterisk")
        await until(pilot, lambda: len(results.rows) == 2)
        assert "100+" in screen_text(pilot)
        await pilot.press("right")
        await until(pilot, lambda: len(results.rows) == 3)


async def test_the_search_is_on_show_again_after_the_next_start(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        await _search(pilot, "inside")
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        assert app.workbench.side_bar.view == "search"
        await until(pilot, lambda: isinstance(app.focused, Input))
        await app.run_action("app.run_action_of('view.explorer')")
        await until(pilot, lambda: app.focused is app.workbench.part("explorer"))
