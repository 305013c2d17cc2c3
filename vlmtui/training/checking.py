"""Asking what a recipe would do, from the terminal's process: the child that imports torch is in `checker`."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, Literal

import msgspec

from vlmtui.children.asking import AskedChild, ChildEnded
from vlmtui.children.frames import frame
from vlmtui.training.recipe import Recipe

CHECKER = "vlmtui.training.checker"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked.

    Attributes:
        what: `memory`: an estimate, quick once the child is warm; `examine`: all of a dry run; `label`: an example of
            the recipe that was examined last, with the tokens that carry loss; `probe`: one real step, measured;
            `columns`: which column is what, see `vlmtui.training.columns`.
        stage, number: which example, for `label`; which stage, for `columns`.
    """

    id: int
    what: Literal["memory", "examine", "label", "probe", "columns"]
    recipe: Recipe
    device: str
    stage: int = 0
    number: int = 0


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What was found; or a cause and a remedy, one line each, safe to show."""

    id: int
    found: dict[str, Any] = {}
    cause: str = ""
    remedy: str = ""


class Checker:
    """Asks one child; it is started by the first question and stays warm. No method raises for what a recipe does."""

    def __init__(self, log: Path | None = None) -> None:
        self._child: AskedChild[Reply] = AskedChild(CHECKER, _decoded, log=log)
        self._ids = itertools.count(1)

    async def ask(
        self,
        what: Literal["memory", "examine", "label", "probe", "columns"],
        recipe: Recipe,
        device: str,
        *,
        stage: int = 0,
        number: int = 0,
    ) -> Reply:
        """Return what was found."""
        question = Question(
            id=next(self._ids), what=what, recipe=recipe, device=device, stage=stage, number=number
        )  # fmt: skip
        try:
            return await self._child.ask(question.id, lambda: frame(msgspec.json.encode(question)), None)
        except ChildEnded as error:
            killed = "SIGKILL" in error.how
            cause = f"the process that looks ended: {error.how}"
            remedy = "memory was likely full: a smaller batch or model" if killed else "try again"
            return Reply(id=question.id, cause=cause, remedy=remedy)
        except OSError as error:
            return Reply(id=question.id, cause=f"no process could be started: {error}", remedy="close other programs")

    async def close(self) -> None:
        """End the child."""
        await self._child.close()


def _decoded(body: bytes) -> tuple[int, Reply]:
    reply = msgspec.json.decode(body, type=Reply)
    return reply.id, reply
