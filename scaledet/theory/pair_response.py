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

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from scaledet.errors import ArgumentError, ExhaustionError
from scaledet.theory.correlation.exact import composite_filter
from scaledet.theory.noise.moments import noise_moments
from scaledet.theory.signal.pair_average import PairAverage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scaledet.network.network import Network
    from scaledet.tasks.scale_detection import ScaleDetection

__all__ = ["PairMoments", "exact_pair_sensitivity", "pair_moments", "pair_sensitivities"]

# Below this ratio of Q_k to the mean square representation, floats lose more than four digits.
_CANCELLING = 1e-5
LARGEST = 4096


@dataclass(frozen=True)
class PairMoments:
    """Averages over the data set at one layer (numbers, or Fractions if exact).

    `displacement`: E|f(tau x) - f(x)|^2; `square`: E|f(x)|^2; `mean_square`: |E f(x)|^2; `own`:
    E|P e_p|^2; `mass`: E sum_i (P e_p)_i; `trace`: sum of |P e_i|^2 over all pixels.
    """

    displacement: Any
    square: Any
    mean_square: Any
    own: Any
    mass: Any
    trace: Any

    @property
    def distance(self) -> Any:
        """Q_k, the mean square distance of two independent images."""
        return 2 * (self.square - self.mean_square)


def pair_moments(network: Network, depth: int, average: PairAverage) -> PairMoments:
    """Evaluate `PairMoments` at one layer from the 1-D pooling matrix and its moved columns.

    Memory: a few matrices of size^2 numbers.
    """
    size, dim, exact = average.task.size, average.task.dim, average.exact
    weights = composite_filter(network, depth, size)
    total = sum(weights)
    stride = network.strides[depth]
    filled = np.array(weights, dtype=object) if exact else _as_floats(weights, total)
    rows = (np.arange(size)[None, :] - stride * np.arange(size // stride)[:, None]) % size
    pool = filled[rows]
    ahead, behind = np.roll(pool, -1, axis=1), np.roll(pool, 1, axis=1)
    # Twice the mean move, so that integers stay integers.
    move = (ahead - pool) - (pool - behind)
    own = (pool * pool).sum(axis=0)
    moved = ((ahead - pool) ** 2).sum(axis=0) + ((pool - behind) ** 2).sum(axis=0)
    gram = _product(pool, pool, exact)
    half_moved = _product(move, pool, exact)
    both_moved = _product(move, move, exact)

    def over_axes(special: dict[int, Any], usual: Any) -> list[Any]:
        return [special.get(axis, usual) for axis in range(dim)]

    def first(vectors: list[Any]) -> Any:
        return average.first_pixel(vectors)

    scale = total**2 if exact else 1
    unit = _fraction if exact else _ratio
    # Twice E_e: two directions per axis, dim axes.
    single = sum(first(over_axes({a: moved}, own)) for a in range(dim))
    crossed = 0
    for a in range(dim):
        for b in range(dim):
            special = {a: both_moved} if a == b else {a: half_moved, b: half_moved.T}
            crossed = crossed + average.pairs(over_axes(special, gram))
    own_mean = first(over_axes({}, own))
    overlap = average.pairs(over_axes({}, gram))
    mean = average.mean_image()
    for axis in range(dim):
        mean = np.moveaxis(np.tensordot(pool, mean, axes=(1, axis)), 0, axis)
    mean_square = (mean * mean).sum()
    power = scale**dim
    return PairMoments(
        displacement=unit(single, dim * power) + unit(crossed, 2 * dim * dim * power),
        square=unit(2 * own_mean + 2 * overlap, power),
        mean_square=unit(mean_square, power),
        own=unit(own_mean, power),
        mass=unit(first(over_axes({}, pool.sum(axis=0))), (total if exact else 1) ** dim),
        trace=unit(own.sum() ** dim, power),
    )


def _as_floats(weights: list[int], total: int) -> NDArray[np.float64]:
    return np.array([weight / total for weight in weights])


def _fraction(value: Any, divisor: int) -> Fraction:
    return Fraction(value) / divisor


def _ratio(value: Any, divisor: int) -> float:
    return float(value) / divisor


def _product(left: Any, right: Any, exact: bool) -> Any:
    """left^T right, by python-flint if the entries are integers of any size."""
    if not exact:
        return left.T @ right
    from flint import fmpz_mat

    product = fmpz_mat(left.T.tolist()) * fmpz_mat(right.tolist())
    return np.array([[int(entry) for entry in row] for row in product.tolist()], dtype=object)


def exact_pair_sensitivity(
    network: Network, depth: int, task: ScaleDetection, *, balanced: bool
) -> Fraction:
    """D_depth of the task as an exact rational.

    >>> from scaledet import Network, ScaleDetection
    >>> task = ScaleDetection(size=16, xi=4, gap=1)
    >>> exact_pair_sensitivity(Network.uniform(2, 2, depth=2), 1, task, balanced=False)
    Fraction(41, 74)
    """
    found = pair_moments(network, depth, PairAverage(task, balanced, exact=True))
    if found.distance == 0:
        raise ExhaustionError.at(depth, task.size)
    return Fraction(found.displacement / found.distance)


def pair_sensitivities(
    network: Network,
    task: ScaleDetection,
    sigma: float,
    rectify: str | None,
    *,
    balanced: bool,
) -> dict[str, NDArray[np.float64]]:
    """D, Q and both parts of G for every layer; relative error below 1e-10.

    Raises
    ------
    ExhaustionError
        At the first layer where Q_k = 0.
    """
    if task.size > LARGEST:
        raise ArgumentError(
            f"task.size must be at most {LARGEST} in predict, which holds matrices of size^2 "
            f"numbers; got {task.size}"
        )
    layered = None
    if rectify == "layers":
        from scaledet.theory.noise.pair_layers import pair_layer_noise

        layered = pair_layer_noise(network, task, sigma, balanced=balanced)
    average = PairAverage(task, balanced, exact=False)
    noise = noise_moments(sigma, None if rectify == "layers" else rectify)
    shift = noise.active_mean - noise.background_mean
    columns: dict[str, list[float]] = {name: [] for name in ("D", "Q", "G_mean", "G_variance")}
    for k in range(network.depth + 1):
        found = pair_moments(network, k, average)
        if found.distance < _CANCELLING * found.square:
            found = pair_moments(network, k, PairAverage(task, balanced, exact=True))
            if found.distance == 0:
                raise ExhaustionError.at(k, task.size)
        spread = float(found.distance)
        units = (task.size // network.strides[k]) ** task.dim
        mean = noise.background_mean**2 * units
        mean += 4 * noise.background_mean * shift * float(found.mass)
        mean += shift**2 * float(found.square)
        variance = noise.background_variance * float(found.trace)
        variance += 2 * (noise.active_variance - noise.background_variance) * float(found.own)
        columns["D"].append(float(found.displacement / found.distance))
        columns["Q"].append(spread)
        columns["G_mean"].append(mean / spread)
        columns["G_variance"].append(variance / spread)
    arrays = {name: np.array(values) for name, values in columns.items()}
    if layered is not None:
        arrays |= {"G_mean": layered[0] / arrays["Q"], "G_variance": layered[1] / arrays["Q"]}
    return arrays
