"""The pooled pixel agrees with convolved filters and with what can be counted by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

from scaledet.reference.pixel import PooledPixel, autocorrelation, composite

THIRD = [Fraction(1, 3)] * 3
SKEW = [Fraction(1, 7), Fraction(2, 7), Fraction(4, 7)]


def test_box_three_at_stride_two() -> None:
    pooled = PooledPixel([(THIRD, 2)])
    peaks = [pooled.correlation(k, 0) * 9**k for k in range(4)]
    assert peaks == [1, 3, 13, 59]
    assert [pooled.moved(k) * 9**k for k in range(1, 4)] == [2, 6, 26]
    assert pooled.sensitivity(3) == Fraction(26, 118)


def test_last_layer_repeats() -> None:
    once, twice = PooledPixel([(SKEW, 2)]), PooledPixel([(SKEW, 2), (SKEW, 2)])
    assert once.image(2, 5) == twice.image(2, 5)
    assert once.stride(3) == 8


def test_filter_is_the_convolution() -> None:
    pooled = PooledPixel([(SKEW, 3)])
    direct = composite(SKEW, 3, 2)
    assert [pooled.filter(2, j) for j in range(len(direct))] == direct
    assert pooled.support(2) == len(direct) == 9
    mean = sum(j * w for j, w in enumerate(direct))
    assert pooled.variance(2) == sum(j * j * w for j, w in enumerate(direct)) - mean**2
    assert pooled.correlation(2, 3) == autocorrelation(direct, 3) == autocorrelation(direct, -3)


def test_layers_count_from_one() -> None:
    pooled = PooledPixel([(THIRD, 2)])
    with pytest.raises(ValueError, match="no layer 0"):
        pooled.layer(0)
    with pytest.raises(ValueError, match="no layer -1"):
        pooled.stride(-1)
