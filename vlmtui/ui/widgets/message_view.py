"""One message of the transcript, drawn as one widget: a question, or an answer from its first word to its end."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style
from textual.timer import Timer
from textual.visual import Visual
from textual.widget import Widget

from vlmtui.chats.conversation import AnswerStats, ChatMessage
from vlmtui.safetext import safe_line, safe_text
from vlmtui.timestamps import moments
from vlmtui.ui.widgets.chips import mark_of
from vlmtui.ui.widgets.lines import Line, LinesVisual, RowsVisual
from vlmtui.ui.widgets.markdown_lines import MarkdownLines

# Faster than this nobody reads, and each paint costs the machine that also generates. Between two paints of an answer
# there is time for keys: so many times what a paint takes on this machine. While the user types, the answer is painted
# right behind a key's own paint, when the next key is farthest.
_SECONDS_BETWEEN_PAINTS = 1 / 20
_MOST_SECONDS_BETWEEN_PAINTS = 1 / 4
_PAINTS_LEFT_FREE = 6
_SECONDS_WHILE_TYPING = 1 / 3
_DIM = "$foreground 60%"
_RETRY = {"chat": "retry"}
_STEPS = {"older": -1, "newer": 1}


class MessageView(Widget, can_focus=False):
    """Shows `message`; a failed answer can be focused, and asked for again.

    The conversation is the truth: the view reads the message when told that it changed, and adds nothing to it.
    """

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "retry", "Retry", id="chat.retry_focused")]

    class Retry(Message):
        """The failed answer shall be asked for again."""

    class Grew(Message, bubble=True):
        """The answer has more text on the screen than before."""

    class VersionWanted(Message):
        """The version before or after shall be shown."""

        def __init__(self, message: ChatMessage, by: int) -> None:
            super().__init__()
            self.message = message
            self.by = by

    class MomentWanted(Message):
        """A moment of the video that was asked about shall be shown."""

        def __init__(self, message: ChatMessage, seconds: int) -> None:
            super().__init__()
            self.message = message
            self.seconds = seconds

    def __init__(self, message: ChatMessage, *, place: tuple[int, int] = (1, 1), moments: bool = False) -> None:
        """Show `message`, version `place[0]` of `place[1]`; with `moments`, times in an answer lead into a video."""
        super().__init__(classes=f"-{message.role}")
        self.auto_links = False
        self.message = message
        self._place = place
        self._moments = moments
        self._markdown = MarkdownLines()
        self._taken = 0  # characters of `message.text` that are laid out
        self._painted_at = 0.0
        self._paint_took = 0.0
        self._timer: Timer | None = None
        self._visual = LinesVisual([])
        self._changed_from = 0  # the first line that is not as it was painted
        self._painting: dict[int, Strip] = {}  # the rows that are being painted
        self._lay_out()

    def changed(self, *, typing: bool = False) -> None:
        """The message has more text, or another state: show it, soon enough for the eye.

        Args:
            typing: the user is writing the next question: keys come first.
        """
        if self.message.state != "streaming" or not self._markdown.lines:  # the first words, and the end: at once
            self._show()
        elif self._timer is None:
            pause = max(_SECONDS_BETWEEN_PAINTS, _PAINTS_LEFT_FREE * self._paint_took)
            pause = min(pause, _MOST_SECONDS_BETWEEN_PAINTS)
            if typing:
                pause = max(pause, _SECONDS_WHILE_TYPING)
            due = self._painted_at + pause - monotonic()
            if due <= 0:
                self._show()
            else:
                self._timer = self.set_timer(due, self._show)

    def show_due(self) -> None:
        """Show what waits for a paint, if the last one is long enough ago."""
        long_ago = monotonic() - self._painted_at >= _SECONDS_BETWEEN_PAINTS
        if self._timer is not None and self.is_attached and long_ago:
            self._show()

    @property
    def up_to_date(self) -> bool:
        """Whether no paint is being waited for."""
        return self._timer is None

    def action_retry(self) -> None:
        """Ask for the failed answer again."""
        if self.message.state == "failed":
            self.post_message(self.Retry())

    def on_click(self, event: events.Click) -> None:
        """Retry, when that is what was clicked."""
        what = event.style.meta.get("chat")
        if what == "retry":
            event.stop()
            self.action_retry()
        elif what in _STEPS:
            event.stop()
            self.post_message(self.VersionWanted(self.message, _STEPS[what]))
        elif (moment := event.style.meta.get("moment")) is not None:
            event.stop()
            self.post_message(self.MomentWanted(self.message, moment))

    def render(self) -> Visual:
        """Return what `_lay_out` made."""
        return self._visual

    def render_lines(self, crop: Region) -> list[Strip]:
        """Render the rows in view, and no others: an answer may have thousands."""
        first = max(0, crop.y - self.gutter.top)
        self._painting = dict(enumerate(self._rows(first, first + crop.height), first))
        try:
            return super().render_lines(crop)
        finally:
            self._painting = {}

    def render_line(self, y: int) -> Strip:
        """Return row `y` of the text."""
        if y in self._painting:
            return self._painting[y]
        return next(iter(self._rows(y, y + 1)), Strip.blank(self.content_size.width, self.visual_style.rich_style))

    def _rows(self, first: int, end: int) -> list[Strip]:
        if not self.is_attached:  # taken away since, but still on the screen
            return []
        rows = RowsVisual(self._visual, first, end)
        return Visual.to_strips(self, rows, self.content_size.width, None, self.visual_style)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return how many rows the text takes."""
        return self.rows_at(width) if width else 0

    def rows_at(self, width: int) -> int:
        """Return how many rows the text takes at `width` cells."""
        return self._visual.tops(width)[-1]

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text, with its line breaks as they were written."""
        return self._visual.extract(selection), "\n"

    def notify_style_update(self) -> None:
        """Render again with the new theme's colours."""
        for line in self._visual.lines:
            line.forget()
        super().notify_style_update()

    def _show(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._painted_at = monotonic()
        self._lay_out()
        width, height = self.content_size
        # Most tokens do not start a new row: then nothing else on the screen moves, and no layout is due.
        if width and self.rows_at(width) == height:
            first = self._visual.tops(width)[self._changed_from]
            self.refresh(Region(0, first, width, max(1, height - first)))
        else:
            self.refresh(layout=True)
        self.call_after_refresh(self._painted)
        self.post_message(self.Grew())

    def _painted(self) -> None:
        self._paint_took = monotonic() - self._painted_at

    def _lay_out(self) -> None:
        message = self.message
        self.can_focus = message.state == "failed"
        self.set_class(message.state == "failed", "-failed")
        self._changed_from = 0
        if message.role != "assistant":
            self._visual = LinesVisual(
                [*_attachments(message.attachments), *_plain(message.text), *_versions(self._place)]
            )
            return
        self._take_text()
        if message.state != "streaming":
            self._markdown.complete()
            if self._moments:
                self._markdown.lines[:] = [_with_moments(line) for line in self._markdown.lines]
            end = [*_ending(message), *_versions(self._place)]
        elif not self._markdown.lines:
            end = [Line(Content.styled(_waiting(message.stats), _DIM))]
        else:
            end = []
            self._changed_from = self._markdown.changed_from
        self._visual = LinesVisual([*self._markdown.lines, *end])

    def _take_text(self) -> None:
        text = self.message.text
        end = len(text)
        if self.message.state == "streaming" and text.endswith("\r"):
            end -= 1  # its \n may be on the way: together they are one line break
        self._markdown.append(safe_text(text[self._taken : end]))
        self._taken = end


class NoteView(Widget):
    """A dimmed line from the app itself, among the messages."""

    DEFAULT_CSS = "NoteView { height: auto; }"

    def __init__(self, text: str) -> None:
        super().__init__()
        self.auto_links = False
        self._visual = LinesVisual([Line(Content(part)) for part in safe_text(text).split("\n")])

    def render(self) -> Visual:
        """Return the note."""
        return self._visual

    def rows_at(self, width: int) -> int:
        """Return how many rows the text takes at `width` cells."""
        return self._visual.tops(width)[-1]

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text."""
        return self._visual.extract(selection), "\n"


def describe_stats(stats: AnswerStats) -> str:
    """Return what an answer took as one short line; empty when nothing is known."""
    parts: list[str] = []
    if stats.reason == "stopped":
        parts.append("stopped")
    elif stats.reason == "length":
        parts.append("cut at the length limit")
    if stats.continued:
        parts.append("continued" if stats.continued == 1 else f"continued {stats.continued} times")
    if stats.completion_tokens:
        parts.append(f"{stats.completion_tokens} token{'s' if stats.completion_tokens != 1 else ''}")
    if stats.tokens_per_s:
        parts.append(f"{stats.tokens_per_s:.1f} tok/s")
    if stats.ttft_s:
        parts.append(f"ttft {stats.ttft_s:.2f} s")
    if stats.image_tokens:
        parts.append(f"{stats.image_tokens} image tokens")
    if remembered := _remembered(stats):
        parts.append(remembered)
    return " · ".join(parts)


def _remembered(stats: AnswerStats) -> str:
    """Return what did not have to be read or seen again for an answer; empty where all of it was new."""
    known: list[str] = []
    if stats.known_tokens:
        known.append(f"{stats.known_tokens:,} of {stats.prompt_tokens:,} tokens")
    if stats.known_pictures:
        known.append(f"{stats.known_pictures} of {stats.pictures} picture{'s' if stats.pictures != 1 else ''}")
    if not known:
        return ""
    saved = f", about {stats.saved_s:.1f} s saved" if stats.saved_s >= 0.05 else ""
    return f"known before: {' and '.join(known)}{saved}"


def _waiting(stats: AnswerStats) -> str:
    """Return what stands in place of an answer before its first word: on a CPU a picture takes a while."""
    if stats.part:
        return safe_line(stats.part)
    if not stats.image_tokens:
        return "…"
    return f"Looking at {stats.image_tokens:,} image token{'s' if stats.image_tokens != 1 else ''}…"


def _attachments(paths: tuple[str, ...]) -> list[Line]:
    return [
        Line(
            Content.styled(safe_line(Path(path).name), _DIM),
            Content.styled(f"{mark_of(Path(path))} ", "$text-accent"),
            Content("  "),
        )
        for path in paths
    ]


def _plain(text: str) -> list[Line]:
    return [Line(Content(part)) for part in safe_text(text).split("\n")]


def _with_moments(line: Line) -> Line:
    """Return the line with its times, as in 1:05, as links into the video."""
    content = line.content
    found = moments(content.plain)
    for moment in found:
        link = Style(underline=True) + Style.from_meta({"moment": moment.seconds})
        content = content.stylize(link, moment.start, moment.end)
    return Line(content, line.lead, line.hang, line.fill) if found else line


def _versions(place: tuple[int, int]) -> list[Line]:
    """Return which version of how many it is, with a way to the others; nothing where it is the only one."""
    number, count = place
    if count < 2:
        return []
    older, newer = (
        Content(f" {sign} ").stylize(Style.from_meta({"chat": way})) for sign, way in (("◀", "older"), ("▶", "newer"))
    )
    return [Line(older + Content.styled(f"{number}/{count}", _DIM) + newer)]


def _ending(message: ChatMessage) -> list[Line]:
    """Return what stands below an answer: what it took; for a failed one the cause, the remedy and a way to retry."""
    lines: list[Line] = []
    if message.state == "failed":
        if message.text:
            lines.append(Line())
        cause = safe_line(message.error) or "The answer failed."
        lines.append(Line(Content(cause), Content.styled("✗ ", "bold $text-error"), Content("  ")))
        if remedy := safe_line(message.remedy):
            lines.append(Line(Content.styled(remedy, _DIM), Content("  "), Content("  ")))
        retry = Content(" ↻ Retry  F5 ")
        retry = retry.stylize("$text-primary on $primary-muted").stylize(Style.from_meta(_RETRY))
        lines.append(Line(retry, Content("  "), Content("  ")))
        return lines
    if not message.text.strip() and message.state == "done":
        lines.append(Line(Content.styled("The model ended its turn without a word.", f"italic {_DIM}")))
    if details := describe_stats(message.stats):
        lines.append(Line(Content.styled(details, "$foreground 45%")))
    return lines
