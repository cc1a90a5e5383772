"""Certificates: what they prove holds for mixtures of boxes of any length, and no more."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from scaledet.theory.box_mixtures import certify, search

WIDTH = Fraction(7, 2)


@pytest.fixture(scope="module")
def certificate():
    return search(WIDTH)


def mixture(heights) -> list[Fraction]:
    """The filter that is a sum of boxes of 1, 2, 3, ... sites about 0 and 1/2."""
    sites = [Fraction(0)] * (2 * len(heights) + 1)
    for size, height in enumerate(heights, start=1):
        first = len(heights) - (size - 1) // 2
        for at in range(first, first + size):
            sites[at] += Fraction(height)
    return sites


def lagrangian(sites, certificate) -> Fraction:
    """c(0) - c(1) - t c(0) + mu (Var - v), by direct sums."""
    square = sum(h * h for h in sites)
    beside = sum(g * h for g, h in pairwise(sites))
    mass, first, second = (sum(at**p * h for at, h in enumerate(sites)) for p in (0, 1, 2))
    excess = mass * second - first**2 - (WIDTH**2 - 1) / 12 * mass**2
    bound, multiplier = Fraction(certificate.bound), Fraction(certificate.multiplier)
    return square - beside - bound * square + multiplier * excess


def test_certified_form_is_not_negative_for_boxes_of_any_length(certificate):
    rng = np.random.default_rng(0)
    assert certify(certificate, WIDTH)
    for length in (2, 5, 8, 14, 30):
        for _ in range(20):
            heights = rng.integers(0, 9, length) * (rng.random(length) < 0.5)
            assert lagrangian(mixture(heights.tolist()), certificate) >= 0


def test_the_form_vanishes_at_the_best_filter(certificate):
    """At width 7/2 the best mixture is of boxes of 2 and 4 sites."""
    values = []
    for share in np.linspace(0, 1, 201):
        heights = [0, Fraction(share) / 2, 0, (1 - Fraction(share)) / 4]
        values.append(float(lagrangian(mixture(heights), certificate)))
    assert 0 <= min(values) < 1e-5


@pytest.mark.parametrize(
    "change",
    [
        lambda c: {"bound": c.bound * (1 + 1e-7)},
        lambda c: {"multiplier": -c.multiplier},
        lambda c: {"multiplier": c.multiplier * 1.01},
        lambda c: {"spare": c.spare - 1e-300 - 2 * c.spare * np.eye(len(c.spare))},
        lambda c: {"spare": c.spare + np.eye(len(c.spare), k=1)},
        lambda c: {"spare": c.spare[:3, :3]},
        lambda c: {"spare": 0 * c.spare},
    ],
)
def test_certificates_that_prove_nothing_are_refused(certificate, change):
    assert not certify(replace(certificate, **change(certificate)), WIDTH)


def test_a_certificate_holds_for_narrower_filters(certificate):
    assert certify(certificate, WIDTH - Fraction(1, 100))
    assert not certify(certificate, WIDTH + Fraction(1, 100))
