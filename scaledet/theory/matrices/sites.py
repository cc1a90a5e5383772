r"""Sums over the pixels and the moves of one factor of the matrices of a network.

With M [outputs, n] the factor, :math:`e_p` its n pixels and p + m the pixel that a move leads to,

.. math:: u = \frac1n \sum_p |M e_p|^2, \qquad w = |M \tfrac{\mathbf 1}{n}|^2, \qquad
          t = \frac1n \sum_p E_m |M (e_{p+m} - e_p)|^2 .

u - w is a sum of squares, so that nothing cancels but what the floats of M have lost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaledet.scenario import Moves
from scaledet.tasks.border import landed
from scaledet.theory.matrices.maps import ExactMap

__all__ = ["SiteMoments", "exact_sums", "float_sums", "neighbours", "over_moves", "step_squares"]


@dataclass(frozen=True)
class SiteMoments:
    """Averages over the pixels of a factor: floats, or Fractions if they are exact.

    `square` is u, `mean_square` w, `excess` u - w, and `moved` holds t for the moves along each
    axis of the factor, of `pixels` pixels.
    """

    pixels: int
    square: Any
    mean_square: Any
    excess: Any
    moved: tuple[Any, ...]


def float_sums(matrix: Any, sides: tuple[int, ...], moves: Moves) -> SiteMoments:
    """Sum over the pixels of a sparse matrix [outputs, pixels]."""
    pixels = math.prod(sides)
    counts = np.diff(matrix.indptr)
    mean = matrix.sum(axis=1) / pixels
    deviation = matrix.data - np.repeat(mean, counts)
    absent = (mean * mean) @ (pixels - counts)
    moved = (
        over_moves(step_squares(matrix, sides, axis), axis, moves).sum() / (2 * pixels)
        for axis in range(len(sides))
    )
    return SiteMoments(
        pixels,
        float(matrix.data @ matrix.data) / pixels,
        float(mean @ mean),
        float(deviation @ deviation + absent) / pixels,
        tuple(map(float, moved)),
    )


def step_squares(matrix: Any, sides: tuple[int, ...], axis: int) -> NDArray[np.float64]:
    """Return |M (e_q - e_p)|^2 for every pixel p, q the next one on a ring along the axis."""
    from scipy import sparse

    pixels = np.arange(math.prod(sides))
    after = np.roll(pixels.reshape(sides), -1, axis).ravel()
    signs = np.repeat([1.0, -1.0], len(pixels))
    where = np.concatenate([after, pixels]), np.concatenate([pixels, pixels])
    steps = matrix @ sparse.csr_array((signs, where), shape=(len(pixels),) * 2)
    squares = np.bincount(steps.indices, steps.data * steps.data, minlength=len(pixels))
    return np.asarray(squares.reshape(sides), dtype=float)


def exact_sums(exact: ExactMap, sides: tuple[int, ...], moves: Moves) -> SiteMoments:
    """Sum over the pixels of a matrix of integers."""
    matrix, pixels = exact.matrix, math.prod(sides)
    unit = exact.scale**2
    rows = matrix.sum(axis=1)
    square = Fraction(int((matrix * matrix).sum()), pixels * unit)
    mean_square = Fraction(int((rows * rows).sum()), pixels**2 * unit)
    grid = matrix.reshape(-1, *sides)
    moved = []
    for axis in range(len(sides)):
        step = np.roll(grid, -1, axis + 1) - grid
        squares = over_moves((step * step).sum(axis=0), axis, moves)
        moved.append(Fraction(int(squares.sum()), 2 * pixels * unit))
    return SiteMoments(pixels, square, mean_square, square - mean_square, tuple(moved))


def over_moves(squares: Any, axis: int, moves: Moves) -> Any:
    """Return the sums over both moves from every pixel of |M (e_{p+m} - e_p)|^2.

    `squares` holds, at p, that of the step to the next pixel, from the last one to the first.

    >>> over_moves(np.array([1.0, 2.0, 4.0]), 0, "wrap").tolist()
    [5.0, 3.0, 6.0]
    >>> over_moves(np.array([1.0, 2.0, 4.0]), 0, "stay").tolist()
    [1.0, 3.0, 2.0]
    >>> over_moves(np.array([1.0, 2.0, 4.0]), 0, "inside").tolist()
    [2.0, 3.0, 4.0]
    """
    ahead = np.moveaxis(squares, axis, 0).copy()
    behind = np.roll(ahead, 1, 0)
    if moves == "stay":
        behind[0] = ahead[-1] = 0 * ahead[-1]
    elif moves == "inside":
        behind[0], ahead[-1] = ahead[0], behind[-1]
    return np.moveaxis(ahead + behind, 0, axis)


def neighbours(sides: tuple[int, ...], moves: Moves) -> list[NDArray[np.int64]]:
    """Return where the moves lead from every pixel, two along each axis; the first is ahead.

    >>> [sites.tolist() for sites in neighbours((4,), "inside")]
    [[1, 2, 3, 2], [1, 0, 1, 2]]
    """
    grid = np.arange(math.prod(sides)).reshape(sides)
    result = []
    for axis, side in enumerate(sides):
        for step in (1, -1):
            leads = landed(np.arange(side) + step, side, moves)
            result.append(np.take(grid, leads, axis).ravel())
    return result
