"""From the sums of independent work units to estimates, their errors and covariance.

A simulation may stop at the first of fixed prefixes of its units that is precise enough. The rule
looks at units 0 ... L - 1 for lengths L on a fixed schedule, whichever others are finished:
the result is the same for any number of workers, and after any number of interruptions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from scaledet.errors import ExhaustionError
from scaledet.simulation.engines.base import Floats, Specification, UnitSums
from scaledet.simulation.job import STAGE, Job

__all__ = [
    "covariance_of_ratios",
    "estimate",
    "is_precise",
    "largest_error",
    "prefix_lengths",
    "relative_errors",
    "require_alive",
    "variance_gain",
]

# Representations that differ by less than this (squared, relative) differ by rounding only.
_ROUNDING = 1e-26
# Half of these units determine two coefficients and a mean well.
_FEWEST = 32


def estimate(
    spec: Specification, counts: Sequence[int], packed: Floats, *, control: bool
) -> dict[str, Any]:
    """Estimate D, G, R and Q with standard errors and covariances, by name.

    `packed` [units, ...] holds the `UnitSums.packed` of each unit, `counts` its images. Means over
    units, and their covariance from the scatter of the units (ratios to first order). Units weigh
    as much as they have images, alike if these differ by one: the variance of a unit's means is
    inverse to their number.
    With `control` the noise responses are those of `controlled`.

    Raises
    ------
    ExhaustionError
        If all images look alike at some layer.
    """
    samples = sum(counts)
    pairs = _pairs(counts)
    require_alive(spec, counts, packed)
    sums = UnitSums.unpacked(packed)
    noise = (
        controlled(sums.noise, sums.controls - expected_controls(spec)) if control else sums.noise
    )
    units = len(counts)
    table = np.hstack([sums.displacement, noise, sums.distance])
    sizes = np.array(counts)
    weights = sizes / sizes.mean() if np.ptp(sizes) > 1 else np.ones(units)
    means = (weights[:, None] * table).mean(axis=0)
    residuals = np.sqrt(weights)[:, None] * (table - means)
    covariance = residuals.T @ residuals / (units * (units - 1))
    # Add one pair's share of Q: an unseen overlap could change Q by as much.
    n = sums.distance.shape[1]
    q = means[2 * n :]
    diagonal = np.arange(2 * n, 3 * n)
    covariance[diagonal, diagonal] += (q / pairs) ** 2
    # Where no sample has responded to its move, the next one could have been the first.
    silent = np.flatnonzero(means[:n] == 0)
    covariance[silent, silent] = (q[silent] / samples) ** 2
    d, g = means[:n] / q, means[n : 2 * n] / q
    stacked = covariance_of_ratios(means, covariance)
    d_errors, g_errors, q_errors = np.split(np.sqrt(np.diag(stacked)), 3)
    slopes = np.hstack([np.diag(1 / g), np.diag(-d / g**2), np.zeros((n, n))])
    # Where both responses are known exactly, rounding alone is left, of either sign.
    ratio_errors = np.sqrt(np.maximum(np.diag(slopes @ stacked @ slopes.T), 0.0))
    return {
        "samples": samples,
        "blocks": units,
        "pairs": pairs,
        "D": d,
        "D_err": d_errors,
        "G": g,
        "G_err": g_errors,
        "R": d / g,
        "R_err": ratio_errors,
        "Q": q,
        "Q_err": q_errors,
        "covariance": stacked,
        "means": means,
        "means_covariance": covariance,
        "gain": variance_gain(sums.noise, noise),
    }


def covariance_of_ratios(means: Floats, covariance: Floats) -> Floats:
    """Return the covariance [3n, 3n] of D, G and Q from that of the means DQ, GQ and Q."""
    of_d, of_g, q = np.split(means, 3)
    none, quotient = np.zeros((len(q), len(q))), np.diag(1 / q)
    ratios = np.block(
        [
            [quotient, none, -np.diag(of_d / q / q)],
            [none, quotient, -np.diag(of_g / q / q)],
            [none, none, np.eye(len(q))],
        ]
    )
    return np.asarray(ratios @ covariance @ ratios.T)


def bytes_needed(spec: Specification) -> int:
    """Return the memory that the covariance of all means needs, with what leads to it (bytes)."""
    return 8 * 30 * (spec.network.depth + 1) ** 2


def require_alive(spec: Specification, counts: Sequence[int], packed: Floats) -> None:
    """Raise `ExhaustionError` if, in units [units, ...] packed, all images look alike somewhere."""
    means = UnitSums.unpacked(packed.mean(axis=0))
    alive = means.distance > _ROUNDING * means.square
    if not alive.all():
        reason = f"Q_k = 0 in all {_pairs(counts)} pairs drawn; use more samples if these are few"
        raise ExhaustionError.at(int(np.argmin(alive)), spec.scenario.size, reason)


def _pairs(counts: Sequence[int]) -> int:
    return sum(count * (count - 1) // 2 for count in counts)


def relative_errors(estimates: Mapping[str, Any]) -> Floats:
    """Return the largest relative standard error of D_k, G_k, R_k and Q_k at every layer.

    It is infinite (0 / 0 as well) as long as no sample has shown a response.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.max([estimates[f"{name}_err"] / estimates[name] for name in "DGRQ"], axis=0)
    return np.where(np.isnan(errors), np.inf, errors)


def prefix_lengths(units: int) -> Iterator[int]:
    """Yield the lengths that are looked at: 64, each next an eighth longer, `units` at last.

    >>> list(prefix_lengths(100))
    [64, 72, 81, 91, 100]
    """
    length = STAGE
    while length < units:
        yield length
        length += length // 8
    yield units


def is_precise(job: Job, packed: Floats) -> bool:
    """Return whether the first units of a job, `packed`, are as precise as its target requires."""
    return job.target is not None and largest_error(job, packed) < job.target


def largest_error(job: Job, packed: Floats) -> float:
    """Return the largest relative standard error of any layer after the first units, `packed`.

    It is infinite where these show too few pairs; whether that is so in the end is judged then.
    """
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            counts = job.counts[: len(packed)]
            estimates = estimate(job.spec, counts, packed, control=job.control)
    except ExhaustionError:
        return float("inf")
    return float(relative_errors(estimates).max())


def expected_controls(spec: Specification) -> Floats:
    """Mean of the noise that enters a pixel, and of its square, exactly.

    For Gaussian Z, E relu(sigma Z) = sigma / sqrt(2 pi) and E relu(sigma Z)^2 = sigma^2 / 2: the
    law of the noise that was drawn, nothing about the network.
    """
    if spec.scenario.rectify in ("input", "noise"):
        return np.array([spec.sigma / np.sqrt(2 * np.pi), spec.sigma**2 / 2])
    return np.array([0.0, spec.sigma**2])


def variance_gain(before: Floats, after: Floats) -> Floats:
    """How many times smaller the variance over units is after the correction; at most 1/eps.

    That bound, 4.5e15, stands where a response is the control itself: what the correction leaves
    of it is rounding. A response that does not vary at all gains nothing, 1.
    """
    # In units of its largest value, no response leaves the range of floats when squared.
    size = np.abs(before).max(axis=0)
    size[size == 0] = 1.0
    old, new = (before / size).var(axis=0), (after / size).var(axis=0)
    new = np.maximum(new, old * np.finfo(float).eps)
    return np.asarray(np.divide(old, new, out=np.ones_like(old), where=new > 0))


def controlled(noise: Floats, excess: Floats) -> Floats:
    """Subtract from `noise` [units, n] the part that its deviations `excess` [units, 2] explain.

    The coefficients are fitted on the units of even number for those of odd number, and the other
    way round: none is fitted on the samples that it corrects, so the mean is not biased. If there
    are too few units to fit on, they are left as they are.
    """
    if len(noise) < _FEWEST:
        return noise
    scale = np.sqrt((excess**2).mean(axis=0))
    scaled = excess / np.where(scale > 0, scale, 1.0)
    result = noise.copy()
    even, odd = slice(0, None, 2), slice(1, None, 2)
    for corrected, fitted in ((even, odd), (odd, even)):
        centred = scaled[fitted] - scaled[fitted].mean(axis=0)
        target = noise[fitted] - noise[fitted].mean(axis=0)
        coefficients = np.linalg.lstsq(centred, target, rcond=None)[0]
        result[corrected] -= scaled[corrected] @ coefficients
    return result
