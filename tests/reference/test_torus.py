"""Tori agree with pixels pooled on the infinite line, and with sums over all moves by hand."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from scaledet.reference.pixel import PooledPixel
from scaledet.reference.torus import Torus, mixed, uniform

SKEW = [([1, 2, 4], 2), ([3, 1, 0, 2], 3)]
CASES = [
    (SKEW, 12, 1),
    ([([1, 2, 4], 2), ([1, 1, 1], 3), ([1, 2, 4], 1)], 48, 1),
    ([([1, 2, 4], 1), ([3, 1], 2)], 4, 2),
    ([([2, 1], 3)], 3, 3),
]


def wrapped(layers: Any, size: int, dim: int, k: int) -> Any:
    """Images of single pixels, pooled on the line, wrapped around it and multiplied over axes."""
    pooled = PooledPixel([([Fraction(w, sum(ws)) for w in ws], stride) for ws, stride in layers])
    units = size // pooled.stride(k)
    line = np.full((size, units), Fraction(0), dtype=object)
    for p in range(size):
        for i, height in pooled.image(k, p).items():
            line[p, i % units] += height
    images = line
    for _ in range(dim - 1):
        images = np.kron(images, line)
    return images


def around(size: int, dim: int) -> list[list[int]]:
    sites = list(itertools.product(range(size), repeat=dim))
    moves = [(axis, sign) for axis in range(dim) for sign in (1, -1)]
    return [
        [
            sites.index(tuple((x + sign * (a == axis)) % size for a, x in enumerate(site)))
            for axis, sign in moves
        ]
        for site in sites
    ]


@pytest.mark.parametrize(("layers", "size", "dim"), CASES)
def test_one_pixel_against_the_line(layers: Any, size: int, dim: int) -> None:
    torus, pixels = Torus(layers, size, dim, biases=[3, 1, 2][: len(layers)]), range(size**dim)
    assert torus.neighbours.tolist() == around(size, dim)
    for k in range(len(layers) + 1):
        images = wrapped(layers, size, dim, k)
        assert (torus.features(k) == images * torus.scale(k)).all()
        assert torus.overlap(k, 0, 1) == images[0] @ images[1]
        assert torus.square(k) == (images**2).sum() / len(pixels)
        # The real network: positive biases cancel in every difference.
        far = sum(((images - images[p]) ** 2).sum() for p in pixels) / len(pixels) ** 2
        moved = sum(
            ((images[q] - images[p]) ** 2).sum() for p in pixels for q in around(size, dim)[p]
        )
        assert torus.distance(k) == far
        assert torus.displacement(k) == moved / (len(pixels) * 2 * dim)
        if far:
            assert torus.sensitivity(k) == torus.displacement(k) / far


@pytest.mark.parametrize(("layers", "size", "dim"), [CASES[0], CASES[2]])
def test_two_pixels_against_the_line(layers: Any, size: int, dim: int) -> None:
    torus, places = Torus(layers, size, dim), around(size, dim)
    law = mixed(uniform([(0, 1), (2, 5)]), uniform([(3, 3)]))
    for k in range(len(layers) + 1):
        f = wrapped(layers, size, dim, k)
        change = cross = distance = overlap = Fraction(0)
        for (p, q), weight in law.items():
            overlap += weight * (f[p] @ f[q])
            for moved, other in itertools.product(places[p], places[q]):
                u, v = f[moved] - f[p], f[other] - f[q]
                change += weight * ((u + v) ** 2).sum() / (2 * dim) ** 2
                cross += weight * (u @ v) / (2 * dim) ** 2
            for (a, b), share in law.items():
                distance += weight * share * ((f[p] + f[q] - f[a] - f[b]) ** 2).sum()
        assert torus.pair_overlap(k, law) == overlap
        assert torus.pair_cross(k, law) == cross
        assert torus.pair_change(k, law) == change
        assert torus.pair_distance(k, law) == distance
        assert torus.pair_sensitivity(k, law) == change / distance


def test_displacements_and_walks() -> None:
    torus = Torus([], 4, 2)
    assert torus.at_lag(1, -1)[0, 7] == Fraction(1, 16)
    assert set(torus.at_lag(0, 2)) == {(p, p + (2 if p % 4 < 2 else -2)) for p in range(16)}
    assert [torus.walks(2, 0, end) for end in (0, 1, 2, 5, 8)] == [4, 0, 2, 2, 2]
    assert (torus.walks(0, 3, 3), torus.walks(1, 0, 3)) == (1, 1)


def test_negative_biases_switch_units_off() -> None:
    torus = Torus([([1, 1], 2)], 4, biases=[-1])
    assert not torus.features(1, real=True).any()
    assert torus.distance(1) == 0
    assert torus.features(1).any()


def test_large_weights_stay_exact() -> None:
    large = 10**12
    expected = Fraction(large**2 + 1, (large + 1) ** 2) - Fraction(1, 4)
    assert Torus([([large, 1], 2)], 4).distance(1) == expected
    assert Torus([([large**2, large], 2)], 4).distance(1) == expected


def test_what_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="do not divide 8"):
        Torus(SKEW, 8)
    torus = Torus(SKEW, 6)
    for call in (
        lambda: torus.stride(3),
        lambda: torus.stride(-1),
        lambda: torus.overlap(1, -1, 0),
        lambda: torus.overlap(1, 6, 0),
        lambda: torus.output(0, -1, 0),
        lambda: torus.walks(-1, 0, 0),
    ):
        with pytest.raises(IndexError):
            call()
