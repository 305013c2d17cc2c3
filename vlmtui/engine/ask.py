"""`vlmtui ask`: a question about pictures and videos, answered on stdout without the workbench."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import msgspec

from vlmtui.chats.presets import NoPreset, preset_named
from vlmtui.engine.client import EngineClient
from vlmtui.engine.protocol import (
    AUTOMATIC,
    Failed,
    Finished,
    ImagePart,
    Loaded,
    LoadProgress,
    Part,
    PartRead,
    Sampling,
    TextPart,
    Tokens,
    Turn,
    VideoPart,
)
from vlmtui.media.kinds import kind_of
from vlmtui.models import adapters
from vlmtui.models.adapters import AdapterUse
from vlmtui.models.hardware import DTYPES, Quantize, int8_pays
from vlmtui.models.processor import RESOLUTIONS, Resolution
from vlmtui.models.sampling import MOST_FRAMES, FrameSampling
from vlmtui.paths import settings_file
from vlmtui.progress_line import ProgressLine
from vlmtui.safetext import safe_line, safe_text
from vlmtui.settings import Settings, read_settings
from vlmtui.timestamps import clock

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")
_STAGES = {
    "libraries": "libraries",
    "download": "download",
    "weights": "weights",
    "processor": "processor",
    "warm_up": "warm-up",
}


class WrongUse(Exception):
    """The command line makes no sense; the message says how it would."""


class Question(msgspec.Struct, frozen=True):
    """What `vlmtui ask` is asked, settings applied."""

    turns: tuple[Turn, ...]
    sampling: Sampling
    model: str
    revision: str | None
    device: str
    dtype: str
    adapters: tuple[AdapterUse, ...] = ()
    quantize: Quantize = "none"
    endpoint: str = ""
    resolution: Resolution = "auto"
    chunk_s: float = 0.0

    @property
    def adapter(self) -> str:
        """The first adapter, as `--adapter` takes it; empty for none."""
        return str(self.adapters[0]) if self.adapters else ""


def ask(options: argparse.Namespace) -> int:
    """Answer the question in `options` on stdout; return the exit code: 0, 1 for a failure, 2 for wrong use."""
    settings, mistakes = read_settings(settings_file())
    for mistake in mistakes:
        _say(f"warning: {mistake}")
    try:
        question = read_question(options, settings)
    except WrongUse as error:
        _say(str(error))
        return 2
    return asyncio.run(_answer(question, as_json=options.json))


def read_question(options: argparse.Namespace, settings: Settings) -> Question:
    """Return what is asked: the options, where they are silent the settings, where these are too the demo model.

    Raises:
        WrongUse: with one line for the user.
    """
    asked, files = _asked(options, settings)
    sampling = frame_sampling(options)
    parts: list[Part] = [_part(name, sampling) for name in files]
    parts.append(TextPart(text=asked))
    turns = [Turn(role="user", parts=tuple(parts))]
    system = settings.system_prompt if options.system is None else options.system
    if system:
        turns.insert(0, Turn(role="system", parts=(TextPart(text=system),)))
    longest = settings.max_new_tokens if options.max_new_tokens is None else options.max_new_tokens
    if longest < 1:
        raise WrongUse(f"--max-new-tokens {longest}: at least 1")
    temperature = settings.temperature if options.temperature is None else options.temperature
    if not (math.isfinite(temperature) and temperature >= 0):
        raise WrongUse(f"--temperature {temperature}: 0 (greedy) or more")
    device = options.device or settings.device
    if not _DEVICE.fullmatch(device):
        raise WrongUse(f"--device {device}: choose auto, cpu, cuda, cuda:N or mps")
    dtype = options.dtype or settings.dtype
    if dtype not in ("auto", *DTYPES):
        raise WrongUse(f"--dtype {dtype}: choose auto, float32, bfloat16 or float16")
    quantize = options.quantize or settings.quantize
    over, base = adapters_of(options.adapter)
    endpoint = ""
    if hasattr(options, "endpoint"):  # a batch needs a model here
        endpoint = options.endpoint or ("" if options.model else settings.endpoint)
    if endpoint and over:
        raise WrongUse("--adapter and --endpoint: adapters of an endpoint are chosen there, by the model's name")
    revision = options.revision or (None if options.model else settings.revision or None)
    return Question(
        turns=tuple(turns),
        sampling=Sampling(max_new_tokens=longest, temperature=temperature),
        model=(options.model or "") if endpoint else options.model or base or settings.model or "demo",
        revision=revision,
        device=device,
        dtype=dtype,
        adapters=over,
        endpoint=endpoint,
        quantize=quantize,
        resolution=_resolution(getattr(options, "resolution", None) or settings.resolution),
        chunk_s=_chunk_s(options, parts),
    )


def _asked(options: argparse.Namespace, settings: Settings) -> tuple[str, list[str]]:
    """Return the question and the names of the files; with `--preset` there is no question among the arguments."""
    files = list(options.files)
    if getattr(options, "preset", None) is None:
        if not (options.prompt or "").strip():
            raise WrongUse("the question is empty; write it in quotes as the first argument")
        return options.prompt, files
    if options.prompt is not None:
        files.insert(0, options.prompt)
    try:
        preset = preset_named(options.preset, settings.presets)
    except NoPreset as error:
        raise WrongUse(f"--preset {options.preset}: {error}") from None
    if len(files) < preset.pictures:
        many = "a picture" if preset.pictures == 1 else f"{preset.pictures} pictures"
        raise WrongUse(f"--preset {options.preset} asks about {many}: name {many} after it")
    return preset.prompt, files


def _chunk_s(options: argparse.Namespace, parts: Sequence[Part]) -> float:
    """Return how long the parts are in which a video is read, in seconds; 0 for one look, below 0 as is needed."""
    videos = sum(isinstance(part, VideoPart) for part in parts)
    wanted = getattr(options, "chunks", None)
    if wanted is None:  # so many frames a second of a long video are more than one look has
        return AUTOMATIC if options.fps is not None and videos == 1 else 0.0
    if videos != 1:
        raise WrongUse("--chunks: name one video to be read in parts")
    if not (math.isfinite(wanted) and wanted > 0):
        raise WrongUse(f"--chunks {wanted}: more than 0, e.g. 30 for half a minute")
    return float(wanted)


def _resolution(name: str) -> Resolution:
    if name not in RESOLUTIONS:
        raise WrongUse(f"--resolution {name}: choose {', '.join(RESOLUTIONS[:-1])} or {RESOLUTIONS[-1]}")
    return name


def adapters_of(named: str | Sequence[str] | None) -> tuple[tuple[AdapterUse, ...], str]:
    """Return the adapters, and the checkpoint that the first was trained on; nothing where none is named.

    Raises:
        WrongUse: one of them is no adapter.
    """
    names = [named] if isinstance(named, str) else named or ()
    try:
        over = tuple(adapters.parse(name) for name in names)
    except adapters.AdapterError as error:
        raise WrongUse(f"{error.cause}: {error.remedy}") from None
    return over, adapters.base_of(Path(over[0].folder)) if over else ""


def frame_sampling(options: argparse.Namespace) -> FrameSampling:
    """Return which frames of videos are sent."""
    if options.frames is not None and options.fps is not None:
        raise WrongUse("--frames and --fps: choose one of them")
    if options.frames is not None and not 1 <= options.frames <= MOST_FRAMES:
        raise WrongUse(f"--frames {options.frames}: 1 to {MOST_FRAMES}")
    if options.fps is not None and not (math.isfinite(options.fps) and options.fps > 0):
        raise WrongUse(f"--fps {options.fps}: more than 0, e.g. 1 for a frame a second")
    if options.fps is not None:
        return FrameSampling(mode="fps", fps=options.fps)
    return FrameSampling() if options.frames is None else FrameSampling(frames=options.frames)


def _part(name: str, sampling: FrameSampling) -> Part:
    """Return the picture or video that a FILE argument names; whether it can be decoded is the engine's to say."""
    path = Path(name).expanduser()
    try:
        if path.is_dir():
            raise WrongUse(f"{name} is a folder; name the pictures or videos in it")
        if not path.exists():
            raise WrongUse(f"{name}: there is no such file")
    except OSError as error:  # a name that is too long, a folder that may not be entered
        raise WrongUse(f"{name}: {error.strerror or error}") from error
    match kind_of(path):
        case "video":
            return VideoPart(path=str(path.absolute()), sampling=sampling)
        case "text" | "dataset":
            raise WrongUse(f"{name} is neither a picture nor a video")
        case _:
            return ImagePart(path=str(path.absolute()))


async def _answer(question: Question, *, as_json: bool) -> int:
    """Load the checkpoint, stream the answer, end the engine; return the exit code."""
    client = EngineClient()
    progress = ProgressLine(sys.stderr)
    out = _Out(sys.stdout, silent=as_json)
    loaded: Loaded | None = None
    try:
        async for event in client.load(
            question.model,
            revision=question.revision,
            device=question.device,
            dtype=question.dtype,
            adapters=question.adapters,
            endpoint=question.endpoint,
            quantize=question.quantize,
        ):
            match event:
                case LoadProgress():
                    progress.show(f"loading {question.model}: {loading_words(event)}")
                case Loaded():
                    loaded = event
                case Failed():
                    progress.clear()
                    _say(f"{event.cause}; {event.remedy}")
                    return 1
        if loaded is None:
            return 1
        if loaded.kind == "base":
            progress.note(f"{loaded.name} is a base checkpoint: it completes text rather than answering")
        if int8_pays(loaded.device, loaded.quantize, loaded.parameters):
            progress.note("--quantize int8 would answer nearly twice as fast on this CPU")
        progress.show("looking" if len(question.turns[-1].parts) > 1 else "thinking")
        notes: list[PartRead] = []
        async for answer in client.generate(
            question.turns, sampling=question.sampling, resolution=question.resolution, chunk_s=question.chunk_s
        ):
            match answer:
                case PartRead():
                    notes.append(answer)
                    progress.show(f"part {answer.number} of {answer.of}, up to {clock(answer.end_s)}: {answer.text}")
                case Tokens():
                    progress.clear()
                    out.write(answer.text)
                case Finished():
                    progress.clear()
                    out.end()
                    if as_json:
                        _print_json(out.text, loaded, answer, notes)
                case Failed():
                    progress.clear()
                    out.end()
                    _say(f"{answer.cause}; {_remedy(answer)}")
                    return 1
    except asyncio.CancelledError:  # Ctrl+C: leave the shell's prompt on a line of its own
        progress.clear()
        with contextlib.suppress(OSError):
            out.end()
        raise
    finally:
        await client.close()
    return 0


def _remedy(failed: Failed) -> str:
    """Return what to do about a failure, by the options of this command where there are some."""
    options = [
        f"--{offer.kind} {offer.value} ({offer.tokens:,} tokens)" for offer in failed.offers if offer.kind != "drop"
    ]
    return f"ask with {' or '.join(options)}" if options else failed.remedy


def _print_json(text: str, loaded: Loaded, finished: Finished, notes: Sequence[PartRead]) -> None:
    import json

    print(  # noqa: T201 - what the command is for
        json.dumps(
            {
                "text": text,
                "model": loaded.name,
                "adapter": loaded.adapter,
                "prompt_tokens": finished.prompt_tokens,
                "image_tokens": finished.image_tokens,
                "completion_tokens": finished.completion_tokens,
                "ttft_s": round(finished.ttft_s, 4),
                "tokens_per_s": round(finished.tokens_per_s, 2),
                "reason": finished.reason,
                "revision": loaded.revision,
                "device": loaded.device,
                "dtype": loaded.dtype,
                "quantize": loaded.quantize,
            }
            | ({"parts": [{"start_s": n.start_s, "end_s": n.end_s, "text": n.text} for n in notes]} if notes else {})
        ),  # ASCII: control characters of the model's are escaped, so that it may be printed on a terminal
        flush=True,
    )


def loading_words(progress: LoadProgress) -> str:
    """Return how far a load is, in words."""
    words = _STAGES[progress.stage]
    if progress.total > 1:
        words += f" {min(100, 100 * progress.done // progress.total)} %"
    if progress.stage == "download" and progress.total:
        words += f" of {progress.total / 1e6:,.0f} MB"
    return words


def _say(line: str) -> None:
    """Print one line for the user on stderr."""
    print(f"vlmtui: {safe_line(line)}", file=sys.stderr, flush=True)  # noqa: T201 - what stderr is for


class _Out:
    """The answer on its way to stdout: safe for a terminal, also behind a pipe (`| tee`, `| less -R`)."""

    def __init__(self, stream: TextIO, *, silent: bool) -> None:
        self._stream = stream
        self._silent = silent
        self._held = ""
        self.text = ""
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that is not UTF-8 shows ? instead of a traceback

    def write(self, text: str) -> None:
        """Print `text` at once; a carriage return waits for what follows it."""
        self.text += text
        if self._silent:
            return
        text = self._held + text
        self._held = "\r" if text.endswith("\r") else ""
        self._stream.write(safe_text(text[: len(text) - len(self._held)]))
        self._stream.flush()

    def end(self) -> None:
        """End the last line."""
        if self._silent or not self.text:
            return
        if not self.text.endswith("\n"):
            self._stream.write("\n")
        self._stream.flush()
