"""Spatial skeletons of published architectures, as networks of two dimensions.

Learned filters are boxes here; convolutions 1x1 without stride, which look nowhere else, are no
layers, and neither are the heads: the last layer gives the last map (7 x 7 pixels at 224). Layers
bear names, so that ``net.summary(224)`` can be read next to the paper.

Two options are common to all. ``blur`` puts a blur filter where a stride is, as Zhang (2019) does:
"rect2" [1, 1], "tri3" [1, 2, 1], "bin5" [1, 4, 6, 4, 1], or any kernel. A strided layer then has
stride 1 (AlexNet's stride 4 becomes 2) and is followed by the blur filter of stride 2, which
reflects the map at its borders; a strided average is replaced by the filter. This holds for the
first convolution too, whose stride Zhang's released ResNets and AlexNet keep. ``max_pooling``
"average" (default) takes for max pooling the average over the same window without its padding,
which theory can predict; "max" keeps it, for ``simulate`` and ``summary``.

Sources: LeCun et al. 1998 (LeNet-5); Krizhevsky et al. 2012, in the version of Krizhevsky 2014
(AlexNet); Simonyan and Zisserman 2015 (VGG); He et al. 2016 (ResNet); Tan and Le 2019
(EfficientNet-B0); Zhang 2019 (BlurPool); receptive fields: Araujo et al. 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from scaledet import validate
from scaledet.network.kernel import Kernel, as_kernel
from scaledet.network.layer import Layer
from scaledet.network.network import Network

__all__ = [
    "alexnet",
    "efficientnet_b0",
    "lenet5",
    "list",
    "resnet18",
    "resnet34",
    "resnet50",
    "vgg11",
    "vgg13",
    "vgg16",
    "vgg19",
]

Blur = Literal["rect2", "tri3", "bin5"] | Kernel | Sequence[Any] | int | None
"""A blur filter by its published name or as a kernel; None for none."""

MaxPooling = Literal["average", "max"]

_BLURS = {"rect2": [1, 1], "tri3": [1, 2, 1], "bin5": [1, 4, 6, 4, 1]}

_VGG = {11: (1, 1, 2, 2, 2), 13: (2,) * 5, 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""Convolutions 3x3 of the five stages, each of which ends with max pooling 2x2."""

_RESNET = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
"""Residual blocks of the four stages."""

_EFFICIENTNET_B0 = ((3, 1, 1), (3, 2, 2), (5, 2, 2), (3, 2, 3), (5, 1, 3), (5, 2, 4), (3, 1, 1))
"""Length and first stride of the depthwise convolutions, and number of blocks, of the stages."""

_Window = tuple[str, str, int, int, int]

_LENET5: tuple[_Window, ...] = (
    ("c1", "conv", 5, 1, 0),
    ("s2", "average", 2, 2, 0),
    ("c3", "conv", 5, 1, 0),
    ("s4", "average", 2, 2, 0),
    ("c5", "conv", 5, 1, 0),
)
_ALEXNET: tuple[_Window, ...] = (
    ("conv1", "conv", 11, 4, 2),
    ("pool1", "max", 3, 2, 0),
    ("conv2", "conv", 5, 1, 2),
    ("pool2", "max", 3, 2, 0),
    ("conv3", "conv", 3, 1, 1),
    ("conv4", "conv", 3, 1, 1),
    ("conv5", "conv", 3, 1, 1),
    ("pool5", "max", 3, 2, 0),
)
"""Name, kind, length, stride and padding of the layers."""


class _Draft:
    """A graph in the making; `last` names the value that the next layer receives."""

    def __init__(self, blur: Blur, max_pooling: MaxPooling) -> None:
        self.max_pooling = validate.choice("max_pooling", max_pooling, ("average", "max"))
        self.blur: Kernel | None = None
        if isinstance(blur, str):
            name = validate.choice("blur", blur, tuple(_BLURS))
            self.blur = Kernel(_BLURS[name])
        elif blur is not None:
            self.blur = as_kernel(blur)
        self.graph: dict[str, tuple[Layer, Any]] = {}
        self.last = "image"

    def add(self, name: str, kind: str, length: int, stride: int = 1, padding: int = 0) -> str:
        """Add a layer, its stride after a blur filter if there is one; return its name."""
        blur = self.blur if stride > 1 else None
        if blur is not None:
            stride //= 2
        options: dict[str, Any] = {}
        if kind == "max" and self.max_pooling == "max":
            options["pooling"] = "max"
        elif kind == "max" and padding:
            options["count_include_pad"] = False
        if blur is None or (kind != "average" and length > 1):
            self._put(name, Layer(length, stride, padding=padding, **options))
        if blur is not None:
            total = len(blur) - 1
            sides = total // 2, total - total // 2
            equal = sides[0] if sides[0] == sides[1] else (sides, sides)
            self._put(f"{name}.blur", Layer(blur, 2, padding=equal, padding_mode="reflect"))
        return self.last

    def add_sum(self, name: str, branch: str) -> None:
        """Add the sum of the last value and of a branch."""
        self._put(name, Layer(1, padding=0), branch)

    def _put(self, name: str, layer: Layer, *branch: str) -> None:
        self.graph[name] = layer, [*branch, self.last]
        self.last = name

    def network(self) -> Network:
        """Return the network of all layers."""
        return Network.from_graph(self.graph, dim=2)


def _chain(windows: Sequence[_Window], blur: Blur, max_pooling: MaxPooling) -> Network:
    draft = _Draft(blur, max_pooling)
    for name, kind, length, stride, padding in windows:
        draft.add(name, kind, length, stride, padding)
    return draft.network()


def _vgg(depth: int, blur: Blur, max_pooling: MaxPooling) -> Network:
    windows: tuple[_Window, ...] = ()
    for stage, count in enumerate(_VGG[depth], start=1):
        windows += tuple((f"conv{stage}_{j}", "conv", 3, 1, 1) for j in range(1, count + 1))
        windows += ((f"pool{stage}", "max", 2, 2, 0),)
    return _chain(windows, blur, max_pooling)


def _resnet(
    depth: int, blur: Blur, max_pooling: MaxPooling, stride_in: str | None = None
) -> Network:
    """Return a residual network, of bottlenecks where it is said which convolution is strided."""
    draft = _Draft(blur, max_pooling)
    draft.add("conv1", "conv", 7, 2, 3)
    draft.add("maxpool", "max", 3, 2, 1)
    for stage, count in enumerate(_RESNET[depth], start=1):
        for j in range(count):
            name, stride = f"layer{stage}.{j}", 2 if stage > 1 and j == 0 else 1
            entrance = branch = draft.last
            if stride > 1:
                branch = draft.add(f"{name}.downsample", "conv", 1, stride)
            draft.last = entrance
            if stride_in is None:
                draft.add(f"{name}.conv1", "conv", 3, stride, 1)
                draft.add(f"{name}.conv2", "conv", 3, 1, 1)
            elif stride_in == "1x1" and stride > 1:
                draft.add(f"{name}.conv1", "conv", 1, stride)
                draft.add(f"{name}.conv2", "conv", 3, 1, 1)
            else:
                draft.add(f"{name}.conv2", "conv", 3, stride, 1)
            draft.add_sum(f"{name}.sum", branch)
    return draft.network()


def list() -> tuple[str, ...]:
    """Return the names of the presets.

    >>> list()[:4]
    ('lenet5', 'alexnet', 'vgg11', 'vgg13')
    """
    return (
        *("lenet5", "alexnet", "vgg11", "vgg13", "vgg16", "vgg19"),
        *("resnet18", "resnet34", "resnet50", "efficientnet_b0"),
    )


def lenet5(*, blur: Blur = None, max_pooling: MaxPooling = "average") -> Network:
    """Return LeNet-5, for images of 32 x 32 pixels: its subsampling layers are averages.

    >>> lenet5().sizes(32)[-1]
    (1, 1)
    """
    return _chain(_LENET5, blur, max_pooling)


def alexnet(*, blur: Blur = None, max_pooling: MaxPooling = "average") -> Network:
    """Return AlexNet in the version of 2014, with one column and padding 2 in front.

    >>> net = alexnet()
    >>> net.support[-1], net.sizes(224)[-1]
    (195, (6, 6))
    """
    return _chain(_ALEXNET, blur, max_pooling)


def vgg11(*, blur: Blur = None, max_pooling: MaxPooling = "average") -> Network:
    """Return VGG-11.

    >>> vgg11().support[-1]
    150
    """
    return _vgg(11, blur, max_pooling)


def vgg13(*, blur: Blur = None, max_pooling: MaxPooling = "average") -> Network:
    """Return VGG-13.

    >>> vgg13().support[-1]
    156
    """
    return _vgg(13, blur, max_pooling)


def vgg16(*, blur: Blur = None, max_pooling: MaxPooling = "average") -> Network:
    """Return VGG-16.

    >>> net = vgg16()
    >>> net.names[-2:], net.support[-2:], net.sizes(224)[-1]
    (('conv5_3', 'pool5'), (196, 212), (7, 7))
    """
    return _vgg(16, blur, max_pooling)


def vgg19(*, blur: Blur = None, max_pooling: MaxPooling = "average") -> Network:
    """Return VGG-19.

    >>> vgg19().support[-1]
    268
    """
    return _vgg(19, blur, max_pooling)


def resnet18(*, blur: Blur = None, max_pooling: MaxPooling = "average") -> Network:
    """Return ResNet-18; its shortcuts are sums, with a projection of stride 2 between stages.

    >>> resnet18().support[-1]
    435
    """
    return _resnet(18, blur, max_pooling)


def resnet34(*, blur: Blur = None, max_pooling: MaxPooling = "average") -> Network:
    """Return ResNet-34.

    >>> resnet34().support[-1]
    899
    """
    return _resnet(34, blur, max_pooling)


def resnet50(
    *,
    blur: Blur = None,
    max_pooling: MaxPooling = "average",
    stride_in: Literal["1x1", "3x3"] = "1x1",
) -> Network:
    """Return ResNet-50.

    `stride_in` says which convolution of a stage's first bottleneck has the stride: the first 1x1,
    as in the paper (receptive field 483), or the 3x3, as in torchvision and "v1.5" (427).

    >>> resnet50().support[-1], resnet50(stride_in="3x3").support[-1]
    (483, 427)
    """
    validate.choice("stride_in", stride_in, ("1x1", "3x3"))
    return _resnet(50, blur, max_pooling, stride_in)


def efficientnet_b0(*, blur: Blur = None, max_pooling: MaxPooling = "average") -> Network:
    """Return EfficientNet-B0: its depthwise convolutions and sums, padded by half their length.

    Squeeze-and-excitation, whose factors are the same at all places, is left out.

    >>> efficientnet_b0().sizes(224)[-1]
    (7, 7)
    """
    draft = _Draft(blur, max_pooling)
    draft.add("stem", "conv", 3, 2, 1)
    for stage, (length, first, count) in enumerate(_EFFICIENTNET_B0, start=1):
        for j in range(count):
            entrance = draft.last
            draft.add(f"stage{stage}.{j}", "conv", length, 1 if j else first, length // 2)
            if j:
                draft.add_sum(f"stage{stage}.{j}.sum", entrance)
    return draft.network()
