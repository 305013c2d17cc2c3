"""What the engine is asked to load and what it is doing, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from vlmtui.models.adapters import AdapterUse
    from vlmtui.models.hardware import Quantize

Phase = Literal["off", "starting", "loading", "ready", "reading", "answering", "stopping", "failed"]

_WORDS: dict[Phase, str] = {
    "off": "not started",
    "starting": "starting",
    "loading": "loading",
    "ready": "ready",
    "reading": "thinking",
    "answering": "answering",
    "stopping": "stopping",
    "failed": "failed",
}


@dataclass(frozen=True, slots=True)
class EngineState:
    """The engine's state.

    Attributes:
        phase: what it is doing.
        detail: more about it, e.g. `weights 43 %`; one line.
        model: what is loaded, or is being loaded.
        device: where it runs; empty until it is loaded.
        dtype: the precision of its weights.
        base: whether it is a base checkpoint, which completes text instead of answering.
        demo: whether it is the embedded demo model.
        tokens_per_s: of the last answer; 0 when there is none.
        ttft_s: seconds to the first token of the last answer.
        context_used: tokens of the conversation so far.
        context_total: tokens that the model can take.
    """

    phase: Phase = "off"
    detail: str = ""
    model: str = ""
    device: str = ""
    dtype: str = ""
    base: bool = False
    demo: bool = False
    tokens_per_s: float = 0.0
    ttft_s: float = 0.0
    context_used: int = 0
    context_total: int = 0

    @property
    def words(self) -> str:
        """The phase in words."""
        return f"{_WORDS[self.phase]}: {self.detail}" if self.detail else _WORDS[self.phase]

    @property
    def busy(self) -> bool:
        """Whether there is something that Esc can stop."""
        return self.phase in ("reading", "answering", "stopping")


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """What to load: `demo`, a hub id, or a folder; and how: `quantize` is the kind of weights."""

    model: str
    revision: str | None = None
    device: str = "auto"
    dtype: str = "auto"
    quantize: Quantize = "none"
    adapter: str = ""
    """The folder of one to lay over it; empty for none."""
    adapters: tuple[AdapterUse, ...] = ()
    """More of them, with weights."""
    endpoint: str = ""
    """Address of the endpoint whose `model` answers (empty: its only one); empty for a model that is loaded here."""
