"""Derive the laws of box filters: stride = length, and any length at any stride.

Sources: the boxes of Tomasini et al., arXiv:2210.01506; exact finite size and the general law (any
length) are ours.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.symbolic.claims import Dimension, Stride
from scaledet.symbolic.derivation import Derivation, Step
from scaledet.symbolic.routes.boxes import crossovers, images_check, noisy_tori, rates, tori
from scaledet.symbolic.routes.checks import against, dimensions
from scaledet.symbolic.steps.box_law import RATES, box_law_steps, growing_noise, linear_noise
from scaledet.symbolic.steps.limits import cited_limits
from scaledet.symbolic.steps.noise import noise_law
from scaledet.symbols import i, k, m, s

BOXES = ((2, 2), (3, 3), (4, 4), (5, 5))
"""Length and stride of the boxes that are tried."""
LAGS = range(-6, 18)
POOLED = "pooled one-pixel images at every grid phase, $s = 2, 3, 4, 5$"
MATCHED = "noise matched to the displacement, $L\\sigma^2 = 2$"


def derive_boxes(stride: Stride, dim: Dimension, rectify: str | None) -> Derivation:
    """Derive D_k, A_k, G_k and the exponents of equal layers of boxes.

    At the symbol s their length is the stride; at an integer >= 2 they have any length f.

    Examples
    --------
    >>> result = derive_boxes(s, 2, "input").result
    >>> result["D_k"], result["alpha"], result["beta"], result["crossover"]
    (s**(-k), 1, 2, sqrt(-1 + pi))
    """
    return _disjoint(dim, rectify) if stride == s else _any_length(int(stride), dim, rectify)


def _disjoint(dim: Dimension, rectify: str | None) -> Derivation:
    steps, named = disjoint_boxes(dim, rectify)
    return Derivation(
        title="Boxes whose length is the stride",
        abstract="Pooling boxes that do not overlap compose to one box: $D_k = 1/A_k$ at every "
        "layer, and rectified noise piles up as $A_k^d$.",
        assumptions=(
            "boxes of length $s \\ge 2$ at stride $s$, equal layers, biases $\\ge 0$",
            "one active pixel, every grid phase equally likely; infinite lattice where no $N$ "
            "appears",
            *((MATCHED,) if rectify else ()),
        ),
        steps=(*steps, *cited_limits()),
        result=named,
    )


def _any_length(stride: int, dim: Dimension, rectify: str | None) -> Derivation:
    steps = box_law_steps(stride)
    claims = {step.expression.lhs: step.expression.rhs for step in steps}
    noise = noise_law(rectify, dim)
    beta = growing_noise(stride, dim) if rectify else linear_noise(dim)
    return Derivation(
        title=f"Boxes of any length at stride {stride}",
        abstract=f"A box becomes stable if and only if {stride} divides its length; how fast, is "
        "decided by how the shorter box of length $f/s$ piles up noise.",
        assumptions=(
            f"boxes of length $f \\ge 2$ at stride $s = {stride}$, equal layers, biases $\\ge 0$",
            "infinite lattice first, then $k \\to \\infty$; one active pixel, every grid phase "
            "equally likely",
            *((MATCHED,) if rectify else ()),
        ),
        steps=(*steps, noise, beta, *cited_limits()),
        result={
            "alpha": claims[y.alpha],
            "A_k": claims[y.A(k)],
            "plateau": claims[y.plateau],
            "G_k": noise.expression.rhs,
            "beta": beta.expression.rhs,
        },
    )


def disjoint_boxes(dim: Dimension, rectify: str | None) -> tuple[tuple[Step, ...], dict[str, Any]]:
    """Derive all laws of boxes whose length is the stride; name the results."""
    law = noise_law(rectify, dim)
    steps, named = _clean(dim)
    noise, named_noise = _noisy(law, dim, rectify)
    return (*steps, law, *noise), {**named, **named_noise}


def _clean(dim: Dimension) -> tuple[tuple[Step, ...], dict[str, Any]]:
    """Derive h_k, c_k, A_k, D_k, alpha, and D_k on the torus; name the results."""
    size = s**k
    overlap = sp.summation(size**-2, (i, 1, sp.Max(0, size - sp.Abs(m))))
    variance = sp.summation(s ** (2 * i) * (s**2 - 1) / 12, (i, 0, k - 1))
    width = sp.simplify(sp.sqrt(1 + 12 * variance))
    drop = sp.simplify(1 - overlap.subs(m, 1) / overlap.subs(m, 0))
    drop = sp.simplify(drop.subs(sp.Max(0, size - 1), size - 1).subs(sp.Max(0, size), size))
    steps = (
        Step(
            "The composite filter is a box as well.",
            sp.Eq(y.h(k, m), sp.Piecewise((1 / size, (m >= 0) & (m < size)), (0, True))),
            "$h_k(z) = \\prod_{i < k} (1 + z^{s^i} + \\dots + z^{(s-1) s^i})/s$: expanding the "
            "product writes every $m$ with $0 \\le m < s^k$ once, by its digits in base $s$.",
            images_check(BOXES, POOLED, LAGS),
        ),
        Step(
            "Two boxes at distance $m$ share all sites but $|m|$.",
            sp.Eq(y.c(k, m), overlap),
            "$c_k(m) = \\sum_j h_k(j) h_k(j + m)$, and each shared site contributes $s^{-2k}$.",
            images_check(BOXES, POOLED, LAGS),
        ),
        Step(
            "The effective receptive field is the side of the box.",
            sp.Eq(y.A(k), width),
            "a uniform digit has the variance $(s^2 - 1)/12$, digits are independent, and digit "
            "$i$ counts $s^i$: a geometric sum.",
            images_check(BOXES, f"variance of the filter read off pooled images: {POOLED}"),
        ),
        Step(
            "The sensitivity to displacements: a move takes the pixel across one boundary in "
            "$s^k$ moves.",
            sp.Eq(y.D(k), drop),
            "$D_k = 1 - c_k(1)/c_k(0)$, in any dimension: $c_k(0)^{d-1}$ cancels.",
            images_check(BOXES, f"differences of pooled images: {POOLED}"),
        ),
        Step(
            "So the product of both is constant: a power law with prefactor one, exact at every "
            "layer.",
            sp.Eq(y.D(k) * y.A(k), sp.simplify(drop * width)),
            "an identity in $s$ and $k$: $\\alpha = 1$ without corrections. Compare smoothing "
            "filters, with $\\alpha = 2$: the box has jumps, and a jump costs one power.",
            images_check(BOXES, POOLED),
        ),
        Step(
            "The exponent of stability.",
            sp.Eq(y.alpha, sp.simplify(-sp.log(drop) / sp.log(width))),
            "the previous step, read as a power law: $-\\log D_k / \\log A_k$ at every layer.",
            against(f"{RATES}, at strides 2, 3 and 4", partial(rates, BOXES, (1,))),
        ),
        Step(
            f"On the torus of $N^{dim}$ pixels, as long as $s^k < N$:",
            sp.Eq(y.D(k), drop / (1 - (size / y.N) ** dim)),
            "$h_k$ does not wrap around. Averaged over all pairs of pixels the overlap of two "
            "images is not 0 but that of their means, which turns $c_k(0)^d = s^{-kd}$ into "
            "$s^{-kd} - N^{-d}$ in the denominator.",
            against(
                "all moves and all pairs of pixels on small tori, networks run layer by layer",
                partial(tori, dim),
                few={k: "deeper networks need tori of more than 1000 pixels"} if dim == 3 else {},
            ),
        ),
    )
    names = ("h_k", "c_k(m)", "A_k", "D_k", "D_prefactor", "alpha", "D_torus")
    return steps, {name: step.expression.rhs for name, step in zip(names, steps, strict=True)}


def _noisy(
    law: Step, dim: Dimension, rectify: str | None
) -> tuple[tuple[Step, ...], dict[str, Any]]:
    """Derive G_k, beta, the prefactor and the crossover from the law of noise; name the results."""
    value = sp.expand_power_base(law.expression.rhs.subs(y.c(k, 0), s**-k))
    if rectify is None:
        return (linear_noise(dim),), {"G_k": value, "beta": sp.Integer(0)}
    constant = value.as_independent(s, as_Add=True)[0]
    prefactor = sp.simplify((value - constant) / s ** (k * dim))
    scale = sp.solve(sp.Eq(prefactor * sp.Dummy(positive=True), constant))[0]
    noise_check = against(
        "noise pooled on tori of several sizes, extrapolated to infinite size; $s = 2, 3, 4, 5$",
        partial(noisy_tori, dim, rectify),
        digits=11,
    )
    steps = (
        Step(
            "The sensitivity to noise, at every layer.",
            sp.Eq(y.G(k), value),
            "insert $c_k(0) = s^{-k}$ into the previous step.",
            noise_check,
        ),
        Step(
            "The part that piles up is a pure power of $A_k$, with a small prefactor.",
            sp.Eq((y.G(k) - constant) / y.A(k) ** dim, prefactor),
            "$A_k = s^k$; the constant is what the fluctuations of the noise leave.",
            noise_check,
        ),
        Step(
            "The exponent of noise.",
            sp.Eq(y.beta, sp.sympify(dim)),
            "the part that grows is a power of $A_k$, exactly.",
            against(f"{RATES}, at strides 2 to 5", partial(rates, BOXES, dimensions(dim))),
        ),
        Step(
            "Both parts are equal at the crossover scale: below it a fit reads too small a "
            "$\\beta$.",
            sp.Eq(y.crossover, scale ** (1 / sp.sympify(dim))),
            "solve $A_*^d/(2\\pi) = (\\pi - 1)/(2\\pi)$.",
            against(
                "the power law through the pooled mean of the noise at two layers, on tori",
                partial(crossovers, dim, rectify),
                digits=10,
            ),
        ),
    )
    beta, crossover = (step.expression.rhs for step in steps[2:])
    named = {"G_k": value, "beta": beta, "G_prefactor": prefactor, "crossover": crossover}
    return steps, named
