"""The event log: half-written lines, foreign lines, and what a resumed attempt supersedes."""

from __future__ import annotations

from pathlib import Path

from vlmtui.runs.events import Attempt, Checkpointed, EventLog, EventReader, Logged, Note, Stage, read_events


def test_a_half_written_last_line_is_not_yet(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    log.append(Note(text="one"))
    reader = EventReader(path)
    assert [event.text for event in reader.read() if isinstance(event, Note)] == ["one"]
    with path.open("ab") as stream:
        stream.write(b'{"type":"note","text":"tw')
    assert reader.read() == []
    with path.open("ab") as stream:
        stream.write(b'o"}\n')
    assert [event.text for event in reader.read() if isinstance(event, Note)] == ["two"]
    assert reader.skipped == 0


def test_what_a_dead_writer_left_is_closed_off_and_what_a_newer_version_wrote_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"type":"hologram"}\n{"type":"log","stage":"sft","st')
    log = EventLog(path)
    log.append(Note(text="after \x1b[31m"))
    reader = EventReader(path)
    (event,) = reader.read()
    assert isinstance(event, Note)
    assert event.text == "after \x1b[31m"
    assert event.at > 1e9
    assert reader.skipped == 2


def test_no_log_yet(tmp_path: Path) -> None:
    assert EventReader(tmp_path / "events.jsonl").read() == []


def test_a_resumed_run_reads_like_one_that_was_never_interrupted(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.append(Attempt(pid=2, stage="sft"))
    for stage, last in (("sft", 3), ("dpo", 4)):
        log.append(Stage(stage=stage, steps=last))
        for step in range(1, last + 1):
            log.append(Logged(stage=stage, step=step, values={"loss": 1.0 / step}))
    log.append(Attempt(pid=3, stage="dpo", step=2))
    log.append(Stage(stage="dpo", steps=4))
    log.append(Checkpointed(stage="dpo", step=3, path="checkpoints/dpo/checkpoint-3"))
    log.append(Logged(stage="dpo", step=3, values={"loss": 9.0}))
    events = read_events(tmp_path / "events.jsonl")
    steps = [(event.stage, event.step) for event in events if isinstance(event, Logged)]
    assert steps == [("sft", 1), ("sft", 2), ("sft", 3), ("dpo", 1), ("dpo", 2), ("dpo", 3)]
    assert [event.stage for event in events if isinstance(event, Stage)] == ["sft", "dpo"]


def test_a_run_begun_anew_keeps_nothing_of_the_first_attempt(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.append(Attempt(pid=2, stage="sft"))
    log.append(Stage(stage="sft", steps=3))
    log.append(Logged(stage="sft", step=1))
    log.append(Attempt(pid=3, stage="sft"))
    assert not [event for event in read_events(tmp_path / "events.jsonl") if isinstance(event, Logged)]
