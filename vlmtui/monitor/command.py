"""`vlmtui runs watch` and `compare` for scripts: one look at runs, as text or JSON; and which run is meant."""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from vlmtui.monitor.client import MonitorClient
from vlmtui.monitor.protocol import Comparison, Details, Failure, RunRow
from vlmtui.paths import log_directory, runs_directory
from vlmtui.runs.folder import RunError, find
from vlmtui.safetext import safe_line

_PATIENCE_S = 120.0


def meant(name: str) -> Path | None:
    """Return the folder of the run that `name` means: one of this tool's, or any folder; None for none in particular.

    Raises:
        RunError: there is none.
    """
    if not name:
        return None
    if Path(name.rpartition("#")[0] or name).exists() and ("/" in name or name.startswith(".") or "#" in name):
        return Path(name).absolute()
    try:
        return find(name).path
    except RunError:
        if Path(name).exists():
            return Path(name).absolute()
        raise


def client_of(folders: Sequence[Path]) -> MonitorClient:
    """Return a monitor of this tool's runs and of others' in `folders`."""
    return MonitorClient(runs_directory(), folders, log=log_directory() / "monitor.log")


def once(options: argparse.Namespace) -> int:
    """Say how the run of `options` stands now, or all runs; return the exit code."""
    try:
        run = meant(options.run_id)
    except RunError as error:
        print(safe_line(str(error)), file=sys.stderr)  # noqa: T201 - what the command is for
        return 1
    return asyncio.run(_once(run, as_json=options.json))


async def _once(run: Path | None, *, as_json: bool) -> int:
    client = client_of([] if run is not None else [Path.cwd()])
    try:
        if run is None:
            return await _all(client, as_json=as_json)
        details = await client.look(str(run))
        for _ in range(int(_PATIENCE_S / 0.05)):
            if isinstance(details, Failure) or details.share >= 1:
                break
            await asyncio.sleep(0.05)
            details = await client.look(str(run))
        if isinstance(details, Failure):
            print(details.line, file=sys.stderr)  # noqa: T201
            return 1
        if as_json:
            print(json.dumps(as_dict(details)))  # noqa: T201
        else:
            for line in as_lines(details):
                print(line)  # noqa: T201
        return 0
    finally:
        await client.close()


def compare(options: argparse.Namespace) -> int:
    """Say what differs between the runs of `options`; return the exit code."""
    try:
        runs = [meant(name) for name in options.run_ids]
    except RunError as error:
        print(safe_line(str(error)), file=sys.stderr)  # noqa: T201 - what the command is for
        return 1
    return asyncio.run(_compare([str(run) for run in runs], as_json=options.json))


async def _compare(runs: Sequence[str], *, as_json: bool) -> int:
    client = client_of([])
    try:
        found = await client.compare(runs)
        for _ in range(int(_PATIENCE_S / 0.05)):
            if isinstance(found, Failure) or found.share >= 1:
                break
            await asyncio.sleep(0.05)
            found = await client.compare(runs)
        if isinstance(found, Failure):
            print(found.line, file=sys.stderr)  # noqa: T201
            return 1
        if as_json:
            print(json.dumps(_finite(msgspec.to_builtins(found))))  # noqa: T201
        else:
            for line in comparison_lines(found):
                print(line)  # noqa: T201
        return 0
    finally:
        await client.close()


async def _all(client: MonitorClient, *, as_json: bool) -> int:
    listed = await client.list()
    while not isinstance(listed, Failure) and not listed.complete:
        await asyncio.sleep(0.05)
        listed = await client.list()
    if isinstance(listed, Failure):
        print(listed.line, file=sys.stderr)  # noqa: T201
        return 1
    if as_json:
        print(json.dumps([_finite(msgspec.to_builtins(row)) for row in listed.rows]))  # noqa: T201
    else:
        for row in listed.rows:
            print(row_line(row))  # noqa: T201
    return 0


def as_dict(details: Details) -> dict[str, Any]:
    """Return all about a run for a machine to read; what is no number is null."""
    found: dict[str, Any] = _finite(msgspec.to_builtins(details))
    return found


def row_line(row: RunRow) -> str:
    """Return a run as one line of text."""
    step = f"{row.step}/{row.steps}" if row.steps else str(row.step or "-")
    loss = f"{row.loss:.4f}" if row.loss is not None else "-"
    return safe_line(f"{row.state:9} {step:>13} {loss:>9}  {row.title}  {row.path}", 300)


def as_lines(details: Details) -> list[str]:
    """Return all about a run as lines of text."""
    row = details.row
    lines = [f"{row.title}  {row.state}", f"folder      {row.path}"]
    step = f"{row.step} of {row.steps}" if row.steps else str(row.step)
    lines.append(f"step        {row.stage} {step}".rstrip() + (f", epoch {details.epoch:.2f}" if details.epoch else ""))
    if row.live and row.eta_s:
        lines.append(f"ETA         {row.eta_s:.0f} s ({details.eta_low:.0f} to {details.eta_high:.0f})")
    if row.loss is not None:
        best = f", best {details.best[0]:.4f} at {details.best[1]}" if details.best else ""
        lines.append(f"loss        {row.loss:.4f}{best}")
    lines += [f"{name:11} {now:.4g} now, {mean:.4g} in the mean" for name, (now, mean) in details.rates.items()]
    lines += [f"checkpoint  {one.name}  {one.size / 1e6:.1f} MB" for one in details.checkpoints]
    for one in details.evaluations[-1:]:
        values = "  ".join(f"{name} {value:.4g}" for name, value in one.values.items())
        lines.append(f"evaluation  step {one.step}: {values}")
    lines += [f"alert       {alert.line}" for alert in row.alerts]
    lines += [f"cause       {details.cause}"] if details.cause else []
    return [safe_line(line, 300) for line in lines]


def comparison_lines(found: Comparison) -> list[str]:
    """Return what differs between runs as lines of text: a column for each run."""
    rows: list[tuple[str, list[str]]] = [("", [row.title for row in found.runs])]
    rows += [(one.key, ["-" if value is None else value for value in one.values]) for one in found.differences]
    for one in found.measures:
        rows.append((one.metric, [_number(value) for value in one.last]))
        if any(best is not None for best in one.best):
            rows.append((f"{one.metric} best", [f"{_number(b[0])} at {b[1]}" if b else "-" for b in one.best]))
        if one.step >= 0:
            rows.append((f"{one.metric} at {one.step}", [_number(value) for value in one.same]))
    width = max(len(name) for name, _ in rows)
    sizes = [min(60, max(len(row[1][run]) for row in rows)) for run in range(len(found.runs))]
    lines = [
        "  ".join([name.ljust(width), *(text.ljust(size) for text, size in zip(texts, sizes, strict=True))])
        for name, texts in rows
    ]
    return [safe_line(line, 1000).rstrip() for line in lines]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _finite(value: Any) -> Any:
    """Return `value` with what is no number as None: JSON has no word for it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
