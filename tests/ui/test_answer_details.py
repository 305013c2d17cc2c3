"""The line below an answer: what it took, and what did not have to be read or seen again."""

from __future__ import annotations

import pytest

from tests.ui.chat_app import ChatApp, ask, screen_text
from vlmtui.chats.conversation import AnswerStats
from vlmtui.engine.protocol import Finished, Started, Tokens
from vlmtui.ui.widgets.message_view import describe_stats


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"known_tokens": 1120, "prompt_tokens": 1140}, "known before: 1,120 of 1,140 tokens"),
        ({"known_pictures": 1, "pictures": 1}, "known before: 1 of 1 picture"),
        ({"known_pictures": 1, "pictures": 2, "saved_s": 2.31}, "known before: 1 of 2 pictures, about 2.3 s saved"),
        ({"pictures": 2, "saved_s": 0.0}, ""),
    ],
)
def test_what_was_known_before(known: dict[str, float], words: str) -> None:
    assert describe_stats(AnswerStats(**known)) == words


async def test_it_stands_below_the_answer() -> None:
    app = ChatApp()
    async with app.run_test(size=(100, 24)) as pilot:
        await ask(pilot, "and now?")
        app.chat.begin_answer()
        app.chat.receive(Started(id=1, prompt_tokens=60, image_tokens=16, tiles=1))
        app.chat.receive(Tokens(id=1, text="Two.", count=2))
        app.chat.receive(
            Finished(
                id=1, reason="end", prompt_tokens=60, completion_tokens=2,
                pictures=1, known_pictures=1, known_tokens=48, saved_s=4.0,
            )
        )  # fmt: skip
        await pilot.pause()
        shown = " ".join(screen_text(app).split())
        assert "2 tokens · 16 image tokens · known before: 48 of 60 tokens and 1 of 1 picture, about 4.0 s" in shown
