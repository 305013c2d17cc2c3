"""The numbers behind the curves: smoothing by TensorBoard's formula, down-sampling that keeps peaks, going back."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlmtui.monitor.sampling import columns_of
from vlmtui.monitor.smoothing import smoothed
from vlmtui.monitor.table import Table


def one_by_one(values: list[float], weight: float) -> list[float]:
    """The formula, as TensorBoard's own code goes through the points."""
    constant = all(value == values[0] for value in values)
    mean, count, shown = 0.0, 0, []
    for value in values:
        if constant or not math.isfinite(value):
            shown.append(value)
            continue
        mean = mean * weight + (1 - weight) * value
        count += 1
        shown.append(mean / (1 - weight**count))
    return shown


@given(
    st.lists(st.one_of(st.floats(-1e6, 1e6), st.sampled_from([math.nan, math.inf])), min_size=1, max_size=200),
    st.sampled_from([0.3, 0.6, 0.9, 0.99, 0.999]),
)
def test_smoothing_is_tensorboards(values: list[float], weight: float) -> None:
    assert np.allclose(smoothed(np.array(values), weight), one_by_one(values, weight), rtol=1e-9, equal_nan=True)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=400), st.integers(1, 40))
def test_no_peak_is_lost_in_a_column(values: list[float], count: int) -> None:
    x, y = np.arange(len(values), dtype=float), np.array(values)
    columns = columns_of(x, y, 0, len(values) - 1, count)
    assert columns.low.min() == y.min()
    assert columns.high.max() == y.max()
    assert (columns.first[0], columns.last[-1]) == (y[0], y[-1])
    assert list(columns.column) == sorted(set(columns.column))


def test_what_is_no_number_is_marked_and_its_neighbours_are_kept() -> None:
    y = np.array([1.0, math.nan, 3.0, 4.0, math.inf, 6.0])
    columns = columns_of(np.arange(6.0), y, 0, 5, 3)
    assert list(columns.broken) == [0, 2]
    assert (columns.first[0], columns.last[0]) == (1.0, 1.0)
    assert (columns.low.min(), columns.high.max()) == (1.0, 6.0)
    alone = columns_of(np.arange(3.0), np.array([1.0, math.nan, 3.0]), 0, 2, 3)
    assert math.isnan(alone.low[1])


def test_the_columns_of_a_logarithmic_axis_have_equal_ratios() -> None:
    columns = columns_of(np.array([0.0, 1.0, 10.0, 100.0]), np.arange(4.0), 1, 100, 3, log=True)
    assert list(columns.column) == [0, 1, 2]
    assert list(columns.last) == [1.0, 2.0, 3.0]
    assert columns.x == pytest.approx([1, 10, 100])


def test_a_run_that_goes_back_loses_what_was_beyond_its_checkpoint() -> None:
    table = Table()
    for step in range(1, 7):
        table.add(step, {"loss": float(step)}, epoch=step / 2, time=100 + step)
    table.add(6, {"eval_loss": 9.0})
    table.cut(3)
    table.add(4, {"loss": 40.0}, epoch=2, time=200)
    x, y = table.points("loss")
    assert (list(x), list(y)) == ([1, 2, 3, 4], [1, 2, 3, 40])
    assert "eval_loss" not in table.metrics
    assert table.axis("tokens") is None
    assert list(table.points("loss", "time")[0]) == [0, 1, 2, 99]


def test_an_evaluation_without_an_epoch_lies_between_its_neighbours() -> None:
    table = Table()
    table.add(1, {"loss": 1.0}, epoch=1)
    table.add(2, {"eval_loss": 1.0})
    table.add(3, {"loss": 1.0}, epoch=2)
    assert list(table.points("eval_loss", "epoch")[0]) == [1.5]
