"""The limit: a compiled loop that pools one image, rectifies it and adds up squares, nothing else.

No random numbers, no second or third image, no distances: what any engine of this kind has to do
at least once per sample, compiled for the machine at hand. It shares no code with the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np

__all__ = ["pooled_squares"]


@cache
def _loop(length: int, stride: int) -> Callable[..., float]:
    """Compile the loop for windows of one length and stride, which the compiler unrolls."""

    @numba.njit(fastmath=True, error_model="numpy")
    def pool(source: Any, target: Any, outputs: int, weight: Any) -> Any:
        zero = weight - weight
        squares = zero
        for i in range(outputs):
            value = source[stride * i]
            for j in range(1, length):
                value += source[stride * i + j]
            value = max(value * weight, zero)
            squares += value * value
            target[i] = value
        return squares

    @numba.njit(fastmath=True, error_model="numpy")
    def run(image: Any, even: Any, odd: Any, layers: int, samples: int, weight: Any) -> float:
        total = 0.0
        for _ in range(samples):
            source, pixels = image, len(image) - length
            for _ in range(layers):
                for i in range(max(0, length - stride)):
                    source[pixels + i] = source[i]
                pixels //= stride
                total += pool(source, even, pixels, weight)
                source = even
                even, odd = odd, even
        return total

    return run


def pooled_squares(image: Any, *, kernel: int, stride: int, layers: int, samples: int = 1) -> float:
    """Send `image` through box layers `samples` times; return the sum of all outputs' squares.

    Numbers are of the type of `image`, one or two words wide; sums over layers are float64.
    """
    kind = image.dtype.type
    padded, even, odd = np.zeros((3, len(image) + kernel), kind)
    padded[: len(image)] = image
    return _loop(kernel, stride)(padded, even, odd, layers, samples, kind(1 / kernel))
