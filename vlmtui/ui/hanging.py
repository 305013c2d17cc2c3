"""Text that wraps beside what it belongs to, not under it, at whatever width it is drawn."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.css.styles import RulesMap
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual

_LEAST = 16
"""Cells that a text needs beside its head; with fewer its lines begin near the left."""
_BELOW = 2


class _Laid(Visual):
    """What is laid out as text when the width is known."""

    @abstractmethod
    def at(self, width: int) -> Content:
        """Return it for `width` cells."""

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        """Draw it."""
        return self.at(width).render_strips(width, height, style, options)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        """Return the cells that its longest line takes."""
        return self.at(container_width).get_optimal_width(rules, container_width)

    def get_height(self, rules: RulesMap, width: int) -> int:
        """Return the lines that it takes."""
        return self.at(width).get_height(rules, width)


class Hanging(_Laid):
    """A head with a text behind it, of which all lines begin in one column."""

    def __init__(self, head: Content, text: Content) -> None:
        """Args:
        head: What stands before the text; with a newline, its last line does.
        text: To be wrapped.
        """
        self._head, self._text = head, text
        self._indent = cell_len(head.plain.rpartition("\n")[2])

    def at(self, width: int) -> Content:
        """Return it wrapped to `width` cells."""
        beside = width - self._indent >= _LEAST or self._indent <= _BELOW
        indent = self._indent if beside else _BELOW
        lines = self._text.wrap(max(1, width - indent))
        wrapped = Content(f"\n{' ' * indent}").join(lines)
        return self._head + (wrapped if beside else Content(f"\n{' ' * indent}") + wrapped)


class Stacked(_Laid):
    """Several of them, and texts, one below the other."""

    def __init__(self, parts: Sequence[Content | Hanging]) -> None:
        self._parts = parts

    def at(self, width: int) -> Content:
        """Return them all for `width` cells."""
        return Content("\n").join(part if isinstance(part, Content) else part.at(width) for part in self._parts)
