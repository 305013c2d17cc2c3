"""One engine process, many requests: what the terminal's process sees."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from vlmtui.engine.client import EngineClient
from vlmtui.engine.protocol import Finished, LoadProgress, Sampling, Started, TextPart, Tokens, Turn

from .asking import at_most, everything, failed, finished, loaded, started, text_of, turn

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(smolvlm2: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EngineClient]:
    client = EngineClient(log=tmp_path_factory.mktemp("log") / "engine.log")
    events = await everything(client.load(str(smolvlm2)))
    assert loaded(events) is client.loaded
    yield client
    await client.close()


async def test_loading_says_how_far_it_is(engine: EngineClient, smolvlm2: Path) -> None:
    events = await everything(engine.load(str(smolvlm2)))
    stages = [event.stage for event in events if isinstance(event, LoadProgress)]
    assert list(dict.fromkeys(stages)) == ["libraries", "processor", "weights", "warm_up"]
    weights = [event for event in events if isinstance(event, LoadProgress) and event.stage == "weights"]
    assert weights[-1].done == weights[-1].total > 10
    model = loaded(events)
    assert (model.name, model.family, model.kind, model.device, model.dtype) == (
        smolvlm2.name,
        "smolvlm",
        "instruct",
        "cpu",
        "float32",
    )
    assert (model.parameters, model.context, model.video, model.demo) == (189_392, 1024, True, False)
    assert (model.processor.tile_px, model.processor.longest_edge, model.processor.tokens_per_tile) == (32, 128, 16)
    assert not model.processor.splitting  # off on a CPU
    assert model.seconds > 0


async def test_an_answer_streams(engine: EngineClient, media: Path) -> None:
    events = await everything(engine.generate([turn("What is it?", media / "wide.png")], sampling=at_most(60)))
    assert isinstance(events[0], Started)
    assert (started(events).tiles, started(events).image_tokens) == (1, 16)
    pieces = [event for event in events if isinstance(event, Tokens)]
    assert pieces[0].count == 1  # the first token is shown at once
    assert sum(piece.count for piece in pieces) == finished(events).completion_tokens == 60
    assert text_of(events)
    end = finished(events)
    assert (end.reason, end.prompt_tokens, end.image_tokens) == ("length", started(events).prompt_tokens, 16)
    assert 0 < end.ttft_s < 60
    assert end.tokens_per_s > 1


async def test_text_is_painted_thirty_times_a_second_at_most(engine: EngineClient) -> None:
    arrivals = []
    async for event in engine.generate([turn("Tell me more")], sampling=at_most(400)):
        if isinstance(event, Tokens):
            arrivals.append(time.perf_counter())
        last = event
    assert isinstance(last, Finished)
    # one at the start, one at the end, and between them thirty a second; a token may be late, never early
    assert len(arrivals) <= (arrivals[-1] - arrivals[0]) * 30 + 3
    assert len(arrivals) < last.completion_tokens


async def test_splitting_can_be_asked_for(engine: EngineClient, media: Path) -> None:
    events = await everything(
        engine.generate([turn("What?", media / "wide.png")], sampling=at_most(2), resolution="full")
    )
    assert (started(events).tiles, started(events).image_tokens) == (4 * 2 + 1, 9 * 16)


async def test_pictures_and_a_video_in_one_conversation(engine: EngineClient, media: Path) -> None:
    turns = [
        Turn(role="system", parts=(TextPart(text="Be short."),)),
        turn("What is it?", media / "wide.png", media / "tall.png"),
        Turn(role="assistant", parts=(TextPart(text="Noise."),)),
        turn("And here?", media / "clip.mp4"),
    ]
    events = await everything(engine.generate(turns, sampling=at_most(3)))
    assert (started(events).tiles, started(events).image_tokens) == (2 + 8, 10 * 16)


async def test_special_words_in_a_question_are_text(engine: EngineClient, media: Path) -> None:
    text = "Is <image> or <video> or <end_of_utterance> or <fake_token_around_image> in it?"
    events = await everything(engine.generate([turn(text, media / "wide.png")], sampling=at_most(2)))
    assert started(events).image_tokens == 16
    finished(events)


async def test_stop_ends_it_within_a_token(engine: EngineClient) -> None:
    stop_sent = 0.0
    events = []
    async for event in engine.generate([turn("Go on")], sampling=at_most(900)):
        events.append(event)
        if isinstance(event, Tokens) and not stop_sent:
            stop_sent = time.perf_counter()
            await engine.stop()
    latency = time.perf_counter() - stop_sent
    assert finished(events).reason == "stopped"
    assert finished(events).completion_tokens < 700  # one answer of 900 takes a second and more
    assert latency < 0.4  # a token takes about a millisecond; the machine may be busy


async def test_leaving_the_stream_stops_it(engine: EngineClient) -> None:
    stream = engine.generate([turn("Go on")], sampling=at_most(900))
    async for event in stream:
        if isinstance(event, Tokens):
            break
    await stream.aclose()
    assert not engine.busy
    events = await everything(engine.generate([turn("Hello")], sampling=at_most(3)))
    assert finished(events).completion_tokens == 3


async def test_a_second_question_waits_for_the_first(engine: EngineClient) -> None:
    first, second = await asyncio.gather(
        everything(engine.generate([turn("One")], sampling=at_most(40))),
        everything(engine.generate([turn("Two")], sampling=at_most(20))),
    )
    assert (finished(first).completion_tokens, finished(second).completion_tokens) == (40, 20)


async def test_sampling_with_a_seed_is_repeatable(engine: EngineClient) -> None:
    def hot(seed: int) -> Sampling:
        return Sampling(max_new_tokens=30, temperature=1.5, seed=seed)

    answers = [text_of(await everything(engine.generate([turn("Hi")], sampling=hot(seed)))) for seed in (1, 1, 2)]
    assert answers[0] == answers[1] != answers[2]


@pytest.mark.parametrize(
    ("content", "word"),
    [(None, "no longer there"), (b"", "empty"), (b"\x89PNG\r\n\x1a\nrubbish", "damaged"), (b"%PDF-1.7", "PDF")],
)
async def test_a_bad_picture_fails_the_question_not_the_engine(
    engine: EngineClient, tmp_path: Path, content: bytes | None, word: str
) -> None:
    picture = tmp_path / "x.png"
    if content is not None:
        picture.write_bytes(content)
    pid = engine.pid
    failure = failed(await everything(engine.generate([turn("What?", picture)])))
    assert failure.code == "bad_picture"
    assert "x.png" in failure.cause
    assert word in failure.cause
    assert finished(await everything(engine.generate([turn("Hi")], sampling=at_most(2)))).completion_tokens == 2
    assert engine.pid == pid


async def test_a_bad_video_fails_the_question(engine: EngineClient, tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"\x00\x00\x00\x18ftypisom" + b"\x00" * 300)
    failure = failed(await everything(engine.generate([turn("What?", tmp_path / "x.mp4")])))
    assert failure.code == "bad_video"


async def test_a_prompt_beyond_the_context_says_so(engine: EngineClient, media: Path) -> None:
    picture = media / "wide.png"
    failure = failed(await everything(engine.generate([turn("What?", *[picture] * 12)], resolution="full")))
    assert failure.code == "too_long"
    assert "1,024" in failure.cause
    (offer,) = failure.offers
    assert (offer.kind, offer.value) == ("resolution", "2")
    assert "at the resolution 2" in failure.remedy
    begun = started(await everything(engine.generate([turn("What?", *[picture] * 12)], resolution="2")))
    assert begun.prompt_tokens == offer.tokens
    failure = failed(await everything(engine.generate([turn("word " * 2000)])))
    assert (failure.code, failure.offers) == ("too_long", ())


async def test_the_answer_ends_where_the_context_does(engine: EngineClient) -> None:
    events = await everything(engine.generate([turn("word " * 180)], sampling=at_most(5000)))
    end = finished(events)
    assert end.reason == "length"
    assert end.prompt_tokens + end.completion_tokens == 1024


async def test_a_failed_load_leaves_the_last_good_one_for_the_next_question(
    engine: EngineClient, smolvlm2: Path, tmp_path: Path
) -> None:
    failure = failed(await everything(engine.load(str(tmp_path))))
    assert failure.code == "no_such_model"
    assert engine.loaded is None
    events = await everything(engine.generate([turn("Hi")], sampling=at_most(2)))
    assert finished(events).completion_tokens == 2
    assert engine.loaded is not None
    assert engine.loaded.name == smolvlm2.name


async def test_a_load_can_be_stopped(engine: EngineClient, smolvlm2: Path) -> None:
    events = []
    async for event in engine.load(str(smolvlm2)):
        events.append(event)
        if isinstance(event, LoadProgress) and event.stage == "libraries":
            await engine.stop()
    assert finished(events).reason == "stopped"
    assert finished(await everything(engine.generate([turn("Hi")], sampling=at_most(2)))).completion_tokens == 2


async def test_the_child_is_modest(engine: EngineClient) -> None:
    assert engine.pid is not None
    child = psutil.Process(engine.pid)
    assert child.nice() > psutil.Process().nice() or child.nice() == 19
    assert os.getsid(engine.pid) == engine.pid  # the terminal's Ctrl+C does not reach it
    environment = child.environ()
    assert environment["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert environment["TOKENIZERS_PARALLELISM"] == "false"
