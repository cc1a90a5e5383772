"""Units with biases, from all outcomes of noise of few integer values."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import sympy as sp

from scaledet import symbols as y
from scaledet.algebra.precision import mpmath
from scaledet.reference.integer_noise import IntegerNoise, clean_height
from scaledet.reference.pixel import autocorrelation
from scaledet.reference.torus import Torus
from scaledet.symbolic.claims import Case
from scaledet.symbols import L, d, k, s

NOISE = ((0, 3), (1, 2), (3, 1))
"""Heights of the rectified noise of one pixel, with weights."""
LOW = ((0, 5), (2, 1))
SIGNED = ((-2, 1), (1, 2), (4, 1))
"""Noise of both signs, which the first layer rectifies."""
CENTRED = (((-2, 1), (2, 1)), ((-6, 1), (3, 2)), ((0, 2), (3, 1)))
"""Noise of mean 0 or more."""
SCHEDULES = (
    (2, 8, (0, 2, 1)),
    (2, 8, (1, 0, 3)),
    (2, 8, (2, 2, 2)),
    (3, 9, (1, 2)),
    (3, 9, (0, 5)),
    (2, 8, (0, 0, 4)),
    (2, 16, (1, 0, 2, 1)),
)
"""Inputs of a unit, pixels, and budgets that add up to less than the height of the pixel."""
TWO = ((-2, 1), (4, 1))
DEEP = (1, 2, 5, 1, 6, 2, 8, 5, 2, 7)
"""Budgets that keep pixels of height 2 between 1 and 6 where all inputs are equal."""

PLACES = ((1, 2, 4), (1, 3, 3), (1, 4, 2), (1, 5, 2), (2, 2, 3), (3, 2, 2))
"""Dimension, stride and depth of networks whose clean images are carried out."""
STRENGTHS = (Fraction(1, 100), Fraction(1, 15), Fraction(2, 13), Fraction(3, 7))


def networks(
    *trials: tuple[int, int, tuple[tuple[int, int], ...], tuple[int, ...], Sequence[int]],
) -> list[Case]:
    """Laws and moments of background units, all outcomes enumerated.

    `trials` are (dimension, stride, outcomes of the noise, budgets, layers).
    """
    cases: list[Case] = []
    for dim, stride, outcomes, budgets, layers in trials:
        noise = IntegerNoise(stride**dim, outcomes, budgets)
        values = {
            y.unit_law: noise.law,
            y.unit_mean: noise.mean,
            y.unit_variance: noise.variance,
            y.background_square: noise.square,
            y.shortfall: noise.shortfall,
            y.budget: noise.budget,
            y.peak_mean: noise.peak_mean,
            y.drive: noise.drive,
            y.weight_sum: partial(noise.generating, derivative=0),
        }
        cases += [{d: dim, s: stride, k: layer, **values} for layer in layers]
    return cases


def energy() -> list[Case]:
    """Noise of whole images with one active pixel."""
    cases: list[Case] = []
    trials = (
        *((1, 2, 16, layer, TWO) for layer in (2, 3, 4, 1, 0)),
        *((1, 2, 8, 2, SIGNED), (1, 2, 8, 1, SIGNED), (1, 3, 6, 1, SIGNED), (2, 2, 8, 1, SIGNED)),
        *((1, 4, 12, 1, TWO), (1, 5, 10, 1, TWO), (3, 2, 16, 1, TWO)),
    )
    for dim, stride, pixels, layer, outcomes in trials:
        noise = IntegerNoise(stride**dim, outcomes, (1, 1, 1, 1), height=5)
        values = {
            y.energy: partial(noise.energy, pixels),
            y.background_square: noise.square,
            y.active_square: noise.active_square,
            y.S: partial(pow, stride),
        }
        cases.append({d: dim, s: stride, k: layer, L: pixels, **values})
    return cases


def schedules() -> list[Case]:
    """Noise of whole images under several schedules, and with all budgets in the first layer."""
    cases: list[Case] = []
    for inputs, pixels, budgets in SCHEDULES:
        for outcomes, height in itertools.product(CENTRED, (7, 20)):
            noise = IntegerNoise(inputs, outcomes, budgets, height)
            values = {
                y.energy: partial(noise.energy, pixels),
                y.early_energy: partial(_early_energy, noise, pixels),
            }
            cases += [{k: layer, **values} for layer in range(1, len(budgets) + 1)]
    return cases


def _early_energy(noise: IntegerNoise, pixels: int, layer: int) -> Fraction:
    """Energy if the first layer takes off what the layers up to this one do."""
    spent = sum(noise.budget(at) for at in range(1, layer + 1))
    early = (spent, *[0] * (len(noise.budgets) - 1))
    single = IntegerNoise(noise.inputs, noise.outcomes, early, noise.height)
    return single.energy(pixels, layer)


def neighbours() -> list[Case]:
    """Covariance of two neighbouring units under noise of variance 9."""
    cases: list[Case] = []
    filters = ([1, 1], [1, 1, 1], [1, 2, 1], [1, 3, 2, 1])
    for weights, stride in itertools.product(filters, (1, 2, 3, 4)):
        torus = Torus([(weights, stride)] * 2, 4 * stride**2 * len(weights))
        shares = [Fraction(weight, sum(weights)) for weight in weights]
        values = {
            y.neighbours: partial(_covariance, torus),
            y.autocorrelation: partial(autocorrelation, shares),
        }
        cases.append({s: stride, y.sigma: 3, **values})
    return cases


def _covariance(torus: Torus, layer: int) -> Fraction:
    first, second, *_ = torus.features(layer).T
    return 9 * Fraction(int(first @ second), torus.scale(layer) ** 2)


def shares() -> list[Case]:
    """Height that biases of unequal budgets leave of a pixel of height 1 or 2."""
    budgets = [Fraction(1, 2), Fraction(1, 7), Fraction(1, 3), Fraction(3, 5)]
    return [
        {**case, y.peak: height}
        for place, height in itertools.product(PLACES, (1, 2, 3, 4))
        for case in _carried(*place, budgets, height)
    ]


def clean(budget: Callable[[Fraction, int, int], Fraction]) -> list[Case]:
    """Clean signal while it lives; `budget`(strength, inputs, layer)."""
    cases: list[Case] = []
    for (dim, stride, depth), strength in itertools.product(PLACES, STRENGTHS):
        budgets = [budget(strength, stride**dim, at) for at in range(1, depth + 1)]
        carried = _carried(dim, stride, depth, budgets, 1)
        cases += [{**case, y.strength: strength} for case in carried if case[y.signal](case[k])]
    return cases


def _carried(
    dim: int, stride: int, depth: int, budgets: Sequence[Fraction], height: int
) -> list[Case]:
    def signal(layer: int) -> Fraction:
        return clean_height(dim, stride, budgets, layer, height) / Fraction(stride) ** (dim * layer)

    values = {y.signal: signal, y.budget: lambda layer: [0, *budgets][layer]}
    return [{d: dim, s: stride, k: layer, **values} for layer in range(1, depth + 1)]


def constant(strength: Fraction, inputs: int, layer: int) -> Fraction:
    """Budget of one layer if all biases are equal."""
    return strength * Fraction(inputs) ** layer


def death() -> list[Case]:
    """First layer that equal biases leave blank, 1 % to either side of every edge."""
    cases: list[Case] = []
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
    return cases


def gain() -> list[Case]:
    """How much more a late cut leaves of two active pixels than an early one."""

    def difference(first: int, second: int, cut: int) -> int:
        image = np.array([[first, 0, 0, second]])
        late, early = (IntegerNoise(2, (), cuts).run(image, 2) for cuts in ((0, cut), (cut, 0)))
        return int((late - early).item())

    names = (y.first_height, y.second_height, y.spent)
    heights = itertools.product(range(6), range(6), range(1, 6))
    return [{**dict(zip(names, at, strict=True)), y.cut_gain: difference} for at in heights]


def critical() -> list[dict[Any, Any]]:
    """Find the critical probability of noise of two values, by bisection."""
    trials = (
        *((1, 2, 2), (1, 2, 3), (1, 2, 4), (1, 3, 1), (1, 3, 2), (1, 4, 2), (1, 5, 1)),
        *((2, 2, 1), (2, 2, 3), (3, 2, 2)),
    )
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
