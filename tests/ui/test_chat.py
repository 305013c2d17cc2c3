"""The chat as a person uses it: ask, watch, stop, retry, recall, attach."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.widgets import Static

from tests.ui.chat_app import ChatApp, answer, ask, fail, painted, screen_text, text_of, type_text
from vlmtui.chats.conversation import Conversation
from vlmtui.engine.protocol import Finished, Started, Tokens
from vlmtui.ui.widgets.chat import Chat
from vlmtui.ui.widgets.chips import Chip, Chips


async def test_enter_asks_with_what_is_attached() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        app.chat.attach(Path("/pictures/a.png"), "640×480 · 64 tokens")
        app.chat.attach(Path("/pictures/b.mp4"))
        await pilot.pause()
        assert "a.png  640×480 · 64 tokens" in screen_text(app)
        await ask(pilot, "how many?")
        (asked,) = app.posted
        assert isinstance(asked, Chat.Asked)
        assert asked.text == "how many?"
        assert asked.attachments == (Path("/pictures/a.png"), Path("/pictures/b.mp4"))
        (message,) = app.chat.conversation.messages
        assert (message.role, message.text) == ("user", "how many?")
        assert message.attachments == ("/pictures/a.png", "/pictures/b.mp4")
        assert text_of(app.views[0]).split("\n") == ["▣ a.png", "▶ b.mp4", "how many?"]
        assert app.prompt.text == "" and app.chat.attachments == ()
        assert not app.query_one(Chips).display


async def test_an_answer_streams_and_then_says_what_it_took() -> None:
    app = ChatApp()
    async with app.run_test(size=(70, 24)) as pilot:
        await ask(pilot, "what?")
        app.chat.begin_answer()
        await pilot.pause()
        assert app.chat.busy and "…" in text_of(app.views[-1])
        app.chat.receive(Started(id=1, prompt_tokens=1400, image_tokens=1377, tiles=17))
        await pilot.pause()
        assert "Looking at 1,377 image tokens…" in text_of(app.views[-1])
        app.chat.receive(Tokens(id=1, text="There are **three", count=3))
        await painted(app, pilot)
        assert "There are **three" in text_of(app.views[-1]) and "…" not in text_of(app.views[-1])
        app.chat.receive(Tokens(id=1, text="** shapes.", count=3))
        app.chat.receive(
            Finished(id=1, reason="length", image_tokens=1377, completion_tokens=6, ttft_s=0.5, tokens_per_s=12.5)
        )
        await pilot.pause()
        assert text_of(app.views[-1]).split("\n") == [
            "There are three shapes.",
            "cut at the length limit · 6 tokens · 12.5 tok/s · ttft 0.50 s ·",
            "1377 image tokens",
        ]
        assert not app.chat.busy
        assert app.chat.conversation.messages[-1].text == "There are **three** shapes."


async def test_escape_stops_a_running_answer_and_nothing_else() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.press("escape")
        assert app.posted == []
        await ask(pilot, "what?")
        app.posted.clear()
        app.chat.receive(Tokens(id=1, text="One, two", count=3))
        await pilot.press("escape")
        assert [type(message) for message in app.posted] == [Chat.StopRequested]
        app.chat.receive(Finished(id=1, reason="stopped", completion_tokens=3))
        await pilot.pause()
        assert "One, two" in text_of(app.views[-1]) and "stopped · 3 tokens" in text_of(app.views[-1])
        assert app.chat.conversation.messages[-1].state == "stopped"


async def test_one_can_type_on_while_an_answer_streams() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        await ask(pilot, "first")
        app.posted.clear()
        app.chat.receive(Tokens(id=1, text="One", count=1))
        await type_text(pilot, "second")
        await pilot.press("enter")
        await pilot.pause()
        assert app.prompt.text == "second" and app.posted == []
        assert "Esc stops it, then Enter sends" in screen_text(app)
        app.chat.receive(Finished(id=1, reason="end", completion_tokens=1))
        await pilot.pause()
        assert not app.query_one("#notice", Static).display
        await pilot.press("enter")
        assert [message.text for message in app.chat.conversation.messages] == ["first", "One", "second"]


async def test_an_empty_prompt_says_what_is_missing() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        app.chat.attach(Path("/a.png"))
        await pilot.press("space", "enter")
        await pilot.pause()
        assert app.posted == [] and "Type a question about the picture first." in screen_text(app)
        await pilot.press("x")
        await pilot.pause()
        assert not app.query_one("#notice", Static).display
        assert app.chat.attachments == (Path("/a.png"),)


async def test_ctrl_j_makes_lines_and_the_prompt_grows_to_eight_rows() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        assert app.prompt.size.height == 1
        await type_text(pilot, "a\nb\nc")
        await pilot.pause()
        assert app.prompt.size.height == 3
        await type_text(pilot, "\n" * 20)
        await pilot.pause()
        assert app.prompt.size.height == 8
        await pilot.press("d", "enter")
        assert app.chat.conversation.messages[0].text == "a\nb\nc" + "\n" * 20 + "d"


async def test_pasted_lines_stay_lines_and_control_characters_are_made_visible() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        app.post_message(events.Paste("one\r\ntwo\rthree\x1b]52;c;aGk=\x07\x9b31m"))
        await pilot.pause()
        assert app.prompt.text == "one\ntwo\nthree�]52;c;aGk=��31m"
        assert "\x1b" not in screen_text(app) and app.posted == []


async def test_up_brings_earlier_prompts_back_and_down_the_draft() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        for text in ("first", "second\nline"):
            await ask(pilot, text)
            answer(app.chat, ["ok"])
        await type_text(pilot, "draft")
        await pilot.press("up")
        assert app.prompt.text == "second\nline"
        await pilot.press("up")
        assert app.prompt.text == "first"
        await pilot.press("up")
        assert app.prompt.text == "first", "there is nothing before it"
        await pilot.press("down")
        assert app.prompt.text == "second\nline"
        await pilot.press("down")
        assert app.prompt.text == "draft"
        await pilot.press("down", "x")
        assert app.prompt.text == "draftx", "past the newest there is only the draft"
        await pilot.press("up", "down", "down")
        assert app.prompt.text == "draftx"


async def test_up_moves_within_several_lines_first() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        await ask(pilot, "old")
        answer(app.chat, ["ok"])
        await type_text(pilot, "a\nb")
        await pilot.press("up")
        assert app.prompt.text == "a\nb" and app.prompt.cursor_location[0] == 0
        await pilot.press("up")
        assert app.prompt.text == "old"


async def test_prompts_of_a_reopened_conversation_can_be_recalled() -> None:
    conversation = Conversation()
    conversation.ask("from last time")
    app = ChatApp(conversation)
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.press("up")
        assert app.prompt.text == "from last time"


@pytest.mark.parametrize("how", ["key", "click", "focus"])
async def test_a_failed_answer_says_why_and_can_be_asked_for_again(how: str) -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        await ask(pilot, "what?")
        app.posted.clear()
        app.chat.receive(Tokens(id=1, text="There", count=1))
        fail(app.chat, "The engine was killed.", "It is up again: retry.")
        await pilot.pause()
        view = app.views[-1]
        assert text_of(view).split("\n") == [
            "There",
            "",
            "✗ The engine was killed.",
            "  It is up again: retry.",
            "   ↻ Retry  F5",
        ]
        assert not app.chat.busy
        if how == "key":
            await pilot.press("f5")
        elif how == "click":
            await pilot.click(view, offset=(8, 4))
        else:
            view.focus()
            await pilot.press("enter")
        await pilot.pause()
        assert [type(message) for message in app.posted] == [Chat.RetryRequested]
        assert len(app.views) == 2, "it stays until the new answer begins"
        answer(app.chat, ["There are three."])
        await pilot.pause()
        assert [message.text for message in app.chat.conversation.messages] == ["what?", "There are three."]
        assert [text_of(shown).split("\n")[0] for shown in app.views] == ["what?", "There are three."]


async def test_nothing_is_asked_again_before_something_was_asked() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.press("f5")
        app.chat.action_retry()
        await pilot.pause()
        assert app.posted == []
        await ask(pilot, "what?")
        app.posted.clear()
        app.chat.begin_answer()
        await pilot.press("f5")  # it is on its way
        await pilot.pause()
        assert app.posted == [] and len(app.chat.conversation.messages) == 2
        answer(app.chat, ["fine"])
        await pilot.pause()
        assert not app.views[-1].focusable


async def test_an_empty_chat_offers_neither_to_ask_again_nor_to_stop() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.pause()
        ids = {active.binding.id for active in app.screen.active_bindings.values()}
        assert "chat.send" in ids and not ids & {"chat.retry", "chat.stop"}


async def test_a_failure_before_any_text_is_one_answer() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        await ask(pilot, "what?")
        fail(app.chat)
        await pilot.pause()
        assert [message.state for message in app.chat.conversation.messages] == ["done", "failed"]
        assert "✗ The engine ended." in text_of(app.views[-1])
        await ask(pilot, "another")
        assert [message.text for message in app.chat.conversation.messages] == ["what?", "", "another"]


async def test_an_answer_without_a_word_says_so() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        await ask(pilot, "what?")
        answer(app.chat, [])
        await pilot.pause()
        assert text_of(app.views[-1]).startswith("The model ended its turn without a word.")


async def test_notes_stand_among_the_messages_but_not_in_the_conversation() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        await ask(pilot, "who won?")
        answer(app.chat, ["red"])
        app.chat.note("The demo model knows shapes only.")
        await pilot.pause()
        assert "The demo model knows shapes only." in screen_text(app)
        assert len(app.chat.conversation.messages) == 2


async def test_backspace_in_an_empty_prompt_detaches_the_last() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        for name in ("/a.png", "/b.png"):
            app.chat.attach(Path(name))
        app.chat.attach(Path("/a.png"))
        await pilot.press("x", "backspace")
        assert app.chat.attachments == (Path("/a.png"), Path("/b.png")), "there was a letter to delete"
        await pilot.press("backspace")
        await pilot.pause()
        assert app.chat.attachments == (Path("/a.png"),)
        assert [message.path for message in app.posted if isinstance(message, Chat.Detached)] == [Path("/b.png")]


@pytest.mark.parametrize("how", ["delete", "click"])
async def test_any_attachment_can_be_removed(how: str) -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        for name in ("/a.png", "/b.png", "/c.png"):
            app.chat.attach(Path(name))
        await pilot.pause()
        chip = next(chip for chip in app.query(Chip) if chip.path == Path("/b.png"))
        if how == "delete":
            chip.focus()
            await pilot.press("delete")
        else:
            await pilot.click(chip, offset=(chip.size.width - 2, 0))
        await pilot.pause()
        assert app.chat.attachments == (Path("/a.png"), Path("/c.png"))
        assert app.focused is app.prompt


async def test_the_picture_on_show_goes_along_until_something_is_attached() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        app.chat.offer(Path("/a.png"))
        app.chat.offer(Path("/b.png"), "64 tokens")
        await pilot.pause()
        assert app.chat.attachments == (Path("/b.png"),) and "b.png  64 tokens" in screen_text(app)
        app.chat.attach(Path("/c.png"))
        await pilot.pause()
        assert app.chat.attachments == (Path("/c.png"),)
        await pilot.press("backspace")
        assert app.chat.attachments == (Path("/b.png"),)
        await pilot.press("backspace")
        await pilot.pause()
        app.chat.offer(Path("/b.png"))
        assert app.chat.attachments == (), "it was refused"
        app.chat.offer(Path("/d.png"))
        await ask(pilot, "what?")
        assert app.chat.conversation.messages[0].attachments == ("/d.png",)
        app.chat.offer(None)
        assert app.chat.attachments == ()


async def test_pictures_of_a_failed_question_come_back_for_the_next_one() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        app.chat.attach(Path("/a.png"), "64 tokens")
        await ask(pilot, "what?")
        fail(app.chat)
        await pilot.pause()
        assert app.chat.attachments == (Path("/a.png"),) and "a.png  64 tokens" in screen_text(app)
        await ask(pilot, "in other words?")
        sent = app.chat.conversation.for_the_model()
        assert [(message.text, message.attachments) for message in sent] == [("in other words?", ("/a.png",))]


async def test_pictures_that_came_back_go_with_the_retry() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        app.chat.attach(Path("/a.png"))
        await ask(pilot, "what?")
        app.chat.begin_answer()
        app.chat.receive(Finished(id=1, reason="stopped"))
        assert app.chat.attachments == (Path("/a.png"),), "stopped before its first word: it was not answered"
        await ask(pilot, "again")
        fail(app.chat)
        app.chat.attach(Path("/b.png"))
        answer(app.chat, ["this"])
        assert app.chat.attachments == (Path("/b.png"),)
        assert app.chat.conversation.for_the_model()[-2].attachments == ("/a.png",)


async def test_reset_starts_over_and_keeps_what_is_being_typed() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        await ask(pilot, "what?")
        answer(app.chat, ["this"])
        await type_text(pilot, "next")
        app.chat.reset()
        await pilot.pause()
        assert app.views == [] and app.chat.conversation.messages == []
        assert app.prompt.text == "next" and app.query_one("#welcome").display


async def test_events_of_an_answer_that_nobody_began_are_shown_too() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        app.chat.receive(Tokens(id=1, text="late", count=1))
        await pilot.pause()
        assert app.chat.busy and text_of(app.views[-1]).strip() == "late"


async def test_a_question_and_its_enter_that_arrive_at_once_stay_in_order() -> None:
    """Over a slow line many keys come in one piece: none may overtake another, none may be lost."""
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        for character in "how many?\nof them\rand then":
            key = {"\r": "enter", "\n": "ctrl+j", " ": "space", "?": "question_mark"}.get(character, character)
            app.post_message(events.Key(key, character if character.isprintable() else None))
        await pilot.pause()
        await pilot.pause()
        (asked,) = app.posted
        assert isinstance(asked, Chat.Asked)
        assert asked.text == "how many?\nof them"
        assert app.prompt.text == "and then"
