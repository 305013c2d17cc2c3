"""Showing and hiding a widget so that it is told."""

from __future__ import annotations

from textual.widget import Widget


def show(widget: Widget, shown: bool) -> None:
    """Show or hide `widget`.

    After a scroll, Textual makes its map of the screen anew when somebody first asks where a widget is. Asked between a
    change of `display` and its layout, the map has the change already, the layout finds nothing new, and the widget
    gets neither `Show` nor `Resize`: a viewer would stay paused, or at its old size. So the map is asked for before.
    """
    if widget.display != shown:
        _ = widget.region
        widget.display = shown
