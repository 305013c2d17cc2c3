"""The training loop: real `SmolVLMForConditionalGeneration`, loss on the answers, and maps of what is where."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import SmolVLMForConditionalGeneration

from vlmtui.demo.draw import MAP_SIDE
from vlmtui.demo.faces import GLYPHS
from vlmtui.demo.train.checkpoint import PATCH
from vlmtui.demo.eye import TILE
from vlmtui.demo.vocabulary import COLOUR_NAMES, SHAPES

CLASSES: tuple[int, ...] = (len(SHAPES) + 1, len(COLOUR_NAMES) + 1, len(GLYPHS) + 1, MAP_SIDE + 1, MAP_SIDE + 1)
_SHARES: tuple[float, ...] = (1.0, 0.7, 1.6, 0.4, 0.4)  # letters are the hardest to learn
_GRID = TILE // PATCH
_SUB = MAP_SIDE // _GRID


class MapHead(nn.Module):
    """Tells from each patch of the vision tower what covers its 2 x 2 cells; thrown away after training."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.proj = nn.Linear(hidden, _SUB * _SUB * sum(CLASSES))

    def forward(self, patches: Tensor, maps: Tensor) -> Tensor:
        """Mean cross entropy of `maps` (pictures, 5, 16, 16) given `patches` (pictures, 64, hidden)."""
        count = patches.shape[0]
        logits = self.proj(patches).float().view(count, _GRID, _GRID, _SUB, _SUB, sum(CLASSES))
        logits = logits.transpose(2, 3).reshape(count, MAP_SIDE * MAP_SIDE, sum(CLASSES))
        loss = logits.new_zeros(())
        for number, (part, share) in enumerate(zip(logits.split(CLASSES, dim=-1), _SHARES, strict=True)):
            target = maps[:, number].reshape(count, -1).long()
            each = F.cross_entropy(part.flatten(0, 1), target.flatten(), reduction="none")
            weight = torch.where(target.flatten() == 0, 0.25, 1.0)
            loss = loss + share * (each * weight).sum() / weight.sum()
        return loss / 3


class Words(nn.Module):
    """Draws each image token towards the embeddings of the words for what it covers: the tokens of a red circle in the
    top left towards " red", " circle", " top" and " left", a letter's towards that letter. The language model then finds a thing by its name from
    the start, instead of having to learn a translation first. It has no weights of its own."""

    SHARPNESS = 20.0

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__()
        names = [[" nothing", *(f" {name}" for name in group)] for group in (SHAPES, COLOUR_NAMES)]
        names.append([" nothing", *GLYPHS])
        for low, high in ((" left", " right"), (" top", " bottom")):
            thirds = [int((cell + 0.5) / MAP_SIDE * 3) for cell in range(MAP_SIDE)]
            names.append([" nothing", *((low, " center", high)[third] for third in thirds)])
        ids = [[tokenizer.encode(name, add_special_tokens=False).ids for name in group] for group in names]
        assert all(len(one) == 1 for group in ids for one in group), "a word of the demo's world is not one token"
        self.ids = [torch.tensor([one[0] for one in group]) for group in ids]

    def forward(self, features: Tensor, maps: Tensor, embeddings: Tensor) -> Tensor:
        """Cross entropy of the words under each token.

        Args:
            features: (pictures, tokens, hidden), what the connector gives.
            maps: (pictures, 5, 16, 16).
            embeddings: (vocabulary, hidden).
        """
        count, tokens, _ = features.shape
        side = int(tokens**0.5)
        cells = MAP_SIDE // side
        likeness = F.normalize(features.float(), dim=-1) @ F.normalize(embeddings.float(), dim=-1).T
        logits = self.SHARPNESS * likeness
        chances = logits.float().log_softmax(-1)
        wanted = torch.zeros_like(chances)
        for number, ids in enumerate(self.ids):
            parts = maps[:, number].view(count, side, cells, side, cells).transpose(2, 3).reshape(count, tokens, -1)
            hits = F.one_hot(parts.long(), len(ids)).sum(2).float()
            hits[..., 0] = 0
            wanted.index_add_(-1, ids, hits.clamp(max=4))
        empty = wanted.sum(-1) == 0
        wanted[..., self.ids[0][0]] += empty.float()
        wanted = wanted / wanted.sum(-1, keepdim=True)
        each = -(wanted * chances).sum(-1)
        weight = torch.where(empty, 0.2, 1.0)
        return (each * weight).sum() / weight.sum()


@dataclass
class Losses:
    """Loss on the answers, on the maps, on the words of the image tokens, and which questions were answered wholly right.

    `right` is (questions,) bool in the order of rows and questions.
    """

    answers: Tensor
    maps: Tensor
    words: Tensor
    right: Tensor | None


def attention(parts: Tensor) -> Tensor:
    """Who sees whom: (rows, 1, length, length), 0 for earlier tokens of the prefix and of one's own part, and the
    lowest float elsewhere (a mask to be ADDED, which every attention implementation of the library takes)."""
    length = parts.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    same = (parts[:, None, :] == 0) | (parts[:, None, :] == parts[:, :, None])
    hidden = ~(causal & same)[:, None]
    return torch.zeros(hidden.shape).masked_fill_(hidden, torch.finfo(torch.float32).min)


def eye_losses(model: SmolVLMForConditionalGeneration, head: MapHead, words: Words, batch: dict[str, Tensor]) -> Losses:
    """The losses that need no text, for a batch of type "eye"."""
    inner = model.model
    patches = inner.vision_model(pixel_values=batch["pixels"].permute(0, 3, 1, 2).float() / 127.5 - 1).last_hidden_state
    embeddings = inner.text_model.get_input_embeddings().weight
    named = words(inner.connector(patches), batch["maps"], embeddings)
    return Losses(named.new_zeros(()), head(patches, batch["maps"]), named, None)


def losses(
    model: SmolVLMForConditionalGeneration,
    head: MapHead | None,
    batch: dict[str, Tensor],
    words: Words | None = None,
    score: bool = False,
) -> Losses:
    """Runs one batch (the arrays of `BatchMaker.make` as tensors) through the model."""
    inner = model.model
    pixels = batch["pixels"].permute(0, 3, 1, 2).float() / 127.5 - 1
    patches = inner.vision_model(pixel_values=pixels).last_hidden_state
    features = inner.connector(patches)
    ids = batch["ids"]
    embeds = inner.text_model.get_input_embeddings()(ids)
    spot = (ids == model.config.image_token_id)[..., None].expand_as(embeds)
    embeds = embeds.masked_scatter(spot, features.reshape(-1, features.shape[-1]).to(embeds.dtype))
    hidden = inner.text_model(
        inputs_embeds=embeds, attention_mask=attention(batch["parts"]), position_ids=batch["positions"], use_cache=False
    ).last_hidden_state
    # the token before predicts; the first token of a part follows the prefix but is never an answer
    spots = batch["weights"][:, 1:] > 0
    logits = model.lm_head(hidden[:, :-1][spots]).float()
    targets, weights = ids[:, 1:][spots], batch["weights"][:, 1:][spots]
    each = F.cross_entropy(logits, targets, reduction="none")
    answers = (each * weights).sum() / weights.sum()
    maps, named = answers.new_zeros(()), answers.new_zeros(())
    if bool(batch["mapped"][0]):
        maps = head(patches, batch["maps"]) if head is not None else maps
        if words is not None:
            named = words(features, batch["maps"], inner.text_model.get_input_embeddings().weight)
    right = None
    if score:
        wrong = logits.argmax(-1) != targets
        rows = torch.arange(ids.shape[0])[:, None].expand_as(ids)[:, 1:][spots]
        owner = rows * 64 + batch["owners"][:, 1:][spots]
        names, inverse = torch.unique(owner, return_inverse=True)
        right = torch.zeros(len(names), dtype=torch.long).index_add_(0, inverse, wrong.long()) == 0
    return Losses(answers, maps, named, right)


CONNECTOR_SPREAD = 0.0055
"""Standard deviation that the connector's weights are held at: image tokens then enter the language model about as
long as its word embeddings. Left alone they grow twenty times longer, and no layer can write anything into them."""


def hold_scale(model: SmolVLMForConditionalGeneration) -> None:
    """Scales the connector's weights back to `CONNECTOR_SPREAD`."""
    with torch.no_grad():
        weight = model.model.connector.modality_projection.proj.weight
        weight.mul_(CONNECTOR_SPREAD / weight.std())


def learning_rate(progress: float) -> float:
    """Share of the peak rate at `progress` (0..1): a short warm-up, a plateau, then down to nothing."""
    if progress < 0.02:
        return max(0.02, progress / 0.02)
    if progress < 0.5:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - 0.5) / 0.5)))


def optimizers(model: nn.Module, head: nn.Module, peak: float, muon: bool) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers (where asked), AdamW for everything else."""
    matrices, connector, rest, plain = [], [], [], []
    for name, parameter in model.named_parameters():
        if muon and "modality_projection" in name:
            connector.append(parameter)
        elif muon and parameter.ndim == 2 and ".layers." in name:
            matrices.append(parameter)
        elif parameter.ndim < 2:
            plain.append(parameter)
        else:
            rest.append(parameter)
    groups = [
        {"params": rest + list(head.parameters()), "weight_decay": 0.02, "peak": peak},
        {"params": plain, "weight_decay": 0.0, "peak": peak},
    ]
    made: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.98))]
    if matrices:
        muon_groups = [{"params": matrices, "peak": peak * 1.5}, {"params": connector, "peak": peak * 0.1}]
        made.append(torch.optim.Muon(muon_groups, lr=peak * 1.5, weight_decay=0.02, momentum=0.95,
                                     adjust_lr_fn="match_rms_adamw"))  # fmt: skip
    return made
