"""The training loop: real `SmolVLMForConditionalGeneration`, loss on the answers, and maps of what is where."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import SmolVLMForConditionalGeneration

from vlmtui.demo.draw import MAP_SIDE
from vlmtui.demo.eye import TILE
from vlmtui.demo.faces import GLYPHS
from vlmtui.demo.train.checkpoint import IMAGE_TOKENS, PATCH
from vlmtui.demo.train.packing import FACTS, MOST_PICTURES
from vlmtui.demo.vocabulary import COLOUR_NAMES, SHAPES, SIZES

CLASSES: tuple[int, ...] = (
    len(SHAPES) + 1, len(COLOUR_NAMES) + 1, len(GLYPHS) + 1, MAP_SIDE + 1, MAP_SIDE + 1, len(SIZES) + 1,
)  # fmt: skip
_SHARES: tuple[float, ...] = (1.0, 0.7, 2.0, 0.5, 0.5, 0.5)  # letters are the hardest to learn
_GRID = TILE // PATCH
_SUB = MAP_SIDE // _GRID

_ORDER_LAYER, _NAMED_LAYER = 2, 3  # of the language model, whose states the guiding heads read


class MapHead(nn.Module):
    """Guiding heads, thrown away after training. They tell from each patch of the vision tower what covers its 2 x 2
    cells, from each image token inside the language model which picture it belongs to, and from each word that names
    a shape what and where that shape is."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.proj = nn.Linear(hidden, _SUB * _SUB * sum(CLASSES))
        self.order = nn.Linear(hidden, MOST_PICTURES)
        self.named = nn.Linear(hidden, sum(FACTS))

    def order_loss(self, states: Tensor, ids: Tensor, image: int, start: int) -> Tensor:
        """Mean cross entropy of the picture's number, given `states` (rows, length, hidden); `start` is the token
        that each picture begins with."""
        spots = ids == image
        numbers = ((ids == start).cumsum(1) - 1).clamp(0, MOST_PICTURES - 1)
        return F.cross_entropy(self.order(F.layer_norm(states[spots], states.shape[-1:])).float(), numbers[spots])

    def named_loss(self, states: Tensor, named: Tensor) -> Tensor:
        """Mean cross entropy of the facts of the shapes that are named, as `packing.stack` lists them."""
        at = states[named[:, 0], named[:, 1]]
        logits = self.named(F.layer_norm(at, at.shape[-1:])).float().split(FACTS, dim=-1)
        parts = [F.cross_entropy(part, named[:, 2 + number]) for number, part in enumerate(logits)]
        return torch.stack(parts).mean()

    def forward(self, patches: Tensor, maps: Tensor) -> Tensor:
        """Mean cross entropy of `maps` (pictures, 6, 16, 16) given `patches` (pictures, 64, hidden)."""
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
    top left towards " red", " circle", " top" and " left", a letter's towards that letter. The language model then
    finds a thing by its name from the start, instead of having to learn a translation first. No weights of its own.
    """

    SHARPNESS = 20.0

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__()
        names = [[" nothing", *(f" {name}" for name in group)] for group in (SHAPES, COLOUR_NAMES)]
        names.append([" nothing", *GLYPHS])
        for low, high in ((" left", " right"), (" top", " bottom")):
            thirds = [int((cell + 0.5) / MAP_SIDE * 3) for cell in range(MAP_SIDE)]
            names.append([" nothing", *((low, " center", high)[third] for third in thirds)])
        names.append([" nothing", *(f" {size}" for size in SIZES)])
        ids = [[tokenizer.encode(name, add_special_tokens=False).ids for name in group] for group in names]
        assert all(len(one) == 1 for group in ids for one in group), "a word of the demo's world is not one token"
        self.ids = [torch.tensor([one[0] for one in group]) for group in ids]

    def forward(self, features: Tensor, maps: Tensor, embeddings: Tensor) -> Tensor:
        """Cross entropy of the words under each token.

        Args:
            features: (pictures, tokens, hidden), what the connector gives.
            maps: (pictures, 6, 16, 16).
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


class PlaceHead(nn.Module):
    """Tells from an image token which of its picture's tokens it is; thrown away after training.

    The language model knows only how far apart tokens are. Where in the picture one lies must be in the token itself.
    """

    def __init__(self, hidden: int, tokens: int) -> None:
        super().__init__()
        self.proj = nn.Linear(hidden, tokens)

    def forward(self, features: Tensor) -> Tensor:
        """Mean cross entropy of each token's number given `features` (pictures, tokens, hidden)."""
        count, tokens, _ = features.shape
        logits = self.proj(F.normalize(features.float(), dim=-1) * features.shape[-1] ** 0.5)
        return F.cross_entropy(logits.flatten(0, 1), torch.arange(tokens).repeat(count))


class SummaryHead(nn.Module):
    """Tells from the token that ends a picture, inside the language model, what that picture holds in all: how many
    shapes, which shapes and which colours; thrown away after training. Questions about several pictures then find one
    token to look at for each of them."""

    MOST_SHAPES = 5

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.number = nn.Linear(hidden, self.MOST_SHAPES + 1)
        self.there = nn.Linear(hidden, len(SHAPES) + len(COLOUR_NAMES))

    def forward(self, states: Tensor, ids: Tensor, global_image: int, image: int, summaries: Tensor) -> Tensor:
        """Mean loss, given `states` (rows, length, hidden) and `summaries` (pictures, 16); a picture ends after the
        image tokens that follow its last `global_image`."""
        ends = torch.zeros_like(ids, dtype=torch.bool)
        ends[:, 1:] = (ids[:, :-1] == image) & (ids[:, 1:] != image)
        whole = torch.zeros_like(ends)
        tokens = IMAGE_TOKENS + 1
        whole[:, tokens:] = ids[:, :-tokens] == global_image
        at = F.layer_norm(states[ends & whole], states.shape[-1:])
        number = F.cross_entropy(self.number(at).float(), summaries[:, 0].clamp(max=self.MOST_SHAPES))
        there = F.binary_cross_entropy_with_logits(self.there(at).float(), summaries[:, 1:].float())
        return number + 2 * there


class ComingHead(nn.Module):
    """Tells from a token of an answer, inside the language model, where the shape or the glyph lies that is named
    next; thrown away after training. What is told in an order is then told by going from place to place."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.proj = nn.Linear(hidden, 2 * MAP_SIDE)

    def forward(self, states: Tensor, coming: Tensor) -> Tensor:
        """Mean cross entropy of column and row, given `states` (rows, length, hidden) and `coming` (places, 4): row,
        token, column and row in the picture."""
        at = states[coming[:, 0], coming[:, 1]]
        column, row = self.proj(F.layer_norm(at, at.shape[-1:])).float().chunk(2, dim=-1)
        return (F.cross_entropy(column, coming[:, 2]) + F.cross_entropy(row, coming[:, 3])) / 2


@dataclass
class Losses:
    """Losses on the answers, on the maps and on the words of the image tokens.

    `inside` is the loss of the heads that read the language model's states; `right` says which questions were
    answered wholly right: (questions,) bool in the order of rows and questions.
    """

    answers: Tensor
    maps: Tensor
    words: Tensor
    right: Tensor | None
    inside: Tensor | None = None


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
    places: PlaceHead | None = None,
    summaries: SummaryHead | None = None,
    coming: ComingHead | None = None,
) -> Losses:
    """Runs one batch (the arrays of `BatchMaker.make` as tensors) through the model."""
    inner = model.model
    pixels = batch["pixels"].permute(0, 3, 1, 2).float() / 127.5 - 1
    patches = inner.vision_model(pixel_values=pixels).last_hidden_state
    features = inner.connector(patches)
    ids, image_start = batch["ids"], model.config.image_token_id + 1  # <global-img> follows <image> in the vocabulary
    embeds = inner.text_model.get_input_embeddings()(ids)
    spot = (ids == model.config.image_token_id)[..., None].expand_as(embeds)
    embeds = embeds.masked_scatter(spot, features.reshape(-1, features.shape[-1]).to(embeds.dtype))
    output = inner.text_model(
        inputs_embeds=embeds, attention_mask=attention(batch["parts"]), position_ids=batch["positions"],
        use_cache=False, output_hidden_states=head is not None,
    )  # fmt: skip
    hidden = output.last_hidden_state
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
        if places is not None:
            maps = maps + places(features)
    inside = answers.new_zeros(())
    if head is not None:
        pictures = (ids == image_start).sum(1)
        if int(pictures.max()) > 1:
            inside = inside + head.order_loss(output.hidden_states[_ORDER_LAYER], ids, model.config.image_token_id,
                                              image_start)  # fmt: skip
        if summaries is not None and len(batch["summaries"]):
            inside = inside + summaries(output.hidden_states[_NAMED_LAYER], ids, image_start,
                                        model.config.image_token_id, batch["summaries"])  # fmt: skip
        if coming is not None and len(batch["coming"]):
            inside = inside + coming(output.hidden_states[_NAMED_LAYER], batch["coming"])
        if len(batch["named"]):
            inside = inside + head.named_loss(output.hidden_states[_NAMED_LAYER], batch["named"])
    right = None
    if score:
        wrong = logits.argmax(-1) != targets
        rows = torch.arange(ids.shape[0])[:, None].expand_as(ids)[:, 1:][spots]
        owner = rows * 64 + batch["owners"][:, 1:][spots]
        names, inverse = torch.unique(owner, return_inverse=True)
        right = torch.zeros(len(names), dtype=torch.long).index_add_(0, inverse, wrong.long()) == 0
    return Losses(answers, maps, named, right, inside)


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
    return min(1.0, (1 - min(progress, 1.0)) / 0.7)


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
