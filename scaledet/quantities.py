"""Quantities of the theory as applied SymPy functions, printed as in the paper.

Part of the symbol table: `symbols` offers all of them. The first argument is the layer, printed as
a subscript: ``D(k)`` prints as :math:`D_k`, ``c(k, m)`` as :math:`c_k(m)`.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

__all__ = ["A", "D", "G", "G_late", "G_mean", "G_variance", "Q", "R", "S", "W", "a",
           "autocorrelation", "b", "bias", "block_overlap", "c", "coarse", "energy",
           "filter_variance", "fourth_difference", "g", "gamma", "h", "highest", "law",
           "layer_correlation", "layer_length", "layer_stride", "layer_variance", "layer_weight",
           "mean", "noise_exponent", "output", "overlap", "pair_change", "pair_cross",
           "path_eigenvalue", "phase_mass", "quotient_correlation", "rectified", "reordered",
           "second_difference", "shifted_D", "shifted_overlap", "site_correlation", "spread",
           "stability_exponent", "symbol", "tail", "transition_entry", "transition_norm", "unit",
           "variance", "volume", "walks"]  # fmt: skip


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


class _Pattern(sp.Function):  # type: ignore[misc]
    """A quantity whose arguments stand in a pattern of their own."""

    pattern = "?"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = self.pattern.format(*(printer.doprint(argument) for argument in self.args))
        if exp is None:
            return text
        return f"({text})^{{{exp}}}" if "^" in text else f"{text}^{{{exp}}}"


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


class overlap(_Pattern):
    """Inner product of the representations at layer k of the images of pixels p and q."""

    pattern = r"\langle P_{{{0}}} e_{{{1}}},\, P_{{{0}}} e_{{{2}}} \rangle"


class unit(_Pattern):
    """Output unit i of layer k on the image of pixel p."""

    pattern = r"(P_{{{0}}} e_{{{2}}})({1})"


class a(_Plain):
    """Weights a(j) of one kernel."""

    letter = "a"


class b(_Plain):
    """Weights b(j) of a quotient of a kernel."""

    letter = "b"


class symbol(_Pattern):
    """Symbol |a^(theta)|^2 of one kernel: the Fourier transform of its autocorrelation."""

    pattern = r"|\hat a({0})|^2"


class autocorrelation(_Plain):
    """Autocorrelation A(m) = sum_j a(j) a(j + m) of one kernel."""

    letter = r"\mathcal{A}"


class G_mean(_Quantity):
    """Part of G_k that the mean of the noise contributes."""

    letter = r"G^{\mathrm{mean}}"


class G_variance(_Quantity):
    """Part of G_k that the fluctuations of the noise contribute."""

    letter = r"G^{\mathrm{fluct}}"


class G_late(_Quantity):
    """Sensitivity to noise that is first rectified after layer 1."""

    letter = r"G^{(1)}"


class energy(_Quantity):
    """Mean square of the perturbation of layer k by noise, Q_k G_k."""

    letter = r"\mathcal{E}"


class bias(_Quantity):
    """Bias b_k of layer k."""

    letter = "b"


class spread(_Pattern):
    """Variance of the composite filter h_k read as a probability law."""

    pattern = r"\mathrm{{Var}}(h_{{{0}}})"


class walks(_Quantity):
    """Count the walks of n steps from one pixel to another."""

    letter = r"\omega"


class output(_Pattern):
    """Output unit i of layer k on the image of pixel p, ReLUs and biases included."""

    pattern = r"f_{{{0}}}(e_{{{2}}})({1})"


class mean(_Plain):
    """Mean mu(i) of the perturbation of pixel i."""

    letter = r"\mu"


class variance(_Plain):
    """Variance v(i) of the perturbation of pixel i."""

    letter = "v"


class rectified(_Plain):
    """Moment E relu(m + sigma Z)^p of a rectified Gaussian variable; arguments p, m, sigma."""

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        order, height, width = self.args
        power = "" if order == 1 else f"^{{{printer.doprint(order)}}}"
        shift = "" if height == 0 else f"{printer.doprint(height)} + "
        inner = rf"\mathrm{{E}}\,\mathrm{{relu}}({shift}{printer.doprint(width)} Z){power}"
        return inner if exp is None else rf"\left({inner}\right)^{{{exp}}}"


class layer_stride(_Quantity):
    """Stride s_i of layer i."""

    letter = "s"


class layer_length(_Quantity):
    """Length f_i of the kernel of layer i (pixels)."""

    letter = "f"


class layer_weight(_Quantity):
    """Weights a_i(j) of the kernel of layer i."""

    letter = "a"


class layer_variance(_Quantity):
    """Variance of the kernel of layer i read as a probability law."""

    letter = r"\operatorname{Var}\, a"


class layer_correlation(_Quantity):
    """Autocorrelation of the kernel of layer i, as a generating function in z."""

    letter = r"\mathcal{A}"


class tail(_Quantity):
    """Autocorrelation v_i(z) of layers i, i + 1, ... taken by themselves."""

    letter = "v"


class filter_variance(_Quantity):
    """Variance of the composite filter h_k read as a probability law."""

    letter = r"\operatorname{Var}\, h"


class reordered(_Quantity):
    """Sensitivity D'_k of the network with its layers in another order."""

    letter = r"D^{\prime}"


class site_correlation(_Quantity):
    """Autocorrelation C_k(m_1, m_2, ...) of the composite filter in d dimensions."""

    letter = "C"


class volume(_Quantity):
    """Volume V_k of the uniform box with the covariance matrix of the composite filter."""

    letter = "V"


class pair_cross(_Quantity):
    """Mean inner product X_k(m) of the changes of two pixels that move independently."""

    letter = "X"


class pair_change(_Quantity):
    """Mean square change M_k(m) when both pixels at displacement m move."""

    letter = "M"


class second_difference(_Quantity):
    """Second difference of c_k at lag m."""

    letter = r"\delta^2 c"


class fourth_difference(_Quantity):
    """Fourth difference of c_k at lag m."""

    letter = r"\delta^4 c"


class block_overlap(_Quantity):
    """Mean inner product K_k of the representations of two pixels of one block."""

    letter = "K"


class shifted_overlap(_Quantity):
    """The same for blocks at a uniformly random offset."""

    letter = r"\bar{K}"


class shifted_D(_Quantity):
    """Sensitivity D_k for blocks at a uniformly random offset."""

    letter = r"\bar{D}"


class phase_mass(_Quantity):
    """Sum w_p of the outputs of a layer over all units, for an active pixel at phase p."""

    letter = "w"


class law(_Plain):
    """Probability that the second pixel of a pair lies at a displacement from the first."""

    letter = r"\varrho"


class highest(_Quantity):
    """Largest weight max_j h_k(j) of the composite filter."""

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        plain = rf"\max h_{{{printer.doprint(self.args[0])}}}"
        return plain if exp is None else f"({plain})^{{{exp}}}"


class coarse(_Quantity):
    """Autocorrelation C_k(m) of the composite filter of the box of length f/s."""

    letter = "C"


class transition_norm(_Pattern):
    """Largest modulus of an entry of the k-th power of the transition matrix."""

    pattern = r"\max_{{m, n}} |T^{{{0}}}(m, n)|"


class transition_entry(_Pattern):
    """Entry (m, n) of the k-th power of the transition matrix."""

    pattern = r"T^{{{0}}}({1}, {2})"


class quotient_correlation(_Plain):
    """Autocorrelation B(m) of a kernel without one factor q/s."""

    letter = r"\mathcal{B}"


class path_eigenvalue(_Quantity):
    """Eigenvalue number n, from below, of the Laplacian of a path of given length."""

    letter = r"\lambda"


class stability_exponent(_Plain):
    """Exponent alpha of the box of given length and stride."""

    letter = r"\alpha"


class noise_exponent(_Plain):
    """Exponent beta, in one dimension, of the box of given length and stride."""

    letter = r"\beta"
