"""Eight numbers at a time, in compiled code, against NumPy."""

from __future__ import annotations

import numba
import numpy as np

from scaledet.simulation.engines.compiled.vectors import (
    EIGHT,
    address,
    beginning,
    integer,
    larger,
    load,
    number,
    put,
    spaced,
    splat,
    store,
    sum_of,
)


@numba.njit
def combine(x: np.ndarray, begin: int, factor: float, out: np.ndarray) -> None:
    a, b = load(address(x), begin), spaced(address(x), begin + EIGHT, 2)
    store(address(out), 1, larger(a * splat(factor) + b, a - b))


@numba.njit
def add_up(x: np.ndarray, count: int) -> float:
    return sum_of(load(address(x), 1) * beginning(count))


@numba.njit
def move(places: np.ndarray, x: np.ndarray) -> None:
    put(address(x), integer(address(places), 1), number(address(x), integer(address(places), 0)))


def test_eight_numbers_are_those_of_numpy_and_no_others_are_written() -> None:
    rng = np.random.default_rng(0)
    x, out = rng.standard_normal(32), np.full(10, np.nan)
    combine(x, 3, 0.5, out)
    a, b = x[3:11], x[11:27:2]
    np.testing.assert_allclose(out[1:9], np.maximum(0.5 * a + b, a - b), rtol=1e-15)
    assert np.isnan(out[[0, 9]]).all()


def test_the_first_of_eight_numbers_are_added_up() -> None:
    x = np.arange(10.0) ** 2
    assert [add_up(x, count) for count in range(9)] == [sum(x[1 : 1 + n]) for n in range(9)]


def test_single_numbers_are_read_and_written_where_whole_ones_say() -> None:
    x = np.arange(4.0)
    move(np.array([3, 1]), x)
    assert x.tolist() == [0, 3, 2, 3]
