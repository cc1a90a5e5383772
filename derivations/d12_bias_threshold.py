"""Negative biases: when the signal dies, when the noise dies, and which schedule is best."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import mpmath
import numpy as np
import sympy as sp
from publish import main

from scaledet import symbols as y
from scaledet.reference.integer_noise import IntegerNoise
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check, Derivation, Step
from scaledet.symbols import d, i, k, s

PLACES = ((1, 2, 4), (1, 3, 3), (2, 2, 3), (3, 2, 2))
"""Dimension, stride and depth of networks whose clean images are carried out."""
STRENGTHS = (Fraction(1, 100), Fraction(1, 15), Fraction(2, 13), Fraction(3, 7))
NOISE = ((0, 3), (1, 2), (3, 1))
"""Heights of the rectified noise of one pixel, with weights."""


def derivation() -> Derivation:
    """Derive both thresholds."""
    constant, proportional, budget = _constant(), _proportional(), _budget()
    death, critical = _death(), _critical()
    return Derivation(
        title="Negative biases: the death of the signal and of the noise",
        abstract="A bias takes height off the noise and off the signal. The signal has a budget "
        "of 1, in units of its own height $n^{-k}$, and dies when it is spent; equal shares of "
        "it lead to a recursion with a transition between survival and death of the noise. No "
        "schedule kills unbounded noise and spares the signal at every depth; of all ways to spend "
        "a budget, one cut in the first layer leaves the background the least noise.",
        assumptions=(
            "boxes $f = s$ in $d$ dimensions, $n = s^d$ inputs a unit; a ReLU in every layer, "
            "biases $b_k \\le 0$; one active pixel of height 1 unless said otherwise",
            "budgets $\\beta_k = n^k |b_k|$; heights $y_k = n^k X_k$ of units without the active "
            "pixel, of mean $\\bar y_k$; $u_k$ is the clean unit over it",
            "noise independent from pixel to pixel; statements for all depths are for unbounded "
            "noise such as Gaussian noise",
        ),
        steps=(
            budget, constant, death, proportional, _gain(), _peaks(), _early(), _drive(),
            _invariant(), critical,
        ),
        result={
            "u_k": constant.expression.rhs,
            "dead_layer": death.expression.rhs,
            "proportional": proportional.expression.rhs,
            "critical_probability": critical.expression.rhs,
        },
    )  # fmt: skip


def clean_height(
    dim: int, stride: int, biases: Sequence[Fraction], k: int, height: int = 1
) -> Fraction:
    """Send a clean image of one block of layer k through it, in exact rationals."""
    if not 0 <= k <= len(biases):
        raise IndexError(f"there is no layer {k}")
    zero: Any = Fraction(0)
    image: Any = np.full((stride**k,) * dim, zero, dtype=object)
    image[(-1,) * dim] = Fraction(height)
    for bias in biases[:k]:
        for axis in range(dim):
            moved = np.moveaxis(image, axis, 0)
            blocks = moved.reshape(-1, stride, *moved.shape[1:])
            image = np.moveaxis(blocks.sum(axis=1) / stride, 0, axis)
        image = np.maximum(image + bias, zero)
    return Fraction(image.ravel()[0])


def _heights(
    dim: int, stride: int, biases: Sequence[Fraction], height: int = 1
) -> Callable[[int], Fraction]:
    return lambda k: clean_height(dim, stride, biases, k, height)


def _budget() -> Step:
    def confront(claim: Any) -> str:
        shares = [Fraction(1, 2), Fraction(1, 7), Fraction(1, 3), Fraction(3, 5)]
        found = []
        for dim, stride, depth in PLACES:
            inputs = stride**dim
            for height in (1, 2):
                biases = [-share / inputs**at for at, share in enumerate(shares[:depth], start=1)]
                values = {
                    y.signal: _heights(dim, stride, biases, height),
                    y.budget: lambda at: shares[at - 1] if at > 0 else shares[10],
                }
                cases = [{d: dim, s: stride, k: at, y.peak: height} for at in range(1, depth + 1)]
                found.append(agree(claim, cases, values))
        return f"exact in {len(found)} series of layers, d = 1, 2, 3"

    return Step(
        "The signal's budget. A pixel of height $q$ that stands alone loses what the biases take "
        "off, in units of $n^{-k}$, whatever their order; the signal is $q = 1$.",
        sp.Eq(
            s ** (d * k) * y.signal(k),
            sp.Max(y.peak - sp.Sum(y.budget(i), (i, 1, k)), 0),
        ),
        "$u_k = (u_{k-1}/n - \\beta_k n^{-k})_+$, times $n^k$; once zero it stays zero. A peak of "
        "the noise as high as the signal lives as long as the signal.",
        Check("clean images carried out in rationals, layer by layer", confront),
    )  # fmt: skip


def _constant() -> Step:
    def confront(claim: Any) -> str:
        count = 0
        for dim, stride, depth in PLACES:
            for strength in STRENGTHS:
                biases = [-strength] * depth
                values = {y.signal: _heights(dim, stride, biases)}
                cases = [
                    {d: dim, s: stride, k: at, y.strength: strength}
                    for at in range(1, depth + 1) if clean_height(dim, stride, biases, at)
                ]  # fmt: skip
                if cases:
                    agree(claim, cases, values)
                    count += len(cases)
        return f"exact in {count} layers that see the pixel, d = 1, 2, 3"

    power = s ** (-d * k)
    return Step(
        "Constant bias $b_k = -\\vartheta$, as long as the signal lives.",
        sp.Eq(y.signal(k), power - y.strength * (1 - power) * s**d / (s**d - 1)),
        "the budget spent, $\\vartheta (n + n^2 + \\dots + n^k)$, is a geometric sum.",
        Check("clean images carried out in rationals, layer by layer", confront),
    )


def _death() -> Step:
    def confront(claim: Any) -> str:
        cases = []
        for dim, stride, depth in PLACES:
            inputs = stride**dim
            for at in range(1, depth + 1):
                edge = Fraction(inputs - 1, inputs * (inputs**at - 1))
                for strength in (edge * Fraction(99, 100), edge * Fraction(101, 100)):
                    biases = [-strength] * (depth + 1)
                    last = next(
                        (n for n in range(depth + 1) if not clean_height(dim, stride, biases, n)),
                        None,
                    )
                    if last is not None:
                        cases.append({d: dim, s: stride, y.strength: strength, y.dead: last})
        return agree(claim, cases) + ", 1 % to either side of every edge"

    need = 1 + (s**d - 1) / (s**d * y.strength)
    return Step(
        "It dies at a layer that depends on the strength by a logarithm: constant bias has its "
        "threshold at 0.",
        sp.Eq(y.dead, sp.ceiling(sp.log(need) / sp.log(s**d))),
        "$u_k \\le 0$ from $n^k \\ge 1 + (n - 1)/(n \\vartheta)$ on; then $Q_k = 0$ and neither "
        "$D_k$ nor $G_k$ is defined. Just before, $G_k$ may rise: the signal falls faster than the "
        "noise, unless the cuts have killed that first.",
        Check("clean images carried out in rationals until they are blank", confront),
    )


def _proportional() -> Step:
    def confront(claim: Any) -> str:
        count = 0
        for dim, stride, depth in PLACES:
            for strength in STRENGTHS:
                biases = [-strength / (stride**dim) ** at for at in range(1, depth + 1)]
                values = {y.signal: _heights(dim, stride, biases)}
                cases = [
                    {d: dim, s: stride, k: at, y.strength: strength}
                    for at in range(1, depth + 1) if at * strength < 1
                ]  # fmt: skip
                agree(claim, cases, values)
                count += len(cases)
        return f"exact in {count} layers that see the pixel, d = 1, 2, 3"

    return Step(
        "Proportional biases $b_k = -\\vartheta n^{-k}$: the signal falls linearly in units of "
        "$n^{-k}$ and dies at layer $\\lceil 1/\\vartheta \\rceil$. At depth $k$ the threshold is "
        "$\\vartheta = 1/k$.",
        sp.Eq(y.signal(k), (1 - k * y.strength) / s ** (d * k)),
        "every layer spends $\\vartheta$ of the budget of 1.",
        Check("clean images carried out in rationals, layer by layer", confront),
    )


def _gain() -> Step:
    one, two, spent = y.first_height, y.second_height, y.spent

    def confront(claim: Any) -> str:
        def gain(first: int, second: int, cut: int) -> int:
            image = np.array([[first, 0, 0, second]])
            late = IntegerNoise(2, (), (0, cut)).run(image, 2)
            early = IntegerNoise(2, (), (cut, 0)).run(image, 2)
            return int(late[0, 0] - early[0, 0])

        heights = itertools.product(range(6), range(6), range(1, 6))
        cases = [{one: a, two: b, spent: c} for a, b, c in heights]
        return agree(claim, cases, {y.cut_gain: gain})

    return Step(
        "Cut early. A bias before two units are added takes off at least as much as the same "
        "budget after it; the gain is never negative.",
        sp.Eq(
            y.cut_gain(one, two, spent),
            sp.Min(one, two, spent, sp.Max(one + two - spent, 0)),
        ),
        "four cases: which of $y_1$, $y_2$ and $y_1 + y_2$ exceed $\\beta_1$. By induction over "
        "inputs and layers, of all schedules that spend the same budget the single cut in the "
        "first layer leaves every background unit lowest, while the signal only feels the total: "
        "it minimises $\\mathrm{E} X_k^2$ at given $Q_k$.",
        Check("images of two active pixels through two layers, the bias in the first or second",
              confront),
    )  # fmt: skip


def _peaks() -> Step:
    def confront(claim: Any) -> str:
        found = []
        for dim, stride, layers, budgets in (
            (1, 2, (1, 2), (1, 1, 1)), (1, 3, (1, 2), (1, 2, 1)), (2, 2, (1,), (2, 1)),
        ):  # fmt: skip
            outcomes = NOISE if stride**dim < 3 else ((0, 3), (4, 1))
            network = IntegerNoise(stride**dim, outcomes, budgets)
            values = {
                y.unit_mean: network.mean,
                y.peak_mean: partial(_above, network),
            }
            cases = [{d: dim, s: stride, k: at} for at in layers]
            found.append(agree(claim, cases, values))
        return f"exact means in {len(found)} networks, d = 1, 2"

    return Step(
        "Peaks survive. If the signal lives for ever, $\\beta_1 + \\beta_2 + \\dots \\le 1$ and "
        "the mean of the noise stays above $\\mathrm{E}(y_0 - 1)_+$, positive for unbounded "
        "noise: then $G_k$ still grows as $A_k^d$ if the sum is below 1, and faster if it is 1. "
        "The prefactor is smaller for early cuts and may be larger for late ones, which cost the "
        "signal more than the noise.",
        sp.Ge(y.unit_mean(k), s ** (d * k) * y.peak_mean(k)),
        "the last step, repeated: a unit is at least as high as all its pixels' peaks after the "
        "whole cut, each standing alone. $\\mathrm{E} X_k$ is $n^{-k} \\bar y_k$. The noise $y_0$ "
        "of the pixels is rectified here; where it is not, the same holds from the first layer on.",
        Check("all outcomes of noise of few integer values, d = 1, 2", confront),
    )


def _above(network: IntegerNoise, k: int) -> Fraction:
    """Mean of one pixel's noise above all budgets up to layer k."""
    spent = sum(network.budget(at) for at in range(1, k + 1))
    total = sum(weight for _, weight in network.outcomes)
    gain = sum(max(value - spent, 0) * weight for value, weight in network.outcomes)
    return Fraction(gain, total)


def _early() -> Step:
    def confront(claim: Any) -> str:
        found = []
        for dim, stride, layers in ((1, 2, (1, 2, 3)), (1, 3, (1, 2)), (2, 2, (1, 2))):
            outcomes = ((-2, 1), (3, 2))
            network = IntegerNoise(stride**dim, outcomes, (2, 0, 0))
            values = {
                y.unit_mean: network.mean,
                y.unit_variance: network.variance,
                y.background_square: network.square,
            }  # fmt: skip
            cases = [{d: dim, s: stride, k: at} for at in layers]
            found.append(agree(claim, cases, values))
        return f"exact in {len(found)} networks, d = 1, 2"

    return Step(
        "One early cut: after it the mean of the noise stays, and only fluctuations average out.",
        sp.Eq(
            y.background_square(k),
            y.unit_mean(1) ** 2 / s ** (2 * d) + y.unit_variance(1) / s ** (d * (k + 1)),
        ),
        "later layers cut nothing. Against $Q_k \\propto n^{-2k}$ the noise of $L/n^k$ units grows "
        "as $n^k = A_k^d$: piling up needs no more than that, here or at $b = 0$. A deep cut makes "
        "$\\bar y_1$ exponentially small, so that this sets in late.",
        Check("noise of both signs through networks with one cut, all outcomes", confront),
    )


def _dying() -> list[tuple[int, int, IntegerNoise, tuple[int, ...]]]:
    """Networks with unit budgets, and layers whose outcomes can be enumerated."""
    low, high = ((0, 5), (2, 1)), ((0, 1), (2, 1))
    places = [(1, 2, NOISE, (0, 1)), (1, 3, low, (0, 1)), (2, 2, high, (0, 1)), (1, 2, low, (1, 2))]
    return [(dim, stride, IntegerNoise(stride**dim, noise, (1,) * 3), layers)
            for dim, stride, noise, layers in places]  # fmt: skip


def _drive() -> Step:
    def confront(claim: Any) -> str:
        found = []
        for dim, stride, network, layers in _dying():
            values = {
                y.unit_law: network.law,
                y.drive: network.drive,
            }  # fmt: skip
            found.append(agree(claim, [{d: dim, s: stride, k: at} for at in layers], values))
        return f"exact in {len(found)} networks, d = 1, 2"

    return Step(
        "Equal budgets. Let every layer take the same height off, the unit in which heights are "
        "now counted, and let the noise take integer values: one number decides its fate.",
        sp.Eq(
            y.drive(k),
            sp.Sum(((s**d - 1) * i - 1) * s ** (d * i) * y.unit_law(k, i), (i, 0, sp.oo)),
        ),
        "definition, $\\Delta_k = (n - 1)\\, \\mathrm{E}\\, y_k n^{y_k} - \\mathrm{E}\\, "
        "n^{y_k}$. The recursion $y_{k+1} = (y + \\dots + y' - 1)_+$ is that of Derrida and "
        "Retaux (2014); the number goes back to Collet, Eckmann, Glaser and Martin (1984).",
        Check("all outcomes of noise sent through networks with unit budgets", confront),
    )


def _invariant() -> Step:
    def confront(claim: Any) -> str:
        found = []
        for dim, stride, network, layers in _dying():
            values = {
                y.weight_sum: partial(network.generating, derivative=0),
                y.drive: network.drive,
            }  # fmt: skip
            found.append(agree(claim, [{d: dim, s: stride, k: at} for at in layers], values))
        return f"exact in {len(found)} networks, d = 1, 2"

    return Step(
        "Its sign never changes.",
        sp.Eq(y.drive(k + 1), y.weight_sum(k) ** (s**d - 1) * y.drive(k)),
        "with $H(z) = \\mathrm{E} z^{y_k}$ the next layer has $(H(z)^n - H(0)^n)/z + H(0)^n$; at "
        "$z = n$ the atom's share of both terms of $\\Delta$ cancels, and $H(n)^{n-1}$ is a common "
        "factor. For $\\Delta < 0$ heights stay exponentially rare and the noise dies; for "
        "$\\Delta > 0$ its mean outgrows what is taken off and survives (proved by the authors "
        "named above).",
        Check("all outcomes of noise sent through networks with unit budgets", confront),
    )


def _critical() -> Step:
    def confront(claim: Any) -> str:
        cases = [
            {d: dim, s: stride, y.peak: height, y.critical: _root(stride**dim, height)}
            for dim, stride, height in (
                (1, 2, 2), (1, 2, 3), (1, 3, 1), (1, 3, 2), (2, 2, 1), (2, 2, 3), (3, 2, 2),
            )
        ]  # fmt: skip
        return agree(claim, cases, digits=12)

    return Step(
        "The threshold for noise of two values: a unit has height $q$ with probability $p$, else "
        "0. Beyond $p_c$ the noise survives.",
        sp.Eq(y.critical, 1 / (1 + ((s**d - 1) * y.peak - 1) * s ** (d * y.peak))),
        "solve $\\Delta_0 = p ((n - 1) q - 1) n^q - (1 - p) = 0$; $n = 2$, $q = 2$ gives 1/5. A "
        "law that is not on multiples of the cut lies between its roundings down and up: this "
        "brackets the critical $\\vartheta/\\sigma$ of Gaussian noise (`bias_phases`: 0.8063 for "
        "$n = 2$ and noise that enters the first layer).",
        Check("the zero of Delta after one layer, all outcomes enumerated, by bisection in p",
              confront),
    )  # fmt: skip


def _root(inputs: int, height: int) -> Any:
    """Zero in p of the drive after one layer, from all outcomes of its inputs."""
    draws = np.array(list(itertools.product((0, 1), repeat=inputs)))
    active = draws.sum(axis=1)

    def drive(p: Any) -> Any:
        total = mpmath.mpf(0)
        for count in range(inputs + 1):
            ways = int((active == count).sum())
            after = max(count * height - 1, 0)
            term = ((inputs - 1) * after - 1) * mpmath.mpf(inputs) ** after
            total += ways * p**count * (1 - p) ** (inputs - count) * term
        return total

    with mpmath.workdps(40):
        low, high = mpmath.mpf(0), mpmath.mpf(1)
        for _ in range(120):
            middle = (low + high) / 2
            low, high = (low, middle) if drive(middle) > 0 else (middle, high)
        return sp.Float(str(low), 30)


if __name__ == "__main__":
    main(derivation(), __file__)
