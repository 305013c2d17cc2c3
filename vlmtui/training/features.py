"""What a frozen vision tower sees, computed once for each distinct picture and read back from then on.

Where neither the vision tower nor the connector is trained, their output for a picture is the same in every epoch. It
is kept in a file named by the picture's content; from its second time on, the picture is neither decoded nor cut into
tiles, and the vision tower does not run. The text around it is laid out as the processor itself would.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft.tuners.tuners_utils import check_target_module_exists
from transformers import BatchFeature
from transformers.modeling_outputs import BaseModelOutputWithPooling

from vlmtui.datasets.pictures import Picture
from vlmtui.training.examples import decoded
from vlmtui.training.loading import tower_of

_SEEING = ("vision", "connector")
_ROOM = 2  # times what the features are expected to take must be free on the disk


class FeatureStore:
    """Features on the disk, one file a picture: `length x width`, in 32 bits, memory-mapped when read."""

    def __init__(self, folder: Path, settings: str) -> None:
        """Keep them in `folder`; `settings` is what they depend on besides the picture: processor, model, precision."""
        self._folder = folder
        self._settings = settings.encode()
        folder.mkdir(parents=True, exist_ok=True)

    def key(self, picture: Picture) -> str:
        """Return the name of the picture by its content."""
        data = Path(picture.path).read_bytes() if picture.data is None else picture.data
        return hashlib.sha256(self._settings + data).hexdigest()[:40]

    def layout(self, key: str) -> str | None:
        """Return the text that stands for the picture in a prompt; None where its features are not there yet."""
        try:
            return self._place(key, ".txt").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def load(self, key: str) -> torch.Tensor:
        """Return the picture's features; raises `FileNotFoundError`."""
        return torch.from_numpy(np.load(self._place(key, ".npy"), mmap_mode="c"))

    def keep(self, key: str, features: torch.Tensor, layout: str) -> None:
        """Write the picture's features, aside first, then its layout, which says that they are there.

        Raises:
            OSError: the disk is full.
        """
        place = self._place(key, ".npy")
        place.parent.mkdir(exist_ok=True)
        aside = place.with_suffix(f".{os.getpid()}.part")
        with aside.open("wb") as stream:
            np.save(stream, features.detach().to("cpu", torch.float32).numpy())
        aside.replace(place)
        text = place.with_suffix(f".{os.getpid()}.text")
        text.write_text(layout, encoding="utf-8")
        text.replace(self._place(key, ".txt"))

    def _place(self, key: str, suffix: str) -> Path:
        return self._folder / key[:2] / f"{key}{suffix}"


class RememberingProcessor:
    """A processor that lays out known pictures without looking at them; TRL's collators take it for the real one.

    Its batches have `picture_keys`, one a picture, and `new_pictures`: pixels and layout of those not known yet.
    """

    def __init__(self, inner: Any, store: FeatureStore) -> None:
        self._inner = inner
        self._store = store

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._inner, name)

    def __call__(self, *, text: list[str], images: list[list[Picture]] | None = None, **options: Any) -> Any:
        """Return the batch, without `pixel_values`."""
        if images is None:
            return self._inner(text=text, **options)
        keys: list[str] = []
        new: dict[str, tuple[torch.Tensor, Any, str]] = {}
        texts: list[str] = []
        for written, pictures in zip(text, images, strict=True):
            pieces = written.split(self._inner.image_token)
            laid = pieces[0]
            for picture, piece in zip(pictures, pieces[1:], strict=True):
                key = self._store.key(picture)
                layout = new[key][2] if key in new else self._store.layout(key)
                if layout is None:
                    new[key] = self._looked_at(picture)
                    layout = new[key][2]
                keys.append(key)
                laid += layout + piece
            texts.append(laid)
        batch = self._inner.tokenizer(texts, **options)
        return BatchFeature({**batch, "picture_keys": keys, "new_pictures": new})

    def _looked_at(self, picture: Picture) -> tuple[torch.Tensor, Any, str]:
        made = self._inner.image_processor([[decoded(picture)]], return_row_col_info=True, return_tensors="pt")
        return made["pixel_values"], made.get("pixel_attention_mask"), self._inner.replace_image_token(made, 0)


def with_features(batch: dict[str, Any], model: Any, store: FeatureStore) -> dict[str, Any]:
    """Return `batch` with its pictures' features instead of their keys; those of new ones are computed and kept."""
    keys = batch.pop("picture_keys", None)
    new = batch.pop("new_pictures", {})
    if not keys:
        return batch
    found: dict[str, torch.Tensor] = {}
    device = batch["input_ids"].device
    for key, (pixels, mask, layout) in new.items():
        if store.layout(key) is not None:
            continue  # seen since this batch was laid out: it was made ahead of the step
        with torch.no_grad():
            options = {} if mask is None else {"pixel_attention_mask": mask.to(device)}
            seen = model.get_image_features(pixels.to(device), return_dict=True, **options)
        found[key] = torch.cat(list(seen.pooler_output)).detach()
        with contextlib.suppress(OSError):  # a disk without room: it is looked at again the next time
            store.keep(key, found[key], layout)
    features = [found[key] if key in found else store.load(key).to(device) for key in keys]
    return batch | {"mm_encoder_outputs": {"image": BaseModelOutputWithPooling(pooler_output=features)}}


def can_remember(model: Any, adapters: Any = None) -> bool:
    """Return whether the features of a picture stay what they are: nothing that makes them is trained or random.

    Args:
        adapters: the configuration of those that it is still to get; else what is trained is seen in its weights.
    """
    if getattr(model.config.vision_config, "attention_dropout", 0.0):
        return False
    if model.config.model_type not in ("smolvlm", "idefics3"):
        return False
    if adapters is None:
        return not any(one.requires_grad and tower_of(name) in _SEEING for name, one in model.named_parameters())
    if adapters.modules_to_save or adapters.target_modules == "all-linear":
        return False
    return not any(
        tower_of(f"{name}.weight") in _SEEING and check_target_module_exists(adapters, name)
        for name, _ in model.named_modules()
    )


def store_for(folder: Path, model: Any, processor: Any, pictures: int, tiles: int = 17) -> FeatureStore | None:
    """Return the run's store; None where the disk has no room for the features of so many pictures.

    Args:
        pictures: how many are expected.
        tiles: the most of each.
    """
    settings = processor.image_processor.to_dict()
    cut = tiles if settings.get("do_image_splitting") else 1
    width = model.config.get_text_config().hidden_size
    expected = pictures * cut * int(processor.image_seq_len) * width * 4
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < expected * _ROOM:
        return None
    quantised = str(getattr(model.config, "quantization_config", ""))
    return FeatureStore(folder, json.dumps([settings, str(model.dtype), quantised], sort_keys=True, default=str))
