"""Our layout of pictures and videos is what the checkpoints' own processors make, and more where they cannot."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from PIL import Image

from tests.tiny_model import checkpoint
from tests.unit.media.made import vary_rate, write_numbered
from vlmtui.engine.failures import EngineFailure, Stopped
from vlmtui.engine.fitting import TooLong, words_of
from vlmtui.engine.loading import Checkpoint
from vlmtui.engine.prompting import FRAMES_INTRO, Prompt, prepare
from vlmtui.engine.protocol import ImagePart, TextPart, Turn, VideoPart
from vlmtui.media.videos import sample_frames
from vlmtui.models.processor import RESOLUTIONS, Resolution, at_resolution, image_cost
from vlmtui.models.sampling import FrameSampling

from .asking import turn
from .checkpoints import load


@pytest.fixture(scope="module")
def v2() -> Checkpoint:
    return load(checkpoint("smolvlm"))


@pytest.fixture(scope="module")
def v1() -> Checkpoint:
    return load(checkpoint("idefics3"))


def prompt(made: Checkpoint, *turns: Turn, resolution: Resolution = "auto") -> Prompt:
    return prepare(made, turns, resolution, lambda: None)


def written(made: Checkpoint, found: Prompt) -> str:
    """Return the prompt's text, image tokens as `#`."""
    return str(made.processor.tokenizer.decode(found.inputs["input_ids"][0])).replace("<image>", "#")


def same(ours: dict[str, Any], theirs: Any) -> None:
    for name in ("input_ids", "attention_mask", "pixel_values", "pixel_attention_mask"):
        assert torch.equal(ours[name], theirs[name]), name


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("splitting", [True, False])
def test_pictures_are_laid_out_as_the_processor_does(
    version: str, splitting: bool, media: Path, request: pytest.FixtureRequest
) -> None:
    made: Checkpoint = request.getfixturevalue(version)
    ours = prompt(
        made, turn("What is it?", media / "wide.png", media / "tall.png"), resolution="full" if splitting else "off"
    )
    messages = [
        {"role": "user", "content": [{"type": "image"}, {"type": "image"}, {"type": "text", "text": "What is it?"}]}
    ]
    theirs = made.processor(
        text=made.processor.apply_chat_template(messages, add_generation_prompt=True),
        images=[[Image.open(media / "wide.png"), Image.open(media / "tall.png")]],
        do_image_splitting=splitting,
        return_tensors="pt",
    )
    same(ours.inputs, theirs)
    assert ours.tiles == (9 + 5 if splitting else 2)
    assert ours.image_tokens == 16 * ours.tiles


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("size", [(20, 20), (90, 40), (30, 120), (200, 190)])
def test_the_predicted_cost_is_what_a_picture_takes(
    version: str, resolution: Resolution, size: tuple[int, int], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made: Checkpoint = request.getfixturevalue(version)
    Image.new("RGB", size, (200, 30, 30)).save(tmp_path / "x.png")
    found = prompt(made, turn("What?", tmp_path / "x.png"), resolution=resolution)
    cost = image_cost(*size, at_resolution(made.loaded.processor, resolution))
    assert (found.tiles, found.image_tokens) == (cost.tiles, cost.tokens)
    assert found.inputs["pixel_values"].shape[1] == cost.tiles


def test_a_video_is_laid_out_as_the_processor_does(v2: Checkpoint, media: Path) -> None:
    clip = VideoPart(path=str(media / "clip.mp4"), sampling=FrameSampling(frames=5))
    ours = prompt(v2, Turn(role="user", parts=(clip, TextPart(text="Hm?"))))
    sampled = sample_frames(media / "clip.mp4", FrameSampling(frames=5))
    messages = [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": "Hm?"}]}]
    theirs = v2.processor(
        text=v2.processor.apply_chat_template(messages, add_generation_prompt=True),
        videos=[[Image.fromarray(frame) for frame in sampled.frames]],
        video_metadata=[
            {
                "total_num_frames": 30,
                "fps": 10.0,
                "duration": 3.0,
                "frames_indices": sampled.indices,
                "height": 64,
                "width": 96,
            }
        ],
        do_sample_frames=False,
        return_tensors="pt",
    )
    same(ours.inputs, theirs)
    text = written(v2, ours)
    assert "the following series of five frames from a 0:00:03" in text
    assert "Frame from 00:02:" in text  # the last of thirty frames at ten a second: not 24, which is assumed else


def test_a_video_at_one_frame_a_second_is_sampled_as_the_processor_does(v2: Checkpoint, media: Path) -> None:
    clip = VideoPart(path=str(media / "clip.mp4"), sampling=FrameSampling(mode="fps", fps=2.0))
    ours = prompt(v2, Turn(role="user", parts=(clip, TextPart(text="Hm?"))))
    every = sample_frames(media / "clip.mp4", FrameSampling(mode="fps", fps=10.0))
    assert len(every.frames) == 30
    messages = [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": "Hm?"}]}]
    theirs = v2.processor(
        text=v2.processor.apply_chat_template(messages, add_generation_prompt=True),
        videos=[np.stack(every.frames)],
        video_metadata=[{"total_num_frames": 30, "fps": 10.0, "duration": 3.0}],
        do_sample_frames=True,
        fps=2.0,
        return_tensors="pt",
    )
    same(ours.inputs, theirs)
    assert "series of six frames" in written(v2, ours)


def test_frames_of_a_variable_rate_are_announced_at_their_own_times(v2: Checkpoint, tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "slow.mp4", 20)
    vary_rate(path, [(10, 1.0), (10, 50.0)])  # a second of ten frames, then one every five seconds
    clip = VideoPart(path=str(path), sampling=FrameSampling(frames=2, start_s=5.0, end_s=16.5))
    text = written(v2, prompt(v2, Turn(role="user", parts=(clip, TextPart(text="Hm?")))))
    assert "series of two frames from a 0:00:4" in text
    assert re.findall(r"Frame from (\d\d:\d\d):", text) == ["00:06", "00:16"]


def test_a_video_for_the_first_version_is_frames_in_order(v1: Checkpoint, media: Path) -> None:
    found = prompt(v1, turn("Which way?", media / "clip.mp4"), resolution="full")
    assert f"User: {FRAMES_INTRO}\n<fake_token_around_image>" in written(v1, found)
    assert (found.tiles, found.image_tokens) == (8, 8 * 16)  # frames are not cut, even when pictures are
    means = [float(frame.mean()) for frame in found.inputs["pixel_values"][0]]
    assert means == sorted(means)
    assert means[0] < means[-1]


def test_pictures_and_videos_keep_their_places(v2: Checkpoint, media: Path) -> None:
    parts = (
        TextPart(text="First "),
        VideoPart(path=str(media / "clip.mp4"), sampling=FrameSampling(frames=2)),
        ImagePart(path=str(media / "wide.png")),
        VideoPart(path=str(media / "clip.mp4"), sampling=FrameSampling(frames=3)),
        TextPart(text="then?"),
    )
    found = prompt(v2, Turn(role="user", parts=parts), resolution="full")
    pixels = found.inputs["pixel_values"]
    assert pixels.shape == (1, 2 + 9 + 3, 3, 32, 32)
    assert (found.tiles, found.image_tokens) == (14, 14 * 16)
    alone = prompt(v2, turn("x", media / "wide.png"), resolution="full")
    assert torch.equal(pixels[:, 2:11], alone.inputs["pixel_values"])
    assert (
        written(v2, found).index("two frames")
        < written(v2, found).index("<row_1_col_1>")
        < written(v2, found).index("three")
    )


def test_a_conversation_is_written_as_the_checkpoints_were_trained(v2: Checkpoint, media: Path) -> None:
    found = prompt(
        v2,
        Turn(role="system", parts=(TextPart(text="Be kind."),)),
        turn("What?", media / "wide.png"),
        Turn(role="assistant", parts=(TextPart(text=" Noise."),)),  # as it was generated, after `Assistant:`
        turn("Sure?"),
    )
    picture = f"<fake_token_around_image><global-img>{'#' * 16}<fake_token_around_image>"
    assert written(v2, found) == (
        "<|im_start|>System: Be kind.<end_of_utterance>\n"
        f"User:{picture}What?<end_of_utterance>\n"
        "Assistant: Noise.<end_of_utterance>\n"
        "User: Sure?<end_of_utterance>\n"
        "Assistant:"
    )


@pytest.mark.parametrize("family", ["smolvlm", "idefics3"])
def test_base_checkpoints_are_prompted_by_their_own_template(family: Any, media: Path) -> None:
    made = load(checkpoint(family, kind="base"))
    assert made.loaded.kind == "base"
    text = written(made, prompt(made, turn("A photo of", media / "wide.png")))
    assert text.endswith("A photo of<|endoftext|>\nAssistant:")
    assert "<end_of_utterance>" not in text


def test_a_checkpoint_without_a_template_completes_the_plain_text(media: Path) -> None:
    made = load(checkpoint("smolvlm", template=False))
    found = prompt(made, turn("A photo of", media / "wide.png"))
    picture = f"<fake_token_around_image><global-img>{'#' * 16}<fake_token_around_image>"
    assert written(made, found) == f"{picture}A photo of"


@pytest.mark.parametrize("word", ["<image>", "<video>", "<end_of_utterance>", "<|im_start|>", "<row_1_col_1>"])
def test_special_words_from_the_user_are_text(v2: Checkpoint, word: str, media: Path) -> None:
    found = prompt(v2, turn(f"What does {word} mean?", media / "wide.png"))
    text = written(v2, found)
    assert f"{word[0]} {word[1:]}" in text
    assert (found.image_tokens, text.count("<end_of_utterance>"), text.count("<|im_start|>")) == (16, 1, 1)


def test_a_template_that_loses_a_picture_is_a_visible_failure(v2: Checkpoint, media: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(v2.processor, "chat_template", "{% for m in messages %}User: what{% endfor %}")
    with pytest.raises(EngineFailure, match="0 places for 1 pictures"):
        prompt(v2, turn("What?", media / "wide.png"))


def test_a_template_that_fails_is_a_visible_failure(v2: Checkpoint, monkeypatch: Any) -> None:
    monkeypatch.setattr(v2.processor, "chat_template", "{{ raise_exception('no system role') }}")
    with pytest.raises(EngineFailure, match="no system role"):
        prompt(v2, turn("What?"))


def test_nothing_to_answer(v2: Checkpoint) -> None:
    with pytest.raises(EngineFailure, match="nothing to answer"):
        prompt(v2, Turn(role="user", parts=()))


def test_too_many_pictures(v2: Checkpoint, media: Path) -> None:
    with pytest.raises(EngineFailure) as error:
        prompt(v2, turn("What?", *[media / "wide.png"] * 65))
    assert error.value.code == "too_long"


def test_each_offer_makes_a_long_prompt_fit(v2: Checkpoint, media: Path) -> None:
    clip = VideoPart(path=str(media / "clip.mp4"), sampling=FrameSampling(frames=12))
    answer = Turn(role="assistant", parts=(TextPart(text="Noise."),))
    turns = [turn("What?", media / "wide.png"), answer, Turn(role="user", parts=(clip, TextPart(text="And?"))), answer]
    turns += [turn("And this?", media / "tall.png", media / "wide.png")]
    with pytest.raises(TooLong) as error:
        prompt(v2, *turns, resolution="full")
    offers = {offer.kind: offer for offer in error.value.offers}
    assert set(offers) == {"resolution", "frames", "drop"}
    assert all(words_of(offer) in error.value.remedy for offer in error.value.offers)
    resolution = cast(Resolution, offers["resolution"].value)
    assert prompt(v2, *turns, resolution=resolution).tokens == offers["resolution"].tokens
    fewer = FrameSampling(frames=int(offers["frames"].value))
    turns[2] = Turn(role="user", parts=(VideoPart(path=clip.path, sampling=fewer), TextPart(text="And?")))
    assert prompt(v2, *turns, resolution="full").tokens <= offers["frames"].tokens < v2.loaded.context
    turns[2] = Turn(role="user", parts=(clip, TextPart(text="And?")))
    left = turns[2 * int(offers["drop"].value) :]
    assert prompt(v2, *left, resolution="full").tokens == offers["drop"].tokens


def test_a_stop_while_pictures_are_read(v2: Checkpoint, media: Path) -> None:
    def check() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        prepare(v2, (turn("What?", media / "wide.png"),), "auto", check)


@pytest.mark.parametrize("mode", ["RGB", "L", "LA", "RGBA", "P", "1", "I;16"])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_every_mode_of_picture(version: str, mode: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    made: Checkpoint = request.getfixturevalue(version)
    source = Image.linear_gradient("L").resize((50, 30))
    image = source.point(lambda x: x * 256, "I").convert("I;16") if mode == "I;16" else source.convert(mode)
    image.save(tmp_path / "x.png")
    found = prompt(made, turn("What?", tmp_path / "x.png"))
    pixels = found.inputs["pixel_values"][0, 0]
    assert pixels.shape == (3, 32, 32)
    assert float(pixels[:, :4].mean()) < -0.6  # dark above,
    assert float(pixels[:, -4:].mean()) > 0.6  # light below: in every mode the same picture
