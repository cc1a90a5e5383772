"""The filter that stands for the weights of a convolution."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["constant_weights", "mean_profile", "written_weights"]

_DIGITS = 10**6


def constant_weights(weight: Any, groups: int) -> NDArray[np.float64] | None:
    """Return the filter of a depthwise convolution that blurs all channels alike.

    None where a filter differs between channels, has a weight below zero, is one channel's and
    trains, or has a single weight.
    """
    import numpy as np
    import torch

    channels, inputs = weight.shape[:2]
    values = weight.detach().double().cpu().numpy()[:, 0]
    if groups != channels or inputs != 1 or values[0].size == 1:
        return None
    if channels == 1 and isinstance(weight, torch.nn.Parameter) and weight.requires_grad:
        return None
    filled = (values == values[0]).all() and (values >= 0).all() and values[0].sum() > 0
    return np.asarray(values[0]) if filled else None


def mean_profile(weight: Any) -> NDArray[np.float64]:
    """Return the mean over all channels of the absolute weights."""
    import numpy as np

    return np.asarray(weight.detach().double().abs().cpu().numpy().mean(axis=(0, 1)))


def written_weights(values: NDArray[np.float64]) -> Any:
    """Return weights as `Layer` takes them: exact integers where they are multiples of one.

    Else they are rounded to six digits of the largest; a product is given as its factors.

    >>> import numpy as np
    >>> written_weights(np.array([0.25, 0.5, 0.25]))
    [1, 2, 1]
    """
    import numpy as np

    if values.ndim > 1:
        axes = range(values.ndim)
        factors = [values.sum(axis=tuple(b for b in axes if b != a)) for a in axes]
        product = np.asarray(1.0)
        for factor in factors:
            product = np.multiply.outer(product, factor / values.sum())
        if np.allclose(product * values.sum(), values, rtol=1e-6, atol=1e-7 * values.max()):
            return tuple(written_weights(factor) for factor in factors)
    multiples = values / values[values > 0].min()
    whole = np.rint(multiples)
    if whole.max() <= _DIGITS and np.allclose(multiples, whole, rtol=1e-5, atol=0):
        return whole.astype(int).tolist()
    exact = np.vectorize(lambda value: Fraction(round(value * _DIGITS), _DIGITS), otypes=[object])
    return exact(values / values.max()).tolist()
