"""Steps, derivations and reports."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
import sympy as sp

import scaledet as sd
from scaledet import symbols as y
from scaledet.errors import DerivationError
from scaledet.symbolic.claims import agree
from scaledet.symbolic.derivation import Check, Derivation, Step
from scaledet.symbols import k, n
from tests import pages

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


def test_results_are_claims_of_steps() -> None:
    """Also where another step claims the changed value, of another quantity."""
    known = Check("known numbers", lambda claim: agree(claim, [{y.alpha: 2, y.beta: 1}]))
    known = replace(known, loose="the bound is no result")
    alpha, beta, limit = (
        replace(RIGHT, expression=claim, check=known)
        for claim in (sp.Eq(y.alpha, 2), sp.Eq(y.beta, 1), sp.Le(y.alpha, 3))
    )
    page = Derivation("t", (), (alpha, beta, limit), {"alpha": sp.Integer(2), "beta": sp.S.One})
    assert len(page.check()) == 3
    for wrong in (1, 3, 5, y.alpha):
        with pytest.raises(
            DerivationError, match="result 'alpha' of 't' is claimed by no"
        ) as caught:
            replace(page, result={"alpha": sp.sympify(wrong), "beta": sp.S.One}).check()
        assert caught.value.step == 0
    assert len(replace(page, result={"beta_max": sp.S.One}).check()) == 3


def test_status_is_one_of_three() -> None:
    with pytest.raises(ValueError, match=r"status must be one of 'proved'.*got 'true'"):
        Step("s", sp.true, "j", RIGHT.check, status="true")


def test_derivations_are_frozen() -> None:
    frozen = derivation(RIGHT)
    with pytest.raises(FrozenInstanceError):
        frozen.title = "other"
    with pytest.raises(TypeError):
        frozen.result["total"] = 0


@pytest.mark.parametrize(
    "arguments",
    [
        {"kernel": 3, "stride": 2},
        {"kernel": [1, 2, 4], "order": 1, "rectify": "noise"},
        {"kernel": "box", "stride": y.s, "dim": y.d},
        {"kernel": "any", "order": 2, "rectify": None},
        {"net": sd.Network([sd.Layer(3), sd.Layer([1, 2, 1], 2)]), "rectify": "layers"},
    ],
)
def test_derivations_are_pickled_by_their_call(arguments: dict[str, Any]) -> None:
    page = sd.derive(**arguments)
    again = pickle.loads(pickle.dumps(page))
    assert again.to_html() == page.to_html()
    assert pickle.loads(pickle.dumps(again)).result == page.result
    assert copy.copy(page) is page
    assert copy.deepcopy({"page": page})["page"] is page
    assert pickle.loads(pickle.dumps(dict(page.result))) == page.result


def test_what_is_pickled_does_not_change_with_a_list() -> None:
    weights = [1, 2, 1]
    page = sd.derive(kernel=weights, stride=2)
    weights[1] = 5
    assert pickle.loads(pickle.dumps(page)).result == page.result


def test_derivations_are_checked_in_another_process() -> None:
    page = sd.derive(kernel=2, order=1)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(page.check).result() == page.check()


def test_pages_are_pickled_by_their_function() -> None:
    page = pages.derivation("d02_pooling_recursion")
    assert pickle.loads(pickle.dumps(page)).to_html() == page.to_html()
    for name in pages.NAMES:
        pickle.dumps(pages.derivation(name))


def test_what_cannot_be_pickled_says_what_can() -> None:
    page = derivation(RIGHT)
    report = page.check()
    assert pickle.loads(pickle.dumps(report)) == report
    with pytest.raises(TypeError, match=r"'Sums of .* cannot be pickled: .*made_by\(function\)"):
        pickle.dumps(page)
    changed = replace(sd.derive(kernel=2), title="Another")
    with pytest.raises(TypeError, match="'Another' cannot be pickled"):
        pickle.dumps(changed)
    for part in (RIGHT, RIGHT.check, page.steps):
        with pytest.raises(TypeError, match="checks and steps cannot be pickled"):
            pickle.dumps(part)
        assert copy.deepcopy(part) is part


def test_repr_names_results_and_length() -> None:
    text = repr(derivation(RIGHT))
    assert text.splitlines()[0] == "Sums of $n$"
    assert "total = k*(k + 1)/2" in text
    assert "1 steps" in text
    long = Derivation("t", (), (RIGHT,), {"x": sum(sp.Symbol(f"y{i}") for i in range(60))})
    assert max(map(len, repr(long).splitlines())) < 120
