"""d dimensions: tensor products factorise, so alpha stays and beta is d times that of a line."""

from __future__ import annotations

import itertools
from fractions import Fraction
from functools import cache
from typing import Any

import sympy as sp
from publish import main

from scaledet import symbols as y
from scaledet.reference.exact import number
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check, Derivation, Step
from scaledet.symbolic.routes.one_pixel_torus import OnePixel
from scaledet.symbols import L, d, k, m_1, m_2, rho, rho_drop, s

SKEW = (([1, 2, 4], 2), ([1, 3], 3))
SHORT = (([1, 2], 2), ([3, 1], 3))
BOXES = ((2, 2), (2, 3), (3, 3))
"""Length and stride of boxes whose c_k(0) is a pure power: no limit is needed to see it."""


@cache
def tori() -> tuple[OnePixel, ...]:
    """Small tori of 1, 2 and 3 dimensions, on which the filters also wrap around."""
    return (OnePixel(SKEW, 12, 1), OnePixel(SKEW, 6, 2), OnePixel(SHORT, 6, 3))


@cache
def wide() -> tuple[OnePixel, ...]:
    """Tori so wide that no filter meets itself: one pixel sees the infinite lattice."""
    return (OnePixel(SKEW, 12, 1), OnePixel(SKEW, 12, 2), OnePixel(SHORT, 6, 3))


def confronted(claim: Any, places: tuple[OnePixel, ...], *, infinite: bool) -> str:
    """Confront a claim with one-pixel images in 1, 2 and 3 dimensions."""
    found = []
    for own in places:
        values = {
            y.c: own.line.correlation,
            y.S: own.line.stride,
            y.Q: own.distance,
            y.D: lambda at, o=own: o.moved(at) / (2 * o.pixel(at) if infinite else o.distance(at)),
            y.G: lambda at, o=own: o.rectified(at, infinite=infinite),
        }
        cases = [{k: at, **own.case} for at in (0, 1, 2)]
        found.append(agree(claim, cases, values))
    return ", ".join(f"{text} for d = {own.dim}" for text, own in zip(found, places, strict=True))


SMALL = "all one-pixel images on tori of 12, 6 x 6 and 6 x 6 x 6 pixels, skew filters"
WIDE = "one-pixel images on 12, 12 x 12 and 6 x 6 x 6 pixels, which no filter wraps around"


def image_steps() -> list[Step]:
    """Return what factorises, Q_k and D_k at finite size, and D_k of the infinite lattice."""
    peak = y.c(k, 0) ** d
    factor = Step(
        "A filter that is a tensor product stays one through all layers, and so does its "
        "autocorrelation; in the plane",
        sp.Eq(y.site_correlation(k, m_1, m_2), y.c(k, m_1) * y.c(k, m_2)),
        "each layer acts along one axis after the other, with the same stride: "
        "$h_k(j_1, \\ldots, j_d) = \\prod_a h_k(j_a)$. The overlap of two pixels, averaged over "
        "the phases of the grid, is then a product of $c_k(m_a)/S_k$, one for each axis.",
        Check("overlaps of images on 12 x 12 pixels at every phase, skew filters, 25 lags",
              in_the_plane),
    )  # fmt: skip
    distance = Step(
        "Two independent images of one pixel differ by",
        sp.Eq(y.Q(k), 2 * (peak - 1 / L) / y.S(k) ** d),
        "$Q_k = 2 (E|P e_p|^2 - |E P e_p|^2)$; the first is the product of $d$ factors "
        "$c_k(0)/S_k$, and the mean image has height $1/L$ in each of the $L/S_k^d$ units.",
        Check(SMALL, lambda claim: confronted(claim, tori(), infinite=False)),
    )
    finite = (y.c(k, 0) - y.c(k, 1)) * y.c(k, 0) ** (d - 1) / (peak - 1 / L)
    sensitivity = Step(
        "A pixel moves by one site along one axis, drawn at random; the other axes only weigh "
        "the change.",
        sp.Eq(y.D(k), finite),
        "along the axis of the move $|P(e_{p+1} - e_p)|^2$ averages to $2 (c_k(0) - c_k(1))/S_k$, "
        "along every other axis the pixel keeps its $c_k(0)/S_k$. All axes being alike, drawing "
        "one changes nothing. Divide by $Q_k$.",
        Check(f"{SMALL}, and all {{2d}} moves".replace("{2d}", "$2d$"),
              lambda claim: confronted(claim, tori(), infinite=False)),
    )  # fmt: skip
    infinite = Step(
        "On the infinite lattice the dimension drops out.",
        sp.Eq(y.D(k), large(finite)),
        "this is the limit $L \\to \\infty$ of step 3: numerator and denominator share "
        "$c_k(0)^{d-1}$.",
        Check(f"{WIDE}: changes over twice the squares",
              lambda claim: confronted(claim, wide(), infinite=True)),
    )  # fmt: skip
    return [factor, distance, sensitivity, infinite]


def large(expression: Any) -> Any:
    """Limit of infinitely many pixels, by SymPy."""
    zero, one, size = sp.symbols("zero one size", positive=True)
    plain = expression.subs({y.c(k, 0): zero, y.c(k, 1): one, L: size})
    limit = sp.expand(sp.simplify(sp.limit(plain, size, sp.oo)))
    constant, rest = limit.as_independent(zero, one)
    return (sp.factor(constant) + rest).subs({zero: y.c(k, 0), one: y.c(k, 1)})


def in_the_plane(claim: Any) -> str:
    own = wide()[1]
    values = {y.c: own.line.correlation, y.site_correlation: own.correlation}
    lags = itertools.product((-2, -1, 0, 1, 3), repeat=2)
    cases = [{k: at, m_1: a, m_2: b} for a, b in lags for at in (0, 1, 2)]
    return agree(claim, cases, values)


def noise_steps() -> list[Step]:
    """Return G_k at finite size and on the infinite lattice."""
    peak = y.c(k, 0) ** d
    mean, variance = 1 / (2 * sp.pi), (sp.pi - 1) / (2 * sp.pi)
    # L sigma^2 = 2; both terms and Q_k carry 2 / S_k^d.
    finite = (mean + variance * peak) / (peak - 1 / L)
    sizes = Step(
        "Noise rectified by itself, $x + \\mathrm{relu}(\\eta)$, of the energy of a move, "
        "$L \\sigma^2 = 2$, costs at any size",
        sp.Eq(y.G(k), finite),
        "$\\mathrm{relu}(\\eta)$ has mean $\\sigma/\\sqrt{2\\pi}$ and variance "
        "$\\sigma^2 (\\pi - 1)/(2\\pi)$. Each of the $L/S_k^d$ units keeps the mean, its weights "
        "summing to 1, and takes the part $c_k(0)^d$ of the variance, the sum of its squared "
        "weights. Divide by $Q_k$.",
        Check(f"moments by quadrature, spread over all weights of all units; {SMALL}",
              lambda claim: confronted(claim, tori(), infinite=False)),
    )  # fmt: skip
    limit = Step(
        "On a large torus the noise therefore grows with the power $d$ of what it does on a line.",
        sp.Eq(y.G(k), large(finite)),
        "this is the limit $L \\to \\infty$ of step 5. It also holds for noise that is rectified "
        "with the image, $\\mathrm{relu}(x + \\eta)$: the one active pixel then differs from the "
        "others by terms that vanish with $\\sigma$.",
        Check(f"moments by quadrature, {WIDE}",
              lambda claim: confronted(claim, wide(), infinite=True)),
    )  # fmt: skip
    return [sizes, limit]


def exponent_steps() -> list[Step]:
    """Return alpha and beta in d dimensions, and the receptive field."""
    alpha = Step(
        "The exponent of stability does not depend on the dimension. With equal layers at stride "
        "$s$, $c_k(0)$ growing as $\\rho^k$ and $c_k(0) - c_k(1)$ as $\\rho_D^k$,",
        sp.Eq(y.alpha, sp.log(rho / rho_drop) / sp.log(s)),
        "$D_k \\sim (\\rho_D/\\rho)^k$ by step 4, while $A_k$ grows as $S_k = s^k$ along each "
        "axis: $D_k \\sim A_k^{-\\alpha}$.",
        Check("boxes of length $f \\le s$, whose $c_k(0)$ and $D_k$ are pure powers from layer 1 "
              "on: pooled images of layers 1 and 2 in 1, 2 and 3 dimensions; $\\rho$ and $\\rho_D$ "
              "from those of a line", by_powers),
    )  # fmt: skip
    beta = Step(
        "The exponent of noise is $d$ times that of a line.",
        sp.Eq(y.beta, -d * sp.log(rho) / sp.log(s)),
        "the growing part of $G_k$ is $1/(2\\pi\\, c_k(0)^d) \\sim \\rho^{-dk}$ by step 6. "
        "The constant beside it makes early layers look flatter than this.",
        Check("the same boxes: the part of the noise due to its mean, over $Q_k$, at layers 1 "
              "and 2", by_powers),
    )  # fmt: skip
    width = Step(
        "The receptive field $A_k$ is a width per axis.",
        sp.Eq(y.A(k) ** 2, 1 + 12 * y.filter_variance(k)),
        "summed over all other axes, the filter of $d$ dimensions is that of a line: its law has "
        "the variance $\\mathrm{Var}\\, h_k$ along every axis, and the box of equal variance is "
        "$A_k$ wide.",
        Check("covariance of the filter of one unit on 12, 12 x 12 and 6 x 6 x 6 pixels; the "
              "variance from a line", by_covariance),
    )  # fmt: skip
    volume = Step(
        "As a volume, the receptive field is therefore a cube.",
        sp.Eq(y.volume(k) ** 2, y.A(k) ** (2 * d)),
        "$V_k$ is the volume of the box with the covariance matrix of the filter, "
        "$V_k^2 = \\det(1 + 12\\, \\mathrm{Cov}\\, h_k)$; independent axes make it diagonal. Per "
        "volume both exponents are divided by $d$.",
        Check("the determinant, from all weights of one unit; the width from a line",
              by_covariance),
    )  # fmt: skip
    return [alpha, beta, width, volume]


@cache
def powers() -> list[dict[Any, Any]]:
    """Measured exponents of the boxes, from layers 1 and 2."""
    cases = []
    for length, stride in BOXES:
        for dim in (1, 2, 3):
            size = {(2, 2): 8, (2, 3): 9, (3, 3): 18}[length, stride]
            if size**dim > 800:
                continue
            own = OnePixel([([1] * length, stride)] * 2, size, dim)
            peak = [own.line.correlation(at, 0) for at in (1, 2)]
            drop = [own.line.correlation(at, 0) - own.line.correlation(at, 1) for at in (1, 2)]
            stable = [own.moved(at) / (2 * own.pixel(at)) for at in (1, 2)]
            # A mean mu in each of L / S^d units, over twice the square of one pixel.
            noisy = [1 / (own.line.stride(at) ** dim * own.pixel(at)) for at in (1, 2)]
            cases.append({
                rho: peak[1] / peak[0], rho_drop: drop[1] / drop[0], s: stride, d: dim,
                y.alpha: -log_ratio(stable) / sp.log(stride),
                y.beta: log_ratio(noisy) / sp.log(stride),
            })  # fmt: skip
    return cases


def log_ratio(pair: list[Fraction]) -> Any:
    return sp.log(number(pair[1] / pair[0]))


def by_powers(claim: Any) -> str:
    return agree(claim, powers())


def by_covariance(claim: Any) -> str:
    found = []
    for own in wide():
        line = OnePixel(own.torus.layers, own.torus.size, 1)
        cubic = isinstance(claim, sp.Eq) and claim.has(y.volume)
        values = {
            y.filter_variance: lambda at, o=line: o.covariance(at)[0, 0],
            y.A: lambda at, o=line if cubic else own: sp.sqrt(1 + 12 * o.covariance(at)[-1, -1]),
            y.volume: lambda at, o=own: sp.sqrt((sp.eye(o.dim) + 12 * o.covariance(at)).det()),
        }
        found.append(agree(claim, [{k: at, **own.case} for at in (0, 1, 2)], values))
    return ", ".join(found)


def derivation() -> Derivation:
    """Derive how the sensitivities depend on the dimension."""
    images, noise, exponents = image_steps(), noise_steps(), exponent_steps()
    return Derivation(
        title="The dimension of the image",
        abstract="Filters are tensor products, so everything about one pixel is a product over "
        "axes. Stability is that of a line, $\\alpha$ included; the sensitivity to noise is the "
        "$d$-th power, and $\\beta$ is $d$ times that of a line.",
        assumptions=(
            "the torus of $L = N^d$ pixels, filters that are tensor products of one filter "
            "$a \\ge 0$ of sum 1, the same stride along every axis; biases $\\ge 0$",
            "one active pixel, uniformly placed, moved by one site along a random axis, random "
            "sign; $c_k$ is that of one axis, of the filter wrapped around the torus where it "
            "does",
            "noise independent and Gaussian with $L \\sigma^2 = 2$",
            "exact at finite size and depth; where a limit is taken, $L \\to \\infty$ comes first, "
            "then the depth",
        ),
        steps=(*images, *noise, *exponents),
        result={
            "Q_k": images[1].expression.rhs,
            "D_k": images[2].expression.rhs,
            "G_k": noise[1].expression.rhs,
            "alpha": exponents[0].expression.rhs,
            "beta": exponents[1].expression.rhs,
        },
    )


if __name__ == "__main__":
    main(derivation(), __file__)
