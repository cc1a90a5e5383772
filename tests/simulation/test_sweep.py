"""Sweeps: every run is a simulation of its own, over shared workers and one file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import scaledet as sd
from scaledet.simulation import scheduler
from tests.runs import SLOWLY, run_unit, same, script, unit_by_unit, wait_for
from tests.simulation.test_scheduler import Plain, Unreliable

NETS = [sd.Network.uniform(2, 2, 2), sd.Network.uniform([1, 2, 1], 2, 3)]
SIZES = [16, 32]
GIVEN = {"samples": 3000, "rng": 7, "engine": "numpy"}


def sweep(**given):
    return sd.sweep(given.pop("networks", NETS), given.pop("sizes", SIZES), **{**GIVEN, **given})


@pytest.fixture(scope="module")
def plain():
    return sweep()


def all_same(a, b):
    return len(a.runs) == len(b.runs) and all(map(same, a.runs, b.runs))


def test_every_run_is_a_simulation_with_a_stream_of_its_own(plain):
    assert [(run.network, run.size) for run in plain.runs] == [(n, s) for n in NETS for s in SIZES]
    assert len({run.entropy for run in plain.runs}) == 4
    for run in plain.runs:
        given = {**GIVEN, "rng": run.entropy}
        assert same(run, sd.simulate(run.network, size=run.size, **given))
    assert all_same(plain, sweep(rng=np.random.SeedSequence(7)))
    assert not same(plain.runs[0], sweep(rng=8).runs[0])


@pytest.mark.parametrize("workers", [2, 8])
def test_threads_give_the_same_bits(plain, workers):
    assert all_same(plain, sweep(workers=workers))
    with ThreadPoolExecutor(workers) as executor:
        assert all_same(plain, sweep(executor=executor))
    assert all_same(plain, sweep(executor=Unreliable(workers)))


def test_the_runs_take_turns(monkeypatch):
    seen = []

    def spy(spec, stream, unit, count):
        seen.append((spec.network, spec.size))
        return run_unit(spec, stream, unit, count)

    monkeypatch.setattr(scheduler, "BATCH_SECONDS", 0)
    monkeypatch.setattr(scheduler, "run_units", unit_by_unit(spy))
    sweep()
    pairs = [(net, size) for net in NETS for size in SIZES]
    assert seen[:8] == pairs * 2


def test_generators_of_networks_and_sizes_are_taken(plain):
    assert all_same(plain, sweep(networks=iter(NETS), sizes=(size for size in SIZES)))
    assert same(sweep(sizes=np.array([16, 32])).runs[3], plain.runs[3])


# ------------------------------------------------------------------------------- the table


def test_the_table(plain):
    columns = plain.columns()
    assert list(columns)[:5] == ["network", "size", "layer", "A", "D"]
    assert columns["network"].tolist() == [0] * 6 + [1] * 8
    assert columns["size"].tolist() == [16] * 3 + [32] * 3 + [16] * 4 + [32] * 4
    assert columns["layer"].tolist() == [0, 1, 2] * 2 + [0, 1, 2, 3] * 2
    assert np.array_equal(columns["G_err"][3:6], plain.runs[1].G_err)
    assert np.array_equal(columns["A"][:3], plain.runs[0].A)
    frame = plain.to_dataframe()
    assert len(frame) == 14
    assert frame.groupby(["network", "size"]).D.count().tolist() == [3, 3, 4, 4]
    text = repr(plain)
    assert text.startswith("Sweep of 4 simulations, 12000 samples\n  network 0: Network(2 x Layer")
    assert f"network 1: {NETS[1]!r}" in text
    assert text.count("\n") == 2 + 1 + 14
    assert plain._repr_html_().count("<tr>") == 15
    assert plain.networks == tuple(NETS)


def test_signed_kernels_have_a_support_only():
    signed = sd.Network([sd.Layer(sd.Kernel([1, -1], signed=True))])
    swept = sweep(networks=[signed, NETS[0]], sizes=[16])
    assert swept.columns()["support"].tolist() == [1, 2, 1, 2, 4]
    assert "A" not in swept.columns()
    assert "support" in repr(swept)


def test_a_sweep_is_saved_and_loaded(plain, tmp_path):
    with pytest.warns(RuntimeWarning, match="not reached"):
        missed = sweep(target_error=1e-4, control_variates=True)
    for result in (plain, missed):
        again = sd.load(result.save(tmp_path / "sweep.npz"))
        assert all_same(result, again)
        assert repr(again) == repr(result)
        assert [run.entropy for run in again.runs] == [run.entropy for run in result.runs]
    assert repr(again).count("NOT reached") == 4
    assert repr(again).count("network 1, size 32: control variates: variance of G_k") == 1


# ---------------------------------------------------------------------- targets, checkpoint


def test_every_run_stops_at_its_own_target():
    swept = sweep(samples=20_000, target_error=0.015)
    assert all(run.target_reached for run in swept.runs)
    assert len({run.samples for run in swept.runs}) > 1
    assert all_same(swept, sweep(samples=20_000, target_error=0.015, workers=3))


def test_runs_that_miss_the_target_are_named():
    with pytest.warns(RuntimeWarning) as caught:
        sweep(target_error=0.001)
    texts = [str(warning.message) for warning in caught]
    assert len(texts) == 4
    assert "within 3000 samples of networks[1] at sizes[0] = 16: the relative" in texts[2]
    assert all(warning.filename == __file__ for warning in caught)


def test_one_file_for_all_runs(plain, tmp_path, monkeypatch):
    path = tmp_path / "sweep.sqlite"

    class Stop(Exception):
        pass

    monkeypatch.setattr(scheduler, "BATCH_SECONDS", 0)
    with pytest.raises(Stop):
        sweep(checkpoint=path, executor=Plain(30, Stop))
    assert all_same(plain, sweep(checkpoint=path, workers=2))
    nothing = Plain(1, Stop)
    assert all_same(plain, sweep(checkpoint=path, executor=nothing))
    assert nothing.submitted == 0
    assert all_same(plain, sweep(checkpoint=path, rng=None))
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"differs in runs\[1\].size \(32 in the file, 64 in"):
        sweep(checkpoint=path, sizes=[16, 64])
    with pytest.raises(ValueError, match=r"differs in runs \(\["):
        sweep(checkpoint=path, sizes=[16])
    assert path.read_bytes() == before


# ---------------------------------------------------------------------------- interruptions


def test_an_interrupted_sweep_returns_what_is_done(monkeypatch):
    monkeypatch.setattr(scheduler, "BATCH_SECONDS", 0)
    swept = sweep(executor=Plain(40, KeyboardInterrupt))
    assert swept.partial
    assert [run.partial for run in swept.runs] == [True] * 4
    assert "; partial: interrupted" in repr(swept).splitlines()[0]
    few = sweep(executor=Plain(7, KeyboardInterrupt), workers=1)
    assert few.partial
    assert 1 <= len(few.runs) < 4
    with pytest.raises(KeyboardInterrupt):
        sweep(executor=Plain(4, KeyboardInterrupt))


KILLED = f"""PAUSE = 0.05{SLOWLY}
import sys, scaledet as sd
nets = [sd.Network.uniform(2, 2, 2), sd.Network.uniform([1, 2, 1], 2, 3)]
print("ready", flush=True)
sd.sweep(nets, [16, 32], samples=3000, rng=7, engine="numpy", checkpoint=sys.argv[1])
"""


def test_a_killed_sweep_goes_on(plain, tmp_path):
    path = tmp_path / "sweep.sqlite"
    process = script(KILLED, path)
    wait_for(process, "ready")
    while not path.exists() or path.stat().st_size < 10_000:
        assert process.poll() is None
    process.kill()
    process.communicate()
    assert all_same(plain, sweep(checkpoint=path))


# --------------------------------------------------------------------------------- refusals


PLACE = r"networks\[0\] at sizes\[0\] = "
TASK = sd.ScaleDetection(size=16, xi=4, gap=1)
MULTIPLE = r"networks\[1\] at sizes\[1\] = 20 is refused: size must be a multiple .* 8; got 20"
TASK_SIZE = r"networks\[0\] at sizes\[1\] = 32 is refused: size must .* equal the task's 16; got 32"


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ({"sizes": [16, 20]}, ValueError, MULTIPLE),
        ({"sizes": [16, 16.0]}, TypeError, r"sizes\[1\] must be an integer; got 16.0"),
        ({"sizes": [None]}, TypeError, r"sizes\[0\] must be an integer; got None"),
        ({"sizes": [True]}, TypeError, rf"{PLACE}True is refused: size "),
        ({"sizes": 16}, TypeError, "sizes must be a sequence of integers; got 16"),
        ({"sizes": []}, ValueError, "sizes must hold at least one integer; got none"),
        ({"networks": []}, ValueError, "networks must hold at least one Network; got none"),
        ({"networks": NETS[0]}, TypeError, "networks must be a sequence of Networks; got Network"),
        ({"networks": [2, 2]}, TypeError, r"networks\[0\] must be a Network; got 2"),
        ({"sizes": [16, 16]}, ValueError, r"sizes must differ; got 16 twice"),
        ({"networks": [NETS[0], NETS[0]]}, ValueError, r"networks must differ; got Network"),
        ({"samples": 3}, ValueError, "samples must be an integer >= 4; got 3"),
        ({"memory_limit": 10}, ValueError, rf"{PLACE}16 .*memory_limit"),
        ({"engine": "cuda"}, ValueError, "engine must be one of 'numba', 'numpy'; got 'cuda'"),
        ({"task": TASK}, ValueError, TASK_SIZE),
    ],
)
def test_bad_arguments_are_named_before_the_work(given, kind, message, tmp_path, monkeypatch):
    monkeypatch.setattr(scheduler, "run_units", None)
    with pytest.raises(kind, match=message):
        sweep(**given, checkpoint=tmp_path / "none.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_a_run_whose_image_is_exhausted_is_named():
    dying = sd.Network.uniform(2, 2, 2, bias=-0.2)
    with pytest.raises(sd.ExhaustionError, match=r"networks\[1\] at sizes\[0\] = 16: .*layer 2"):
        sweep(networks=[NETS[0], dying], sizes=[16])


def test_images_may_carry_noise_of_their_own() -> None:
    net = sd.Network.uniform(2, 2, 2)
    (run,) = sd.sweep([net], [16], samples=300, rng=0, background=0.3).runs
    alone = sd.simulate(net, size=16, samples=300, rng=run.entropy, background=0.3)
    assert run.background == 0.3
    assert np.array_equal(run.G, alone.G)
