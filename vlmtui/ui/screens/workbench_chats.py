"""What the workbench does with conversations: begins, lists, finds and shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.widget import Widget

from vlmtui.safetext import safe_line

if TYPE_CHECKING:
    from vlmtui.chats.conversation import Conversation
    from vlmtui.chats.store import StoreError
    from vlmtui.ui.screens.workbench import Workbench
    from vlmtui.ui.widgets.chats_list import ChatsList
    from vlmtui.ui.widgets.chats_view import ChatsView
    from vlmtui.ui.widgets.search_results import Chat as FoundChat
    from vlmtui.ui.widgets.search_view import SearchView


class ChatActions(Widget if TYPE_CHECKING else object):  # type: ignore[misc]
    """The part of `Workbench` that is about conversations."""

    @property
    def _chatting(self) -> Workbench:
        return cast("Workbench", self)

    def action_new_conversation(self) -> None:
        """Start over; the picture on show is offered again."""
        bench = self._chatting
        if bench.complete:
            self.show_conversation(bench.keeper.new())

    def show_conversation(self, conversation: Conversation) -> None:
        """Show `conversation` in place of the one on show; an answer that is being written there is stopped."""
        bench = self._chatting
        if bench.chat.busy:
            bench.workbench_app.stop_engine()
            bench.chat.abandon_answer()
            bench.keeper.save(bench.conversation)
        bench.chat.reset(conversation)
        bench.offer_shown()
        bench.show_part("chat")
        self.chats_changed()

    async def list_chats(self) -> None:
        """Fill the side bar's list of conversations."""
        bench = self._chatting
        if not bench.chat.busy:
            bench.keeper.save(bench.conversation)
        for view in bench.side_bar.query("#chats"):
            await cast("ChatsView", view).look_in(bench.keeper.store, bench.keeper.workspace, bench.conversation.id)

    def chats_changed(self) -> None:
        """Let the side bar's list of conversations follow, where it is on show."""
        bench = self._chatting
        if bench.side_bar.view == "chats":
            cast("ChatsView", bench.side_bar.widget).changed(bench.conversation.id)

    def on_chats_list_open_requested(self, message: ChatsList.OpenRequested) -> None:
        """One of the side bar's conversations was chosen."""
        self._conversation_chosen(message.id, set())
        self._chatting.show_part("chat")

    def on_chats_list_deleted(self, message: ChatsList.Deleted) -> None:
        """One was deleted in the side bar: if it is on show, a new one comes in its place."""
        bench = self._chatting
        if message.id == bench.conversation.id:
            self.show_conversation(bench.keeper.new())

    def on_chats_list_fine_tune_requested(self, message: ChatsList.FineTuneRequested) -> None:
        """A training on a conversation of the side bar is wanted."""
        self._chatting.fine_tune_on(message.file)

    def action_conversations(self) -> None:
        """Show the conversations that are kept."""
        from vlmtui.ui.screens.chats import Chats

        bench = self._chatting
        if not bench.complete or isinstance(bench.app.screen, Chats):
            return
        if bench.keeper.store is None:
            bench.app.notify("Conversations are not kept: see the first message.", severity="warning", markup=False)
            return
        if not bench.chat.busy:
            bench.keeper.save(bench.conversation)
        screen = Chats(bench.keeper.store, bench.keeper.workspace, bench.conversation.id)
        bench.app.push_screen(screen, lambda id: self._conversation_chosen(id, screen.gone))

    def on_search_view_chat_requested(self, message: SearchView.ChatRequested) -> None:
        """A conversation was found: show it."""
        self._conversation_chosen(message.id, set())
        self._chatting.show_part("chat")

    def on_chat_answering_changed(self) -> None:
        """How the conversation is answered is kept with it, from its first question on."""
        bench = self._chatting
        if not bench.chat.busy:
            bench.keeper.save(bench.conversation)

    def chats_with(self, words: str) -> list[FoundChat]:
        """Return the conversations of this folder in which every one of `words` begins a word."""
        from vlmtui.chats.store import StoreError
        from vlmtui.ui.widgets.search_results import Chat as FoundChat

        keeper = self._chatting.keeper
        if keeper.store is None:
            return []
        try:
            entries = keeper.store.search(words, keeper.workspace)
        except StoreError as error:
            self.not_kept(error)
            return []
        return [FoundChat(entry.id, entry.name, entry.excerpt) for entry in entries]

    def _conversation_chosen(self, id: str | None, gone: set[str]) -> None:
        from vlmtui.chats.store import StoreError

        bench = self._chatting
        if id is None or id == bench.conversation.id:
            if bench.conversation.id in gone:
                self.show_conversation(bench.keeper.new())
            return
        assert bench.keeper.store is not None
        try:
            self.show_conversation(bench.keeper.store.load(id))
        except KeyError:
            bench.app.notify("That conversation is gone.", severity="warning", markup=False)
        except StoreError as error:
            self.not_kept(error)

    def not_kept(self, error: StoreError) -> None:
        """Say why conversations are not kept."""
        self.notify(
            safe_line(f"{error.cause}: {error.remedy}.", 300), title="Conversations", severity="warning", markup=False
        )
