r"""The least sensitivity D_k that a non-negative filter of given width can have.

No filter, no stack of filters, at any strides, and in any dimension where the filter is a tensor
product, has a smaller D_k on the infinite lattice. Derived in ``derivations/d14_limits.py``.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import Any

from scaledet import validate
from scaledet.errors import ArgumentError
from scaledet.theory.box_mixtures import certify, search

__all__ = ["SHARP", "WIDEST", "stability_limit"]

SHARP = Fraction(2570210205053600, 10**15)
"""The least limit of D_k A_k^2, 2.5702102050536004..., rounded down."""
WIDEST = 16
"""Beyond this width no certificate is searched for."""


def stability_limit(A: float | Fraction) -> float:
    r"""Return a lower bound of D_k of every filter of effective receptive field up to A.

    For all non-negative filters and stacks of them, at any strides, on the infinite lattice, in
    every dimension where the filter is a tensor product (D_k is then that of one axis). With
    :math:`C = 2.57021\ldots`,

    .. math:: D_k \ge \frac{15 - 3 A^2}{14 - 2 A^2} \quad (A^2 \le 5), \qquad
        D_k \ge \frac{C}{A^2 + 1 + C/3} .

    The first is attained for A up to 2, by filters of two sites. From there to 16 a better bound is
    certified for this very A: a dual certificate, found in floats and verified in ball arithmetic.
    None of these can be improved by more than a part in a million where explicit filters were
    searched for. Beyond 16 the second bound is returned. It is sharp as A grows: 0.53 % below the
    least D_k at A = 16, and less about in proportion to A^-2 (measured). A certificate takes up to
    half a second.

    Parameters
    ----------
    A : float or Fraction
        Effective receptive field (pixels), at least 1.

    Returns
    -------
    float
        The bound at A as read, rounded down. A float is read as the number that it stands for; if
        it was computed, allow for a few parts in 10^15.

    Raises
    ------
    ValueError, TypeError
        If A is no finite number of at least 1.

    Examples
    --------
    >>> import scaledet as sd
    >>> sd.stability_limit(2), round(sd.stability_limit(3), 7)       # the box of two; 0.2699144
    (0.5, 0.2699144)
    >>> p = sd.predict(sd.Network.uniform(3, depth=3), size=None)
    >>> [bool(D >= sd.stability_limit(A)) for A, D in zip(p.A, p.D)]
    [True, True, True, True]
    """
    accepted = "a finite real number >= 1"
    width = validate.rational("A", A, accepted, decides=False)
    if width < 1:
        raise ArgumentError(f"A must be {accepted}; got {A!r}")
    square = width * width
    bounds: list[Any] = [SHARP / (square + 1 + SHARP / 3)]
    if square < 5:
        bounds.append((15 - 3 * square) / (14 - 2 * square))
    if 2 < width <= WIDEST:
        bounds.append(_certified(width))
    return _rounded_down(max(bounds))


@lru_cache(maxsize=1024)
def _certified(width: Fraction) -> Fraction:
    """Return the bound that the search for a certificate proves; 0 if it proves none."""
    certificate = search(width)
    return Fraction(certificate.bound) if certify(certificate, width) else Fraction(0)


def _rounded_down(value: Fraction) -> float:
    nearest = float(value)
    return nearest if nearest <= value else math.nextafter(nearest, 0)
