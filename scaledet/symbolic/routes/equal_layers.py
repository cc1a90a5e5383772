"""Hold claims on equal layers of any filter and stride to pooled one-pixel images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from scaledet import symbols as y
from scaledet.reference.pixel import PooledPixel, autocorrelation
from scaledet.reference.rates import pooled_values
from scaledet.symbolic.claims import agree
from scaledet.symbols import k, m

__all__ = ["SKEW", "layers_and", "on_images", "overlap_by_filter"]

Cases = Sequence[dict[Any, int]]

SKEW = {
    2: PooledPixel([([Fraction(1, 7), Fraction(2, 7), Fraction(4, 7)], 2)]),
    3: PooledPixel([([Fraction(1, 2), Fraction(1, 6), Fraction(0), Fraction(1, 3)], 3)]),
}
"""By stride: two skew filters, so that no symmetry hides a wrong sign."""


def layers_and(symbol: Any, values: Iterable[int], depth: int = 2) -> Cases:
    """Cases of `symbol` at every layer up to `depth`."""
    values = list(values)
    return [{k: layer, symbol: value} for layer in range(1, depth + 1) for value in values]


@lru_cache(maxsize=8)
def _values(pooled: PooledPixel) -> dict[Any, Any]:
    weights = pooled.layer(1)[0]
    return pooled_values(pooled) | {
        y.a: lambda at: weights[at] if 0 <= at < len(weights) else Fraction(0),
        y.autocorrelation: lambda at: autocorrelation(weights, at),
        y.overlap: pooled.overlap,
        y.unit: lambda at, i, q: pooled.image(at, q).get(i, Fraction(0)),
    }


def on_images(claim: Any, *, cases: Cases, pools: Mapping[int, PooledPixel] = SKEW) -> str:
    """Confront a claim in s and k with pooled pixels at every stride."""
    evidence = []
    for stride, pooled in pools.items():
        reach = max(40, len(pooled.layer(1)[0]) + stride)
        evidence.append(agree(claim.subs(y.s, stride), cases, _values(pooled), reach=reach))
    return " and ".join(evidence)


def overlap_by_filter(claim: Any) -> str:
    """Confront overlaps of images with c_k(m) from the filter: the two sides share no sum."""
    evidence = []
    for pooled in SKEW.values():
        taps = {
            layer: [pooled.filter(layer, at) for at in range(3 * pooled.stride(layer) + 6)]
            for layer in (1, 2, 3)
        }
        values = {
            y.overlap: pooled.overlap,
            y.S: pooled.stride,
            y.c: lambda layer, lag, t=taps: autocorrelation(t[layer], lag),
        }
        evidence.append(agree(claim, layers_and(m, range(4)), values))
    return " and ".join(evidence)
