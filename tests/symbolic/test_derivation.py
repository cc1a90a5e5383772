"""Steps, derivations and reports."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
import sympy as sp

from scaledet.errors import DerivationError
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check, Derivation, Step
from scaledet.symbols import k, n

CASES = [{k: 1}, {k: 4}, {k: 9}, {k: 16}]


def summed(claim: Any) -> str:
    return agree(claim, CASES)


RIGHT = Step(
    "The first $k$ integers add up.",
    sp.Eq(sp.Sum(n, (n, 1, k)), k * (k + 1) / 2),
    "pair the first with the last.",
    Check("addition, $k = 1, 4, 9, 16$", summed),
)
WRONG = RIGHT.claiming(sp.Eq(sp.Sum(n, (n, 1, k)), k * (k - 1) / 2))


def derivation(*steps: Step) -> Derivation:
    return Derivation("Sums of $n$", ("$k \\ge 1$",), steps, {"total": k * (k + 1) / 2}, "A sum.")


def test_check_reports_every_step() -> None:
    report = derivation(RIGHT, RIGHT).check()
    assert len(report) == 2
    assert [step.number for step in report.steps] == [1, 2]
    assert report.steps[0].evidence == "exact in 4 cases"
    assert "2 steps, all confirmed" in repr(report)


def test_wrong_step_stops_the_check() -> None:
    with pytest.raises(DerivationError, match=r"step 2 of 'Sums of .* is contradicted") as caught:
        derivation(RIGHT, WRONG, RIGHT).check()
    assert caught.value.step == 2
    assert "fails at k = 1: 1 against 0" in caught.value.reason
    for error in (copy.copy(caught.value), pickle.loads(pickle.dumps(caught.value))):
        assert (error.step, error.reason) == (2, caught.value.reason)


def test_status_is_one_of_three() -> None:
    with pytest.raises(ValueError, match=r"status must be one of 'proved'.*got 'true'"):
        Step("s", sp.true, "j", RIGHT.check, status="true")


def test_derivations_are_frozen() -> None:
    frozen = derivation(RIGHT)
    with pytest.raises(FrozenInstanceError):
        frozen.title = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        frozen.result["total"] = 0  # type: ignore[index]


def test_repr_names_results_and_length() -> None:
    text = repr(derivation(RIGHT))
    assert text.splitlines()[0] == "Sums of $n$"
    assert "total = k*(k + 1)/2" in text
    assert "1 steps" in text
    long = Derivation("t", (), (RIGHT,), {"x": sum(sp.Symbol(f"y{i}") for i in range(60))})
    assert max(map(len, repr(long).splitlines())) < 120
