"""Side by side in the app: from the models view, base and adapter over one engine, another model in one of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil
import pytest
from textual.pilot import Pilot

from vlmtui.chats.conversation import ChatMessage
from vlmtui.engine.protocol import Failed, Finished, Started, Tokens
from vlmtui.models.adapters import Adapter, AdapterUse
from vlmtui.runs.folder import Job, RunFolder
from vlmtui.settings import Settings
from vlmtui.ui.comparing.column import Column
from vlmtui.ui.comparing.differences import differences
from vlmtui.ui.comparing.screen import CompareScreen
from vlmtui.ui.comparing.side import SideChoice
from vlmtui.ui.engine_state import ModelChoice
from vlmtui.ui.widgets.models_view import ModelsView

from .conftest import MakeApp, ready, screen_text, type_text, until


def over(pilot: Pilot[object]) -> CompareScreen | None:
    """Return the comparison, if it is on the screen."""
    screen = pilot.app.screen
    return screen if isinstance(screen, CompareScreen) else None


async def compared(pilot: Pilot[object]) -> list[Column]:
    """Wait until all have answered; return the columns."""
    screen = over(pilot)
    assert screen is not None
    await until(pilot, lambda: not screen.busy and all(column.ended for column in screen.columns))
    return screen.columns


async def test_base_and_adapter_then_another_model_and_stop(make_app: MakeApp, demo_adapters: Path, tiny: Path) -> None:
    settings = Settings(
        device="cpu", dtype="float32", model="demo", model_folders=f"{demo_adapters}:{tiny}", max_new_tokens=12
    )
    app = make_app(settings=settings, choice=None)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        pid = app.session.pid
        await app.workbench.action_show_models()
        view = app.workbench.query_one(ModelsView)
        await until(pilot, lambda: any(isinstance(row, Adapter) for row in view._rows))
        at = next(number for number, row in enumerate(view._rows) if isinstance(row, Adapter))
        view._list.highlighted = view._list.get_option_index(str(at))
        await pilot.press("c")
        await until(pilot, lambda: over(pilot) is not None)
        await type_text(pilot, "What is in this picture?")
        await pilot.press("enter")
        base, tuned = await compared(pilot)
        assert [column.side.name for column in (base, tuned)] == ["demo", "demo + first"]
        assert base.text and tuned.text and base.text != tuned.text
        await until(pilot, lambda: "differ" in screen_text(pilot))
        assert "/s" in screen_text(pilot)
        screen = over(pilot)
        assert screen is not None and screen.pids == []  # one engine, one base in it
        assert (app.session.pid, app.session.loaded and app.session.loaded.adapters) == (pid, ())
        assert app.workbench.conversation.messages == []  # nothing of it is in the chat
        first = base.text

        # Another model in the first column, in an engine of its own, which ends with the screen.
        assert await pilot.click(base.query_one(".compare-head"))
        await until(pilot, lambda: f"{tiny.name}  loaded beside it" in screen_text(pilot))
        while f"{tiny.name}" not in str(app.screen.query_one("OptionList").highlighted_option.prompt):  # type: ignore[attr-defined]
            await pilot.press("down")
        await pilot.press("tab")
        await type_text(pilot, "Be short.")
        await pilot.press("enter")
        await until(pilot, lambda: "told: Be short." in screen_text(pilot))
        await pilot.press("f5")
        other, again = await compared(pilot)
        assert isinstance(other.ended, Finished) and other.side.name == tiny.name
        assert again.text == tuned.text
        (own,) = screen.pids
        assert own != app.session.pid

        await pilot.press("x")  # two are the fewest
        assert len(screen.columns) == 2
        await pilot.press("a")
        await until(pilot, lambda: "demo  the chat's model" in screen_text(pilot))
        while "the chat's model" not in str(app.screen.query_one("OptionList").highlighted_option.prompt):  # type: ignore[attr-defined]
            await pilot.press("up")
        await pilot.press("enter")
        await until(pilot, lambda: len(screen.columns) == 3)
        await pilot.press("f5")
        assert (await compared(pilot))[2].text == first

        app.settings = msgspec.structs.replace(settings, max_new_tokens=4000)  # random weights find no end
        await pilot.press("f5")
        await until(pilot, lambda: screen.busy and other.text)
        await pilot.press("escape")
        await compared(pilot)
        assert isinstance(other.ended, Finished) and other.ended.reason == "stopped"
        assert over(pilot) is screen
        await pilot.click("#compare-keys", offset=(screen_text(pilot).splitlines()[-1].index("Esc"), 0))
        await until(pilot, lambda: over(pilot) is None and not psutil.pid_exists(own))
        assert app.session.pid == pid


async def test_a_runs_result_is_compared_with_what_it_began_from(
    make_shell: MakeApp, demo_adapters: Path, tiny: Path, tmp_path: Path
) -> None:
    def run(output: Path, **recipe: str) -> RunFolder:
        folder = RunFolder(tmp_path / output.name)
        job = Job(id="run", title="", created=0.0, device="cpu", recipe=dict(recipe), output=str(output))
        folder.path.mkdir(exist_ok=True)
        (folder.path / "job.json").write_bytes(msgspec.json.encode(job))
        return folder

    app = make_shell()
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        for finished, names in (
            (run(demo_adapters / "first"), ["demo", "demo + first"]),
            (run(tiny, model_name_or_path="demo"), ["demo", tiny.name]),
        ):
            app.workbench.compare_run(finished)
            await until(pilot, lambda: over(pilot) is not None and len(pilot.app.screen.query(Column)) == 2)
            screen = over(pilot)
            assert screen is not None and [column.side.name for column in screen.columns] == names
            await pilot.press("escape")
            await until(pilot, lambda: over(pilot) is None)


def test_words_that_differ_are_found() -> None:
    texts = ["a red circle and a star", "a red square and a star.", "a red circle"]
    found = differences(texts)
    assert [[text[slice(*span)] for span in spans] for text, spans in zip(texts, found, strict=True)] == [
        ["circle", "and", "a", "star"],
        ["square", "."],
        [],
    ]
    assert differences(["the same", "the  same"]) == [[], []]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_what_it_looks_like(snap_compare: Callable[..., bool], make_shell: MakeApp, size: tuple[int, int]) -> None:
    async def run(pilot: Pilot[object]) -> None:
        app = await ready(pilot)
        demo = ModelChoice("demo")
        sides = (
            SideChoice(demo),
            SideChoice(demo, (AdapterUse("/runs/shapes-adapter", 0.5),)),
            SideChoice(ModelChoice("HuggingFaceTB/SmolVLM-256M-Instruct"), (), "Answer in one word."),
        )
        picture = str(app.directory / "picture1.png")
        app.push_screen(CompareScreen(sides, ChatMessage(role="user", text="What is here?", attachments=(picture,))))
        await until(pilot, lambda: over(pilot) is not None and "What is here?" in screen_text(pilot))
        screen = over(pilot)
        assert screen is not None
        answers = ("A red circle and a blue square.", "A red circle, a blue star and a blue square.", "")
        for column, text in zip(screen.columns, answers, strict=True):
            column.receive(Started(id=1, prompt_tokens=90, image_tokens=64, tiles=1))
            if text:
                column.receive(Tokens(id=1, text=f" {text}", count=9))
                column.receive(Finished(id=1, reason="end", completion_tokens=9, tokens_per_s=41.5, ttft_s=0.25))
            else:
                failed = Failed(id=1, code="out_of_memory", cause="the machine's memory is full", remedy="choose less")
                column.receive(failed)
        await screen._mark(screen.columns)
        await pilot.press("tab")
        await until(pilot, lambda: "Who answers" in screen_text(pilot) and "4 words differ" in screen_text(pilot))
        await pilot.pause()

    assert snap_compare(make_shell(), terminal_size=size, run_before=run)
