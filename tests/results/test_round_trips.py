"""Every kind of result comes back equal from a file, a pickle and a copy; damaged files do not."""

from __future__ import annotations

import copy
import json
import pickle
import re
import zipfile
from dataclasses import fields, is_dataclass, replace
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

import scaledet as sd
from tests.analysis.trained_tables import power_laws, scattered, write

NET = sd.Network.uniform(2, 2, 3)
BLOCK = sd.Network([sd.Layer(3, 2), sd.Layer([1, 2, 1, 2, 3])])
IMAGE_NET = sd.Network([sd.Layer(3), sd.Layer(2, 2)], dim=2)
TAU = sd.Diffeomorphism(2.5, 1e-3)
TASK = sd.ScaleDetection(size=16, xi=6, gap=1)


def simulated(**given):
    return sd.simulate(NET, size=32, samples=4000, rng=1, engine="numpy", **given)


def compared(prediction):
    return sd.compare(prediction, simulated(rectify=prediction.rectify))


def model():
    """A small model of PyTorch with a BatchNorm and a layer that is dead."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    parts = torch.nn.Conv2d(1, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Conv2d(3, 2, (1, 2))
    dead = torch.nn.Hardtanh(50, 60)
    return torch.nn.Sequential(*parts, dead)


def rectified():
    """Two convolutions with ReLU; the second leaves one site."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    parts = torch.nn.Conv1d(1, 9, 2, 2), torch.nn.ReLU(), torch.nn.MaxPool1d(2)
    return torch.nn.Sequential(*parts, torch.nn.Conv1d(9, 8, 2, 2), torch.nn.ReLU())


def measured(displacement, **given):
    images = np.random.default_rng(0).random((12, 1, 8, 8))
    return sd.measure.sensitivities(model(), images, displacement, rng=0, **given)


def trained():
    """A training; its network is not saved."""
    pytest.importorskip("torch")
    recipe = sd.train.Recipe(learning_rate=0.2, batch_size=8, epochs=2, noise=0.1)
    net = sd.train.ring_net(2, channels=4, rng=0)
    data = sd.train.task_data(TASK, train=16, validation=4, test=4, rng=0)
    return replace(sd.train.train(net, data, recipe, rng=0), model=None)


def judged():
    """Verdicts on a network of three seeds and on another of one."""
    rows = [*power_laws(scattered(-1, 0.1, 3)), *power_laws([-1], stage="zero_loss")]
    with TemporaryDirectory() as folder:
        return sd.verdicts(write(Path(folder), rows))


KINDS = {
    "prediction": lambda: sd.predict(NET, size=32),
    "prediction of a task": lambda: sd.predict(NET, task=TASK, balanced=True),
    "prediction without size": lambda: sd.predict(NET),
    "prediction of unlike layers": lambda: sd.predict(BLOCK * 3, rectify="layers"),
    "prediction by closure": lambda: sd.predict(
        sd.Network.uniform(2, 2, 3, bias=-0.01), size=32, rectify="layers", method="closure"
    ),
    "evolution": lambda: sd.evolve(NET, size=32, points=300),
    "evolution that dies": lambda: sd.evolve(
        sd.Network.uniform(2, 2, 4, bias=-0.2), size=32, points=300
    ),
    "evolution without size": lambda: sd.evolve(NET, points=300),
    "evolution of samples": lambda: sd.evolve(
        NET, size=32, noise=np.random.default_rng(0).normal(size=2000)
    ),
    "evolution of noise that dies": lambda: sd.evolve(
        sd.Network.uniform(2, 2, 10, bias=-0.5), points=300
    ),
    "bias phases": lambda: sd.bias_phases("constant", depth=5),
    "exponents": lambda: sd.predict_exponents(kernel=4, stride=2),
    "irrational exponents": lambda: sd.predict_exponents(kernel=6, stride=2, dim=2),
    "algebraic exponents": lambda: sd.predict_exponents(BLOCK * 2, rectify="layers"),
    "oscillating exponents": lambda: sd.predict_exponents(kernel=[1, 0, 1], rectify=None),
    "exponents of a stride beyond those of layers": lambda: sd.predict_exponents(
        sd.Network([sd.Layer(2, 2**30), sd.Layer(1, 2**24)] * 2)
    ),
    "shift of one pixel": lambda: sd.predict_shift(NET, 3, size=32),
    "shift at the worst position": lambda: sd.predict_shift(
        NET, 3, size=None, phase="fixed", position="worst"
    ),
    "shift at a position": lambda: sd.predict_shift(NET, 3, size=32, phase="fixed", position=5),
    "shift of a task": lambda: sd.predict_shift(NET, -5, task=TASK, balanced=True),
    "shift of images": lambda: sd.predict_shift(NET, 3, images=np.eye(16)[:2], phase="adaptive"),
    "simulated change": lambda: sd.simulate_change(NET, np.eye(32)[::9], np.eye(32)[2:30:9]),
    "simulation": simulated,
    "controlled simulation": lambda: simulated(control_variates=True, target_error=0.9),
    "simulation of a task": lambda: sd.simulate(NET, task=TASK, samples=500, rng=3),
    "simulation of signed kernels": lambda: sd.simulate(
        sd.Network.uniform(sd.Kernel([1, -1, 2], signed=True), 2, 2), size=16, samples=300, rng=3
    ),
    "sweep": lambda: sd.sweep([NET, BLOCK], [16, 32], samples=300, rng=0),
    "comparison": lambda: compared(sd.predict(NET, size=32)),
    "comparison of an evolution": lambda: compared(sd.evolve(NET, size=32, points=300)),
    "filters": lambda: sd.compare_filters(stride=2, depth=3),
    "filters of two dimensions": lambda: sd.compare_filters({"b": [1, 3, 1]}, stride=3, dim=2),
    "filter design": lambda: sd.design_filter(5, 2, depth=3),
    "trade-off design": lambda: sd.design_filter(3, 2, 0.5, depth=2, max_G=1.2, dim=2),
    "image prediction": lambda: sd.predict_images(IMAGE_NET, np.ones((8, 8)), TAU, size=8),
    "image simulation": lambda: sd.simulate_images(
        IMAGE_NET, np.random.default_rng(0).random((9, 8, 8)), TAU, rectify="input", rng=1
    ),
    "measurement": lambda: measured("shift"),
    "measurement of deformations": lambda: measured(
        "diffeomorphism", shuffle_channels=2, recalibrate="shuffled", target_error=0.9
    ),
    "filter spectrum": lambda: sd.measure.filter_spectrum(model()),
    "trained prediction": lambda: sd.predict_trained(
        rectified(), TASK.sample(12, rng=0)[0], displacement=TASK, shuffle_channels=2, rng=0
    ),
    "training": trained,
    "linear exponents": lambda: sd.predict_linear_exponents([[3, 1], [1, 2]], stride=3),
    "wide prediction": lambda: sd.predict_wide(NET, size=8, pooling=0.5, rng=0),
    "wide prediction of images": lambda: sd.predict_wide(NET, images=np.eye(8)[:3], rng=0),
    "wide simulation": lambda: sd.simulate_wide(NET, size=8, width=9, networks=3, rng=0),
    "verdicts": judged,
    "fit": lambda: sd.fit_exponent([1, 2, 4, 8], [1, 0.52, 0.24, 0.13], [0.02] * 4),
}


@cache
def result(kind):
    return KINDS[kind]()


def saved(made, folder):
    return sd.load(made.save(folder / "result.npz"))


def same(first, second):
    """Equality of type and of every field, arrays bit by bit, results within results as well."""
    if type(first) is not type(second):
        return False
    if isinstance(first, np.ndarray):
        return first.dtype == second.dtype and np.array_equal(first, second)
    if isinstance(first, tuple | list):
        return len(first) == len(second) and all(map(same, first, second))
    if is_dataclass(first):
        return all(same(getattr(first, f.name), getattr(second, f.name)) for f in fields(first))
    return first == second


def arrays_in(value):
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from arrays_in(item)
    elif is_dataclass(value):
        for field in fields(value):
            yield from arrays_in(getattr(value, field.name))


WAYS = {
    "file": saved,
    "pickle": lambda made, _: pickle.loads(pickle.dumps(made)),
    "copy": lambda made, _: copy.deepcopy(made),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_round_trip(kind, way, tmp_path):
    made = result(kind)
    again = WAYS[way](made, tmp_path)
    assert same(made, again)
    assert again is not made
    assert repr(again) == repr(made)
    assert again._repr_html_() == made._repr_html_()
    ours, theirs = made.columns(), again.columns()
    assert list(ours) == list(theirs)
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert made.to_dataframe().equals(again.to_dataframe())
    assert not any(array.flags.writeable for array in arrays_in(made))
    assert not any(array.flags.writeable for array in arrays_in(again))


def test_formulas_of_exponents_are_typeset_and_short():
    irrational, algebraic = result("irrational exponents"), result("algebraic exponents")
    assert r"\alpha = - \frac{\log" in irrational._repr_latex_()
    assert r"\beta = 2$" in irrational._repr_latex_()
    for made in (irrational, algebraic):
        assert made._repr_html_().startswith(f"<p>{made._repr_latex_()}</p><table>")
    assert r"\max" in algebraic._repr_latex_()
    long = sd.predict_exponents(kernel=[1, 2, 3, 4, 5, 6, 9, 11, 20, 31, 7, 5, 2], stride=2)
    assert r"\beta \approx 0.99" in long._repr_latex_()


def test_remarks_of_large_sweeps_are_shortened():
    networks = [sd.Network.uniform(2, 1, 1, bias=number / 100) for number in range(60)]
    swept = sd.sweep(networks, [8], samples=50, rng=0, engine="numpy")
    assert len(swept.remarks()) == 60
    for text in (repr(swept), swept._repr_html_()):
        assert text.count("Network(") == 23
        assert len(text) < 6000


def test_different_results_are_told_apart():
    assert not same(result("simulation"), result("controlled simulation"))
    assert not same(result("exponents"), result("irrational exponents"))
    assert not same(result("comparison"), result("comparison of an evolution"))


def test_what_was_computed_on_access_does_not_hinder_pickling():
    made = sd.predict(NET, size=32)
    values = list(made.exact_D)
    assert list(pickle.loads(pickle.dumps(made)).exact_D) == values
    evolution = sd.evolve(NET, size=32, points=300)
    assert copy.deepcopy(evolution).exact_D == evolution.exact_D


# What a file holds besides arrays; old files lack some facts, and others only inform.
OPTIONAL = {"engine", "partial", "target_error", "control_variates", "background", "noise"}
ONE_OF_EACH = ["prediction", "evolution that dies", "bias phases", "irrational exponents"]
ONE_OF_EACH += ["simulation", "sweep", "comparison of an evolution", "fit"]
ONE_OF_EACH += ["filters", "filter design"]
ONE_OF_EACH += ["shift of one pixel", "shift at a position", "simulated change"]
ONE_OF_EACH += ["image prediction", "image simulation"]
ONE_OF_EACH += ["measurement of deformations", "filter spectrum"]
ONE_OF_EACH += ["trained prediction", "training", "verdicts"]


def contents(path):
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    meta = json.loads(members.pop("meta.json"))
    return meta, {name.removesuffix(".npy"): np.load(BytesIO(members[name])) for name in members}


def refused(path, meta, arrays, *words):
    np.savez(path, **arrays)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("meta.json", json.dumps(meta))
    with pytest.raises(ValueError, match="path must name a file saved by scaledet") as caught:
        sd.load(path)
    for word in (str(path), *words):
        assert word in str(caught.value)


def with_first(array, value):
    changed = array.copy()
    changed.flat[0] = value
    return changed


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_no_array_of_a_file_may_be_damaged(kind, tmp_path):
    path = result(kind).save(tmp_path / "result.npz")
    meta, arrays = contents(path)
    for key, array in arrays.items():
        name = key.rpartition(".")[2]
        others = {other: values for other, values in arrays.items() if other != key}
        if name != "gain":  # which old files lack
            refused(path, meta, others, name)
        refused(path, meta, {**others, key: array[:-1]}, name, "shape")
        refused(path, meta, {**others, key: np.concatenate([array, array])}, name, "shape")
        refused(path, meta, {**others, key: with_first(array, np.nan)}, name, "nan")
        refused(path, meta, {**others, key: array.astype(str)}, name)
        refused(path, meta, {**others, key: array.astype(complex)}, name)
        if "law" not in name:
            refused(path, meta, {**others, key: with_first(array, np.inf)}, name, "inf")
    refused(path, meta, {**arrays, "unknown": np.ones(3)}, "unknown")


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_no_fact_of_a_file_may_be_damaged(kind, tmp_path):
    path = result(kind).save(tmp_path / "result.npz")
    meta, arrays = contents(path)
    facts = meta.keys() - {"format", "kind"}
    for name in facts:
        if name not in OPTIONAL:
            refused(path, {key: meta[key] for key in meta if key != name}, arrays, name)
        for nonsense in ("nonsense", float("nan"), -1, {}, [[0]]):
            if (name, nonsense) != ("slope", -1):
                refused(path, {**meta, name: nonsense}, arrays)
    refused(path, {**meta, "unknown": 1}, arrays, "unknown")


@pytest.mark.parametrize("name", ["covariance", "means_covariance"])
def test_covariances_must_be_symmetric(name, tmp_path):
    path = result("simulation").save(tmp_path / "result.npz")
    meta, arrays = contents(path)
    skew = arrays[name].copy()
    skew[0, 1] += skew[1, 1]
    refused(path, meta, {**arrays, name: skew}, name, "symmetric")
    refused(path, meta, {**arrays, name: -arrays[name]}, name, "variances >= 0")


def test_negative_errors_are_refused(tmp_path):
    path = result("simulation").save(tmp_path / "result.npz")
    meta, arrays = contents(path)
    for name in ("D_err", "G_err", "R_err", "Q_err"):
        negative = {**arrays, name: with_first(arrays[name], -0.1)}
        refused(path, meta, negative, f"{name} must hold finite numbers >= 0", f"{name}[0] = -0.1")


def test_arrays_must_fit_the_network_in_the_file(tmp_path):
    path = result("prediction").save(tmp_path / "result.npz")
    meta, arrays = contents(path)
    meta["network"]["layers"][0]["count"] = 2
    refused(path, meta, arrays, "D must have shape [3]; got [4]")


def test_predictions_of_trained_networks_have_a_row_for_every_layer(tmp_path):
    path = result("trained prediction").save(tmp_path / "result.npz")
    meta, arrays = contents(path)
    refused(path, {**meta, "convolutions": ["0"]}, arrays, "convolutions must be 2; got 1")
    refused(path, {**meta, "places": [1]}, arrays, "places must be 2; got 1")
    refused(path, {**meta, "places": [1, 3]}, arrays, "places must be at most 2; got 3")
    none = {**arrays, "distance": with_first(arrays["distance"], 0.0)}
    refused(path, meta, none, "distance must be > 0")


def test_results_that_belong_to_different_scenarios_are_no_comparison(tmp_path):
    path = result("comparison").save(tmp_path / "result.npz")
    meta, arrays = contents(path)
    meta["simulation"]["size"] = 64
    refused(path, meta, arrays, "prediction.size must equal")


def test_exact_numbers_are_those_that_the_file_names(tmp_path):
    made = result("irrational exponents")
    path = made.save(tmp_path / "result.npz")
    meta, arrays = contents(path)
    assert meta["alpha"] == {"exact": str(made.alpha), "value": float(made.alpha)}
    meta["alpha"]["value"] += 0.01
    refused(path, meta, arrays, "alpha")
    path = result("bias phases").save(path)
    meta, arrays = contents(path)
    assert meta["signal"] == str(result("bias phases").signal)
    refused(path, {**meta, "noise": meta["noise"][::-1]}, arrays, "noise must be a bracket")


def test_kinds_are_named_by_what_they_are(tmp_path):
    path = result("fit").save(tmp_path / "result.npz")
    meta, arrays = contents(path)
    assert meta["kind"] == "exponent_fit"
    np.savez(path, **arrays)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("meta.json", json.dumps({**meta, "kind": "graph"}))
    with pytest.raises(ValueError, match=re.escape("exponent_fit; got kind 'graph'")):
        sd.load(path)


INTEGERS = {
    "epoch",
    "layer",
    "network",
    "size",
    "stride",
    "dim",
    "span",
    "log_power",
    "kernel",
    "depth",
}
INTEGERS |= {"dof", "first", "last"}
EXACT = {"alpha", "beta", "plateau", "peak_growth", "drop_growth", "signal"}
EXACT |= {"autocorrelation"}
WORDS = {"kind", "rectify"}
TRUTHS = {"corrected", "log_correction", "padded", "sum_rule"}


MODELS = ["measurement", "measurement of deformations", "filter spectrum", "trained prediction"]
"""Their tables have a row for each layer, by name."""
FILTERS = ["filters", "filters of two dimensions", "filter design", "trade-off design"]
"""Their tables have a row for each filter, so a column is no attribute of the result."""
OTHERS = [*FILTERS, *MODELS, "verdicts"]
OBJECTS = {"kernel", "alpha", "seen", "plateau", "plateau_depth", "prefactor", "drift"}
OBJECTS |= {"sum_rule_defect"}


@pytest.mark.parametrize("kind", FILTERS)
def test_kinds_of_the_columns_of_filter_tables(kind):
    """Integers and floats are such; what is exact, and what may be None, are objects."""
    frame = result(kind).to_dataframe()
    kinds = {name: str(column.dtype) for name, column in frame.items()}
    for name, dtype in kinds.items():
        if name in {"filter", "weights"}:
            assert all(isinstance(text, str) for text in frame[name])
        elif name in OBJECTS:
            assert dtype == "object"
            assert not any(isinstance(value, float) and np.isnan(value) for value in frame[name])
        elif name in {"rank", "support", "multiplications"}:
            assert dtype == "int64"
        else:
            assert dtype == ("bool" if name in {"sum_rule", "admitted"} else "float64"), name


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in OTHERS])
def test_kinds_of_the_columns_of_frames(kind):
    """Integers and floats are such; objects are only exact numbers, kernels, and None."""
    made = result(kind)
    for name, column in made.to_dataframe().items():
        if name == "kernel" and isinstance(made, sd.Exponents):
            assert column.tolist() == [made.kernel]
        elif name in EXACT:
            assert column.dtype == object
            assert column[0] == getattr(made, name)
        elif name in WORDS:
            assert column[0] == getattr(made, name)
        elif name == "support":  # a float in predictions, whose support may exceed all integers
            assert column.dtype == ("float64" if isinstance(made, sd.Prediction) else "int64")
        else:
            plain = "int64" if name in INTEGERS else "bool" if name in TRUTHS else "float64"
            assert column.dtype == plain, name


@pytest.mark.parametrize("kind", MODELS)
def test_kinds_of_the_columns_of_measured_models(kind):
    frame = result(kind).to_dataframe()
    words = {name: frame.pop(name) for name in ("layer", "kernel", "unit") if name in frame}
    assert all(isinstance(text, str) for column in words.values() for text in column)
    assert {str(column.dtype) for column in frame.to_dict("series").values()} == {"float64"}


def test_kinds_of_the_columns_of_verdicts():
    frame = result("verdicts").to_dataframe()
    assert frame["points"].tolist() == [1, 3]
    assert {str(frame[name].dtype) for name in ("points", "left_out")} == {"int64"}
    numbers = ["effect", "error", "low", "high", "claimed_low", "claimed_high", "rival_effect"]
    assert {str(frame[name].dtype) for name in numbers} == {"float64"}


def test_strides_of_deep_layers_are_numbers_in_a_frame():
    deep = sd.predict(sd.Network.uniform(2, 2, 100))
    strides = deep.to_dataframe()["stride"]
    assert strides.dtype == "float64"
    assert np.log2(strides).tolist() == list(range(101))
    assert deep.columns()["stride"][-1] == 2**100
