r"""One active pixel, uniformly placed on a finite image: moments of every layer.

The matrix being the product of factors a with the sums u, w, t of `sites`,

.. math:: E|M e_p|^2 = \prod_a u_a, \qquad
          Q = 2 \Bigl(\prod_a u_a - \prod_a w_a\Bigr), \qquad
          E|M (e_{p+m} - e_p)|^2 = \frac1d \sum_a t_a \prod_{b \ne a} u_b .

The difference is taken as a sum of positive terms, of which each holds one u - w. Source: our
derivation, after the model of Tomasini et al., arXiv:2210.01506.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scaledet.network.network import Network
from scaledet.scenario import Moves
from scaledet.theory.matrices.layerwise import Layerwise
from scaledet.theory.matrices.maps import factors
from scaledet.theory.matrices.sites import SiteMoments, exact_sums, float_sums
from scaledet.theory.signal.moments import Moments

__all__ = ["pixel_matrices"]

_CANCELLING = 1e-8
"""Ratio of Q_k to the mean square: floats lose its square root, and the sums no more."""


def pixel_matrices(net: Network, sides: tuple[int, ...], moves: Moves) -> Layerwise:
    """Return the moments of one active pixel on an image of these sides."""
    return Layerwise(
        factors(net, sides), moves, float_sums, exact_sums, lambda _: _combined, _CANCELLING
    )


def _combined(parts: Sequence[SiteMoments]) -> Moments:
    squares = [part.square for part in parts]
    square, mean_square = math.prod(squares), math.prod(part.mean_square for part in parts)
    excess = sum(
        math.prod(part.mean_square for part in parts[:a])
        * parts[a].excess
        * math.prod(squares[a + 1 :])
        for a in range(len(parts))
    )
    moved = [
        t * math.prod(squares[:a] + squares[a + 1 :])
        for a, part in enumerate(parts)
        for t in part.moved
    ]
    pixels = math.prod(part.pixels for part in parts)
    return Moments(
        displacement=sum(moved) / len(moved),
        distance=2 * excess,
        square=square,
        active=square,
        mass=pixels * mean_square,
        flat=pixels**2 * mean_square,
        trace=pixels * square,
        pixels=1,
    )
