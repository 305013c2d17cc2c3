"""How right an answer is, against all right answers: exact match, ChartQA's relaxed accuracy, ANLS. Each is 0 to 1.

Relaxed accuracy is that of ChartQA (Masry et al. 2022, section 5): numbers may be off by 5 %, texts must be the same.
ANLS is that of ST-VQA (Biten et al. 2019): one minus the normalised edit distance, 0 where that is 0.5 or more.
Where the right answers are sentences, BLEU and chrF are found over all of them, by `sacrebleu`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

_TOLERANCE = 0.05
_ANLS_FLOOR = 0.5
_LONGEST = 2_000
_CAPTION_WORDS = 4
_SPACES = re.compile(r"\s+")
_NUMBER = re.compile(r"[-+]?(\d+(,\d{3})*|\d*)(\.\d+)?([eE][-+]?\d+)?%?")


def exact_match(answer: str, references: Sequence[str]) -> float:
    """Return 1.0 where the answer is one of the references, but for case and spaces."""
    return float(_plain(answer) in {_plain(one) for one in references})


def relaxed_accuracy(answer: str, references: Sequence[str]) -> float:
    """Return 1.0 where the answer is within 5 % of a reference that is a number, or the same text."""
    return float(any(_relaxed(answer, one) for one in references))


def anls(answer: str, references: Sequence[str]) -> float:
    """Return the best normalised Levenshtein similarity to a reference; 0.0 below one half."""
    return max((_similarity(_plain(answer), _plain(one)) for one in references), default=0.0)


METRICS: dict[str, Callable[[str, Sequence[str]], float]] = {
    "exact_match": exact_match,
    "relaxed_accuracy": relaxed_accuracy,
    "anls": anls,
}


def score(answers: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return the mean of each metric over all answers, and their mean length in characters; {} for none."""
    if not answers:
        return {}
    found = {name: sum(map(metric, answers, references)) / len(answers) for name, metric in METRICS.items()}
    if _are_captions(references):
        found |= _caption_scores(answers, references)
    return found | {"answer_length": sum(map(len, answers)) / len(answers)}


def _are_captions(references: Sequence[Sequence[str]]) -> bool:
    """Return whether most right answers are sentences: of a word or a number, n-grams say nothing."""
    lengths = sorted(len(one[0].split()) for one in references if one)
    return bool(lengths) and lengths[len(lengths) // 2] >= _CAPTION_WORDS


def _caption_scores(answers: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return BLEU-4 and chrF over all answers, as `sacrebleu` computes them, with all references of each; 0 to 1."""
    import sacrebleu

    most = max(map(len, references))
    streams: list[list[Any]] = [[one[at] if at < len(one) else None for one in references] for at in range(most)]
    given = list(answers)
    bleu = sacrebleu.corpus_bleu(given, streams, lowercase=True).score
    chrf = sacrebleu.corpus_chrf(given, [[one or "" for one in stream] for stream in streams]).score
    return {"bleu": bleu / 100, "chrf": chrf / 100}


def _plain(text: str) -> str:
    return _SPACES.sub(" ", text).strip().lower()


def _relaxed(answer: str, reference: str) -> bool:
    wanted, given = _number(reference), _number(answer)
    if wanted is None or given is None:
        return _plain(answer) == _plain(reference)
    if wanted == 0:
        return given == 0
    return abs(given - wanted) / abs(wanted) <= _TOLERANCE


def _number(text: str) -> float | None:
    text = text.strip()
    if not re.search(r"\d", text) or not _NUMBER.fullmatch(text):
        return None
    value = float(text.rstrip("%").replace(",", ""))
    return value / 100 if text.endswith("%") else value


def _similarity(one: str, other: str) -> float:
    one, other = one[:_LONGEST], other[:_LONGEST]
    longest = max(len(one), len(other))
    if not longest:
        return 1.0
    similarity = 1 - _distance(one, other) / longest
    return similarity if similarity > _ANLS_FLOOR else 0.0


def _distance(one: str, other: str) -> int:
    """Return the Levenshtein distance."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]
