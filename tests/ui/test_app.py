"""What a person does in the workbench, with the real engine in its own process."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList

from tests.ui.conftest import MakeApp, ready, screen_text, type_text, until
from vlmtui.settings import Settings, read_settings
from vlmtui.ui.engine_state import ModelChoice
from vlmtui.ui.widgets.explorer import Explorer
from vlmtui.ui.widgets.status_bar import StatusBar

_LONG = Settings(device="cpu", graphics="half-block", max_new_tokens=900)


async def test_a_picture_is_asked_about_and_the_answer_streams(make_app: MakeApp, workspace: Path) -> None:
    async with make_app().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        chat = app.workbench.chat
        await pilot.press("down")
        await until(pilot, lambda: chat.attachments == (workspace / "picture1.png",))
        await until(pilot, lambda: "64×48 · 16 tokens" in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "prompt")
        await type_text(pilot, "What is this?")
        await pilot.press("enter")
        await until(pilot, lambda: not chat.busy and len(app.workbench.conversation.messages) == 2)
        question, answer = app.workbench.conversation.messages
        assert question.text == "What is this?"
        assert question.attachments == (str(workspace / "picture1.png"),)
        assert answer.state == "done"
        assert answer.stats.image_tokens == 16
        await until(pilot, lambda: app.session.state.phase == "ready")
        state = app.session.state
        assert state.ttft_s > 0
        assert state.context_used == answer.stats.prompt_tokens + answer.stats.completion_tokens
        status = screen_text(pilot).splitlines()[-1]
        assert "ready" in status and "cpu float32" in status and "tokens/s" in status and "context" in status

        # A follow-up about the same picture does not attach it again.
        assert chat.attachments == ()
        await type_text(pilot, "And now?")
        await pilot.press("enter")
        await until(pilot, lambda: not chat.busy and len(app.workbench.conversation.messages) == 4)
        assert app.workbench.conversation.messages[2].attachments == ()
        assert app.workbench.conversation.messages[3].stats.image_tokens == 16


async def test_the_offered_picture_can_be_removed(make_app: MakeApp, workspace: Path) -> None:
    async with make_app().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        chat = app.workbench.chat
        await pilot.press("down")
        await until(pilot, lambda: chat.attachments == (workspace / "picture1.png",))
        await pilot.press("f6", "f6")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "prompt")
        await pilot.press("backspace")
        await until(pilot, lambda: chat.attachments == ())
        await type_text(pilot, "Hello")
        await pilot.press("enter")
        await until(pilot, lambda: not chat.busy and len(app.workbench.conversation.messages) == 2)
        assert app.workbench.conversation.messages[0].attachments == ()
        assert app.workbench.conversation.messages[1].stats.image_tokens == 0


async def test_several_pictures_are_attached_from_the_explorer(make_app: MakeApp, workspace: Path) -> None:
    async with make_app().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await pilot.press("down", "a", "down", "a")
        both = (workspace / "picture1.png", workspace / "picture2.png")
        await until(pilot, lambda: app.workbench.chat.attachments == both)
        assert isinstance(app.focused, Explorer)
        await pilot.press("f6", "f6")
        await type_text(pilot, "Which one")
        await pilot.press("enter")
        await until(pilot, lambda: len(app.workbench.conversation.messages) == 2 and not app.workbench.chat.busy)
        assert app.workbench.conversation.messages[1].stats.image_tokens == 32


async def test_escape_stops_the_answer_and_keeps_what_has_come(make_app: MakeApp) -> None:
    async with make_app(settings=_LONG).run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await pilot.press("f6", "f6")
        await type_text(pilot, "Tell")
        app.simulate_key("enter")
        await until(pilot, lambda: app.session.state.phase == "answering")
        await until(pilot, lambda: "Esc Stop" in screen_text(pilot))
        app.simulate_key("escape")
        await until(pilot, lambda: not app.workbench.chat.busy)
        answer = app.workbench.conversation.messages[-1]
        assert answer.state == "stopped"
        assert answer.text
        assert answer.stats.completion_tokens < 900
        await until(pilot, lambda: "ready: stopped" in screen_text(pilot))


async def test_a_killed_engine_costs_no_word_and_the_question_is_offered_again(make_app: MakeApp) -> None:
    async with make_app(settings=_LONG).run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await pilot.press("f6", "f6")
        await type_text(pilot, "First")
        app.simulate_key("enter")
        await until(pilot, lambda: app.session.state.phase == "answering")
        app.simulate_key("escape")
        await until(pilot, lambda: app.session.state.phase == "ready")
        first = app.workbench.conversation.messages[1].text
        await type_text(pilot, "Second")
        app.simulate_key("enter")
        await until(pilot, lambda: app.session.state.phase == "answering")
        killed = app.session.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        await until(pilot, lambda: app.workbench.conversation.failed is not None)
        await until(pilot, lambda: "Retry" in screen_text(pilot) and "SIGKILL" in screen_text(pilot))
        texts = [message.text for message in app.workbench.conversation.messages]
        assert texts[:3] == ["First", first, "Second"]
        await until(pilot, lambda: app.session.state.phase == "ready")  # started again by itself
        assert app.session.pid not in (None, killed)
        app.simulate_key("f5")
        await until(pilot, lambda: app.session.state.phase == "answering")
        app.simulate_key("escape")
        await until(pilot, lambda: not app.workbench.chat.busy)
        roles = [(message.role, message.state) for message in app.workbench.conversation.messages]
        assert roles == [("user", "done"), ("assistant", "stopped"), ("user", "done"), ("assistant", "stopped")]


async def test_an_idle_engine_that_dies_is_started_again(make_app: MakeApp) -> None:
    async with make_app().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        killed = app.session.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        await until(pilot, lambda: app.session.pid not in (None, killed) and app.session.state.phase == "ready")


async def test_a_new_conversation_while_an_answer_streams(make_app: MakeApp) -> None:
    async with make_app(settings=_LONG).run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await pilot.press("f6", "f6")
        await type_text(pilot, "Old")
        app.simulate_key("enter")
        await until(pilot, lambda: app.session.state.phase == "answering")
        app.simulate_key("ctrl+n")
        await until(pilot, lambda: app.session.state.phase == "ready")
        await pilot.pause()
        assert app.workbench.conversation.messages == []
        assert not app.workbench.chat.busy
        await type_text(pilot, "New")
        app.simulate_key("enter")
        await until(pilot, lambda: app.session.state.phase == "answering")
        assert app.workbench.conversation.messages[0].text == "New"


async def test_a_picture_that_cannot_be_read_fails_its_question_only(make_app: MakeApp, workspace: Path) -> None:
    (workspace / "broken.png").write_bytes((workspace / "picture1.png").read_bytes()[:60])
    async with make_app().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await pilot.press("down")
        await until(pilot, lambda: app.workbench.chat.attachments == (workspace / "broken.png",))
        await pilot.press("enter")
        await type_text(pilot, "What")
        await pilot.press("enter")
        await until(pilot, lambda: app.workbench.conversation.failed is not None)
        assert app.session.state.phase == "ready"
        await pilot.press("backspace")  # its picture is offered again with the next question
        await until(pilot, lambda: app.workbench.chat.attachments == ())
        await type_text(pilot, "Hello")
        await pilot.press("enter")
        messages = app.workbench.conversation.messages
        await until(pilot, lambda: messages[-1].state == "done" and not app.workbench.chat.busy)


async def test_full_resolution_is_one_key(make_app: MakeApp) -> None:
    async with make_app().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await pilot.press("down")
        await until(pilot, lambda: "64×48 · 16 tokens" in screen_text(pilot))
        await pilot.press("f7")
        await until(pilot, lambda: "64×48 · 208 tokens" in screen_text(pilot))
        await pilot.press("enter")
        await type_text(pilot, "What")
        await pilot.press("enter")
        await until(pilot, lambda: len(app.workbench.conversation.messages) == 2 and not app.workbench.chat.busy)
        assert app.workbench.conversation.messages[1].stats.image_tokens == 208


# ---- the model picker ---------------------------------------------------------------------------


async def test_the_picker_offers_the_family_and_loads_a_folder(make_shell: MakeApp, tmp_path: Path) -> None:
    from tests.tiny_model import checkpoint

    base = checkpoint("idefics3", kind="base")
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await pilot.press("f4")
        await until(pilot, lambda: "SmolVLM2-256M-Video-Instruct" in screen_text(pilot))
        text = screen_text(pilot)
        for name in ("SmolVLM-Base", "SmolVLM2-2.2B-Instruct", "SmolVLM-500M-Instruct"):
            assert name in text
        assert "256 M" in text and "2.2 B" in text and "GB" in text
        app.screen.query_one(Input).value = str(base)
        await until(pilot, lambda: "this folder" in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.workbench)
        assert app.session.loaded is not None
        assert app.session.loaded.name == base.name
        await until(pilot, lambda: "base model" in screen_text(pilot))
        assert read_settings(tmp_path / "settings.toml")[0].model == str(base)


async def test_what_cannot_be_loaded_says_why_and_the_old_model_is_offered(make_app: MakeApp, workspace: Path) -> None:
    async with make_app().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        before = app.session.choice
        await pilot.press("f4")
        await until(pilot, lambda: app.screen.id == "model-picker")
        app.screen.query_one(Input).value = str(workspace)  # a folder without a checkpoint
        await until(pilot, lambda: "this folder" in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.query_one("#picker-says").has_class("-failed"))
        app.screen.query_one(Input).value = ""
        await until(pilot, lambda: "go back to it" in screen_text(pilot))
        assert app.screen.query_one(OptionList).highlighted == 0
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.workbench and app.session.state.phase == "ready")
        assert app.session.choice == before


@pytest.mark.usefixtures("own_engine")
async def test_escape_stops_a_load(make_app: MakeApp, tiny: Path) -> None:
    async with make_app().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await pilot.press("f4")
        await until(pilot, lambda: app.screen.id == "model-picker")
        assert app.session.pid is not None
        os.kill(app.session.pid, signal.SIGSTOP)  # a load that takes its time
        try:
            app.screen.query_one(Input).value = str(tiny)
            await until(pilot, lambda: app.screen.query_one(OptionList).option_count == 1)
            await pilot.press("enter")
            await until(pilot, lambda: app.session.state.phase in ("starting", "loading"))
            await pilot.press("escape")
            await pilot.pause()
        finally:
            os.kill(app.session.pid, signal.SIGCONT)
        await until(pilot, lambda: "Stopped loading" in screen_text(pilot) or app.screen is app.workbench)


async def test_a_first_model_that_fails_leaves_the_workbench_usable(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(choice=ModelChoice(str(tmp_path / "nothing"), device="cpu"))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.workbench.complete and app.session.state.phase == "failed")
        await until(pilot, lambda: "there is no folder" in screen_text(pilot))
        assert "F4" in screen_text(pilot)
        await pilot.press("down")
        await until(pilot, lambda: "picture1.png" in screen_text(pilot).splitlines()[0])


# ---- parts and sizes ----------------------------------------------------------------------------


async def test_f6_goes_round_and_back(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)

        def at() -> str:
            assert app.focused is not None
            return app.focused.id or ""

        seen = [at()]
        for _ in range(3):
            await pilot.press("f6")
            seen.append(at())
        assert seen == ["explorer", "preview", "prompt", "explorer"]
        await pilot.press("f18")  # what a terminal sends for Shift+F6
        assert at() == "prompt"
        await pilot.press("shift+f6")
        assert at() == "preview"


async def test_f9_hides_the_explorer_and_brings_it_back(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        pane = app.workbench.query_one("#explorer-pane")
        for key in ("f9", "ctrl+b"):
            await pilot.press(key)
            await until(pilot, lambda: not pane.display or not pane.region)
            assert app.focused is not None and app.focused.id == "preview"
            await pilot.press(key)
            await until(pilot, lambda: pane.region)
            assert isinstance(app.focused, Explorer)


async def test_at_80_columns_two_parts_are_shown_and_none_is_lost(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)

        def shown() -> list[str]:
            panes = ("explorer", "preview", "chat")
            return [name for name in panes if app.workbench.query_one(f"#{name}-pane").region]

        assert shown() == ["explorer", "preview"]
        await pilot.press("f6")
        assert shown() == ["explorer", "preview"]
        await pilot.press("f6")
        await until(pilot, lambda: shown() == ["preview", "chat"])
        await type_text(pilot, "abc")
        assert "abc" in screen_text(pilot)
        await pilot.press("f6")
        await until(pilot, lambda: shown() == ["explorer", "preview"])
        await pilot.press("f9")
        await until(pilot, lambda: shown() == ["preview", "chat"])
        await pilot.press("f9")
        await until(pilot, lambda: shown() == ["explorer", "preview"])


async def test_no_size_is_too_small(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await pilot.press("down")
        for width, height in [(20, 5), (1, 1), (59, 12), (200, 60), (3, 40), (120, 40)]:
            await pilot.resize_terminal(width, height)
            await pilot.press("f6", "f6", "f6", "down")
            if width < 59:  # dialogs, where there is no room for them
                for key in ("f4", "question_mark"):
                    await pilot.press(key)
                    await until(pilot, lambda: app.screen is not app.workbench)
                    await pilot.press("escape")
                    await until(pilot, lambda: app.screen is app.workbench)
        assert app.is_running
        assert app.workbench.query_one("#chat-pane").region
        assert isinstance(app.focused, Explorer)


async def test_a_click_gives_the_focus(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await pilot.click("#prompt")
        await until(pilot, lambda: app.workbench.has_class("-in-chat"))
        await pilot.click("#explorer", offset=(5, 2))
        await until(pilot, lambda: app.workbench.has_class("-in-explorer"))


async def test_a_click_on_the_model_in_the_status_bar_opens_the_picker(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await pilot.click(StatusBar, offset=(4, 0))
        await until(pilot, lambda: app.screen.id == "model-picker")


# ---- the app ------------------------------------------------------------------------------------


async def test_ctrl_c_twice_quits_and_once_does_not(make_app: MakeApp) -> None:
    async with make_app().run_test(size=(120, 40), notifications=True) as pilot:
        app = await ready(pilot)
        pid = app.session.pid
        assert pid is not None
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "Press Ctrl+C again to quit" in screen_text(pilot))
        assert app.is_running
        await pilot.press("ctrl+c")
        await until(pilot, lambda: app._exit)
    assert app.session.pid is None
    assert not Path(f"/proc/{pid}").exists() or "zombie" in Path(f"/proc/{pid}/status").read_text()


async def test_ctrl_q_quits_from_the_prompt(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await pilot.press("f6", "f6", "ctrl+q")
        await until(pilot, lambda: app._exit)


async def test_the_theme_is_remembered(make_shell: MakeApp, tmp_path: Path) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        assert app.theme == "vscode-dark"
        await pilot.press("ctrl+t")
        await until(pilot, lambda: app.screen.id == "theme-picker")
        await pilot.press("down", "down")
        await until(pilot, lambda: app.theme == "vscode-light")  # shown at once
        await pilot.press("escape")
        await until(pilot, lambda: app.theme == "vscode-dark")
        await pilot.press("ctrl+t", "down", "down", "enter")
        await until(pilot, lambda: app.screen is app.workbench)
        assert app.theme == "vscode-light"
        assert read_settings(tmp_path / "settings.toml")[0].theme == "vscode-light"


async def test_a_mistake_in_the_settings_is_one_line(make_shell: MakeApp) -> None:
    app = make_shell(mistakes=["settings.toml: [b]colour[/b]: unknown", "another"])
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, lambda: "[b]colour[/b]: unknown (and 1 more)" in screen_text(pilot))


async def test_an_unknown_theme_falls_back(make_shell: MakeApp) -> None:
    app = make_shell(settings=Settings(theme="no-such"))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, lambda: "no-such" in screen_text(pilot))
        assert app.theme == "vscode-dark"
