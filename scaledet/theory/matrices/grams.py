r"""Gram matrices :math:`K = M^T M` of a factor of the matrices of a network, and of its moves.

With T the sum over the moves m of :math:`e_{p+m} - e_p` (their number times the mean move), two
pixels that move by themselves need :math:`K`, :math:`T^T K` and :math:`T^T K T`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

from scaledet.scenario import Moves
from scaledet.theory.matrices.maps import ExactMap, is_sparse
from scaledet.theory.matrices.sites import neighbours, over_moves, step_squares

__all__ = ["Grams", "exact_grams", "float_grams"]


@dataclass(frozen=True)
class Grams:
    """Arrays over the pixels, and pairs of pixels, of a factor: floats, or integers over `unit`.

    `plain`, `half` and `both`: K, T^T K and T^T K T, shape [pixels, pixels]; `moved`: the sums over
    the moves of |M (e_{p+m} - e_p)|^2, shape [pixels]; `steps`: the number of moves. Only factors
    of one axis need `half`.
    """

    plain: Any
    half: Any
    both: Any
    moved: Any
    steps: int
    unit: int = 1

    @property
    def squares(self) -> Any:
        """|M e_p|^2, shape [pixels]."""
        return self.plain.diagonal()

    @property
    def masses(self) -> Any:
        """<M 1, M e_p>, shape [pixels]."""
        return self.plain.sum(axis=1)


def float_grams(matrix: Any, sides: tuple[int, ...], moves: Moves) -> Grams:
    """Return the Gram matrices of a sparse matrix [outputs, pixels]; differences come first."""
    from scipy import sparse

    leads = neighbours(sides, moves)
    pixels = np.arange(matrix.shape[1])
    rows = np.concatenate([*leads, pixels])
    columns = np.tile(pixels, len(leads) + 1)
    signs = np.repeat([1.0, -len(leads)], [len(leads) * len(pixels), len(pixels)])
    step = sparse.csr_array((signs, (rows, columns)), shape=(len(pixels),) * 2)
    moved = matrix @ step
    squares = sum(
        over_moves(step_squares(matrix, sides, axis), axis, moves) for axis in range(len(sides))
    )
    half = _product(moved, matrix) if len(sides) == 1 else None
    plain, both = _product(matrix, matrix), _product(moved, moved)
    return Grams(plain, half, both, np.ravel(squares), len(leads))


def _product(first: Any, second: Any) -> NDArray[np.float64]:
    """Return the dense product of the transpose of one sparse matrix and another one."""
    if is_sparse(second):
        return np.asarray((first.T @ second).toarray(), dtype=float)
    return np.asarray(first.toarray().T @ second.toarray(), dtype=float)


def exact_grams(exact: ExactMap, sides: tuple[int, ...], moves: Moves) -> Grams:
    """Return the Gram matrices of a matrix of integers."""
    matrix = fmpz_mat(exact.matrix.tolist())
    plain = np.array((matrix.transpose() * matrix).tolist(), dtype=object)
    leads = neighbours(sides, moves)
    half = sum(plain[lead] for lead in leads) - len(leads) * plain
    both = sum(half[:, lead] for lead in leads) - len(leads) * half
    squares, pixels = plain.diagonal(), np.arange(len(plain))
    moved = sum(squares[lead] + squares - 2 * plain[lead, pixels] for lead in leads)
    return Grams(plain, half, both, moved, len(leads), exact.scale**2)
