"""A benchmark's figures, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Attributes:
        name: what was measured.
        value: as measured.
        target: what it must reach.
        at_most: whether smaller is better.
        unit: `x` for a ratio, else `ms`, `MB`, ….
        detail: the two sides of a ratio, or how often it was measured.
    """

    name: str
    value: float
    target: float
    at_most: bool = True
    unit: str = "x"
    detail: str = ""

    @property
    def reached(self) -> bool:
        """Whether the target is met."""
        return self.value <= self.target if self.at_most else self.value >= self.target


def report(title: str, figures: Sequence[Figure]) -> None:
    """Print the figures as a Markdown table and write them as JSON to the path in the first argument, if given."""
    print(f"\n{title} ({platform.system()}, {os.cpu_count()} cores, Python {platform.python_version()})\n")
    print("| figure | measured | target | met | detail |")
    print("| --- | --- | --- | --- | --- |")
    for figure in figures:
        sign = "at most" if figure.at_most else "at least"
        met = "yes" if figure.reached else "NO"
        print(
            f"| {figure.name} | {figure.value:.2f} {figure.unit} | {sign} {figure.target:g} {figure.unit} "
            f"| {met} | {figure.detail} |"
        )
    document = json.dumps({"title": title, "figures": [asdict(f) | {"reached": f.reached} for f in figures]})
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(document + "\n", encoding="utf-8")
    else:
        print(f"\n{document}")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of `values` lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    """Return the median of `values`."""
    return statistics.median(values)
