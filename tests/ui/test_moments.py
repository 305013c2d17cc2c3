"""Times in an answer about a video are links: a click, or the command, shows the video there."""

from __future__ import annotations

from pathlib import Path

from tests.ui.conftest import MakeApp, ready, screen_text, until
from tests.unit.media.made import write_numbered
from vlmtui.chats.conversation import Conversation
from vlmtui.engine.protocol import PartRead, Tokens
from vlmtui.models.sampling import FrameSampling, Timeline, frames_in_all
from vlmtui.timestamps import clock, moments
from vlmtui.ui.session import in_parts, turns_of
from vlmtui.ui.widgets.message_view import MessageView
from vlmtui.ui.widgets.video_info import sampling_words, switched
from vlmtui.ui.widgets.video_view import VideoView


def test_moments_are_found_and_nothing_else() -> None:
    text = "At 0:03, then (1:02:05) and **12:34**; not 3:5, 1:75, 10:20:30:40, 1.2:30, a 4:3 picture"
    assert [(text[m.start : m.end], m.seconds) for m in moments(text)] == [
        ("0:03", 3),
        ("1:02:05", 3725),
        ("12:34", 754),
    ]
    assert [m.seconds for m in moments("0:03 0:09", longest=5)] == [3]
    assert [clock(seconds) for seconds in (0, 65.9, 3725)] == ["0:00", "1:05", "1:02:05"]


async def test_a_time_in_an_answer_shows_the_video_there(make_shell: MakeApp, workspace: Path) -> None:
    video = write_numbered(workspace / "a-film.mp4")
    async with make_shell().run_test(size=(160, 44)) as pilot:
        app = await ready(pilot)
        chat, conversation = app.workbench.chat, app.workbench.conversation
        conversation.ask("When?", (str(video),))
        answer = conversation.begin_answer()
        answer.text, answer.state = "It falls at 0:02 and rises at 0:04.", "done"
        chat.reset(conversation)
        await until(pilot, lambda: "rises at 0:04" in screen_text(pilot))
        view = next(view for view in app.screen.query(MessageView) if view.message is answer)
        row = next(y for y in range(view.size.height) if "0:04" in "".join(s.text for s in view.render_line(y)))
        column = "".join(segment.text for segment in view.render_line(row)).index("0:04")
        await pilot.click(view, offset=(column + 1 + view.gutter.left, row + view.gutter.top))
        await until(pilot, lambda: isinstance(app.workbench.viewer, VideoView))
        shown: VideoView = app.workbench.viewer
        await until(pilot, lambda: shown.frame is not None and abs(shown.frame.time - 4.0) < 0.2)
        await app.workbench.action_next_moment()
        await until(pilot, lambda: shown.frame is not None and abs(shown.frame.time - 2.0) < 0.2)
        await app.workbench.action_next_moment()
        await until(pilot, lambda: shown.frame is not None and abs(shown.frame.time - 4.0) < 0.2)
        conversation.ask("What happens?", (str(video),))
        chat.receive(PartRead(id=1, number=2, of=5, start_s=60, end_s=120, text="A cube \x1b[31mfalls."))
        await until(pilot, lambda: "Part 2 of 5, up to 2:00: A cube" in screen_text(pilot))
        chat.receive(Tokens(id=1, text="It falls.", count=3))
        await until(pilot, lambda: "Part 2" not in screen_text(pilot))
        app.workbench.offer_shown()
        assert not chat.attachments  # the conversation is about the video on show
        del conversation.messages[2:]
        answer.text, answer.state = "", "stopped"  # before its first word: the next question is about it again
        app.workbench.offer_shown()
        assert chat.attachments == (video,)


def test_the_third_way_to_choose_frames_reads_a_long_video_in_parts() -> None:
    timeline = Timeline(18_000, 30.0)  # ten minutes
    rate = switched(FrameSampling(frames=12), timeline)
    parts = switched(rate, timeline)
    assert [sampling_words(way) for way in (rate, parts)] == ["1 fps, at most 64", "1 fps, in parts"]
    assert switched(parts, timeline) == FrameSampling(frames=12)
    assert switched(rate, Timeline(300, 30.0)).mode == "uniform"  # ten seconds: one look has them all
    assert [frames_in_all(way, timeline) for way in (rate, parts)] == [64, 600]
    asked = Conversation()
    question = asked.ask("What happens?", ("/film.mp4",))
    for way in (rate, parts):
        question.samplings = {"/film.mp4": way}
        assert in_parts(turns_of(asked, "Be brief.")) == (way is parts)
    asked.begin_answer().text = "A cube"  # it goes on from there: in one look
    assert not in_parts(turns_of(asked))
