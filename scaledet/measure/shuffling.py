"""Permuted channels, and running statistics of BatchNorm that are measured again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from scaledet.errors import ArgumentError

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["CALIBRATION", "convolutions", "recalibrated", "shuffled"]

CALIBRATION = 100
"""Images, at least, in a batch that statistics are measured on, whatever `batch_size`."""


def convolutions(model: nn.Module) -> dict[str, Any]:
    """Return the convolutions of a model by name, those that enlarge images left out."""
    from torch.nn.modules import conv

    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, conv._ConvNd) and not isinstance(module, conv._ConvTransposeNd)
    }


@contextmanager
def shuffled(model: nn.Module, rng: np.random.Generator) -> Iterator[None]:
    """Permute the input channels of every convolution at random; no weight is touched."""
    import torch

    layers = convolutions(model)
    if not layers:
        raise ArgumentError(
            "shuffle_channels must be False for a model without convolutions (torch.nn.Conv1d, "
            "Conv2d or Conv3d), whose input channels it permutes"
        )

    def permuted(order: Tensor, _module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        image, *others = args or (kwargs.pop("input"),)
        axis = image.ndim - len(_module.kernel_size) - 1
        return (image.index_select(axis, order.to(image.device)), *others), kwargs

    with ExitStack() as stack:
        for layer in layers.values():
            order = torch.from_numpy(rng.permutation(layer.in_channels))
            hook = partial(permuted, order)
            stack.callback(layer.register_forward_pre_hook(hook, with_kwargs=True).remove)
        yield


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
