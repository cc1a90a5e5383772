"""Quantities of layers with negative biases as applied SymPy functions; part of the symbol table.

Heights y_k are those of a unit of layer k in units of n^-k, n the number of inputs of a unit.
"""

from __future__ import annotations

from scaledet.quantities import _Pattern, _Quantity

__all__ = ["active_square", "background_square", "budget", "cut_gain", "drive", "neighbours",
           "peak_mean", "shortfall", "signal", "unit_law", "unit_mean", "unit_variance",
           "weight_sum"]  # fmt: skip


class unit_law(_Pattern):
    """Probability that a background unit of layer k has height y_k = j."""

    pattern = "p_{{{0}}}({1})"


class unit_mean(_Pattern):
    """Mean height of a background unit."""

    pattern = "\\bar y_{{{0}}}"


class unit_variance(_Pattern):
    """Variance of the height of a background unit."""

    pattern = "\\mathrm{{Var}}\\, y_{{{0}}}"


class shortfall(_Pattern):
    """Moment E (beta_k - S)_+^p of the sum S of the inputs of a unit; arguments k, p."""

    pattern = "a_{{{0}, {1}}}"


class budget(_Quantity):
    """Height beta_k = n^k |b_k| that the bias of layer k takes off."""

    letter = "\\beta"


class signal(_Quantity):
    """Height u_k of the clean unit over the active pixel."""

    letter = "u"


class background_square(_Pattern):
    """Mean square of a background unit under noise."""

    pattern = "\\mathrm{{E}}\\, X_{{{0}}}^2"


class active_square(_Pattern):
    """Mean square change of the unit over the active pixel by noise."""

    pattern = "\\mathrm{{E}}\\, (Y_{{{0}}} - u_{{{0}}})^2"


class cut_gain(_Pattern):
    """What a cut of given height lowers the sum of two units more if it comes before the sum."""

    pattern = "\\delta({0}, {1}; {2})"


class peak_mean(_Pattern):
    """Mean height of one pixel's noise above what the biases up to layer k take off."""

    pattern = "\\mathrm{{E}}(y_0 - \\beta_1 - \\dots - \\beta_{{{0}}})_+"


class neighbours(_Pattern):
    """Covariance of two neighbouring units of layer k under noise."""

    pattern = "\\mathrm{{Cov}}_{{{0}}}"


class weight_sum(_Pattern):
    """Mean E n^y of a background unit's height y_k."""

    pattern = "\\mathrm{{E}}\\, n^{{y_{{{0}}}}}"


class drive(_Quantity):
    """The number Delta_k = (n - 1) E y n^y - E n^y, whose sign decides over survival."""

    letter = "\\Delta"
