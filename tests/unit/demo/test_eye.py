"""The pictures and prompts that training makes are those of the real processor."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from transformers import AutoProcessor  # noqa: E402
from transformers.video_utils import VideoMetadata  # noqa: E402

from vlmtui.demo import eye, weights_path  # noqa: E402
from vlmtui.demo.draw import draw  # noqa: E402
from vlmtui.demo.frames import INTRO  # noqa: E402
from vlmtui.demo.scene import random_scene  # noqa: E402
from vlmtui.demo.train.packing import Encoder, conversation, first_turns, text_first  # noqa: E402
from vlmtui.demo.wording import Question  # noqa: E402


@pytest.fixture(scope="module")
def processor():
    return AutoProcessor.from_pretrained(weights_path())


@pytest.fixture(scope="module")
def encoder(processor):
    return Encoder(processor.tokenizer.backend_tokenizer)


def _pictures(number: int, seed: int = 5) -> list[Image.Image]:
    rng = Random(seed)
    return [draw(random_scene(rng)) for _ in range(number)]


def _tiles(tiles: list[Image.Image]) -> np.ndarray:
    return np.stack([np.asarray(tile) for tile in tiles]).transpose(0, 3, 1, 2) / 127.5 - 1


def test_whole_pictures_equal_the_processor(processor):
    for picture in _pictures(40):
        real = processor.image_processor([picture], return_tensors="np")["pixel_values"][0]
        assert real.shape == (1, 3, eye.TILE, eye.TILE)
        gap = np.abs(real - _tiles([eye.whole(picture)]))
        assert gap.max() <= 4 / 127.5 and gap.mean() < 0.2 / 127.5


def test_split_pictures_equal_the_processor(processor):
    for picture in _pictures(40):
        real = processor.image_processor([picture], return_tensors="np", do_image_splitting=True,
                                         return_row_col_info=True)  # fmt: skip
        tiles, rows, columns = eye.split(picture)
        assert (real["rows"][0][0], real["cols"][0][0]) == (rows, columns) == (2, 2)
        gap = np.abs(real["pixel_values"][0] - _tiles(tiles))
        assert gap.max() <= 4 / 127.5 and gap.mean() < 0.2 / 127.5


def _turn(role: str, *parts: str) -> dict:
    content = [{"type": "image"} if part == "<image>" else {"type": "text", "text": part} for part in parts]
    return {"role": role, "content": content}


def _ids(processor, messages: list[dict], pictures: list[Image.Image], **settings) -> list[int]:
    text = processor.apply_chat_template(messages)
    return processor(text=[text], images=[pictures], return_tensors="np", **settings)["input_ids"][0].tolist()


def _questions() -> list[Question]:
    return [
        Question("count", "How many shapes are there?", "3"),
        Question("read", "read the text", "KAYAK"),
        Question("describe", "Describe the picture.", "a red circle, an orange star and the number 4071"),
    ]


@pytest.mark.parametrize("split", [False, True])
def test_a_conversation_has_the_tokens_of_the_chat_template(processor, encoder, split):
    questions = _questions()
    messages = []
    for number, question in enumerate(questions):
        parts = ("<image>", question.prompt) if number == 0 else (question.prompt,)
        messages += [_turn("user", *parts), _turn("assistant", question.answer)]
    picture = encoder.picture(2, 2) if split else encoder.picture()
    row = conversation(encoder, [(picture if k == 0 else [], q) for k, q in enumerate(questions)])
    assert row.ids == _ids(processor, messages, _pictures(1), do_image_splitting=split)
    assert row.positions == list(range(len(row.ids)))


def test_first_turns_have_the_tokens_of_one_turn_conversations(processor, encoder):
    questions = _questions()
    prefix = [encoder.bos, *encoder.text("User:"), *encoder.picture() * 2]
    row = first_turns(encoder, prefix, questions)
    for number, question in enumerate(questions):
        mine = [i for i, p in zip(row.ids, row.parts, strict=True) if p in (0, number + 1)]
        places = [i for i, p in zip(row.positions, row.parts, strict=True) if p in (0, number + 1)]
        messages = [_turn("user", "<image>", "<image>", question.prompt), _turn("assistant", question.answer)]
        assert mine == _ids(processor, messages, _pictures(2))[: len(mine)]  # which ends with a line feed more
        assert places == list(range(len(mine)))


def test_a_question_before_its_picture_has_the_tokens_of_the_chat_template(processor, encoder):
    question = _questions()[0]
    messages = [_turn("user", question.prompt, "<image>"), _turn("assistant", question.answer)]
    assert text_first(encoder, encoder.picture(), question).ids == _ids(processor, messages, _pictures(1))


def test_frames_sent_as_pictures_have_the_tokens_of_the_chat_template(processor, encoder):
    from vlmtui.demo.train.batches import film_prefix

    question = _questions()[0]
    messages = [_turn("user", INTRO, *["<image>"] * 4, question.prompt), _turn("assistant", question.answer)]
    row = first_turns(encoder, film_prefix(encoder, 4), [question])
    assert row.ids == _ids(processor, messages, _pictures(4))[: len(row.ids)]


def test_videos_have_the_tokens_and_pixels_of_the_processor(processor, encoder):
    from vlmtui.demo.train.batches import video_prefix

    picture = _pictures(1)[0]
    frames = np.stack([np.asarray(picture)] * 5)
    question = "Which way does the shape move?"
    messages = [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": question}]}]
    text = processor.apply_chat_template(messages, add_generation_prompt=True)
    metadata = VideoMetadata(total_num_frames=5, fps=1.0, duration=5.0, frames_indices=[0, 1, 2, 3, 4])
    real = processor(text=[text], videos=[frames], video_metadata=[metadata], do_sample_frames=False,
                     return_tensors="np")  # fmt: skip
    row = first_turns(encoder, video_prefix(encoder, 5, 1.0, 5), [Question("direction", "\n\n" + question, "up")])
    cut = len(encoder.text(" up")) + 1
    assert row.ids[:-cut] == real["input_ids"][0].tolist()
    gap = np.abs(real["pixel_values"][0] - _tiles([eye.whole(picture)] * 5))
    assert gap.max() <= 4 / 127.5 and gap.mean() < 0.2 / 127.5
