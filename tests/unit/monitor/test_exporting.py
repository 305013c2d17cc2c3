"""Curves as files: every point in CSV, a plot that others can open in SVG and PNG."""

from __future__ import annotations

import csv
import math
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from vlmtui.monitor.exporting import Exported, write
from vlmtui.monitor.table import Table


@pytest.fixture
def curves() -> list[Exported]:
    table = Table()
    for step in range(1, 101):
        table.add(step, {"loss": math.nan if step == 50 else 3 / step}, epoch=step / 10, time=1000.0 + step)
    return [Exported("a <run>", table, "loss"), Exported("a <run>", table, "missing")]


def test_csv_has_every_point(curves: list[Exported], tmp_path: Path) -> None:
    file = tmp_path / "curves.csv"
    write(file, curves, "step", 0, 0)
    rows = list(csv.DictReader(file.open()))
    assert len(rows) == 100
    assert rows[1] == {
        "run": "a <run>", "metric": "loss", "step": "2", "epoch": "0.2", "tokens": "", "time": "1002", "value": "1.5",
    }  # fmt: skip
    assert rows[49]["value"] == "nan"


@pytest.mark.parametrize("log", [False, True])
def test_svg_and_png_are_pictures(curves: list[Exported], tmp_path: Path, log: bool) -> None:
    write(tmp_path / "plot.svg", curves, "step", 0, 0, log_x=log, log_y=log, smoothing=0.6)
    root = ET.parse(tmp_path / "plot.svg").getroot()
    lines = [part for part in root.iter() if part.tag.endswith("polyline")]
    assert len(lines) == 4  # raw and smoothed, each broken where it is no number
    assert "a <run>: loss" in "".join(root.itertext())
    write(tmp_path / "plot.png", curves, "step", 0, 0, log_x=log, log_y=log)
    with Image.open(tmp_path / "plot.png") as image:
        assert image.size == (1920, 960)
        assert len(image.getcolors(10_000) or []) > 3


def test_another_suffix_is_refused_and_nothing_is_left_behind(curves: list[Exported], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="csv"):
        write(tmp_path / "plot.pdf", curves, "step", 0, 0)
    with pytest.raises(OSError):
        write(tmp_path / "no" / "plot.svg", curves, "step", 0, 0)
    assert list(tmp_path.iterdir()) == []
