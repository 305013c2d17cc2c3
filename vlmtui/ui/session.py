"""One engine and one conversation: loads models, asks questions, and posts what happens as messages.

Knows no widget. Everything here runs in the app's event loop; the work is done in the engine's process.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from time import monotonic

from textual.message import Message
from textual.message_pump import MessagePump

from vlmtui.chats.conversation import Conversation
from vlmtui.engine.client import EngineClient, LoadOptions
from vlmtui.engine.protocol import (
    AUTOMATIC,
    Failed,
    Finished,
    ImagePart,
    Loaded,
    LoadProgress,
    Part,
    PartRead,
    Sampling,
    Side,
    SideSays,
    Started,
    TextPart,
    Tokens,
    Turn,
    VideoPart,
)
from vlmtui.media.kinds import kind_of
from vlmtui.models.adapters import AdapterUse
from vlmtui.models.processor import ProcessorSettings, Resolution, at_resolution
from vlmtui.models.sampling import FrameSampling
from vlmtui.safetext import safe_line
from vlmtui.settings import Settings
from vlmtui.ui.engine_state import EngineState, ModelChoice

_SECONDS_BETWEEN_FIGURES = 0.5
"""Nobody reads figures that change faster, and each paint of them comes between a key and what it does."""
_RESTARTS = 3
"""So often an engine that keeps dying is started again within a minute; then the user is asked."""


class Session:
    """Owns the engine's client; posts to `target`."""

    class StateChanged(Message):
        """The engine does something else now."""

        def __init__(self, state: EngineState) -> None:
            super().__init__()
            self.state = state

    class ModelReady(Message):
        """A checkpoint is loaded."""

        def __init__(self, loaded: Loaded, choice: ModelChoice) -> None:
            super().__init__()
            self.loaded = loaded
            self.choice = choice

    class LoadFailed(Message):
        """A checkpoint could not be loaded; `previous` is what was loaded before, to go back to."""

        def __init__(self, failed: Failed, choice: ModelChoice, previous: ModelChoice | None) -> None:
            super().__init__()
            self.failed = failed
            self.choice = choice
            self.previous = previous

    class AdapterFailed(Message):
        """Adapters could not be laid over the model; what acted before acts on."""

        def __init__(self, failed: Failed) -> None:
            super().__init__()
            self.failed = failed

    class LoadStopped(Message):
        """The user stopped a load; `previous` is what was loaded before."""

        def __init__(self, choice: ModelChoice, previous: ModelChoice | None) -> None:
            super().__init__()
            self.choice = choice
            self.previous = previous

    class EngineExited(Message):
        """The engine's process ended by itself, perhaps while idle."""

    class AnswerEvent(Message):
        """The engine says something about the answer that `conversation` waits for."""

        def __init__(self, event: Started | PartRead | Tokens | Finished | Failed, conversation: Conversation) -> None:
            super().__init__()
            self.event = event
            self.conversation = conversation

    def __init__(self, target: MessagePump, settings: Settings, *, log: Path | None = None) -> None:
        self._target = target
        self._settings = settings
        self._client = EngineClient(log=log, on_exit=self._on_exit)
        self._deaths: list[float] = []
        self._told_at = 0.0
        self._closed = False
        self.state = EngineState()
        self.choice: ModelChoice | None = None
        """What is loaded, or else what was asked for last."""
        self._resolution: Resolution | None = None
        self._good: ModelChoice | None = None

    @property
    def loaded(self) -> Loaded | None:
        """The checkpoint that answers, if one is loaded."""
        return self._client.loaded

    def use_settings(self, settings: Settings) -> None:
        """Answer by these settings from the next question on."""
        self._settings = settings

    @property
    def processor(self) -> ProcessorSettings | None:
        """How the next question's pictures will be treated."""
        loaded = self._client.loaded
        if loaded is None:
            return None
        return at_resolution(loaded.processor, self.resolution)

    @property
    def resolution(self) -> Resolution:
        """Into how many tiles the next question's pictures are cut: what was chosen here, else the settings'."""
        return self._resolution or self._settings.resolution

    @resolution.setter
    def resolution(self, value: Resolution) -> None:
        self._resolution = value

    @property
    def pid(self) -> int | None:
        """The engine's process, if it runs."""
        return self._client.pid

    def _on_exit(self, code: int) -> None:
        self._target.post_message(self.EngineExited())

    def _set(self, **changes: object) -> None:
        phase = self.state.phase
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]
        now = monotonic()
        if phase == self.state.phase == "answering" and now - self._told_at < _SECONDS_BETWEEN_FIGURES:
            return
        self._told_at = now
        self._target.post_message(self.StateChanged(self.state))

    # ---- models ----

    def load_with_first_question(self, choice: ModelChoice) -> None:
        """Leave `choice` unloaded until something is asked."""
        self.choice = self._good = choice
        self._client.load_with_first_question(choice.model, **_options(choice))
        self._set(phase="off", detail="loads with the first question", model=_name_of(choice))

    async def load(self, choice: ModelChoice) -> None:
        """Load `choice`; ends when it is loaded or has failed. Cancelling the task leaves the engine to `stop`."""
        if self._client.busy:
            await self.stop()  # the newest wish counts
        previous = self._good
        self.choice = choice
        self._set(
            phase="starting",
            detail="",
            model=_name_of(choice),
            device="",
            dtype="",
            base=False,
            context_used=0,
            context_total=0,
            tokens_per_s=0.0,
            ttft_s=0.0,
        )
        events = self._client.load(choice.model, **_options(choice))
        async for event in events:
            match event:
                case LoadProgress():
                    self._show_progress(event)
                case Loaded():
                    self._show_loaded(event, choice)
                case Failed():
                    self._set(phase="failed", detail="no model")
                    self._target.post_message(self.LoadFailed(event, choice, previous))
                case Finished():  # stopped
                    self._set(phase="off", detail="loading stopped")
                    self._target.post_message(self.LoadStopped(choice, previous))

    async def adapt(self, adapters: tuple[AdapterUse, ...]) -> None:
        """Lay these adapters, and no others, over what is loaded; ends with `ModelReady` or `AdapterFailed`."""
        choice = self.choice
        if self.loaded is None or choice is None:
            return
        if self._client.busy:
            await self.stop()
        self._set(phase="loading", detail="adapters")
        async for event in self._client.adapt(adapters):
            match event:
                case Loaded():
                    self.choice = replace(choice, adapter="", adapters=adapters)
                    self._show_loaded(event, self.choice)
                case Failed():
                    self._set(phase="ready" if self.loaded is not None else "failed", detail="")
                    self._target.post_message(self.AdapterFailed(event))
                case _:
                    self._set(phase="ready", detail="")

    async def unload(self) -> None:
        """End the engine's process; the next question starts it again with the same model."""
        if self.state.busy:
            await self.stop()
        await self._client.close()
        self._set(phase="off", detail="unloaded", device="", dtype="", context_used=0, tokens_per_s=0.0, ttft_s=0.0)

    def _show_progress(self, progress: LoadProgress) -> None:
        self._set(phase="loading", detail=progress_words(progress))

    def _show_loaded(self, loaded: Loaded, choice: ModelChoice) -> None:
        self._good = choice
        self._set(
            phase="ready",
            detail="",
            model=safe_line(loaded.name),
            device=safe_line(loaded.device),
            dtype=safe_line(loaded.dtype) if loaded.quantize == "none" else loaded.quantize,
            base=loaded.kind == "base",
            demo=loaded.demo,
            context_total=loaded.context,
        )
        self._target.post_message(self.ModelReady(loaded, choice))

    # ---- answers ----

    async def answer(self, conversation: Conversation) -> None:
        """Answer the conversation's last question; ends with the answer, or with what went wrong."""
        try:
            await self._answer(conversation)
        except Exception as error:  # a defect of ours must not leave the chat waiting for ever
            self._set(phase="ready" if self.loaded is not None else "failed", detail="")
            failed = Failed(
                id=0,
                code="internal",
                cause=f"{type(error).__name__}: {error}",
                remedy="ask again; if it stays, please report it",
            )
            self._target.post_message(self.AnswerEvent(failed, conversation))

    async def _answer(self, conversation: Conversation) -> None:
        self._set(phase="reading", detail="", ttft_s=0.0, tokens_per_s=0.0)
        settings = conversation.answering.over(self._settings)
        turns = turns_of(conversation, settings.system_prompt)
        sampling = sampling_of(settings)
        began = monotonic()
        first = 0.0
        count = 0
        events = self._client.generate(
            turns, sampling=sampling, resolution=self.resolution, chunk_s=AUTOMATIC if in_parts(turns) else 0.0
        )
        async for event in events:
            match event:
                case LoadProgress():  # the engine had died: it comes back first
                    self._show_progress(event)
                    continue
                case Loaded():
                    if self._good is not None:
                        self._show_loaded(event, self._good)
                    self._set(phase="reading")
                    continue
                case Started():
                    self._set(context_used=event.prompt_tokens)
                case Tokens():
                    now = monotonic()
                    count += event.count
                    if not first:
                        first = now
                    self._set(
                        phase="answering",
                        detail="",
                        ttft_s=first - began,
                        tokens_per_s=(count - 1) / (now - first) if now > first + 0.25 else 0.0,
                        context_used=self.state.context_used + event.count,
                    )
                case Finished():
                    self._set(
                        phase="ready",
                        detail="stopped" if event.reason == "stopped" else "",
                        ttft_s=event.ttft_s,
                        tokens_per_s=event.tokens_per_s,
                        context_used=event.prompt_tokens + event.completion_tokens,
                    )
                case Failed() if event.code != "engine_died":
                    ready = self._client.loaded is not None
                    self._set(phase="ready" if ready else "failed", detail="" if ready else "no model")
                case PartRead():
                    self._set(detail=f"part {event.number} of {event.of}")
                case _:
                    pass
            self._target.post_message(self.AnswerEvent(event, conversation))
            if isinstance(event, Failed) and event.code == "engine_died":
                await self._restart()

    async def compare(
        self, turns: Sequence[Turn], sides: Sequence[Side], sampling: Sampling
    ) -> AsyncGenerator[LoadProgress | SideSays | Finished | Failed, None]:
        """Ask each of `sides` of what is loaded the same; the chat's adapters and its conversation stay as they are."""
        self._set(phase="reading", detail="side by side", ttft_s=0.0, tokens_per_s=0.0)
        died = False
        try:
            events = self._client.compare(turns, sides, sampling=sampling, resolution=self.resolution)
            async with aclosing(events) as says:
                async for event in says:
                    if isinstance(event, Loaded):  # the engine had died: it is back
                        if self._good is not None:
                            self._show_loaded(event, self._good)
                        continue
                    died = isinstance(event, Failed) and event.code == "engine_died"
                    if isinstance(event, SideSays):
                        self._set(phase="answering")
                    yield event
        finally:
            ready = self._client.loaded is not None
            self._set(phase="ready" if ready else "failed", detail="" if ready else "no model")
        if died:
            await self._restart()

    async def stop(self) -> None:
        """Stop the answer or the load that is running."""
        if self.state.busy:
            self._set(phase="stopping")
        await self._client.stop()

    # ---- the engine's life ----

    async def engine_exited(self) -> None:
        """The idle engine's process is gone: start it again with the model it had."""
        if not self._closed and not self.state.busy and self.state.phase not in ("starting", "loading"):
            await self._restart()

    async def _restart(self) -> None:
        now = monotonic()
        self._deaths = [*(then for then in self._deaths if now - then < 60), now]
        if self._good is None or self._closed:
            self._set(phase="failed", detail="the engine stopped")
        elif len(self._deaths) > _RESTARTS:
            self._set(phase="failed", detail="the engine keeps stopping; choose a model to start it again")
        else:
            await self.load(self._good)

    async def close(self) -> None:
        """End the engine's process."""
        self._closed = True
        await self._client.close()


def _name_of(choice: ModelChoice) -> str:
    """Return what to call `choice` before it is loaded."""
    name = choice.model if choice.model == "demo" or "/" not in choice.model else Path(choice.model).name
    return safe_line((choice.model or choice.endpoint) if choice.endpoint else name)


def _options(choice: ModelChoice) -> LoadOptions:
    """Return how `choice` is loaded."""
    return {
        "revision": choice.revision,
        "device": choice.device,
        "dtype": choice.dtype,
        "quantize": choice.quantize,
        "adapter": choice.adapter,
        "adapters": choice.adapters,
        "endpoint": choice.endpoint,
    }


def sampling_of(settings: Settings) -> Sampling:
    """Return how tokens are chosen by `settings`."""
    return Sampling(
        max_new_tokens=settings.max_new_tokens,
        temperature=settings.temperature,
        top_p=settings.top_p,
        top_k=settings.top_k,
        repetition_penalty=settings.repetition_penalty,
        seed=None if settings.seed < 0 else settings.seed,
        beams=settings.beams,
    )


def turns_of(conversation: Conversation, system_prompt: str = "") -> tuple[Turn, ...]:
    """Return the conversation as the engine's typed turns: each message's files before its text."""
    turns: list[Turn] = []
    if system_prompt:
        turns.append(Turn(role="system", parts=(TextPart(text=system_prompt),)))
    for message in conversation.for_the_model():
        parts: list[Part] = [
            VideoPart(path=path, sampling=message.samplings.get(path, FrameSampling()))
            if kind_of(path) == "video"
            else ImagePart(path=path)
            for path in message.attachments
        ]
        if message.text:
            parts.append(TextPart(text=message.text))
        turns.append(Turn(role=message.role, parts=tuple(parts)))
    if conversation.streaming is not None and conversation.streaming.text:  # it goes on from there
        turns.append(Turn(role="assistant", parts=(TextPart(text=conversation.streaming.text),)))
    return tuple(turns)


def in_parts(turns: Sequence[Turn]) -> bool:
    """Return whether the last question is about one video, of which more frames are wanted than one look has."""
    videos = [part for part in turns[-1].parts if isinstance(part, VideoPart)] if turns else []
    return len(videos) == 1 and videos[0].sampling.in_parts


def progress_words(progress: LoadProgress) -> str:
    """Return how far a load is, in a few words, e.g. `downloading 43 % of 512 MB`."""
    stages = {
        "libraries": "libraries",
        "download": "download",
        "weights": "weights",
        "processor": "processor",
        "warm_up": "warm-up",
    }
    stage = stages[progress.stage]
    if not progress.total:
        return stage
    percent = min(100, 100 * progress.done // progress.total)
    if progress.stage == "download":
        return f"{stage} {percent} % of {_size(progress.total)}"
    return f"{stage} {percent} %"


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
