"""Running statistics of BatchNorm, measured anew."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["CALIBRATION", "recalibrated"]

CALIBRATION = 100
"""Images, at least, in a batch that statistics are measured on."""


def recalibrated(model: nn.Module, batches: Iterable[Tensor] | None) -> int:
    """Measure the running statistics of every BatchNorm on batches; return how many there are.

    Every layer sees the batch statistics of the layers before it, as in training; means and
    variances are averaged over the batches.
    """
    from torch.nn.modules.batchnorm import _BatchNorm

    layers = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if batches is None or not layers:
        return len(layers)
    before = [layer.momentum for layer in layers]
    try:
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum, layer.training = None, True
        for batch in batches:
            model(batch)
    finally:
        for layer, momentum in zip(layers, before, strict=True):
            layer.momentum, layer.training = momentum, False
    return len(layers)
