"""What a question costs, chosen and made to fit with one key each: the real engine counts."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import OptionList

from tests.ui.conftest import MakeApp, ready, screen_text, type_text, until
from vlmtui.chats.conversation import Conversation
from vlmtui.engine.protocol import Offer
from vlmtui.models.sampling import FrameSampling
from vlmtui.settings import Settings
from vlmtui.ui.fitting import fit


async def test_the_resolution_is_chosen_from_the_palette(make_app: MakeApp, workspace: Path) -> None:
    settings = Settings(device="cpu", graphics="half-block", max_new_tokens=4, resolution="2")
    async with make_app(settings=settings).run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await pilot.press("down")
        await until(pilot, lambda: "5 tiles · 80 tokens" in screen_text(pilot))  # as the settings say
        await app.action_run_action_of("model.resolution")
        await until(pilot, lambda: isinstance(app.focused, OptionList) and app.screen.id == "resolution-picker")
        assert isinstance(app.focused, OptionList)
        assert app.focused.highlighted == 2
        await pilot.press("down", "enter")
        await until(pilot, lambda: "10 tiles · 160 tokens" in screen_text(pilot))
        assert app.session.resolution == "3"
        app.workbench.chat.focus_prompt()
        await type_text(pilot, "What?")
        await pilot.press("enter")
        await until(pilot, lambda: not app.workbench.chat.busy and len(app.workbench.conversation.messages) == 2)
        assert app.workbench.conversation.messages[1].stats.tiles == 10


async def test_every_attachment_says_what_it_costs_now(make_app: MakeApp, workspace: Path) -> None:
    async with make_app().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        app.workbench.chat.attach(workspace / "picture2.png")  # neither was ever on show
        app.workbench.chat.attach(workspace / "picture10.png")
        await until(pilot, lambda: "64×48 · 16 tokens" in screen_text(pilot))
        await until(pilot, lambda: "48×64 · 16 tokens" in screen_text(pilot))
        await pilot.press("f7")
        await until(pilot, lambda: "64×48 · 208 tokens" in screen_text(pilot))
        await until(pilot, lambda: "48×64 · 208 tokens" in screen_text(pilot))


async def test_what_does_not_fit_is_refused_with_offers_of_one_key_each(make_app: MakeApp, workspace: Path) -> None:
    settings = Settings(device="cpu", graphics="half-block", max_new_tokens=4, resolution="full")
    async with make_app(settings=settings).run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        chat = app.workbench.chat
        pictures = [workspace / f"picture{number}.png" for number in (1, 2, 3)]

        async def ask(text: str) -> None:
            for picture in pictures:
                chat.attach(picture)
            chat.focus_prompt()
            await type_text(pilot, text)
            await pilot.press("enter")

        await ask("What?")  # 3 x 13 tiles: it fits
        await until(pilot, lambda: not chat.busy and len(app.workbench.conversation.messages) == 2)
        answered = app.workbench.conversation.messages[1]
        assert (answered.state, answered.stats.tiles) == ("done", 39)
        await ask("And now?")
        await until(pilot, lambda: isinstance(app.focused, OptionList) and app.screen.id == "offers")
        await until(pilot, lambda: "and the model takes 1,024." in screen_text(pilot))
        shown = screen_text(pilot)
        assert "r  Cut pictures into 2 tiles along the longest edge" in shown
        assert "o  Leave out the oldest question" in shown
        await pilot.press("r")
        await until(pilot, lambda: not chat.busy and app.workbench.conversation.messages[-1].state == "done")
        assert app.workbench.conversation.messages[-1].stats.tiles == 6 * 5
        assert app.session.resolution == "2"

        app.session.resolution = "full"
        await ask("Once more?")
        await until(pilot, lambda: isinstance(app.focused, OptionList) and app.screen.id == "offers")
        await pilot.press("o")
        await until(pilot, lambda: not chat.busy and app.workbench.conversation.messages[-1].state == "done")
        assert app.workbench.conversation.messages[-1].stats.tiles == 39
        assert len(app.workbench.conversation.messages) == 6  # all of it stays to be read


def test_fewer_frames_of_every_video_that_is_shown() -> None:
    conversation = Conversation()
    conversation.ask("What?", ("/films/a.mp4", "/films/b.png"))
    conversation.begin_answer().state = "done"
    conversation.messages[-1].text = "Noise."
    conversation.ask("And?", ("/films/c.mp4",))
    conversation.messages[2].samplings = {"/films/c.mp4": FrameSampling(mode="fps", fps=2.0, start_s=3.0)}
    chosen: dict[Path, FrameSampling] = {}
    assert fit(conversation, Offer(kind="frames", value="5", tokens=900), chosen) is None
    assert conversation.messages[0].samplings == {"/films/a.mp4": FrameSampling(frames=5)}
    assert conversation.messages[2].samplings["/films/c.mp4"].frames == 5
    assert conversation.messages[2].samplings["/films/c.mp4"].start_s == 3.0
    assert chosen[Path("/films/c.mp4")].mode == "uniform"


def test_the_oldest_questions_are_left_out_for_the_model_only() -> None:
    conversation = Conversation()
    for text in ("one", "two", "three"):
        conversation.ask(text)
        conversation.begin_answer().state = "done"
        conversation.messages[-1].text = f"answer {text}"
    conversation.ask("four")
    fit(conversation, Offer(kind="drop", value="2", tokens=10), {})
    assert [message.text for message in conversation.for_the_model()] == ["three", "answer three", "four"]
    fit(conversation, Offer(kind="drop", value="1", tokens=10), {})  # counted from what the model is shown
    assert [message.text for message in conversation.for_the_model()] == ["four"]
    assert len(conversation.messages) == 7
