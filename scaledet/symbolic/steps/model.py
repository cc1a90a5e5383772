"""Consequences of the model alone: linearity, D_k at any size, the input, receptive fields."""

from __future__ import annotations

from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.symbolic.derivation import Step
from scaledet.symbolic.routes import model as routes
from scaledet.symbolic.routes.checks import against
from scaledet.symbolic.routes.noise import Bench
from scaledet.symbolic.steps.noise import rectified_moments
from scaledet.symbols import L, c, d, f, j, k, n, s, sigma

PAGE = "The model"
"""Title of the page of these steps."""
BENCH = Bench((2, 3, 1), "input")
"""In one dimension a power of d - 1 says nothing: it comes last."""


def linearity() -> Step:
    """Derive that the network is linear on clean images."""
    return Step(
        "On clean images the network is linear: it pools, and adds a constant.",
        sp.Eq(y.output(k, y.i, y.p), y.unit(k, y.i, y.p) + sp.Sum(y.bias(n), (n, 1, k))),
        "clean images are non-negative; a filter $a \\ge 0$ and a bias $b_n \\ge 0$ keep them so, "
        "and the ReLU does nothing. A constant passes through pooling unchanged, for the weights "
        "sum to one. The constant cancels in every difference: biases $\\ge 0$ change neither "
        "$D_k$ nor $Q_k$. They only lift the clean background. The same holds for any noise that "
        "has been rectified before it enters.",
        against(
            "ReLU networks with positive biases and skew filters on tori, unit by unit",
            routes.units,
        ),
    )


def displacement() -> Step:
    """Derive the numerator of D_k."""
    return Step(
        "The mean square of the change when the active pixel moves by one site.",
        sp.Eq(y.D(k) * y.Q(k), 2 * (c(k, 0) - c(k, 1)) * c(k, 0) ** (d - 1) / y.S(k) ** d),
        "$|P_k (e_q - e_p)|^2$ is twice the mean square of a pooled pixel less twice the overlap "
        "of two neighbours. Averaged over the position, the overlap is $c_k(1)/S_k$ on the axis "
        "of the move, as for lag 0, and $c_k(0)/S_k$ on the $d - 1$ others.",
        BENCH.dense("all pixels and all moves, carried through a network with biases"),
    )


def sensitivity(change: Step, distance: Step) -> Step:
    """Derive D_k from the mean squares of a move and of the distance of two images."""
    numerator, denominator = (sp.factor_terms(step.expression.rhs) for step in (change, distance))
    return Step(
        "The sensitivity to displacements, at any depth, size and dimension.",
        sp.Eq(y.D(k), numerator / denominator),
        "it is the quotient of the last two results. On the infinite lattice it becomes "
        "$1 - c_k(1)/c_k(0)$ in every dimension.",
        BENCH.dense("all pixels, moves and pairs, carried through a network with biases"),
    )


def sensitivity_ratio() -> Step:
    """State R_k = D_k / G_k."""
    return Step(
        "The relative sensitivity compares the change by a displacement with that by noise.",
        sp.Eq(y.R(k), y.D(k) / y.G(k)),
        "$R_k = \\mathrm{E}|f_k(\\tau x) - f_k(x)|^2 / \\mathrm{E}|f_k(x + \\eta) - f_k(x)|^2$, "
        "from which $Q_k$ cancels.",
        against(
            "all displacements, and all outcomes of a noise of few values",
            routes.sensitivities,
        ),
    )


def input_steps(general: Step) -> tuple[Step, Step]:
    """Derive D_0, from D_k at any depth, and the energy of a displacement."""
    value = general.expression.rhs.subs({c(k, 0): 1, c(k, 1): 0})
    start = Step(
        "Before the first layer a displacement is as large as another image.",
        sp.Eq(y.D(0), sp.simplify(value)),
        "no layer means $c_0(0) = 1$ and $c_0(1) = 0$. What exceeds 1 is the chance $1/L$ that "
        "two independent images coincide.",
        against("all pixels, moves and pairs of images", routes.IMAGES),
    )
    energy = Step(
        "The energy of a displacement is 2. Noise is matched to it: $L \\sigma^2 = 2$.",
        sp.Eq(y.D(0) * y.Q(0), 2),
        "one pixel goes out and another lights up. Noise of the same energy has "
        "$\\mathrm{E}|\\eta|^2 = L \\sigma^2 = \\mathrm{E}|\\tau x - x|^2$.",
        against("all pixels and moves", routes.IMAGES),
    )
    return start, energy


def pair_energy() -> Step:
    """Derive the strength of the noise that is matched to the moves of two pixels."""
    return Step(
        "Two active pixels: noise matched to their displacement, with $\\omega_n$ the number of "
        "walks of $n$ steps from one pixel to the other.",
        sp.Eq(L * sigma**2, 4 - 2 * y.walks(1) / d + y.walks(2) / (2 * d**2)),
        "each pixel contributes 2, and the two moves interfere: if $u$ and $v$ are the changes "
        "of the two, $2\\, \\mathrm{E} \\langle u, v \\rangle$ counts coincidences. Those of one "
        "pixel's new place with the other's old one add up to $-2 \\omega_1/d$, those of both new "
        "places to $2 \\omega_2/(2d)^2$. In $d = 1$ the energy is 2 at distance 1, 9/2 at "
        "distance 2, and 4 beyond; in the plane it is 3 for neighbours, 17/4 across a diagonal, "
        "33/8 two sites along an axis, and 4 elsewhere.",
        against(
            "all pairs of moves of two pixels, on tori that they do not wrap around",
            routes.pair_moves,
        ),
    )


def input_noise(distance: Step) -> tuple[Step, Step]:
    """Derive the energy of the rectified noise, and G_0 on a large torus from it and from Q_k."""
    first, second = (moment.subs(y.height, 1) for moment in rectified_moments())
    energy = (L - 1) * sigma**2 / 2 + sp.expand(second - 2 * first + 1)
    noise = Step(
        "The energy of the rectified noise, for any $L$ and $\\sigma$.",
        sp.Eq(y.G(0) * y.Q(0), energy),
        "half of the noise of the $L - 1$ background pixels survives the ReLU; the active pixel "
        "changes by $\\mathrm{relu}(1 + \\sigma Z) - 1$, whose mean square is integrated above "
        "the kink at $Z = -1/\\sigma$, and is $\\mathrm{P}(Z < -1/\\sigma)$ below.",
        against("Gaussian moments by quadrature, pixel by pixel", routes.NOISY_INPUT, digits=11),
    )
    pixels = sp.Dummy(positive=True)
    matched = energy.subs({sigma: sp.sqrt(2 / pixels), L: pixels})
    images: Any = distance.expression.rhs.subs({c(k, 0): 1, y.S(k): 1, L: pixels})
    half = Step(
        "On a large torus the ReLU at the input lets half of the matched noise through.",
        sp.Eq(y.G(0), sp.limit(matched / images, pixels, sp.oo)),
        "almost all of the noise falls on the background, where half of it survives, an energy of "
        "1 against $Q_0 = 2$. The active pixel carries a share of order $1/L$.",
        against(
            "rectified noise on tori of several sizes, extrapolated to infinite size",
            routes.NOISY_LARGE_INPUT,
            digits=11,
        ),
    )
    return noise, half


def receptive_field() -> tuple[Step, Step, Step]:
    """Derive the variance of a box, what A_k is, and that variances of layers add up."""
    mean = sp.summation(j, (j, 0, f - 1)) / f
    variance = sp.together(sp.expand(sp.summation(j**2, (j, 0, f - 1)) / f - mean**2))
    box = Step(
        "How far does a unit see? Read the filter as a probability law: a box of $f$ sites has "
        "the variance",
        sp.Eq(y.spread(1), variance),
        "the first two moments of the uniform law on $0, \\ldots, f - 1$ are sums of integers and "
        "of squares.",
        against("filters of one layer, read off pooled images", routes.boxes),
    )
    width = Step(
        "The effective receptive field $A_k$ is the width of the box of equal variance.",
        sp.Eq(y.A(k), sp.sqrt(1 + 12 * y.spread(k))),
        "this solves $\\mathrm{Var}(h_k) = (A_k^2 - 1)/12$. Unlike the support it does not "
        "count tails that carry no weight.",
        against(
            "networks whose composite filter is a box: the sites that one unit sees",
            routes.disjoint_boxes,
        ),
    )
    additive = Step(
        "Equal layers of variance $\\kappa_2$ and stride $s$ add up.",
        sp.Eq(y.spread(k), y.kappa(2) * sp.Sum(s ** (2 * n - 2), (n, 1, k))),
        "the composite filter is a convolution, the law of a sum of independent steps: the step "
        "of layer $n$ is read on a grid of spacing $S_{n-1} = s^{n-1}$.",
        against("pooled images, a skew filter at strides 1, 2, 3 and 4", routes.equal_layers),
    )
    return box, width, additive
