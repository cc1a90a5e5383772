"""Small versions of published architectures, for images of about 32 x 32 pixels."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.network.torch_modules.normalisation import CALIBRATION, recalibrated
from scaledet.network.torch_modules.pytorch import require_torch
from scaledet.rationals import shown
from scaledet.train.refusals import outputs_of

__all__ = ["all_conv", "calibrate", "lenet", "resnet", "vgg"]

PaddingMode = Literal["zeros", "circular", "reflect", "replicate"]

_PADDINGS = ("zeros", "circular", "reflect", "replicate")
_VGG = (1, "pool", 2, "pool", 4, 4, "pool", 4, 4, "pool")
"""Channels of the convolutions, in widths, and the poolings."""
_CONVOLUTIONS = ((1, 1), (2, 2), (4, 2), (4, 2), (4, 2))
"""Channels, in widths, and strides of the convolutions of all_conv."""
_BLOCKS = ((2, 2), (4, 2), (4, 2))
"""Channels, in widths, and strides of the blocks of resnet."""
_LENET = 5
"""Length of the kernels of lenet."""


def lenet(
    in_channels: int = 1, classes: int = 1, *, size: int = 32, width: int = 6, rng: Any = None
) -> Any:
    """Return a LeNet-5: two unpadded convolutions 5 x 5, each with max pooling, and three layers.

    At width w it has w and floor(8w/3) channels, 20w and 14w units, with a ReLU each.

    Parameters
    ----------
    in_channels, classes : int
        Channels of an image; outputs, of which 1 is the sign of a label.
    size : int
        Side of an image (pixels), at least 16.
    width : int
        Channels of the first convolution.
    rng : seed or Generator
        For ``numpy.random.default_rng``: the initial weights, by PyTorch's own law.

    Returns
    -------
    torch.nn.Sequential
        Its parts are conv1, pool1, conv2, pool2, linear1, linear2, head; 62006 parameters for
        colour images of 10 classes.

    Raises
    ------
    ImportError, TypeError, ValueError
        Without PyTorch (``pip install scaledet[torch]``); for bad arguments.

    Notes
    -----
    Source: LeCun et al., Proc. IEEE 86, 2278 (1998), with ReLU and max pooling.

    Examples
    --------
    >>> net = lenet(3, 10, rng=0)
    >>> sum(weights.numel() for weights in net.parameters())
    62006
    """
    size = validate.integer("size", size, 16)
    with _drawing(rng, in_channels=in_channels, classes=classes, width=width) as nn:
        second, side = 8 * width // 3, size
        parts = {}
        for k, (inputs, outputs) in enumerate(((in_channels, width), (width, second)), 1):
            parts[f"conv{k}"] = nn.Sequential(nn.Conv2d(inputs, outputs, _LENET), nn.ReLU())
            parts[f"pool{k}"] = nn.MaxPool2d(2)
            side = (side - _LENET + 1) // 2
        numbers = (second * side**2, 20 * width, 14 * width)
        for k, (inputs, outputs) in enumerate(pairwise(numbers), 1):
            flat = [nn.Flatten()] if k == 1 else []
            parts[f"linear{k}"] = nn.Sequential(*flat, nn.Linear(inputs, outputs), nn.ReLU())
        parts["head"] = nn.Linear(numbers[-1], classes)
        return nn.Sequential(OrderedDict(parts))


def vgg(
    in_channels: int = 1,
    classes: int = 1,
    *,
    width: int = 16,
    pooling: Literal["max", "average"] = "max",
    batch_norm: bool = True,
    padding_mode: PaddingMode = "zeros",
    rng: Any = None,
) -> Any:
    """Return a small VGG: six convolutions 3 x 3 and four poolings 2 x 2, then the global mean.

    The convolutions have 1, 2, 4, 4, 4, 4 times `width` channels, with BatchNorm and ReLU; the
    poolings follow the first, second, fourth and sixth.

    Parameters
    ----------
    in_channels, classes : int
        Channels of an image; outputs, of which 1 is the sign of a label.
    width : int
        Channels of the first convolution.
    pooling : {"max", "average"}
        What the four poolings take of their windows.
    batch_norm : bool
        Whether convolutions have BatchNorm; without it they have biases.
    padding_mode : {"zeros", "circular", "reflect", "replicate"}
        What convolutions read beyond the border.
    rng : seed or Generator
        For ``numpy.random.default_rng``: the initial weights, by PyTorch's own law.

    Returns
    -------
    torch.nn.Sequential
        Its parts are conv1, pool1, conv2, pool2, conv3, conv4, pool3, conv5, conv6, pool4, head;
        135322 parameters for colour images of 10 classes.

    Raises
    ------
    ImportError, TypeError, ValueError
        Without PyTorch (``pip install scaledet[torch]``); for bad arguments.

    Notes
    -----
    Source: Simonyan and Zisserman, arXiv:1409.1556.

    Examples
    --------
    >>> net = vgg(3, 10, pooling="average", rng=0)
    >>> sum(weights.numel() for weights in net.parameters())
    135322
    """
    pooling = validate.choice("pooling", pooling, ("max", "average"))
    with _drawing(rng, in_channels=in_channels, classes=classes, width=width) as nn:
        convolved = _Convolved(nn, batch_norm, padding_mode)
        pooled = nn.MaxPool2d if pooling == "max" else nn.AvgPool2d
        parts: dict[str, Any] = {}
        channels = in_channels
        for entry in _VGG:
            kind = "pool" if entry == "pool" else "conv"
            name = f"{kind}{1 + sum(part.startswith(kind) for part in parts)}"
            if entry == "pool":
                parts[name] = pooled(2)
            else:
                parts[name] = convolved.rectified(channels, width * int(entry))
                channels = width * int(entry)
        return _with_head(nn, parts, channels, classes)


def all_conv(
    in_channels: int = 1,
    classes: int = 1,
    *,
    width: int = 16,
    batch_norm: bool = True,
    padding_mode: PaddingMode = "zeros",
    rng: Any = None,
) -> Any:
    """Return a net of five convolutions 3 x 3, of strides 1, 2, 2, 2, 2, then the global mean.

    They have 1, 2, 4, 4, 4 times `width` channels, with BatchNorm and ReLU; nothing else pools.

    Parameters
    ----------
    in_channels, classes, width, batch_norm, padding_mode, rng
        As for `vgg`.

    Returns
    -------
    torch.nn.Sequential
        Its parts are conv1 to conv5 and head; 98330 parameters for colour images of 10 classes.

    Raises
    ------
    ImportError, TypeError, ValueError
        Without PyTorch (``pip install scaledet[torch]``); for bad arguments.

    Notes
    -----
    Source: Springenberg et al., arXiv:1412.6806.

    Examples
    --------
    >>> net = all_conv(3, 10, rng=0)
    >>> sum(weights.numel() for weights in net.parameters())
    98330
    """
    with _drawing(rng, in_channels=in_channels, classes=classes, width=width) as nn:
        convolved = _Convolved(nn, batch_norm, padding_mode)
        parts = {}
        channels = in_channels
        for k, (widths, stride) in enumerate(_CONVOLUTIONS, 1):
            parts[f"conv{k}"] = convolved.rectified(channels, width * widths, stride)
            channels = width * widths
        return _with_head(nn, parts, channels, classes)


def resnet(
    in_channels: int = 1,
    classes: int = 1,
    *,
    width: int = 16,
    batch_norm: bool = True,
    padding_mode: PaddingMode = "zeros",
    rng: Any = None,
) -> Any:
    """Return a small ResNet: a convolution and three residual blocks, then the global mean.

    The convolution has `width` channels, the blocks have 2, 4 and 4 times as many and stride 2.
    A block has two convolutions 3 x 3 and a shortcut 1 x 1, with BatchNorm; it rectifies the sum.

    Parameters
    ----------
    in_channels, classes, width, batch_norm, padding_mode, rng
        As for `vgg`.

    Returns
    -------
    torch.nn.Sequential
        Its parts are conv1, block1 to block3 and head; 151578 parameters for colour images of 10
        classes.

    Raises
    ------
    ImportError, TypeError, ValueError
        Without PyTorch (``pip install scaledet[torch]``); for bad arguments.

    Notes
    -----
    Source: He et al., arXiv:1512.03385.

    Examples
    --------
    >>> net = resnet(3, 10, rng=0)
    >>> sum(weights.numel() for weights in net.parameters())
    151578
    """
    with _drawing(rng, in_channels=in_channels, classes=classes, width=width) as nn:
        convolved = _Convolved(nn, batch_norm, padding_mode)
        parts: dict[str, Any] = {"conv1": convolved.rectified(in_channels, width)}
        channels = width
        for k, (widths, stride) in enumerate(_BLOCKS, 1):
            parts[f"block{k}"] = convolved.block(channels, width * widths, stride)
            channels = width * widths
        return _with_head(nn, parts, channels, classes)


def calibrate(model: Any, images: Any) -> None:
    """Measure the running statistics of every BatchNorm on given images: those of an untrained net.

    They are averages over batches of 100 images or a little more, in which every layer sees the
    batch statistics of the layers before it. Modes, gradients and random generators stay.

    Parameters
    ----------
    model : torch.nn.Module
        The network, changed in place; one without BatchNorm stays as it is.
    images : tensor or array [n, channels, *sides]
        At least 10 images, in the units that the model takes; 1000 are plenty.

    Raises
    ------
    ImportError, TypeError, ValueError
        Without PyTorch; for bad arguments.

    Examples
    --------
    >>> import numpy as np
    >>> net = all_conv(rng=0)
    >>> calibrate(net, 1 + np.random.default_rng(0).random((200, 1, 32, 32)))
    >>> bool(net.conv1[1].running_mean.abs().max() > 0.1)
    True
    """
    torch = require_torch("scaledet.train")
    if not isinstance(model, torch.nn.Module):
        raise ArgumentTypeError(f"model must be a torch.nn.Module; got {shown(model)}")
    accepted = "finite numbers of shape [n, channels, *sides], n at least 10"
    array = validate.floats("images", images, accepted)
    if array.ndim < 3 or len(array) < 10:
        raise ArgumentError(f"images must be {accepted}; got shape {list(array.shape)}")
    if not np.isfinite(array).all():
        raise ArgumentError(f"images must be {accepted}; got numbers that are not finite")
    like = next(model.parameters(), torch.zeros(1))
    rows = torch.from_numpy(array).to(like.device, like.dtype)
    outputs_of(model, rows[:2])
    parts = torch.tensor_split(rows, max(1, len(rows) // CALIBRATION))
    training = [(module, module.training) for module in model.modules()]
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        for module, _ in training:
            module.training = False
        try:
            recalibrated(model, parts)
        finally:
            for module, mode in training:
                module.training = mode


@contextmanager
def _drawing(rng: Any, **sizes: Any) -> Iterator[Any]:
    """Check the sizes; let PyTorch draw weights from `rng`, and put its own generator back."""
    torch = require_torch("scaledet.train")
    for name, value in sizes.items():
        validate.integer(name, value, 1)
    seed = int(validate.generator(rng).integers(2**63))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield torch.nn


@dataclass(frozen=True)
class _Convolved:
    """Makes convolutions and blocks of the same kind."""

    nn: Any
    batch_norm: bool
    padding_mode: str

    def __post_init__(self) -> None:
        validate.flag("batch_norm", self.batch_norm)
        validate.choice("padding_mode", self.padding_mode, _PADDINGS)

    def linear(self, inputs: int, outputs: int, stride: int, length: int = 3) -> list[Any]:
        """Return a convolution that keeps the side but for its stride, and its normalisation."""
        nn, norm = self.nn, self.batch_norm
        options = {"bias": not norm, "padding_mode": self.padding_mode}
        layer = nn.Conv2d(inputs, outputs, length, stride, length // 2, **options)
        return [layer, nn.BatchNorm2d(outputs)] if norm else [layer]

    def rectified(self, inputs: int, outputs: int, stride: int = 1) -> Any:
        """Return the same with its ReLU."""
        return self.nn.Sequential(*self.linear(inputs, outputs, stride), self.nn.ReLU())

    def block(self, inputs: int, outputs: int, stride: int) -> Any:
        """Return a residual block that changes the channels."""
        from scaledet.train.residual import Block

        nn = self.nn
        first = self.linear(inputs, outputs, stride)
        body = nn.Sequential(*first, nn.ReLU(), *self.linear(outputs, outputs, 1))
        return Block(body, nn.Sequential(*self.linear(inputs, outputs, stride, 1)))


def _with_head(nn: Any, parts: dict[str, Any], channels: int, classes: int) -> Any:
    """Return the sequence of the parts, the global mean and a linear layer."""
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))
    return nn.Sequential(OrderedDict({**parts, "head": nn.Sequential(*head)}))
