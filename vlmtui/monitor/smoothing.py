"""Smoothing as TensorBoard does it: an exponential moving average whose start is not pulled towards zero.

For the weight w and the finite values x1, x2, …: m_n = w m_(n-1) + (1-w) x_n from m_0 = 0, and what is shown is
m_n / (1 - w^n). Values that are not finite are shown as they are and leave the average alone; a curve that never
changes is shown as it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_NOTHING = 1e-18


def smoothed(values: Floats, weight: float) -> Floats:
    """Return `values` smoothed.

    Args:
        values: any, also NaN and infinite.
        weight: 0 (as they are) up to, but not including, 1.
    """
    if weight <= 0 or not len(values):
        return values
    finite = np.isfinite(values)
    known = values[finite]
    if not len(known) or (len(known) == len(values) and bool((known == known[0]).all())):
        return values
    means = (1 - weight) * known
    # m_n is the sum of w^k (1-w) x_(n-k): sums of twice as many terms in each round, until w^k is nothing.
    reach, factor = 1, weight
    while reach < len(means) and factor > _NOTHING:
        later = means[reach:] + factor * means[:-reach]
        means = np.concatenate((means[:reach], later))
        reach, factor = 2 * reach, factor * factor
    shown = values.copy()
    shown[finite] = means / (1 - weight ** np.arange(1, len(means) + 1, dtype=np.float64))
    return shown
