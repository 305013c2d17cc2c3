"""A conversation's own system prompt and sampling: checked while they are typed, kept, used, written as defaults."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Input

from tests.ui.chat_app import ChatApp, screen_text
from vlmtui.chats.answering import Answering
from vlmtui.engine.protocol import Sampling
from vlmtui.settings import Settings, read_settings
from vlmtui.ui.session import sampling_of


class OwnSettings(ChatApp):
    """With settings, and a file for them."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.settings = Settings(max_new_tokens=77, system_prompt="Be brief.")
        self.user_settings = folder / "settings.toml"


async def test_values_are_checked_while_typed_kept_with_the_conversation_and_written_as_defaults(
    tmp_path: Path,
) -> None:
    app = OwnSettings(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        conversation = app.chat.conversation
        await pilot.press("shift+tab", "s")
        await pilot.pause()
        assert app.screen.query_one("#max_new_tokens", Input).placeholder == "77"  # what the settings say
        assert "Greedy" in screen_text(app)
        await pilot.press(*"0.7")
        assert conversation.answering == Answering(temperature=0.7)
        assert "a seed makes them the same" in screen_text(app)
        await pilot.press("tab", *"7")  # no share of 1
        await pilot.pause()
        assert "top_p: expected float <= 1.0" in screen_text(app)
        assert conversation.answering == Answering(temperature=0.7)
        await pilot.press("ctrl+s")
        assert not app.user_settings.exists(), "nothing wrong is written"
        await pilot.press("backspace", *"0.9")
        app.screen.query_one("#beams", Input).focus()
        await pilot.press("3", "shift+tab", *"11")
        await pilot.pause()
        assert "beams nothing streams" in screen_text(app)
        wanted = Answering(temperature=0.7, top_p=0.9, beams=3, seed=11)
        assert conversation.answering == wanted
        await pilot.press("ctrl+s")
        await app.workers.wait_for_complete()
        written, mistakes = read_settings(app.user_settings)
        assert not mistakes and written == wanted.over(Settings())
        await pilot.press("escape", "s", "ctrl+d", "escape")
        await pilot.pause()
        assert conversation.answering == Answering()


def test_what_a_conversation_has_of_its_own_goes_before_the_settings() -> None:
    settings = Answering(temperature=0.5, seed=0, beams=2).over(Settings(max_new_tokens=9, top_k=40))
    assert sampling_of(settings) == Sampling(max_new_tokens=9, temperature=0.5, top_k=40, seed=0, beams=2)
    assert sampling_of(Settings()) == Sampling()
