"""Every wrong version of every claim is contradicted by numbers that differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import pytest
import sympy as sp

import scaledet as sd
from scaledet import symbols as y
from scaledet.errors import DerivationError, Undefined
from scaledet.symbolic.derivation import Step
from scaledet.symbolic.steps.limits import limit_steps
from scaledet.symbolic.steps.noise import noise_steps
from scaledet.symbolic.steps.rectified_units import layer_noise_steps
from scaledet.symbols import d, k, s
from tests.equivalent_changes import EQUIVALENT, KNOWN_GAPS, UNDECIDED, reason_of_equivalence
from tests.mutation import mutants
from tests.pages import NAMES, REGIMES, derivation
from tests.symbolic.steps.test_network import NETS

BOX: dict[str, Any] = {"kernel": "box"}
VARIANTS: list[dict[str, Any]] = [
    *({**BOX, "stride": True, "dim": dim, "rectify": r} for dim in (1, 2) for r in ("noise", None)),
    *({**BOX, "stride": stride} for stride in (2, 5)),
    {**BOX, "stride": True, "dim": 3},
    *({**BOX, "stride": stride, "rectify": "layers", "dim": 2} for stride in (1, True)),
]
OTHER_NOISE = [("three layers", "noise"), ("skew", None), ("block", None), ("no stride", None)]
NETWORKS = [*((name, "input") for name in NETS), *OTHER_NOISE]


def published(name: str) -> Callable[[], Iterable[Step]]:
    return lambda: derivation(name).steps


def derived(arguments: dict[str, Any]) -> Callable[[], Iterable[Step]]:
    return lambda: sd.derive(**arguments).steps


def of_network(name: str, rectify: str | None) -> Callable[[], Iterable[Step]]:
    """Steps of the network itself: not those of the page of its composite filter."""

    def steps() -> Iterable[Step]:
        net = NETS[name]
        page = sd.derive(net, rectify=rectify)
        if "alpha" in page.result:
            return [*page.steps[: net.period > 1], *page.steps[-3:]]
        return page.steps

    return steps


SOURCES: dict[str, Callable[[], Iterable[Step]]] = {
    **{name: published(name) for name in NAMES},
    **{f"derive: {name}": derived(REGIMES[name]) for name in REGIMES},
    **{f"derive: {sorted(variant.items())}": derived(variant) for variant in VARIANTS},
    **{f"network: {name}, {rectify}": of_network(name, rectify) for name, rectify in NETWORKS},
    "noise, d = 1": lambda: noise_steps("input", 1),
    "noise alone, d = 2": lambda: noise_steps("noise", 2),
    "linear noise, d = 3": lambda: noise_steps(None, 3),
    "rectified units, d = 1": lambda: layer_noise_steps(1),
    "rectified units, d = 2": lambda: layer_noise_steps(2),
    "limits": limit_steps,
}


@cache
def new_steps() -> dict[str, list[Step]]:
    """Steps of every source, each claim with its route once: under the first that has it."""
    seen: set[tuple[str, str]] = set()
    steps: dict[str, list[Step]] = {}
    for name, build in SOURCES.items():
        steps[name] = []
        for step in build():
            key = (str(step.expression), step.check.route)
            if key not in seen:
                seen.add(key)
                steps[name].append(step)
    return steps


@cache
def wrong_versions(step: Step) -> list[tuple[str, Any]]:
    return mutants(step.expression)


def verdict(step: Step, claim: Any) -> str:
    try:
        step.claiming(claim).verify()
    except Undefined as error:
        return f"undefined ({error.reason[-60:]})"
    except DerivationError:
        return "contradicted"
    return "accepted"


@pytest.mark.parametrize("source", SOURCES)
def test_every_wrong_formula_is_contradicted(source: str) -> None:
    problems = []
    for step in new_steps()[source]:
        assert wrong_versions(step), "a claim that nothing can contradict is no claim"
        for change, claim in wrong_versions(step):
            if step.expression.rhs == 1 and UNDECIDED.fullmatch(str(claim)):
                continue
            reason = reason_of_equivalence(step.expression, change, claim)
            outcome, should_fall = verdict(step, claim), not reason
            if (outcome == "contradicted") is not should_fall:
                problems.append(f"{outcome}: {change}: {claim}")
    assert not problems, "\n".join(problems)


def test_equivalent_changes_and_known_gaps_exist() -> None:
    listed = EQUIVALENT | KNOWN_GAPS
    heads = {changed[:5] for changed in listed}
    steps = [step for steps in new_steps().values() for step in steps]
    near = [step for step in steps if str(step.expression)[:5] in heads]
    assert set(listed) <= {str(claim) for step in near for _, claim in wrong_versions(step)}


def step_on(page: Iterable[Step], quantity: Any) -> Step:
    return [step for step in page if step.expression.lhs == quantity][-1]


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_values_and_laws_that_fit_one_box_are_contradicted(dim: int) -> None:
    page = sd.derive(**BOX, stride=True, dim=dim).steps
    clean, *_, on_torus = [step for step in page if step.expression.lhs == y.D(k)]
    noise = step_on(page, y.G(k))
    first = on_torus.expression.rhs.subs({k: 1, s: 2, y.N: 4})
    straight = noise.expression.rhs.subs(s ** (dim * k), 1 + (2**dim - 1) * k)
    assert straight != noise.expression.rhs
    for step, wrong in ((on_torus, first), (clean, sp.Rational(1, 2)), (noise, straight)):
        assert verdict(step, sp.Eq(step.expression.lhs, wrong)) == "contradicted"


@pytest.mark.parametrize("dim", [1, 2, 3, d])
def test_bounds_on_the_fluctuations_are_sharp(dim: Any) -> None:
    steps = layer_noise_steps(dim)
    bounds = [step for step in steps if step.expression.lhs == y.G_variance(k)]
    most, least = (step for step in bounds if not isinstance(step.expression, sp.Eq))
    assert "attained" in most.verify()
    for wrong in (sp.Ge(y.G_variance(k), sp.Rational(33, 100)), sp.Ge(y.G_variance(k), 0.2625)):
        assert verdict(least, wrong) == "contradicted"


def test_mutants_hide_in_no_index() -> None:
    texts = [text for text, _ in mutants(sp.Ge(y.c(k, 0), 1 / y.W(k)))]
    assert {"k doubled", "k squared", "bound 5 % stronger"} <= set(texts)
    wrong = dict(mutants(sp.Eq(y.c(k, d), s)))
    vanishing = [text for text in wrong if "vanishes" in text]
    assert len(vanishing) == 5, "d has no value at which the second term would not vanish"
    assert [wrong[text].rhs.subs({k: 3, d: 3, s: 0}) for text in vanishing] != [0] * 5
    stated = [text for text, _ in mutants(sp.Eq(k, s**2)) if "vanishes at k" in text]
    assert not stated, "a claim that states k holds at one k"
