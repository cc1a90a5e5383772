"""Confront claims on units with biases with all outcomes of noise of few integer values."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from scaledet import symbols as y
from scaledet.reference.integer_noise import IntegerNoise, clean_height
from scaledet.reference.pixel import autocorrelation
from scaledet.reference.torus import Torus
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check
from scaledet.symbols import L, d, k, m, s

NOISE = ((0, 3), (1, 2), (3, 1))
"""Heights of the rectified noise of one pixel, with weights."""
LOW = ((0, 5), (2, 1))
SIGNED = ((-2, 1), (1, 2), (4, 1))
"""Noise of both signs, which the first layer rectifies."""

PLACES = ((1, 2, 4), (1, 3, 3), (2, 2, 3), (3, 2, 2))
"""Dimension, stride and depth of networks whose clean images are carried out."""
STRENGTHS = (Fraction(1, 100), Fraction(1, 15), Fraction(2, 13), Fraction(3, 7))

Outcomes = tuple[tuple[int, int], ...]
Trial = tuple[int, int, IntegerNoise, Sequence[int]]
"""Dimension, stride, network, and the layers at which a claim is tried."""
Values = dict[Any, Callable[..., Any]]


def networks(
    *trials: tuple[int, int, Outcomes, tuple[int, ...], Sequence[int]],
) -> tuple[Trial, ...]:
    """Make networks from (dimension, stride, outcomes of the noise, budgets, layers)."""
    return tuple(
        (dim, stride, IntegerNoise(stride**dim, outcomes, budgets), layers)
        for dim, stride, outcomes, budgets, layers in trials
    )


def outcomes_check(
    route: str, trials: Sequence[Trial], heights: Sequence[int] | None = None
) -> Check:
    """Check laws and moments of background units, the laws at these heights."""
    points = [{}] if heights is None else [{m: height} for height in heights]

    def confront(claim: Any) -> str:
        evidence = []
        for dim, stride, network, layers in trials:
            cases = [{d: dim, s: stride, k: at, **point} for at in layers for point in points]
            evidence.append(agree(claim, cases, _values(network)))
        dims = sorted({dim for dim, *_ in trials})
        return f"{evidence[0]}, {len(trials)} networks with d = {', '.join(map(str, dims))}"

    return Check(route, confront)


def _values(network: IntegerNoise) -> Values:
    return {
        y.unit_law: network.law,
        y.unit_mean: network.mean,
        y.unit_variance: network.variance,
        y.background_square: network.square,
        y.shortfall: network.shortfall,
        y.budget: network.budget,
        y.peak_mean: network.peak_mean,
        y.drive: network.drive,
        y.weight_sum: partial(network.generating, derivative=0),
    }


def energy(claim: Any) -> str:
    """Confront the noise of whole images with one active pixel."""
    trials = ((1, 2, 8, 2), (1, 2, 8, 1), (1, 3, 6, 1), (2, 2, 8, 1))
    for dim, stride, pixels, layer in trials:
        network = IntegerNoise(stride**dim, SIGNED, (1, 1, 1), height=5)
        values: Values = {
            y.energy: partial(network.energy, pixels),
            y.background_square: network.square,
            y.active_square: network.active_square,
            y.S: partial(pow, stride),
        }
        agree(claim, [{d: dim, s: stride, k: layer, L: pixels}], values)
    return f"exact for {len(trials)} tori with d = 1, 2"


def neighbours(claim: Any) -> str:
    """Confront the covariance of two neighbouring units under noise of variance 9."""
    trials = list(itertools.product(([1, 1], [1, 1, 1], [1, 2, 1], [1, 3, 2, 1]), (1, 2, 3)))
    for weights, stride in trials:
        torus = Torus([(weights, stride)] * 2, 4 * stride**2 * len(weights))
        shares = [Fraction(weight, sum(weights)) for weight in weights]
        values: Values = {
            y.neighbours: partial(_covariance, torus),
            y.autocorrelation: partial(autocorrelation, shares),
        }
        agree(claim, [{s: stride, y.sigma: 3}], values)
    return f"exact for {len(trials)} filters and strides, 0 exactly where they do not overlap"


def _covariance(torus: Torus, layer: int) -> Fraction:
    first, second, *_ = torus.features(layer).T
    return 9 * Fraction(int(first @ second), torus.scale(layer) ** 2)


def shares(claim: Any) -> str:
    """Confront the height that biases of unequal budgets leave of a pixel."""
    budgets = [Fraction(1, 2), Fraction(1, 7), Fraction(1, 3), Fraction(3, 5)]
    trials = list(itertools.product(PLACES, (1, 2)))
    for (dim, stride, depth), height in trials:
        cases = [{d: dim, s: stride, k: at, y.peak: height} for at in range(1, depth + 1)]
        agree(claim, cases, _clean(dim, stride, budgets, height))
    return f"exact in {len(trials)} series of layers, d = 1, 2, 3"


def clean(budget: Callable[[Fraction, int, int], Fraction], claim: Any) -> str:
    """Confront the clean signal while it lives; `budget`(strength, inputs, layer)."""
    count = 0
    for (dim, stride, depth), strength in itertools.product(PLACES, STRENGTHS):
        budgets = [budget(strength, stride**dim, at) for at in range(1, depth + 1)]
        values = _clean(dim, stride, budgets, 1)
        layers = [at for at in range(1, depth + 1) if values[y.signal](at)]
        cases = [{d: dim, s: stride, k: at, y.strength: strength} for at in layers]
        if cases:
            agree(claim, cases, values)
            count += len(cases)
    return f"exact in {count} layers that see the pixel, d = 1, 2, 3"


def _clean(dim: int, stride: int, budgets: Sequence[Fraction], height: int) -> Values:
    def signal(layer: int) -> Fraction:
        return clean_height(dim, stride, budgets, layer, height) / Fraction(stride) ** (dim * layer)

    return {y.signal: signal, y.budget: lambda layer: [0, *budgets][layer]}


def constant(strength: Fraction, inputs: int, layer: int) -> Fraction:
    """Budget of one layer if all biases are equal."""
    return strength * Fraction(inputs) ** layer


def death(claim: Any) -> str:
    """Confront the first layer that equal biases leave blank, to either side of every edge."""
    cases = []
    for dim, stride, depth in PLACES:
        inputs = stride**dim
        edges = [Fraction(inputs - 1, inputs * (inputs**at - 1)) for at in range(1, depth + 1)]
        for edge, side in itertools.product(edges, (99, 101)):
            strength = edge * Fraction(side, 100)
            budgets = [constant(strength, inputs, at) for at in range(1, depth + 2)]
            layers = range(depth + 1)
            blank = [at for at in layers if not clean_height(dim, stride, budgets, at)]
            if blank:
                cases.append({d: dim, s: stride, y.strength: strength, y.dead: blank[0]})
    return agree(claim, cases) + ", 1 % to either side of every edge"


def gain(claim: Any) -> str:
    """Confront how much more a late cut leaves of two active pixels than an early one."""

    def difference(first: int, second: int, cut: int) -> int:
        image = np.array([[first, 0, 0, second]])
        late, early = (IntegerNoise(2, (), cuts).run(image, 2) for cuts in ((0, cut), (cut, 0)))
        return int((late - early).item())

    heights = itertools.product(range(6), range(6), range(1, 6))
    cases = [{y.first_height: a, y.second_height: b, y.spent: cut} for a, b, cut in heights]
    return agree(claim, cases, {y.cut_gain: difference})


def critical() -> list[dict[Any, Any]]:
    """Find the critical probability of noise of two values, by bisection."""
    trials = ((1, 2, 2), (1, 2, 3), (1, 3, 1), (1, 3, 2), (2, 2, 1), (2, 2, 3), (3, 2, 2))
    return [
        {d: dim, s: stride, y.peak: height, y.critical: _root(stride**dim, height)}
        for dim, stride, height in trials
    ]


def _root(inputs: int, height: int) -> Any:
    """Zero in p of the drive after one layer, from all outcomes of its inputs."""
    active = [sum(draw) for draw in itertools.product((0, 1), repeat=inputs)]

    def drive(p: Any) -> Any:
        total = mpmath.mpf(0)
        for count in range(inputs + 1):
            after = max(count * height - 1, 0)
            term = ((inputs - 1) * after - 1) * mpmath.mpf(inputs) ** after
            total += active.count(count) * p**count * (1 - p) ** (inputs - count) * term
        return total

    with mpmath.workdps(40):
        root = mpmath.findroot(drive, (0, 1), solver="bisect", maxsteps=150)
        return sp.Float(str(root), 30)
