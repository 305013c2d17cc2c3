"""What looks wrong about a run, from its curves and from the computer. Pure: numbers in, alerts out."""

from __future__ import annotations

import numpy as np

from vlmtui.monitor.naming import counterpart
from vlmtui.monitor.protocol import Alert, Machine, RunState, Thresholds
from vlmtui.monitor.table import Floats, Table

_ENOUGH = 30
"""So many points have to be there before a curve is judged."""
_WINDOW = 50
_LATELY = 0.25
"""A spike that the curve has long recovered from, in this share of the points, is of interest no more."""
_LEARNT = 0.02
"""A loss below has nothing left to learn."""
_TRAINS: frozenset[RunState] = frozenset({"running", "writing"})
_FULL_SHARE = 0.01
"""Of a small disk, this share left is not nearly full yet … the smaller of both bounds counts."""


def curve_alerts(table: Table, limits: Thresholds) -> list[Alert]:
    """Return what looks wrong about the curves: not finite, spike, explosion, plateau, learning rate, overfitting."""
    found: list[Alert] = []
    for name in table.metrics:
        if name.rpartition("/")[2] == "loss":
            found += _loss_alerts(table, name, limits)
            found += _overfitting(table, name, limits)
        elif name.rpartition("/")[2] == "grad_norm":
            found += _explosion(table, name, limits)
        elif name.rpartition("/")[2] == "learning_rate":
            found += _no_learning_rate(table, name)
    return found


def _loss_alerts(table: Table, name: str, limits: Thresholds) -> list[Alert]:
    steps, values = table.points(name)
    found = _not_finite(steps, values, name)
    finite = np.isfinite(values)
    steps, values = steps[finite], values[finite]
    if len(values) < _ENOUGH:
        return found
    return [*found, *_spike(steps, values, name, limits), *_plateau(table, steps, values, name, limits)]


def _not_finite(steps: Floats, values: Floats, name: str) -> list[Alert]:
    """Any value that is no number: the newest stretch of them counts."""
    bad = np.flatnonzero(~np.isfinite(values))
    if not len(bad):
        return []
    gaps = np.flatnonzero(np.diff(bad) > 1)
    first = int(bad[gaps[-1] + 1]) if len(gaps) else int(bad[0])
    word = "NaN" if np.isnan(values[first]) else "infinite"
    gone = bool(np.isfinite(values[-1]))
    return [
        Alert(
            code="not_finite",
            line=f"{name} {'was' if gone else 'is'} {word}",
            remedy="lower learning_rate or max_grad_norm, or train in bf16 or float32",
            step=int(steps[first]),
            error=not gone,
        )
    ]


def _spike(steps: Floats, values: Floats, name: str, limits: Thresholds) -> list[Alert]:
    """A loss far above what it was around there: measured against the median of the points before and their spread.

    The spread is the median of the distances from the median (times 1.4826: a standard deviation, were they normal),
    and at least a twentieth of the median: a curve without noise has no spread to speak of. The first points of a run
    fall steeply and are left out. Two points high up count, or one that is twice as high as asked for: a batch of hard
    examples is no spike.
    """
    if not limits.spike or len(values) <= _WINDOW:
        return []
    windows = np.lib.stride_tricks.sliding_window_view(values[-20 * _WINDOW :], _WINDOW)[:-1]
    if not len(windows):
        return []
    later = values[-len(windows) :]
    middle = np.median(windows, axis=1)
    spread = 1.4826 * np.median(np.abs(windows - middle[:, None]), axis=1)
    spread = np.maximum(spread, 0.05 * np.abs(middle))
    height = (later - middle) / np.maximum(spread, 1e-12)
    high = height > limits.spike
    twice = high & (np.r_[high[1:], False] | np.r_[False, high[:-1]])
    hits = np.flatnonzero(twice | (height > 2 * limits.spike))
    if not len(hits) or len(values) - (len(values) - len(later) + hits[-1]) > max(_WINDOW, _LATELY * len(values)):
        return []
    last = int(hits[-1])
    while last - 1 in hits:
        last -= 1
    place = len(values) - len(later) + last
    return [
        Alert(
            code="spike",
            line=f"{name} rose to {values[place]:.4g}, from about {middle[last]:.4g}",
            remedy="if it does not fall again: go back to the checkpoint before, with a lower learning_rate",
            step=int(steps[place]),
        )
    ]


def _plateau(table: Table, steps: Floats, values: Floats, name: str, limits: Thresholds) -> list[Alert]:
    """The mean of the loss over many steps is no lower than over as many before, at a rate that could still teach."""
    if not limits.plateau or steps[-1] - steps[0] < 2 * limits.plateau:
        return []
    lately = steps > steps[-1] - limits.plateau
    before = ~lately & (steps > steps[-1] - 2 * limits.plateau)
    if lately.sum() < _ENOUGH or before.sum() < _ENOUGH:
        return []
    was, now = float(values[before].mean()), float(values[lately].mean())
    improved = float(values[: max(5, len(values) // 50)].mean()) - now
    if improved <= 0 or was - now > limits.plateau_share * improved or now < _LEARNT:
        return []
    rates = table.points("learning_rate")[1]
    if len(rates) and rates[-1] < 0.1 * np.nanmax(rates):  # the schedule is nearly over: it is meant to settle
        return []
    return [
        Alert(
            code="plateau",
            line=f"{name} has not improved for {limits.plateau:,} steps",
            remedy="it may be all that it learns: stop it, or change learning_rate",
            step=int(steps[before][-1]),
        )
    ]


def _explosion(table: Table, name: str, limits: Thresholds) -> list[Alert]:
    """A gradient far larger than usual, more than once in a few steps."""
    steps, values = table.points(name)
    bad = ~np.isfinite(values)
    if bad.any():
        return _not_finite(steps, values, name)
    if not limits.explosion or len(values) < _ENOUGH:
        return []
    usual = float(np.median(values[: -max(5, len(values) // 10)]))
    lately = values[-_WINDOW:] > limits.explosion * max(usual, 1e-6)
    hits = np.flatnonzero(lately)
    if len(hits) < 2:
        return []
    place = len(values) - len(lately) + int(hits[0])
    return [
        Alert(
            code="explosion",
            line=f"{name} reached {float(values[-_WINDOW:].max()):.3g}; usual is {usual:.3g}",
            remedy="set max_grad_norm to 1, or lower learning_rate",
            step=int(steps[place]),
            error=True,
        )
    ]


def _no_learning_rate(table: Table, name: str) -> list[Alert]:
    """A rate of zero with steps left to take: a schedule that ended too early, or was never begun. A warm-up begins
    with it, and a schedule ends with it."""
    steps, values = table.points(name)
    if len(values) < 5 or bool((values[-5:] != 0).any()):
        return []
    first = len(values) - 1
    while first and values[first - 1] == 0:
        first -= 1
    return [
        Alert(
            code="lr_zero",
            line="the learning rate is 0: nothing is learned any more",
            remedy="lr_scheduler_type and max_steps do not go together",
            step=int(steps[first]),
        )
    ]


def _overfitting(table: Table, name: str, limits: Thresholds) -> list[Alert]:
    """Several evaluations in a row were worse than the best, while the training loss went on falling."""
    steps, values = table.points(counterpart(name))
    finite = np.isfinite(values)
    steps, values = steps[finite], values[finite]
    if not limits.overfitting or len(values) < limits.overfitting + 1:
        return []
    best = int(values.argmin())
    worse = values[best + 1 :]
    if len(worse) < limits.overfitting or worse[-limits.overfitting :].min() < 1.03 * values[best]:
        return []
    if worse[-1] < worse[0]:  # it gets better again
        return []
    where, loss = table.points(name)
    known = np.isfinite(loss)
    where, loss = where[known], loss[known]
    around = loss[np.searchsorted(where, steps[best]) - 10 : np.searchsorted(where, steps[best]) + 1]
    if len(around) < 3 or len(loss) < 10 or float(np.median(loss[-10:])) >= float(np.median(around)):
        return []
    return [
        Alert(
            code="overfitting",
            line=f"{counterpart(name)} gets worse since step {int(steps[best]):,}, while {name} falls",
            remedy="stop, and take the checkpoint of then; more data, dropout or fewer epochs help",
            step=int(steps[best]),
        )
    ]


def run_alerts(state: RunState, cause: str, silent_s: float, usual_s: float, limits: Thresholds) -> list[Alert]:
    """Return what looks wrong about a run of this tool as a process.

    Args:
        state, cause: as the run says.
        silent_s: seconds since its last event.
        usual_s: seconds that usually lie between two.
    """
    if state == "crashed":
        return [Alert(code="crashed", line=cause or "its process is gone", remedy="resume it", error=True)]
    if state == "failed":
        return [Alert(code="failed", line=cause or "it has failed", remedy="see its log", error=True)]
    if limits.stall and state == "running" and silent_s > max(limits.stall, 10 * usual_s):
        line = f"no event for {silent_s / 60:.0f} minutes"
        return [Alert(code="stall", line=line, remedy="look at its log and at the GPU")]
    return []


def machine_alerts(machine: Machine, state: RunState, device: str, idle_s: float, limits: Thresholds) -> list[Alert]:
    """Return what looks wrong about the computer, for a run that is being trained on `device`.

    Args:
        idle_s: for how long its GPU has done nothing.
    """
    if state not in _TRAINS:
        return []
    found: list[Alert] = []
    if limits.disk and machine.disk and machine.free < min(limits.disk, max(1e8, _FULL_SHARE * machine.disk)):
        line = f"the disk has {machine.free / 1e9:.1f} GB left"
        remedy = "free some space: a checkpoint will not fit"
        found.append(Alert(code="disk", line=line, remedy=remedy, error=True))
    number = gpu_of(machine, device)
    if number is None:
        return found
    taken = machine.devices[number].used / max(1, machine.devices[number].total)
    if limits.gpu_memory and taken > limits.gpu_memory:
        line = f"the GPU's memory is {taken:.0%} taken"
        found.append(Alert(code="gpu_memory", line=line, remedy="a smaller batch, or gradient_checkpointing"))
    if limits.gpu_idle and idle_s > limits.gpu_idle:
        line = f"the GPU has done nothing for {idle_s / 60:.0f} minutes"
        found.append(Alert(code="gpu_idle", line=line, remedy="the data is slow, or the run hangs"))
    return found


def silence_of(table: Table, now: float) -> tuple[float, float]:
    """Return the seconds since the run's last row, and those that usually lie between two; (0, 0) before the third."""
    times = table.time.values[-200:]
    times = times[np.isfinite(times)]
    if len(times) < 3:
        return 0.0, 0.0
    return max(0.0, now - float(times[-1])), float(np.median(np.diff(times)))


def gpu_of(machine: Machine, device: str) -> int | None:
    """Return the number of the GPU that a run trains on; None for the CPU."""
    if not device.startswith("cuda"):
        return None
    digits = device.partition(":")[2]
    number = int(digits) if digits.isdigit() else 0
    return number if number < len(machine.devices) else None
