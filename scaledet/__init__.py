"""scaledet: exact sensitivities, exponents and simulations of pooled ReLU networks.

Describe a network
    `Kernel`, `box`, `binomial`, `Layer`, `Network`
Describe the images
    `ScaleDetection` (default: one active pixel)
Theory, exact
    `predict`, `predict_exponents`; `evolve`, `bias_phases` (any bias in every layer);
    `derive` (step by step, in `symbols`)
Simulation, independent of the theory
    `simulate`, `sweep`
Confront both
    `compare`, `fit_exponent`, `local_exponents`
Results
    `load`, `plots`; errors `ExhaustionError`, `FitError`

Everything is imported when first used, so ``import scaledet`` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scaledet import plots, symbols
    from scaledet.analysis.comparison import compare
    from scaledet.analysis.fitting import fit_exponent, local_exponents
    from scaledet.errors import ExhaustionError, FitError
    from scaledet.evolution.evolve import evolve
    from scaledet.evolution.schedules import bias_phases
    from scaledet.network.kernel import Kernel, binomial, box
    from scaledet.network.layer import Layer
    from scaledet.network.network import Network
    from scaledet.saved import load
    from scaledet.simulation.simulate import simulate
    from scaledet.simulation.sweep import sweep
    from scaledet.symbolic.derive import derive
    from scaledet.tasks.scale_detection import ScaleDetection
    from scaledet.theory.growth.exponents import predict_exponents
    from scaledet.theory.prediction import predict

__version__ = "0.1.0"

_HOME = {
    "ExhaustionError": "errors",
    "FitError": "errors",
    "Kernel": "network.kernel",
    "Layer": "network.layer",
    "Network": "network.network",
    "ScaleDetection": "tasks.scale_detection",
    "bias_phases": "evolution.schedules",
    "binomial": "network.kernel",
    "box": "network.kernel",
    "compare": "analysis.comparison",
    "derive": "symbolic.derive",
    "evolve": "evolution.evolve",
    "fit_exponent": "analysis.fitting",
    "load": "saved",
    "local_exponents": "analysis.fitting",
    "plots": "plots",
    "predict": "theory.prediction",
    "predict_exponents": "theory.growth.exponents",
    "simulate": "simulation.simulate",
    "sweep": "simulation.sweep",
    "symbols": "symbols",
}

_MODULES = ("plots", "symbols")

__all__ = [
    "ExhaustionError",
    "FitError",
    "Kernel",
    "Layer",
    "Network",
    "ScaleDetection",
    "bias_phases",
    "binomial",
    "box",
    "compare",
    "derive",
    "evolve",
    "fit_exponent",
    "load",
    "local_exponents",
    "plots",
    "predict",
    "predict_exponents",
    "simulate",
    "sweep",
    "symbols",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_HOME[name]}")
    value = module if name in _MODULES else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
