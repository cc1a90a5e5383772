"""One layer of a network: pool, add a bias, rectify."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from scaledet import rationals, validate
from scaledet.errors import ArgumentError
from scaledet.network.kernel import Kernel, as_kernel
from scaledet.rationals import shown

__all__ = ["Layer", "Stride"]

Stride = int | Literal["kernel"]
"""A step between the outputs (pixels), or the kernel's length."""

LONGEST_STRIDE = 2**48
"""Longest step between outputs (pixels): that of the longest image."""


@dataclass(frozen=True, init=False, repr=False)
class Layer:
    r"""One layer, :math:`y_i = \mathrm{relu}\bigl(\sum_j a_j x_{s i + j} + b\bigr)`.

    Parameters
    ----------
    kernel : int, Kernel or sequence of weights
        An integer n means ``box(n)``; weights are normalised to sum 1. In d dimensions the filter
        is the tensor product of this one with itself.
    stride : int or "kernel", default 1
        Step s between the outputs (pixels), at least 1; "kernel" stands for the kernel's length.
    bias : real, default 0
        Added before the rectification (units of the image's height), exact: a float is read as
        `Kernel` reads it.

    Examples
    --------
    >>> Layer(kernel=[1, 2, 1], stride=2)
    Layer(kernel=[1/4, 1/2, 1/4], stride=2)
    >>> Layer(kernel=3, stride="kernel")
    Layer(kernel=box(3), stride=3)
    """

    kernel: Kernel
    stride: int
    bias: Fraction

    def __init__(
        self, kernel: Kernel | int | Sequence[Any], stride: Stride = 1, bias: Any = 0
    ) -> None:
        pool = as_kernel(kernel)
        named = isinstance(stride, str) and stride == "kernel"
        step = len(pool) if named else validate.integer("stride", stride, 1, other=" or 'kernel'")
        if step > LONGEST_STRIDE:
            raise ArgumentError(f"stride must be at most {LONGEST_STRIDE} pixels; got {stride!r}")
        object.__setattr__(self, "kernel", pool)
        object.__setattr__(self, "stride", step)
        object.__setattr__(self, "bias", validate.rational("bias", bias))
        if abs(self.bias) > 10**100:
            raise ArgumentError(f"bias must be in [-1e100, 1e100]; got {shown(bias, reprlib.repr)}")

    def __repr__(self) -> str:
        weights = f"[{', '.join(self.kernel.shown())}]"
        kernel = f"box({len(self.kernel)})" if self.kernel.is_box else weights
        bias = f", bias={rationals.text(self.bias)}" if self.bias else ""
        return f"Layer(kernel={kernel}, stride={self.stride}{bias})"
