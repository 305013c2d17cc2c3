"""`vlmtui batch`: one question about every picture and video, kept file by file, gone on with after anything."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from vlmtui.batches.events import Begun, Done, Ended, Event, Loading, Paused, encode
from vlmtui.batches.finding import BadPath, File, files_of
from vlmtui.batches.job import Job
from vlmtui.batches.journal import Journal, JournalError
from vlmtui.batches.pace import duration
from vlmtui.batches.running import Control, Run
from vlmtui.batches.writing import FORMS
from vlmtui.chats.presets import NoPreset, Preset, preset_named
from vlmtui.engine.ask import Question, WrongUse, frame_sampling, read_question
from vlmtui.engine.client import EngineClient
from vlmtui.engine.protocol import TextPart
from vlmtui.paths import settings_file
from vlmtui.progress_line import ProgressLine
from vlmtui.safetext import safe_line
from vlmtui.settings import Settings, read_settings

_STOPPED = 130
_ABOUT = """\
Asks the same question about every picture and video, several at a time, as many as memory and speed allow. The answers
are those of `vlmtui ask` about one file after the other (with a temperature of 0; where two words are equally likely to
the last digit, as happens at half precision, the size of a group may decide between them).

Each answer is on the disk before it is shown. After Ctrl+C, a crash or a power cut the same command goes on where it
was: no file is done twice, none is lost. What is done stands in OUT.journal until you delete it; files that came in
the meantime are taken in. A file that cannot be used is a row with its error."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what `vlmtui batch` takes, but for the options of the model."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = _ABOUT
    parser.add_argument("paths", nargs="+", metavar="PATH", help="pictures, videos, and folders of them")
    question = parser.add_mutually_exclusive_group(required=True)
    question.add_argument("--prompt", metavar="P", help="the question")
    question.add_argument("--preset", metavar="N", help="a question by its name or letter, e.g. caption or r")
    parser.add_argument(
        "--out", metavar="FILE", default="results.jsonl", help="a .jsonl, .csv or .parquet (default: results.jsonl)"
    )
    parser.add_argument("--frames", type=int, metavar="N", help="frames of a video, spread evenly (default: 8)")
    parser.add_argument("--resolution", metavar="R", help="tiles of a picture: auto, off, 2, 3, 4, full or fit")
    parser.add_argument("--fps", type=float, metavar="X", help="frames a second of a video, at most 64 (as SmolVLM2)")
    parser.add_argument("--adapter", metavar="DIR", help="a trained adapter; its own checkpoint is the default --model")
    parser.add_argument("--system", metavar="S", help="system prompt (default: the settings')")
    parser.add_argument("--max-new-tokens", type=int, metavar="N", help="longest answer, in tokens (default: 512)")
    parser.add_argument("--temperature", type=float, metavar="X", help="0, the default, is greedy decoding")
    parser.add_argument("--retry", action="store_true", help="do the files again that failed before")
    parser.add_argument("--json", action="store_true", help="events as JSON, one a line: begun, loading, done, ended")
    parser.add_argument("--controlled", action="store_true", help=argparse.SUPPRESS)  # the workbench speaks on stdin
    parser.set_defaults(run=batch)


def batch(options: argparse.Namespace) -> int:
    """Do what `vlmtui batch` was asked; return the exit code: 0, 1 when a file or all failed, 2 for wrong use."""
    settings, mistakes = read_settings(settings_file())
    for mistake in mistakes:
        _complain(f"warning: {mistake}")
    try:
        question, job = read_job(options, settings)
        out = _out(options.out)
        files = files_of(options.paths)
    except (WrongUse, BadPath) as error:
        _complain(str(error))
        return 2
    job = msgspec.structs.replace(job, paths=tuple(str(Path(path).expanduser().absolute()) for path in options.paths))
    try:
        with Journal(out, job) as journal:
            return asyncio.run(_run(job, question, files, out, journal, options))
    except JournalError as error:
        _complain(str(error))
        return 2
    except OSError as error:
        _complain(f"{error.filename or out}: {error.strerror or error}")
        return 1


def read_job(options: argparse.Namespace, settings: Settings) -> tuple[Question, Job]:
    """Return what is asked and by whom, settings applied; as a question to `vlmtui ask` and as a job.

    Raises:
        WrongUse: with one line for the user.
    """
    prompt = options.prompt if options.preset is None else find_preset(options.preset, settings).prompt
    if not prompt.strip():
        raise WrongUse("the question is empty; write it in quotes behind --prompt")
    as_asked = vars(options) | {"prompt": prompt, "preset": None, "files": []}
    question = read_question(argparse.Namespace(**as_asked), settings)
    system = [part.text for turn in question.turns[:-1] for part in turn.parts if isinstance(part, TextPart)]
    job = Job(
        prompt=prompt,
        system="".join(system),
        frames=frame_sampling(options),
        sampling=question.sampling,
        resolution=question.resolution,
        model=question.model,
        revision=question.revision or "",
        adapter=question.adapter,
    )
    return question, job


def find_preset(wanted: str, settings: Settings) -> Preset:
    """Return the preset with the name or the letter `wanted`; the beginning of one name is enough.

    Raises:
        WrongUse: there is none, or it asks about several pictures at once.
    """
    try:
        found = preset_named(wanted, settings.presets)
    except NoPreset as error:
        raise WrongUse(f"--preset {wanted}: {error}") from None
    if found.pictures > 1:
        raise WrongUse(f"--preset {wanted} asks about {found.pictures} pictures at once; a batch has one a row")
    return found


def _out(name: str) -> Path:
    out = Path(name).expanduser()
    if out.suffix.lower() not in FORMS:
        raise WrongUse(f"--out {name}: its name must end with {', '.join(FORMS[:-1])} or {FORMS[-1]}")
    if out.is_dir():
        raise WrongUse(f"--out {name} is a folder")
    if not out.absolute().parent.is_dir():
        raise WrongUse(f"--out {name}: there is no folder {out.parent}")
    return out


async def _run(
    job: Job, question: Question, files: list[File], out: Path, journal: Journal, options: argparse.Namespace
) -> int:
    """Run the batch, show it, end the engine; return the exit code."""
    client = EngineClient()
    run = Run(
        job,
        files,
        out,
        journal,
        client,
        device=question.device,
        dtype=question.dtype,
        quantize=question.quantize,
        again=options.retry,
    )
    stopped_by: list[int] = []
    listener = asyncio.create_task(_listen(run.control)) if options.controlled else None
    with _stopped_by_signals(run.control, stopped_by):
        try:
            show = _as_json if options.json else _Shown().show
            code = 1
            async with contextlib.aclosing(run.events()) as events:
                async for event in events:
                    show(event)
                    if isinstance(event, Ended):
                        code = _code(event, stopped_by)
            return code
        finally:
            if listener is not None:
                listener.cancel()
            await client.close()


def _code(ended: Ended, stopped_by: list[int]) -> int:
    if ended.reason == "stopped":
        return 128 + stopped_by[0] if stopped_by else _STOPPED
    return 0 if ended.reason == "done" and not ended.failed else 1


@contextlib.contextmanager
def _stopped_by_signals(control: Control, stopped_by: list[int]):  # type: ignore[no-untyped-def]
    """Stop within a token when told to; what is in the journal stays. The second time end at once."""
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[None]] = []

    def stop(number: int) -> None:
        stopped_by.append(number)
        tasks.append(loop.create_task(control.stop()))
        for other in numbers:
            loop.remove_signal_handler(other)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, stop, number)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def _listen(control: Control) -> None:
    """Take `pause`, `resume` and `stop` from stdin, a word a line; its end, which is its reader's end, stops too."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    words: dict[bytes, Callable[[], object]] = {b"pause": control.pause, b"resume": control.resume}
    while line := await reader.readline():
        if (do := words.get(line.strip())) is None:
            break
        await do()  # type: ignore[misc]
    await control.stop()


def _as_json(event: Event) -> None:
    sys.stdout.buffer.write(encode(event))
    sys.stdout.buffer.flush()


class _Shown:
    """The batch for people: a line a file on stdout, how far it is on stderr."""

    def __init__(self) -> None:
        self._progress = ProgressLine(sys.stderr)
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="replace")  # a terminal that is not UTF-8 shows ? instead of a traceback

    def show(self, event: Event) -> None:
        """Show what happened."""
        match event:
            case Begun() if event.done:
                self._progress.note(f"{event.done:,} of {event.total:,} files were done before")
            case Loading():
                self._progress.show(event.line)
            case Done():
                self._progress.clear()
                for row in event.rows:
                    answer = f"({row.error})" if row.error else row.text
                    print(f"{safe_line(row.file)}: {safe_line(answer)}", flush=True)  # noqa: T201 - what it is for
                self._progress.show(progress_words(event))
            case Paused():
                self._progress.show("paused")
            case Ended():
                self._progress.clear()
                if event.reason != "done" or event.failed:
                    _complain(event.line)
                else:
                    self._progress.note(event.line)
            case _:
                pass


def progress_words(event: Done) -> str:
    """Return how far a batch is, in words: `12 of 64 · 3.4 a second · 15 s left · 1 failed`."""
    words = f"{event.done:,} of {event.total:,}"
    if event.rate:
        words += f" · {event.rate:.1f} a second" if event.rate >= 1 else f" · {event.rate * 60:.1f} a minute"
    if event.left_s is not None and event.done < event.total:
        words += f" · {duration(event.left_s)} left"
    return words + (f" · {event.failed:,} failed" if event.failed else "")


def _complain(line: str) -> None:
    print(f"vlmtui: {safe_line(line)}", file=sys.stderr, flush=True)  # noqa: T201 - what stderr is for
