"""What `derive` says: the known tables and every refusal; see also test_pages.py."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

import scaledet as sd
from scaledet import symbols as y
from scaledet.errors import Undefined
from scaledet.symbols import d, f, k
from tests.pages import derived


def test_series_of_the_symbolic_box() -> None:
    result = sd.derive(kernel="box", stride=1, order=3).result
    expected = (
        3 / ((f**2 - 1) * k)
        - 9 * (f**2 + 6) / (10 * (f**2 - 1) ** 2 * k**2)
        + 27 * (f**4 + 57 * f**2 + 106) / (350 * (f**2 - 1) ** 3 * k**3)
    )
    assert sp.simplify(result["D_k"].removeO() - expected) == 0
    assert (result["alpha"], result["beta"], result["D_prefactor"]) == (2, 1, 3)
    assert sp.simplify(result["crossover"] - (sp.pi - 1) * sp.sqrt(3 / sp.pi)) == 0
    peak = result["c_k(0)"] * sp.sqrt(sp.pi * k * (f**2 - 1) / 3)
    low = (
        1
        - 3 * (f**2 + 1) / (40 * (f**2 - 1)) / k
        - (13 * f**4 - 134 * f**2 + 13) / (4480 * (f**2 - 1) ** 2 * k**2)
    )
    rest = sp.simplify(sp.expand(peak.subs(f, 3).removeO() - low.subs(f, 3)) * k**2)
    assert sp.limit(rest, k, sp.oo) == 0


def test_order_eight() -> None:
    series = sd.derive(kernel="any", order=8).result["D_k"]
    assert series.getO() == sp.O(k**-9, (k, sp.oo))
    assert {y.kappa(2), y.kappa(16)} <= series.free_symbols


def test_closed_forms_without_stride() -> None:
    assert sd.derive(kernel=2).result["D_k"] == 1 / (k + 1)
    assert sd.derive(kernel=sd.binomial(4)).result["D_k"] == 1 / (3 * k + 1)


@pytest.mark.parametrize(
    ("kernel", "stride", "alpha", "beta"),
    [
        (2, 2, 1, 1),
        (3, 2, 0, -sp.log((5 + sp.sqrt(17)) / 18, 2)),
        (4, 2, 2, 1),
        ([1, 2, 1], 2, 2, 1),
        (6, 2, 1 - sp.log((5 + sp.sqrt(17)) / 18, 2), 1),
        (6, 3, 1 + sp.log(2, 3), 1),
        (8, 4, sp.Rational(3, 2), 1),
        ([1, 2, 0, 1, 2], 2, sp.log(3, 2), 1),
    ],
)
def test_table_of_exponents(kernel: Any, stride: int, alpha: Any, beta: Any) -> None:
    result = sd.derive(kernel=kernel, stride=stride).result
    assert abs((result["alpha"] - alpha).evalf(40)) < 1e-35
    assert abs((result["beta"] - beta).evalf(40)) < 1e-35
    nu = result["nu_R"]
    assert abs((result["alpha"] - 2 * sp.Min(1, sp.Max(0, nu))).evalf(40)) < 1e-35


def test_plateau_and_smoothness_of_box_three() -> None:
    result = sd.derive(kernel=3, stride=2).result
    assert result["plateau"] == sp.Rational(5, 4) - sp.sqrt(17) / 4
    assert result["sum_rule_order"] == 0
    assert result["T"] == sp.ImmutableMatrix([[3, 2], [2, 2]]) / 9
    assert result["peak_polynomial"] == y.x**2 - 5 * y.x / 9 + sp.Rational(2, 81)


def test_boxes_of_symbolic_stride() -> None:
    result = sd.derive(kernel="box", stride=y.s, dim=d).result
    assert (result["D_k"], result["A_k"]) == (y.s**-k, y.s**k)
    assert (result["alpha"], result["beta"]) == (1, d)
    assert sp.simplify(result["crossover"] - (sp.pi - 1) ** (1 / d)) == 0


def test_logarithm_and_oscillation_are_reported() -> None:
    log = derived("a logarithm")
    assert "logarithm" in log.abstract
    assert log.result["alpha"] == 2
    assert "D_prefactor" not in derived("an oscillation").result


def test_exact_sensitivity_far_down() -> None:
    recurrence = sd.derive(kernel=3).result["recurrence"]
    assert recurrence.has(y.c(k + 2, 0))
    exact = sd.predict(sd.Network.uniform(3, depth=2000)).exact_D[2000]
    series = sd.derive(kernel=3, order=6).result["D_k"].removeO()
    assert abs(float(exact) / float(series.subs(k, 2000)) - 1) < 1e-15


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel": "gauss"}, "kernel must be one of 'box', 'any'; got 'gauss'"),
        ({"kernel": "any", "stride": 2}, "stride must be 1 with kernel 'any'; got 2"),
        ({"kernel": 3, "stride": y.s}, "stride must be an integer unless kernel is 'box'"),
        ({"kernel": 3, "stride": 2, "order": 4}, "order must be left out with stride 2; got 4"),
        ({"kernel": "box", "stride": y.s, "order": 4}, "order must be left out with stride s"),
        ({"kernel": 3, "order": 0}, r"order must be an integer in \[1, 40\]; got 0"),
        ({"kernel": "box", "stride": -2}, "stride must be an integer >= 1; got -2"),
        ({"kernel": "box", "stride": True, "dim": 4}, r"dim must be an integer in \[1, 3\]; got 4"),
        ({"kernel": "box", "stride": 2, "rectify": "output"}, "rectify must be one of"),
        ({"kernel": 3, "dim": 4}, r"dim must be an integer in \[1, 3\]; got 4"),
        ({"kernel": 3, "rectify": "output"}, "rectify must be one of"),
        ({"kernel": 3, "rectify": "layers", "order": 2}, "order must be left out with rectify="),
        ({"kernel": "box", "stride": 3, "rectify": "layers"}, "stride must be 1 or, with kernel"),
        (
            {"net": sd.Network([sd.Layer(2, 2, 1)]), "rectify": "layers"},
            "derive with .* needs bias 0",
        ),
        ({"kernel": 1}, "kernel must have at least two non-zero weights"),
        ({"kernel": sd.Kernel([1, -1], signed=True)}, "derive needs non-negative kernels"),
        ({"net": sd.Network([sd.Layer(2)]), "dim": 2}, "dim must be left out when net is given"),
        ({"net": sd.Network([sd.Layer(2, 2, -1)])}, "derive needs bias >= 0"),
        ({"kernel": [0.1, 0.3 + 1e-14, 0.5, 0.3], "stride": 2}, "kernel must satisfy the sum rule"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sd.derive(**arguments)


def test_stride_may_be_the_length_of_the_kernel() -> None:
    for kernel in ("box", 3):
        named, number = (sd.derive(kernel=kernel, stride=stride) for stride in ("kernel", True))
        assert named.result == number.result


def test_bad_types() -> None:
    with pytest.raises(TypeError, match="net must be a Network; got 3"):
        sd.derive(3)
    with pytest.raises(TypeError, match="stride must be an integer >= 1; got 'length'"):
        sd.derive(kernel=3, stride="length")
    with pytest.raises(TypeError, match="dim must be an integer"):
        sd.derive(kernel=3, dim=sp.Symbol("d"))


def test_filters_that_hardly_smooth_are_checked_deeper_or_said_to_be_out_of_reach() -> None:
    assert len(sd.derive(kernel=[10, 1]).check())
    with pytest.raises(Undefined, match=r"has no value: .* smooths so little that 20000 layers"):
        sd.derive(kernel=[100, 1]).check()
