"""Hold the smoothness number and the stable shifts of a filter to numerical zeros and products."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import sympy as sp

from scaledet import symbols as y
from scaledet.network.kernel import Kernel
from scaledet.reference.recursion import PlainRecursion, measured
from scaledet.symbolic.claims import agree
from scaledet.symbolic.routes.sequences import measures

__all__ = ["lowest_maximum", "multiplicity", "smooth"]


def multiplicity(kernel: Kernel, stride: int) -> int:
    """Smallest multiplicity of the zeros of a at the non-trivial s-th roots of unity."""
    coefficients = [mpmath.mpf(w.numerator) / w.denominator for w in reversed(kernel.weights)]
    lowest = len(coefficients)
    with mpmath.workdps(50):
        for r in range(1, stride):
            root, order = mpmath.expjpi(mpmath.mpf(2 * r) / stride), 0
            values = list(coefficients)
            while values and abs(mpmath.polyval(values, root)) < mpmath.mpf(10) ** -12:
                degree = len(values) - 1
                values = [v * (degree - i) for i, v in enumerate(values[:-1])]
                order += 1
            lowest = min(lowest, order)
    return lowest


def smooth(claim: Any, *, kernel: Kernel, stride: int, quotient: PlainRecursion) -> str:
    """Confront nu_R with the zeros of the filter and the measured energy of its quotient."""
    rate, error = measured(quotient, "peak")
    return measures(claim, y.nu, multiplicity(kernel, stride) - (1 + rate) / 2, error)


def lowest_maximum(claim: Any, *, kernel: Kernel, stride: int) -> str:
    """Minimise max_l |phi^(theta + 2 pi l)| over a grid, then around its lowest points."""
    weights = [float(w) for w in reversed(kernel.weights)]
    shifts = 2 * np.pi * np.arange(-40, 41)
    levels = int(np.ceil(np.log(1e6) / np.log(stride)))

    def largest(theta: Any) -> Any:
        angle = np.add.outer(np.asarray(theta), shifts)
        product = np.ones(angle.shape)
        for _ in range(levels):
            angle = angle / stride
            product *= np.abs(np.polyval(weights, np.exp(1j * angle)))
        return product.max(axis=-1)

    grid = np.linspace(1e-3, np.pi, 361)
    values = largest(grid)
    lowest = float(values.min())
    for at in np.argsort(values)[:4]:
        low, high = grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)]
        for _ in range(60):
            inner = np.array([low + (high - low) / 3, high - (high - low) / 3])
            left, right = largest(inner)
            low, high = (low, inner[1]) if left < right else (inner[0], high)
        lowest = min(lowest, float(largest((low + high) / 2)))
    agreement = agree(claim, [{y.riesz: sp.Integer(0) if lowest < 1e-11 else sp.Float(lowest)}])
    return f"smallest value {lowest:.2g}; {agreement}"
