"""Judge one claim on one network: effect, interval, rivals, verdict, by the `rule`."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaledet.analysis.claims import Claim, Correlation, Curve, noise_in_training
from scaledet.analysis.experiment_tables import Case, Layers
from scaledet.analysis.rank_correlation import rank_correlation
from scaledet.analysis.rule import CONFIDENCE, FEWEST_CELLS, FEWEST_SEEDS, LARGEST_A

__all__ = ["AGREES", "DISAGREES", "UNDECIDED", "Verdict", "correlated", "judged"]

AGREES, DISAGREES, UNDECIDED = "agrees", "disagrees", "undecided"

Floats = NDArray[np.float64]

_ROUNDED = 1 + 1e-5
"""Tables hold numbers of six digits."""


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim from one network, or from the cells of a correlation.

    Attributes
    ----------
    claim, setting, net, recipe, stage : str
        What is judged: the name of a claim, and of which network; `stage` is that of `trained`.
    verdict : {"agrees", "disagrees", "undecided"}
        By the rule; `reason` says why it is undecided, else it is empty.
    points : int
        Number of seeds, or of cells; `left_out` are those whose network died, or that lack seeds.
    effect : float or None
        Mean over seeds; None if no seed is left.
    error, low, high : float or None
        Its standard error and interval, relative to what is claimed; None for one seed. Of a
        correlation, the standard deviation over permutations, and the effect less and plus the
        smallest one that is significant.
    claimed_low, claimed_high : float
        The claimed range, possibly infinite.
    rival : str
        The rival nearest to the effect, and `rival_effect`, what it would be by that.
    p_value : float or None
        Of a correlation.
    """

    claim: str
    setting: str
    net: str
    recipe: str
    stage: str
    points: int
    left_out: int
    claimed_low: float
    claimed_high: float
    rival: str
    rival_effect: float | None
    verdict: str = UNDECIDED
    reason: str = ""
    effect: float | None = None
    error: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None


def judged(claim: Claim, case: Case, trained: str) -> Verdict | None:
    """Judge a claim on a network at the stage `trained`; None if it was not measured for that."""
    rivals = {
        name: rival
        for name, rival in claim.rivals.items()
        if not isinstance(rival, Curve) or case.values(rival, trained)
    }
    needed = [claim.of, claim.claimed, claim.base, *rivals.values()]
    curves = [curve for curve in needed if isinstance(curve, Curve)]
    known = {curve: case.values(curve, trained) for curve in curves}
    window = _window(claim, case, known)
    if not rivals or not window:
        return None
    seeds = sorted(known[claim.of])
    complete = {
        seed: {curve: _of_seed(curve, values, seed) for curve, values in known.items()}
        for seed in seeds
    }
    alive = [seed for seed in seeds if _is_alive(claim, complete[seed], window)]
    widths = np.array([case.widths.get(k, math.nan) for k in window])

    def effect(curves: Mapping[Curve, Layers], of: Curve) -> float:
        values = np.array([curves[of][k] for k in window])
        base = None if claim.base is None else np.array([curves[claim.base][k] for k in window])
        return float(_STATISTICS[claim.statistic](widths, values, base))

    def effects(of: Curve | float) -> Floats:
        if not isinstance(of, Curve):
            return np.full(len(alive), float(of))
        return np.array([effect(complete[seed], of) for seed in alive])

    claimed = effects(claim.claimed)
    measured = effects(claim.of)
    against = {name: effects(rival) for name, rival in rivals.items()}
    if claim.statistic == "level":
        measured, against = measured - claimed, {n: r - claimed for n, r in against.items()}
        claimed = claimed * 0
    center = float(claimed.mean()) if alive else 0.0
    means = {name: float(values.mean()) for name, values in against.items() if alive}
    nearest = min(means, key=lambda name: abs(means[name] - measured.mean()), default="")
    blank = Verdict(
        *(claim.name, case.setting, case.net, case.recipe, trained),
        *(len(alive), len(seeds) - len(alive), center + claim.low, center + claim.high),
        *(nearest, means.get(nearest)),
    )
    return _ruled(blank, measured, claimed, against)


def _window(claim: Claim, case: Case, known: Mapping[Curve, Mapping[int, Layers]]) -> list[int]:
    """Return the layers that all curves have in some seed, as far as the claim reads them."""
    layers = set.intersection(*(set().union(*values.values()) for values in known.values()))
    if claim.statistic == "gained":
        return sorted(k for k in layers if k is not None and k >= 2)
    largest = LARGEST_A.get(case.setting, math.inf) * _ROUNDED
    window = sorted(k for k in case.widths.keys() & layers if k and case.widths[k] <= largest)
    if claim.statistic == "slope" and len({case.widths[k] for k in window}) < 2:
        return []
    return window[-1:] if claim.statistic == "raised" else window


def _of_seed(curve: Curve, values: Mapping[int, Layers], seed: int) -> Layers:
    """Return the values of a seed; predictions that need no training may have other seeds."""
    if seed in values or curve.stage != "any":
        return values.get(seed, {})
    layers = set.intersection(*(set(each) for each in values.values()))
    return {k: math.fsum(each[k] for each in values.values()) / len(values) for k in layers}


def _is_alive(claim: Claim, curves: Mapping[Curve, Layers], window: Sequence[int]) -> bool:
    """Whether a seed has all values, above 0 where logarithms are taken."""
    lowest = -math.inf if claim.statistic == "gained" else 0.0
    return all(values.get(k, -math.inf) > lowest for values in curves.values() for k in window)


def _slope(widths: Floats, values: Floats, _: Any) -> float:
    """Return the slope of a line through logarithms, by least squares."""
    x = np.log(widths) - np.log(widths).mean()
    return float(x @ np.log(values) / (x @ x))


_STATISTICS: Mapping[str, Callable[[Floats, Floats, Any], float]] = {
    "slope": _slope,
    "level": lambda _, values, __: np.log(values).mean(),
    "raised": lambda _, values, base: np.log(values[-1] / base[-1]),
    "gained": lambda _, values, base: np.mean((values - base) / (1 - base)),
}


def _ruled(
    blank: Verdict, measured: Floats, claimed: Floats, rivals: Mapping[str, Floats]
) -> Verdict:
    """Apply the rule to the effects of all seeds, and to what claim and rivals make of them."""
    if blank.points == 0:
        return replace(blank, reason="no seed is alive")
    mean = float(measured.mean())
    if blank.points == 1:
        return replace(blank, reason="1 seed", effect=mean)
    error, half = _interval(measured - claimed)
    judgement = replace(blank, effect=mean, error=error, low=mean - half, high=mean + half)
    if blank.points < FEWEST_SEEDS:
        return replace(judgement, reason=f"{blank.points} seeds")
    if np.ptp(measured) == 0:
        return replace(judgement, reason="all seeds give the same number")
    if mean - half > blank.claimed_high or mean + half < blank.claimed_low:
        return replace(judgement, verdict=DISAGREES)
    inside = [name for name, values in rivals.items() if _contains_zero(measured - values)]
    if inside:
        return replace(judgement, reason=f"not excluded: {', '.join(inside)}")
    return replace(judgement, verdict=AGREES)


def _interval(values: Floats) -> tuple[float, float]:
    """Return the standard error of a mean and half the length of its interval."""
    from scipy.special import stdtrit

    error = float(values.std(ddof=1) / math.sqrt(len(values)))
    return error, float(stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2)) * error


def _contains_zero(differences: Floats) -> bool:
    return abs(float(differences.mean())) <= _interval(differences)[1]


def correlated(claim: Correlation, cases: Sequence[Case]) -> Verdict | None:
    """Judge a correlation over the cells of a setting; None if nothing was measured for it."""
    groups: dict[float, list[list[float]]] = defaultdict(list)
    poor = 0
    for case in cases:
        pairs = _at_output(case, claim.quantity, claim.variant)
        noise = noise_in_training(case.recipe) if claim.within_noise else 0.0
        if len(pairs) >= FEWEST_SEEDS:
            groups[noise].append(np.mean(pairs, axis=0).tolist())
        poor += 0 < len(pairs) < FEWEST_SEEDS
    cells = sum(map(len, groups.values()))
    if not cells + poor:
        return None
    blank = Verdict(
        *(claim.name, cases[0].setting, "all cells", "", "after", cells, poor),
        *(min(0.0, claim.sign), max(0.0, claim.sign), "no correlation", 0.0),
    )
    law = rank_correlation(
        [([x for x, _ in group], [y for _, y in group]) for group in groups.values()],
        1 - CONFIDENCE,
    )
    if law is None:
        few = f"{cells} cells" if cells < FEWEST_CELLS else "nothing varies"
        return replace(blank, reason=few)
    judgement = replace(
        blank,
        effect=law.rho,
        error=law.error,
        low=max(law.rho - law.critical, -1.0),
        high=min(law.rho + law.critical, 1.0),
        p_value=law.p_value,
    )
    if cells < FEWEST_CELLS:
        return replace(judgement, reason=f"{cells} cells")
    if law.p_value > 1 - CONFIDENCE:
        return replace(judgement, reason=f"p = {law.p_value:.2g}")
    return replace(judgement, verdict=AGREES if law.rho * claim.sign > 0 else DISAGREES)


def _at_output(case: Case, quantity: str, variant: str) -> list[tuple[float, float]]:
    """Return a quantity at the last layer and the test error, seed by seed."""
    errors = case.values(Curve("test_error", variant=variant), "after")
    pairs = []
    for seed, layers in case.values(Curve(quantity, variant=variant), "after").items():
        last = max((layer for layer in layers if layer is not None), default=None)
        if last is not None and None in errors.get(seed, {}):
            pairs.append((layers[last], errors[seed][None]))
    return pairs
