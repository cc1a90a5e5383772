"""Eight numbers at a time, in compiled code, against NumPy."""

from __future__ import annotations

import numba
import numpy as np

from scaledet.simulation.engines.compiled.vectors import EIGHT, larger, load, spaced, splat, store


@numba.njit
def combine(x: np.ndarray, begin: int, factor: float, out: np.ndarray) -> None:
    a, b = load(x, begin), spaced(x, begin + EIGHT, 2)
    store(out, 1, larger(a * splat(factor) + b, a - b))


def test_eight_numbers_are_those_of_numpy_and_no_others_are_written() -> None:
    rng = np.random.default_rng(0)
    x, out = rng.standard_normal(32), np.full(10, np.nan)
    combine(x, 3, 0.5, out)
    a, b = x[3:11], x[11:27:2]
    np.testing.assert_allclose(out[1:9], np.maximum(0.5 * a + b, a - b), rtol=1e-15)
    assert np.isnan(out[[0, 9]]).all()
