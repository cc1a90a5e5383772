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
    from scaledet.comparison import compare
    from scaledet.deriving import derive
    from scaledet.errors import ExhaustionError, FitError
    from scaledet.evolution import evolve
    from scaledet.exponents import predict_exponents
    from scaledet.fitting import fit_exponent, local_exponents
    from scaledet.kernel import Kernel, binomial, box
    from scaledet.network import Layer, Network
    from scaledet.prediction import predict
    from scaledet.saved import load
    from scaledet.scale_detection import ScaleDetection
    from scaledet.schedules import bias_phases
    from scaledet.simulation import simulate
    from scaledet.sweeping import sweep

__version__ = "0.1.0"

_HOME = {
    "ExhaustionError": "errors",
    "FitError": "errors",
    "Kernel": "kernel",
    "Layer": "network",
    "Network": "network",
    "ScaleDetection": "scale_detection",
    "bias_phases": "schedules",
    "binomial": "kernel",
    "box": "kernel",
    "compare": "comparison",
    "derive": "deriving",
    "evolve": "evolution",
    "fit_exponent": "fitting",
    "load": "saved",
    "local_exponents": "fitting",
    "plots": "plots",
    "predict": "prediction",
    "predict_exponents": "exponents",
    "simulate": "simulation",
    "sweep": "sweeping",
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
