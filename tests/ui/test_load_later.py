"""A model that is loaded with the first question only."""

from __future__ import annotations

from tests.ui.conftest import MakeApp, ready, screen_text, type_text, until


async def test_nothing_is_loaded_before_the_first_question_and_it_is_answered(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await until(pilot, lambda: "loads with the first question" in screen_text(pilot))
        assert app.session.pid is None
        app.workbench.chat.focus_prompt()
        await type_text(pilot, "what")
        await pilot.press("enter")
        await until(pilot, lambda: len(app.workbench.conversation.messages) == 2 and not app.workbench.chat.busy)
        assert app.workbench.conversation.messages[1].state in ("done", "length")
        assert app.session.loaded is not None
        await until(pilot, lambda: "cpu float32" in screen_text(pilot).splitlines()[-1])
