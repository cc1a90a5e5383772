"""Padding, graphs, max pooling and moves at borders, against direct evaluation of all images."""

from __future__ import annotations

import itertools
import tracemalloc
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

import scaledet as sd
from scaledet import Layer, Network
from scaledet.simulation.engines import plain
from scaledet.simulation.engines.images import draw_images
from tests.runs import same, specification
from tests.simulation import direct

L = Layer
GRID = [[1, 2, 0], [2, 4, 1], [0, 3, 1]]
SIGNED = sd.Kernel([-1, 3, 2], signed=True)
MIXED = [
    L(3, padding=1, padding_mode="reflect"),
    L((2, 3), (1, 2), padding=((1, 0), (0, 2)), padding_mode="replicate"),
]
BLOCK = [L(3, padding=1), L(3, padding=1), L(2, 2, padding=0), L(1)]
WIDE = Network([L(3, padding=2, padding_mode="reflect")], dim=2)
RESIDUAL = {"dim": 2, "inputs": [(0,), (1,), (1, 2), (3, 3)]}

# Networks, sides and moves.
CASES = {
    "zeros": (Network(2 * [L(3, padding=1)]), (7,), "wrap"),
    "zeros, strided, one side": (Network([L(3, 2, padding=(2, 0)), L(2, padding=0)]), (9,), "stay"),
    "no padding": (Network([L([1, 2, 1], padding=0)], dim=2), (5, 6), "inside"),
    "circular": (Network([L(3, 2, padding=2, padding_mode="circular")]), (8,), "wrap"),
    "circular, a torus": (
        Network([L(3, 2, padding=1, padding_mode="circular"), L([1, 3])], dim=2),
        (6, 6),
        "wrap",
    ),
    "reflect and replicate": (Network(MIXED, dim=2), (6, 7), "inside"),
    "dilation": (Network([L([1, 3, 1], padding="same", dilation=(2, 1))], dim=2), (6, 5), "stay"),
    "weight inside": (Network(2 * [L(3, padding=1, count_include_pad=False)]), (8,), "inside"),
    "no product": (Network([L(GRID, padding=1), L(GRID)], dim=2), (5, 4), "stay"),
    "no product, weight inside": (
        Network([L(GRID, 2, padding=1, count_include_pad=False)], dim=2),
        (5, 7),
        "wrap",
    ),
    "unequal sides of a torus": (Network([L(2, 2), L(3)], dim=2), (4, 6), "wrap"),
    "residual block": (Network(BLOCK, **RESIDUAL), (6, 8), "inside"),
    "max": (Network([L(3, padding=1), L(3, 2, padding=1, pooling="max")]), (9,), "stay"),
    "max on the torus": (Network([L(2, pooling="max"), L(2, 2)], dim=2), (4, 6), "wrap"),
    "signed": (Network([L(SIGNED, padding=1), L(2, padding=0, bias=-0.02)]), (8,), "inside"),
    "three dimensions": (Network([L((2, 1, 3), padding=(0, 1, 1))], dim=3), (3, 2, 4), "stay"),
}
LINEAR = [name for name in CASES if not {"max", "signed"} & set(name.split())]


def run(net, sides, moves, **given):
    size = sides if len(set(sides)) > 1 else sides[0]
    bordered = any(layer.padding is not None for layer in net)
    given |= {"moves": moves} if bordered else {}
    return sd.simulate(net, size=size, **{"samples": 150_000, "rng": 0, **given})


@pytest.mark.parametrize("name", CASES)
def test_clean_images_are_those_of_the_direct_evaluation(name):
    net, sides, moves = CASES[name]
    m = run(net, sides, moves)
    sensitivity, distance = direct.clean(net, sides, moves)
    direct.same_on_average(m.D, m.D_err, sensitivity, "D")
    direct.same_on_average(m.Q, m.Q_err, distance, "Q")
    assert m.engine == ("numba" if m.scenario.is_torus else "numpy")


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("rectify", ["input", "noise"])
def test_noise_is_that_of_the_direct_evaluation(name, rectify):
    net, sides, moves = CASES[name]
    m = run(net, sides, moves, samples=150_000, rectify=rectify, engine="numpy", sigma=0.4)
    _, distance = direct.clean(net, sides, moves)
    noise = direct.linear_noise(net, sides, 0.4, rectify)
    response = m.means.reshape(3, -1)[1]
    error = np.sqrt(np.diag(m.means_covariance)).reshape(3, -1)[1]
    direct.same_on_average(response, error, noise, "G Q")
    direct.same_on_average(m.G, m.G_err, noise / distance, "G")


def test_signed_filters_pass_linear_noise():
    net, sides, moves = CASES["signed"]
    m = run(net, sides, moves, samples=150_000, rectify=None)
    noise = direct.linear_noise(net, sides, m.sigma, None)
    _, distance = direct.clean(net, sides, rectify=False)
    direct.same_on_average(m.G, m.G_err, noise / distance, "G")


def test_noise_passes_the_largest_of_a_window():
    """Max pooling has no closed form here: the reference is a simulation of its own."""
    net, sides, moves = CASES["max"]
    m = run(net, sides, moves, samples=150_000, rectify="layers")
    rng = np.random.default_rng(5)
    images = np.eye(9)[rng.integers(9, size=150_000)]
    noisy = images + m.sigma * rng.standard_normal(images.shape)
    for k, (f, g) in enumerate(
        zip(direct.all_maps(net, images), direct.all_maps(net, noisy), strict=True)
    ):
        squares = ((f - g) ** 2).sum(axis=1)
        error = np.hypot(
            np.sqrt(m.means_covariance[4 + k - 1, 4 + k - 1]), squares.std() / np.sqrt(150_000)
        )
        assert error < 5e-3 * squares.mean()
        assert abs(m.means[3 + k] - squares.mean()) < 4 * error


def test_images_carry_noise_at_borders():
    """Linear: every output adds twice the variance that its weights pass."""
    net, sides, moves = CASES["residual block"]
    m = run(net, sides, moves, samples=30_000, rectify=None, background=0.3)
    _, distance = direct.clean(net, sides, rectify=False)
    carried = 2 * direct.linear_noise(net, sides, 0.3, None)
    direct.same_on_average(m.Q, m.Q_err, distance + carried, "Q")
    assert (carried > 100 * m.Q_err).all()


@pytest.mark.parametrize("mode", ["circular", "reflect", "replicate", "no"])
def test_another_border_is_rejected(mode):
    """Negative control: 4 standard errors tell the modes of padding apart."""
    net, sides, moves = CASES["zeros"]
    m = run(net, sides, moves)
    given = {"padding": 0} if mode == "no" else {"padding": 1, "padding_mode": mode}
    sensitivity, distance = direct.clean(Network(2 * [L(3, **given)]), sides, moves)
    pulls = np.abs([(m.D - sensitivity) / m.D_err, (m.Q - distance) / m.Q_err])
    assert pulls.max() > 10


def test_other_moves_are_rejected():
    net, sides, _ = CASES["zeros"]
    m = run(net, sides, "inside")
    for moves in ("wrap", "stay"):
        sensitivity, _ = direct.clean(net, sides, moves)
        assert np.abs((m.D - sensitivity) / m.D_err).max() > 6
    sensitivity, _ = direct.clean(net, sides, "inside")
    assert np.abs((m.D - sensitivity) / m.D_err).max() < 4


# ------------------------------------------------------------------------- moves at borders


def drawn(spec, count=400):
    """Frequencies of pixels and where they go, and how many were drawn."""
    images = draw_images(spec, np.random.default_rng(2), count)
    rows = np.concatenate([images.positions, images.moved], axis=1)
    return Counter(map(tuple, rows.reshape(count, -1).tolist()))


def fits(counts, law):
    """Whether counts follow a law: nothing outside it, and chi-square within 4 sigma."""
    number, free = sum(counts.values()), len(law) - 1
    expected = {row: number * float(p) for row, p in law.items()}
    assert sum(law.values()) == 1
    off = sum((counts[row] - n) ** 2 / n for row, n in expected.items())
    return counts.keys() <= law.keys() and abs(off - free) < 4 * np.sqrt(2 * free)


@pytest.mark.parametrize("moves", ["wrap", "stay", "inside"])
@pytest.mark.parametrize("sides", [(5,), (2,), (2, 4), (3, 3), (2, 3, 4)])
def test_one_pixel_moves_by_the_law(moves, sides):
    net = Network([L(1, padding=0)], dim=len(sides))
    law = Counter()
    for place in itertools.product(*map(range, sides)):
        for moved, probability in direct.move_law(place, sides, moves):
            share = Fraction(probability).limit_denominator(100) / int(np.prod(sides))
            law[(*place, *moved)] += share
    spec = specification(net, sides, moves=moves)
    assert fits(drawn(spec, 200 * len(law)), law)
    # The noise is matched to the moves as they are.
    moved = 2 * sum(p for row, p in law.items() if row[: len(sides)] != row[len(sides) :])
    assert spec.sigma == pytest.approx(np.sqrt(float(moved) / np.prod(sides)), rel=1e-14)


TASK = sd.ScaleDetection(size=5, xi=2, gap=0, periodic=False)


@pytest.mark.parametrize("moves", ["wrap", "stay", "inside"])
@pytest.mark.parametrize("task", [TASK, sd.ScaleDetection(size=4, xi=2, variant="T2")], ids=repr)
def test_both_pixels_of_a_pair_move_by_the_law(moves, task):
    net = Network([L(1, padding=0)])
    pairs = task.pairs().reshape(-1, 2).tolist()
    law = Counter()
    change = Fraction(0)
    for p, q in pairs:
        outcomes = [direct.move_law((place,), (task.size,), moves) for place in (p, q)]
        for ((a,), first), ((b,), second) in itertools.product(*outcomes):
            probability = Fraction(first) * Fraction(second) / len(pairs)
            law[(p, q, a, b)] += probability
            image = Counter([a, b])
            image.subtract([p, q])
            change += probability * sum(height**2 for height in image.values())
    spec = specification(net, None, task=task, moves=moves)
    assert fits(drawn(spec, 200 * len(law)), law)
    assert spec.sigma == pytest.approx(np.sqrt(float(change) / task.size), rel=1e-14)


@pytest.mark.parametrize("moves", ["wrap", "stay", "inside"])
def test_pairs_are_simulated_at_borders(moves):
    net = Network([L(3, padding=1), L(2, 2, padding=0)])
    m = sd.simulate(net, task=TASK, samples=60_000, rng=3, moves=moves)
    pairs = TASK.pairs().reshape(-1, 2).tolist()
    images = np.zeros((len(pairs), 5))
    for image, pair in zip(images, pairs, strict=True):
        image[pair] = 1
    for k, features in enumerate(direct.all_maps(net, np.eye(5))):
        clean = images @ features  # linear
        distance = ((clean[:, None] - clean[None]) ** 2).sum(axis=2).mean()
        change = 0.0
        for f, (p, q) in zip(clean, pairs, strict=True):
            outcomes = [direct.move_law((place,), (5,), moves) for place in (p, q)]
            for ((a,), first), ((b,), second) in itertools.product(*outcomes):
                change += first * second * ((features[a] + features[b] - f) ** 2).sum()
        direct.same_on_average(m.Q[k : k + 1], m.Q_err[k : k + 1], np.array([distance]), "Q")
        sensitivity = np.array([change / len(pairs) / distance])
        direct.same_on_average(m.D[k : k + 1], m.D_err[k : k + 1], sensitivity, "D")


# ---------------------------------------------------------------------------------- the call


@pytest.mark.parametrize("name", ["residual block", "max", "no product"])
def test_bits_do_not_depend_on_the_workers(name):
    net, sides, moves = CASES[name]
    given = {"samples": 900, "rng": 5}
    runs = [run(net, sides, moves, workers=workers, **given) for workers in (1, 2, 8)]
    assert same(runs[0], runs[1])
    assert same(runs[0], runs[2])
    assert not same(runs[0], run(net, sides, moves, samples=900, rng=6))


def test_a_run_goes_on_from_its_checkpoint_and_is_saved(tmp_path):
    net, sides, moves = CASES["residual block"]
    given = {"samples": 900, "rng": 5, "checkpoint": tmp_path / "run.sqlite"}
    plain = run(net, sides, moves, samples=900, rng=5)
    assert same(plain, run(net, sides, moves, **given))
    assert same(plain, run(net, sides, moves, **given))
    with pytest.raises(ValueError, match=r'differs in sigma \(.*\), moves \("inside" in the file'):
        run(net, sides, "stay", **given)
    loaded = sd.load(plain.save(tmp_path / "run.npz"))
    assert same(plain, loaded)
    assert (loaded.network, loaded.size, loaded.moves) == (net, (6, 8), "inside")
    assert repr(loaded) == repr(plain)
    assert "size (6, 8)" in repr(plain)


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"circular, a torus"}))
def test_the_compiled_engine_is_refused_where_it_cannot_run(name):
    net, sides, moves = CASES[name]
    with pytest.raises(ValueError, match=r"engine must be left out, or 'numpy', but for chains"):
        run(net, sides, moves, samples=100, engine="numba")


def test_the_default_is_the_compiled_engine_where_it_runs():
    torus = Network.uniform(3, 1, 2)
    assert same(
        sd.simulate(torus, size=8, samples=100, rng=0), run(torus, (8,), "wrap", samples=100)
    )
    assert sd.simulate(torus, size=8, samples=100, rng=0).engine == "numba"
    assert sd.simulate(torus, size=8, samples=100, rng=0, engine="numpy").engine == "numpy"
    bordered = Network.uniform(3, 1, 2, padding=1, padding_mode="circular")[:1]
    assert run(bordered, (8,), "wrap", samples=100, engine="numba").engine == "numba"
    assert run(bordered, (8,), "stay", samples=100).engine == "numpy"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"moves": "bounce"}, r"moves must be one of 'wrap', 'stay', 'inside'; got 'bounce'"),
        ({"size": (6, 8, 9)}, r"size must be an integer or 2 integers, a side per axis; got"),
        ({"size": 1}, r"size must be an integer in \[2, .*\]; got 1"),
        ({"size": (2, 8), "net": WIDE}, r"layer 1, .* receives along axis 0 2 pixels"),
    ],
)
def test_bad_arguments(given, message):
    net, sides, moves = CASES["residual block"]
    with pytest.raises(ValueError, match=message):
        sd.simulate(**{"net": net, "size": sides, "moves": moves, "samples": 100, **given})


def test_moves_of_the_torus_wrap():
    with pytest.raises(ValueError, match=r"moves must be 'wrap' on the torus"):
        sd.simulate(Network([L(3)]), size=8, moves="stay")


def test_a_sweep_over_sides():
    nets = [Network([L(3, padding=1)], dim=2), Network(BLOCK, **RESIDUAL)]
    swept = sd.sweep(nets, [(4, 6), 6], samples=300, rng=0, moves="stay")
    assert [run.size for run in swept.runs] == [(4, 6), 6] * 2
    for each in swept.runs:
        given = {"size": each.size, "samples": 300, "rng": each.entropy, "moves": "stay"}
        assert same(each, sd.simulate(each.network, **given))
    assert (
        swept.columns()["size"].tolist() == ["(4, 6)"] * 2 + ["6"] * 2 + ["(4, 6)"] * 5 + ["6"] * 5
    )
    assert len(swept.to_dataframe()) == 14


def test_widths_of_unlike_axes():
    m = run(*CASES["reflect and replicate"], samples=300)
    expected = [m.network.along(axis).box_width for axis in (0, 1)]
    np.testing.assert_allclose(m.A, np.sqrt(np.prod(expected, axis=0)), rtol=1e-14)
    signed = Network([L((SIGNED, sd.box(2)), padding=0)], dim=2)
    table = run(signed, (4, 5), "wrap", samples=300).columns()
    np.testing.assert_allclose(table["support"], [1, np.sqrt(6)])


@pytest.mark.parametrize("name", ["zeros", "max", "residual", "torus"])
def test_stated_memory_covers_what_is_used(name):
    conv = L(3, padding=1)
    net = {
        "zeros": Network([conv] * 4, dim=2),
        "max": Network([conv, L(3, 2, padding=1, pooling="max")] * 2, dim=2),
        "residual": Network([conv] * 4, dim=2, inputs=[range(k) for k in range(1, 5)]),
        "torus": Network([L(3)] * 4, dim=2),
    }[name]
    spec = specification(net, 64)
    images = draw_images(spec, np.random.default_rng(0), 64)
    plain.run(spec, images, np.random.SeedSequence(0))
    tracemalloc.start()
    plain.run(spec, images, np.random.SeedSequence(0))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    said = plain.bytes_needed(spec, 64)
    assert said / 2 < most < said


def test_values_are_dropped_once_no_layer_receives_them():
    """A residual network of any depth holds as many maps as a shallow one."""
    needs = []
    for blocks in (2, 200):
        inputs = [(0,)]
        for k in range(1, 2 * blocks, 2):
            inputs += [(k,), (k, k + 1)]
        net = Network([L(1, padding=0)] * len(inputs), dim=2, inputs=inputs)
        spec = specification(net, 64)
        # Sums over a unit, two maps for each layer, are held whole.
        needs.append(plain.bytes_needed(spec, 64) - 2 * 8 * 64**2 * (net.depth + 1))
    assert needs[0] == needs[1]


@pytest.mark.parametrize("name", LINEAR)
def test_theory_and_simulation_agree(name):
    net, sides, moves = CASES[name]
    m = run(net, sides, moves, samples=40_000, rng=3)
    assert sd.compare(sd.predict(net, size=m.size, moves=m.moves), m).p_value > 1e-3


def test_theory_of_another_border_disagrees():
    net, sides, moves = CASES["zeros"]
    m = run(net, sides, moves, samples=40_000, rng=3)
    other = Network(2 * [L(3, padding=1, padding_mode="replicate")])
    assert sd.compare(sd.predict(other, size=7), m).p_value == 0
