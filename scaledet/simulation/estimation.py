"""From the sums of independent work units to estimates, their errors and covariance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from scaledet.errors import ExhaustionError
from scaledet.simulation.unit import UnitSums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scaledet.simulation.unit import Specification

__all__ = ["estimate", "relative_errors", "require_alive"]

# Representations that differ by less than this (squared, relative) differ by rounding only.
_ROUNDING = 1e-26
# Half of them must tell two coefficients and a mean well.
_FEWEST = 32


def estimate(
    spec: Specification, counts: Sequence[int], packed: NDArray[np.float64], *, control: bool
) -> dict[str, Any]:
    """Estimate D, G, R and Q with standard errors and covariances, by name.

    `packed` [units, ...] holds the `UnitSums.packed` of each unit, `counts` its images. Means over
    units, and their covariance from the scatter of the units (ratios to first order).
    With `control` the noise responses are those of `controlled`.

    Raises
    ------
    ExhaustionError
        If all images look alike at some layer.
    """
    samples = sum(counts)
    pairs = _pairs(counts)
    require_alive(spec, counts, packed)
    displacement, noise, distance, _ = np.split(packed[:, :-2], 4, axis=1)
    controls = packed[:, -2:]
    q = distance.mean(axis=0)
    plain = noise
    if control:
        noise = controlled(noise, controls - expected_controls(spec))
    units = len(counts)
    table = np.hstack([displacement, noise, distance])
    means = table.mean(axis=0)
    residuals = table - means
    covariance = residuals.T @ residuals / (units * (units - 1))
    # One pair's share of Q: what a rare overlap not seen could have changed.
    n = len(q)
    diagonal = np.arange(2 * n, 3 * n)
    covariance[diagonal, diagonal] += (q / pairs) ** 2
    # Where no move in any sample was felt, one that is felt could have been the next.
    unfelt = np.flatnonzero(means[:n] == 0)
    covariance[unfelt, unfelt] = (q[unfelt] / samples) ** 2
    d, g = means[:n] / q, means[n : 2 * n] / q
    none, quotient = np.zeros((n, n)), np.diag(1 / q)
    ratios = np.block([[quotient, none, -np.diag(d / q)], [none, quotient, -np.diag(g / q)]])
    stacked = ratios @ covariance @ ratios.T
    errors = np.sqrt(np.diag(stacked))
    slopes = np.hstack([np.diag(1 / g), np.diag(-d / g**2)])
    # Where both responses are known exactly, rounding alone is left, of either sign.
    ratio_errors = np.sqrt(np.maximum(np.diag(slopes @ stacked @ slopes.T), 0.0))
    return {
        "samples": samples,
        "blocks": units,
        "pairs": pairs,
        "D": d,
        "D_err": errors[:n],
        "G": g,
        "G_err": errors[n:],
        "R": d / g,
        "R_err": ratio_errors,
        "Q": q,
        "Q_err": np.sqrt(np.diag(covariance))[2 * n :],
        "covariance": stacked,
        "means": means,
        "means_covariance": covariance,
        "gain": plain.var(axis=0) / noise.var(axis=0),
    }


def require_alive(spec: Specification, counts: Sequence[int], packed: NDArray[np.float64]) -> None:
    """Raise `ExhaustionError` if, in units [units, ...] packed, all images look alike somewhere."""
    means = UnitSums.unpacked(packed.mean(axis=0))
    alive = means.distance > _ROUNDING * means.square
    if not alive.all():
        reason = f"Q_k = 0 in all {_pairs(counts)} pairs drawn; use more samples if these are few"
        raise ExhaustionError.at(int(np.argmin(alive)), spec.size, reason)


def _pairs(counts: Sequence[int]) -> int:
    return sum(count * (count - 1) // 2 for count in counts)


def relative_errors(found: dict[str, Any]) -> NDArray[np.float64]:
    """Return the largest relative standard error of D_k, G_k, R_k and Q_k at every layer."""
    ratios = [found[f"{name}_err"] / found[name] for name in ("D", "G", "R", "Q")]
    return np.asarray(np.max(ratios, axis=0))


def expected_controls(spec: Specification) -> NDArray[np.float64]:
    """Mean of the noise that enters a pixel, and of its square, exactly.

    For Gaussian Z, E relu(sigma Z) = sigma / sqrt(2 pi) and E relu(sigma Z)^2 = sigma^2 / 2: the
    law of the noise that was drawn, nothing about the network.
    """
    if spec.rectify in ("input", "noise"):
        return np.array([spec.sigma / np.sqrt(2 * np.pi), spec.sigma**2 / 2])
    return np.array([0.0, spec.sigma**2])


def controlled(noise: NDArray[np.float64], excess: NDArray[np.float64]) -> NDArray[np.float64]:
    """Subtract what the noise's own deviations `excess` [units, 2] explain of [units, n].

    The coefficients are fitted on the units of even number for those of odd number, and the other
    way round: none is fitted on the samples that it corrects, so the mean is not biased. Too few
    units to fit on are left as they are.
    """
    if len(noise) < _FEWEST:
        return noise
    scale = np.sqrt((excess**2).mean(axis=0))
    scaled = excess / np.where(scale > 0, scale, 1.0)
    result = noise.copy()
    for mine, other in ((slice(0, None, 2), slice(1, None, 2)),
                        (slice(1, None, 2), slice(0, None, 2))):  # fmt: skip
        centred = scaled[other] - scaled[other].mean(axis=0)
        target = noise[other] - noise[other].mean(axis=0)
        coefficients = np.linalg.lstsq(centred, target, rcond=None)[0]
        result[mine] -= scaled[mine] @ coefficients
    return result
