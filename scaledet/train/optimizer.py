"""The optimiser of a recipe, with steps in units of the weights' parametrization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scaledet.train.ring import weight_unit

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

    from scaledet.train.recipe import Recipe

__all__ = ["optimizer_of", "set_rates"]

_SMALL = 1e-8
"""What Adam adds to the root of the mean squared gradient."""


def optimizer_of(model: nn.Module, recipe: Recipe) -> Optimizer:
    r"""Return an optimiser with a group of parameters for every unit u of weights.

    With weight = u w, the gradient with respect to w is u times that of the weight. A step of w is
    thus one of the weight with u^2 times the learning rate in gradient descent, and u times in
    Adam, whose small constant is divided by u; the shrinking per step stays.
    """
    import torch

    groups: dict[tuple[float, bool], list[Any]] = {}
    seen = set()
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.requires_grad and id(parameter) not in seen:
                seen.add(id(parameter))
                unit = weight_unit(module) if name == "weight" else 1.0
                groups.setdefault((unit, parameter.ndim > 1), []).append(parameter)
    sgd = recipe.optimizer == "sgd"
    described = [
        {
            "params": parameters,
            "factor": unit**2 if sgd else unit,
            "decays": decays,
            **({} if sgd else {"eps": _SMALL / unit}),
        }
        for (unit, decays), parameters in groups.items()
    ]
    if sgd:
        return torch.optim.SGD(
            described, recipe.learning_rate, recipe.momentum, nesterov=recipe.nesterov
        )
    return torch.optim.AdamW(described, recipe.learning_rate)


def set_rates(optimizer: Optimizer, rate: float, decay: float) -> None:
    """Set learning rate and weight decay of all groups."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]
        group["weight_decay"] = decay / group["factor"] if group["decays"] else 0.0
