r"""Two active pixels: exact averages over the pairs of a scale-detection task.

With the Gram matrix :math:`K = P_k^T P_k` (a product over axes) and M the mean move,
:math:`M e_p = E_e[e_{p+e}] - e_p`, independent moves of both pixels give

.. math:: E|f_k(\tau x) - f_k(x)|^2 = E_p|P(e_{p+e} - e_p)|^2 + E_q|P(e_{q+e'} - e_q)|^2
          + 2\, E_{p,q} \langle P M e_p, P M e_q \rangle .

Averages over pairs are reduced axis by axis, phase-resolved: position and displacement may depend
on each other (blocks, open boundaries). Everything runs in floats or, with the same code, in
exact integers. Source: our derivation, after the model of Tomasini et al., arXiv:2210.01506.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

from scaledet.errors import ArgumentError, ExhaustionError
from scaledet.network.network import Network
from scaledet.scenario import Scenario
from scaledet.tasks.scale_detection import ScaleDetection
from scaledet.theory.correlation.exact import composite_filter, pooling_matrix
from scaledet.theory.noise.input import noise_moments
from scaledet.theory.noise.pair_layers import pair_layer_noise, require_few_pairs
from scaledet.theory.response import Response, torus
from scaledet.theory.signal.pair_average import PairAverage

__all__ = ["PairMoments", "exact_pair_sensitivity", "pair_moments", "pair_response"]


# Below this ratio of Q_k to the mean square representation, floats lose more than four digits.
_CANCELLING = 1e-5
LARGEST = 4096

Number = float | Fraction


@dataclass(frozen=True)
class PairMoments:
    """Averages over the data set at one layer (numbers, or Fractions if exact).

    `displacement`: E|f(tau x) - f(x)|^2; `square`: E|f(x)|^2; `mean_square`: |E f(x)|^2; `active`:
    E|P e_p|^2; `mass`: E sum_i (P e_p)_i; `trace`: sum of |P e_i|^2 over all pixels.
    """

    displacement: Number
    square: Number
    mean_square: Number
    active: Number
    mass: Number
    trace: Number

    @property
    def distance(self) -> Number:
        """Q_k, the mean square distance of two independent images."""
        return 2 * (self.square - self.mean_square)


def pair_moments(network: Network, depth: int, average: PairAverage) -> PairMoments:
    """Evaluate `PairMoments` at one layer from the 1-D pooling matrix and its moved columns.

    Memory: a few matrices of size^2 numbers.
    """
    size, dim, exact = average.task.size, average.task.dim, average.exact
    weights = composite_filter(network, depth, size)
    total = sum(weights)
    scale = total if exact else 1
    entries = [weight if exact else weight / total for weight in weights]
    row = np.array(entries, dtype=object if exact else float)
    pool = pooling_matrix(row, network.strides[depth])
    ahead, behind = np.roll(pool, -1, axis=1), np.roll(pool, 1, axis=1)
    # Twice the mean move, so that integers stay integers.
    move = (ahead - pool) - (pool - behind)
    squares = (pool * pool).sum(axis=0)
    moved = ((ahead - pool) ** 2).sum(axis=0) + ((pool - behind) ** 2).sum(axis=0)
    gram = _product(pool, pool, exact)
    half_moved = _product(move, pool, exact)
    both_moved = _product(move, move, exact)

    def over_axes(special: dict[int, Any], usual: Any) -> list[Any]:
        return [special.get(axis, usual) for axis in range(dim)]

    # Twice E_e: two directions per axis, dim axes.
    single = sum(average.first_pixel(over_axes({a: moved}, squares)) for a in range(dim))
    crossed = 0
    for a in range(dim):
        for b in range(dim):
            special = {a: both_moved} if a == b else {a: half_moved, b: half_moved.T}
            crossed = crossed + average.pairs(over_axes(special, gram))
    active = average.first_pixel([squares] * dim)
    overlap = average.pairs([gram] * dim)
    mass = average.first_pixel([pool.sum(axis=0)] * dim)
    mean = average.mean_image()
    for axis in range(dim):
        mean = np.moveaxis(np.tensordot(pool, mean, axes=(1, axis)), 0, axis)

    def over(value: Any, divisor: int) -> Number:
        return Fraction(value) / divisor if exact else float(value) / divisor

    power = scale ** (2 * dim)
    return PairMoments(
        displacement=over(single, dim * power) + over(crossed, 2 * dim * dim * power),
        square=over(2 * active + 2 * overlap, power),
        mean_square=over((mean * mean).sum(), power),
        active=over(active, power),
        mass=over(mass, scale**dim),
        trace=over(squares.sum() ** dim, power),
    )


def _product(left: Any, right: Any, exact: bool) -> Any:
    """left^T right, by python-flint if the entries are integers of any size."""
    if not exact:
        return left.T @ right
    product = fmpz_mat(left.T.tolist()) * fmpz_mat(right.tolist())
    return np.array([[int(entry) for entry in row] for row in product.tolist()], dtype=object)


def exact_pair_sensitivity(
    network: Network, depth: int, task: ScaleDetection, *, balanced: bool
) -> Fraction:
    """D_depth of the task as an exact rational."""
    moments = _exact_moments(network, depth, task, balanced)
    return Fraction(moments.displacement / moments.distance)


def _exact_moments(net: Network, depth: int, task: ScaleDetection, balanced: bool) -> PairMoments:
    moments = pair_moments(net, depth, PairAverage(task, balanced, exact=True))
    if moments.distance == 0:
        raise ExhaustionError.at(depth, task.size)
    return moments


def pair_response(scenario: Scenario) -> Response:
    """Evaluate the response of a scenario with a task; relative error below 1e-10."""
    net, task = scenario.network, cast("ScaleDetection", scenario.task)
    if task.size > LARGEST:
        raise ArgumentError(
            f"task.size must be at most {LARGEST} in predict, which holds matrices of size^2 "
            f"numbers; got {task.size}"
        )
    if scenario.rectify == "layers":
        require_few_pairs(net, task)
    average = PairAverage(task, scenario.balanced, exact=False)
    signal = []
    for k in range(net.depth + 1):
        moments = pair_moments(net, k, average)
        if moments.distance < _CANCELLING * moments.square:
            moments = _exact_moments(net, k, task, scenario.balanced)
        signal.append(moments)
    distance = np.array([float(moments.distance) for moments in signal])
    if scenario.rectify == "layers":
        sigma = torus(scenario)[1]
        mean, variance = pair_layer_noise(net, task, sigma, balanced=scenario.balanced)
    else:
        mean, variance = _input_noise(scenario, signal)
    sensitivity = [float(moments.displacement / moments.distance) for moments in signal]
    return Response(np.array(sensitivity), distance, mean / distance, variance / distance)


def _input_noise(scenario: Scenario, signal: Sequence[PairMoments]) -> NDArray[np.float64]:
    """Both parts of E|f_k(x + eta) - f_k(x)|^2, shape [2, depth + 1]."""
    size, sigma = torus(scenario)
    net, noise = scenario.network, noise_moments(sigma, scenario.rectify)
    shift = noise.active_mean - noise.background_mean
    parts = []
    for stride, moments in zip(net.strides, signal, strict=True):
        mean = noise.background_mean**2 * (size // stride) ** net.dim
        mean += 4 * noise.background_mean * shift * float(moments.mass)
        mean += shift**2 * float(moments.square)
        variance = noise.background_variance * float(moments.trace)
        variance += 2 * (noise.active_variance - noise.background_variance) * float(moments.active)
        parts.append((mean, variance))
    return np.array(parts).T
