"""What the workbench does about the cost of pictures: their resolution, and what does not fit the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual.widget import Widget

if TYPE_CHECKING:
    from vlmtui.engine.protocol import Failed, Offer
    from vlmtui.models.processor import Resolution
    from vlmtui.ui.screens.workbench import Workbench
    from vlmtui.ui.widgets.chip import Chip
    from vlmtui.ui.widgets.preview import Preview
    from vlmtui.ui.widgets.video_view import VideoView


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
                self.describe(viewer)
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

    # ---- what is on show ----

    def on_preview_shown(self, message: Preview.Shown) -> None:
        """The picture is on the screen: its chip can say how large it is and what it costs."""
        self.describe(message.preview)

    def on_video_view_shown(self, message: VideoView.Shown) -> None:
        """A video is on the screen: its chip can say how many frames are sent and what they cost."""
        self._describe_video(message.path, message.view)

    def on_video_view_sampling_changed(self, message: VideoView.SamplingChanged) -> None:
        """Other frames of a video are sent with the next question."""
        self._costed.samplings[message.path] = message.sampling
        self._costed.editors.pin(message.path)
        self._describe_video(message.path, message.view)

    def _describe_video(self, path: Path, view: VideoView) -> None:
        if view.path == path and view.info is not None:
            from vlmtui.ui.fitting import cost_words

            self._costed.chat.describe(path, cost_words(view.info, view.processor, view.sampling))

    def describe(self, preview: Preview) -> None:
        """Say beside the chip of the picture on show what it costs."""
        from vlmtui.ui.fitting import cost_words

        shown = preview.info
        if shown is not None and (words := cost_words(shown, preview.processor, None)):
            self._costed.chat.describe(Path(shown.path), words)

    # ---- the resolution ----

    def action_toggle_full_resolution(self) -> None:
        """Cut the next question's pictures into tiles, or squash them into one."""
        bench = self._costed
        if bench.complete:
            session = bench.workbench_app.session
            splits = session.resolution == "full" if session.processor is None else session.processor.splitting
            self.use_resolution("off" if splits else "full")

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
