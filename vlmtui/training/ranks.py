"""Several processes training one model: who is the first, and what all of them have to do together."""

from __future__ import annotations

import torch
from torch import distributed


def several() -> bool:
    """Return whether this process is one of several that train together."""
    return bool(distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1)


def number() -> int:
    """Return this process's rank; 0 where it is alone."""
    return int(distributed.get_rank()) if several() else 0


def is_first() -> bool:
    """Return whether this process is the one that writes what is written once."""
    return number() == 0


def wait_for_all() -> None:
    """Return when all of them are here."""
    if several():
        distributed.barrier()


def any_says(flag: bool) -> bool:
    """Return whether `flag` is set in any of them: all get the same answer, and so do the same next."""
    if not several():
        return flag
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    said = torch.tensor([int(flag)], device=device)
    distributed.all_reduce(said, op=distributed.ReduceOp.MAX)
    return bool(said.item())
