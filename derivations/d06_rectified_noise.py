"""Rectified noise piles up: G_k at any size, and why it grows as A_k^d."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

import mpmath
import numpy as np
import sympy as sp
from publish import main

from scaledet import symbols as y
from scaledet.network.network import Layer, Network
from scaledet.reference.exact import refute
from scaledet.reference.noise import (
    extrapolated,
    gaussian_moments,
    gaussian_sensitivity,
    pooled_squares,
)
from scaledet.reference.pixel import PooledPixel
from scaledet.reference.torus import Torus
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check, Derivation, Step
from scaledet.symbolic.routes.box_noise import (
    DIMS,
    FLAT,
    box_sizes,
    flat_drift,
    flat_prefactor,
    on_boxes,
    total_noise,
)
from scaledet.symbolic.routes.noise import LARGE, LAWS, SKEW, TORI
from scaledet.symbolic.steps.noise import PAGE, finite_noise, noise_steps
from scaledet.symbols import L, c, d, k, s
from scaledet.theory.prediction import predict


def derivation() -> Derivation:
    """Derive the law of piling up."""
    general = noise_steps("input", d)
    law = general[-1]
    flat, boxes = _flat(law), _boxes(law)
    beta = _beta(law)
    return Derivation(
        title=PAGE,
        abstract="Pooling averages the fluctuations of noise and signal alike, but it keeps the "
        "mean that a ReLU gives to the noise. Against a signal that pooling dilutes over $A_k^d$ "
        "pixels, this mean grows as $A_k^d$: $\\beta = d$. Linear noise does not pile up at all.",
        assumptions=(
            "filters $a \\ge 0$ of sum 1, biases $\\ge 0$; layers may differ; one active pixel at "
            "a uniform position on the torus of $L = N^d$ pixels",
            "white Gaussian noise $\\eta$, rectified once: $\\mathrm{relu}(x + \\eta)$ enters, "
            "unless said otherwise",
            "exponents and prefactors: matched noise, $L \\sigma^2 = 2$, first $L \\to \\infty$ "
            "at fixed $k$, then $k \\to \\infty$",
        ),
        steps=(
            *general, _matched(law), _noise_alone(law), _linear(), _linear_ratio(),
            flat, boxes, beta, _late(boxes),
        ),
        result={
            "G_k": law.expression.rhs,
            "beta": beta.expression.rhs,
            "G_prefactor": flat.expression.rhs,
        },
    )  # fmt: skip


def _matched(law: Step) -> Step:
    """Drop what is exponentially small: m_a = 0, v_a = sigma^2."""
    power, pixels = sp.symbols("power pixels", positive=True)
    finite = finite_noise("input", d).expression.rhs
    weak = {
        y.active_mean: 0,
        y.active_variance: y.sigma**2,
        y.mu_1: y.sigma / sp.sqrt(2 * sp.pi),
        y.v_0: y.sigma**2 * (sp.pi - 1) / (2 * sp.pi),
    }
    plain = finite.subs(weak).subs({y.sigma: sp.sqrt(2 / pixels), L: pixels, c(k, 0) ** d: power})
    endless = law.expression.rhs.subs(c(k, 0) ** d, power)
    numerator = sp.expand(sp.simplify(plain * (1 - 1 / (pixels * power)) - endless) * pixels)
    value = endless + numerator / pixels
    return Step(
        "At matched noise the whole dependence on size, up to terms of order "
        "$\\mathrm{e}^{-L/4}$.",
        sp.Eq(
            y.G(k) * (1 - 1 / (L * c(k, 0) ** d)), value.subs({pixels: L, power: c(k, 0) ** d}),
        ),
        "$m_a$ and $v_a - \\sigma^2$ carry the factor $\\mathrm{e}^{-1/(2 \\sigma^2)}$, with "
        "$\\sigma^2 = 2/L$: without them the result at any size is a rational function of $L$. "
        "The correction matters once $c_k(0)^d$ comes near $1/L$, where $h_k$ covers the torus "
        "and $Q_k$ vanishes.",
        Check("noise pooled on tori of 96, $12^2$ and $12^3$ pixels; the exact engine of the "
              "package for other networks, d = 1, 2, 3", _finite_size),
    )  # fmt: skip


def _finite_size(claim: Any) -> str:
    found = []
    for dim in DIMS:
        torus = Torus(SKEW, LARGE[dim][0], dim)
        values = {y.G: partial(_gaussian, dim), y.c: torus.correlation}
        cases = [{d: dim, L: torus.pixels, k: depth} for depth in (0, 1, 2)]
        found.append(agree(claim, cases, values, digits=11))
    for dim, size in ((1, 1024), (2, 32), (3, 12)):
        predicted = _predicted(dim, size)
        pooled = PooledPixel([([Fraction(1, 3)] * 3, 1), ([Fraction(1, 2)] * 2, 2)])
        values = {y.G: lambda at, own=predicted: own[at], y.c: pooled.correlation}
        cases = [{d: dim, L: size**dim, k: depth} for depth in (0, 1, 2)]
        found.append(agree(claim, cases, values, digits=11))
    return f"{found[0]} for each of {len(found)} networks"


@lru_cache
def _gaussian(dim: int, layer: int) -> float:
    torus = Torus(SKEW, LARGE[dim][0], dim)
    width = mpmath.sqrt(mpmath.mpf(2) / torus.pixels)
    return sum(gaussian_sensitivity(torus, layer, gaussian_moments(width, "input")))


@lru_cache
def _predicted(dim: int, size: int) -> list[float]:
    network = Network([Layer(3), Layer(2, stride=2)], dim=dim)
    return [float(value) for value in predict(network, size=size).G]


def _noise_alone(law: Step) -> Step:
    def confront(claim: Any) -> str:
        found = []
        for dim, torus in TORI.items():
            values = {y.G: partial(_rectified_alone, dim), y.c: torus.correlation}
            cases = [{d: dim, L: torus.pixels, k: depth} for depth in (0, 1, 2)]
            found.append(agree(claim, cases, values, digits=11))
        return f"{found[0]} in each of d = 1, 2, 3"

    return Step(
        "If the noise is rectified alone, $x + \\mathrm{relu}(\\eta)$, the dependence on size is "
        "simpler, and exact.",
        sp.Eq(y.G(k) * (1 - 1 / (L * c(k, 0) ** d)), law.expression.rhs),
        "active and background pixels are perturbed alike: put $m_a = \\mu_1$ and $v_a = v_0$. "
        "The infinite lattice does not tell the two kinds of noise apart, for it sees the "
        "background only.",
        Check("Gaussian moments by quadrature, noise pooled on tori", confront),
    )


@lru_cache
def _rectified_alone(dim: int, layer: int) -> float:
    width = mpmath.sqrt(mpmath.mpf(2) / TORI[dim].pixels)
    return sum(gaussian_sensitivity(TORI[dim], layer, gaussian_moments(width, "noise")))


def _linear() -> Step:
    return replace(
        finite_noise(None, d),
        statement="Noise that no ReLU rectifies has no mean: it does not pile up.",
        justification="$\\mathcal{E}_k = L \\sigma^2 (c_k(0)/S_k)^d$, divided by $Q_k$. At matched "
        "noise $G_k$ is 1 but for the finite size, at every depth.",
    )


def _linear_ratio() -> Step:
    def confront(claim: Any) -> str:
        found = []
        for dim, torus in TORI.items():
            values = {y.R: partial(_relative, dim), y.c: torus.correlation}
            found.append(agree(claim, [{k: depth} for depth in (0, 1, 2)], values))
        return f"{found[0]} in each of d = 1, 2, 3"

    return Step(
        "With matched linear noise the relative sensitivity knows neither size nor dimension.",
        sp.Eq(y.R(k), 1 - c(k, 1) / c(k, 0)),
        "in the quotient $D_k / G_k$ the signal $Q_k$ cancels, and so does $c_k(0)^{d-1}$: along "
        "the axes that the pixel does not move, displacement and noise are averaged alike. With "
        "linear noise stability is gained by averaging and nothing is paid for it; with rectified "
        "noise $R_k$ falls by the further factor $G_k \\sim A_k^d$.",
        Check("all displacements, and all outcomes of a noise of few values, pooled", confront),
    )


@lru_cache
def _relative(dim: int, layer: int) -> Fraction:
    """Divide the change by moves by that by linear noise of the same energy."""
    law, torus = LAWS[dim], TORI[dim]
    energy = torus.pixels * law.moments(None)[1]
    noise: Fraction = law.energy(torus, layer, None) * 2 / energy
    return torus.displacement(layer) / noise


def _flat(law: Step) -> Step:
    width, ratio = sp.symbols("width ratio", positive=True)
    spread = sp.expand_power_base(law.expression.rhs.subs(c(k, 0), 1 / (ratio * width)))
    value = sp.limit(sp.expand(spread / width**d), width, sp.oo)

    def confront(claim: Any) -> str:
        for dim in DIMS:
            agree(claim, [{d: dim, y.prefactor: flat_prefactor(dim)}], digits=4)
        return "to 4 digits in each of d = 1, 2, 3"

    return Step(
        "Without stride $G_k$ grows as $r A_k^d$, with the same $r$ for every filter of span 1.",
        sp.Eq(y.prefactor, value.subs(ratio**d, (sp.pi / 3) ** (d / 2))),
        "$c_k(0)$ is the chance that two independent walks of $k$ steps of variance $\\kappa_2$ "
        "end at the same site; by the local limit theorem it falls as "
        "$(4 \\pi k \\kappa_2)^{-1/2}$. As $A_k^2$ grows as $12 k \\kappa_2$, this is "
        "$\\sqrt{3/\\pi}/A_k$. Insert it and divide by $A_k^d$.",
        Check("noise pooled by boxes of 3 on large tori, extrapolated in powers of $A_k^{-2}$",
              confront),
    )  # fmt: skip


def _boxes(law: Step) -> Step:
    return Step(
        "Boxes whose length is their stride, $f = s$, where $A_k = s^k$: the law is exact at "
        "every depth, with $r = 1/(2 \\pi)$.",
        sp.Eq(y.G(k), law.expression.rhs.subs(c(k, 0), s**-k)),
        "a box of $s^k$ sites has $c_k(0) = s^{-k}$: it holds $s^k$ weights of square $s^{-2k}$.",
        Check("noise pooled by boxes on tori, extrapolated to infinite size",
              partial(on_boxes, y.G, total_noise)),
    )  # fmt: skip


def _beta(law: Step) -> Step:
    width, ratio = sp.symbols("width ratio", positive=True)
    spread = law.expression.rhs.subs(c(k, 0), 1 / (ratio * width))
    slope = sp.simplify(width * sp.diff(spread, width) / spread)

    def confront(claim: Any) -> str:
        for dim in DIMS:
            noise = [total_noise(dim, 2, at) for at in range(3)]
            growth = sp.Float((noise[2] - noise[1]) / (noise[1] - noise[0]))
            agree(claim, [{d: dim, y.beta: sp.log(growth, 2)}], digits=9)
            first, last = FLAT[dim][0][-2:]
            growth = sp.Float(flat_drift(dim, last) / flat_drift(dim, first))
            widths = sp.Rational(1 + 8 * last, 1 + 8 * first)
            agree(claim, [{d: dim, y.beta: 2 * sp.log(growth) / sp.log(widths)}], digits=2)
        return "to 9 and 2 digits in each of d = 1, 2, 3"

    return Step(
        "In both cases $G_k \\sim A_k^\\beta$ with",
        sp.Eq(y.beta, sp.limit(slope, width, sp.oo)),
        "wherever $c_k(0) A_k$ tends to a constant, the logarithmic slope of $G$ against $A$ "
        "tends to $d$: the constant part of $G$ is left behind. The mean of the noise fills the "
        "whole image, the signal one pixel. Pooling spreads this pixel over $A_k^d$ sites, its "
        "mean square falls by as much, and the mean of the noise stays. Where a stride breaks the "
        "sum rule, the filter may be so rough that $c_k(0)$ falls more slowly than $1/A_k$: then "
        "$\\beta < d$.",
        Check("boxes $f = s = 2$, noise pooled on tori, differences of successive layers; boxes "
              "of 3 without stride, two deep layers", confront),
    )  # fmt: skip


def _late(boxes: Step) -> Step:
    return Step(
        "Boxes $f = s$, the noise rectified only after layer 1, $k \\ge 1$: one layer is won.",
        sp.Eq(y.G_late(k), boxes.expression.rhs.subs(k, k - 1)),
        "layer 1 pools $\\eta$ into white noise again, of variance $\\sigma^2 / s^d$ on $L / s^d$ "
        "units, and leaves an active unit of height $s^{-d}$. In units of this height the noise "
        "has variance $s^d \\sigma^2$: it is matched once more, and the $k - 1$ layers that follow "
        "cannot tell it from noise rectified at their input. So it is if every layer rectifies "
        "and the biases vanish: only the first ReLU acts.",
        Check("layer 1 as a dense matrix, moments by quadrature at the pooled height, then pooled "
              "on tori", partial(on_boxes, y.G_late, _late_noise)),
    )  # fmt: skip


@lru_cache
def _late_noise(dim: int, length: int, layer: int) -> float:
    """Rectify Gaussian noise after layer 1, extrapolated to infinite size."""
    box = ((1,) * length, length)
    height, share = _first_layer(dim, length)
    points, rows = [], []
    for size in box_sizes(dim, length**layer):
        tail = Torus([box] * (layer - 1), size, dim)
        width = mpmath.sqrt(2 * share / (tail.pixels * length**dim))
        moments = gaussian_moments(width, "input", height)
        rows.append(pooled_squares(tail, layer - 1, moments))
        points.append(1 / tail.pixels)
    drift, spread, distance = (extrapolated(points, list(part)) for part in zip(*rows, strict=True))
    return float((drift + spread) / (distance * height**2))


def _first_layer(dim: int, length: int) -> tuple[Any, Any]:
    """Height of the active unit, and variance of a unit at unit noise; units are independent."""
    torus = Torus([((1,) * length, length)], 3 * length, dim)
    matrix = torus.features(1)
    covariance = matrix.T @ matrix
    if np.any(covariance != np.diag(np.diag(covariance))) or len(set(np.diag(covariance))) > 1:
        refute("layer 1 leaves noise that is not white")
    scale = mpmath.mpf(torus.scale(1))
    return int(matrix.max()) / scale, int(covariance[0, 0]) / scale**2


if __name__ == "__main__":
    main(derivation(), __file__)
