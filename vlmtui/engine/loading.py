"""Loads a checkpoint in the engine's process: checked before anything large is read, placed by hardware, warmed up."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import psutil
import torch
import transformers
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
from transformers.utils import logging as transformers_logging

from vlmtui.engine import adapting, int8, quantising
from vlmtui.engine.cache import Memory
from vlmtui.engine.failures import EngineFailure
from vlmtui.engine.protocol import Event, Load, Loaded, LoadProgress
from vlmtui.engine.resolving import resolve
from vlmtui.models import files
from vlmtui.models.adapters import AdapterUse
from vlmtui.models.hardware import (
    BYTES_PER_PARAMETER,
    Gpu,
    Hardware,
    HardwareError,
    choose_device,
    choose_dtype,
    threads_for,
    usable_cores,
)
from vlmtui.models.processor import ProcessorSettings

FAMILY = frozenset({"smolvlm", "idefics3"})
"""transformers' model types of the SmolVLM family: SmolVLM2 and v1."""

_REPORT_EVERY_S = 0.05


@dataclass
class Checkpoint:
    """A checkpoint that is ready to answer.

    Attributes:
        model: the transformers model, in evaluation mode.
        processor: its processor.
        loaded: what the terminal's process is told about it.
        memory: what it keeps of pictures and of the conversation; it goes with the checkpoint.
        over: the adapters that lie over it.
        folder: where its files are.
    """

    model: Any
    processor: Any
    loaded: Loaded
    memory: Memory = field(default_factory=Memory)
    over: adapting.Over = field(default_factory=adapting.Over)
    folder: Path = Path()

    @property
    def in_family(self) -> bool:
        """Whether it is a SmolVLM, whose pictures and frames we lay out ourselves."""
        return self.loaded.family in FAMILY


def load(
    request: Load,
    *,
    report: Callable[[Event], None],
    check: Callable[[], None],
    release: Callable[[], None],
    asked_at: float,
) -> Checkpoint:
    """Load the checkpoint that `request` names.

    Args:
        request: what to load, and where.
        report: takes `LoadProgress` events.
        check: raises when the request was stopped; called between and within the steps.
        release: drops the checkpoint that is loaded, just before the new one's weights are read.
        asked_at: when the request arrived, by `time.perf_counter`.

    Raises:
        EngineFailure: with cause and remedy.
        Exception: whatever a library raises; `failures.understand` knows the usual ones.
    """
    _quieten()
    report(LoadProgress(id=request.id, stage="libraries", done=1, total=1))
    hardware = hardware_here()
    try:
        device = choose_device(request.device, hardware)
        dtype = choose_dtype(request.dtype, device, hardware)
    except HardwareError as error:
        raise EngineFailure("bad_device", error.cause, error.remedy) from error
    if device == "cpu":
        torch.set_num_threads(threads_for(usable_cores(), torch.get_num_threads()))
    quantising.check(request.quantize, device)
    check()
    for use in request.adapters:
        adapting.check_folder(use)
    resolved = resolve(request, report, check)
    adapting.check(request.adapters, resolved.name, resolved.folder, request.quantize)
    config = _config(resolved.folder, resolved.name)
    folder = resolved.complete() if resolved.complete is not None else resolved.folder
    parameters = _check_weights(folder, resolved.name)
    if device == "cpu":
        _check_memory(quantising.bytes_to_load(request.quantize, folder, parameters, BYTES_PER_PARAMETER[dtype]))
    check()
    report(LoadProgress(id=request.id, stage="processor", total=1))
    processor = _processor(folder, config.model_type)
    report(LoadProgress(id=request.id, stage="processor", done=1, total=1))
    check()
    release()
    _empty_gpu()
    with _weights_reported(request.id, report, check):
        model = transformers.AutoModelForImageTextToText.from_pretrained(
            folder,
            config=config,
            dtype=getattr(torch, dtype),
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            **quantising.placement(request.quantize, device, dtype, folder),
        )
    parameters = model.num_parameters()
    if request.quantize == "int8":
        int8.quantise(model)
    over = adapting.Over()
    adapting.lay_over(model, over, request.adapters, check)
    model.eval()
    _mend_generation_config(model, processor)
    check()
    report(LoadProgress(id=request.id, stage="warm_up", total=1))
    _warm_up(model)
    report(LoadProgress(id=request.id, stage="warm_up", done=1, total=1))
    splitting = device != "cpu" and bool(getattr(_image_processor(processor), "do_image_splitting", False))
    loaded = Loaded(
        id=request.id,
        name=resolved.name,
        revision=resolved.revision,
        family=config.model_type,
        kind="base" if is_base(resolved.name, processor) else "instruct",
        device=device,
        dtype=dtype,
        parameters=parameters,
        context=int(getattr(config.get_text_config(), "max_position_embeddings", 0) or 0) or 2048,
        processor=_settings(processor, splitting),
        demo=resolved.demo,
        video=config.model_type in FAMILY and getattr(processor, "video_processor", None) is not None,
        seconds=time.perf_counter() - asked_at,
        adapter=over.words,
        adapters=over.uses,
        quantize=request.quantize,
    )
    return Checkpoint(model=model, processor=processor, loaded=loaded, over=over, folder=folder)


def adapt(checkpoint: Checkpoint, wanted: tuple[AdapterUse, ...], check: Callable[[], None]) -> Loaded:
    """Lay `wanted`, and no other adapters, over a checkpoint that is loaded; the base is not read again.

    Raises:
        EngineFailure: `bad_adapter`; what acted before acts on.
    """
    loaded, over = checkpoint.loaded, checkpoint.over
    adapting.check(wanted, loaded.name, checkpoint.folder, loaded.quantize)
    adapting.lay_over(checkpoint.model, over, wanted, check)
    checkpoint.loaded = msgspec.structs.replace(loaded, adapter=over.words, adapters=over.uses)
    return checkpoint.loaded


def hardware_here() -> Hardware:
    """Return what this machine has, as torch sees it; a broken driver counts as no GPU."""
    gpus: list[Gpu] = []
    with contextlib.suppress(Exception):  # e.g. a driver older than torch's CUDA: said by `vlmtui doctor`
        if torch.cuda.is_available():
            for index in range(torch.cuda.device_count()):
                properties = torch.cuda.get_device_properties(index)
                try:
                    free = torch.cuda.mem_get_info(index)[0]
                except Exception:  # a GPU that somebody else holds exclusively
                    free = 0
                gpus.append(
                    Gpu(
                        name=properties.name,
                        capability=(properties.major, properties.minor),
                        memory=properties.total_memory,
                        free=free,
                    )
                )
    return Hardware(gpus=tuple(gpus), mps=torch.backends.mps.is_available())


def is_base(name: str, processor: Any) -> bool:
    """Return whether a checkpoint completes text instead of answering: its name says so, or its template does.

    The family's instruct checkpoints end each turn with `<end_of_utterance>`; base ones have no template, or one that
    ends them with `<|endoftext|>`.
    """
    last = name.rstrip("/").rsplit("/", 1)[-1].lower()
    if last.endswith("-base") or "-base-" in last:
        return True
    template = chat_template(processor)
    return template is None or ("<end_of_utterance>" not in template and "<|endoftext|>" in template)


def chat_template(processor: Any) -> str | None:
    """Return the checkpoint's own chat template, the processor's before the tokenizer's."""
    for owner in (processor, getattr(processor, "tokenizer", None)):
        template = getattr(owner, "chat_template", None)
        if isinstance(template, dict):
            template = template.get("default")
        if template:
            return str(template)
    return None


def _config(folder: Path, name: str) -> Any:
    """Return the checkpoint's configuration, or say why it cannot be one that answers about pictures."""
    try:
        raw = files.read_json(folder / "config.json")
    except FileNotFoundError:
        if (folder / "adapter_config.json").is_file():
            base = _adapter_base(folder)
            raise EngineFailure(
                "no_such_model",
                f"{name} holds an adapter, not a whole checkpoint",
                f"load the checkpoint that it was trained on{base}; `vlmtui ask --adapter` lays the adapter over it",
            ) from None
        raise EngineFailure(
            "no_such_model", f"{name} is no checkpoint: it has no config.json", "give the folder that the files are in"
        ) from None
    except (OSError, ValueError) as error:
        raise EngineFailure(
            "no_such_model", f"the checkpoint's configuration cannot be read: {error}", "download or copy it again"
        ) from error
    kind = str(raw.get("model_type", ""))
    if "auto_map" in raw and kind not in transformers.CONFIG_MAPPING:
        raise EngineFailure(
            "remote_code",
            f"{name} can only run with Python code of its own, which vlmtui never executes",
            "choose a checkpoint whose architecture transformers itself has, e.g. any SmolVLM",
        )
    if kind not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES:
        what = f"its type is {kind!r}" if kind else "its config.json names no model_type"
        raise EngineFailure(
            "not_vision_language",
            f"{name} is not a vision-language model that transformers knows: {what}",
            "choose one of the family in the picker, e.g. HuggingFaceTB/SmolVLM2-256M-Video-Instruct",
        )
    try:
        return transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:
        raise EngineFailure(
            "no_such_model", f"the checkpoint's configuration is wrong: {error}", "download or copy it again"
        ) from error


def _adapter_base(folder: Path) -> str:
    with contextlib.suppress(OSError, ValueError):
        base = files.read_json(folder / "adapter_config.json").get("base_model_name_or_path")
        if base:
            return f": {base}"
    return ""


def _check_weights(folder: Path, name: str) -> int:
    """Return the number of parameters, or say why the weights cannot be loaded."""
    try:
        if not files.safetensors_files(folder):
            if files.pickle_files(folder):
                raise EngineFailure(
                    "not_safetensors",
                    f"{name} has pickled weights only, which can run code when they are loaded",
                    "choose a checkpoint with safetensors, or convert this one on a machine where you trust it",
                )
            raise EngineFailure(
                "not_safetensors", f"{name} has no weights (*.safetensors)", "download or copy it again"
            )
        missing = files.missing_shards(folder)
        if missing:
            raise EngineFailure(
                "not_safetensors", f"{name} lacks weights: {', '.join(missing[:3])}", "download or copy it again"
            )
        return files.count_parameters(folder)
    except (OSError, ValueError) as error:
        raise EngineFailure("not_safetensors", str(error), "download or copy the checkpoint again") from error


def _check_memory(needed: int) -> None:
    """Refuse what would only be killed: weights larger than the memory that is free now."""
    free = psutil.virtual_memory().available
    if needed > free:
        raise EngineFailure(
            "out_of_memory",
            f"the weights need {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB of memory are free",
            "choose a smaller checkpoint, close other programs, or choose the precision bfloat16 (slow on most CPUs)",
        )


def _processor(folder: Path, kind: str) -> Any:
    """Return the checkpoint's processor; one that can handle pictures, not a bare tokenizer."""
    try:
        processor = transformers.AutoProcessor.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineFailure(
            "no_such_model",
            f"the checkpoint's processor cannot be loaded: {error}",
            "download or copy it again: preprocessor_config.json, processor_config.json and the tokenizer's files",
        ) from error
    if _image_processor(processor) is None:
        raise EngineFailure(
            "not_vision_language",
            "the checkpoint has a tokenizer but no processor for pictures",
            "download or copy its preprocessor_config.json and processor_config.json too",
        )
    return processor


def _image_processor(processor: Any) -> Any:
    return getattr(processor, "image_processor", None)


def _settings(processor: Any, splitting: bool) -> ProcessorSettings:
    """Return what pictures cost; exact for the family, the processor's nearest words for others."""
    images = _image_processor(processor)
    longest = _edge(getattr(images, "size", None)) or 512
    tile = _edge(getattr(images, "max_image_size", None)) or longest
    return ProcessorSettings(
        tile_px=tile,
        longest_edge=longest,
        tokens_per_tile=int(getattr(processor, "image_seq_len", 0) or 0),
        splitting=splitting,
    )


def _edge(size: Any) -> int:
    """Return the longest edge that a processor's size means, 0 when it means none."""
    for key in ("longest_edge", "height", "shortest_edge"):
        value = size.get(key) if isinstance(size, dict) else getattr(size, key, None)
        if value:
            return int(value)
    return 0


def _mend_generation_config(model: Any, processor: Any) -> None:
    """Make sure that turns end: v1 checkpoints were published with the end of a turn in the tokenizer only."""
    config = model.generation_config
    tokenizer = processor.tokenizer
    ends = {config.eos_token_id} if isinstance(config.eos_token_id, int) else set(config.eos_token_id or ())
    if tokenizer.eos_token_id is not None:
        ends.add(tokenizer.eos_token_id)
    for token in ("<end_of_utterance>",):
        number = tokenizer.convert_tokens_to_ids(token)
        if number is not None and number != tokenizer.unk_token_id:
            ends.add(number)
    config.eos_token_id = sorted(ends) or None
    if config.pad_token_id is None or config.pad_token_id >= model.config.get_text_config().vocab_size:
        config.pad_token_id = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else min(ends, default=0)


def _warm_up(model: Any) -> None:
    """Run two tokens through the text model, so that the first question does not pay for what is lazy."""
    token = model.generation_config.pad_token_id or 0
    prompt = torch.full((1, 4), token, dtype=torch.long, device=model.device)
    with torch.inference_mode():
        model.generate(
            input_ids=prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=2,
            do_sample=False,
        )


@contextlib.contextmanager
def _weights_reported(request: int, report: Callable[[Event], None], check: Callable[[], None]) -> Iterator[None]:
    """Turn transformers' own progress bar over the weights into `LoadProgress`, and let a stop end it."""
    report(LoadProgress(id=request, stage="weights"))

    def bar(factory: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if not arguments or options.get("desc") != "Loading weights":
            return factory(*arguments, **(options | {"disable": True}))
        return _counted(arguments[0])

    def _counted(items: Iterable[Any]) -> Iterator[Any]:
        things = list(items)
        last = 0.0
        for done, thing in enumerate(things, 1):
            check()
            yield thing
            now = time.monotonic()
            if now - last >= _REPORT_EVERY_S or done == len(things):
                last = now
                report(LoadProgress(id=request, stage="weights", done=done, total=len(things)))

    before = transformers_logging.set_tqdm_hook(bar)
    try:
        yield
    finally:
        transformers_logging.set_tqdm_hook(before)


def _quieten() -> None:
    """Let the libraries say in the log only what matters."""
    transformers_logging.set_verbosity_error()


def _empty_gpu() -> None:
    import gc

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
