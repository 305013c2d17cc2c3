"""The messages between the terminal's process and the engine's: one JSON object a line, typed at both ends.

Requests go to the child's stdin, events come from the child's (real) stdout. Both sides import this module and nothing
heavier. A line that cannot be decoded is a defect of ours, not of the user's data: the client reports it and goes on.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from vlmtui.models.adapters import AdapterUse
from vlmtui.models.hardware import Quantize
from vlmtui.models.processor import ProcessorSettings, Resolution
from vlmtui.models.sampling import FrameSampling

PROTOCOL_VERSION = 1

AUTOMATIC = -1.0
"""As `Generate.chunk_s`: in parts only where the frames that are wanted are too many for one look."""


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """The base of every message; the JSON key `type` tells them apart."""


# ---- what a prompt is made of -------------------------------------------------------------------


class TextPart(_Message, frozen=True, kw_only=True, tag="text"):
    """A piece of text."""

    text: str


class ImagePart(_Message, frozen=True, kw_only=True, tag="image"):
    """A picture, by absolute path. Decoded in the engine, bounded as in `vlmtui.media`."""

    path: str


class VideoPart(_Message, frozen=True, kw_only=True, tag="video"):
    """A video, by absolute path, of which the frames that `sampling` chooses are shown to the model."""

    path: str
    sampling: FrameSampling = FrameSampling()


Part = TextPart | ImagePart | VideoPart


class Turn(_Message, frozen=True, kw_only=True, tag="turn"):
    """One message of a conversation, with typed parts in the order they are shown to the model."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[Part, ...]


class Sampling(_Message, frozen=True, kw_only=True, tag="sampling"):
    """How tokens are chosen. `temperature` 0 is greedy decoding; with more than one of `beams` nothing streams."""

    max_new_tokens: int = 512
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    repetition_penalty: float = 1.0
    seed: int | None = None
    beams: int = 1


# ---- requests -----------------------------------------------------------------------------------


class Load(_Message, frozen=True, kw_only=True, tag="load"):
    """Load a checkpoint, in place of the one that is loaded.

    Attributes:
        id: chosen by the client; every event that answers carries it.
        model: `demo`, a hub id, or a local folder.
        revision: branch, tag or commit on the hub.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        dtype: `auto`, `float32`, `bfloat16` or `float16`.
        offline: never ask the hub, whatever the environment says.
        adapters: PEFT adapters to lay over it.
        endpoint: address of an OpenAI-compatible endpoint that answers, with its model `model` (empty: its only one);
            nothing is loaded here then. Its key is never part of a message.
        quantize: `none`, `8bit` or `4bit` (bitsandbytes, CUDA and CPU), or `int8` (the language model, CPU).
    """

    id: int
    model: str
    revision: str | None = None
    device: str = "auto"
    dtype: str = "auto"
    offline: bool = False
    adapters: tuple[AdapterUse, ...] = ()
    quantize: Quantize = "none"
    endpoint: str = ""


class Adapt(_Message, frozen=True, kw_only=True, tag="adapt"):
    """Lay these adapters, and no others, over the checkpoint that is loaded; answered by `Loaded`, or `Failed`."""

    id: int
    adapters: tuple[AdapterUse, ...] = ()


class Pull(_Message, frozen=True, kw_only=True, tag="pull"):
    """Fetch a checkpoint from the hub into its cache and load nothing; answered by `LoadProgress` and `Pulled`.

    Attributes:
        model: the hub id.
        revision: branch, tag or commit.
        offline: never ask the hub: only say whether all is here.
    """

    id: int
    model: str
    revision: str | None = None
    offline: bool = False


class Generate(_Message, frozen=True, kw_only=True, tag="generate"):
    """Answer the last user turn of a conversation; where an assistant turn is the last, go on with its text.

    Attributes:
        resolution: into how many tiles pictures are cut.
        chunk_s: read the one video of the last turn in parts of so many seconds; 0 for one look at all of it, below 0
            for parts only where the frames that are wanted are too many for one look.
    """

    id: int
    turns: tuple[Turn, ...]
    sampling: Sampling = Sampling()
    resolution: Resolution = "auto"
    chunk_s: float = 0.0


class BatchRow(_Message, frozen=True, kw_only=True, tag="row"):
    """One conversation of a batch; `key` is the client's name for it, and its answer carries it."""

    key: int
    turns: tuple[Turn, ...]


class Batch(_Message, frozen=True, kw_only=True, tag="batch"):
    """Answer many conversations, several at a time; answered by `Answers`, a group each, and `Finished`.

    Attributes:
        rows: what is to be answered. Answers come in another order: what costs alike is answered together.
        resolution: as in `Generate`.
        most: at most so many at a time; 0 lets the engine find out.
    """

    id: int
    rows: tuple[BatchRow, ...]
    sampling: Sampling = Sampling()
    resolution: Resolution = "auto"
    most: int = 0


class Side(_Message, frozen=True, kw_only=True, tag="side"):
    """One of those that are asked the same: these adapters over the checkpoint, told `system` first, if anything."""

    adapters: tuple[AdapterUse, ...] = ()
    system: str = ""


class Compare(_Message, frozen=True, kw_only=True, tag="compare"):
    """Answer the same several times at once, each side by itself; answered by `SideSays`, and `Finished`.

    Nothing of it stays: the adapters that act now act again afterwards, and the chat's conversation is as it was.

    Attributes:
        turns: the conversation, without a system prompt.
        sides: each gets an answer, the same as if it alone had been asked.
        resolution: as in `Generate`.
    """

    id: int
    turns: tuple[Turn, ...]
    sides: tuple[Side, ...]
    sampling: Sampling = Sampling()
    resolution: Resolution = "auto"


class Stop(_Message, frozen=True, kw_only=True, tag="stop"):
    """Stop the generation (or the load) `target` within one token; it ends with `Finished(reason="stopped")`."""

    target: int


class Shutdown(_Message, frozen=True, kw_only=True, tag="shutdown"):
    """End the child, after the running step."""


Request = Load | Adapt | Pull | Generate | Batch | Compare | Stop | Shutdown


# ---- events -------------------------------------------------------------------------------------


class Hello(_Message, frozen=True, kw_only=True, tag="hello"):
    """The first line: the child is up and has imported nothing heavy yet."""

    version: int
    pid: int


class LoadProgress(_Message, frozen=True, kw_only=True, tag="load_progress"):
    """How far a load is.

    Attributes:
        stage: `libraries`, `download`, `weights`, `processor` or `warm_up`.
        done: bytes (download) or parts (else) so far.
        total: of how many; 0 when not known.
        detail: e.g. the name of the file; untrusted.
    """

    id: int
    stage: Literal["libraries", "download", "weights", "processor", "warm_up"]
    done: int = 0
    total: int = 0
    detail: str = ""


class Loaded(_Message, frozen=True, kw_only=True, tag="loaded"):
    """A checkpoint is ready.

    Attributes:
        name: as it is shown: `demo`, the hub id, or the folder's name.
        revision: the commit that was loaded, where the hub knows one.
        family: transformers' `model_type`: `smolvlm`, `idefics3`, ….
        kind: base checkpoints complete text; instruct checkpoints answer.
        device: where it runs, e.g. `cpu` or `cuda:0`.
        dtype: e.g. `float32`.
        parameters: how many.
        context: positions the text model has.
        processor: what pictures cost at the resolution `auto`.
        demo: whether it is the embedded demo model, which knows shapes only.
        video: whether its processor takes videos itself (SmolVLM2); else frames are sent as pictures.
        seconds: from the request to this event.
        adapter: names what lies over it, weights included; empty for the base alone.
        adapters: the same, one by one.
        quantize: the kind of weights, as in `Load`.
        endpoint: address of the endpoint that answers; empty where the model is loaded here.
    """

    id: int
    name: str
    revision: str = ""
    family: str
    kind: Literal["base", "instruct"]
    device: str
    dtype: str
    parameters: int
    context: int
    processor: ProcessorSettings
    demo: bool = False
    video: bool = False
    seconds: float = 0.0
    adapter: str = ""
    adapters: tuple[AdapterUse, ...] = ()
    quantize: Quantize = "none"
    endpoint: str = ""


class Pulled(_Message, frozen=True, kw_only=True, tag="pulled"):
    """A checkpoint from the hub is wholly here: its commit, the folder in the cache, and the bytes it has."""

    id: int
    name: str
    revision: str = ""
    folder: str
    size: int


class Started(_Message, frozen=True, kw_only=True, tag="started"):
    """The prompt is processed into tokens and generation begins.

    Attributes:
        prompt_tokens: all tokens of the prompt, image tokens included.
        image_tokens: `<image>` tokens among them.
        tiles: tiles that the vision tower sees.
    """

    id: int
    prompt_tokens: int
    image_tokens: int
    tiles: int


class PartRead(_Message, frozen=True, kw_only=True, tag="part_read"):
    """A part of a long video was read; what the model noted of it is in no `Tokens`.

    Attributes:
        number, of: which part, from 1, of how many.
        start_s, end_s: where it is in the video.
        text: the note.
    """

    id: int
    number: int
    of: int
    start_s: float
    end_s: float
    text: str


class Tokens(_Message, frozen=True, kw_only=True, tag="tokens"):
    """The next piece of the answer: text that is whole (no half characters), and how many tokens it took.

    The engine joins what comes within about 50 ms, so that a fast model costs the terminal at most 20 paints a second.
    """

    id: int
    text: str
    count: int


class Finished(_Message, frozen=True, kw_only=True, tag="finished"):
    """The answer is complete.

    Attributes:
        reason: `end` (the model ended its turn), `length` (max_new_tokens or the context reached) or `stopped`.
        ttft_s: seconds from the request to the first token.
        tokens_per_s: over the tokens after the first; 0.0 for fewer than two.
        pictures: pictures and videos in the prompt.
        known_pictures: those among them that the vision tower did not have to see again.
        known_tokens: of the prompt, those that were read for an earlier question and not again.
        saved_s: about how many seconds that saved, by what the same steps took before.
    """

    id: int
    reason: Literal["end", "length", "stopped"]
    prompt_tokens: int = 0
    image_tokens: int = 0
    completion_tokens: int = 0
    ttft_s: float = 0.0
    tokens_per_s: float = 0.0
    pictures: int = 0
    known_pictures: int = 0
    known_tokens: int = 0
    saved_s: float = 0.0


class Offer(_Message, frozen=True, kw_only=True, tag="offer"):
    """What would make a prompt fit that is too long.

    Attributes:
        kind: cut pictures at a lower `resolution`, show fewer `frames` of each video, or `drop` the oldest questions.
        value: the resolution, or how many.
        tokens: of the prompt then; of frames at most so many.
    """

    kind: Literal["resolution", "frames", "drop"]
    value: str
    tokens: int


class Failed(_Message, frozen=True, kw_only=True, tag="failed"):
    """A request failed; the engine goes on.

    Attributes:
        code: stable, for programs: `no_such_model`, `not_vision_language`, `no_network`, `gated`, `out_of_memory`,
            `not_safetensors`, `remote_code`, `bad_picture`, `bad_video`, `too_long`, `no_model`, `bad_device`,
            `disk_full`, `engine_died`, `bad_endpoint`, `bad_request`, `busy`, `internal`.
        cause: one line for people: what went wrong. Untrusted (may hold names).
        remedy: one line: what to do about it.
        offers: for `too_long`, what would make it fit, each by itself.
    """

    id: int
    code: str
    cause: str
    remedy: str
    offers: tuple[Offer, ...] = ()


class Answer(_Message, frozen=True, kw_only=True, tag="answer"):
    """The answer to one row of a batch, or why there is none.

    Attributes:
        key: the row's.
        text: what the model wrote.
        tokens: how many it took.
        code, cause, remedy: as in `Failed`, for a row that failed; empty for one that did not.
    """

    key: int
    text: str = ""
    tokens: int = 0
    code: str = ""
    cause: str = ""
    remedy: str = ""


class Answers(_Message, frozen=True, kw_only=True, tag="answers"):
    """Rows of a batch that were answered together.

    Attributes:
        seconds: that all of them took, their pictures' decoding included.
    """

    id: int
    rows: tuple[Answer, ...]
    seconds: float = 0.0


class SideSays(_Message, frozen=True, kw_only=True, tag="side_says"):
    """What one side of a comparison says; its last is `Finished` or `Failed`, which leaves the others alone.

    Seconds in it are that side's own: while another one had its turn, its clock stood still.

    Attributes:
        side: which, from 0.
    """

    id: int
    side: int
    event: Started | Tokens | Finished | Failed


Event = Hello | LoadProgress | Loaded | Pulled | Started | PartRead | Tokens | Answers | SideSays | Finished | Failed

_ENCODER = msgspec.json.Encoder()
_REQUESTS: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_EVENTS: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(message: Request | Event) -> bytes:
    """Return `message` as one line of JSON, newline included."""
    return _ENCODER.encode(message) + b"\n"


def decode_request(line: bytes) -> Request:
    """Return the request on `line`; raises `msgspec.DecodeError` (or its `ValidationError`)."""
    return _REQUESTS.decode(line)


def decode_event(line: bytes) -> Event:
    """Return the event on `line`; raises `msgspec.DecodeError` (or its `ValidationError`)."""
    return _EVENTS.decode(line)
