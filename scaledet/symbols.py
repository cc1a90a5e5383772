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

from scaledet import validate
from scaledet.bias_quantities import (
    active_square,
    background_square,
    budget,
    cut_gain,
    drive,
    neighbours,
    peak_mean,
    shortfall,
    signal,
    unit_law,
    unit_mean,
    unit_variance,
    weight_sum,
)
from scaledet.quantities import (
    A,
    D,
    G,
    G_late,
    G_mean,
    G_variance,
    Q,
    R,
    S,
    W,
    a,
    autocorrelation,
    b,
    bias,
    block_overlap,
    c,
    coarse,
    energy,
    filter_variance,
    fourth_difference,
    g,
    gamma,
    h,
    highest,
    law,
    layer_correlation,
    layer_length,
    layer_stride,
    layer_variance,
    layer_weight,
    mean,
    noise_exponent,
    output,
    overlap,
    pair_change,
    pair_cross,
    path_eigenvalue,
    phase_mass,
    quotient_correlation,
    rectified,
    reordered,
    second_difference,
    shifted_D,
    shifted_overlap,
    site_correlation,
    spread,
    stability_exponent,
    symbol,
    tail,
    transition_entry,
    transition_norm,
    unit,
    variance,
    volume,
    walks,
)
from scaledet.unit_quantities import later, unit_covariance, unit_overlap

__all__ = ["A", "D", "G", "G_late", "G_mean", "G_variance", "L", "N", "Q", "R", "S", "W", "a",
           "active_mean", "active_square", "active_variance", "alpha", "alpha_local",
           "autocorrelation", "b", "background_square", "beta", "beta_fit", "beta_local", "bias",
           "block_overlap", "both_on", "budget", "c", "coarse", "correlation", "covariance",
           "critical", "crossover", "cut_gain", "d", "dead", "delta", "drive", "energy", "f",
           "far_pairs", "filter_exponent", "filter_variance", "first_height", "fourth_difference",
           "g", "gamma", "gap", "h", "height", "highest", "i", "j", "k", "kappa", "later", "law",
           "layer_correlation", "layer_length", "layer_stride", "layer_variance", "layer_weight",
           "m", "m_1", "m_2", "mean", "mu_1", "multiplicity", "n", "near_pairs", "neighbours",
           "noise_exponent", "nu", "other_height", "output", "overlap", "p", "pair_change",
           "pair_cross", "path_eigenvalue", "peak", "peak_mean", "phase_mass", "plateau",
           "prefactor", "product", "quotient_correlation", "rectified", "reordered", "rho", "rho_b",
           "rho_drop", "rho_g", "riesz", "s", "second_difference", "second_height", "shifted_D",
           "shifted_overlap", "shortfall", "sigma", "signal", "site_correlation", "spent", "spread",
           "stability_exponent", "strength", "sum_rules", "symbol", "t", "tail", "theta",
           "tolerance", "transition_entry", "transition_norm", "unit", "unit_covariance",
           "unit_law", "unit_mean", "unit_overlap", "unit_variance", "v_0", "variance", "volume",
           "w", "walks", "weight_sum", "width", "x", "xi", "z"]  # fmt: skip


def _positive(name: str) -> Any:
    return sp.Symbol(name, integer=True, positive=True)


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
other_height = sp.Symbol("m'", real=True)
"""Height of a second unit before the noise."""
correlation = sp.Symbol("varrho", real=True)
"""Correlation of two Gaussian units."""
both_on = sp.Symbol("P_+", positive=True)
"""Probability that both of two Gaussian units of mean 0 are positive."""
product = sp.Symbol("M", nonnegative=True)
"""Mean of relu(X) relu(Y), X and Y standard normal."""
covariance = sp.Symbol("C", real=True)
"""Covariance of two rectified Gaussian units of variance 1."""
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
rho_g = sp.Symbol("rho_g", positive=True)
"""Spectral radius of the transition operator of g, the kernel without one factor q/s."""
multiplicity = sp.Symbol("mu", integer=True, positive=True)
"""Multiplicity of the growth rate as a root of the minimal recurrence."""
crossover = sp.Symbol("A_*", positive=True)
"""Receptive field at which both parts of G_k are equal (pixels)."""
alpha_local = sp.Symbol("alpha_loc", real=True)
"""Local exponent -d log D / d log A of D_k."""
beta_local = sp.Symbol("beta_loc", real=True)
"""Local exponent d log G / d log A of G_k."""
beta_fit = sp.Symbol("beta_fit", real=True)
"""Slope of log G_k against log A_k, fitted over a window of layers."""
prefactor = sp.Symbol("r", positive=True)
"""Amplitude of A_k^d in G_k."""
width = sp.Symbol("A", positive=True)
"""Effective receptive field as a continuous variable (pixels)."""
tolerance = sp.Symbol("epsilon", positive=True)
"""Relative error allowed to an exponent."""
riesz = sp.Symbol("m_varphi", nonnegative=True)
"""Smallest value over theta of the largest |phi^(theta + 2 pi l)| over integers l."""
sum_rules = sp.Symbol("n", integer=True, nonnegative=True)
"""Order of the sum rules of a kernel."""
delta = sp.Symbol("delta", real=True)
"""Defect of the sum rule."""
m_1 = sp.Symbol("m_1", integer=True)
"""Lag along the first axis (pixels)."""
m_2 = sp.Symbol("m_2", integer=True)
"""Lag along the second axis (pixels)."""
xi = sp.Symbol("xi", positive=True)
"""Scale of the scale-detection task (pixels)."""
gap = sp.Symbol("g", nonnegative=True)
"""Half the width of the band of distances left out of the task (pixels)."""
near_pairs = sp.Symbol("n_+", integer=True, positive=True)
"""Number of pairs of label +1."""
far_pairs = sp.Symbol("n_-", integer=True, positive=True)
"""Number of pairs of label -1."""
strength = sp.Symbol("vartheta", positive=True)
"""Strength of the biases of a schedule (units of the image's height)."""
dead = _positive(r"k_{\dagger}")
"""First layer that no longer sees the active pixel."""
peak = _positive("q")
"""Height of a unit that noise of two values switches on."""
critical = sp.Symbol("p_c", positive=True)
"""Probability of such a unit above which the noise survives."""
first_height = sp.Symbol("y_1", nonnegative=True)
"""Height of one unit."""
second_height = sp.Symbol("y_2", nonnegative=True)
"""Height of another unit."""
spent = sp.Symbol("beta_1", positive=True)
"""Height that a bias takes off."""
plateau = sp.Symbol(r"D_{\infty}", positive=True)
"""Limit of D_k."""


@lru_cache(maxsize=64)
def kappa(order: int) -> Any:
    r"""Return the cumulant :math:`\kappa_{order}` of a kernel read as a probability law.

    Raises ``ValueError`` or ``TypeError`` unless `order` is an integer >= 2.

    >>> kappa(2).is_positive, kappa(4)
    (True, kappa_4)
    """
    order = validate.integer("order", order, 2)
    sign = {"positive": True} if order == 2 else {"real": True}
    return sp.Symbol(f"kappa_{order}", **sign)


@lru_cache(maxsize=64)
def filter_exponent(letter: str, *weights: int) -> Any:
    r"""Return the exponent, alpha or beta, of the filter with these weights as a symbol.

    Raises ``ValueError`` if `letter` is neither.

    >>> print(sp.latex(filter_exponent("alpha", 1, 2, 1)))
    \alpha_{[1,2,1]}
    """
    letter = validate.choice("letter", letter, ("alpha", "beta"))
    shown = ",".join(map(str, weights))
    return sp.Symbol(rf"\{letter}_{{[{shown}]}}", real=True)
