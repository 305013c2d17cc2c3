"""How right an answer is."""

from __future__ import annotations

import pytest

from vlmtui.training.metrics import anls, exact_match, relaxed_accuracy, score


@pytest.mark.parametrize(
    ("answer", "references", "exact", "relaxed"),
    [
        ("Paris", ["paris"], 1, 1),
        ("  two  words ", ["Two words"], 1, 1),
        ("Paris.", ["Paris"], 0, 0),
        ("104", ["100"], 0, 1),
        ("106", ["100"], 0, 0),
        ("95.0", ["100"], 0, 1),
        ("1,000", ["1000"], 0, 1),
        ("50%", ["0.5"], 0, 1),
        ("-3", ["3"], 0, 0),
        ("0.01", ["0"], 0, 0),
        ("0", ["0.0"], 0, 1),
        ("yes", ["no", "yes"], 1, 1),
        ("", ["5"], 0, 0),
    ],
)
def test_right_and_wrong(answer: str, references: list[str], exact: int, relaxed: int) -> None:
    assert exact_match(answer, references) == exact
    assert relaxed_accuracy(answer, references) == relaxed


@pytest.mark.parametrize(
    ("answer", "references", "wanted"),
    [
        ("hello", ["hello"], 1.0),
        ("hallo", ["hello"], 0.8),
        ("abc", ["xyz"], 0.0),
        ("ab", ["ax"], 0.0),  # one half is too little
        ("hello", ["xyz", "hell"], 0.8),
        ("", [""], 1.0),
    ],
)
def test_anls(answer: str, references: list[str], wanted: float) -> None:
    assert anls(answer, references) == pytest.approx(wanted)


def test_scores_are_means() -> None:
    found = score(["5", "7"], [["5"], ["6", "8"]])
    assert (found["exact_match"], found["answer_length"]) == (0.5, 1.0)
    assert score([], []) == {}


def test_captions_are_scored_by_their_n_grams() -> None:
    references = [["a red circle left of a blue square", "a red circle and a blue square"], ["a green star at the top"]]
    same = score([one[-1] for one in references], references)
    assert same["bleu"] == pytest.approx(1.0) and same["chrf"] == pytest.approx(1.0)
    close = score(["a red circle left of a green square", "a green star"], references)
    far = score(["what is this", "no idea"], references)
    assert same["bleu"] > close["bleu"] > far["bleu"]
    assert same["chrf"] > close["chrf"] > far["chrf"]
    assert "bleu" not in score(["3"], [["3"]])
