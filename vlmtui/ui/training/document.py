"""A recipe that is being edited: its file, its text, and what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from vlmtui.safetext import safe_line, safe_text
from vlmtui.training.recipe import METHODS, Method, Recipe, RecipeError, parse_recipe

_PLACE = re.compile(r":(\d+): ")
_KEY = re.compile(r"([A-Za-z_]\w*): ")
_MOST = 1_000_000


class UnfitFile(ValueError):
    """A file that cannot be edited as a recipe; one line says why."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something wrong: in which line, from 0 (None where it is in none), of which key, and what."""

    line: int | None
    key: str
    text: str

    @property
    def words(self) -> str:
        """The mistake in one line."""
        place = f"line {self.line + 1}: " if self.line is not None else ""
        return safe_line(place + (f"{self.key}: " if self.key else "") + self.text, 300)


@dataclass(frozen=True, slots=True)
class Origin:
    """The run that a recipe was made from: its id, its title, its recipe's text."""

    run: str
    title: str
    text: str


@dataclass(slots=True)
class Document:
    """A recipe's text, and the file that it is kept in; `saved` is None before it was ever written."""

    path: Path
    text: str
    saved: str | None = None
    recipe: Recipe | None = None
    mistakes: list[Mistake] = field(default_factory=list)
    origin: Origin | None = None

    @property
    def changed(self) -> bool:
        """Whether there is something to save."""
        return self.text != self.saved

    @property
    def methods(self) -> tuple[Method, ...]:
        """The methods of its stages; SFT where they cannot be read."""
        if self.recipe is not None:
            return tuple(stage.method for stage in self.recipe.stages)
        found = re.search(r"^method:(.*)$", self.text, re.MULTILINE)
        words = re.findall(r"\w+", found[1]) if found is not None else []
        return tuple(method for method in METHODS if method in words) or ("sft",)

    def save(self) -> None:
        """Write it, aside first; raises `OSError`."""
        aside = self.path.with_name(f".{self.path.name}.part")
        aside.write_text(self.text, encoding="utf-8")
        aside.replace(self.path)
        self.saved = self.text


def opened(path: Path) -> Document:
    """Return the recipe in the file at `path`.

    Raises:
        UnfitFile: it cannot be read, or holds what must not reach a terminal.
    """
    try:
        if path.stat().st_size > _MOST:
            raise UnfitFile(f"{path.name} is too large to be a recipe")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UnfitFile(f"{path.name}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UnfitFile(f"{path.name} is no text in UTF-8") from None
    if safe_text(text) != text:
        raise UnfitFile(f"{path.name} holds control characters: it is no recipe")
    return Document(path, text, text)


def read(text: str, path: Path) -> tuple[Recipe | None, list[Mistake]]:
    """Return the recipe in `text`, or what is wrong with it."""
    try:
        return parse_recipe(text, path), []
    except RecipeError as error:
        return None, [_mistake(line.removeprefix(str(path))) for line in error.mistakes]


def _mistake(text: str) -> Mistake:
    place = _PLACE.match(text)
    line = int(place[1]) - 1 if place is not None else None
    rest = text[place.end() :] if place is not None else text.removeprefix(": ")
    key = _KEY.match(rest)
    return Mistake(line, key[1] if key else "", rest[key.end() :] if key else rest)
