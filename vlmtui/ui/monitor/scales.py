"""Axes: round numbers in even distances, and numbers as short as they may be."""

from __future__ import annotations

import math

from vlmtui.monitor.protocol import Axis


def ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most `most` round numbers between `low` and `high`, evenly apart."""
    if most < 1 or not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low] if most > 0 and math.isfinite(low) else []
    rough = (high - low) / max(1, most)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 5, 10, 20) if len(_steps(low, high, power * times)) <= most)
    return [0.0 if abs(value) < step / 1e6 else value for value in _steps(low, high, step)]


def _steps(low: float, high: float, step: float) -> list[float]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, min(last, first + 1000) + 1)]


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most `most` round numbers between `low` and `high`, evenly apart on a logarithmic axis."""
    if low <= 0 or high <= low or most < 1:
        return []
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for parts in ((1, 2, 5), (1, 3), (1,)):
        found = [
            value
            for power in range(first, last + 1)
            for part in parts
            if low * (1 - 1e-9) <= (value := part * 10.0**power) <= high * (1 + 1e-9)
        ]
        if 2 <= len(found) <= most:
            return found
    powers = [10.0**power for power in range(first, last + 1) if low <= 10.0**power <= high]
    if len(powers) > most:
        return powers[:: -(-len(powers) // most)]
    return powers or ticks(low, high, most)


def number(value: float, digits: int = 4) -> str:
    """Return a number in few cells: `0.3412`, `12.5k`, `1e-05`, `nan`."""
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size >= 1e12 or (0 < size < 1e-3):
        text = f"{value:.{max(0, digits - 2)}e}"
        mantissa, _, exponent = text.partition("e")
        if "." in mantissa:
            mantissa = mantissa.rstrip("0").rstrip(".")
        return f"{mantissa}e{int(exponent)}"
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= unit:
            return f"{value / (1e3 if name == 'k' else unit):.{digits}g}{name}"
    return f"{value:,.0f}" if size >= 10**digits else f"{value:.{digits}g}"


def span(seconds: float) -> str:
    """Return a time in few cells: `45 s`, `12 min`, `3 h 05`, `2 d 4 h`."""
    if seconds < 0 or not math.isfinite(seconds):
        return "-"
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 or seconds == 0 else f"{seconds:.1f} s"
    minutes = seconds / 60
    if minutes < 100:
        return f"{minutes:.0f} min"
    hours, rest = divmod(round(minutes), 60)
    if hours < 48:
        return f"{hours} h {rest:02d}"
    return f"{hours // 24} d {hours % 24} h"


def size(count: float) -> str:
    """Return a number of bytes in few cells: `1.2 GB`."""
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= unit:
            return f"{count / unit:.{1 if count < 100 * unit else 0}f} {name}"
    return f"{count:.0f} B"


def place(value: float, axis: Axis) -> str:
    """Return a place on the x axis in few cells."""
    if axis == "time":
        return span(value)
    if axis == "step":
        return f"{value:,.0f}" if abs(value) < 1e6 else number(value, 6)
    return number(value, 5)
