"""Conversations in the real workbench: they come back, are listed, searched, renamed, deleted and brought back."""

from __future__ import annotations

from pathlib import Path

from textual import events
from textual.pilot import Pilot

from tests.ui.conftest import MakeApp, ready, screen_text, type_text, until
from vlmtui.chats.presets import Preset
from vlmtui.chats.store import ChatStore
from vlmtui.paths import chats_file
from vlmtui.settings import Settings
from vlmtui.ui.app import VlmtuiApp
from vlmtui.ui.widgets.prompt import Prompt


async def ask(pilot: Pilot[object], app: VlmtuiApp, question: str) -> None:
    app.workbench.show_part("chat")
    await until(pilot, lambda: app.focused is not None and app.focused.id == "prompt")
    before = len(app.workbench.conversation.messages)
    await type_text(pilot, question)
    await pilot.press("enter")
    await until(pilot, lambda: len(app.workbench.conversation.messages) == before + 2 and not app.workbench.chat.busy)


async def test_the_last_conversation_of_the_folder_is_back(make_shell: MakeApp, workspace: Path) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await pilot.press("down")
        await until(pilot, lambda: app.workbench.chat.attachments)
        await ask(pilot, app, "What is this?")
        answer = app.workbench.conversation.messages[1]
        assert app.workbench.conversation.model
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        again = app.workbench.conversation.messages
        assert [message.text for message in again] == ["What is this?", answer.text]
        assert again[0].attachments == (str(workspace / "picture1.png"),)
        assert again[1].stats == answer.stats
        await until(pilot, lambda: "What is this?" in screen_text(pilot))
        await ask(pilot, app, "And now?")  # it goes on where it was
        assert app.workbench.conversation.messages[3].stats.image_tokens == 16


async def test_conversations_are_listed_searched_renamed_deleted_and_opened(
    make_shell: MakeApp, workspace: Path
) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await ask(pilot, app, "first question")
        first = app.workbench.conversation
        await pilot.press("ctrl+n")
        assert app.workbench.conversation is not first
        await ask(pilot, app, "second question")
        second = app.workbench.conversation

        await pilot.press("ctrl+l")
        await until(pilot, lambda: "● second question" in screen_text(pilot))
        await pilot.press("slash", *"firs")
        await until(pilot, lambda: "● second question" not in screen_text(pilot))
        await pilot.press("down", "p", "r")
        await until(pilot, lambda: "★ first question" in screen_text(pilot))
        await pilot.press("ctrl+u")  # empties the field
        await type_text(pilot, "About shapes")
        await pilot.press("enter")
        await until(pilot, lambda: "★ About shapes" in screen_text(pilot))
        await pilot.press("e")
        file = workspace / f"chat-{first.id[:8]}.md"
        await until(pilot, file.exists)
        assert "first question" in file.read_text(encoding="utf-8")
        await pilot.press("d")
        await until(pilot, lambda: "u brings it back" in screen_text(pilot))
        await pilot.press("u")
        await until(pilot, lambda: "★ About shapes" in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: app.workbench.conversation.id == first.id)
        assert app.workbench.conversation.messages[0].text == "first question"

        # The one on show is deleted: an empty one takes its place, and nothing brings it back by itself.
        await pilot.press("ctrl+l")
        await until(pilot, lambda: "★ About shapes" in screen_text(pilot))
        await pilot.press("d", "escape")
        await until(pilot, lambda: not app.workbench.conversation.messages)
        assert [entry.id for entry in ChatStore(chats_file()).entries()] == [second.id]


async def test_a_damaged_database_costs_a_line_not_the_chat(make_shell: MakeApp) -> None:
    chats_file().parent.mkdir(parents=True)
    chats_file().write_bytes(b"damaged " * 1000)
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        assert [problem.source for problem in app.problems] == ["Conversations"]
        await ask(pilot, app, "still there?")
        assert len(app.workbench.conversation.messages) == 2
    assert chats_file().read_bytes() == b"damaged " * 1000


async def test_versions_are_kept_and_paged_through_and_questions_edited(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        chat = app.workbench.chat
        await ask(pilot, app, "first words")
        await pilot.press("f5")  # another version of the answer
        await until(pilot, lambda: "2/2" in screen_text(pilot))
        conversation = app.workbench.conversation
        first, second = conversation.versions(conversation.messages[1])
        assert conversation.messages[1] is second
        assert first.text == second.text  # greedy
        await pilot.press("shift+tab", "left")
        await until(pilot, lambda: "◀ 1/2 ▶" in screen_text(pilot))
        assert conversation.messages[1] is first

        await pilot.press("k", "e")  # with the cursor: on the question
        await until(pilot, lambda: app.focused is not None and app.focused.id == "prompt")
        await pilot.press("end")
        await type_text(pilot, " again")
        await pilot.press("enter")
        await until(pilot, lambda: not chat.busy and len(conversation.messages) == 2 and len(conversation.aside) == 3)
        assert conversation.messages[0].text == "first words again"

        await pilot.press("shift+tab", "k", "k", "left")
        await until(pilot, lambda: conversation.messages[0].text == "first words")
        assert len(conversation.messages) == 2
        await pilot.press("q")
        await until(pilot, lambda: "> first words" in screen_text(pilot))
        await pilot.press("shift+tab", "y")
        await until(pilot, lambda: app.clipboard == "first words")
        kept = ChatStore(chats_file()).load(conversation.id)
        assert {message.id for message in kept.everything()} == {each.id for each in conversation.everything()}
        assert [message.id for message in kept.messages] == [message.id for message in conversation.messages]


async def test_a_version_is_paged_by_click(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await ask(pilot, app, "words")
        await pilot.press("f5")
        await until(pilot, lambda: "◀ 2/2 ▶" in screen_text(pilot))
        y, line = next((y, line) for y, line in enumerate(screen_text(pilot).splitlines()) if "◀ 2/2" in line)
        await pilot.click(offset=(line.index("◀"), y))
        await until(pilot, lambda: "◀ 1/2 ▶" in screen_text(pilot))


async def test_a_preset_is_asked_by_its_letter_or_says_what_is_missing(make_shell: MakeApp, workspace: Path) -> None:
    own = {"Shapes": Preset(prompt="How many shapes?", key="s")}
    settings = Settings(device="cpu", graphics="half-block", max_new_tokens=8, presets=own)
    async with make_shell(settings=settings).run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        app.workbench.show_part("chat")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "Shapes" in screen_text(pilot) and "Compare pictures" in screen_text(pilot))
        await pilot.press("p")
        await until(pilot, lambda: "Attach 2 pictures" in screen_text(pilot))
        assert not app.workbench.conversation.messages
        app.workbench.chat.attach(workspace / "picture1.png")
        app.workbench.chat.attach(workspace / "picture2.png")
        await pilot.press("enter")
        await until(pilot, lambda: len(app.workbench.conversation.messages) == 2 and not app.workbench.chat.busy)
        assert len(app.workbench.conversation.messages[0].attachments) == 2
        await pilot.press("ctrl+r", "s")
        await until(pilot, lambda: len(app.workbench.conversation.messages) == 4 and not app.workbench.chat.busy)
        assert app.workbench.conversation.messages[2].text == "How many shapes?"


async def test_files_are_attached_by_name_and_by_pasting_their_path(make_shell: MakeApp, workspace: Path) -> None:
    async with make_shell().run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        chat = app.workbench.chat
        app.workbench.show_part("chat")
        await type_text(pilot, "look ")
        await pilot.press("@", *"insi")
        await until(pilot, lambda: "more/inside.png" in screen_text(pilot))
        await pilot.press("tab")
        await until(pilot, lambda: chat.attachments == (workspace / "more" / "inside.png",))
        prompt = app.focused
        assert isinstance(prompt, Prompt) and prompt.text == "look "
        await pilot.press("@", *"pict", "escape")
        await until(pilot, lambda: not prompt.completing and prompt.text == "look @pict")
        await pilot.press("u")
        assert not prompt.completing
        prompt.post_message(events.Paste(f"'{workspace / 'picture2.png'}'"))
        await until(pilot, lambda: [path.name for path in chat.attachments] == ["inside.png", "picture2.png"])
        assert prompt.text == "look @pictu"


async def test_the_side_bar_lists_them_beside_the_work_and_follows(make_shell: MakeApp, workspace: Path) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        bench = app.workbench
        await ask(pilot, app, "first question")
        first = bench.conversation
        await app.run_action("app.run_action_of('view.chats')")
        await until(pilot, lambda: "● first question" in screen_text(pilot))
        assert app.focused is not None and app.focused.id == "chats-list"
        await pilot.press("ctrl+n")
        await ask(pilot, app, "second one")
        await until(pilot, lambda: "● second one" in screen_text(pilot))  # the list follows what is said
        await app.run_action("app.run_action_of('view.chats')")
        await pilot.press("end", "enter")
        await until(pilot, lambda: bench.conversation.id == first.id and "● first question" in screen_text(pilot))
        await app.run_action("app.run_action_of('view.chats')")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "chats-list")
        await pilot.press("d")  # the one on show: a new one comes in its place
        await until(pilot, lambda: not bench.conversation.messages and "Deleted: first question" in screen_text(pilot))
