"""Every wrong version of every claim is contradicted by numbers that differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import pytest

import scaledet as sd
from scaledet.errors import DerivationError, Undefined
from scaledet.symbolic.derivation import Step
from scaledet.symbolic.steps.limits import limit_steps
from scaledet.symbolic.steps.noise import noise_steps
from scaledet.symbolic.steps.rectified_units import layer_noise_steps
from tests.equivalent_changes import EQUIVALENT, UNDECIDED, reason_of_equivalence
from tests.mutation import mutants
from tests.pages import NAMES, REGIMES, derivation
from tests.symbolic.steps.test_network import NETS

BOX: dict[str, Any] = {"kernel": "box"}
VARIANTS: list[dict[str, Any]] = [
    *({**BOX, "stride": True, "dim": dim, "rectify": r} for dim in (1, 2) for r in ("noise", None)),
    *({**BOX, "stride": stride} for stride in (2, 5)),
    *({**BOX, "stride": stride, "rectify": "layers", "dim": 2} for stride in (1, True)),
]
OTHER_NOISE = [("three layers", "noise"), ("skew", None), ("block", None), ("no stride", None)]
NETWORKS = [*((name, "input") for name in NETS), *OTHER_NOISE]


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
    **{name: lambda name=name: derivation(name).steps for name in NAMES},  # type: ignore[misc]
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


def test_equivalent_changes_exist() -> None:
    heads = {changed[:5] for changed in EQUIVALENT}
    steps = [step for steps in new_steps().values() for step in steps]
    near = [step for step in steps if str(step.expression)[:5] in heads]
    assert set(EQUIVALENT) <= {str(claim) for step in near for _, claim in wrong_versions(step)}
