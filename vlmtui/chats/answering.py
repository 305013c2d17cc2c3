"""How the answers of one conversation are made, where that is not as the settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from vlmtui.settings import Settings


class Answering(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one conversation has of its own. None takes the setting of the same name, with its help and its range."""

    system_prompt: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    repetition_penalty: float | None = None
    max_new_tokens: int | None = None
    seed: int | None = None
    beams: int | None = None

    @property
    def own(self) -> dict[str, str | int | float]:
        """What is set here, by name."""
        return {name: value for name in NAMES if (value := getattr(self, name)) is not None}

    def over(self, settings: Settings) -> Settings:
        """Return `settings` with what is set here in place of theirs."""
        return msgspec.structs.replace(settings, **self.own)


NAMES: tuple[str, ...] = tuple(field.name for field in msgspec.structs.fields(Answering))
