"""The messages between the terminal's process and the media child: length-prefixed MessagePack, typed at both ends.

Binary, because pixels travel in them. Both sides import this module and nothing heavier than msgspec.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from vlmtui.children.codec import Codec, Failing
from vlmtui.media.kinds import Kind
from vlmtui.models.processor import ProcessorSettings
from vlmtui.models.sampling import FrameChoice, FrameSampling

PROTOCOL_VERSION = 2

Form = Literal["half-block", "shade", "kitty", "sixel"]
"""How a picture is drawn: coloured half cells, shades of grey as characters, or real pixels by one of two protocols."""
Depth = Literal["truecolor", "256", "16"]


class Paper(msgspec.Struct, frozen=True):
    """What is drawn on; the attributes are those of `Render`, `cell` is the pixels of one cell (width, height)."""

    columns: int
    rows: int
    cell: tuple[int, int]
    form: Form
    depth: Depth
    colours: int
    max_pixels: int
    fine: bool


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """The base of every message; the key `type` tells them apart."""


class MediaInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a file is.

    Attributes:
        path: as it was asked for.
        kind: by its name.
        bytes: size of the file.
        stamp: changes when the file does (time of change, size, inode).
        width, height: in pixels, as shown (EXIF orientation and a video's rotation honoured); 0 where there are none.
        mode: of a picture's file: `RGB`, `L`, `LA`, `RGBA`, `P`, `1`, `I;16`, ….
        format: `PNG`, `JPEG`, …; of a video its codec.
        animated: a picture of several frames.
        frames, fps, duration: of a video; 0 where the container does not say. Duration in seconds.
        head: the first lines of a text or of a dataset in text; untrusted.
    """

    path: str
    kind: Kind
    bytes: int
    stamp: str = ""
    width: int = 0
    height: int = 0
    mode: str = ""
    format: str = ""
    animated: bool = False
    frames: int = 0
    fps: float = 0.0
    duration: float = 0.0
    head: str = ""


class View(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which part of a picture is looked at, and how closely.

    Attributes:
        zoom: dots of the terminal a pixel of the picture takes (a dot is half a cell, or a pixel where the terminal
            draws pixels); 0 to show the whole picture as large as it fits.
        x, y: the middle of what is shown, as a share (0 to 1) of the picture's width and height.
    """

    zoom: float = 0.0
    x: float = 0.5
    y: float = 0.5


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """Words that stand in a row of cells above a tile; that row has nothing else.

    Attributes:
        row, column: of the words' first cell, from the picture's upper left.
        text: as many cells as characters.
    """

    row: int
    column: int
    text: str


# ---- requests -----------------------------------------------------------------------------------


class Describe(_Message, frozen=True, kw_only=True, tag="describe"):
    """Say what the file at `path` is; only its header is read."""

    id: int
    path: str


class Stamp(_Message, frozen=True, kw_only=True, tag="stamp"):
    """Say whether the file at `path` is still there and the same."""

    id: int
    path: str


class Render(_Message, frozen=True, kw_only=True, tag="render"):
    """Draw the file at `path` as large as it fits. A newer `Render` of the same lane supersedes this one.

    Attributes:
        columns, rows: cells there are.
        cell_width, cell_height: pixels of one cell; their ratio is what matters to `half-block` and `shade`.
        form: how it is drawn.
        depth: colours of half blocks.
        colours: colour registers of a sixel terminal, 2 to 256.
        max_pixels: the most pixels that `kitty` and `sixel` send; more than that and the picture is made smaller.
        fine: dither `sixel`, for three times the bytes.
        view: the part that is shown; the whole picture if there is none.
        tiles: show the tiles that a model with this processor is given of the picture, each with its place and cost.
        ground: colour between tiles, 0xRRGGBB.
        time: seconds that an animation has been playing; below 0 for its first frame.
        ahead: nobody waits for it yet: it is dropped for a `Render` that somebody waits for, and when it is costly.
        lane: the place it is drawn for: two pictures side by side do not supersede each other.
    """

    id: int
    path: str
    columns: int
    rows: int
    cell_width: int = 10
    cell_height: int = 20
    form: Form = "half-block"
    depth: Depth = "truecolor"
    colours: int = 256
    max_pixels: int = 1_000_000
    fine: bool = True
    view: View | None = None
    tiles: ProcessorSettings | None = None
    ground: int = 0
    time: float = -1.0
    ahead: bool = False
    lane: int = 0


class Inspect(_Message, frozen=True, kw_only=True, tag="inspect"):
    """Say what is written in the file beside its pixels (see `Inspected`)."""

    id: int
    path: str


class Frame(_Message, frozen=True, kw_only=True, tag="frame"):
    """Draw one frame of the video at `path`.

    Attributes:
        paper: room and form.
        index: its number from 0; below 0 to name it by its time.
        time: seconds from the start.
        quick: with `index` 0: do not wait for the times of the other frames, say what the header says.
    """

    id: int
    path: str
    paper: Paper
    index: int = -1
    time: float = 0.0
    quick: bool = False


class Strip(_Message, frozen=True, kw_only=True, tag="strip"):
    """Draw the film strip of the frames that `sampling` chooses from the video at `path`.

    Attributes:
        paper: room for ONE frame, the gap to the next (its last column) included.
        first: number of the choice at the left.
        count: how many frames there is room for.
        ground: colour between them, 0xRRGGBB.
    """

    id: int
    path: str
    paper: Paper
    sampling: FrameSampling
    first: int = 0
    count: int = 1
    ground: int = 0


Request = Describe | Stamp | Render | Inspect | Frame | Strip


# ---- replies ------------------------------------------------------------------------------------


class Hello(_Message, frozen=True, kw_only=True, tag="hello"):
    """The first frame: the child is up."""

    version: int
    pid: int


class Described(_Message, frozen=True, kw_only=True, tag="described"):
    """What the file is."""

    id: int
    info: MediaInfo


class Stamped(_Message, frozen=True, kw_only=True, tag="stamped"):
    """The file's stamp (see `MediaInfo`); empty when it is not there any more."""

    id: int
    stamp: str


class Rendered(_Message, frozen=True, kw_only=True, tag="rendered"):
    """A picture, ready to be drawn.

    Attributes:
        info: what the file is.
        form, depth: as asked for.
        columns, rows: cells it takes; 0 x 0 for a file that has no picture (a text).
        width, height: pixels of the data (`kitty`, `sixel`).
        parts: `half-block`: one part, 3 bytes (truecolor) or 1 (palette index) a pixel, columns x 2*rows pixels;
            `shade`: one part, UTF-8, `rows` lines of `columns` characters; `kitty`: one part, a PNG;
            `sixel`: `rows` parts, each the sixel sequence (ESC P … ESC \\\\) of one row of cells.
        seconds: from the request's start in the child to this reply.
        labels: words that stand among the tiles; each in a row of its own.
        frame: number of an animation's frame, from 0.
        wait: seconds until its next frame is due; 0 when there is none.
        damaged: number of the first frame that cannot be decoded; the animation ends before it. 0 for none.
    """

    id: int
    info: MediaInfo
    form: Form = "half-block"
    depth: Depth = "truecolor"
    columns: int = 0
    rows: int = 0
    width: int = 0
    height: int = 0
    parts: list[bytes] = []
    seconds: float = 0.0
    labels: list[Label] = []
    frame: int = 0
    wait: float = 0.0
    damaged: int = 0


class Inspected(_Message, frozen=True, kw_only=True, tag="inspected"):
    """What is written in a file beside its pixels: a name and a value each, in the order to show; untrusted."""

    id: int
    info: MediaInfo
    facts: list[tuple[str, str]]


class FrameDrawn(_Message, frozen=True, kw_only=True, tag="frame_drawn"):
    """One frame of a video, drawn.

    Attributes:
        picture: ready to be drawn.
        index, time: which it is, and when it appears.
        next_time: when the next one appears; 0 when it is the last.
        total, fps, duration: of the video; `fps` is the mean where frames last differently long (`variable`).
    """

    id: int
    picture: Rendered
    index: int
    time: float
    next_time: float
    total: int
    fps: float
    duration: float
    variable: bool = False


class StripDrawn(_Message, frozen=True, kw_only=True, tag="strip_drawn"):
    """A page of a film strip.

    Attributes:
        picture: the page, `Strip.count` frames wide.
        choices: all frames that are chosen, in temporal order.
        missing: frames of the page that are not decoded yet: ask again.
        failed: numbers of frames that cannot be decoded; a model is not sent them.
    """

    id: int
    picture: Rendered
    choices: list[FrameChoice]
    missing: int = 0
    failed: list[int] = []


class MediaFailure(Failing, _Message, frozen=True, kw_only=True, tag="failure"):
    """A request failed; the child goes on.

    Attributes:
        code: stable, for programs: those of `vlmtui.media.errors`, `superseded`, `media_died`, `timeout`, `internal`.
        cause: one line: what went wrong.
        remedy: one line: what to do about it.
    """

    id: int
    code: str
    cause: str
    remedy: str


Reply = Hello | Described | Stamped | Rendered | Inspected | FrameDrawn | StripDrawn | MediaFailure

_CODEC: Codec[Request, Reply] = Codec(Request, Reply)
encode, decode_request, decode_reply = _CODEC.encode, _CODEC.decode_request, _CODEC.decode_reply
