"""Permuted channels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.measure.probe import Layers
from scaledet.rationals import shown

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["convolutions", "shuffled"]

_NAMED = 12


def convolutions(argument: str, model: nn.Module, layers: Layers) -> dict[str, Any]:
    """Return modules with weights [out, in, *kernel] by name: those chosen, or all convolutions.

    `argument` names what `layers` were given as. Transposed convolutions have other weights.
    """
    from torch.nn.modules import conv

    known: dict[str, Any] = dict(model.named_modules())
    chosen: dict[str, Any]
    if layers is None:
        kinds, others = conv._ConvNd, conv._ConvTransposeNd
        chosen = {
            name: module
            for name, module in known.items()
            if isinstance(module, kinds) and not isinstance(module, others)
        }
        if not chosen:
            listed = sorted({type(module).__name__ for module in known.values()})[:_NAMED]
            raise ArgumentError(
                f"model must have a convolution (torch.nn.Conv1d, Conv2d or Conv3d), or {argument} "
                f"name modules with weights [out, in, *kernel]; it has {', '.join(listed)}"
            )
        return chosen
    if callable(layers):
        chosen = {name: module for name, module in known.items() if layers(name, module)}
    else:
        if isinstance(layers, str):
            raise ArgumentTypeError(f"{argument} must be names or a predicate; got {shown(layers)}")
        missing = [name for name in layers if name not in known]
        if missing:
            raise ArgumentError(f"{argument} must be names of modules; got {missing[0]!r}")
        chosen = {name: known[name] for name in layers}
    for name, module in chosen.items():
        if getattr(getattr(module, "weight", None), "ndim", 0) < 3:
            raise ArgumentError(
                f"{argument} must be modules with weights [out, in, *kernel]; {name!r} is none"
            )
    if not chosen:
        raise ArgumentError(f"{argument} must choose at least one module; it chose none")
    return chosen


@contextmanager
def shuffled(layers: Iterable[Any], rng: np.random.Generator) -> Iterator[None]:
    """Permute the input channels of layers at random; no weight is touched."""
    import torch

    def permuted(order: Tensor, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        image, *others = args or (kwargs.pop("input"),)
        axis = image.ndim - layer.weight.ndim + 1
        return (image.index_select(axis, order.to(image.device)), *others), kwargs

    with ExitStack() as stack:
        for layer in layers:
            channels = layer.weight.shape[1] * getattr(layer, "groups", 1)
            hook = partial(permuted, torch.from_numpy(rng.permutation(channels)))
            stack.callback(layer.register_forward_pre_hook(hook, with_kwargs=True).remove)
        yield
