"""The commands. Heavy imports only inside the command that needs them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from vlmtui import __version__

_COMMANDS = ("open", "demo", "ask", "batch", "train", "runs", "chats", "models", "doctor")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 0, 1 for a failure, 2 for wrong use."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] not in (*_COMMANDS, "-h", "--help", "--version"):
        words.insert(0, "open")  # `vlmtui`, `vlmtui DIR` and `vlmtui --model M` open the workbench
    options = _parser(words).parse_args(words)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output went away (`vlmtui ask … | head -1`): that is not a failure of ours.
        sys.stderr.close()
        return 1


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vlmtui", description="A workbench for vision-language models in one terminal."
    )
    parser.add_argument("--version", action="version", version=f"vlmtui {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    opened = commands.add_parser("open", help="open a folder in the workbench (also: vlmtui DIR)")
    opened.add_argument("directory", nargs="?", default=".", help="the folder to open (default: this one)")
    _model_options(opened)
    _adapter_option(opened)
    _endpoint_option(opened)
    opened.set_defaults(run=_open)

    demo = commands.add_parser("demo", help="write a small workspace and open it with the embedded demo model")
    demo.add_argument("directory", nargs="?", default="vlmtui-demo", help="where to write it")
    _model_options(demo)
    _adapter_option(demo)
    demo.set_defaults(run=_demo)

    ask = commands.add_parser("ask", help="ask about pictures and videos, without the workbench")
    ask.add_argument("prompt", nargs="?", help="the question; left out with --preset")
    ask.add_argument("files", nargs="*", metavar="FILE", help="pictures and videos, in order")
    _model_options(ask)
    _adapter_option(ask)
    _endpoint_option(ask)
    ask.add_argument("--preset", metavar="N", help="a question by its name or letter, e.g. caption or r")
    ask.add_argument("--system", metavar="S", help="system prompt (default: the settings')")
    ask.add_argument("--max-new-tokens", type=int, metavar="N", help="longest answer, in tokens (default: 512)")
    ask.add_argument("--temperature", type=float, metavar="X", help="0, the default, is greedy decoding")
    ask.add_argument("--resolution", metavar="R", help="tiles of a picture: auto, off, 2, 3, 4, full or fit")
    ask.add_argument("--frames", type=int, metavar="N", help="frames of a video, spread evenly (default: 8)")
    ask.add_argument(
        "--fps",
        type=float,
        metavar="X",
        help="frames a second of a video; it is read in parts where these are more than 64 or than fit the context",
    )
    ask.add_argument(
        "--chunks",
        type=float,
        metavar="S",
        help="read a long video in parts of S seconds, each with its --frames; the answer names the times",
    )
    ask.add_argument("--json", action="store_true", help="one JSON object instead of streamed text")
    ask.set_defaults(run=_ask)

    batch = commands.add_parser("batch", help="ask about every picture and video of a folder")
    train = commands.add_parser("train", help="fine-tune a model by a recipe")
    runs = commands.add_parser("runs", help="list, watch, stop and resume trainings")
    chats = commands.add_parser("chats", help="list, search, export and import conversations")
    models = commands.add_parser("models", help="list, fetch, show and remove checkpoints")
    if words[0] == "models":
        from vlmtui.models_command import add_options

        add_options(models)
    _declare(words[0], batch, train, runs, chats)

    doctor = commands.add_parser("doctor", help="say what works here, what does not, and what to do about it")
    doctor.add_argument("--json", action="store_true", help="as one JSON object")
    doctor.set_defaults(run=_doctor)
    return parser


def _declare(
    command: str,
    batch: argparse.ArgumentParser,
    train: argparse.ArgumentParser,
    runs: argparse.ArgumentParser,
    chats: argparse.ArgumentParser,
) -> None:
    """Declare the options of the commands that bring their own, where one of them is asked for."""
    if command == "batch":
        from vlmtui.batches.command import add_options

        add_options(batch)
        _model_options(batch)
    elif command == "train":
        from vlmtui.training.command import add_options

        add_options(train)
    elif command == "runs":
        from vlmtui.runs.command import add_options as declare_runs

        declare_runs(runs, watch=_watch_run, compare=_compare_runs)
    elif command == "chats":
        from vlmtui.chats.command import add_options

        add_options(chats)


def _model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="M", help="demo, a hub id, or a folder (default: the settings', else demo)")
    parser.add_argument("--revision", metavar="R", help="branch, tag or commit on the hub")
    parser.add_argument("--device", metavar="D", help="auto, cpu, cuda, cuda:N or mps")
    parser.add_argument("--dtype", metavar="T", help="auto, float32, bfloat16 or float16")
    parser.add_argument(
        "--quantize",
        choices=("none", "8bit", "4bit", "int8"),
        help="smaller weights: 8bit, 4bit (bitsandbytes), int8 (for a CPU)",
    )


def _endpoint_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--endpoint",
        metavar="URL",
        help="an OpenAI-compatible endpoint that answers, with its --model; key: VLMTUI_API_KEY, or the keyring",
    )


def _adapter_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--adapter",
        action="append",
        metavar="DIR[:W]",
        help="a trained adapter and its weight, may be repeated; its own checkpoint is the default --model",
    )


def _open(options: argparse.Namespace) -> int:
    from vlmtui.ui.launch import open_workbench

    return open_workbench(options)


def _demo(options: argparse.Namespace) -> int:
    from vlmtui.ui.launch import open_demo

    return open_demo(options)


def _ask(options: argparse.Namespace) -> int:
    from vlmtui.engine.ask import ask

    return ask(options)


def _watch_run(options: argparse.Namespace) -> int:
    """Show a run in the terminal; as lines where nobody looks, as one look with `--once`."""
    if options.once:
        from vlmtui.monitor.command import once

        return once(options)
    if sys.stdout.isatty() and sys.stdin.isatty() and not options.json:
        from vlmtui.ui.monitor.watch import watch

        return watch(options)
    from vlmtui.runs.command import runs

    options.run_id = options.run_id or "last"
    return runs(options)


def _compare_runs(options: argparse.Namespace) -> int:
    from vlmtui.monitor.command import compare

    return compare(options)


def _doctor(options: argparse.Namespace) -> int:
    from vlmtui.doctor import doctor

    return doctor(options)
