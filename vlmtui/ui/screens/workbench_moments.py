"""What the workbench does with the moments of a video that an answer names: it goes there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual.widget import Widget

if TYPE_CHECKING:
    from vlmtui.chats.conversation import ChatMessage
    from vlmtui.ui.screens.workbench import Workbench
    from vlmtui.ui.widgets.message_view import MessageView


class MomentActions(Widget if TYPE_CHECKING else object):  # type: ignore[misc]
    """The part of `Workbench` that jumps from an answer into its video."""

    _jumped: tuple[str, int] = ("", -1)  # the answer, and which of its moments was shown last

    async def on_message_view_moment_wanted(self, message: MessageView.MomentWanted) -> None:
        """A moment in an answer was clicked."""
        await self._go_to(message.message, message.seconds)

    async def action_next_moment(self) -> None:
        """Show the next moment that the newest answer names, round at the end."""
        from vlmtui.timestamps import moments

        bench = cast("Workbench", self)
        if not bench.complete:
            return
        answers = [said for said in bench.conversation.messages if said.role == "assistant" and moments(said.text)]
        if not answers:
            self.notify("No answer names a moment of a video, as in 1:05.")
            return
        answer = answers[-1]
        named = moments(answer.text)
        at = (self._jumped[1] + 1) % len(named) if self._jumped[0] == answer.id else 0
        self._jumped = (answer.id, at)
        await self._go_to(answer, named[at].seconds)

    async def _go_to(self, answer: ChatMessage, seconds: int) -> None:
        from vlmtui.media.kinds import kind_of

        bench = cast("Workbench", self)
        videos: list[str] = []
        for said in bench.conversation.messages:
            videos += [path for path in said.attachments if kind_of(path) == "video"]
            if said is answer:
                break
        if not videos:
            self.notify("There is no video in this conversation.")
            return
        await bench.editors.open(Path(videos[-1]), "video", pin=True)
        bench.viewer.show_at(seconds)
