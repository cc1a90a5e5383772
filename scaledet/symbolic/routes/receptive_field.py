"""Widths and variances of filters, read off pooled images."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from scaledet import symbols as y
from scaledet.reference.pixel import PooledPixel
from scaledet.symbolic.claims import agree
from scaledet.symbols import f, k, s

SKEW = [Fraction(1, 7), Fraction(2, 7), Fraction(4, 7)]


def _boxes(length: int, stride: int) -> PooledPixel:
    return PooledPixel([([Fraction(1, length)] * length, stride)])


def on_boxes(claim: Any) -> str:
    """Confront a claim about one layer with boxes of length 1 to 6."""
    for length in range(1, 7):
        agree(claim, [{f: length}], {y.spread: _boxes(length, 2).variance})
    return "exact for 6 lengths"


def on_disjoint_boxes(claim: Any) -> str:
    """Confront a claim about A_k with the sites that a unit sees where its filter is a box."""
    evidence = ""
    for length in (2, 3, 5):
        pooled = _boxes(length, length)
        values = {y.A: pooled.support, y.spread: pooled.variance}
        evidence = agree(claim, [{k: layer} for layer in (1, 2, 3)], values)
    return f"{evidence} for each of f = 2, 3, 5"


def on_equal_layers(claim: Any) -> str:
    """Confront a claim about equal layers with a skew filter at three strides."""
    evidence = ""
    for stride in (1, 2, 3):
        pooled = PooledPixel([(SKEW, stride)])
        case = {s: stride, y.kappa(2): pooled.variance(1)}
        cases = [{**case, k: layer} for layer in (0, 1, 2, 3)]
        evidence = agree(claim, cases, {y.spread: pooled.variance})
    return f"{evidence} for each of s = 1, 2, 3"
