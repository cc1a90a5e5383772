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
from scaledet.simulation.engines.base import Images, Specification, UnitSums
from scaledet.simulation.engines.compiled import engine as compiled
from scaledet.simulation.engines.images import draw_images
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


PAIRED = [
    (U(3, 1, 8), 64),
    (U(2, 2, 5), 64),
    (U(3, 2, 4), 96),
    (U(5, 1, 4), 81),
    (U(5, 3, 3), 162),
    (U(2, 1, 3), 7),
    (Network([Layer(2, bias=-0.1), Layer(SIGNED, 2, bias=0.2), Layer(3)]), 48),
    (U(3, 1, 3, dim=2), 20),
    (U(2, 2, 3, dim=2), 32),
    (Network([Layer(SIGNED, bias=0.1), Layer(3, 2)], dim=2), 24),
]


def near_pairs(net: Network, size: int, rectify: str | None) -> tuple[Specification, Images]:
    """Pairs anywhere, and as many whose pixels meet at once, or after a layer or a few.

    One pixel may be moved onto the other, or into its place.
    """
    task = sd.ScaleDetection(size=size, xi=2, gap=0, dim=net.dim)
    spec = specification(net, None, task=task, rectify=rectify)
    rng = np.random.default_rng(3)
    positions = rng.integers(size, size=(60, 2, net.dim))
    positions[::2, 1] = (positions[::2, 0] + rng.integers(-9, 10, size=(30, net.dim))) % size
    return spec, Images(positions, task.move_pairs(positions, rng=rng))


@pytest.mark.parametrize("rectify", ["input", "noise", "layers", None])
@pytest.mark.parametrize(("net", "size"), PAIRED, ids=lambda value: repr(value)[:60])
def test_engines_agree_on_pixels_that_meet(net: Network, size: int, rectify: str | None) -> None:
    spec, images = near_pairs(net, size, rectify)
    for sigma in (spec.sigma, 1e-3):  # weak noise is outshone by the pixels
        noise = sigma * np.random.default_rng(4).standard_normal((60, spec.pixels))
        given = (spec, images, np.random.SeedSequence(0), noise)
        assert_equal(plain.run(*given), compiled.run(*given))


def test_pixels_that_meet_are_not_superposed() -> None:
    """Negative control: as if the two pixels of an image were images of their own."""
    spec, images = near_pairs(U(3, 1, 4, bias=-0.02), 64, "input")
    noise, seeds = np.zeros((60, 64)), np.random.SeedSequence(0)
    together = compiled.run(spec, images, seeds, noise).displacement
    alone = specification(spec.network, 64)
    parts = [Images(*(p[:, [pixel]] for p in images[:2])) for pixel in (0, 1)]
    apart = sum(compiled.run(alone, part, seeds, noise).displacement for part in parts)
    assert (abs(together / apart - 1) > 1e-3).all()


@pytest.mark.parametrize("rectify", ["input", "noise", "layers", None])
@pytest.mark.parametrize("dim", [1, 2])
def test_engines_agree_on_noisy_images(rectify: str | None, dim: int) -> None:
    net = Network([Layer(3, bias=-0.01), Layer(2, 2)], dim=dim)
    for background in (0.01, 2.0):
        spec = specification(net, 16, rectify=rectify, background=background)
        for count in (7, 21):  # in one go, and in three
            assert_equal(*both(spec, count))


def test_the_noise_that_images_carry_is_gaussian_and_their_own() -> None:
    """Independent of the noise that is added, and of that of other images."""
    spec = specification(U(1, 1, 1), 16, sigma=1e-10, rectify=None, background=2.0)
    sums = compiled.run_units(spec, np.random.SeedSequence(1), range(400), [9] * 400)
    distance, square = UnitSums.unpacked(sums).distance[:, 0], UnitSums.unpacked(sums).square[:, 0]
    for values, expected in ((distance, 2 * (1 - 1 / 16 + 16 * 4.0)), (square, 1 + 16 * 4.0)):
        error = values.std() / math.sqrt(len(values))
        assert abs(values.mean() - expected) < 4 * error
    # Against a million draws of NumPy.
    spec = specification(U(1, 1, 1), 16, sigma=2.0, rectify="input", background=2.0)
    response = UnitSums.unpacked(
        compiled.run_units(spec, np.random.SeedSequence(1), range(400), [9] * 400)
    ).noise[:, 0]
    a, b = 2.0 * np.random.default_rng(5).standard_normal((2, 10**6))
    inside = np.square(np.maximum(a + b, 0) - np.maximum(a, 0))
    active = np.square(np.maximum(1 + a + b, 0) - np.maximum(1 + a, 0))
    expected = 15 * inside.mean() + active.mean()
    error = math.hypot(response.std() / 20, 15 * inside.std() / 1000)
    assert abs(response.mean() - expected) < 4 * error


@pytest.mark.parametrize(
    "given",
    [
        {"net": U(3, 1, 4), "size": 64},
        {"net": U(2, 2, 3, dim=2), "size": 16},
        {"net": U(3, 1, 4), "size": None, "task": sd.ScaleDetection(size=64, xi=8)},
        {"net": U(3, 1, 4), "size": 64, "background": 0.1},
    ],
    ids=", ".join,
)
def test_the_other_units_of_a_batch_change_no_bit(given: dict) -> None:
    spec, seeds = specification(**given), np.random.SeedSequence(7, spawn_key=(0,))
    units, counts = [*range(40), 2**40], [2 + unit % 13 for unit in range(41)]
    together = compiled.run_units(spec, seeds, units, counts)
    for unit, count, packed in zip(units, counts, together, strict=True):
        assert np.array_equal(compiled.run_units(spec, seeds, [unit], [count])[0], packed)
    large = compiled.run_units(spec, seeds, units[:3], [300, 5, 300])
    assert np.array_equal(large[1:], compiled.run_units(spec, seeds, units[1:3], [5, 300]))
    assert len({row.tobytes() for row in together}) == len(units)


def test_images_and_noise_of_a_unit_have_streams_of_their_own() -> None:
    """The noise of a unit is that of stream (unit, 1), whatever its images."""
    spec, seeds = specification(U(3, 1, 2), 64, rectify="noise"), np.random.SeedSequence(3)
    controls = UnitSums.unpacked(compiled.run_units(spec, seeds, [5], [20])[0]).controls
    images = draw_images(spec, np.random.default_rng(0), 20)
    below = np.random.SeedSequence(3, spawn_key=(5, 1))
    assert np.array_equal(compiled.run(spec, images, below).controls, controls)


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
    # A kernel as wide as the image: windows are whole maps after the first layer.
    whole = specification(U(2**16, 1, 2), 2**16)
    assert compiled.most_images(whole) == 2
    # A map of sums and four windows of both images; the clean ones of two layers.
    assert math.isclose(compiled.bytes_needed(whole, 2) / 2**16, 8 * (1 + 8 + 4), rel_tol=0.1)


@pytest.mark.parametrize(
    "given", [{"task": sd.ScaleDetection(size=2**16, xi=8)}, {"background": 1}]
)
def test_pairs_and_noisy_images_take_no_more_memory_than_one_pixel(given: dict) -> None:
    spec = specification(U(3, 1, 4), 2**16, **given)
    assert compiled.most_images(spec) > 1024
    compiled.run_units(spec, np.random.SeedSequence(0), [0], [40])
    tracemalloc.start()
    compiled.run_units(spec, np.random.SeedSequence(0), [0], [40])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < compiled.bytes_needed(spec, 40) + 2**17
