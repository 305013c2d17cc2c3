"""What the terminal's process and the one that watches runs say to each other: msgpack frames."""

from __future__ import annotations

from typing import Literal

import msgspec

from vlmtui.children.codec import Codec, Failing

PROTOCOL_VERSION = 1

Axis = Literal["step", "epoch", "tokens", "time"]
Kind = Literal["run", "trainer", "events", "trackio"]
"""A run of this tool; a folder of Hugging Face's trainer; TensorBoard's event files; trackio's database."""
RunState = Literal[
    "queued", "starting", "running", "stopping", "stopped", "finished", "failed", "crashed", "writing", "quiet"
]
"""As `vlmtui.runs.status`; of a run that somebody else started all that is known is when its files last changed:
`writing` lately, `quiet` for longer."""
LIVE: frozenset[RunState] = frozenset({"queued", "starting", "running", "stopping", "writing"})


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When an alert is given. Each is switched off by 0.

    Attributes:
        spike: the loss is so many usual deviations above its running median.
        plateau: the smoothed loss has not improved for so many steps …
        plateau_share: … by more than this share of all that it has improved.
        explosion: the gradient norm is so many times its running median.
        stall: seconds without an event, and ten times as long as usual between two.
        disk: bytes left on the disk of the run's folder.
        gpu_memory: share of a GPU's memory that is taken.
        gpu_idle: seconds that the GPU of a running job has done nothing.
        overfitting: evaluations in a row that were worse than the best while the training loss went down.
    """

    spike: float = 8.0
    plateau: int = 2000
    plateau_share: float = 0.005
    explosion: float = 20.0
    stall: float = 300.0
    disk: float = 2e9
    gpu_memory: float = 0.97
    gpu_idle: float = 120.0
    overfitting: int = 3


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Something about a run looks wrong.

    Attributes:
        code: stable: `not_finite`, `spike`, `plateau`, `explosion`, `lr_zero`, `stall`, `crashed`, `failed`, `disk`,
            `gpu_memory`, `gpu_idle`, `overfitting`.
        line, remedy: one line each.
        step: where in the run; -1 for the whole of it.
        error: whether it is more than a warning.
    """

    code: str
    line: str
    remedy: str = ""
    step: int = -1
    error: bool = False


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A run in the list.

    Attributes:
        path: names it: its folder, or for trackio `file#run`.
        kind, state: see there.
        title: what it is called.
        device: `cpu`, `cuda:0`; empty where it is not known.
        stage, step, steps: how far it is; 0 steps where it is not known.
        loss: the newest; None before the first.
        eta_s: seconds that it will still take; 0 where it is not known.
        created, updated: seconds since 1970.
        alerts: what looks wrong.
        note, tags, archived: what the user wrote down about it.
    """

    path: str
    kind: Kind
    state: RunState
    title: str
    device: str = ""
    stage: str = ""
    step: int = 0
    steps: int = 0
    loss: float | None = None
    eta_s: float = 0.0
    created: float = 0.0
    updated: float = 0.0
    alerts: list[Alert] = []
    note: str = ""
    tags: list[str] = []
    archived: bool = False

    @property
    def live(self) -> bool:
        """Whether something still happens in it."""
        return self.state in LIVE


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What one evaluation found: the numbers under their names."""

    step: int
    values: dict[str, float]


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint on the disk: its name within the run's folder, and its size in bytes."""

    name: str
    step: int
    size: int


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """All about a run but its curves.

    Attributes:
        row: as in the list.
        share: how much of its files was read, 0..1; until then the curves are drawn through some of the points.
        version: another one when there are new points.
        metrics: names, those that people look for first.
        axes: that are known.
        epoch, epochs: of the data; 0 where it is not known.
        eta_low, eta_high: seconds that it will still take if it goes on as fast, or as slow, as one in ten intervals.
        rates: `samples/s`, `tokens/s`, `steps/s`: now and in the mean.
        figures: other newest values: `lr`, `grad_norm`, ….
        best: the lowest loss and its step.
        trend: change of the smoothed loss over the last tenth of the run, as a share.
        evaluations: the newest last, at most 50.
        checkpoints: the newest last.
        cause, remedy: why it ended.
        log: path of its log; empty for none.
        recipe: as it was written, or the trainer's arguments; empty where it is not known.
        answers: steps at which the fixed examples were answered.
        output: where the result goes.
        cloned_from: the path of the run whose recipe this one's was changed from; empty for none.
    """

    row: RunRow
    share: float
    version: int
    metrics: list[str]
    axes: list[Axis]
    epoch: float = 0.0
    epochs: float = 0.0
    eta_low: float = 0.0
    eta_high: float = 0.0
    rates: dict[str, tuple[float, float]] = {}
    figures: dict[str, float] = {}
    best: tuple[float, int] | None = None
    trend: float | None = None
    evaluations: list[Evaluation] = []
    checkpoints: list[Checkpoint] = []
    cause: str = ""
    remedy: str = ""
    log: str = ""
    recipe: str = ""
    answers: list[int] = []
    output: str = ""
    cloned_from: str = ""


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """A curve, as far as it can be seen (see `vlmtui.monitor.sampling.Columns`).

    Attributes:
        run, metric: whose it is.
        points: how many there are in all.
        column: 16-bit numbers of the columns.
        x, first, low, high, last: 64-bit floats, one a column.
        broken: 16-bit numbers of columns in which a value is no number.
        smooth_column, smooth: the smoothed curve's columns and its last value in each.
        best: place, step and value of the best point; None where better is not known.
        rising: whether more is better.
        newest: the newest value.
    """

    run: str
    metric: str
    points: int
    column: bytes = b""
    x: bytes = b""
    first: bytes = b""
    low: bytes = b""
    high: bytes = b""
    last: bytes = b""
    broken: bytes = b""
    smooth_column: bytes = b""
    smooth: bytes = b""
    best: tuple[float, float, float] | None = None
    rising: bool = False
    newest: float | None = None


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """A fixed example and what was answered to it at each evaluation: (step, answer). All texts are untrusted."""

    row: int
    prompt: str
    reference: str
    pictures: list[str]
    answers: list[tuple[int, str]]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A key that recipes do not agree on: its value in each of them; None where it is not given. Untrusted texts."""

    key: str
    values: list[str | None]


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A metric of several runs: a value for each of them, None where it does not have it.

    Attributes:
        metric: its name.
        rising: whether more is better; None where nothing says so.
        step: as far as all those got that have it; -1 where only one has.
        last: the newest value.
        best: value and step.
        same: the value at `step`, or at the last step before it.
    """

    metric: str
    rising: bool | None
    step: int
    last: list[float | None]
    best: list[tuple[float, int] | None]
    same: list[float | None]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Runs beside each other.

    Attributes:
        runs: in the order that they were asked for.
        known: whether each has left a recipe.
        differences: what their recipes do not agree on.
        same: how many keys they do agree on.
        measures: their metrics, those that people look for first.
        share: how much of their files was read, 0..1.
    """

    runs: list[RunRow]
    known: list[bool]
    differences: list[Difference]
    same: int
    measures: list[Measure]
    share: float


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A GPU now: share of time that it computed, bytes, degrees Celsius, watts; `processes`: pid and bytes."""

    name: str
    busy: float
    used: int
    total: int
    temperature: float | None = None
    power: float | None = None
    processes: list[tuple[int, int]] = []


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The computer now.

    Attributes:
        devices: its GPUs.
        no_gpu: why there is none; empty where there are.
        cpu: share of all cores that is taken; `cores` of them.
        used, total: bytes of memory.
        free, disk: bytes left on, and of, the disk that the runs lie on.
        sent, received: bytes a second over the network.
    """

    devices: list[Device]
    no_gpu: str
    cpu: float
    cores: int
    used: int
    total: int
    free: int
    disk: int
    sent: float = 0.0
    received: float = 0.0


# ---- requests ----


class _Request(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    id: int


class Watch(_Request, frozen=True, kw_only=True, tag="watch"):
    """Look for runs in these folders from now on; `runs` is the folder of this tool's own."""

    runs: str
    folders: list[str] = []
    thresholds: Thresholds = Thresholds()


class List(_Request, frozen=True, kw_only=True, tag="list"):
    """Return the runs that are known."""


class Look(_Request, frozen=True, kw_only=True, tag="look"):
    """Return all about a run."""

    run: str


class Draw(_Request, frozen=True, kw_only=True, tag="draw"):
    """Return curves over one axis.

    Attributes:
        wanted: run, metric and number of columns of each.
        low, high: the first and last place on the axis; the whole of all runs where both are 0.
        log: the axis is logarithmic.
        smoothing: the weight, 0..1.
    """

    wanted: list[tuple[str, str, int]]
    axis: Axis = "step"
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    smoothing: float = 0.0


class GetAnswers(_Request, frozen=True, kw_only=True, tag="answers"):
    """Return the fixed examples of a run and their answers."""

    run: str


class Compare(_Request, frozen=True, kw_only=True, tag="compare"):
    """Return what differs between runs."""

    runs: list[str]


class GetMachine(_Request, frozen=True, kw_only=True, tag="machine"):
    """Return how the computer is."""


class Export(_Request, frozen=True, kw_only=True, tag="export"):
    """Write curves to a file: `.csv` all their points, `.svg` and `.png` the picture of one plot.

    Attributes:
        file: where to; one that is there is replaced.
        curves: run and metric of each.
        axis, low, high, log_x, log_y, smoothing: as the plot shows them.
    """

    file: str
    curves: list[tuple[str, str]]
    axis: Axis = "step"
    low: float = 0.0
    high: float = 0.0
    log_x: bool = False
    log_y: bool = False
    smoothing: float = 0.0


Request = Watch | List | Look | Draw | GetAnswers | Compare | GetMachine | Export


# ---- replies ----


class _Reply(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    id: int


class Hello(_Reply, frozen=True, kw_only=True, tag="hello"):
    """The child is there."""

    version: int


class Done(_Reply, frozen=True, kw_only=True, tag="done"):
    """It was done; `line` says what."""

    line: str = ""


class Listed(_Reply, frozen=True, kw_only=True, tag="listed"):
    """The runs, the newest first; `complete` once all folders were gone through."""

    rows: list[RunRow]
    complete: bool


class Looked(_Reply, frozen=True, kw_only=True, tag="looked"):
    """All about a run."""

    details: Details


class Drawn(_Reply, frozen=True, kw_only=True, tag="drawn"):
    """The curves, in the order that they were asked for, and the places of the first and last column."""

    curves: list[Curve]
    low: float
    high: float


class Answered(_Reply, frozen=True, kw_only=True, tag="answered"):
    """The fixed examples."""

    examples: list[Example]


class Compared(_Reply, frozen=True, kw_only=True, tag="compared"):
    """What differs between the runs."""

    comparison: Comparison


class Measured(_Reply, frozen=True, kw_only=True, tag="measured"):
    """The computer."""

    machine: Machine


class Failure(Failing, _Reply, frozen=True, kw_only=True, tag="failure"):
    """A request failed; the child goes on. `code`: `gone`, `child_died`, `timeout`, `cannot_write`, `internal`."""

    code: str
    cause: str
    remedy: str = ""


Reply = Hello | Done | Listed | Looked | Drawn | Answered | Compared | Measured | Failure

_CODEC: Codec[Request, Reply] = Codec(Request, Reply)
encode, decode_request, decode_reply = _CODEC.encode, _CODEC.decode_request, _CODEC.decode_reply
