"""The fixed examples through time: what was asked, what is right, what was answered at each evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from textual.content import Content

from vlmtui.monitor.protocol import Example
from vlmtui.safetext import safe_line

_MUTED = "$foreground 60%"
_MOST = 40
_LONGEST = 400


def answers_text(examples: Sequence[Example], width: int) -> Content:
    """Return the examples, one below the other; an answer that is the same as the one before is not said again."""
    if not examples:
        return Content.styled(
            " No example was answered yet: an evaluation answers some of the rows that are held out.", _MUTED
        )
    lines: list[Content] = []
    for number, example in enumerate(examples[:_MOST], start=1):
        right = sum(_same(answer, example.reference) for _, answer in example.answers[-1:])
        sign = ("√", "$text-success") if right else ("×", "$text-error")
        lines.append(Content.assemble((f" {sign[0]} ", f"bold {sign[1]}"), (_text(example.prompt), "bold")))
        lines.append(Content.styled(f"     row {example.row}", _MUTED) + _pictures(example))
        lines.append(Content.assemble((f"{'right':>9}  ", _MUTED), (_text(example.reference), "$text-success")))
        before = None
        for place, (step, answer) in enumerate(example.answers):
            last = place == len(example.answers) - 1
            if answer == before and not last:
                continue
            before = answer
            lines.append(Content.assemble((f"{step:>9,}  ", _MUTED), marked(answer, example.reference)))
        if number < len(examples):
            lines.append(Content(""))
    if len(examples) > _MOST:
        lines.append(Content.styled(f" and {len(examples) - _MOST} more", _MUTED))
    return Content("\n").join(lines)


def marked(answer: str, reference: str) -> Content:
    """Return the answer, the words that differ from the reference in another colour, those that lack in brackets."""
    if _same(answer, reference):
        return Content.styled(_text(answer), "$text-success")
    given, right = _text(answer).split(), _text(reference).split()
    pieces: list[Content | tuple[str, str] | str] = []
    for kind, start, end, first, last in SequenceMatcher(None, right, given, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append((" ".join(given[first:last]), ""))
        else:
            if first < last:
                pieces.append((" ".join(given[first:last]), "bold $text-error"))
            if kind == "delete":
                pieces.append((f"[{' '.join(right[start:end])}]", _MUTED))
        pieces.append((" ", ""))
    return Content.assemble(*pieces) if pieces else Content.styled("(nothing)", "$text-error")


def _same(answer: str, reference: str) -> bool:
    return answer.split() == reference.split()


def _text(text: str) -> str:
    return safe_line(text, _LONGEST)


def _pictures(example: Example) -> Content:
    names = ", ".join(safe_line(path, 120) for path in example.pictures[:4])
    return Content.styled(f"  {names}" if names else "", _MUTED)
