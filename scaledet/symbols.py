r"""The one table of SymPy symbols: every formula of the package is written in these.

Layer-dependent quantities are applied functions whose first argument is the layer:
``D(k)`` prints as :math:`D_k`, ``c(k, m)`` as :math:`c_k(m)`.

>>> from scaledet import symbols
>>> sp.latex(symbols.D(symbols.k)), sp.latex(symbols.c(symbols.k + 1, 0))
('D_{k}', 'c_{k + 1}(0)')
>>> symbols.d.is_integer, symbols.d.is_positive
(True, True)
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy as sp

from scaledet import checks

__all__ = ["A", "D", "G", "L", "N", "Q", "R", "S", "W", "a", "active_mean", "active_variance",
           "alpha", "autocorrelation", "b", "beta", "c", "crossover", "d", "delta", "f", "g", "h",
           "height", "i", "j", "k", "kappa", "m", "mu_1", "n", "nu", "overlap", "p", "rho", "rho_b",
           "rho_drop", "s", "sigma", "t", "theta", "unit", "v_0", "w", "x", "z"]  # fmt: skip


def _positive(name: str) -> Any:
    return sp.Symbol(name, integer=True, positive=True)


class _Quantity(sp.Function):  # type: ignore[misc]  # SymPy ships no types
    """A quantity of the theory; the first argument is its layer, printed as a subscript."""

    letter = "?"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        index, *rest = (printer.doprint(argument) for argument in self.args)
        power = "" if exp is None else f"^{{{exp}}}"
        inside = f"({', '.join(rest)})" if rest else ""
        return f"{self.letter}_{{{index}}}{inside}{power}"


class _Plain(sp.Function):  # type: ignore[misc]
    """A function of positions or lags alone, printed as in the paper."""

    letter = "?"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        inside = ", ".join(printer.doprint(argument) for argument in self.args)
        power = "" if exp is None else f"^{{{exp}}}"
        return f"{self.letter}({inside}){power}"


class A(_Quantity):
    """Effective receptive field A_k (pixels)."""

    letter = "A"


class D(_Quantity):
    """Sensitivity to displacements D_k (dimensionless)."""

    letter = "D"


class G(_Quantity):
    """Sensitivity to noise G_k (dimensionless)."""

    letter = "G"


class R(_Quantity):
    """Relative sensitivity R_k = D_k / G_k (dimensionless)."""

    letter = "R"


class Q(_Quantity):
    """Mean square distance Q_k of two independent images."""

    letter = "Q"


class S(_Quantity):
    """Cumulative stride S_k (pixels)."""

    letter = "S"


class W(_Quantity):
    """Support W_k of the composite filter (pixels)."""

    letter = "W"


class c(_Quantity):  # the paper's letter
    """Autocorrelation c_k(m) of the composite filter at lag m."""

    letter = "c"


class h(_Quantity):
    """Composite filter h_k(j)."""

    letter = "h"


class g(_Quantity):
    """Composite filter g_k(j) of a quotient of the kernel."""

    letter = "g"


class gamma(_Quantity):
    """Autocorrelation gamma_k(m) of the composite filter of a quotient of the kernel."""

    letter = r"\gamma"


class overlap(_Quantity):
    """Inner product of the representations at layer k of the images of pixels p and q."""

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        layer, p, q = (printer.doprint(argument) for argument in self.args)
        power = "" if exp is None else f"^{{{exp}}}"
        return rf"\langle P_{{{layer}}} e_{{{p}}},\, P_{{{layer}}} e_{{{q}}} \rangle{power}"


class unit(_Quantity):
    """Output unit i of layer k on the image of pixel p."""

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        layer, i, p = (printer.doprint(argument) for argument in self.args)
        power = "" if exp is None else f"^{{{exp}}}"
        return rf"(P_{{{layer}}} e_{{{p}}})({i}){power}"


class a(_Plain):
    """Weights a(j) of one kernel."""

    letter = "a"


class b(_Plain):
    """Weights b(j) of a quotient of a kernel."""

    letter = "b"


class autocorrelation(_Plain):
    """Autocorrelation A(m) = sum_j a(j) a(j + m) of one kernel."""

    letter = r"\mathcal{A}"


k = _positive("k")
"""Layer, or depth."""
s = _positive("s")
"""Stride."""
f = _positive("f")
"""Kernel length (pixels)."""
d = _positive("d")
"""Dimension of the image."""
N = _positive("N")
"""Pixels a side."""
L = _positive("L")
"""Pixels of the image, L = N^d."""
i = sp.Symbol("i", integer=True)
"""Position of an output pixel."""
j = sp.Symbol("j", integer=True)
"""Position in a kernel."""
m = sp.Symbol("m", integer=True)
"""Lag (pixels)."""
n = sp.Symbol("n", integer=True)
"""Running index."""
p = sp.Symbol("p", integer=True)
"""Position of the active pixel."""
z = sp.Symbol("z")
"""Variable of generating functions; e^(i theta) on the unit circle."""
t = sp.Symbol("t")
"""z + 1/z."""
theta = sp.Symbol("theta", real=True)
"""Wave number (radians per pixel)."""
x = sp.Symbol("x", real=True)
"""Variable of a minimal polynomial, or of integration."""
w = sp.Symbol("w", real=True)
"""Value of a standard normal variable."""
sigma = sp.Symbol("sigma", positive=True)
"""Standard deviation of the noise (units of the image's height)."""
height = sp.Symbol("m", real=True)
"""Height of a pixel before the noise; an active pixel has height 1."""
mu_1 = sp.Symbol("mu_1", positive=True)
"""Mean of relu(sigma Z)."""
v_0 = sp.Symbol("v_0", positive=True)
"""Variance of relu(sigma Z)."""
active_mean = sp.Symbol("m_a", real=True)
"""Mean of relu(1 + sigma Z) - 1."""
active_variance = sp.Symbol("v_a", positive=True)
"""Variance of relu(1 + sigma Z)."""
alpha = sp.Symbol("alpha", real=True)
"""Exponent of D_k ~ A_k^-alpha."""
beta = sp.Symbol("beta", real=True)
"""Exponent of G_k ~ A_k^beta."""
nu = sp.Symbol("nu_R", real=True)
"""Smoothness number nu_R of a kernel."""
rho = sp.Symbol("rho", positive=True)
"""Growth rate of c_k(0) per layer."""
rho_drop = sp.Symbol("rho_D", positive=True)
"""Growth rate of c_k(0) - c_k(1) per layer."""
rho_b = sp.Symbol("rho_b", positive=True)
"""Spectral radius of the transition operator of the quotient b."""
crossover = sp.Symbol("A_*", positive=True)
"""Receptive field at which both parts of G_k are equal (pixels)."""
delta = sp.Symbol("delta", real=True)
"""Defect of the sum rule."""


@lru_cache(maxsize=64)
def kappa(order: int) -> Any:
    r"""Return the cumulant :math:`\kappa_{order}` of a kernel read as a probability law.

    Raises ``ValueError`` or ``TypeError`` unless `order` is an integer >= 2.

    >>> kappa(2).is_positive, kappa(4)
    (True, kappa_4)
    """
    order = checks.integer("order", order, 2)
    sign = {"positive": True} if order == 2 else {"real": True}
    return sp.Symbol(f"kappa_{order}", **sign)
