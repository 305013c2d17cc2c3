"""Alerts: each on a curve that deserves it, none on healthy ones, recorded and generated."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vlmtui.monitor.alerts import curve_alerts, machine_alerts, run_alerts
from vlmtui.monitor.protocol import Device, Machine, Thresholds
from vlmtui.monitor.table import Table

_RECORDED = Path(__file__).with_name("recorded")
LIMITS = Thresholds()


def codes(table: Table, limits: Thresholds = LIMITS) -> set[str]:
    return {alert.code for alert in curve_alerts(table, limits)}


def recorded(name: str) -> list[tuple[int, dict[str, float]]]:
    """A training that really ran: steps and what they logged."""
    lines = (_RECORDED / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [(entry["step"], entry["values"]) for entry in map(json.loads, lines)]


def generated(seed: int, steps: int = 3000) -> list[tuple[int, dict[str, float]]]:
    """A healthy training: falling loss with noise that is now and then large, warm-up, a schedule, evaluations."""
    random = np.random.default_rng(seed)
    low, fall, speed = random.uniform(0.05, 1.5), random.uniform(0.5, 4), random.uniform(100, 1500)
    noise, tail = random.uniform(0.01, 0.25), random.uniform(3, 30)
    shape = random.choice(["linear", "cosine", "constant"])
    each = int(random.choice([1, 5, 10]))
    log: list[tuple[int, dict[str, float]]] = []
    for step in range(each, steps + 1, each):
        share = step / steps
        loss = low + fall * math.exp(-step / speed) + 0.2 * (1 - share)
        loss *= 1 + noise * float(random.standard_t(tail))
        rate = {"linear": 1 - share, "cosine": 0.5 + 0.5 * math.cos(math.pi * share), "constant": 1.0}[shape]
        rate *= min(1.0, step / 100)
        norm = random.lognormal(0, 0.5) * (1 + 3 * math.exp(-step / speed))
        log.append((step, {"loss": max(loss, 1e-3), "grad_norm": float(norm), "learning_rate": 2e-4 * rate}))
        if step % (steps // 10) == 0:
            log.append(
                (step, {"eval_loss": low + fall * math.exp(-step / speed) + 0.2 + float(random.normal(0, 0.01))})
            )
    return log


def table_of(log: list[tuple[int, dict[str, float]]]) -> Table:
    table = Table()
    for step, values in log:
        table.add(step, values)
    return table


def false_alarms(log: list[tuple[int, dict[str, float]]]) -> set[str]:
    """What is said at any time while the training is watched: judged at 40 moments, as it grows."""
    table, said = Table(), set()
    every = max(1, len(log) // 40)
    for number, (step, values) in enumerate(log):
        table.add(step, values)
        if number % every == 0:
            said |= codes(table)
    return said | codes(table)


def test_healthy_trainings_raise_next_to_no_alarm() -> None:
    alarms = {f"seed {seed}": said for seed in range(50) if (said := false_alarms(generated(seed)))}
    alarms |= {f"long {seed}": said for seed in range(10) if (said := false_alarms(generated(seed, 12_000)))}
    alarms |= {name: said for name in ("digits", "demo") if (said := false_alarms(recorded(name)))}
    assert len(alarms) <= 2, alarms  # of 62


def broken(change: Callable[[int, dict[str, float]], None]) -> Table:
    """A healthy training with something changed in each log."""
    log = generated(7)
    for step, values in log:
        change(step, values)
    return table_of(log)


def set_loss(values: dict[str, float], value: float) -> None:
    if "loss" in values:
        values["loss"] = value


def test_what_is_no_number_is_said_and_where() -> None:
    table = broken(lambda step, values: set_loss(values, math.nan) if step >= 2500 else None)
    found = [alert for alert in curve_alerts(table, LIMITS) if alert.code == "not_finite"]
    assert [(alert.step, alert.error) for alert in found] == [(2500, True)]
    table = broken(
        lambda step, values: values.update(grad_norm=math.inf) if step == 2000 and "loss" in values else None
    )
    assert "not_finite" in codes(table)


def test_a_spike_is_said_and_a_batch_of_hard_examples_is_not() -> None:
    def spike(step: int, values: dict[str, float]) -> None:
        if 2800 <= step <= 2850:
            set_loss(values, 9.0)

    assert "spike" in codes(broken(spike))
    assert "spike" not in codes(broken(spike), Thresholds(spike=0))
    table = broken(spike)
    for step in range(3001, 6000, 10):
        table.add(step, {"loss": 0.5})
    assert "spike" not in codes(table)  # long ago


def test_a_plateau_is_said_while_there_is_still_a_rate_to_learn_at() -> None:
    random = np.random.default_rng(5)

    def flat(step: int, rate: float) -> dict[str, float]:
        return {"loss": 2.0 + math.exp(-step / 300) + float(random.normal(0, 0.02)), "learning_rate": rate}

    log = [(step, flat(step, 1e-4)) for step in range(10, 9000, 10)]
    assert codes(table_of(log)) == {"plateau"}
    log = [(step, flat(step, 1e-4 * (1 - step / 9001))) for step in range(10, 9000, 10)]
    assert codes(table_of(log)) == set()


def test_an_explosion_a_rate_of_zero_and_overfitting_are_said() -> None:
    def explode(step: int, values: dict[str, float]) -> None:
        if step > 2950 and "grad_norm" in values:
            values["grad_norm"] = 900.0

    assert "explosion" in codes(broken(explode))

    def no_rate(step: int, values: dict[str, float]) -> None:
        if step > 2900 and "learning_rate" in values:
            values["learning_rate"] = 0.0

    assert "lr_zero" in codes(broken(no_rate))

    def worse(step: int, values: dict[str, float]) -> None:
        if "eval_loss" in values and step > 1200:
            values["eval_loss"] = 1.5 + step / 1000

    found = [alert for alert in curve_alerts(broken(worse), LIMITS) if alert.code == "overfitting"]
    assert found
    assert found[0].step <= 1200


@pytest.mark.parametrize(
    ("state", "silent", "expected"),
    [("running", 10, []), ("running", 400, ["stall"]), ("crashed", 0, ["crashed"]), ("failed", 0, ["failed"]),
     ("finished", 9999, []), ("queued", 9999, [])],
)  # fmt: skip
def test_a_run_that_is_silent_crashed_or_failed(state: str, silent: float, expected: list[str]) -> None:
    assert [alert.code for alert in run_alerts(state, "", silent, 2.0, LIMITS)] == expected  # type: ignore[arg-type]
    assert run_alerts("running", "", 400, 60.0, LIMITS) == []  # it logs once a minute


def test_the_disk_and_the_gpu() -> None:
    def machine(free: int, used: int) -> Machine:
        gpu = Device(name="GPU", busy=0.0, used=used, total=100)
        return Machine(devices=[gpu], no_gpu="", cpu=0.5, cores=2, used=1, total=2, free=free, disk=1_000_000_000_000)

    def said(free: int, used: int, device: str, idle: float) -> list[str]:
        return [alert.code for alert in machine_alerts(machine(free, used), "running", device, idle, LIMITS)]

    assert said(50_000_000_000, 50, "cuda:0", 0) == []
    assert said(100_000_000, 99, "cuda:0", 999) == ["disk", "gpu_memory", "gpu_idle"]
    assert said(100_000_000, 99, "cpu", 999) == ["disk"]
    assert machine_alerts(machine(0, 99), "finished", "cuda", 999, LIMITS) == []
