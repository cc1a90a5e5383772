"""The bijection between ranks and pairs."""

from __future__ import annotations

import numpy as np

from scaledet.tasks.enumeration import unrank_combination
from tests.scale_detection_reference import every_task


@every_task
def test_iter_pairs_is_pairs_in_chunks(task):
    for sign in (None, 1, -1):
        parts = list(task.iter_pairs(sign, chunk=7))
        assert all(part.shape == (7, 2, task.dim) for part in parts[:-1])
        assert 1 <= len(parts[-1]) <= 7
        assert all(part.dtype == np.int64 for part in parts)
        assert np.array_equal(np.concatenate(parts), task.pairs(sign))


@every_task
def test_returned_pairs_have_the_smaller_raster_index_first(task):
    for positions in (task.pairs(), task.draw_pairs(50, rng=1)[0]):
        raster = positions @ task.size ** np.arange(task.dim)[::-1]
        assert (raster[:, 0] < raster[:, 1]).all()


def test_unranking_combinations_is_exact_for_large_ranks():
    i, j = unrank_combination(np.arange(45))
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == [
        (a, b) for b in range(1, 10) for a in range(b)
    ]
    for top in (2**24, 2**29 + 1, 2**30):
        ranks = np.array([top * (top - 1) // 2 + shift for shift in (-1, 0, 1)])
        i, j = unrank_combination(ranks)
        assert (i.tolist(), j.tolist()) == ([top - 2, 0, 1], [top - 1, top, top])
