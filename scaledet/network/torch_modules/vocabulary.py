"""Which operations of PyTorch mean what for the places of an image, and why others are refused."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["NORMS", "POINTWISE", "REFUSED", "RESHAPES", "VECTORS"]

POINTWISE = frozenset(
    (
        "relu",
        "relu6",
        "leakyrelu",
        "prelu",
        "rrelu",
        "elu",
        "selu",
        "celu",
        "gelu",
        "silu",
        "mish",
        "sigmoid",
        "logsigmoid",
        "hardsigmoid",
        "hardswish",
        "hardtanh",
        "clamp",
        "clampmin",
        "tanh",
        "softplus",
        "softsign",
        "threshold",
        "abs",
        "identity",
        "dropout",
        "featuredropout",
        "alphadropout",
        "featurealphadropout",
        "batchnorm",
        "stochasticdepth",
        "clone",
        "contiguous",
        "detach",
        "alias",
        "to",
        "tocopy",
        "typeas",
        "float",
        "pow",
        "sqrt",
        "square",
        "exp",
    )
)
"""Functions of the value at each place, or of the channels there: they move nothing."""

NORMS = frozenset(("groupnorm", "layernorm", "instancenorm", "nativegroupnorm", "rmsnorm"))
"""Divisions by a statistic of the whole map: they move nothing, either."""

RESHAPES = frozenset(
    ("flatten", "reshape", "view", "viewas", "squeeze", "unsqueeze", "unsafeview", "unflatten")
)
"""Changes of shape; of a map only those that end in a vector."""

VECTORS = frozenset(("linear", "softmax", "logsoftmax", "normalize", "addmm"))
"""What may act on a vector, where no places are left."""

_CONCATENATION = (
    "concatenation, as in Inception and DenseNet: branches side by side are no sum (a sum instead "
    "can be given by Network.from_graph)"
)
REFUSED: Mapping[str, str] = {
    "cat": _CONCATENATION,
    "concat": _CONCATENATION,
    "stack": "it puts maps side by side and does not sum them",
    "convtranspose": "a transposed convolution enlarges the map: give the encoder alone",
    "upsample": "it enlarges the map: give the encoder alone",
    "interpolate": "it enlarges the map: give the encoder alone",
    "upsamplenearest": "it enlarges the map: give the encoder alone",
    "upsamplebilinear": "it enlarges the map: give the encoder alone",
    "pixelshuffle": "it enlarges the map: give the encoder alone",
    "scaleddotproductattention": "attention, whose weights depend on the image",
    "multiheadattention": "attention, whose weights depend on the image",
    "matmul": "a product of what depends on the image, as in attention",
    "permute": "it exchanges axes: give a module whose maps stay (batch, channels, sides)",
    "transpose": "it exchanges axes: give a module whose maps stay (batch, channels, sides)",
    "lppool": "pooling by a power mean: use nn.AvgPool2d or nn.MaxPool2d",
    "fractionalmaxpool": "pooling at random places",
    "chunk": "it splits the channels, which a skeleton does not hold",
    "split": "it splits the channels, which a skeleton does not hold",
}
"""Reasons for refusals, by operation."""
