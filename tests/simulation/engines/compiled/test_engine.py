"""The compiled engine against the plain one: the same noise, the same sums."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

import scaledet as sd
from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.simulation.engines import plain
from scaledet.simulation.engines.base import Specification, UnitSums
from scaledet.simulation.engines.compiled import engine as compiled
from scaledet.simulation.unit import draw_images
from tests.runs import specification

U = Network.uniform
SIGNED = sd.Kernel([1, -1, 2], signed=True)
BIASED = [Layer(3, bias=0.2), Layer(2, 2, bias=-0.05), Layer(5, 1, bias=0.1)]
NETWORKS = [
    *[(U(f, 1, 4), 32) for f in (2, 3, 4, 5, 9)],
    *[(U(f, 2, 3), 64) for f in (2, 3, 4, 5, 6)],
    *[(U(f, 3, 3), 81) for f in (2, 3, 4, 6, 7)],
    (U(5, 4, 2), 32),
    (U(1, 2, 2), 16),
    (U(3, 1, 20), 32),
    (U([1, 2, 1], 2, 4), 32),
    (U([1, 3, 3, 1], 1, 3), 16),
    (U([0, 1, 1], 1, 3), 16),
    (U(2, 1, 1), 2),
    (U(2, 1, 3), 3),
    (U(16, 1, 1), 16),
    (U(2, 2, 3), 8),
    (Network([Layer(2, 2), Layer(2, 2), Layer(7, 1)]), 32),
    (Network([Layer([0, 1, 1], 1), Layer(9, 1), Layer(9, 3)]), 27),
    (U(2, 2, 3, bias=-0.01), 32),
    (Network(BIASED), 32),
    (Network([Layer(SIGNED, bias=0.3), Layer(SIGNED)]), 12),
    (U(2, 2, 3, dim=2), 16),
    (U(3, 1, 8, dim=2), 12),
    (U([1, 2, 1], 2, 3, dim=2), 16),
    (Network(BIASED, dim=2), 16),
    (Network([Layer(SIGNED, bias=0.3), Layer(SIGNED, 2)], dim=2), 8),
    (U(2, 2, 2, dim=3), 8),
    (U(3, 1, 3, dim=3), 6),
    (U(3, 2, 2, dim=3), 8),
]
TASKS = [
    sd.ScaleDetection(size=32, xi=8, gap=2),
    sd.ScaleDetection(size=16, xi=4, variant="T2", dim=2),
]


def both(spec: Specification, count: int = 7) -> tuple[UnitSums, UnitSums]:
    """Sums of both engines, fed the same images and noise."""
    rng = np.random.default_rng(1)
    images = draw_images(spec, rng, count)
    noise = spec.sigma * rng.standard_normal((count, spec.size**spec.network.dim))
    seeds = np.random.SeedSequence(0)
    return (plain.run(spec, images, seeds, noise), compiled.run(spec, images, seeds, noise))


def assert_equal(plain: UnitSums, fused: UnitSums, rtol: float = 1e-12) -> None:
    for name, a, b in zip(plain._fields, plain, fused, strict=True):
        # Where all images look alike what is left is rounding, 1e-32 of the squares.
        floor = 1e-30 * plain.square.max() if name in ("distance", "displacement") else 0
        np.testing.assert_allclose(b, a, rtol=rtol, atol=floor, err_msg=name)


@pytest.mark.parametrize("rectify", ["input", "noise", None])
@pytest.mark.parametrize(("net", "size"), NETWORKS, ids=lambda value: repr(value)[:60])
def test_engines_agree_to_rounding(net: Network, size: int, rectify: str | None) -> None:
    for sigma in (None, 3.0):
        assert_equal(*both(specification(net, size, rectify=rectify, sigma=sigma)))


@pytest.mark.parametrize("task", TASKS, ids=repr)
def test_engines_agree_on_pairs(task: sd.ScaleDetection) -> None:
    net = Network([Layer(3), Layer(2, 2)], dim=task.dim)
    assert_equal(*both(specification(net, None, task=task), count=9))


@pytest.mark.parametrize("rectify", ["input", "noise", "layers", None])
@pytest.mark.parametrize("dim", [1, 2])
def test_engines_agree_on_noisy_images(rectify: str | None, dim: int) -> None:
    net = Network([Layer(3, bias=-0.01), Layer(2, 2)], dim=dim)
    for background in (0.01, 2.0):
        assert_equal(*both(specification(net, 16, rectify=rectify, background=background)))


@pytest.mark.parametrize("net", [U(3, 1, 4, bias=-0.02), U(2, 2, 3, bias=0.01), U(2, 2, 2, dim=2)])
def test_engines_agree_where_every_layer_rectifies(net: Network) -> None:
    assert_equal(*both(specification(net, 16, rectify="layers")))


@pytest.mark.parametrize("sigma", [1e-10, 1e70])
def test_engines_agree_on_extreme_noise(sigma: float) -> None:
    # Weak noise next to height 1 is rounded to 1e-16 / sigma of itself, differently in each.
    spec = specification(U(3, 1, 4), 32, sigma=sigma)
    assert_equal(*both(spec), rtol=1e-16 / min(sigma, 1e-4))


def test_a_wrong_layer_is_noticed() -> None:
    """Negative control: the comparison sees one weight in a thousand, and one bias in a million."""
    plain, _ = both(specification(Network([Layer([1000, 1001, 1000]), Layer(2, 2)]), 16))
    for layer in (Layer([1000, 1000, 1000]), Layer([1000, 1001, 1000], bias=-1e-6)):
        _, fused = both(specification(Network([layer, Layer(2, 2)]), 16))
        with pytest.raises(AssertionError, match=r"noise|displacement"):
            assert_equal(plain, fused)


@pytest.mark.parametrize(("net", "size"), [(U(3, 1, 4), 32), (U(2, 2, 2, dim=2), 16)])
def test_engines_agree_within_errors(net: Network, size: int) -> None:
    runs = [
        sd.simulate(net, size=size, samples=20_000, rng=seed, engine=engine)
        for seed, engine in enumerate(("numba", "numpy"))
    ]
    for name in ("D", "G", "R", "Q"):
        error = np.hypot(*(getattr(run, f"{name}_err") for run in runs))
        pull = (getattr(runs[0], name) - getattr(runs[1], name)) / error
        assert (abs(pull) < 4).all(), name


def test_memory_is_linear_in_the_image_and_independent_of_the_samples() -> None:
    net = U(3, 1, 4)

    def peak(size: int, samples: int) -> int:
        sd.simulate(net, size=size, samples=samples, rng=0)  # compiled and imported before
        tracemalloc.start()
        sd.simulate(net, size=size, samples=samples, rng=0)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    size = 2**16
    assert peak(size, 512) < 4 * 8 * size + 2**20
    assert peak(size, 8 * 512) < 1.2 * peak(size, 512)
    assert peak(4 * size, 512) < 4.2 * peak(size, 512)


def test_stated_memory_covers_what_is_used() -> None:
    for net, size in ((U(3, 1, 4), 2**16), (U(2, 2, 3, dim=2), 256)):
        spec = specification(net, size)
        images = draw_images(spec, np.random.default_rng(0), 16)
        compiled.run(spec, images, np.random.SeedSequence(0))
        tracemalloc.start()
        compiled.run(spec, images, np.random.SeedSequence(0))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < compiled.bytes_needed(spec, 16) + 2**17


def test_units_are_bounded_by_memory() -> None:
    assert compiled.most_images(specification(U(3, 1, 4), 2**14)) > 1024
    # 2^27 pixels: about a second.
    assert compiled.most_images(specification(U(3, 1, 4), 2**20)) == 128
    whole = specification(U(3, 1, 2), None, task=sd.ScaleDetection(size=2**20, xi=8))
    assert compiled.most_images(whole) == 2
    # A map of sums and four windows of both images; the clean ones of three layers.
    assert math.isclose(compiled.bytes_needed(whole, 2) / 2**20, 8 * (1 + 8 + 6), rel_tol=0.1)
