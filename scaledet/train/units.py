"""The layers of the networks built here at which sensitivities and filters are quoted."""

from __future__ import annotations

from typing import Any

from scaledet.errors import ArgumentTypeError
from scaledet.network.torch_modules.pytorch import require_torch
from scaledet.rationals import shown

__all__ = ["convolutions", "units"]


def units(model: Any) -> list[str]:
    """Return the names of the layers after which D and G are quoted, in the order of depth.

    They are the parts of the sequence after a nonlinearity or pooling: a convolution with
    normalisation and ReLU, or that ReLU, pooling, a residual block, a rectified linear layer. The
    last is "head", whose output is the model's.

    Parameters
    ----------
    model : torch.nn.Sequential
        A network of this wing.

    Raises
    ------
    TypeError
        For anything else.

    Examples
    --------
    >>> from scaledet.train import lenet
    >>> units(lenet())
    ['conv1', 'pool1', 'conv2', 'pool2', 'linear1', 'linear2', 'head']
    """
    nn = require_torch("scaledet.train").nn
    inner = (nn.CircularPad1d, nn.CircularPad2d, nn.Conv1d, nn.Conv2d)
    ending = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.Flatten)
    parts = _sequence(model).named_children()
    return [name for name, part in parts if not isinstance(part, (*inner, *ending))]


def convolutions(model: Any) -> list[str]:
    """Return the names of the convolutions with more than one tap, in the order of depth.

    Their filters are spatial; the 1 x 1 convolutions of shortcuts have none.

    Parameters
    ----------
    model : torch.nn.Sequential
        A network of this wing.

    Raises
    ------
    TypeError
        For anything else.

    Examples
    --------
    >>> from scaledet.train import lenet
    >>> convolutions(lenet())
    ['conv1.0', 'conv2.0']
    """
    torch = require_torch("scaledet.train")
    kinds = (torch.nn.Conv1d, torch.nn.Conv2d)
    return [
        name
        for name, module in _sequence(model).named_modules()
        if isinstance(module, kinds) and module.weight[0, 0].numel() > 1
    ]


def _sequence(model: Any) -> Any:
    torch = require_torch("scaledet.train")
    if not isinstance(model, torch.nn.Sequential):
        raise ArgumentTypeError(
            f"model must be a torch.nn.Sequential, as the networks here are; got {shown(model)}"
        )
    return model
