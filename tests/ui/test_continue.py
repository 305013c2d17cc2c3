"""An answer that was stopped or cut goes on: one message, from its last word."""

from __future__ import annotations

from pathlib import Path

from tests.ui.chat_app import ChatApp, answer, ask, text_of
from tests.ui.conftest import MakeApp, ready, type_text, until
from vlmtui.engine.protocol import Failed, Finished, TextPart, Tokens
from vlmtui.settings import Settings
from vlmtui.ui.engine_state import ModelChoice
from vlmtui.ui.session import turns_of
from vlmtui.ui.widgets.chat import Chat


async def test_a_cut_answer_goes_on_as_one_message() -> None:
    app = ChatApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot, "Count.")
        answer(app.chat, ["one, two,"], reason="length")
        await pilot.pause()
        await pilot.press("shift+tab", "g")
        await pilot.pause()
        assert isinstance(app.posted[-1], Chat.RetryRequested) and app.chat.busy
        turns = turns_of(app.chat.conversation)
        assert turns[-1].role == "assistant" and turns[-1].parts == (TextPart(text="one, two,"),)
        app.chat.receive(Tokens(id=2, text=" three.", count=2))
        app.chat.receive(Finished(id=2, reason="end", completion_tokens=2, tokens_per_s=9.0))
        await pilot.pause()
        _, whole = app.chat.conversation.messages
        assert (whole.text, whole.state, whole.stats.completion_tokens) == ("one, two, three.", "done", 3)
        assert "one, two, three." in text_of(app.views[-1]) and "continued" in text_of(app.views[-1])
        await pilot.press("g")  # it ended by itself: nothing to go on with
        await pilot.pause()
        assert not app.chat.busy and len(app.chat.conversation.messages) == 2


async def test_what_there_was_stays_when_it_cannot_go_on() -> None:
    app = ChatApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot, "Count.")
        answer(app.chat, ["one, two,"], reason="stopped")
        await pilot.press("shift+tab", "g")
        app.chat.receive(Failed(id=2, code="engine_died", cause="The engine ended", remedy="ask again"))
        await pilot.pause()
        whole = app.chat.conversation.messages[-1]
        assert (whole.text, whole.state) == ("one, two,", "stopped")
        assert app.chat.conversation.can_go_on(whole)


async def test_the_model_goes_on_with_the_tokens_it_would_have_made(make_app: MakeApp, workspace: Path) -> None:
    at_once: list[str] = []
    demo = ModelChoice("demo", device="cpu", dtype="float32")  # its words are whole tokens
    for longest in (12, 6):
        settings = Settings(device="cpu", dtype="float32", graphics="half-block", max_new_tokens=longest)
        async with make_app(settings=settings, choice=demo).run_test(size=(120, 40)) as pilot:
            app = await ready(pilot)
            chat = app.workbench.chat
            app.workbench.action_new_conversation()
            chat.focus_prompt()
            await type_text(pilot, "Hi")
            await pilot.press("enter")
            await until(pilot, lambda chat=chat: not chat.busy and len(chat.conversation.messages) == 2)
            whole = chat.conversation.messages[-1]
            if longest == 6:
                chat.action_message("continue")
                await until(pilot, lambda chat=chat: chat.busy)
                await until(pilot, lambda chat=chat: not chat.busy)
                assert whole.stats.completion_tokens == 12 and whole.stats.continued == 1
            at_once.append(whole.text)
    assert at_once[0] == at_once[1] and len(at_once[0].split()) > 6
