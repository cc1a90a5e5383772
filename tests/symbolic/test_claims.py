"""Claims are confronted with numbers, exactly where possible."""

from __future__ import annotations

from fractions import Fraction

import flint
import pytest
import sympy as sp

from scaledet import symbols as y
from scaledet.errors import DerivationError, Undefined
from scaledet.reference.exact import number
from scaledet.symbolic.claims import agree, same
from scaledet.symbols import d, k, m, n, s, x

VALUES = {y.c: lambda layer, lag: Fraction(10 * layer + lag, 7)}


def test_functions_take_their_values_from_outside() -> None:
    claim = sp.Eq(y.c(k + 1, m) - y.c(k, m), sp.Rational(10, 7))
    assert agree(claim, [{k: 1, m: 0}, {k: 5, m: -3}], VALUES) == "exact in 2 cases"


def test_a_case_may_hold_its_functions() -> None:
    claim = sp.Eq(y.c(k, 0), k)
    cases = [{k: 2, y.c: lambda layer, lag: layer + lag}, {k: 3}]
    assert agree(claim, cases[:1], VALUES) == "exact in 1 case"
    with pytest.raises(DerivationError, match="fails at k = 3: 30/7 against 3"):
        agree(claim, cases, VALUES)


def test_branches_that_do_not_apply_need_no_value() -> None:
    halves = sp.Piecewise((y.c(k / 2, 0), sp.Eq(sp.Mod(k, 2), 0)), (0, True))
    assert agree(sp.Eq(x, halves), [{k: 3, x: 0}, {k: 14, x: 10}], VALUES) == "exact in 2 cases"


def test_sums_over_all_integers_run_to_the_reach() -> None:
    inside = sp.Function("inside")
    values = {inside: lambda at: int(abs(at) <= 7)}
    claim = sp.Eq(sp.Sum(inside(n), (n, -sp.oo, sp.oo)), 15)
    assert agree(claim, [{}], values) == "exact in 1 case"
    with pytest.raises(DerivationError, match="11 against 15"):
        agree(claim, [{}], values, reach=5)


def test_nested_sums_and_products() -> None:
    inner = sp.Sum(n * m, (n, 1, m), (m, 1, k))
    assert agree(sp.Eq(inner, sp.Sum(m**2 * (m + 1) / 2, (m, 1, k))), [{k: 4}])
    assert agree(sp.Eq(sp.Product(n, (n, 1, k)), sp.factorial(k)), [{k: 5}])


def test_matrices_are_compared_entry_by_entry() -> None:
    claim = sp.Eq(sp.Matrix([[k, 2]]) * 2, sp.Matrix([[2 * k, 4]]), evaluate=False)
    assert agree(claim, [{k: 3}])
    with pytest.raises(DerivationError, match="fails"):
        agree(sp.Eq(sp.Matrix([[k, 2]]), sp.Matrix([[k, 3]]), evaluate=False), [{k: 3}])
    with pytest.raises(DerivationError, match="different shapes"):
        agree(sp.Eq(sp.Matrix([[k]]), sp.Matrix([[k, 3]]), evaluate=False), [{k: 3}])


def test_irrational_numbers_to_the_digits_asked_for() -> None:
    claim = sp.Eq(sp.sqrt(2) * x, 2)
    assert agree(claim, [{x: sp.sqrt(2)}]) == "exact in 1 case"
    assert agree(sp.Eq(sp.pi * x, x**2), [{x: sp.pi}]) == "to 25 digits in 1 case"
    near = sp.pi + sp.Rational(1, 10**20)
    with pytest.raises(DerivationError, match="fails"):
        agree(sp.Eq(x, sp.pi), [{x: near}])
    assert agree(sp.Eq(x, sp.pi), [{x: near}], digits=15)


def test_inequalities_and_their_tightness() -> None:
    claim = sp.Ge(s, 2)
    assert agree(claim, [{s: 2}, {s: 5}], tight=True) == "exact in 2 cases, attained"
    assert agree(claim, [{s: 5}]) == "exact in 1 case"
    with pytest.raises(DerivationError, match="attained in none"):
        agree(claim, [{s: 5}], tight=True)
    with pytest.raises(DerivationError, match="1 against 2"):
        agree(claim, [{s: 1}])
    with pytest.raises(DerivationError, match="2 against 2"):
        agree(sp.Gt(s, 2), [{s: 2}])
    assert agree(sp.Lt(s, 2), [{s: 1}])
    with pytest.raises(DerivationError, match="3 against 2"):
        agree(sp.Le(s, 2), [{s: 3}])


def test_what_cannot_be_decided_is_refuted() -> None:
    with pytest.raises(DerivationError, match="undecided"):
        agree(sp.Eq(k, m), [{k: 1}])
    with pytest.raises(DerivationError, match="no equation"):
        agree(sp.true, [{}])
    with pytest.raises(DerivationError, match="confronted with nothing"):
        agree(sp.Eq(k, 1), [])
    with pytest.raises(DerivationError, match="not integers"):
        agree(sp.Eq(y.c(k / 2, m), 0), [{k: 1, m: 0}], VALUES)
    with pytest.raises(DerivationError, match="not both finite"):
        agree(sp.Eq(1 / x, 3), [{x: 0}])


def three_layers(layer: int, lag: int) -> Fraction:
    if layer > 3:
        raise IndexError("no such layer")
    return Fraction(layer, 1 + lag)


def test_a_claim_without_a_value_is_undefined() -> None:
    values = {y.c: three_layers}
    claim = sp.Eq(y.c(k + 1, 0), k + 1)
    assert agree(claim, [{k: 1}, {k: 2}], values) == "exact in 2 cases"
    with pytest.raises(Undefined, match="undefined at k = 3: no such layer"):
        agree(claim, [{k: 3}, {k: 2}], values)
    with pytest.raises(DerivationError, match="fails at k = 2") as caught:
        agree(sp.Eq(y.c(k + 1, 0), k), [{k: 3}, {k: 2}], values)
    assert not isinstance(caught.value, Undefined)


def test_no_reference_has_layers_below_zero() -> None:
    with pytest.raises(DerivationError, match="there is no layer -1") as caught:
        agree(sp.Eq(y.c(-k, 0), 0), [{k: 1}], {y.c: three_layers})
    assert not isinstance(caught.value, Undefined)
    assert agree(sp.Eq(y.c(k + 9, 0) ** (d - 1), 1), [{k: 1, d: 1}], {y.c: three_layers})


def test_numbers_of_other_libraries() -> None:
    assert number(Fraction(2, 4)) == sp.Rational(1, 2)
    assert number(flint.fmpq(3, 6)) == sp.Rational(1, 2)
    assert number(7) == 7
    assert number(sp.pi) is sp.pi
    assert same(sp.Float("0.5"), sp.Rational(1, 2), 20)
