"""A learning rate of its own for a tower: the groups of the optimizer, split by where their weights lie."""

from __future__ import annotations

from typing import Any

from vlmtui.training.failures import TrainingFailure
from vlmtui.training.loading import tower_of


def split_by_tower(optimizer: Any, model: Any, rates: dict[str, float]) -> None:
    """Give the weights of the towers in `rates` their own learning rate, before the first step.

    Raises:
        TrainingFailure: nothing is trained in such a tower.
    """
    towers = {id(weight): tower_of(name) for name, weight in model.named_parameters() if weight.requires_grad}
    missing = sorted(set(rates) - set(towers.values()))
    if missing:
        raise TrainingFailure(
            f"tower_learning_rates: nothing is trained in {', '.join(missing)}", "add it to lora_towers, or take it out"
        )
    groups: list[dict[str, Any]] = []
    for group in optimizer.param_groups:
        by_rate: dict[float, list[Any]] = {}
        for weight in group["params"]:
            by_rate.setdefault(rates.get(towers.get(id(weight), "other"), group["lr"]), []).append(weight)
        groups += [group | {"params": weights, "lr": rate} for rate, weights in by_rate.items()]
    optimizer.param_groups[:] = groups
