"""Jump mode: a letter on every place that takes the focus; one key goes there."""

from __future__ import annotations

from string import ascii_lowercase, digits

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Static

_LETTERS = ascii_lowercase + digits


def places(screen: Screen[object]) -> list[tuple[Widget, int, int]]:
    """Return what on `screen` takes the focus and can be seen, with the cell at its top left, in reading order."""
    found: list[tuple[Widget, int, int]] = []
    for widget in screen.focus_chain:
        seen = screen.find_widget(widget).visible_region
        if seen.area:
            found.append((widget, seen.x, seen.y))
    taken: set[tuple[int, int]] = set()
    free: list[tuple[Widget, int, int]] = []
    for widget, x, y in sorted(found, key=lambda place: (place[2], place[1]))[: len(_LETTERS)]:
        while (x, y) in taken:  # one inside another: the letters stand side by side
            x += 3
        taken.add((x, y))
        free.append((widget, x, y))
    return free


class Jump(ModalScreen[Widget | None]):
    """The letters over the screen below; returns the widget of the one that was pressed or clicked."""

    DEFAULT_CSS = """
    Jump { background: transparent; align: left top; }
    Jump Static {
        position: absolute;
        width: 3;
        height: 1;
        color: $background;
        background: $warning;
        text-style: bold;
    }
    """

    def __init__(self, found: list[tuple[Widget, int, int]]) -> None:
        super().__init__(id="jump")
        self._found = dict(zip(_LETTERS, found, strict=False))

    def compose(self) -> ComposeResult:
        for letter, (_, x, y) in self._found.items():
            label = Static(f" {letter} ", name=letter, markup=False)
            label.styles.offset = (x, y)
            yield label

    def on_key(self, event: events.Key) -> None:
        """Go to the letter's place; any other key leaves."""
        event.stop()
        event.prevent_default()
        self._leave(event.key)

    def on_click(self, event: events.Click) -> None:
        """A click on a letter is as good as its key."""
        event.stop()
        self._leave(event.widget.name if event.widget is not None else None)

    def on_resize(self, event: events.Resize) -> None:
        """The letters would stand in wrong places."""
        if event.size != self.app.size:
            self.dismiss(None)

    def _leave(self, letter: str | None) -> None:
        place = self._found.get(letter or "")
        self.dismiss(place[0] if place is not None else None)
