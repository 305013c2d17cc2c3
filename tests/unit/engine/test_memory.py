"""What is remembered between questions changes nothing but the time: the same answers, token for token, in float32."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.adapter_maker import write_adapters
from tests.tiny_model import checkpoint
from vlmtui.engine import generation, loading
from vlmtui.engine.cache import Features, Memory, Seen, common_prefix
from vlmtui.engine.failures import EngineFailure
from vlmtui.engine.host import Engine, StopFlags
from vlmtui.engine.loading import Checkpoint
from vlmtui.engine.prompting import prepare
from vlmtui.engine.protocol import Event, Failed, Finished, Generate, Sampling, Started, TextPart, Turn
from vlmtui.models.adapters import AdapterUse

from .asking import finished, text_of, turn
from .checkpoints import load

_LONGEST = 12


@pytest.fixture(scope="module", params=["smolvlm", "idefics3"])
def made(request: pytest.FixtureRequest) -> Checkpoint:
    """A tiny checkpoint with an adapter on all of it, vision too, that is switched off."""
    from peft import LoraConfig

    made = load(checkpoint(request.param), dtype="float32")
    # What random weights say beyond their positions is as good as any: conversations may grow.
    made.loaded = msgspec.structs.replace(made.loaded, context=8192)
    torch.manual_seed(1)
    made.model.add_adapter(LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False))
    use_adapter(made, False)
    return made


@pytest.fixture(scope="module")
def shown(media: Path) -> list[Path]:
    """Pictures of three layouts, two of one layout with another content, one content under two names, and a video."""
    rng = np.random.default_rng(5)
    Image.fromarray(rng.integers(0, 256, (40, 90, 3), dtype=np.uint8)).save(media / "wide-2.png")
    (media / "wide-again.png").write_bytes((media / "wide.png").read_bytes())
    return [media / name for name in ("wide.png", "wide-2.png", "wide-again.png", "tall.png", "clip.mp4")]


def use_adapter(made: Checkpoint, on: bool) -> None:
    made.model.enable_adapters() if on else made.model.disable_adapters()
    made.over.uses = (AdapterUse("/tuned"),) if on else ()


def ask(made: Checkpoint, turns: list[Turn], *, cut: bool = False, stop_after: float = float("inf")) -> list[Event]:
    """Return the events; the user says stop after about `stop_after` tokens, or for 0 in the midst of the prompt."""
    events: list[Event] = []
    asked = 0

    def stopped() -> bool:
        nonlocal asked
        asked += any(isinstance(event, Started) for event in events)
        return asked > (40 + stop_after if stop_after else 25)

    generation.generate(
        made,
        Generate(
            id=1, turns=tuple(turns), sampling=Sampling(max_new_tokens=_LONGEST), resolution="full" if cut else "auto"
        ),
        send=events.append,
        stopped=stopped,
        asked_at=time.perf_counter(),
    )
    return events


def anew(made: Checkpoint, turns: list[Turn], cut: bool = False) -> str:
    """Return the whole answer, with everything read and seen anew by `generate` itself."""
    inputs = prepare(made, tuple(turns), "full" if cut else "auto", lambda: None).inputs
    with torch.inference_mode():
        output = made.model.generate(**inputs, max_new_tokens=_LONGEST, do_sample=False)
    return str(made.processor.tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))


def said(text: str) -> Turn:
    return Turn(role="assistant", parts=(TextPart(text=text),))


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.lists(st.integers(0, 4), max_size=2), st.sampled_from(["Hi", "What?", "Hm"])),
        st.tuples(st.just("again"), st.booleans()),
        st.tuples(st.just("edit"), st.integers(0, 1), st.lists(st.integers(0, 1), min_size=1, max_size=1)),
        st.tuples(st.just("stop"), st.integers(0, 60)),
        st.tuples(st.just("adapter"), st.booleans()),
    ),
    min_size=3,
    max_size=7,
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=_STEPS)
def test_answers_are_those_of_a_full_recomputation(made: Checkpoint, shown: list[Path], steps: list[Any]) -> None:
    made.memory = Memory()
    use_adapter(made, False)
    turns: list[Turn] = [turn("What is it?", shown[0])]
    cut = False
    for step in steps:
        stop_after = float("inf")
        match step:
            case ("ask", files, text):
                turns.append(turn(text, *[shown[number] for number in files]))
            case ("again", other_resolution):  # the last question once more
                cut = not cut if other_resolution else cut
            case ("edit", at, files):
                questions = [number for number, one in enumerate(turns) if one.role == "user"]
                at = questions[at % len(questions)]
                words = turns[at].parts[-1]  # the same ones, so that only the pictures tell the questions apart
                assert isinstance(words, TextPart)
                turns[at:] = [turn(words.text, *[shown[number] for number in files])]
            case ("stop", tokens):
                stop_after = tokens
            case ("adapter", on):
                use_adapter(made, on)
        if turns[-1].role == "assistant":
            turns.pop()
        events = ask(made, turns, cut=cut, stop_after=stop_after)
        whole, text = anew(made, turns, cut), text_of(events)
        if finished(events).reason == "stopped":
            assert whole.startswith(text.rstrip("\N{REPLACEMENT CHARACTER}"))
        else:
            assert text == whole
        if text.strip():
            turns.append(said(text))


def known(made: Checkpoint, turns: list[Turn], **options: Any) -> Finished:
    return finished(ask(made, turns, **options))


def test_only_what_is_new_is_read(made: Checkpoint, shown: list[Path]) -> None:
    made.memory = Memory()
    use_adapter(made, False)
    wide, same_layout, copy, tall = shown[:4]
    first = [turn("What is it?", wide, tall)]
    answer = ask(made, first)
    end = finished(answer)
    assert (end.pictures, end.known_pictures, end.known_tokens, end.saved_s) == (2, 0, 0, 0.0)
    again = known(made, first)
    assert (again.known_pictures, again.known_tokens) == (2, end.prompt_tokens - 1)
    assert again.saved_s > 0
    ask(made, first)
    second = [*first, said(text_of(answer)), turn("Sure?", copy)]
    end2 = known(made, second)
    assert end2.known_tokens >= end.prompt_tokens
    assert (end2.pictures, end2.known_pictures) == (3, 3)  # the same content under another name
    edited = known(made, [turn("What is it then?", wide, tall)])
    assert end.prompt_tokens - 20 < edited.known_tokens < end.prompt_tokens  # up to the words that changed
    # The tokens are the same to the last one, the picture is not.
    known(made, first)
    other = known(made, [turn("What is it?", same_layout, tall)])
    assert other.prompt_tokens == end.prompt_tokens
    assert other.known_tokens < 12
    assert (other.pictures, other.known_pictures) == (2, 1)


def test_a_picture_twice_in_one_prompt_is_seen_once(made: Checkpoint, shown: list[Path]) -> None:
    made.memory = Memory()
    assert known(made, [turn("Same?", shown[0], shown[2])]).known_pictures == 1


def test_a_file_that_changed_is_another_picture(made: Checkpoint, tmp_path: Path) -> None:
    made.memory = Memory()
    path = tmp_path / "x.png"
    for shade in (10, 200):
        Image.new("RGB", (40, 40), (shade, 0, 0)).save(path)
        assert known(made, [turn("What?", path)]).known_pictures == 0


def test_another_adapter_or_resolution_sees_everything_anew(made: Checkpoint, shown: list[Path]) -> None:
    made.memory = Memory()
    use_adapter(made, False)
    question = [turn("What?", shown[0])]
    known(made, question)
    use_adapter(made, True)
    tuned = known(made, question)
    assert (tuned.known_pictures, tuned.known_tokens) == (0, 0)
    use_adapter(made, False)
    back = known(made, question)
    assert (back.known_pictures, back.known_tokens) == (1, 0)  # its features were kept, the conversation was not
    assert known(made, question, cut=True).known_pictures == 0


def test_a_failure_leaves_no_conversation_behind(
    made: Checkpoint, shown: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    made.memory = Memory()
    known(made, [turn("What?", shown[0])])

    def fail(*arguments: object, **options: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(made.model.model.text_model.layers[1], "forward", fail)
        with pytest.raises(MemoryError):
            ask(made, [turn("What?", shown[0])])
    assert known(made, [turn("What?", shown[0])]).known_tokens == 0


def _seen(count: int) -> Seen:
    return Seen(("x",), 1, torch.zeros(count, 1), 1.0)


def test_features_are_bounded_in_bytes_and_the_least_used_go_first() -> None:
    features = Features(room=400)
    for name in (b"a", b"b", b"c"):
        features.put(name, _seen(30))
    assert features.get(b"a") is not None
    features.put(b"d", _seen(30))
    assert [features.get(name) is not None for name in (b"a", b"b", b"c", b"d")] == [True, False, True, True]
    assert features.size == 360
    features.put(b"e", _seen(101))  # larger than all the room: not kept, and nothing goes for it
    assert (len(features), features.size) == (3, 360)
    features.put(b"a", _seen(10))
    assert features.size == 280


def test_common_prefix() -> None:
    assert common_prefix([1, -5, 2], [1, -5, 3, 4]) == 2
    assert common_prefix([1, -5], [1, -5, 3]) == 2
    assert common_prefix([1, -5], [1, -6]) == 1
    assert common_prefix([], [1]) == 0


def test_an_adapter_that_was_trained_again_sees_everything_anew(tmp_path: Path, media: Path) -> None:
    base = checkpoint("smolvlm")
    one, two, writes = (tmp_path / name for name in ("eyes-one", "eyes-two", "writes"))
    write_adapters(str(base), str(base), str(one), str(two), str(writes))
    made = load(base, dtype="float32", adapters=(AdapterUse(str(one)),))
    question = [turn("What?", media / "wide.png")]
    assert known(made, question).known_pictures == 0
    assert known(made, question).known_pictures == 1
    shutil.copy(two / "adapter_model.safetensors", one / "adapter_model.safetensors")
    loading.adapt(made, (AdapterUse(str(one)),), lambda: None)
    events = ask(made, question)
    assert (finished(events).known_pictures, finished(events).known_tokens) == (0, 0)
    assert text_of(events) == anew(made, question)
    known_now = []
    for uses in ((), (AdapterUse(str(writes)),)):  # an adapter of the text model alone leaves what is seen
        loading.adapt(made, uses, lambda: None)
        events = ask(made, question)
        known_now.append((finished(events).known_pictures, finished(events).known_tokens))
        assert text_of(events) == anew(made, question)
    assert known_now == [(0, 0), (1, 0)]


def test_a_full_memory_is_emptied_for_the_next_try() -> None:
    sent: list[Event] = []
    engine = Engine(SimpleNamespace(send=sent.append), StopFlags())  # type: ignore[arg-type]
    memory = Memory()
    engine._checkpoint = SimpleNamespace(memory=memory)  # type: ignore[assignment]
    memory.features.put(b"a", _seen(30))
    engine._send_failure(1, EngineFailure("bad_picture", "it is none", "attach another"))
    assert len(memory.features) == 1
    engine._send_failure(2, MemoryError())
    assert len(memory.features) == 0
    assert [event.code for event in sent if isinstance(event, Failed)] == ["bad_picture", "out_of_memory"]
