"""The messages of a conversation: the newest are mounted, and the end is followed until the user scrolls up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from time import monotonic
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import var
from textual.widgets import Static

from vlmtui.chats.conversation import ChatMessage
from vlmtui.media.kinds import kind_of
from vlmtui.safetext import safe_text
from vlmtui.ui.widgets.message_view import MessageView, NoteView

# The number of mounted widgets is what a resize or a change of focus costs.
WINDOW = 20
_STILL_TYPING_S = 0.5

Entry = ChatMessage | str
"""What the transcript shows: a message, or a note from the app."""


class EarlierRow(Static, can_focus=True):
    """Says how many messages are not mounted, and brings some back."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "earlier", "Show earlier", id="chat.earlier_focused")]

    class Pressed(Message):
        """Earlier messages are wanted."""

    def action_earlier(self) -> None:
        """Ask for earlier messages."""
        self.post_message(self.Pressed())

    def on_click(self, event: events.Click) -> None:
        """Ask for earlier messages."""
        event.stop()
        self.action_earlier()


class Transcript(VerticalScroll):
    """Shows `entries` in order."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("end", "newest", "Newest", id="chat.newest", show=False),
        Binding("home", "scroll_home", "Oldest shown", id="chat.oldest", show=False),
        Binding("y", "copy_answer", "Copy answer", id="chat.copy"),
    ]

    unseen: var[bool] = var(False)
    """Whether text has come below what the user is reading."""

    def __init__(self, welcome: Content, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.entries: list[Entry] = []
        self._first = 0  # entries before this one are not mounted
        self._views: list[MessageView | NoteView] = []  # mounted, from entry `_first` on
        self._welcome = Static(welcome, id="welcome", markup=False)
        self._earlier = EarlierRow(id="earlier", markup=False)
        self._loading = False
        self.place_of: Callable[[ChatMessage], tuple[int, int]] = lambda _: (1, 1)
        """Which version of how many a message is."""
        self.typed_at = -_STILL_TYPING_S
        """When the user last wrote at the next question."""

    @property
    def earlier(self) -> int:
        """How many entries are not mounted."""
        return self._first

    @property
    def following(self) -> bool:
        """Whether the end is in view, so that new text scrolls it on."""
        return self.scroll_offset.y >= self.max_scroll_y

    @property
    def newest(self) -> MessageView | None:
        """The view of the newest message."""
        return next((view for view in reversed(self._views) if isinstance(view, MessageView)), None)

    def compose(self) -> ComposeResult:
        """Lay out the welcome, the row for earlier messages and what is there already."""
        yield self._welcome
        yield self._earlier
        yield from self._views

    def on_mount(self) -> None:
        """Follow the end."""
        self.anchor()
        self._sync()

    def add(self, entry: Entry) -> None:
        """Show `entry` below the others. A user's question scrolls to the end, wherever the user was reading."""
        jump = isinstance(entry, ChatMessage) and entry.role == "user"
        follows = jump or self.following
        self.entries.append(entry)
        view = self._view(entry)
        self._views.append(view)
        if self.is_attached:
            self.mount(view)
        if follows:
            self._trim()
        elif self.is_attached:
            self.call_after_refresh(self._check_seen)
        if jump and self.is_attached:
            self.action_newest()
        self._sync()

    def changed(self, message: ChatMessage) -> None:
        """The newest message has more text, or another state."""
        view = self.newest
        if view is not None and view.message is message:
            view.changed(typing=monotonic() - self.typed_at < _STILL_TYPING_S)

    def typed(self) -> None:
        """The user wrote at the next question: the answer is painted behind that."""
        self.typed_at = monotonic()
        if (view := self.newest) is not None and not view.up_to_date:
            self.call_after_refresh(view.show_due)

    def remove_newest_message(self) -> None:
        """Take the newest message away, e.g. a failed answer that is asked for again; notes below it stay."""
        view = self.newest
        if view is None:
            return
        del self.entries[self._first + self._views.index(view)]
        self._views.remove(view)
        if view.is_attached:
            view.remove()
        self._sync()

    def show(self, entries: Iterable[Entry]) -> None:
        """Show other entries in place of these."""
        for view in self._views:
            if view.is_attached:
                view.remove()
        self.entries = list(entries)
        self._first = max(0, len(self.entries) - WINDOW)
        self._views = [self._view(entry) for entry in self.entries[self._first :]]
        if self.is_attached:
            self.mount_all(self._views)
            self.action_newest()
        self._sync()

    async def load_earlier(self) -> None:
        """Mount the messages before the first one; what the user is reading stays where it is."""
        if self._loading or not self._first:
            return
        self._loading = True
        start = max(0, self._first - WINDOW)
        views = [self._view(entry) for entry in self.entries[start : self._first]]
        below = self.virtual_size.height - self.scroll_y
        self._first = start
        self._views[:0] = views
        try:
            async with self.batch():
                await self.mount_all(views, after=self._earlier)
                self._sync()
                # Scrolled in the same frame, or the reader would see the new messages flash by.
                added = sum(view.rows_at(self._views[-1].size.width) + 1 for view in views)
                self.set_scroll(None, self.scroll_y + added - (0 if self._first else 2))
        except BaseException:
            self._loading = False
            raise

        def restore() -> None:
            self.scroll_to(y=self.virtual_size.height - below, animate=False, force=True, immediate=True)
            self._loading = False

        self.call_after_refresh(restore)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Note that the end was reached, and load earlier messages at the top."""
        super().watch_scroll_y(old_value, new_value)
        if self.unseen and self.following:
            self.unseen = False
        if new_value <= 0 < old_value and self._first and not self._loading:
            self.run_worker(self.load_earlier(), exclusive=False)

    # Pages are turned at once: an animation is dozens of screens, which a slow line has to carry.

    def action_page_up(self) -> None:
        """Show the page above."""
        self.scroll_page_up(animate=False)

    def action_page_down(self) -> None:
        """Show the page below."""
        self.scroll_page_down(animate=False)

    def action_scroll_home(self) -> None:
        """Show the top; what is earlier still is loaded then."""
        self.scroll_home(animate=False)

    def action_newest(self) -> None:
        """Scroll to the end and follow it from now on."""
        self.unseen = False
        self.anchor()

    def action_copy_answer(self) -> None:
        """Copy the newest answer, as the Markdown that the model wrote."""
        for entry in reversed(self.entries):
            if isinstance(entry, ChatMessage) and entry.role == "assistant" and entry.text:
                self.app.copy_to_clipboard(safe_text(entry.text))
                self.notify("The answer is copied.", markup=False)
                return
        self.notify("There is no answer to copy yet.", severity="warning", markup=False)

    @on(EarlierRow.Pressed)
    async def _show_earlier(self, event: EarlierRow.Pressed) -> None:
        event.stop()
        await self.load_earlier()

    @on(MessageView.Grew)
    def _text_came(self, event: MessageView.Grew) -> None:
        event.stop()
        # Whether it is in view is only known once it is laid out.
        self.call_after_refresh(self._check_seen)

    def _check_seen(self) -> None:
        if not self.following:
            self.unseen = True

    def _trim(self) -> None:
        """Unmount the oldest views beyond the window."""
        over = len(self._views) - WINDOW
        if over <= 0 or self._loading:
            return
        for view in self._views[:over]:
            if view.is_attached:
                view.remove()
        del self._views[:over]
        self._first += over

    def _view(self, entry: Entry) -> MessageView | NoteView:
        if isinstance(entry, str):
            return NoteView(entry)
        return MessageView(entry, place=self.place_of(entry), moments=self._follows_video(entry))

    def _follows_video(self, entry: ChatMessage) -> bool:
        """Return whether a video was asked about before `entry`: a time that it names is a moment of it."""
        for before in self.entries:
            if before is entry:
                break
            if isinstance(before, ChatMessage) and any(kind_of(path) == "video" for path in before.attachments):
                return True
        return False

    def _sync(self) -> None:
        self._welcome.display = not self.entries
        self._earlier.display = self._first > 0
        many = "s" if self._first != 1 else ""
        self._earlier.update(Content(f"↑ {self._first} earlier message{many}"))
