"""Textual's driver with one addition: it can ask the terminal a question without its answers becoming key presses.

Textual 8 takes an answer that it does not know for typed text: `_Gi=31;OK` would appear in the prompt. Here the input
passes a `ReplyFilter` first, in the same thread that reads it.
"""

from __future__ import annotations

import os
import selectors
import threading
import time
from codecs import getincrementaldecoder
from collections.abc import Callable

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from vlmtui.ui.graphics.replies import QUESTION, Replies, ReplyFilter

_WAIT_S = 1.5


class AskingDriver(LinuxDriver):
    """A `LinuxDriver` with `ask`."""

    _filter: ReplyFilter | None = None
    _answered: threading.Event
    _asked_at = 0.0

    def ask(self, then: Callable[[Replies], None]) -> None:
        """Send the question and return at once; `then` is called in the app's loop with what came in 1.5 s.

        Call it once the first paint is out. Answers that come later still are no key presses.
        """
        replies = self._replies_filter()
        if not os.isatty(self.fileno) or self._asked_at:
            self._loop.call_soon(then, replies.replies)
            return
        self._answered = threading.Event()
        self._asked_at = time.monotonic()
        replies.begin()
        done = False

        def finish() -> None:
            nonlocal done
            if not done:
                done = True
                then(replies.replies)

        self._finish = finish
        self._loop.call_later(_WAIT_S, finish)
        self.write(QUESTION)
        self.flush()

    def run_input_thread(self) -> None:
        """Read what is typed and turn it into messages, until the driver stops."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")().decode
        replies = self._replies_filter()
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(0.1):
                    data = os.read(self.fileno, 4096)
                    if not data:
                        self.exit_event.wait(0.1)  # the terminal has gone; the app is told by its hang-up
                        continue
                    waiting = not replies.replies.complete
                    text = replies.feed(decode(data))
                    if waiting and replies.replies.complete:
                        self._answered.set()
                        self._loop.call_soon_threadsafe(self._finish)
                else:
                    text = replies.release()
                if text:
                    for message in parser.feed(text):
                        self.process_message(message)
                for message in parser.tick():
                    self.process_message(message)
        for _ in parser.feed(""):
            pass

    def disable_input(self) -> None:
        """Stop reading; an answer that is still on its way is waited for, lest the shell takes it for a command."""
        if self._asked_at and time.monotonic() - self._asked_at < _WAIT_S and not self.exit_event.is_set():
            self._answered.wait(0.4)
        super().disable_input()

    def _replies_filter(self) -> ReplyFilter:
        if self._filter is None:
            self._filter = ReplyFilter()
        return self._filter
