"""Laws of boxes: results against the exact engine, steps against every wrong formula."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

import scaledet as sd
from scaledet import symbols as y
from scaledet.symbolic.derivation import Derivation, Step
from scaledet.symbolic.routes.boxes import law_values
from scaledet.symbolic.steps.boxes import derive_boxes
from scaledet.symbols import d, f, k, s

PAGES = [
    (s, d, "input"),
    (s, 2, "noise"),
    (s, 1, None),
    (2, d, "input"),
    (3, 2, None),
    (4, 1, "noise"),
    (5, 3, "input"),
]


@pytest.mark.parametrize(("stride", "dim", "rectify"), PAGES)
def test_derivations_are_confirmed(stride: Any, dim: Any, rectify: str | None) -> None:
    page = derive_boxes(stride, dim, rectify)
    assert len(page.check()) == len(page.steps)
    claimed = {side for step in page.steps for side in step.expression.args}
    assert claimed >= set(page.result.values())


@pytest.mark.parametrize("step", [2, 3, 5])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_disjoint_boxes_are_what_the_exact_engine_says(step: int, dim: int) -> None:
    result = derive_boxes(s, dim, "input").result
    exact = sd.predict_exponents(kernel=step, stride=step, dim=dim)
    assert (result["alpha"], result["beta"]) == (exact.alpha, exact.beta)
    net = sd.Network.uniform(step, step, depth=2, dim=dim)
    finite = sd.predict(net, size=step**3)
    for layer in (1, 2):
        value = result["D_torus"].subs({s: step, k: layer, y.N: step**3, d: dim})
        assert sp.Rational(*finite.exact_D[layer].as_integer_ratio()) == value
        assert finite.A[layer] == pytest.approx(step**layer)
    infinite = sd.predict(net, size=None)
    for layer in (1, 2):
        known = {s: step, k: layer}
        assert infinite.D[layer] == pytest.approx(float(result["D_k"].subs(known)), rel=1e-12)
        assert infinite.G[layer] == pytest.approx(float(result["G_k"].subs(known)), rel=1e-12)


@pytest.mark.parametrize("stride", [2, 3, 4, 6])
def test_box_law_is_what_the_exact_engine_says(stride: int) -> None:
    result = derive_boxes(stride, 1, "input").result
    for length in range(2, 3 * stride + 1):
        exact = sd.predict_exponents(kernel=length, stride=stride)
        alpha = result["alpha"].subs(f, length)
        if length % stride == 0:
            part = length // stride
            beta = sd.predict_exponents(kernel=part, stride=stride).beta if part > 1 else 0
            alpha = alpha.replace(y.noise_exponent, lambda *_, value=beta: sp.sympify(value))
        assert abs(sp.N(alpha - exact.alpha, 30)) < 1e-25
        if length % stride:
            plateau = result["plateau"].replace(y.noise_exponent, lambda *_, e=exact: e.beta)
            assert abs(sp.N(plateau.subs(f, length) - exact.plateau, 30)) < 1e-25


def test_shorter_boxes_than_the_stride_stop_at_once() -> None:
    for length, stride in ((2, 3), (2, 5), (4, 5)):
        sensitivities = sd.predict(sd.Network.uniform(length, stride, depth=4), size=None).D
        assert sensitivities[1:] == pytest.approx([1 / length] * 4, rel=1e-13)


def test_linear_noise_has_no_crossover() -> None:
    assert derive_boxes(s, 1, None).result["beta"] == 0
    assert "crossover" not in derive_boxes(s, 1, None).result
    assert derive_boxes(2, 1, None).result["beta"] == 0


def test_measured_exponents_of_boxes() -> None:
    values = law_values()
    assert values[y.noise_exponent](1, 3) == 0
    with pytest.raises(ValueError, match="there is no box of length 0"):
        values[y.stability_exponent](0, 2)


def test_steps_can_be_printed() -> None:
    page: Derivation = derive_boxes(2, d, "input")
    assert isinstance(page.steps[0], Step)
    assert "bmod" in page.to_latex()
    assert "\\" not in page.to_html().split("<h2>Results</h2>")[1]
