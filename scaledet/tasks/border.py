r"""Moving pairs on an image with a border: the mean square of :math:`\tau x - x`.

A move that would leave the image does not take place ("stay"), or the axis is drawn first and then
the site, among those next to the pixel that exist along it ("inside").
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scaledet.tasks.pairs import displacement_mask, label_counts
from scaledet.tasks.rule import Rule

__all__ = ["Border", "bordered_mean_square", "landed", "move_weights"]

Border = Literal["stay", "inside"]


def landed(
    places: NDArray[np.int64], sides: int | tuple[int, ...], moves: Literal["wrap"] | Border
) -> NDArray[np.int64]:
    """Return where pixels [..., dim] land that a move by one site has taken to `places`.

    `moves` says what becomes of those that have left the image.

    >>> [landed(np.array([[-1], [2], [8]]), 8, moves).ravel().tolist()
    ...  for moves in ("wrap", "stay", "inside")]
    [[7, 2, 0], [0, 2, 7], [1, 2, 6]]
    """
    last = np.asarray(sides) - 1
    if moves == "wrap":
        return np.asarray(places % sides)
    if moves == "stay":
        return np.clip(places, 0, last)
    # The other neighbour along the axis.
    return np.asarray(last - np.abs(last - np.abs(places)))


def move_weights(size: int, border: Border) -> NDArray[np.int64]:
    """Return the weights, halves, of the moves by -1, 0, 1 from every site of an axis, [size, 3].

    >>> move_weights(3, "stay").tolist(), move_weights(3, "inside").tolist()
    ([[0, 1, 1], [1, 0, 1], [1, 1, 0]], [[0, 0, 2], [1, 0, 1], [2, 0, 0]])
    """
    weights = np.tile(np.array([1, 0, 1]), (size, 1))
    for site, outward, inward in ((0, 0, 2), (size - 1, 2, 0)):
        weights[site, outward] = 0
        weights[site, 1 if border == "stay" else inward] += 1
    return weights


def bordered_mean_square(rule: Rule, balanced: bool, border: Border) -> Fraction:
    r"""Mean of :math:`|\tau x - x|^2` over the admitted pairs of a task and their moves.

    With p', q' the places after the move it is 2 P(p' != p) + 2 P(q' != q) + 2 P(p' = q')
    - 2 P(p' = q) - 2 P(q' = p): the last three concern pairs within two steps only.

    >>> rule = Rule(8, 3, 0, "T1", dim=1, periodic=True, norm="L2")
    >>> bordered_mean_square(rule, False, "stay"), bordered_mean_square(rule, False, "inside")
    (Fraction(22, 7), Fraction(25, 7))
    """
    counts = label_counts(rule)
    # Sums over ordered pairs, in units of the weight (2 dim)^2 of all joint moves.
    whole = 2 * rule.dim
    sums = {label: 4 * whole**2 * 2 * count for label, count in counts.items()}
    if border == "stay":
        for label, faces in _on_faces(rule).items():
            sums[label] -= 4 * whole * faces
    steps = itertools.product(range(-2, 3), repeat=rule.dim)
    for step in (s for s in steps if 1 <= sum(map(abs, s)) <= 2):
        first = _sites(rule, step)
        labels = rule.labels_of(first, first + np.array(step))
        together, onto = _meetings(rule, first, step, border)
        for label in sums:
            chosen = labels == label
            sums[label] += 2 * int(together[chosen].sum()) - 4 * whole * int(onto[chosen].sum())
    if balanced:
        means = [Fraction(sums[label], whole**2 * 2 * counts[label]) for label in counts]
        return sum(means, Fraction(0)) / 2
    return Fraction(sum(sums.values()), whole**2 * 2 * sum(counts.values()))


def _on_faces(rule: Rule) -> dict[int, int]:
    """Return the ordered pairs (p, q) of each label, times the faces of the image p lies on."""
    size, dim = rule.size, rule.dim
    if rule.variant == "T2" or rule.periodic:  # p is anywhere, alike
        return {label: 2 * dim * 2 * count // size for label, count in label_counts(rule).items()}
    along = 2 * np.arange(size, 0, -1)
    along[0] = size
    result = {}
    for label in (1, -1):
        pairs = displacement_mask(rule, label).astype(np.int64)
        for _ in range(dim - 1):
            pairs = pairs @ along
        result[label] = 2 * dim * int(pairs.sum())
    return result


def _sites(rule: Rule, step: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the sites p with p + step on the image, shape [n, dim]."""
    ranges = [np.arange(max(0, -s), rule.size - max(0, s)) for s in step]
    grid = np.meshgrid(*ranges, indexing="ij")
    return np.stack([each.ravel() for each in grid], axis=1)


def _meetings(
    rule: Rule, first: NDArray[np.int64], step: tuple[int, ...], border: Border
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Weights, for p and q = p + step, of p' = q' and of p' = q."""
    weights = move_weights(rule.size, border)
    second = first + np.array(step)

    def weight(places: NDArray[np.int64], move: tuple[int, ...]) -> NDArray[np.int64]:
        """Weight of a move along one axis, or of staying along any."""
        moving = [axis for axis, by in enumerate(move) if by]
        axes = moving if moving else range(rule.dim)
        if len(moving) > 1 or any(abs(by) > 1 for by in move):
            return np.zeros(len(places), np.int64)
        each = [weights[places[:, axis], 1 + move[axis]] for axis in axes]
        return np.asarray(np.sum(each, axis=0))

    moves = [
        tuple(sign * (axis == other) for other in range(rule.dim))
        for axis in range(rule.dim)
        for sign in (1, -1)
    ]
    together = np.zeros(len(first), np.int64)
    for move in [*moves, (0,) * rule.dim]:
        back = tuple(by - s for by, s in zip(move, step, strict=True))
        together += weight(first, move) * weight(second, back)
    return together, weight(first, step)
