"""The simulation by itself: estimators, errors, streams, memory, refusals."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest

import scaledet as sd
from scaledet.results.tables import with_error
from scaledet.simulation import scheduler
from scaledet.simulation.job import unit_sizes
from tests.runs import NET, run_unit, same, specification, unit_by_unit


def test_bit_identical_for_any_number_of_workers() -> None:
    runs = [sd.simulate(NET, size=32, samples=900, rng=5, workers=w) for w in (1, 2, 8)]
    assert same(runs[0], runs[1])
    assert same(runs[0], runs[2])


def test_streams_are_reproducible_and_different() -> None:
    first = sd.simulate(NET, size=32, samples=300, rng=5)
    assert same(first, sd.simulate(NET, size=32, samples=300, rng=np.random.SeedSequence(5)))
    assert same(first, sd.simulate(NET, size=32, samples=300, rng=np.random.default_rng(5)))
    assert not np.array_equal(first.G, sd.simulate(NET, size=32, samples=300, rng=6).G)
    anonymous = sd.simulate(NET, size=32, samples=300)
    assert same(anonymous, sd.simulate(NET, size=32, samples=300, rng=anonymous.entropy))


def test_no_global_random_state_is_touched() -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the legacy state is what is checked
    sd.simulate(NET, size=32, samples=50, rng=0)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002 - as above


def test_memory_limit_is_checked_first() -> None:
    with pytest.raises(ValueError, match=r"memory_limit must be at least \d+ bytes.*got 99"):
        sd.simulate(NET, size=32, samples=100, memory_limit=99)


def test_a_depth_whose_covariance_has_no_memory_is_refused_first() -> None:
    net = sd.Network.uniform(1, 1, 20_000)
    with pytest.raises(
        ValueError, match=r"at least 96\d+ bytes, what the covariance of all layers"
    ):
        sd.simulate(net, size=8, samples=100, engine="numpy")


def test_self_pairs_do_not_bias_the_distance() -> None:
    # Blocks of two images: self-pairs would halve Q. Q_0 = 2 (1 - 1/N) exactly.
    m = sd.simulate(sd.Network.uniform(2, 1, 1), size=8, samples=600, rng=0)
    exact = 2 * (1 - 1 / 8)
    assert abs(m.Q[0] - exact) < 4 * m.Q_err[0]
    assert abs(m.Q[0] - exact / 2) > 10 * m.Q_err[0]


def test_standard_errors_are_calibrated() -> None:
    """Pulls over independent runs have unit variance: 240 runs determine 1 to about 9 %."""
    truth = sd.predict(NET, size=16)
    runs = [sd.simulate(NET, size=16, samples=400, rng=seed) for seed in range(240)]
    for name in ("D", "G", "R", "Q"):
        pulls = np.array(
            [(getattr(m, name) - getattr(truth, name)) / getattr(m, f"{name}_err") for m in runs]
        )
        # The errors are themselves estimated and ratios are biased at order 1/samples.
        assert (abs(pulls.mean(axis=0)) < 4 / math.sqrt(len(runs)) + 0.05).all(), name
        assert (abs(pulls.std(axis=0) - 1) < 0.2).all(), name


def test_errors_shrink_like_the_root_of_the_samples() -> None:
    small = sd.simulate(NET, size=32, samples=8_000, rng=2)
    large = sd.simulate(NET, size=32, samples=128_000, rng=3)
    np.testing.assert_allclose(small.G_err / large.G_err, 4, rtol=0.25)


def test_unseen_overlaps_leave_an_error() -> None:
    # No two of these images overlap: every squared distance is 2 exactly, the truth 2 (1 - 1/N).
    m = sd.simulate(sd.Network.uniform(2, 2, 1), size=2**16, samples=8, rng=0)
    assert m.Q[0] == 2
    assert m.Q_err[0] > 2 / 2**16
    assert m.D_err[0] > 2 / 2**16


def test_linear_noise_has_no_mean_and_no_relu() -> None:
    negative = sd.Network.uniform(2, 2, 2, bias=-0.5)
    m = sd.simulate(negative, size=16, samples=2000, rng=0, rectify=None)
    plain = sd.simulate(NET[:2], size=16, samples=2000, rng=0, rectify=None)
    np.testing.assert_allclose(m.G, plain.G, rtol=1e-9)


def test_positive_bias_changes_nothing() -> None:
    shifted = sd.Network.uniform(2, 2, 3, bias=0.25)
    a, b = (sd.simulate(net, size=32, samples=500, rng=4) for net in (NET, shifted))
    np.testing.assert_allclose(a.D, b.D, rtol=1e-9)
    np.testing.assert_allclose(a.G, b.G, rtol=1e-9)


def test_negative_bias_is_simulated_and_kills_the_signal() -> None:
    # The clean active unit is 1/2 - |b| after one layer, then (1/2 - |b|)/2 - |b|: zero at b = -0.2
    # after layer 2.
    net = sd.Network.uniform(2, 2, 3, bias=-0.2)
    with pytest.raises(sd.ExhaustionError, match="layer 2") as caught:
        sd.simulate(net, size=16, samples=200, rng=0)
    assert caught.value.layer == 2
    assert caught.value.largest_depth == 1
    alive = sd.simulate(net[:1], size=16, samples=2000, rng=0)
    # One layer, both blocks hit: Q_1 = 2 (0.3)^2 (1 - 1/8).
    assert abs(alive.Q[1] - 2 * 0.09 * 7 / 8) < 4 * alive.Q_err[1]


def test_exhausted_image_is_refused() -> None:
    with pytest.raises(sd.ExhaustionError, match="layer 1") as caught:
        sd.simulate(sd.Network.uniform(4, 1, 2), size=4, samples=100, rng=0)
    assert caught.value.largest_depth == 0


def test_signed_kernels_are_simulated() -> None:
    net = sd.Network([sd.Layer(sd.Kernel([1, -1], signed=True))])
    m = sd.simulate(net, size=8, samples=4000, rng=0)
    # relu of the difference of neighbours is a single active pixel again, moved by one: D is D_0.
    assert abs(m.D[1] - 8 / 7) < 4 * m.D_err[1]
    assert "support" in repr(m)
    with pytest.raises(ValueError, match="A_k needs non-negative kernels"):
        _ = m.A


def test_generators_without_a_seed_sequence_seed_the_streams() -> None:
    """Those of old NumPy, and those made from seeds that cannot spawn."""

    class Seeds(np.random.bit_generator.ISeedSequence):
        def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Any:
            return np.arange(n_words, dtype=dtype)

    def old() -> np.random.Generator:
        return np.random.Generator(np.random.RandomState(3)._bit_generator)

    for make in (old, lambda: np.random.Generator(np.random.PCG64(Seeds()))):
        first, generator = sd.simulate(NET, size=32, samples=300, rng=make()), make()
        assert same(first, sd.simulate(NET, size=32, samples=300, rng=generator))
        assert not same(first, sd.simulate(NET, size=32, samples=300, rng=generator))
        assert same(first, sd.simulate(NET, size=32, samples=300, rng=first.entropy))


class Unwritable:
    def write(self, *_: str) -> int:
        raise OSError(28, "No space left on device")

    flush = write


@pytest.mark.parametrize("stderr", [None, Unwritable()])
def test_progress_that_cannot_be_shown_ends_no_run(
    monkeypatch: pytest.MonkeyPatch, stderr: Any
) -> None:
    quiet = sd.simulate(NET, size=32, samples=600, rng=0)
    monkeypatch.setattr(sys, "stderr", stderr)
    assert same(quiet, sd.simulate(NET, size=32, samples=600, rng=0, progress=True))


def test_progress_announces_time_and_memory(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = sd.simulate(NET, size=32, samples=600, rng=0)
    assert capsys.readouterr() == ("", "")
    shown = sd.simulate(NET, size=32, samples=600, rng=0, progress=True)
    text = capsys.readouterr().err
    assert "about" in text
    assert "MB" in text
    assert "600 samples" in text
    assert same(quiet, shown)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"samples": 1}, ValueError, r"samples must be an integer >= 4; got 1"),
        ({"samples": 3}, ValueError, r"samples must be an integer >= 4; got 3"),
        ({"samples": 10.0}, TypeError, r"samples must be an integer >= 4; got 10.0"),
        ({"samples": True}, TypeError, r"samples must be an integer"),
        ({"size": 12}, ValueError, r"size must be a multiple of the total stride.*8; got 12"),
        ({"size": 31.5}, TypeError, r"size must be an integer in \[2, .*\]; got 31.5"),
        ({"size": None}, TypeError, r"size must be an integer >= 2.*got None"),
        ({"sigma": 0}, ValueError, r"sigma must be .* > 0; got 0"),
        ({"sigma": -1.0}, ValueError, r"sigma must be .* > 0; got -1.0"),
        ({"sigma": math.nan}, ValueError, r"sigma must be .*; got nan"),
        ({"sigma": "1"}, TypeError, r"sigma must be .*; got '1'"),
        ({"rectify": "output"}, ValueError, r"'noise', 'layers', None; got 'output'"),
        ({"background": -1.0}, ValueError, r"background must be .* >= 0; got -1.0"),
        ({"background": math.inf}, ValueError, r"background must be .*; got inf"),
        ({"background": 1e-11}, ValueError, r"background must be 0 or in \[1e-10, .*; got 1e-11"),
        ({"rectify": True}, ValueError, r"rectify must be one of"),
        ({"workers": 0}, ValueError, r"workers must be an integer >= 1; got 0"),
        ({"progress": 1}, TypeError, r"progress must be True or False; got 1"),
        ({"balanced": True}, ValueError, r"balanced must be False without a task; got True"),
        ({"task": "T1"}, TypeError, r"task must be a ScaleDetection or None; got 'T1'"),
        ({"seed": 1}, TypeError, r"unexpected keyword argument 'seed'"),
    ],
)
def test_bad_arguments(arguments: dict, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        sd.simulate(NET, **{"size": 32, "samples": 100, **arguments})


def test_task_must_fit() -> None:
    task = sd.ScaleDetection(size=32, xi=8, gap=2)
    with pytest.raises(ValueError, match=r"size must be left out or equal the task's 32; got 64"):
        sd.simulate(NET, size=64, task=task, samples=100)
    with pytest.raises(ValueError, match=r"network's dimension 2; got dim=1"):
        sd.simulate(sd.Network.uniform(2, 2, 1, dim=2), task=task, samples=100)
    noisy = sd.ScaleDetection(size=32, xi=8, gap=2, image_noise=0.1)
    with pytest.raises(ValueError, match=r"task.image_noise must be 0 in simulate"):
        sd.simulate(NET, task=noisy, samples=100)
    with pytest.raises(TypeError, match="net must be a Network"):
        sd.simulate([sd.Layer(2)], size=8)


def test_results_are_objects_people_like(tmp_path) -> None:
    task = sd.ScaleDetection(size=32, xi=8, gap=2)
    m = sd.simulate(NET, task=task, samples=300, rng=0, balanced=True)
    text = repr(m)
    assert "300 samples" in text
    assert "ScaleDetection" in text
    assert m._repr_html_().count("<tr>") == 5
    frame = m.to_dataframe()
    assert list(frame["D"]) == list(m.D)
    assert "D_err" in frame
    restored = sd.load(m.save(tmp_path / "run.npz"))
    assert same(m, restored)
    assert (restored.network, restored.task) == (m.network, m.task)
    assert repr(restored) == text
    with pytest.raises(ValueError, match="read-only"):
        m.D[0] = 0


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (1.00382, 0.00015, "1.00382(15)"),
        (6.169, 0.0126, "6.169(13)"),
        (123.4, 45.6, "123(46)"),
        (1234.0, 456.0, "1230 +- 460"),
        (0.5, 0.0, "0.5"),
    ],
)
def test_error_notation(value: float, error: float, text: str) -> None:
    assert with_error(value, error) == text


@pytest.mark.parametrize("sigma", [1e-10, 1e-3, 1e3, 1e70])
def test_extreme_noise_is_right(sigma: float) -> None:
    truth = sd.predict(NET, size=32, sigma=sigma)
    m = sd.simulate(NET, size=32, samples=4000, rng=0, sigma=sigma)
    assert sd.compare(truth, m).p_value > 1e-3


@pytest.mark.parametrize("sigma", [9e-11, 2e70, 1e-300, 1e300])
def test_noise_beyond_floating_point_is_refused(sigma: float) -> None:
    with pytest.raises(ValueError, match=r"sigma must be in \[1e-10, 1e\+70\]; got"):
        sd.simulate(NET, size=32, samples=4000, sigma=sigma)


def test_few_samples_give_errors_not_nan() -> None:
    """32 samples, layers without a response to any move: finite errors, never 0, no warning."""
    for seed in range(150):
        try:
            m = sd.simulate(NET, size=32, samples=32, rng=seed)
        except sd.ExhaustionError as error:
            assert "use more samples if these are few" in str(error)  # noqa: PT017 - seeds differ
            continue
        for name in ("D_err", "G_err", "R_err", "Q_err"):
            values = getattr(m, name)
            assert (np.isfinite(values) & ((values > 0) | (name == "R_err"))).all()


@pytest.mark.parametrize(
    ("rng", "kind"), [(-1, ValueError), ("a", TypeError), (np.random.RandomState(1), TypeError)]
)
def test_bad_rng_is_named(rng: object, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="rng must be None, an integer >= 0"):
        sd.simulate(NET, size=32, samples=100, rng=rng)
    with pytest.raises(kind, match="rng must be None, an integer >= 0"):
        sd.ScaleDetection().sample(4, rng=rng)


@pytest.mark.parametrize("engine", ["numba", "numpy"])
@pytest.mark.parametrize("rectify", ["input", "noise", None])
def test_images_with_noise_of_their_own(engine: str, rectify: str | None) -> None:
    given = {"size": 32, "background": 0.3, "rectify": rectify}
    m = sd.simulate(NET, samples=60_000, rng=1, engine=engine, **given)
    truth = sd.predict(NET, **given)
    assert sd.compare(truth, m).p_value > 1e-3
    # Negative control: images a little noisier.
    wrong = sd.predict(NET, **{**given, "background": 0.33})
    pulls = [(getattr(m, name) - getattr(wrong, name)) / getattr(m, f"{name}_err") for name in "DQ"]
    assert np.max(np.abs(pulls)) > 6
    with pytest.raises(ValueError, match=r"prediction.background must equal .* 0.3; got 0.33"):
        sd.compare(wrong, m)


def test_noise_that_every_layer_rectifies_to_a_tenth_of_a_percent() -> None:
    net = sd.Network.uniform([1, 2, 1], 2, 4)
    m = sd.simulate(net, size=64, samples=400_000, rng=2, rectify="layers", control_variates=True)
    assert (m.G_err < 1e-3 * m.G).all()
    assert sd.compare(sd.predict(net, size=64, rectify="layers"), m).p_value > 1e-3
    # Rival: noise rectified at the input.
    rival = sd.predict(net, size=64)
    assert (abs(m.G - rival.G)[1:] > 100 * m.G_err[1:]).all()


@pytest.mark.parametrize("bias", [0, -0.6])
def test_images_that_all_look_alike_end_a_run_early(bias: float, monkeypatch) -> None:
    """After 1024 images or a sixteenth of the run, not after the whole of it."""
    done = []

    def counted(spec, stream, unit, count):
        done.append(count)
        return run_unit(spec, stream, unit, count)

    monkeypatch.setattr(scheduler, "run_units", unit_by_unit(counted))
    monkeypatch.setattr(scheduler, "BATCH_SECONDS", 0.0)  # one unit a batch
    net = sd.Network.uniform(2, 2, 5, bias=bias)
    with pytest.raises(sd.ExhaustionError, match=r"Q_k = 0 in all \d+ pairs") as caught:
        sd.simulate(net, size=32, samples=320_000, rng=0)
    assert caught.value.layer == (1 if bias else 5)
    assert sum(done) < 320_000 / 8


def test_images_beyond_any_memory_are_refused_first() -> None:
    with pytest.raises(ValueError, match=r"at most 281474976710656 pixels; got 9223372"):
        sd.simulate(NET, size=2**63, samples=8, memory_limit=2**62)


def test_units_of_large_images_stay_short() -> None:
    """A unit of 2^23 pixels an image holds 16 images: it ends, and is kept, within seconds."""
    assert unit_sizes(specification(NET, 2**23, engine="numba"), 10**5)[0] <= 16
