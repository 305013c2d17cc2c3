"""Several questions packed into one row cost what each costs alone, and no answer can be seen before it is given."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from transformers import AutoTokenizer  # noqa: E402

from vlmtui.demo import weights_path  # noqa: E402
from vlmtui.demo.train import loop  # noqa: E402
from vlmtui.demo.train.batches import SIZES, Batch, BatchMaker  # noqa: E402
from vlmtui.demo.train.checkpoint import build_model  # noqa: E402


@pytest.fixture(scope="module")
def maker(tmp_path_factory) -> BatchMaker:
    file: Path = tmp_path_factory.mktemp("demo") / "tokenizer.json"
    AutoTokenizer.from_pretrained(weights_path()).backend_tokenizer.save(str(file))
    return BatchMaker(file, seed=7)


@pytest.fixture(scope="module")
def model(maker):
    torch.manual_seed(0)
    return build_model(maker.tokenizer).eval()


def _make(maker: BatchMaker, index: int, kind: str) -> Batch:
    """A batch of the same make as in training, but of a few rows."""
    kept = SIZES[kind]
    SIZES[kind] = (3, kept[1])
    try:
        return maker.make(index, kind)
    finally:
        SIZES[kind] = kept


def _tensors(batch):
    return {name: torch.from_numpy(array) for name, array in batch.items()}


def _logits(model, batch):
    kept = {}
    hook = model.lm_head.register_forward_hook(lambda *call: kept.update(out=call[2]))
    with torch.no_grad():
        loop.losses(model, None, batch)
    hook.remove()
    return kept["out"]


@pytest.mark.parametrize("kind, implementation", [(kind, "eager") for kind in sorted(SIZES)] + [("single", "sdpa")])
def test_packed_rows_give_the_logits_of_the_plain_model(maker, model, kind, implementation):
    """Row by row, part by part, the plain forward pass of the library says the same as the packed one."""
    model.set_attn_implementation(implementation)
    batch = _tensors(_make(maker, 0, kind))
    packed = _logits(model, batch)
    model.set_attn_implementation("sdpa")
    plain, order = [], []
    pixels = batch["pixels"].permute(0, 3, 1, 2).float() / 127.5 - 1
    image = model.config.image_token_id
    first = 0
    for row in range(len(batch["ids"])):
        ids, parts, weights = (batch[name][row] for name in ("ids", "parts", "weights"))
        pictures = int((ids == image).sum()) // 16
        mine = pixels[first : first + pictures][None]
        first += pictures
        for part in range(max(1, int(parts.max()) + 1)):
            seen = (parts == 0) | (parts == part)
            spots = torch.where(weights[seen] > 0)[0]
            if (part == 0 and int(parts.max()) > 0) or not len(spots):
                continue
            given = {"pixel_values": mine} if pictures else {}
            with torch.no_grad():
                logits = model(input_ids=ids[seen][None], **given).logits[0]
            plain.append(logits[spots - 1])
            order.append(torch.where(seen)[0][spots] + row * ids.shape[0])
    places = torch.cat(order)
    expected = torch.cat(plain)[places.argsort()]
    assert expected.shape == packed.shape
    assert torch.allclose(expected, packed, atol=2e-3)


def test_an_answer_cannot_be_seen_before_it_is_given(maker, model):
    batch = _tensors(_make(maker, 1, "chat"))
    model.set_attn_implementation("eager")
    before = _logits(model, batch)
    spots = batch["weights"][:, 1:] > 0
    last = {row: int(torch.where(batch["weights"][row] > 0)[0][-2]) for row in range(len(batch["ids"]))}
    for row, place in last.items():
        batch["ids"][row, place:] = batch["ids"][row, 1]
    after = _logits(model, batch)
    rows, places = torch.where(spots)
    earlier = torch.tensor([int(p) + 1 <= last[int(r)] for r, p in zip(rows, places, strict=True)])
    assert torch.equal(before[earlier], after[earlier])
    assert not torch.equal(before, after)
