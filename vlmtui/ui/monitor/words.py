"""What is said about a run: its line in the list, the lines above its curves, its page. Safe to show; no widget."""

from __future__ import annotations

import time
from collections.abc import Sequence

from textual.content import Content

from vlmtui.monitor.protocol import Alert, Details, Machine, RunRow, RunState
from vlmtui.safetext import safe_line
from vlmtui.ui.monitor.scales import number, size, span

SIGNS: dict[RunState, str] = {
    "queued": "○", "starting": "◌", "running": "●", "writing": "●", "stopping": "◌", "stopped": "■", "finished": "√",
    "failed": "×", "crashed": "×", "quiet": "·",
}  # fmt: skip
COLOURS: dict[RunState, str] = {
    "queued": "muted", "starting": "success", "running": "success", "writing": "success", "stopping": "warning",
    "stopped": "muted", "finished": "primary", "failed": "error", "crashed": "error", "quiet": "muted",
}  # fmt: skip
"""Names of colours: `$text-…` of the theme."""
_MUTED = "$foreground 60%"
_BAR = 16
KINDS = {"run": "vlmtui", "trainer": "trainer", "events": "TensorBoard", "trackio": "trackio"}


def _colour(state: RunState) -> str:
    return f"bold $text-{COLOURS[state]}" if COLOURS[state] != "muted" else "bold"


def bar(share: float, cells: int) -> str:
    """Return a bar of so many cells, filled to `share`."""
    eighths = round(max(0.0, min(1.0, share)) * cells * 8)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + (" ▏▎▍▌▋▊▉"[part] if part else "")).ljust(cells, "·")[:cells]


def progress(row: RunRow) -> str:
    """Return how far a run is: `sft 150/200`, `150`, or nothing."""
    stage = f"{row.stage} " if row.stage else ""
    if row.steps:
        return f"{stage}{row.step:,}/{row.steps:,}"
    return f"{stage}{row.step:,}" if row.step else ""


def second_line(row: RunRow, width: int) -> str:
    """Return what stands below a run's name in the list: as much as fits in `width` cells."""
    state = row.state if row.state not in ("writing", "quiet") else ""
    loss = f"loss {number(row.loss, 3)}" if row.loss is not None else ""
    left = span(row.eta_s) if row.live and row.eta_s else ""
    bare = progress(row).removeprefix(f"{row.stage} ")
    line = ""
    for words in ((state, progress(row), loss, left), (state, bare, loss, left), (state, bare, loss), (state, loss)):
        line = " ".join(word for word in words if word)
        if len(line) <= width:
            break
    return line or KINDS[row.kind]


def job_pieces(row: RunRow, width: int) -> list[tuple[str, str]]:
    """Return a run as one line of the panel, of `width` cells: texts, and what each is (see `runs_list.RunRows`)."""
    name, track = max(10, min(24, width // 4)), max(6, min(_BAR, width // 6))
    title = safe_line(row.title, 40)
    title = title if len(title) <= name else f"{title[: name - 1]}…"
    pieces = [(f" {SIGNS[row.state]} ", COLOURS[row.state]), (title.ljust(name), "title")]
    if row.steps:
        pieces += [(" ", ""), (bar(row.step / row.steps, track), "primary"), (f" {row.step / row.steps:4.0%}", "")]
    pieces.append((f"  {progress(row)}", ""))
    if row.loss is not None:
        pieces.append((f"  loss {number(row.loss)}", ""))
    if row.live and row.eta_s:
        pieces.append((f"  ETA {span(row.eta_s)}", ""))
    pieces.append((f"  {row.state}  {row.device}", "muted"))
    if row.alerts:
        pieces.append((f"  ▲ {safe_line(row.alerts[-1].line, 80)}", "warning"))
    return pieces


def head(details: Details, machine: Machine | None, width: int) -> list[Content]:
    """Return the lines above a run's curves: how far, how well and fast, the computer; then what looks wrong.

    What belongs together stays together; each line holds as much as fits in `width` cells.
    """
    lines = _flow(_how_far(details, width), width)
    lines[1:1] = [_alert(alert) for alert in details.row.alerts[-2:]]  # where there is little room, these first
    lines += _flow(_how_well(details), width)
    if details.row.state in ("failed", "crashed") and details.cause:
        lines.append(Content.styled(f" × {safe_line(details.cause, 300)}", "$text-error"))
    if machine is not None:
        lines += _flow([Content.styled(word, _MUTED) for word in _computer(machine)], width)
    return [line.truncate(width, ellipsis=True) for line in lines]


def _flow(pieces: list[Content], width: int) -> list[Content]:
    """Return the pieces in as few lines as they fit in."""
    lines: list[Content] = []
    for piece in pieces:
        if lines and lines[-1].cell_length + 2 + piece.cell_length <= width:
            lines[-1] = lines[-1] + "  " + piece
        else:
            lines.append(Content(" ") + piece)
    return lines


def _how_far(details: Details, width: int) -> list[Content]:
    row = details.row
    pieces = [Content.styled(f"{SIGNS[row.state]} {row.state}", _colour(row.state))]
    if row.steps:
        share = row.step / row.steps
        track = (bar(share, max(6, min(24, width // 6))), "$text-accent")
        pieces.append(Content.assemble(f"{progress(row)} ", track, f" {share:.0%}"))
    elif row.step:
        pieces.append(Content(f"step {progress(row)}"))
    if details.epoch:
        total = f"/{number(details.epochs)}" if details.epochs else ""
        pieces.append(Content(f"epoch {number(details.epoch, 3)}{total}"))
    if row.live and row.eta_s:
        spread = f" ({span(details.eta_low)}…{span(details.eta_high)})" if details.eta_high else ""
        pieces.append(Content(f"ETA {span(row.eta_s)}{spread}"))
    if details.share < 1:
        pieces.append(Content.styled(f"reading {details.share:.0%}", "$text-warning"))
    return pieces


def _how_well(details: Details) -> list[Content]:
    pieces: list[Content] = []
    if details.row.loss is not None:
        loss = Content.assemble("loss ", (number(details.row.loss), "bold"))
        if details.trend is not None:
            sign = "↓" if details.trend < -0.001 else "↑" if details.trend > 0.001 else "→"
            loss += f" {sign} {abs(details.trend):.1%}"
        pieces.append(loss)
    elif "loss" in details.metrics:
        pieces.append(Content.styled("loss is no number", "$text-error"))
    if details.best is not None:
        pieces.append(Content.styled(f"best {number(details.best[0])} at {details.best[1]:,}", "$text-success"))
    for name, label in (("learning_rate", "lr"), ("grad_norm", "grad")):
        if name in details.figures:
            pieces.append(Content(f"{label} {number(details.figures[name], 3)}"))
    for name, (now, mean) in details.rates.items():
        if name != "steps/s" or "samples/s" not in details.rates:
            pieces.append(Content(f"{number(now, 3)} {name} (mean {number(mean, 3)})"))
    return pieces or [Content("Nothing was logged so far.")]


def _computer(machine: Machine) -> list[str]:
    words = [
        f"{safe_line(gpu.name, 24)} {gpu.busy:.0%} {size(gpu.used)}/{size(gpu.total)}"
        + (f" {gpu.temperature:.0f} °C" if gpu.temperature is not None else "")
        + (f" {gpu.power:.0f} W" if gpu.power is not None else "")
        for gpu in machine.devices
    ] or [machine.no_gpu]
    words.append(f"CPU {machine.cpu:.0%} of {machine.cores}")
    words.append(f"RAM {size(machine.used)}/{size(machine.total)}")
    words.append(f"disk {size(machine.free)} free")
    return words


def _alert(alert: Alert) -> Content:
    at = f" at step {alert.step:,}" if alert.step >= 0 else ""
    remedy = f": {safe_line(alert.remedy, 200)}" if alert.remedy else ""
    colour = "$text-error" if alert.error else "$text-warning"
    return Content.styled(f" ▲ {safe_line(alert.line, 200)}{at}{remedy}", colour)


def page(details: Details, machine: Machine | None) -> Content:
    """Return all about a run, as text."""
    row = details.row
    lines: list[Content] = []

    def section(title: str) -> None:
        lines.extend([Content(""), Content.styled(title.upper(), _MUTED)])

    def entry(name: str, value: str) -> None:
        if value:
            lines.append(Content.assemble((f" {name:14}", _MUTED), value))

    lines.append(Content.styled(f" {safe_line(row.title, 200)}", "bold"))
    entry("state", f"{SIGNS[row.state]} {row.state}")
    entry("kind", KINDS[row.kind])
    entry("folder", safe_line(row.path, 400))
    entry("result", safe_line(details.output, 400))
    entry("cloned from", safe_line(details.cloned_from.rpartition("/")[2], 200))
    entry("device", safe_line(row.device, 40))
    entry("created", _clock(row.created))
    entry("last sign", _clock(row.updated))
    entry("note", safe_line(row.note, 1000))
    entry("tags", ", ".join(safe_line(tag, 40) for tag in row.tags))
    entry("cause", safe_line(details.cause, 600))
    entry("remedy", safe_line(details.remedy, 600))
    if row.alerts:
        section("What looks wrong")
        lines.extend(_alert(alert) for alert in row.alerts)
    section("How far")
    entry("step", progress(row))
    entry("epoch", number(details.epoch) if details.epoch else "")
    if row.live and row.eta_s:
        entry("ETA", f"{span(row.eta_s)}, between {span(details.eta_low)} and {span(details.eta_high)}")
    for name, (now, mean) in details.rates.items():
        entry(name, f"{number(now)} now, {number(mean)} in the mean")
    section("Newest values")
    for name, value in details.figures.items():
        entry(safe_line(name, 40), number(value, 6))
    if details.evaluations:
        section("Evaluations")
        lines.extend(_table(details))
    section("Checkpoints on the disk")
    for checkpoint in details.checkpoints:
        entry(f"step {checkpoint.step:,}", f"{size(checkpoint.size):>9}  {safe_line(checkpoint.name, 200)}")
    if not details.checkpoints:
        lines.append(Content.styled(" none", _MUTED))
    if machine is not None:
        section("The computer")
        lines.extend(_machine_lines(machine))
    return Content("\n").join(lines)


def _table(details: Details) -> list[Content]:
    names = sorted({name for one in details.evaluations for name in one.values if "runtime" not in name})
    names = [name for name in names if not name.endswith("_per_second")][:6]
    titles = [safe_line(name, 24).replace("eval_", "") for name in names]
    widths = [max(9, len(title)) for title in titles]
    rows = ["  ".join([f"{'step':>8}", *(title.rjust(width) for title, width in zip(titles, widths, strict=True))])]
    for one in details.evaluations:
        cells = [number(one.values[name]) if name in one.values else "-" for name in names]
        rows.append("  ".join([f"{one.step:>8,}", *(c.rjust(w) for c, w in zip(cells, widths, strict=True))]))
    return [Content.styled(f" {rows[0]}", _MUTED), *(Content(f" {row}") for row in rows[1:])]


def _machine_lines(machine: Machine) -> list[Content]:
    rows: list[str] = []
    for gpu in machine.devices:
        more = f", {gpu.temperature:.0f} °C" if gpu.temperature is not None else ""
        more += f", {gpu.power:.0f} W" if gpu.power is not None else ""
        rows.append(f"{gpu.name}: {gpu.busy:.0%} busy, {size(gpu.used)} of {size(gpu.total)}{more}")
        rows += [f"    process {pid}: {size(used)}" for pid, used in gpu.processes]
    rows += [machine.no_gpu] if machine.no_gpu else []
    rows.append(f"CPU {machine.cpu:.0%} of {machine.cores} cores")
    rows.append(f"memory {size(machine.used)} of {size(machine.total)} taken")
    rows.append(f"disk {size(machine.free)} of {size(machine.disk)} free")
    rows.append(f"network {size(machine.received)}/s in, {size(machine.sent)}/s out")
    return [Content(f" {safe_line(row, 200)}") for row in rows]


def _clock(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if seconds else ""


def shown_rows(rows: Sequence[RunRow], words: str, *, archived: bool) -> list[RunRow]:
    """Return the rows that have all of `words` in name, tags, note or state; archived ones only where asked for."""
    wanted = words.casefold().split()
    found = []
    for row in rows:
        if row.archived and not archived:
            continue
        text = " ".join([row.title, row.path, row.state, row.note, *row.tags]).casefold()
        if all(word in text for word in wanted):
            found.append(row)
    return found
