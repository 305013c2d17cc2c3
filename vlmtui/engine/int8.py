"""Weights of one byte for the language model's linear layers on a CPU: an answer is as fast as its weights are small.

Without a GPU, each token reads all weights of the language model once, and that is what takes the time. A row of a
weight matrix is kept as whole numbers from -127 to 127 and one scale; so is each token's input, with one of its own,
just before the product, which torch computes in whole numbers (`_int_mm`, oneDNN). The vision tower stays as it is.

Measured on a checkpoint of SmolVLM-256M's shape, one thread (AVX512-VNNI), tokens a second and seconds for a prompt of
64 tokens:

    float32, as it is                                   18.1   0.20
    this                                                32.7   0.08
    torch.ao dynamic quantisation (to be removed)       33.6   0.10
    torch._weight_int8pack_mm, inputs in bfloat16       31.9   0.24
    torch._weight_int8pack_mm, inputs in float32        14.1   5.90
    torchao 0.18, int8 weights only                      9.3   0.26
    torchao 0.18, int8 weights and inputs                5.4   0.24
    bitsandbytes 0.50, 8-bit                             5.8   0.39
    bitsandbytes 0.50, 4-bit nf4                        13.0   0.28
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

_MOST = 127


class Int8Linear(nn.Linear):
    """A linear layer with weights of one byte; an `nn.Linear`, so that adapters lie over it as over any other."""

    def __init__(self, layer: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = layer.in_features, layer.out_features
        weight = layer.weight.detach().float()
        scale = weight.abs().amax(dim=1).clamp(min=1e-12) / _MOST
        whole = (weight / scale[:, None]).round_().clamp_(-_MOST, _MOST).to(torch.int8)
        self.weight = nn.Parameter(whole, requires_grad=False)
        self.bias = layer.bias
        self.scale: torch.Tensor
        self.register_buffer("scale", scale)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return the layer's output in the precision of `input`, shaped [..., in] and [..., out]."""
        rows = input.reshape(-1, self.in_features).float()
        scale = rows.abs().amax(dim=1, keepdim=True).clamp_(min=1e-12) / _MOST
        whole = (rows / scale).round_().to(torch.int8)
        out = torch._int_mm(whole, self.weight.t()).float().mul_(scale).mul_(self.scale)
        if self.bias is not None:
            out += self.bias
        return out.reshape(*input.shape[:-1], self.out_features).to(input.dtype)


def quantise(model: Any) -> int:
    """Replace the language model's linear layers, and the one that chooses the token; return how many."""
    text = language_model(model)
    count = _replace(text)
    for name, child in model.named_children():
        if type(child) is nn.Linear and child is model.get_output_embeddings():
            setattr(model, name, Int8Linear(child))
            count += 1
    return count


def language_model(model: Any) -> Any:
    """Return the part of a vision-language model that writes the answer."""
    inner = getattr(model, "model", model)
    for name in ("text_model", "language_model"):
        if (part := getattr(inner, name, None)) is not None:
            return part
    return model.get_decoder()


def _replace(module: Any) -> int:
    count = 0
    for name, child in module.named_children():
        if type(child) is nn.Linear:
            setattr(module, name, Int8Linear(child))
            count += 1
        else:
            count += _replace(child)
    return count
