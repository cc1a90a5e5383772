"""scaledet: exact sensitivities, exponents and simulations of pooled ReLU networks.

Describe a network
    `Kernel`, `box`, `binomial`, `Layer`, `Network`; `presets` (published architectures),
    `from_torch` (the `Skeleton` of a PyTorch module)
Describe the images
    `ScaleDetection` (default: one active pixel)
Theory, exact
    `predict`, `predict_exponents`, `stability_limit`; `evolve`, `bias_phases` (any bias in every
    layer); `derive` (step by step, in `symbols`)
Simulation, independent of the theory
    `simulate`, `sweep`
Confront both
    `compare`, `fit_exponent`, `local_exponents`
Results
    `Prediction`, `Exponents`, `Evolution`, `BiasPhases`, `Derivation`, `Simulation`, `Sweep`,
    `Comparison`, `ExponentFit`; `load`, `plots`
Exceptions
    `errors`, of which `ExhaustionError` and `FitError` stand here too

Everything is imported when first used, so ``import scaledet`` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scaledet import errors, plots, symbols
    from scaledet.analysis.comparison import Comparison, compare
    from scaledet.analysis.fitting import ExponentFit, fit_exponent, local_exponents
    from scaledet.errors import ExhaustionError, FitError
    from scaledet.evolution.evolve import Evolution, evolve
    from scaledet.evolution.schedules import BiasPhases, bias_phases
    from scaledet.network import presets
    from scaledet.network.from_torch import Skeleton, from_torch
    from scaledet.network.kernel import Kernel, binomial, box
    from scaledet.network.layer import Layer
    from scaledet.network.network import Network
    from scaledet.saved import load
    from scaledet.simulation.result import Simulation
    from scaledet.simulation.simulate import simulate
    from scaledet.simulation.sweep import Sweep, sweep
    from scaledet.symbolic.derivation import Derivation
    from scaledet.symbolic.derive import derive
    from scaledet.tasks.scale_detection import ScaleDetection
    from scaledet.theory.growth.exponents import Exponents, predict_exponents
    from scaledet.theory.limits import stability_limit
    from scaledet.theory.prediction import Prediction, predict

__version__ = "0.1.0"

__all__ = [
    "BiasPhases",
    "Comparison",
    "Derivation",
    "Evolution",
    "ExhaustionError",
    "ExponentFit",
    "Exponents",
    "FitError",
    "Kernel",
    "Layer",
    "Network",
    "Prediction",
    "ScaleDetection",
    "Simulation",
    "Skeleton",
    "Sweep",
    "bias_phases",
    "binomial",
    "box",
    "compare",
    "derive",
    "errors",
    "evolve",
    "fit_exponent",
    "from_torch",
    "load",
    "local_exponents",
    "plots",
    "predict",
    "predict_exponents",
    "presets",
    "simulate",
    "stability_limit",
    "sweep",
    "symbols",
]

_NAMES = {
    "analysis.comparison": ("Comparison", "compare"),
    "analysis.fitting": ("ExponentFit", "fit_exponent", "local_exponents"),
    "errors": ("ExhaustionError", "FitError"),
    "evolution.evolve": ("Evolution", "evolve"),
    "evolution.schedules": ("BiasPhases", "bias_phases"),
    "network.from_torch": ("Skeleton", "from_torch"),
    "network.kernel": ("Kernel", "binomial", "box"),
    "network.layer": ("Layer",),
    "network.network": ("Network",),
    "saved": ("load",),
    "simulation.result": ("Simulation",),
    "simulation.simulate": ("simulate",),
    "simulation.sweep": ("Sweep", "sweep"),
    "symbolic.derivation": ("Derivation",),
    "symbolic.derive": ("derive",),
    "tasks.scale_detection": ("ScaleDetection",),
    "theory.growth.exponents": ("Exponents", "predict_exponents"),
    "theory.limits": ("stability_limit",),
    "theory.prediction": ("Prediction", "predict"),
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
