"""The explorer's two fields: letters that names must have, and a new name in an entry's place."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.widgets import Input


class FilterInput(Input):
    """Letters of names. The arrow keys stay the explorer's."""

    class Typed(Message):
        """Other letters are asked for."""

        def __init__(self, letters: str) -> None:
            super().__init__()
            self.letters = letters

    class Done(Message):
        """The letters shall stay."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, placeholder="letters of the name", compact=True)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say so."""
        event.stop()
        self.post_message(self.Typed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Say so."""
        event.stop()
        self.post_message(self.Done())

    def on_blur(self, event: events.Blur) -> None:
        """The user has gone elsewhere, by a click or a key: the letters stay."""
        if self.display:
            self.post_message(self.Done())


class NameInput(Input):
    """A name that is typed in the place of an entry."""

    class Typed(Message):
        """This shall be the name."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """The field was left: nothing is to be done."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, compact=True, select_on_focus=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Nothing follows what is typed."""
        event.stop()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Say so."""
        event.stop()
        self.post_message(self.Typed(event.value))

    def key_escape(self) -> None:
        """Leave things as they are."""
        self.post_message(self.Left())

    def on_blur(self, event: events.Blur) -> None:
        """The user has gone elsewhere."""
        if self.display:
            self.post_message(self.Left())
