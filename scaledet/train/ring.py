"""Networks of circular convolutions, in neural-tangent, mean-field or standard initialisation."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from scaledet import validate
from scaledet.errors import ArgumentError
from scaledet.network.torch_modules.pytorch import require_torch

if TYPE_CHECKING:
    from torch import nn

__all__ = ["PARAMETRIZATIONS", "ring_net", "weight_unit"]

PARAMETRIZATIONS = ("ntk", "standard")


def ring_net(
    layers: int = 7,
    kernel: int | Sequence[int] = 2,
    stride: int = 2,
    channels: int = 64,
    *,
    dim: int = 1,
    parametrization: Literal["ntk", "standard"] = "ntk",
    gain: float = math.sqrt(2),
    bias: bool = True,
    in_channels: int = 1,
    classes: int = 1,
    rng: Any = None,
) -> nn.Module:
    r"""Build circular convolutions with ReLUs, global average pooling and a linear head.

    Parameters
    ----------
    layers, channels : int
        Number of convolutions, and channels H of each.
    kernel : int or sequence of int
        Side of the filters of every convolution (pixels), or of each.
    stride : int
        Stride of every convolution (pixels), from 1 to the smallest kernel. Sides of images must be
        multiples of ``stride**layers`` for the net to be circular.
    dim : {1, 2}
        Dimension of the images.
    parametrization : {"ntk", "standard"}
        "ntk": :math:`w g/\sqrt{\text{fan-in}}` with w and biases from N(0, 1), and a mean-field
        head :math:`\beta/H` with beta and bias from N(0, 1). "standard": the same weights (He's
        initialisation) but zero biases and, in the head, weights of variance 1/H.
    gain : float
        The gain g of the convolutions, > 0; the default keeps the variance in layers with ReLU.
    bias : bool
        Whether convolutions have biases; the head has in any case.
    in_channels, classes : int
        Channels of an image; numbers that the head returns, 1 for the hinge loss.
    rng : seed or Generator
        For ``numpy.random.default_rng``.

    Returns
    -------
    torch.nn.Sequential
        With the modules ``conv1``, ``relu1``, ``conv2``, ..., ``pool``, ``flatten``, ``head``;
        before a convolution whose filters overlap stands its ``pad1``.

    Raises
    ------
    ImportError
        Without PyTorch (``pip install scaledet[torch]``).
    TypeError, ValueError
        For an argument outside its range.

    Notes
    -----
    ``weight`` of every module is what it multiplies with. In "ntk" its ``weight_unit``,
    :math:`g/\sqrt{\text{fan-in}}` or 1/H, is how large w = 1 or beta = 1 is in it: `train` makes
    the steps of w and beta. Source: the set-up of Tomasini et al., arXiv:2210.01506, where the
    gain is that of the ReLU (for kernels of 2).

    Examples
    --------
    >>> import torch
    >>> model = ring_net(layers=3, channels=8, rng=0)
    >>> [name for name, _ in model.named_children()]
    ['conv1', 'relu1', 'conv2', 'relu2', 'conv3', 'relu3', 'pool', 'flatten', 'head']
    >>> model(torch.zeros(5, 1, 16)).shape
    torch.Size([5, 1])
    """
    torch = require_torch("scaledet.train")
    from torch import nn

    layers = validate.integer("layers", layers, 1)
    kernels = _sides(kernel, layers)
    stride = validate.integer("stride", stride, 1, min(kernels))
    channels = validate.integer("channels", channels, 1)
    dim = validate.integer("dim", dim, 1, 2)
    ntk = validate.choice("parametrization", parametrization, PARAMETRIZATIONS) == "ntk"
    gain = validate.real("gain", gain, positive=True)
    bias = validate.flag("bias", bias)
    entering = validate.integer("in_channels", in_channels, 1)
    classes = validate.integer("classes", classes, 1)
    generator = validate.generator(rng)
    pad: Any = (nn.CircularPad1d, nn.CircularPad2d)[dim - 1]
    convolution = (nn.Conv1d, nn.Conv2d)[dim - 1]
    pool = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d)[dim - 1]
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    with torch.random.fork_rng(devices=[]):  # Modules draw weights when they are made.
        for layer, side in enumerate(kernels, start=1):
            overlap = side - stride
            if overlap:
                parts[f"pad{layer}"] = pad((overlap // 2, overlap - overlap // 2) * dim)
            fan_in = entering * side**dim
            module = convolution(entering, channels, side, stride, bias=bias)
            deviation = gain / math.sqrt(fan_in)
            _initialise(module, deviation, ntk, generator)
            parts[f"conv{layer}"], parts[f"relu{layer}"] = module, nn.ReLU()
            entering = channels
        parts["pool"], parts["flatten"] = pool(1), nn.Flatten()
        parts["head"] = nn.Linear(channels, classes)
        _initialise(parts["head"], 1 / channels if ntk else channels**-0.5, ntk, generator)
    return nn.Sequential(parts)


def _sides(kernel: Any, layers: int) -> list[int]:
    """Return the side of the filters of every convolution."""
    if not isinstance(kernel, Sequence) or isinstance(kernel, str):
        return [validate.integer("kernel", kernel, 1)] * layers
    if len(kernel) != layers:
        raise ArgumentError(f"kernel must hold one side per layer, {layers}; got {len(kernel)}")
    return [validate.integer(f"kernel[{k}]", side, 1) for k, side in enumerate(kernel)]


def _initialise(module: Any, deviation: float, ntk: bool, rng: np.random.Generator) -> None:
    """Draw normal weights; in the NTK parametrization also biases, and note the unit of weights."""
    import torch

    with torch.no_grad():
        weight = deviation * rng.standard_normal(tuple(module.weight.shape))
        module.weight.copy_(torch.from_numpy(weight))
        if module.bias is not None:
            drawn = rng.standard_normal(tuple(module.bias.shape))
            module.bias.copy_(torch.from_numpy(drawn if ntk else np.zeros_like(drawn)))
    if ntk:
        module.weight_unit = deviation


def weight_unit(module: nn.Module) -> float:
    """Return how large a weight of 1 of the parametrization is in ``module.weight``."""
    return float(getattr(module, "weight_unit", 1.0))
