"""A check that tries too little is refused, even where it agrees with the claim."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy as sp

from scaledet import symbols as y
from scaledet.errors import DerivationError
from scaledet.symbolic.derivation import Check, Step
from scaledet.symbolic.routes.checks import DIMS, against, against_in
from scaledet.symbols import d, k, n, s

HALVES = {y.c: lambda layer, lag: Fraction(1, 2) ** layer + lag}
PEAK = sp.Eq(y.c(k, 0), sp.Rational(1, 2) ** k)


def verified(claim: sp.Basic, check: Check) -> str:
    return Step("s", claim, "j", check).verify()


def at(*layers: int) -> list[dict[sp.Symbol, int]]:
    return [{k: layer} for layer in layers]


def test_an_index_needs_four_values() -> None:
    assert verified(PEAK, against("r", at(1, 2, 3, 5), HALVES)) == "exact in 4 cases"
    with pytest.raises(DerivationError, match="was confronted with k at 1, 2, 3 alone"):
        verified(PEAK, against("r", at(1, 2, 3, 2), HALVES))
    vanishing = sp.Eq(PEAK.lhs, PEAK.rhs + (k - 1) * (k - 2) * (k - 3))
    with pytest.raises(DerivationError, match="fails at k = 5"):
        verified(vanishing, against("r", at(1, 2, 3, 5), HALVES))


def test_an_index_that_is_never_put_in_is_noticed() -> None:
    fixed = sp.Eq(y.c(k, 0) * s, sp.Rational(1, 2) ** k * s)
    with pytest.raises(DerivationError, match="confronted with s at 2 alone"):
        verified(fixed, against("r", [{**case, s: 2} for case in at(1, 2, 3, 5)], HALVES))
    with pytest.raises(DerivationError, match="confronted with s at no value alone"):
        verified(fixed, Check("r", lambda _: against("", at(0, 1, 2, 3), HALVES).confront(PEAK)))


def test_fewer_values_need_a_reason_which_the_evidence_repeats() -> None:
    check = against("r", at(1, 2), HALVES, few={k: "there are no more layers"})
    assert verified(PEAK, check) == "exact in 2 cases; k at 1, 2 alone: there are no more layers"
    enough = against("r", at(0, 1, 2, 3), HALVES, few={k: "there are no more layers"})
    assert verified(PEAK, enough) == "exact in 4 cases"


def test_three_dimensions_are_all() -> None:
    claim = sp.Eq(y.c(d, 0), sp.Rational(1, 2) ** d)
    assert verified(claim, against_in(DIMS, "r", lambda dim: [{d: dim}], values=HALVES))
    with pytest.raises(DerivationError, match="confronted with d at 1, 2 alone"):
        verified(claim, against_in((1, 2), "r", lambda dim: [{d: dim}], values=HALVES))


def test_the_symbol_that_a_claim_states_is_no_index() -> None:
    assert verified(sp.Eq(y.multiplicity, 2), against("r", [{y.multiplicity: 2}]))


def test_running_indices_are_not_free() -> None:
    claim = sp.Eq(sp.Sum(n, (n, 1, k)), k * (k + 1) / 2)
    assert verified(claim, against("r", at(1, 2, 3, 4))) == "exact in 4 cases"


def test_a_bound_must_be_met_nearly() -> None:
    bound = sp.Ge(y.c(k, 0), 1 / (2**k + 1))
    assert verified(bound, against("r", at(1, 2, 3, 7), HALVES)).endswith(
        "within 0.78 % of equality"
    )
    with pytest.raises(DerivationError, match=r"no nearer to equality than 11 %: is it sharp\?"):
        verified(bound, against("r", at(0, 1, 2, 3), HALVES))
    loose = against("r", at(0, 1, 2, 3), HALVES, loose="half of it is known")
    assert verified(bound, loose).endswith("within 11 % of equality: half of it is known")


def test_two_zeros_are_not_near() -> None:
    nothing = {y.c: lambda layer, lag: 0 * layer * lag}
    bound = sp.Le(y.c(k, 0), y.c(k, 1) * 3)
    with pytest.raises(DerivationError, match="attained in none"):
        verified(bound, against("r", at(1, 2, 3, 4), nothing, tight=True))
    with pytest.raises(DerivationError, match="no nearer to equality than two zeros"):
        verified(bound, against("r", at(1, 2, 3, 4), nothing))


def test_a_sign_needs_no_nearness() -> None:
    assert verified(sp.Gt(y.c(k, 0), 0), against("r", at(0, 1, 2, 3), HALVES)) == "exact in 4 cases"
