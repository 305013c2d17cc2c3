"""Answers that stream: nothing is lost however they come, and the reader decides what is in view."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.geometry import Offset
from textual.selection import Selection
from textual.widgets import Static

from tests.ui.chat_app import ChatApp, answer, ask, long_conversation, painted, text_of
from tests.ui.test_chat_markdown import SAMPLE, cut
from vlmtui.engine.protocol import Finished, Tokens
from vlmtui.ui.widgets import message_view
from vlmtui.ui.widgets.markdown_lines import MarkdownLines
from vlmtui.ui.widgets.message_view import MessageView
from vlmtui.ui.widgets.transcript import WINDOW

EVERYTHING = Selection(None, None)


def copied(view: MessageView) -> str:
    """Return what selecting the whole message copies: every character that is on the screen."""
    selected = view.get_selection(EVERYTHING)
    assert selected is not None
    return selected[0]


def shown_for(text: str) -> str:
    return "\n".join(line.plain for line in MarkdownLines(text).lines)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(0, 30), max_size=200),
    st.randoms(use_true_random=False),
    st.sampled_from([SAMPLE, "one\r\ntwo\r\n\r\nthree", "x" * 500]),
)
def test_what_was_sent_is_shown_however_fast_it_came(sizes: list[int], chance: random.Random, text: str) -> None:
    async def stream() -> None:
        app = ChatApp()
        async with app.run_test(size=(60, 24)) as pilot:
            app.chat.begin_answer()
            await pilot.pause()
            for piece in cut(text, sizes):
                app.chat.receive(Tokens(id=1, text=piece, count=0))
                if chance.random() < 0.1:
                    await asyncio.sleep(chance.choice([0, 0.01, 0.04]))
            (message,) = app.chat.conversation.messages
            assert message.text == text
            app.chat.receive(Finished(id=1, reason="end"))
            assert message.text == text
            assert copied(app.views[0]) == shown_for(text.replace("\r\n", "\n"))
            await pilot.pause()
            rows = text_of(app.views[0])
            assert all(word in rows.replace("\n", "") for word in text.split() if word.isalpha())

    asyncio.run(stream())


async def test_the_last_tokens_are_painted_without_another_event() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        for piece in ("one ", "two ", "three"):
            app.chat.receive(Tokens(id=1, text=piece, count=1))
        for _ in range(100):
            await pilot.pause(0.01)
            if "one two three" in text_of(app.views[0]):
                break
        assert "one two three" in text_of(app.views[0])


async def test_many_tokens_cost_few_layouts(monkeypatch: pytest.MonkeyPatch) -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        app.chat.begin_answer()
        await pilot.pause()
        layouts: list[bool] = []
        refresh = MessageView.refresh

        def count(self: MessageView, *regions: object, layout: bool = False, **options: bool) -> MessageView:
            layouts.append(layout)
            return refresh(self, *regions, layout=layout, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(MessageView, "refresh", count)
        for name in ("_SECONDS_BETWEEN_PAINTS", "_MOST_SECONDS_BETWEEN_PAINTS"):
            monkeypatch.setattr(message_view, name, 600)
        for _ in range(300):
            app.chat.receive(Tokens(id=1, text="word ", count=1))
        assert len(layouts) == 1, "the first words at once; then tokens are joined before they are painted"
        view = app.views[0]
        assert not view.up_to_date
        view.show_due()
        assert len(layouts) == 1, "not while the user types either, so soon"
        monkeypatch.setattr(message_view, "_SECONDS_BETWEEN_PAINTS", 0)
        app.chat.focus_prompt()
        await pilot.press("x")  # typed at the next question: the answer is painted behind it
        await painted(app, pilot)
        assert text_of(view).count("word") == 300
        layouts.clear()
        for _ in range(80):
            app.chat.receive(Tokens(id=1, text="word ", count=1))
            view.show_due()
            await pilot.pause(0)
        assert 1 <= sum(layouts) <= 20 < len(layouts), "only a new row needs a layout, twice: 400 characters are 7 rows"


@pytest.mark.parametrize("text", [SAMPLE, "plain"])
async def test_a_message_is_one_widget_while_it_streams_and_after(text: str) -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        app.chat.begin_answer()
        app.chat.receive(Tokens(id=1, text=text, count=1))
        await pilot.pause()
        assert len(app.views[0].walk_children()) == 0
        app.chat.receive(Finished(id=1, reason="end"))
        await pilot.pause()
        assert len(app.views[0].walk_children()) == 0


async def test_only_the_newest_messages_are_mounted() -> None:
    app = ChatApp(long_conversation(100))
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.pause()
        assert len(app.views) == WINDOW
        assert app.transcript.earlier == 100 - WINDOW
        assert "Answer 49" in text_of(app.views[-1])
        assert app.transcript.following
        for number in range(5):
            await ask(pilot, f"more {number}")
            answer(app.chat, ["yes"])
            await pilot.pause()
        assert len(app.views) == WINDOW
        assert len(app.screen.walk_children()) < 40
        assert app.transcript.earlier == 110 - WINDOW


async def test_scrolling_to_the_top_brings_earlier_messages_and_keeps_the_place() -> None:
    app = ChatApp(long_conversation(100))
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.pause()
        oldest = app.views[0]
        app.transcript.focus()
        await pilot.press("home")
        await pilot.pause()
        await pilot.pause()
        assert len(app.views) == 2 * WINDOW
        assert app.transcript.earlier == 100 - 2 * WINDOW
        top = app.transcript.region.y
        assert oldest.region.y == top + 2, "what stood below the row for earlier messages stands there still"
        assert app.transcript.scroll_y > 0


async def test_all_earlier_messages_can_be_reached_with_keys_alone() -> None:
    app = ChatApp(long_conversation(60))
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.pause()
        row = app.query_one("#earlier", Static)
        row.focus()
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert app.transcript.earlier == 0 and not row.display
        texts = [view.message.text for view in app.views]
        assert texts == [message.text for message in app.chat.conversation.messages]


async def test_following_stops_while_the_user_reads_and_resumes_at_the_end() -> None:
    app = ChatApp(long_conversation(20))
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.pause()
        app.chat.begin_answer()
        app.chat.receive(Tokens(id=1, text="begun", count=1))
        await painted(app, pilot)
        hint = app.query_one("#new-text", Static)
        assert app.transcript.following and not hint.display
        await pilot.press("pageup")

        await pilot.pause()
        place = app.transcript.scroll_y
        for number in range(30):
            app.chat.receive(Tokens(id=1, text=f"\n\nline {number}", count=1))
        await painted(app, pilot)
        assert app.transcript.scroll_y == place
        assert hint.display and "new text below" in text_of(hint)
        await pilot.press("ctrl+end")
        await pilot.pause()
        assert app.transcript.following and not hint.display
        app.chat.receive(Tokens(id=1, text="\n\nlast\n\nvery last", count=1))
        app.chat.receive(Finished(id=1, reason="end"))
        await painted(app, pilot)
        assert app.transcript.following and not hint.display
        assert app.views[-1].region.bottom <= app.transcript.region.bottom


async def test_scrolling_back_down_resumes_by_itself_and_a_click_on_the_hint_too() -> None:
    app = ChatApp(long_conversation(20))
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.pause()
        app.chat.begin_answer()
        for back in ("pagedown", "click"):
            await pilot.press("pageup")

            app.chat.receive(Tokens(id=1, text="\n\nmore", count=1))
            await painted(app, pilot)
            hint = app.query_one("#new-text", Static)
            assert hint.display
            if back == "click":
                await pilot.click(hint)
            else:
                await pilot.press("pagedown", "pagedown")

            await painted(app, pilot)
            assert not hint.display and app.transcript.following
            app.chat.receive(Tokens(id=1, text="\n\nfar\n\nbelow", count=1))
            await painted(app, pilot)
            assert app.transcript.following and not hint.display


async def test_a_question_goes_to_the_end_wherever_one_was_reading() -> None:
    app = ChatApp(long_conversation(20))
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.pause()
        await pilot.press("pageup")

        assert not app.transcript.following
        await ask(pilot, "next")
        await pilot.pause()
        assert app.transcript.following


async def test_a_short_conversation_stands_at_the_bottom_and_stays_when_scrolled() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        await ask(pilot, "what?")
        answer(app.chat, ["this"])
        await pilot.pause()
        before = app.views[0].region
        assert app.views[-1].region.bottom >= app.transcript.region.bottom - 1
        app.transcript.focus()
        await pilot.press("up", "pageup", "home")

        await pilot.pause()
        assert app.views[0].region == before


async def test_selected_text_is_copied_with_its_own_line_breaks() -> None:
    app = ChatApp()
    async with app.run_test(size=(40, 24)) as pilot:
        text = "- a point that is longer than one row of this narrow window is\n- second"
        answer(app.chat, [text])
        await pilot.pause()
        view = app.views[0]
        assert text_of(view).count("\n") > 1, "it wraps"
        assert copied(view).startswith("• a point that is longer than one row of this narrow window is\n• second")
        # From the first row's third cell into the second row: drag as a person does.
        x, y = view.content_region.offset
        await pilot.mouse_down(offset=(x + 2, y))
        await pilot.hover(offset=(x + 6, y + 1))
        await pilot.mouse_up(offset=(x + 6, y + 1))
        await pilot.pause()
        selected = app.screen.get_selected_text()
        assert selected is not None and text[2:].startswith(selected) and len(selected) > 30


async def test_offsets_of_wrapped_rows_point_into_the_line() -> None:
    app = ChatApp()
    async with app.run_test(size=(30, 24)) as pilot:
        answer(app.chat, ["- alpha beta gamma delta epsilon zeta"])
        await pilot.pause()
        view = app.views[0]
        plain = copied(view).split("\n")[0]
        checked = 0
        for y in range(view.size.height - 1):
            for segment in view.render_line(y):
                meta = segment.style.meta if segment.style else {}
                if "offset" in meta and meta["offset"][1] == 0:
                    start = Offset(*meta["offset"]).x
                    assert plain[start : start + len(segment.text)] == segment.text
                    checked += 1
        assert checked >= 3
