"""scaledet: exact sensitivities, exponents and simulations of pooled ReLU networks.

Describe a network
    `Kernel`, `box`, `binomial`, `gaussian`, `lanczos` (signed), `Layer`, `Network`; `presets`
    (published architectures), `from_torch` (the `Skeleton` of a PyTorch module)
Describe the images
    `ScaleDetection` (default: one active pixel)
Deformations of images
    `Diffeomorphism`, `photographs`, `power_spectrum`; `predict_images`, `simulate_images`
Theory, exact
    `predict`, `predict_shift`, `predict_exponents`, `stability_limit`; `evolve`, `bias_phases` (any
    bias in every layer); `predict_wide`, `predict_linear_exponents` (random filters, from before
    training on); `derive` (step by step, in `symbols`)
Simulation, independent of the theory
    `simulate`, `sweep`, `simulate_change`; `simulate_wide` (networks of random filters)
Choose a filter
    `compare_filters`, `design_filter`
Measure any PyTorch module (extra ``torch``)
    `measure`: ``measure.sensitivities``, ``measure.filter_spectrum``; `predict_trained` (by theory,
    from its filters)
Train small networks (extra ``torch``)
    `train`: ``train.ring_net``, ``train.task_data``, ``train.Recipe``, ``train.train``
Confront both
    `compare`, `fit_exponent`, `local_exponents`; `verdicts` (of experiments with trained networks)
Results
    `Prediction`, `Exponents`, `ShiftPrediction`, `Evolution`, `BiasPhases`, `Derivation`,
    `Simulation`, `Sweep`, `SimulatedChange`, `Comparison`, `ExponentFit`, `FilterComparison`,
    `FilterDesign`, `ImagePrediction`, `ImageSimulation`, `WidePrediction`,
    `WideSimulation`, `LinearExponents`, `TrainedPrediction`, `Verdicts`; `load`, `plots`
Exceptions
    `errors`, of which `ExhaustionError` and `FitError` stand here too

Everything is imported when first used, so ``import scaledet`` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scaledet import errors, measure, plots, symbols, train
    from scaledet.analysis.comparison import Comparison, compare
    from scaledet.analysis.filter_comparison import FilterComparison, compare_filters
    from scaledet.analysis.filter_design import FilterDesign, design_filter
    from scaledet.analysis.fitting import ExponentFit, fit_exponent, local_exponents
    from scaledet.analysis.trained import predict_trained
    from scaledet.analysis.trained_prediction import TrainedPrediction
    from scaledet.analysis.verdicts import Verdicts, verdicts
    from scaledet.errors import ExhaustionError, FitError
    from scaledet.evolution.evolve import Evolution, evolve
    from scaledet.evolution.schedules import BiasPhases, bias_phases
    from scaledet.network import presets
    from scaledet.network.filters import gaussian, lanczos
    from scaledet.network.from_torch import Skeleton, from_torch
    from scaledet.network.kernel import Kernel, binomial, box
    from scaledet.network.layer import Layer
    from scaledet.network.network import Network
    from scaledet.saved import load
    from scaledet.simulation.change import SimulatedChange, simulate_change
    from scaledet.simulation.images import ImageSimulation, simulate_images
    from scaledet.simulation.random_networks import WideSimulation, simulate_wide
    from scaledet.simulation.result import Simulation
    from scaledet.simulation.simulate import simulate
    from scaledet.simulation.sweep import Sweep, sweep
    from scaledet.symbolic.derivation import Derivation
    from scaledet.symbolic.derive import derive
    from scaledet.tasks.deformation import Diffeomorphism
    from scaledet.tasks.image_spectrum import power_spectrum
    from scaledet.tasks.photographs import photographs
    from scaledet.tasks.scale_detection import ScaleDetection
    from scaledet.theory.growth.exponents import Exponents, predict_exponents
    from scaledet.theory.growth.linear_exponents import LinearExponents, predict_linear_exponents
    from scaledet.theory.image_prediction import ImagePrediction, predict_images
    from scaledet.theory.limits import stability_limit
    from scaledet.theory.prediction import Prediction, predict
    from scaledet.theory.shift import ShiftPrediction, predict_shift
    from scaledet.theory.wide.prediction import WidePrediction, predict_wide

__version__ = "0.1.0"

__all__ = [
    "BiasPhases",
    "Comparison",
    "Derivation",
    "Diffeomorphism",
    "Evolution",
    "ExhaustionError",
    "ExponentFit",
    "Exponents",
    "FilterComparison",
    "FilterDesign",
    "FitError",
    "ImagePrediction",
    "ImageSimulation",
    "Kernel",
    "Layer",
    "LinearExponents",
    "Network",
    "Prediction",
    "ScaleDetection",
    "ShiftPrediction",
    "SimulatedChange",
    "Simulation",
    "Skeleton",
    "Sweep",
    "TrainedPrediction",
    "Verdicts",
    "WidePrediction",
    "WideSimulation",
    "bias_phases",
    "binomial",
    "box",
    "compare",
    "compare_filters",
    "derive",
    "design_filter",
    "errors",
    "evolve",
    "fit_exponent",
    "from_torch",
    "gaussian",
    "lanczos",
    "load",
    "local_exponents",
    "measure",
    "photographs",
    "plots",
    "power_spectrum",
    "predict",
    "predict_exponents",
    "predict_images",
    "predict_linear_exponents",
    "predict_shift",
    "predict_trained",
    "predict_wide",
    "presets",
    "simulate",
    "simulate_change",
    "simulate_images",
    "simulate_wide",
    "stability_limit",
    "sweep",
    "symbols",
    "train",
    "verdicts",
]

_NAMES = {
    "analysis.comparison": ("Comparison", "compare"),
    "analysis.filter_comparison": ("FilterComparison", "compare_filters"),
    "analysis.filter_design": ("FilterDesign", "design_filter"),
    "analysis.fitting": ("ExponentFit", "fit_exponent", "local_exponents"),
    "analysis.trained": ("predict_trained",),
    "analysis.trained_prediction": ("TrainedPrediction",),
    "analysis.verdicts": ("Verdicts", "verdicts"),
    "errors": ("ExhaustionError", "FitError"),
    "evolution.evolve": ("Evolution", "evolve"),
    "evolution.schedules": ("BiasPhases", "bias_phases"),
    "network.filters": ("gaussian", "lanczos"),
    "network.from_torch": ("Skeleton", "from_torch"),
    "network.kernel": ("Kernel", "binomial", "box"),
    "network.layer": ("Layer",),
    "network.network": ("Network",),
    "saved": ("load",),
    "simulation.change": ("SimulatedChange", "simulate_change"),
    "simulation.images": ("ImageSimulation", "simulate_images"),
    "simulation.random_networks": ("WideSimulation", "simulate_wide"),
    "simulation.result": ("Simulation",),
    "simulation.simulate": ("simulate",),
    "simulation.sweep": ("Sweep", "sweep"),
    "symbolic.derivation": ("Derivation",),
    "symbolic.derive": ("derive",),
    "tasks.scale_detection": ("ScaleDetection",),
    "tasks.deformation": ("Diffeomorphism",),
    "tasks.image_spectrum": ("power_spectrum",),
    "tasks.photographs": ("photographs",),
    "theory.growth.exponents": ("Exponents", "predict_exponents"),
    "theory.growth.linear_exponents": ("LinearExponents", "predict_linear_exponents"),
    "theory.image_prediction": ("ImagePrediction", "predict_images"),
    "theory.limits": ("stability_limit",),
    "theory.prediction": ("Prediction", "predict"),
    "theory.shift": ("ShiftPrediction", "predict_shift"),
    "theory.wide.prediction": ("WidePrediction", "predict_wide"),
}
"""The public names by the module that holds them; all other public names are modules."""

_HOME = {name: module for module, names in _NAMES.items() for name in names}
_PLACES = {"presets": "network.presets"}
"""The public modules that stand in a folder."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_HOME.get(name) or _PLACES.get(name, name)}")
    value = getattr(module, name) if name in _HOME else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
