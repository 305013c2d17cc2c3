"""`vlmtui runs`: list, show, watch, stop, resume, remove and export runs, from any terminal."""

from __future__ import annotations

import argparse
import json
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from vlmtui.runs import publishing
from vlmtui.runs.control import resume, stop
from vlmtui.runs.events import EventReader
from vlmtui.runs.folder import Job, RunError, RunFolder, every, find, remove
from vlmtui.runs.showing import as_dict, as_page, as_table, event_lines
from vlmtui.runs.status import ENDED, Status
from vlmtui.safetext import safe_line

_LOOK_EVERY_S = 0.3


def runs(options: argparse.Namespace) -> int:
    """Do what `vlmtui runs` was asked; return the exit code."""
    try:
        return int(_ACTIONS[options.action](options))
    except RunError as error:
        print(safe_line(str(error)), file=sys.stderr)  # noqa: T201 - what the command is for
        return 1
    except OSError as error:
        print(safe_line(f"{error.filename or ''}: {error.strerror or error}"), file=sys.stderr)  # noqa: T201
        return 1


def watch(run: RunFolder, *, as_json: bool = False) -> int:
    """Print what happens in `run` until it ends; return 0 if it finished or was stopped, else 1."""
    reader = EventReader(run.events_file)
    while True:
        state = run.state()  # before the log is read: what is written before the end is then seen
        for event in reader.read():
            if as_json:
                _say(msgspec.json.encode(event).decode())
            else:
                for line in event_lines(event):
                    _say(line)
        if state in ENDED:
            break
        time.sleep(_LOOK_EVERY_S)
    status = run.status()
    if status.state == "crashed" and not as_json:
        _say(safe_line(f"crashed: {status.cause}"))
        _say(safe_line(f"do: {status.remedy}"))
    return 0 if status.state in ("finished", "stopped") else 1


def _list(options: argparse.Namespace) -> int:
    found: list[tuple[RunFolder, Job, Status]] = []
    for run in every():
        try:
            found.append((run, run.job(), run.status()))
        except RunError as error:
            print(safe_line(str(error)), file=sys.stderr)  # noqa: T201
    if options.json:
        _say(json.dumps([as_dict(run, job, status) for run, job, status in found]))
    elif found:
        for line in as_table([(job, status) for _, job, status in found]):
            _say(line)
    else:
        _say("There are no runs yet; `vlmtui train RECIPE.yaml` makes one.")
    return 0


def _show(options: argparse.Namespace) -> int:
    run = find(options.run_id)
    job, status = run.job(), run.status()
    if options.json:
        _say(json.dumps(as_dict(run, job, status)))
    else:
        for line in as_page(run, job, status):
            _say(line)
    return 0


def _watch(options: argparse.Namespace) -> int:
    try:
        return watch(find(options.run_id), as_json=options.json)
    except KeyboardInterrupt:
        return 0  # watching has ended, not the run


def _stop(options: argparse.Namespace) -> int:
    _say(stop(find(options.run_id)))
    return 0


def _resume(options: argparse.Namespace) -> int:
    run = find(options.run_id)
    resume(run)
    if options.detach:
        _say(run.id)
        return 0
    return follow(run)


def follow(run: RunFolder) -> int:
    """Watch a run that was started from this terminal: Ctrl+C stops it with a checkpoint, again ends it at once."""
    while True:
        try:
            return watch(run)
        except KeyboardInterrupt:
            try:
                print(safe_line(stop(run)), file=sys.stderr)  # noqa: T201
            except RunError:
                continue  # it ended meanwhile: `watch` says how


def _remove(options: argparse.Namespace) -> int:
    for run in [find(name) for name in options.run_ids]:
        remove(run)
        _say(f"{run.id} is removed")
    return 0


def _export(options: argparse.Namespace) -> int:
    run = find(options.run_id)
    target = Path(options.file)
    if target.exists():
        raise RunError(f"{target} exists already", "choose another name")
    aside = target.with_name(f".{target.name}.part")
    kept = ("job.json", "recipe.yaml", "status.json", "events.jsonl", "log.txt", "results")
    with tarfile.open(aside, "w:gz") as archive:
        for name in (*kept, *(("checkpoints",) if options.checkpoints else ())):
            if (run.path / name).exists():
                archive.add(run.path / name, f"{run.id}/{name}")
    aside.rename(target)
    _say(str(target))
    return 0


def _merge(options: argparse.Namespace) -> int:
    return publishing.merge(find(options.run_id), Path(options.folder))


def _push(options: argparse.Namespace) -> int:
    folder = Path(options.merged) if options.merged else None
    planned = publishing.plan(find(options.run_id), options.repository, folder=folder, private=not options.public)
    for line in planned.lines:
        _say(line)
    if not options.yes:
        if not sys.stdin.isatty():
            raise RunError("nothing was sent", "look at what goes where, and add --yes")
        if input("Push it? [y/N] ").strip().lower() not in ("y", "yes"):
            _say("Nothing was sent.")
            return 0
    _say(publishing.push(planned))
    return 0


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - what the command is for


_ACTIONS = {
    "list": _list,
    "show": _show,
    "watch": _watch,
    "stop": _stop,
    "resume": _resume,
    "rm": _remove,
    "export": _export,
    "merge": _merge,
    "push": _push,
}


def add_options(
    parser: argparse.ArgumentParser,
    *,
    watch: Callable[[argparse.Namespace], int] | None = None,
    compare: Callable[[argparse.Namespace], int] | None = None,
) -> None:
    """Declare what `vlmtui runs` takes.

    Args:
        watch: what `vlmtui runs watch` does where a terminal may be at hand; None prints lines.
        compare: what `vlmtui runs compare` does; None leaves it out.
    """
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="all runs, the oldest first")
    shown = actions.add_parser("show", help="all about one run")
    watched = actions.add_parser("watch", help="what happens in a run, until it ends")
    stopped = actions.add_parser("stop", help="write a checkpoint and end; a second time: end at once")
    resumed = actions.add_parser("resume", help="go on from the last checkpoint")
    removed = actions.add_parser("rm", help="delete runs that are over; their results stay")
    exported = actions.add_parser("export", help="pack a run's recipe, log and results into a .tar.gz")
    merged = actions.add_parser("merge", help="write the model with the run's adapter laid into its weights")
    pushed = actions.add_parser("push", help="send a run's result to the hub; shows first what goes where, and asks")
    watched.add_argument(
        "run_id", nargs="?", default="", metavar="RUN", help="its id, a part of it, `last`, or any folder of a training"
    )
    watched.add_argument("--once", action="store_true", help="how it stands now, and no more; without RUN, all runs")
    if watch is not None:
        watched.set_defaults(run=watch)
    for one in (shown, stopped, resumed, exported, merged, pushed):
        one.add_argument("run_id", metavar="RUN", help="its id, a part of it, or `last`")
    for one in (listed, shown, watched):
        one.add_argument("--json", action="store_true", help="for a machine to read")
    resumed.add_argument("--detach", action="store_true", help="return at once; the run goes on")
    removed.add_argument("run_ids", nargs="+", metavar="RUN")
    exported.add_argument("file", metavar="FILE.tar.gz")
    exported.add_argument("--checkpoints", action="store_true", help="with the checkpoints, which are large")
    merged.add_argument("folder", metavar="FOLDER", help="where to write it; must not exist")
    pushed.add_argument("repository", metavar="OWNER/NAME")
    pushed.add_argument("--merged", metavar="FOLDER", help="push this merged model instead of the result")
    pushed.add_argument("--public", action="store_true", help="let everybody read it (default: private)")
    pushed.add_argument("--yes", action="store_true", help="do not ask")
    parser.set_defaults(run=runs)
    if compare is not None:
        compared = actions.add_parser("compare", help="what differs between runs: their recipes, their metrics")
        compared.add_argument("run_ids", nargs="+", metavar="RUN", help="as for watch; two or more")
        compared.add_argument("--json", action="store_true", help="for a machine to read")
        compared.set_defaults(run=compare)
