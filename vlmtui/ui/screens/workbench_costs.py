"""What the workbench does about the cost of pictures: their resolution, and what does not fit the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.widget import Widget

if TYPE_CHECKING:
    from pathlib import Path

    from vlmtui.engine.protocol import Failed, Offer
    from vlmtui.models.processor import Resolution
    from vlmtui.ui.screens.workbench import Workbench
    from vlmtui.ui.widgets.chip import Chip


class CostActions(Widget if TYPE_CHECKING else object):  # type: ignore[misc]
    """The part of `Workbench` that is about what a question costs."""

    @property
    def _costed(self) -> Workbench:
        return cast("Workbench", self)

    def show_cost(self) -> None:
        """Let what is on show say what it costs the model now."""
        bench = self._costed
        for viewer in bench.editors.viewers:
            viewer.processor = bench.workbench_app.session.processor
            if viewer.id == "preview":
                bench.describe(viewer)
        self.run_worker(self._tell_costs(bench.chat.attachments), group="costs", exclusive=True, exit_on_error=False)

    def on_chip_added(self, message: Chip.Added) -> None:
        """Say what an attachment costs that may never have been on show."""
        self.run_worker(self._tell_costs((message.path,)), group="cost", exit_on_error=False)

    async def _tell_costs(self, paths: tuple[Path, ...]) -> None:
        """Say beside each attachment how large it is, and what it costs the model that is loaded."""
        from vlmtui.media.protocol import MediaInfo
        from vlmtui.ui.fitting import cost_words

        bench = self._costed
        for path in paths:
            info = await bench.media.describe(path)
            if isinstance(info, MediaInfo):
                words = cost_words(info, bench.workbench_app.session.processor, bench.samplings.get(path))
                if words:
                    bench.chat.describe(path, words)

    def action_toggle_full_resolution(self) -> None:
        """Cut the next question's pictures into tiles, or squash them into one."""
        bench = self._costed
        processor = bench.workbench_app.session.processor if bench.complete else None
        if processor is not None:
            self.use_resolution("off" if processor.splitting else "full")

    def action_choose_resolution(self) -> None:
        """Offer into how many tiles pictures may be cut."""
        from vlmtui.ui.screens.resolution import ResolutionPicker

        bench = self._costed
        if bench.complete:
            self.app.push_screen(ResolutionPicker(bench.workbench_app.session.resolution), self.use_resolution)

    def use_resolution(self, resolution: Resolution | None) -> None:
        """Cut pictures so from the next question on; None changes nothing."""
        from vlmtui.models.processor import RESOLUTION_WORDS

        if resolution is not None:
            bench = self._costed
            bench.workbench_app.session.resolution = resolution
            self.show_cost()
            bench.chat.say(f"Pictures from now on: {RESOLUTION_WORDS[resolution]}.")

    def offer_to_fit(self, failed: Failed) -> None:
        """The question is too long: offer what would make it fit, and ask again with what is chosen."""
        from vlmtui.ui.fitting import fit
        from vlmtui.ui.screens.offers import Offers

        bench = self._costed

        def take(offer: Offer | None) -> None:
            if offer is not None:
                self.use_resolution(fit(bench.conversation, offer, bench.samplings))
                bench.chat.action_retry()

        self.app.push_screen(Offers(failed), take)
