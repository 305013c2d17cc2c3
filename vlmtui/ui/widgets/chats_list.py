"""The conversations that are kept: search as you type, open, pin, rename, delete and undo, export."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from vlmtui.chats.exporting import SUFFIXES, ExportError, Form, exported
from vlmtui.chats.store import ChatStore, Entry, StoreError
from vlmtui.safetext import safe_line

_SEARCH = "/ searches in all that was said"
_MOST = 500


class ChatsList(Widget):
    """Lists the conversations of `store`, of one folder or of all.

    Attributes:
        current: the id of the conversation that is on show.
    """

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", id="chats.search"),
        Binding("p", "pin", "Pin", id="chats.pin"),
        Binding("r", "rename", "Rename", id="chats.rename"),
        Binding("d,delete", "delete", "Delete", id="chats.delete"),
        Binding("u", "undo", "Undo delete", id="chats.undo"),
        Binding("e", "export('markdown')", "Markdown", id="chats.export_markdown"),
        Binding("j", "export('json')", "JSON", id="chats.export_json"),
        Binding("t", "export('dataset')", "Data set row", id="chats.export_row"),
        Binding("f", "fine_tune", "Fine-tune on it", id="chats.fine_tune"),
        Binding("a", "all_folders", "All folders", id="chats.all_folders"),
    ]

    class OpenRequested(Message):
        """A conversation shall be shown."""

        def __init__(self, id: str) -> None:
            super().__init__()
            self.id = id

    class Deleted(Message):
        """A conversation was deleted."""

        def __init__(self, id: str) -> None:
            super().__init__()
            self.id = id

    class FineTuneRequested(Message):
        """A model shall be trained on the rows in `file`, to which a conversation was added."""

        def __init__(self, file: Path) -> None:
            super().__init__()
            self.file = file

    class Restored(Deleted):
        """A deleted conversation is back."""

    class Renamed(Deleted):
        """A conversation has another title, or was pinned or unpinned."""

    def __init__(self, store: ChatStore, workspace: str, *, current: str = "", id: str | None = None) -> None:
        """List the conversations of `store` that belong to the folder `workspace`; exports are written there."""
        super().__init__(id=id)
        self._store = store
        self._workspace = workspace
        self._everywhere = False
        self._entries: list[Entry] = []
        self._deleted: list[str] = []
        self._mode: Literal["search", "rename"] = "search"
        self._renamed = ""
        self._words = ""
        self.current = current
        self._input = Input(placeholder=_SEARCH, compact=True, id="chats-input")
        self._list = OptionList(markup=False, compact=True, id="chats-list")
        self._says = Static("", id="chats-says", markup=False)

    def compose(self) -> ComposeResult:
        """Lay out the field, the list and the line below."""
        yield self._input
        yield self._list
        yield self._says

    def on_mount(self) -> None:
        """List what is there."""
        self.refresh_list(self.current)

    def focus_list(self) -> None:
        """Give the list the focus."""
        self._list.focus()

    @property
    def highlighted(self) -> Entry | None:
        """The entry under the cursor."""
        at = self._list.highlighted
        return self._entries[at] if at is not None and at < len(self._entries) else None

    def refresh_list(self, stay: str | None = None) -> None:
        """List what is there now; the cursor stays on `stay`, else on what it was on."""
        held = self.highlighted
        stay = stay or (held.id if held is not None else "")
        at = self._list.highlighted or 0
        place = None if self._everywhere else self._workspace
        try:
            self._entries = self._store.search(self._words, place)[:_MOST]
        except StoreError as error:
            self._say(str(error))
            return
        self._list.clear_options()
        self._list.add_options(Option(self._line(entry)) for entry in self._entries)
        if self._entries:
            found = next((i for i, entry in enumerate(self._entries) if entry.id == stay), None)
            self._list.highlighted = min(at, len(self._entries) - 1) if found is None else found
        elif self._words:
            self._say("Nothing was found.")
        else:
            self._say("No conversation is kept here yet.")

    def _line(self, entry: Entry) -> Content:
        when = datetime.fromtimestamp(entry.updated).strftime("%Y-%m-%d %H:%M")
        mark = "★ " if entry.pinned else "● " if entry.id == self.current else "  "
        name = Content(f"{mark}{safe_line(entry.name, 60) or 'Conversation'}")
        name = name.stylize("bold") if entry.id == self.current else name
        detail = f"  {when} · {entry.messages}"
        if self._everywhere:
            detail += f" · {safe_line(Path(entry.workspace).name, 24)}"
        line = name + Content.styled(detail, "$foreground 60%")
        if entry.excerpt:
            line += Content.styled(f"\n    {safe_line(entry.excerpt, 100)}", "$foreground 60%")
        return line

    def _say(self, text: str) -> None:
        self._says.update(Content(safe_line(text)))

    # ---- the field ----

    def action_search(self) -> None:
        """Type words to look for."""
        self._mode = "search"
        self._input.value = self._words
        self._input.placeholder = _SEARCH
        self._input.focus()

    def action_rename(self) -> None:
        """Type another title."""
        entry = self.highlighted
        if entry is not None:
            self._mode, self._renamed = "rename", entry.id
            self._input.value = safe_line(entry.name)
            self._input.focus()
            self._say("Enter gives it this title, Esc leaves it.")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self._mode == "search" and event.value != self._words:
            self._words = event.value
            self._say("")
            self.refresh_list()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._mode == "rename" and self._tried(self._store.rename, self._renamed, event.value.strip()):
            self.post_message(self.Renamed(self._renamed))
        self.leave_field()

    def leave_field(self) -> bool:
        """Go back from the field to the list; returns whether it was left. A search stays."""
        if not self._input.has_focus:
            return False
        self._mode = "search"
        self._input.value = self._words
        self._say("")
        self.refresh_list()
        self._list.focus()
        return True

    def on_key(self, event: events.Key) -> None:
        """From the field, Down goes to the list."""
        if event.key == "down" and self._input.has_focus:
            event.stop()
            self.leave_field()

    # ---- the list ----

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_index < len(self._entries):
            self.post_message(self.OpenRequested(self._entries[event.option_index].id))

    def action_pin(self) -> None:
        """Keep it at the top, or no more."""
        entry = self.highlighted
        if entry is not None and self._tried(self._store.pin, entry.id, not entry.pinned):
            self.post_message(self.Renamed(entry.id))
            self.refresh_list(entry.id)

    def action_delete(self) -> None:
        """Take it away; `u` brings it back."""
        entry = self.highlighted
        if entry is not None and self._tried(self._store.delete, entry.id):
            self._deleted.append(entry.id)
            self.post_message(self.Deleted(entry.id))
            self.refresh_list()
            self._say(f"Deleted: {entry.name or 'Conversation'}. u brings it back.")

    def action_undo(self) -> None:
        """Bring back what was deleted last."""
        if self._deleted and self._tried(self._store.restore, self._deleted[-1]):
            id = self._deleted.pop()
            self.post_message(self.Restored(id))
            self._say("It is back.")
            self.refresh_list(id)
        elif not self._deleted:
            self._say("Nothing was deleted here.")

    def action_all_folders(self) -> None:
        """List those of all folders, or of this one only."""
        self._everywhere = not self._everywhere
        self._say("Conversations of all folders." if self._everywhere else "Conversations of this folder.")
        self.refresh_list()

    def action_fine_tune(self) -> None:
        """Add it to the folder's `chats.jsonl`, and ask for a training on that."""
        file = self.action_export("dataset")
        if file is not None:
            self.post_message(self.FineTuneRequested(file))

    def action_export(self, form: Form) -> Path | None:
        """Write it into the folder, as a new file; a data set's row is added to `chats.jsonl`. Return the file."""
        entry = self.highlighted
        if entry is None:
            return None
        name = "chats.jsonl" if form == "dataset" else f"chat-{entry.id[:8]}{SUFFIXES[form]}"
        file = Path(self._workspace) / name
        try:
            text = exported(self._store.load(entry.id), form)
            with file.open("a" if form == "dataset" else "w", encoding="utf-8") as out:
                out.write(text)
        except (StoreError, ExportError) as error:
            self._say(f"Not exported: {error}")
        except OSError as error:
            self._say(f"Not exported: {file}: {error.strerror or error}")
        else:
            self._say(f"Written: {file}")
            return file
        return None

    def _tried(self, do: object, *values: object) -> bool:
        try:
            do(*values)  # type: ignore[operator]
        except StoreError as error:
            self._say(str(error))
            return False
        return True
