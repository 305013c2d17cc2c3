"""Toasts that do not pile up: a few at a time, none twice."""

from __future__ import annotations

from textual.app import App
from textual.notifications import Notification
from textual.widgets._toast import Toast

_MOST = 3
_MOST_IF_LOW = 1
_LOW = 20
"""Windows of fewer rows show one toast: three would cover them."""


def make_room(app: App[int], notification: Notification) -> None:
    """Take the toasts off the screen that say the same as `notification`, and the oldest where there are too many."""
    most = _MOST if app.size.height >= _LOW else _MOST_IF_LOW
    # Textual names no public way to take a single toast off the screen.
    shown = list(app._notifications)
    said = (notification.message, notification.title, notification.severity)
    same = [old for old in shown if (old.message, old.title, old.severity) == said]
    others = [old for old in shown if old not in same]
    gone = {old.identity: old for old in [*same, *others[: max(0, len(others) - most + 1)]]}
    for old in gone.values():
        app._unnotify(old, refresh=False)
    for toast in app.screen.query(Toast):
        if toast._notification.identity in gone and toast.parent is not None:
            toast.parent.remove()  # type: ignore[attr-defined]
