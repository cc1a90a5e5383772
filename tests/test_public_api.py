"""The public names, what importing them costs, and who may import whom."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import scaledet as sd

NET = sd.Network.uniform(2, 2, depth=2)
PACKAGE = Path(sd.__file__).parent

DESCRIPTIONS = ["Kernel", "Layer", "Network", "ScaleDetection", "binomial", "box"]
DESCRIPTIONS += ["gaussian", "lanczos"]
EXACT = ["Derivation", "Evolution", "Exponents", "Prediction", "BiasPhases", "ShiftPrediction"]
EXACT += ["bias_phases", "derive", "evolve", "predict", "predict_exponents", "stability_limit"]
EXACT += ["predict_shift", "WidePrediction", "predict_wide"]
EXACT += ["LinearExponents", "predict_linear_exponents"]
MEASURED = ["Comparison", "ExponentFit", "SimulatedChange", "Simulation", "Sweep"]
MEASURED += ["compare", "fit_exponent", "local_exponents", "simulate", "simulate_change", "sweep"]
MEASURED += ["WideSimulation", "simulate_wide", "TrainedPrediction", "predict_trained"]
MEASURED += ["Verdicts", "verdicts"]
CHOSEN = ["FilterComparison", "FilterDesign", "compare_filters", "design_filter"]
IMAGES = ["Diffeomorphism", "ImagePrediction", "ImageSimulation", "photographs"]
IMAGES += ["power_spectrum", "predict_images", "simulate_images"]
READ = ["Skeleton", "from_torch", "presets"]
OTHERS = ["ExhaustionError", "FitError", "errors", "load", "measure", "plots", "symbols", "train"]
PUBLIC = sorted(DESCRIPTIONS + EXACT + MEASURED + CHOSEN + IMAGES + READ + OTHERS)


def test_public_names_are_frozen() -> None:
    assert sd.__all__ == PUBLIC
    assert set(dir(sd)) == {*PUBLIC, "__version__"}
    assert all(getattr(sd, name) is not None for name in PUBLIC)


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'simulator'"):
        _ = sd.simulator


def test_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    assert version("scaledet") == sd.__version__


def test_import_loads_nothing_heavy() -> None:
    heavy = [
        "sympy",
        "scipy",
        "matplotlib",
        "numba",
        "torch",
        "pandas",
        "dask",
        "distributed",
        "sqlite3",
        "flint",
        "mpmath",
        "tqdm",
        "skimage",
    ]
    code = f"import sys, scaledet; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_exact_floats_need_neither_sympy_nor_matplotlib() -> None:
    code = (
        "import sys, scaledet as sd; sd.predict(sd.Network.uniform(2, 2, 3), size=16);"
        "print([m for m in ('sympy', 'matplotlib', 'numba', 'pandas') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_exponents_are_exact_without_numpy() -> None:
    code = (
        "import sys, scaledet as sd; sd.predict_exponents(kernel=3, stride=2);"
        "print([m for m in ('numpy', 'matplotlib', 'pandas') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_plots_take_results_only() -> None:
    assert not {"predict", "simulate", "compare", "predict_exponents"} & set(vars(sd.plots))


@pytest.mark.parametrize("name", [n for n in PUBLIC if not inspect.ismodule(getattr(sd, n))])
def test_every_public_name_is_documented(name: str) -> None:
    documentation = inspect.getdoc(getattr(sd, name)) or ""
    assert len(documentation) > 40
    if callable(getattr(sd, name)) and "Error" not in name:
        assert ">>>" in documentation


@pytest.mark.parametrize(
    "call",
    [
        lambda: sd.box(3, strides=2),
        lambda: sd.binomial(3, strides=2),
        lambda: sd.gaussian(3, 1, strides=2),
        lambda: sd.lanczos(2, strides=2),
        lambda: sd.Kernel([1], strides=2),
        lambda: sd.Layer(3, strides=2),
        lambda: sd.Network([sd.Layer(3)], strides=2),
        lambda: sd.Network.uniform(2, strides=2),
        lambda: sd.predict(NET, strides=2),
        lambda: sd.predict_exponents(kernel=2, strides=2),
        lambda: sd.predict_shift(NET, 1, strides=2),
        lambda: sd.stability_limit(2, strides=2),
        lambda: sd.derive(kernel=2, strides=2),
        lambda: sd.evolve(NET, strides=2),
        lambda: sd.bias_phases(depth=2, strides=2),
        lambda: sd.ScaleDetection(strides=2),
        lambda: sd.simulate(NET, size=8, strides=2),
        lambda: sd.simulate_change(NET, [[0] * 8], [[0] * 8], strides=2),
        lambda: sd.sweep([NET], [8], strides=2),
        lambda: sd.compare(None, None, strides=2),
        lambda: sd.compare_filters(strides=2),
        lambda: sd.design_filter(3, 2, strides=2),
        lambda: sd.fit_exponent(None, None, strides=2),
        lambda: sd.local_exponents(None, None, strides=2),
        lambda: sd.load("x", strides=2),
        lambda: sd.Diffeomorphism(2, 1, strides=2),
        lambda: sd.photographs(strides=2),
        lambda: sd.power_spectrum(None, strides=2),
        lambda: sd.predict_images(NET, None, None, size=8, strides=2),
        lambda: sd.simulate_images(NET, None, None, strides=2),
        lambda: sd.from_torch(None, (3, 8), strides=2),
        lambda: sd.presets.vgg16(strides=2),
        lambda: sd.measure.sensitivities(None, None, strides=2),
        lambda: sd.measure.filter_spectrum(None, strides=2),
        lambda: sd.measure.load_model("x", strides=2),
        lambda: sd.train.ring_net(strides=2),
        lambda: sd.train.task_data(None, strides=2),
        lambda: sd.train.image_data(None, strides=2),
        lambda: sd.train.Recipe(strides=2),
        lambda: sd.train.train(None, None, None, strides=2),
        lambda: sd.predict_wide(NET, strides=2),
        lambda: sd.predict_linear_exponents([[1]], strides=2),
        lambda: sd.simulate_wide(NET, strides=2),
        lambda: sd.predict_trained(None, None, strides=2),
        lambda: sd.verdicts("x", strides=2),
    ],
)
def test_unknown_keywords_are_errors(call) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'strides'"):
        call()


def test_modules_stay_small() -> None:
    lengths = {str(path): len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert max(lengths.values()) <= 400, lengths


def test_the_ground_floor_is_small() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= 14
