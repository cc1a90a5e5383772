"""Bootstrap errors against the scatter over independent sets of images."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd

torch = pytest.importorskip("torch")
nn = torch.nn
SETS = 120


def scatter(model, draw, samples, displacement="shift", **given):
    """Return the mean errors of D, G, R, Q by name, and the scatter of the estimates."""
    runs = [
        sd.measure.sensitivities(
            model, draw(np.random.default_rng(seed), samples), displacement, rng=seed, **given
        )
        for seed in range(SETS)
    ]
    stated = {n: np.sqrt(np.mean([getattr(r, f"{n}_err") ** 2 for r in runs], 0)) for n in "DGRQ"}
    return stated, {n: np.std([getattr(r, n) for r in runs], 0, ddof=1) for n in "DGRQ"}


def test_errors_are_those_of_independent_images():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 4, 3), nn.ReLU(), nn.AvgPool1d(2), nn.Conv1d(4, 3, 3))

    def draw(rng, n):
        return rng.uniform(0.5, 1.5, size=(n, 1, 1)) * rng.standard_normal((n, 1, 12))

    stated, seen = scatter(model, draw, 100, noise=0.5, batch_size=100)
    for name in "DGRQ":
        # The scatter of SETS sets is known to 1/sqrt(2 SETS) = 6.5 %.
        assert np.abs(np.log(stated[name] / seen[name])).max() < 0.25, name


def test_errors_where_all_images_are_equally_long_are_conservative():
    """Q scatters by the squared mean image alone, the bootstrap by twice its variance."""

    def draw(rng, n):
        return rng.choice([-1.0, 1.0], size=(n, 1, 2))

    stated, seen = scatter(nn.Identity(), draw, 40, noise=1.0, layers=["input"], batch_size=40)
    assert 1 < stated["Q"][0] / seen["Q"][0] < 1.8


def test_errors_of_matched_noise_hold_at_its_sigma():
    """The matched sigma scatters together with Q here, so that G scatters less than stated."""

    def draw(rng, n):
        return rng.uniform(0.5, 1.5, size=(n, 1, 1)) * rng.standard_normal((n, 1, 12))

    stated, seen = scatter(nn.Identity(), draw, 60, layers=["input"], batch_size=60)
    assert stated["G"][0] > 1.2 * seen["G"][0]


def test_heavy_tails_make_errors_too_small():
    """What the documentation warns of: few images of very unequal strength."""
    torch.manual_seed(0)
    model = nn.Conv1d(1, 4, 3)

    def draw(rng, n):
        return rng.gamma(0.5, size=(n, 1, 1)) * rng.standard_normal((n, 1, 12))

    stated, seen = scatter(model, draw, 100, layers=["input"], batch_size=100)
    assert 0.7 < stated["D"][0] / seen["D"][0] < 1
