"""What the workbench does about comparisons: who is asked first, and about what."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual.widget import Widget

from vlmtui.models.adapters import AdapterUse, base_of
from vlmtui.safetext import safe_line
from vlmtui.ui.comparing.side import SideChoice, bare
from vlmtui.ui.engine_state import ModelChoice

if TYPE_CHECKING:
    from vlmtui.chats.conversation import ChatMessage
    from vlmtui.runs.folder import RunFolder
    from vlmtui.ui.screens.workbench import Workbench


class ComparingActions(Widget if TYPE_CHECKING else object):  # type: ignore[misc]
    """The part of `Workbench` that is about comparisons."""

    @property
    def _bench(self) -> Workbench:
        return cast("Workbench", self)

    def action_compare(self) -> None:
        """Compare the chat's model with what makes most sense: its adapter off and on, else told nothing and told."""
        session = self._bench.workbench_app.session if self._bench.complete else None
        if session is None or session.loaded is None or session.choice is None:
            self.notify("Load the model first.")
            return
        base = SideChoice(bare(session.choice), (), self._bench.workbench_app.settings.system_prompt)
        uses = session.loaded.adapters
        other = SideChoice(base.model, uses, base.system) if uses else base
        self.compare_sides(base, other)

    async def action_compare_result(self) -> None:
        """Compare the result of the run on show, else of the one that finished last, with its base."""
        from vlmtui.ui.training.tuning import last_finished

        run = self._bench.run_on_show() or await asyncio.to_thread(last_finished)
        if run is None:
            self.notify("No run has finished yet.", severity="warning")
            return
        self.compare_run(run)

    def compare_run(self, run: RunFolder) -> None:
        """Compare the result of `run` with the model that it began from."""
        from vlmtui.runs.folder import RunError

        try:
            job = run.job()
        except RunError as error:
            self.notify(safe_line(str(error)), severity="error", markup=False)
            return
        output = Path(job.output)
        if not output.is_dir():
            self.notify("Its result is not where it was any more.", severity="warning", markup=False)
        elif (output / "adapter_config.json").is_file():
            self.compare_adapter(output)
        else:
            base = self._choice_of(str(job.recipe.get("model_name_or_path") or "demo"))
            self.compare_sides(SideChoice(base), SideChoice(self._choice_of(str(output))))

    def compare_adapter(self, folder: Path) -> None:
        """Compare the adapter in `folder` with the model that it was made for."""
        base = SideChoice(self._choice_of(base_of(folder)))
        self.compare_sides(base, SideChoice(base.model, (AdapterUse(str(folder)),)))

    def compare_model(self, model: str) -> None:
        """Compare the chat's model with another one."""
        session = self._bench.workbench_app.session
        other = SideChoice(self._choice_of(model))
        if session.loaded is None or session.choice is None:
            self.notify("Load a model first.")
            return
        own = SideChoice(bare(session.choice), session.loaded.adapters)
        self.compare_sides(own, other)

    def compare_sides(self, *sides: SideChoice) -> None:
        """Show `sides`, with the chat's question and pictures; it is sent when the user says so."""
        from vlmtui.ui.comparing.screen import CompareScreen

        if not isinstance(self.app.screen, CompareScreen):
            self.app.push_screen(CompareScreen(sides, self._question()))

    def _choice_of(self, model: str) -> ModelChoice:
        """Return the chat's own choice where it is this model; else how the settings would load it."""
        session, settings = self._bench.workbench_app.session, self._bench.workbench_app.settings
        chats = session.choice
        if chats is not None and session.loaded is not None and model in ("", chats.model, session.loaded.name):
            return bare(chats)
        return ModelChoice(model or "demo", None, settings.device, settings.dtype, settings.quantize)

    def _question(self) -> ChatMessage:
        """Return what is being asked in the chat, else what was asked last, with its pictures."""
        from vlmtui.chats.conversation import ChatMessage

        chat = self._bench.chat
        asked = next((said for said in reversed(chat.conversation.messages) if said.role == "user"), None)
        draft = chat.draft.strip()
        files = tuple(str(path) for path in chat.attachments)
        if draft or asked is None:
            return ChatMessage(role="user", text=draft, attachments=files or (asked.attachments if asked else ()))
        return ChatMessage(role="user", text=asked.text, attachments=asked.attachments or files)
