"""Parameters of `ScaleDetection`: plain data, repr, and what is refused with which message."""

from __future__ import annotations

import itertools
import json
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest

from scaledet.tasks.scale_detection import ScaleDetection
from tests.scale_detection_reference import every_task


@every_task
def test_dictionary_round_trip(task):
    data = json.loads(json.dumps(task.to_dict()))
    assert ScaleDetection.from_dict(data) == task
    assert hash(ScaleDetection.from_dict(data)) == hash(task)
    assert pickle.loads(pickle.dumps(task)) == task
    # The key of descriptions written before image_noise had its name.
    assert ScaleDetection.from_dict({**data, "background": 0.5}).image_noise == 0.5
    assert list(data)[-1] == "background"


def test_repr_shows_what_matters():
    assert repr(ScaleDetection(size=16, xi=4.5, gap=1)) == (
        "ScaleDetection(size=16, xi=4.5, gap=1, variant='T1', dim=1, periodic=True; "
        "48 pairs +1, 40 pairs -1, 32 left out)"
    )
    text = repr(ScaleDetection(size=8, xi=4, variant="T2", dim=2, periodic=False, image_noise=0.1))
    assert text == (
        "ScaleDetection(size=8, xi=4, variant='T2', dim=2, periodic=False, image_noise=0.1; "
        "480 pairs +1, 1536 pairs -1)"
    )
    assert "xi=4.2, gap=1/3," in repr(ScaleDetection(size=16, xi=4.2, gap=Fraction(1, 3)))
    assert "norm='Linf'" in repr(ScaleDetection(size=32, dim=2, xi=8, norm="Linf"))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"size": 1}, ValueError, r"size must be an integer in \[2, 1073741824\]; got 1"),
        ({"size": 2**15 + 1, "dim": 2}, ValueError, r"size must be .* got 32769"),
        ({"size": 8.0}, TypeError, "size must be an integer"),
        ({"dim": 3}, ValueError, r"dim must be an integer in \[1, 2\]; got 3"),
        ({"variant": "T3"}, ValueError, "variant must be one of 'T1', 'T2'; got 'T3'"),
        ({"norm": "L1"}, ValueError, "norm must be one of 'L2', 'Linf'; got 'L1'"),
        ({"periodic": 1}, TypeError, "periodic must be True or False; got 1"),
        (
            {"image_noise": -0.1},
            ValueError,
            "image_noise must be a finite real number >= 0; got -0.1",
        ),
        ({"image_noise": float("nan")}, ValueError, "image_noise must be"),
        ({"image_noise": 10**400}, ValueError, "image_noise must be a finite real .* >= 0; got 10"),
        ({"xi": 0}, ValueError, "xi must be a finite real number > 0; got 0"),
        ({"xi": float("inf")}, ValueError, "xi must be a finite real number > 0; got inf"),
        ({"xi": "14"}, TypeError, "xi must be a finite real number > 0; got '14'"),
        ({"gap": -1}, ValueError, "gap must be a finite real number >= 0; got -1"),
        ({"gap": True}, TypeError, "gap must be"),
        ({"wrap": True}, TypeError, "wrap"),
        ({"xi": 10**400}, ValueError, r"xi \+ gap <= 64 .* no pair has label -1"),
        ({"xi": 5, "gap": 10**400}, ValueError, r"no pair has label \+1 \(no xi does with"),
        (
            {"xi": 3},
            ValueError,
            r"label \+1 \(with this gap 1 \+ gap = 3 < xi <= 64 - gap = 62 does",
        ),
        ({"xi": 62.5}, ValueError, r"xi \+ gap <= 64 .* label -1 \(with this gap"),
        (
            {"size": 8, "xi": 3, "gap": 3, "dim": 2},
            ValueError,
            r"sqrt\(32\) = 5.65685 .* < 2.32843",
        ),
        ({"size": 8, "xi": 3}, ValueError, "no xi does with this gap, which must be < 1.5"),
        ({"size": 3, "xi": 1}, ValueError, "no xi and gap do, all pairs are at distance 1"),
        (
            {"variant": "T2"},
            ValueError,
            r"dividing size=128 in T2, .*: 2, 4, 8, 16, 32, 64; got 14",
        ),
        ({"variant": "T2", "xi": 128}, ValueError, "one label without pairs.*; got 128"),
        ({"variant": "T2", "xi": 1}, ValueError, "one label without pairs.*; got 1"),
        ({"variant": "T2", "xi": 2.5}, ValueError, "xi must be an integer dividing .* got 2.5"),
        ({"variant": "T2", "size": 7, "xi": 7}, ValueError, "there is none, change size"),
    ],
)
def test_bad_parameters_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        ScaleDetection(**options)


def test_the_advice_in_the_message_is_right():
    for size, gap, dim, periodic in itertools.product(
        (5, 8, 9), (0, 0.5, 1), (1, 2), (True, False)
    ):
        options = {"size": size, "gap": gap, "dim": dim, "periodic": periodic}
        longest = math.sqrt(dim) * (size // 2 if periodic else size - 1)
        for xi in np.arange(0.25, 12, 0.25):
            if 1 + gap < xi <= longest - gap:
                assert min(ScaleDetection(xi=float(xi), **options).counts.values()) > 0
            else:
                with pytest.raises(ValueError, match="xi and gap must give both labels pairs"):
                    ScaleDetection(xi=float(xi), **options)


T1 = ScaleDetection(size=8, xi=3, gap=0)
T2 = ScaleDetection(size=8, xi=4, variant="T2", dim=2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: T1.sample(0), ValueError, "n must be an integer >= 1; got 0"),
        (lambda: T1.sample(2.0), TypeError, "n must be an integer >= 1; got 2.0"),
        (lambda: T1.draw_pairs(0), ValueError, "n must be an integer >= 1"),
        (lambda: T1.draw_pairs(1, label=2), ValueError, "label must be one of 1, -1; got 2"),
        (lambda: T1.draw_pairs(1, label=True), ValueError, "label must be one of 1, -1; got True"),
        (lambda: T1.draw_pairs(1, label=1, balanced=True), ValueError, "balanced must be False"),
        (lambda: T1.draw_pairs(1, balanced=1), TypeError, "balanced must be True or False"),
        (lambda: T1.pairs(0), ValueError, "label must be one of 1, -1; got 0"),
        (lambda: T1.iter_pairs(chunk=0), ValueError, "chunk must be an integer >= 1; got 0"),
        (lambda: T1.distance_law("+"), ValueError, "label must be one of 1, -1"),
        (lambda: T2.displacement_mask(1), ValueError, "variant 'T1'; got 'T2'"),
        (lambda: T1.split(0, 1, 1), ValueError, "train must be an integer >= 1; got 0"),
        (lambda: T1.split(1, -1, 1), ValueError, "validation must be an integer >= 0; got -1"),
        (lambda: T1.split(1, 1, 1.5), TypeError, "test must be an integer >= 0; got 1.5"),
        (lambda: T1.split(100, 0, 0), ValueError, "16 pairs of label .1 and 12 of label -1"),
        (lambda: T1.label_of([[0.0]], [[1]]), TypeError, "first must be integers .* float64"),
        (lambda: T1.label_of([[0]], [[8]]), ValueError, r"second must be .* second\[0\] = \[8\]"),
        (lambda: T1.label_of([0], [1]), ValueError, r"first .* shape \[n, 1\]; got shape \[1\]"),
        (lambda: T1.label_of([[0]], [[1], [2]]), ValueError, "second must have as many rows"),
        (lambda: T1.images([[[0], [-1]]]), ValueError, r"positions\[0\] = \[\[0\], \[-1\]\]"),
        (lambda: T1.images([]), ValueError, r"positions must be .* got shape \[0\]"),
        (lambda: T1.images([[[0], [1]], [[2]]]), ValueError, "positions .* of different shapes"),
        (lambda: T1.displace([[[0.0] * 8], [[]]]), ValueError, "images .* of different shapes"),
        (lambda: T1.images([[0, 1]]), ValueError, r"positions must be .* got shape \[1, 2\]"),
        (lambda: T1.move_pairs([[[0.5], [1]]]), TypeError, "positions must be integers"),
        (lambda: T1.move_pairs([[[0], [1]]], label_preserving=1), TypeError, "label_preserving"),
        (lambda: T1.displace(np.zeros((1, 8))), ValueError, r"images must be .* shape \[n, 1, 8\]"),
        (lambda: T2.displace(np.zeros((1, 1, 8))), ValueError, r"shape \[n, 1, 8, 8\]"),
        (lambda: T1.displace(np.zeros((1, 1, 8), complex)), TypeError, "real numbers .* got dtype"),
        (lambda: T1.mean_square_displacement(balanced=0), TypeError, "balanced must be"),
        (lambda: ScaleDetection.from_dict([]), TypeError, "data must be a mapping"),
        (
            lambda: ScaleDetection.from_dict({"side": 8}),
            ValueError,
            "keys among size, .* got 'side'",
        ),
        (lambda: ScaleDetection.from_dict({"xi": "1/0"}), ValueError, "xi must be .* got '1/0'"),
        (lambda: ScaleDetection.from_dict({"gap": "x"}), ValueError, "gap must be .* got 'x'"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
