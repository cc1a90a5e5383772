"""The model: images, layers, sensitivities, and what they are before the first layer."""

from __future__ import annotations

import itertools
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

import mpmath
import sympy as sp
from publish import main

from scaledet import symbols as y
from scaledet.reference.noise import gaussian_sensitivity, infinite_sensitivity
from scaledet.reference.pixel_pairs import pair_energy, walks
from scaledet.reference.quadrature import gaussian_moments
from scaledet.reference.torus import Torus
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check, Derivation, Step
from scaledet.symbolic.routes.noise import LAWS, TORI, Bench, exact
from scaledet.symbolic.steps.noise import geometry_steps
from scaledet.symbolic.steps.noise_moments import rectified_moments
from scaledet.symbolic.steps.receptive_field import receptive_field
from scaledet.symbols import L, c, d, k, n, sigma

BENCH = Bench((1, 2, 3), "input")
INPUTS = {dim: Torus([([1, 2, 4], 1)], size, dim) for dim, size in ((1, 7), (2, 4), (3, 3))}
LAYER = (((1, 2, 4), 2),)


def derivation() -> Derivation:
    """Derive what follows from the model alone."""
    survival, _, peak, distance = geometry_steps(d)
    moved = _moved()
    sensitivity = _sensitivity(moved, distance)
    start, energy, pair = _start(sensitivity), _energy(), _pair()
    noise = _noise()
    half = _half(noise, distance)
    field = receptive_field()
    return Derivation(
        title="The model",
        abstract="A pooled ReLU network is linear on clean images. Its sensitivities to "
        "displacements and to noise then follow from the overlaps of pooled pixels, at any size "
        "and in any dimension.",
        assumptions=(
            "an image on the torus of $L = N^d$ pixels has one active pixel of height 1 at a "
            "uniform position: $x = e_p$",
            "layer $k$ maps $x$ to $\\mathrm{relu}(P x + b_k)$, where $P$ pools with a filter "
            "$a \\ge 0$ of sum 1 at stride $s_k$, a tensor product of $d$ equal filters, and "
            "$b_k \\ge 0$; $P_k$ denotes $k$ such poolings, $f_k$ the whole network",
            "$D_k = \\mathrm{E}|f_k(\\tau x) - f_k(x)|^2 / Q_k$, where $\\tau$ moves each active "
            "pixel by one site along a random axis, with random sign",
            "$G_k = \\mathrm{E}|f_k(x + \\eta) - f_k(x)|^2 / Q_k$, where $\\eta$ is white Gaussian "
            "noise of variance $\\sigma^2$ that is rectified when it enters",
            "$Q_k = \\mathrm{E}|f_k(x) - f_k(x')|^2$ for two independent images $x$ and $x'$",
        ),
        steps=(
            _linear(), survival, peak, distance, moved, sensitivity, _ratio(), start, energy, pair,
            noise, half, *field,
        ),
        result={
            "Q_k": distance.expression.rhs,
            "D_k": sensitivity.expression.rhs,
            "D_0": start.expression.rhs,
            "G_0": half.expression.rhs,
            "A_k": field[1].expression.rhs,
        },
    )  # fmt: skip


def _linear() -> Step:
    def confront(claim: Any) -> str:
        count = 0
        for torus in TORI.values():
            cases = [
                {k: depth, y.i: i, y.p: p}
                for depth in range(3)
                for i in range(torus.features(depth).shape[1])
                for p in range(torus.pixels)
            ]
            agree(claim, cases, _units(torus))
            count += len(cases)
        return f"exact for {count} units in d = 1, 2, 3"

    return Step(
        "On clean images the network is linear: it pools, and adds a constant.",
        sp.Eq(
            y.output(k, y.i, y.p), y.unit(k, y.i, y.p) + sp.Sum(y.bias(n), (n, 1, k)),
        ),
        "clean images are non-negative; a filter $a \\ge 0$ and a bias $b_n \\ge 0$ keep them so, "
        "and the ReLU does nothing. A constant passes through pooling unchanged, for the weights "
        "sum to one. The constant cancels in every difference: biases $\\ge 0$ change neither "
        "$D_k$ nor $Q_k$. They only lift the clean background. The same holds for any noise that "
        "has been rectified before it enters.",
        Check("ReLU networks with positive biases and skew filters on tori, unit by unit",
              confront),
    )  # fmt: skip


def _units(torus: Torus) -> dict[Any, Any]:
    return {
        y.output: torus.output,
        y.unit: lambda at, i, p: torus.output(at, i, p, real=False),
        y.bias: lambda at: Fraction(torus.biases[at - 1], torus.scale(at)),
    }


def _moved() -> Step:
    return Step(
        "The mean square of the change when the active pixel moves by one site.",
        sp.Eq(y.D(k) * y.Q(k), 2 * (c(k, 0) - c(k, 1)) * c(k, 0) ** (d - 1) / y.S(k) ** d),
        "$|P_k (e_q - e_p)|^2$ is twice the mean square of a pooled pixel less twice the overlap "
        "of two neighbours. Averaged over the position, the overlap is $c_k(1)/S_k$ on the axis "
        "of the move, as for lag 0, and $c_k(0)/S_k$ on the $d - 1$ others.",
        BENCH.dense("all pixels and all moves, carried through a network with biases"),
    )


def _sensitivity(moved: Step, distance: Step) -> Step:
    change, other = (sp.factor_terms(step.expression.rhs) for step in (moved, distance))
    return Step(
        "The sensitivity to displacements, at any depth, size and dimension.",
        sp.Eq(y.D(k), change / other),
        "it is the quotient of the last two results. On the infinite lattice it becomes "
        "$1 - c_k(1)/c_k(0)$ in every dimension.",
        BENCH.dense("all pixels, moves and pairs, carried through a network with biases"),
    )


def _ratio() -> Step:
    def confront(claim: Any) -> str:
        cases = [{k: depth} for depth in range(3)]
        found = [agree(claim, cases, _sensitivities(dim)) for dim in TORI]
        return f"{found[0]} in each of d = 1, 2, 3"

    return Step(
        "The relative sensitivity compares the change by a displacement with that by noise.",
        sp.Eq(y.R(k), y.D(k) / y.G(k)),
        "$R_k = \\mathrm{E}|f_k(\\tau x) - f_k(x)|^2 / \\mathrm{E}|f_k(x + \\eta) - f_k(x)|^2$, "
        "from which $Q_k$ cancels.",
        Check("all displacements, and all outcomes of a noise of few values", confront),
    )


@lru_cache
def _sensitivities(dim: int) -> dict[Any, Any]:
    """D_k, G_k and R_k, each from its definition."""
    torus = TORI[dim]
    moved = [torus.displacement(depth) for depth in range(3)]
    noisy = [LAWS[dim].energy(torus, depth, "input") for depth in range(3)]
    return {
        y.D: lambda at: moved[at] / torus.distance(at),
        y.G: lambda at: noisy[at] / torus.distance(at),
        y.R: lambda at: moved[at] / noisy[at],
    }


def _inputs(claim: Any) -> str:
    found = []
    for dim, torus in INPUTS.items():
        values = {y.D: partial(_displaced, torus), y.Q: torus.distance}
        found.append(agree(claim, [{d: dim, L: torus.pixels}], values))
    return f"{found[0]} in each of d = 1, 2, 3"


def _displaced(torus: Torus, layer: int) -> Fraction:
    return torus.displacement(layer) / torus.distance(layer)


def _start(sensitivity: Step) -> Step:
    value = sensitivity.expression.rhs.subs({c(k, 0): 1, c(k, 1): 0})
    return Step(
        "Before the first layer a displacement is as large as another image.",
        sp.Eq(y.D(0), sp.simplify(value)),
        "no layer means $c_0(0) = 1$ and $c_0(1) = 0$. What exceeds 1 is the chance $1/L$ that "
        "two independent images coincide.",
        Check("all pixels, moves and pairs of images", _inputs),
    )


def _energy() -> Step:
    return Step(
        "The energy of a displacement is 2. Noise is matched to it: $L \\sigma^2 = 2$.",
        sp.Eq(y.D(0) * y.Q(0), 2),
        "one pixel goes out and another lights up. Noise of the same energy has "
        "$\\mathrm{E}|\\eta|^2 = L \\sigma^2 = \\mathrm{E}|\\tau x - x|^2$.",
        Check("all pixels and moves", _inputs),
    )


def _pair() -> Step:
    def confront(claim: Any) -> str:
        count = 0
        for dim in (1, 2, 3):
            for offset in itertools.product(range(4), repeat=dim):
                if any(offset) and sum(offset) <= 3:
                    size = sp.sqrt(pair_energy(offset) / sp.Integer(50))
                    values = {y.walks: lambda steps, at=offset: walks(steps, at)}
                    agree(claim, [{d: dim, L: 50, sigma: size}], values)
                    count += 1
        return f"exact for {count} displacements in d = 1, 2, 3"

    return Step(
        "Two active pixels: noise matched to their displacement, with $\\omega_n$ the number of "
        "walks of $n$ steps from one pixel to the other.",
        sp.Eq(L * sigma**2, 4 - 2 * y.walks(1) / d + y.walks(2) / (2 * d**2)),
        "each pixel contributes 2, and the two moves interfere: if $u$ and $v$ are the changes "
        "of the two, $2\\, \\mathrm{E} \\langle u, v \\rangle$ counts coincidences. Those of one "
        "pixel's new place with the other's old one add up to $-2 \\omega_1/d$, those of both new "
        "places to $2 \\omega_2/(2d)^2$. In $d = 1$ the energy is 2 at distance 1, 9/2 at "
        "distance 2, and 4 beyond.",
        Check("all pairs of moves of two pixels on the infinite lattice", confront),
    )


def _noise() -> Step:
    first, second = (moment.subs(y.height, 1) for moment in rectified_moments())
    active = sp.expand(second - 2 * first + 1)
    energy = (L - 1) * sigma**2 / 2 + active

    def confront(claim: Any) -> str:
        found = []
        for torus in INPUTS.values():
            for width in (mpmath.mpf("0.3"), mpmath.mpf(2)):
                values = {y.G: partial(_noisy, torus, width), y.Q: torus.distance}
                cases = [{L: torus.pixels, sigma: exact(width)}]
                found.append(agree(claim, cases, values, digits=11))
        return f"to 11 digits in {len(found)} cases"

    return Step(
        "The energy of the rectified noise, for any $L$ and $\\sigma$.",
        sp.Eq(y.G(0) * y.Q(0), energy),
        "half of the noise of the $L - 1$ background pixels survives the ReLU; the active pixel "
        "changes by $\\mathrm{relu}(1 + \\sigma Z) - 1$, whose mean square is integrated above "
        "the kink at $Z = -1/\\sigma$, and is $\\mathrm{P}(Z < -1/\\sigma)$ below.",
        Check("Gaussian moments by quadrature, pixel by pixel", confront),
    )


@lru_cache
def _noisy(torus: Torus, width: Any, layer: int) -> float:
    return sum(gaussian_sensitivity(torus, layer, gaussian_moments(width, "input")))


def _half(noise: Step, distance: Step) -> Step:
    pixels = sp.Dummy(positive=True)
    energy = noise.expression.rhs.subs({sigma: sp.sqrt(2 / pixels), L: pixels})
    images = distance.expression.rhs.subs({c(k, 0): 1, y.S(k): 1, L: pixels})

    def confront(claim: Any) -> str:
        for dim in (2, 3):
            agree(claim, [{}], {y.G: partial(_unbounded, dim)}, digits=11)
        return "to 11 digits in d = 2, 3"

    return Step(
        "On a large torus the ReLU at the input lets half of the matched noise through.",
        sp.Eq(y.G(0), sp.limit(energy / images, pixels, sp.oo)),
        "almost all of the noise falls on the background, where half of it survives, an energy of "
        "1 against $Q_0 = 2$. The active pixel carries a share of order $1/L$.",
        Check("rectified noise on tori of several sizes, extrapolated to infinite size", confront),
    )


def _unbounded(dim: int, layer: int) -> float:
    return sum(infinite_sensitivity(LAYER, layer, dim, "input", (12, 18, 24)))


if __name__ == "__main__":
    main(derivation(), __file__)
