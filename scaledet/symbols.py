r"""The one table of SymPy symbols: every formula of the package is written in these.

Layer-dependent quantities are applied functions whose first argument is the layer:
``D(k)`` prints as :math:`D_k`, ``c(k, m)`` as :math:`c_k(m)`. `MEANINGS` holds the last column.

>>> from scaledet import symbols
>>> sp.latex(symbols.D(symbols.k)), sp.latex(symbols.c(symbols.k + 1, 0))
('D_{k}', 'c_{k + 1}(0)')
>>> symbols.d.is_integer, symbols.d.is_positive
(True, True)
>>> symbols.MEANINGS[symbols.Q]
'Mean square distance Q_k of two independent images.'
"""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import Any

import sympy as sp

from scaledet import validate

MEANINGS: dict[Any, str] = {}
"""What every symbol and quantity of the table stands for, with its unit."""


class _Quantity(sp.Function):  # type: ignore[misc]  # SymPy ships no types
    """A function printed as in the paper."""

    letter = "?"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = self._print(*map(printer.doprint, self.args))
        return text if exp is None else f"{self._base(text)}^{{{exp}}}"

    def _print(self, *arguments: str) -> str:
        return f"{self.letter}({', '.join(arguments)})"

    def _base(self, text: str) -> str:
        """Return `text` as the base of a power."""
        return text


class Layered(_Quantity):
    """The first argument is the layer, or another number from 0 on, printed as a subscript."""

    def _print(self, *arguments: str) -> str:
        layer, *rest = arguments
        return f"{self.letter}_{{{layer}}}" + (f"({', '.join(rest)})" if rest else "")


class _Pattern(_Quantity):
    """The letter is a pattern in which <0>, <1>, ... are the arguments."""

    def _print(self, *arguments: str) -> str:
        return re.sub(r"<(\d)>", lambda place: arguments[int(place[1])], self.letter)

    def _base(self, text: str) -> str:
        return f"({text})" if "^" in text or text.startswith(r"\max") else text


def _symbol(letter: str, assumptions: str, meaning: str) -> Any:
    symbol = sp.Symbol(letter, **dict.fromkeys(assumptions.split(), True))
    MEANINGS[symbol] = meaning
    return symbol


def _quantity(base: Any, letter: str, meaning: str) -> Any:
    """Return a class; the end of this module names it, as pickling requires."""
    namespace = {"letter": letter, "__doc__": meaning, "__module__": __name__}
    quantity = type(base)("quantity", (base,), namespace)
    MEANINGS[quantity] = meaning
    return quantity


_plain, _layered, _pattern = (partial(_quantity, base) for base in (_Quantity, Layered, _Pattern))

# Indices, lengths and variables.
k = _symbol("k", "integer positive", "Layer, or depth.")
s = _symbol("s", "integer positive", "Stride.")
f = _symbol("f", "integer positive", "Kernel length (pixels).")
d = _symbol("d", "integer positive", "Dimension of the image.")
N = _symbol("N", "integer positive", "Pixels a side.")
L = _symbol("L", "integer positive", "Pixels of the image, L = N^d.")
i = _symbol("i", "integer", "Position of an output pixel.")
j = _symbol("j", "integer", "Position in a kernel.")
m = _symbol("m", "integer", "Lag (pixels).")
m_1 = _symbol("m_1", "integer", "Lag along the first axis (pixels).")
m_2 = _symbol("m_2", "integer", "Lag along the second axis (pixels).")
n = _symbol("n", "integer", "Running index.")
p = _symbol("p", "integer", "Position of the active pixel.")
z = _symbol("z", "", "Variable of generating functions; e^(i theta) on the unit circle.")
t = _symbol("t", "", "z + 1/z.")
theta = _symbol("theta", "real", "Wave number (radians per pixel).")
x = _symbol("x", "real", "Variable of a minimal polynomial, or of integration.")
w = _symbol("w", "real", "Value of a standard normal variable.")

# One kernel.
a = _plain("a", "Weights a(j) of one kernel.")
symbol = _pattern(r"|\hat a(<0>)|^2", "Fourier transform of a kernel's autocorrelation.")
autocorrelation = _plain(r"\mathcal{A}", "A(m) = sum_j a(j) a(j + m).")
quotient_correlation = _plain(r"\mathcal{B}", "Autocorrelation B(m) of a kernel less a factor q/s.")
sum_rules = _symbol("n", "integer nonnegative", "Order of the sum rules of a kernel.")
delta = _symbol("delta", "real", "Defect of the sum rule.")
nu = _symbol("nu_R", "real", "Smoothness number nu_R of a kernel.")

# Composite filters.
A = _layered("A", "Effective receptive field A_k (pixels).")
S = _layered("S", "Cumulative stride S_k (pixels).")
W = _layered("W", "Support W_k of the composite filter (pixels).")
c = _layered("c", "Autocorrelation c_k(m) of the composite filter at lag m.")
h = _layered("h", "Composite filter h_k(j).")
g = _layered("g", "Composite filter g_k(j) of a quotient of the kernel.")
gamma = _layered(r"\gamma", "Autocorrelation gamma_k(m) of the filter g_k.")
spread = _pattern(r"\mathrm{Var}(h_{<0>})", "Variance of h_k read as a probability law.")
highest = _pattern(r"\max h_{<0>}", "Largest weight max_j h_k(j).")
ordered = _layered(r"h^{\circ}", "Weights of h_k in the order of their size around the largest.")
uncertainty = _layered("U", "6 Var(H) |H'|^2/|H|^2, H linear between the weights of h_k.")
rearranged = _layered("U^*", "The same product, the level sets of H centred at 0.")
coarse = _layered("C", "Autocorrelation C_k(m) for the box of length f/s.")
walks = _layered(r"\omega", "Number of walks of n steps from one pixel to another.")
second_difference = _layered(r"\delta^2 c", "Of c_k, at lag m.")
fourth_difference = _layered(r"\delta^4 c", "Of c_k, at lag m.")
site_correlation = _layered("C", "Autocorrelation C_k(m_1, ..., m_d) of h_k.")
volume = _layered("V", "Volume V_k of the uniform box of the covariance of h_k.")
layer_stride = _layered("s", "Stride s_i of layer i.")
layer_length = _layered("f", "Length f_i of the kernel of layer i (pixels).")
layer_weight = _layered("a", "Weights a_i(j) of the kernel of layer i.")
layer_variance = _layered(r"\operatorname{Var}\, a", "Variance of kernel i as a probability law.")
layer_correlation = _layered(r"\mathcal{A}", "Autocorrelation of kernel i, as a function of z.")
tail = _layered("v", "Autocorrelation v_i(z) of layers i, i + 1, ... by themselves.")


class least(_Quantity):
    """Least D_k of non-negative filters with A_k up to n/10 pixels."""

    def _print(self, *arguments: str) -> str:
        (tenths,) = arguments
        width = f"{int(tenths) / 10:g}" if tenths.isdigit() else rf"{tenths}/10"
        return rf"\min_{{A_k \le {width}}} D_k"


MEANINGS[least] = str(least.__doc__)

# Images of one pixel, and the sensitivity to displacements.
unit = _pattern("(P_{<0>} e_{<2>})(<1>)", "Unit i of layer k, linear, on pixel p's image.")
output = _pattern("f_{<0>}(e_{<2>})(<1>)", "The same with ReLUs and biases.")
overlap = _pattern(
    r"\langle P_{<0>} e_{<1>},\, P_{<0>} e_{<2>} \rangle",
    "Inner product of the representations at layer k of the images of pixels p and q.",
)
D = _layered("D", "Sensitivity to displacements D_k (dimensionless).")
Q = _layered("Q", "Mean square distance Q_k of two independent images.")
R = _layered("R", "Relative sensitivity R_k = D_k / G_k (dimensionless).")
reordered = _layered(r"D^{\prime}", "D'_k with the layers in another order.")
block_overlap = _layered("K", "Mean overlap K_k of two pixels of one block.")
shifted_overlap = _layered(r"\bar{K}", "K_k with blocks at a random offset.")
shifted_D = _layered(r"\bar{D}", "D_k with blocks at a random offset.")
phase_mass = _pattern("w_{<0>}", "Sum w_p of the outputs, active pixel at phase p.")
wave_sensitivity = _pattern(r"D(2 \pi <0>/<1>)", "D of one layer seen through wave n of N.")
lowest_wave = _symbol(r"D_{\min}", "nonnegative", "Least D of one layer seen through a wave.")

# Exponents, growth rates and amplitudes.
alpha = _symbol("alpha", "real", "Exponent of D_k ~ A_k^-alpha.")
beta = _symbol("beta", "real", "Exponent of G_k ~ A_k^beta.")
rho = _symbol("rho", "positive", "Growth rate of c_k(0) per layer.")
rho_drop = _symbol("rho_D", "positive", "Growth rate of c_k(0) - c_k(1) per layer.")
rho_b = _symbol("rho_b", "positive", "Spectral radius of the quotient b's transition operator.")
rho_g = _symbol("rho_g", "positive", "Spectral radius for the kernel without one factor q/s.")
multiplicity = _symbol("mu", "integer positive", "Multiplicity of the growth rate as a root.")
plateau = _symbol(r"D_{\infty}", "positive", "Limit of D_k.")
prefactor = _symbol("r", "positive", "Amplitude of A_k^d in G_k.")
crossover = _symbol("A_*", "positive", "Width A_k where both parts of G_k are equal (pixels).")
width = _symbol("A", "positive", "Effective receptive field as a continuous variable (pixels).")
alpha_local = _symbol("alpha_loc", "real", "Local exponent -d log D / d log A of D_k.")
beta_local = _symbol("beta_loc", "real", "Local exponent d log G / d log A of G_k.")
beta_fit = _symbol("beta_fit", "real", "Slope of log G_k against log A_k over a window of layers.")
tolerance = _symbol("epsilon", "positive", "Relative error allowed to an exponent.")
riesz = _symbol("m_varphi", "nonnegative", "Min over theta of max_l |phi^(theta + 2 pi l)|.")
stability_exponent = _plain(r"\alpha", "alpha of the box f at stride s.")
noise_exponent = _plain(r"\beta", "beta of the box f at stride s, d = 1.")
path_eigenvalue = _layered(r"\lambda", "Number n, from below, on a path.")
transition_norm = _pattern(
    r"\max_{m, n} |T^{<0>}(m, n)|",
    "Largest modulus of an entry of the k-th power of the transition matrix.",
)
transition_entry = _pattern("T^{<0>}(<1>, <2>)", "Entry (m, n) of that power.")

# The most stable window, and even functions g_n = a u + r_n on [-1, 1], the mass of r_n zero.
omega = _symbol("omega", "positive", "Frequency of the most stable window (radians per unit).")
window_variance = _symbol("v", "positive", "Variance of the most stable window.")
even_mass = _pattern(r"\int g_{<0>}", "Integral of an even function on [-1, 1].")
even_moment = _pattern(r"\int x^2 g_{<0>}", "Second moment of the same function.")
even_square = _pattern(r"\int g_{<0>}^2", "Square of the same function.")
even_slope = _pattern(r"\int (g_{<0>}^{\prime})^2", "Square of its slope.")
rest_square = _pattern(r"\int r_{<0>}^2", "Square of the function less a multiple of the window.")
rest_slope = _pattern(r"\int (r_{<0>}^{\prime})^2", "Square of the slope of this difference.")

# The least D_k at given c_k(0), by an angle theta.
stationary = _layered("h", "Weight j of the n weights at which the gain is stationary.")
gain = _layered(r"\Phi", "Gain sum_j (h_j h_{j+1} - cos(theta) h_j^2) of these n weights.")

# Noise.
sigma = _symbol("sigma", "positive", "Standard deviation of the noise (units of image height).")
G = _layered("G", "Sensitivity to noise G_k (dimensionless).")
G_mean = _layered(r"G^{\mathrm{mean}}", "Part of G_k from the mean of the noise.")
G_variance = _layered(r"G^{\mathrm{fluct}}", "Part of G_k from its fluctuations.")
energy = _layered(r"\mathcal{E}", "Mean square perturbation of layer k, Q_k G_k.")
mean = _plain(r"\mu", "Mean mu(i) of the perturbation of pixel i.")
variance = _plain("v", "Variance v(i) of the perturbation of pixel i.")
mu_1 = _symbol("mu_1", "positive", "Mean of relu(sigma Z).")
v_0 = _symbol("v_0", "positive", "Variance of relu(sigma Z).")
active_mean = _symbol("m_a", "real", "Mean of relu(1 + sigma Z) - 1.")
active_variance = _symbol("v_a", "positive", "Variance of relu(1 + sigma Z).")
height = _symbol("m", "real", "Height of a pixel before the noise; an active pixel has height 1.")


class rectified(_Quantity):
    """Moment E relu(m + sigma Z)^p of a rectified Gaussian variable; arguments p, m, sigma."""

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        order, height, width = self.args
        power = "" if order == 1 else f"^{{{printer.doprint(order)}}}"
        shift = "" if height == 0 else f"{printer.doprint(height)} + "
        inner = rf"\mathrm{{E}}\,\mathrm{{relu}}({shift}{printer.doprint(width)} Z){power}"
        return inner if exp is None else rf"\left({inner}\right)^{{{exp}}}"


MEANINGS[rectified] = str(rectified.__doc__)

# Units of layer 1 on which noise meets its first ReLU.
other_height = _symbol("m'", "real", "Height of a second unit before the noise.")
correlation = _symbol("varrho", "real", "Correlation of two Gaussian units.")
both_on = _symbol("P_+", "positive", "Probability that two Gaussian units of mean 0 are positive.")
product = _symbol("M", "nonnegative", "Mean of relu(X) relu(Y), X and Y standard normal.")
covariance = _symbol("C", "real", "Covariance of two rectified Gaussian units of variance 1.")
unit_overlap = _plain(r"\Gamma", "Covariance / sigma^2 of two units n apart.")
unit_covariance = _plain(r"\mathcal{C}", "Covariance of rectified units n apart, of variance 1.")
later = _layered(r"\bar c", "Autocorrelation at lag n of layers 2 ... k, in units.")

# Pairs of pixels.
xi = _symbol("xi", "positive", "Scale of the scale-detection task (pixels).")
gap = _symbol("g", "nonnegative", "Half the width of the band of distances left out (pixels).")
near_pairs = _symbol("n_+", "integer positive", "Number of pairs of label +1.")
far_pairs = _symbol("n_-", "integer positive", "Number of pairs of label -1.")
law = _plain(r"\varrho", "Probability of the displacement from first to second pixel.")
pair_cross = _layered("X", "Mean overlap X_k(m) of two pixels' independent changes.")
pair_change = _layered("M", "Mean square change M_k(m) when both pixels move.")

# Rigid shifts, and layers on the grid that the image chooses.
shift_D = _layered("D", "Sensitivity D_k(m) to a rigid shift by m (pixels along each axis).")
shift_change = _pattern(
    r"|P_{<0>} (e_{<2> + <1>} - e_{<2>})|^2",
    "Square change of the image of pixel p at layer k when it shifts by m.",
)
chosen_change = _layered(
    r"\hat{M}", "Greatest square change by circular shifts, outputs compared up to a shift."
)
tied_change = _layered(r"\hat{M}^{\mathrm{tie}}", "The same of one image, ties decided by order.")
moved_change = _layered(r"\hat{M}^{\mathrm{move}}", "The same when one of two pixels moves.")
padded_change = _layered(r"\hat{M}^{\mathrm{pad}}", "The same with zeros around the image.")

# Finite images with borders.
window = _layered("w", "Weight w_k(i, n) of site n in output i of layer k.")
side = _layered("n", "Number n_k of outputs of layer k.")
mass = _layered(r"\mathcal{M}", "Mean sum of the outputs of layer k.")
staying = _layered(r"M^{\mathrm{stay}}", "Mean square change if moves off the image are not made.")
wrapping = _layered(r"M^{\mathrm{wrap}}", "The same if they come back on the other side.")
inside = _layered(r"M^{\mathrm{inside}}", "The same if they go to the pixel's only neighbour.")
squares = _layered("T", "Mean of |P_k e_p|^2 over the pixels p of axis a.")
mean_square = _layered("B", "Square of the mean of P_k e_p over the pixels p of axis a.")
axis_change = _layered("M", "Mean square change by a move along axis a, on a line.")
plane_Q = _layered(r"Q^{\mathrm{plane}}", "Q_k of an image of two axes.")
plane_D = _layered(r"D^{\mathrm{plane}}", "D_k of an image of two axes.")

# Wide networks of random filters.
common = _symbol("t_w", "real", "Share of the pooling, C = (1 - t_w) diag(a) + t_w a a^T.")
tap_alike = _symbol("r_w", "nonnegative", "Correlation of a filter's weights at two taps.")
alike = _layered(
    r"\chi",
    "Correlation chi_n(m) of two pixels, m layers at different taps, then n layers at the same.",
)
closeness = _layered(r"q", "The root q_n = (1 - chi_n)^(-1/2).")
wide_square = _layered(r"\mathcal{R}", "Square of layer k's representation, mean over positions.")
wide_change = _layered(r"\mathcal{E}", "Mean square change of layer k by a move, independent taps.")
root_change = _layered(r"\mathcal{H}", "Sum over sites of the square change of the units' norm.")

# Filters with means over input channels.
row_level = _plain("u", "Mean u(i) of the pre-activation at site i of an output channel.")
filter_sum = _plain("m", "Sum m(j) of an output channel's filters over input channels, tap j.")
channel_bias = _symbol("b_h", "real", "Bias of an output channel.")
channel_mean = _plain(r"\bar\Phi", "Mean over channels of the units at a site.")
channel_product = _plain(r"\Phi", "Mean over channels of the product of the units at two sites.")
weight_covariance = _plain("V", "Covariance of a filter's weights at two taps, times channels.")
row_covariance = _plain("K", "Covariance of an output channel's pre-activations at two sites.")
random_gain = _symbol("v_w", "positive", "Variance of random weights, summed over taps.")
mean_factor = _symbol("mu_h", "positive", "Mean of the factors c_h of coherent filters c_h a.")
factor_square = _symbol("omega_h", "positive", "Mean square of these factors.")

# Layers with biases; heights y_k are in units of n^-k, n the number of inputs of a unit.
bias = _layered("b", "Bias b_k of layer k.")
strength = _symbol("vartheta", "positive", "Strength of a schedule's biases (units of height).")
dead = _symbol(r"k_{\dagger}", "integer positive", "First layer not to see the active pixel.")
peak = _symbol("q", "integer positive", "Height of a unit that noise of two values switches on.")
critical = _symbol("p_c", "positive", "Probability of such a unit above which noise survives.")
first_height = _symbol("y_1", "nonnegative", "Height of one unit.")
second_height = _symbol("y_2", "nonnegative", "Height of another unit.")
spent = _symbol("beta_1", "positive", "Height that a bias subtracts.")
unit_law = _pattern("p_{<0>}(<1>)", "Probability that a background unit has y_k = j.")
unit_mean = _pattern(r"\bar y_{<0>}", "Mean height of a background unit.")
unit_variance = _pattern(r"\mathrm{Var}\, y_{<0>}", "Variance of this height.")
shortfall = _pattern("a_{<0>, <1>}", "E (beta_k - S)_+^p, S the sum of the inputs.")
budget = _layered(r"\beta", "Height beta_k = n^k |b_k| that the bias subtracts.")
signal = _layered("u", "Height u_k of the clean unit over the active pixel.")
background_square = _pattern(
    r"\mathrm{E}\, X_{<0>}^2", "Mean square of a background unit with noise."
)
early_energy = _layered(
    r"\mathcal{E}^{\prime}", "Q_k G_k if the first layer subtracts the budgets of all k layers."
)
active_square = _pattern(
    r"\mathrm{E}\, (Y_{<0>} - u_{<0>})^2",
    "Mean square change of the unit over the active pixel by noise.",
)
cut_gain = _pattern(
    r"\delta(<0>, <1>; <2>)",
    "Difference in the sum of two units between a cut after the sum and a cut before it.",
)
peak_mean = _pattern(
    r"\mathrm{E}(y_0 - \beta_1 - \dots - \beta_{<0>})_+",
    "Mean height of one pixel's noise above all that the biases up to layer k subtract.",
)
neighbours = _pattern(r"\mathrm{Cov}_{<0>}", "Covariance of two neighbouring units.")
weight_sum = _pattern(r"\mathrm{E}\, n^{y_{<0>}}", "Mean of n^y, y = y_k.")
drive = _layered(r"\Delta", "(n - 1) E y n^y - E n^y: its sign decides over survival.")


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


_TABLE = {
    name: value
    for name, value in list(globals().items())
    if isinstance(value, sp.Symbol | type) and value in MEANINGS
}
for _name, _value in _TABLE.items():
    if isinstance(_value, type):
        _value.__name__ = _value.__qualname__ = _name

__all__ = ["filter_exponent", "kappa"]
__all__ += list(_TABLE)
