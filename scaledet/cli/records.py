"""Save a result, and print it as its table or as one JSON object."""

from __future__ import annotations

import json
import math
from argparse import Namespace
from collections.abc import Iterable, Mapping
from fractions import Fraction
from operator import attrgetter
from typing import Any

from scaledet import __version__
from scaledet.cli import options
from scaledet.network.graph import Graph
from scaledet.network.kernel import Kernel
from scaledet.network.plain_data import network_data
from scaledet.rationals import full_text

_SAMPLING = (
    *("scenario", "engine", "samples", "blocks", "entropy", "partial", "target_error"),
    *("target_reached", "relative_error", "control_variates", "gain"),
)
_FACTS = {
    "Exponents": (
        *("kernel", "stride", "dim", "rectify", "alpha", "beta", "plateau", "log_correction"),
        *("log_power", "sum_rule", "span", "peak_growth", "drop_growth"),
    ),
    "Prediction": ("scenario", "method", "columns"),
    "Evolution": ("scenario", "noise", "points", "dead_at", "columns"),
    "BiasPhases": ("kind", "network", "rectify", "signal", "noise"),
    "ShiftPrediction": (
        *("network", "shift", "phase", "position", "size", "task", "balanced", "given", "columns"),
    ),
    "ImagePrediction": ("scenario", "interpolation", "method", "approximate", "columns"),
    "LinearExponents": ("stride", "autocorrelation", "alpha", "plateau"),
    "WidePrediction": (
        *("scenario", "images", "weight_variance", "bias_variance", "shares", "mean_power"),
        "columns",
    ),
    "Summary": ("network", "size", "columns"),
    "Skeleton": ("module", "input_size", "route", "network", "columns"),
    "Simulation": (*_SAMPLING, "columns", "covariance"),
    "SimulatedChange": ("network", "phase", "aligned", "whole", "given", "columns"),
    "ImageSimulation": ("scenario", "interpolation", "samples", "repeats", "columns"),
    "WideSimulation": (
        *("scenario", "width", "networks", "samples", "weight_variance", "bias_variance"),
        *("mean_power", "columns"),
    ),
    "ExponentFit": (
        *("slope", "error", "amplitude", "chi2", "dof", "p_value", "window", "corrected"),
    ),
    "FilterComparison": ("stride", "depth", "dim", "ranking", "columns"),
    "FilterDesign": (
        *("length", "stride", "depth", "dim", "objective", "max_G", "kernel", "D", "G", "optimum"),
        *("bound", "gap", "reached", "columns"),
    ),
    "Training": (
        *("recipe", "parameters", "images", "epochs", "epoch_of_zero_loss", "test_error"),
        *("noisy_test_error", "seconds", "columns"),
    ),
    "Measurement": (
        *("layers", "left_out", "samples", "repeats", "displacement", "deformation", "noise"),
        *("sigma", "rectify", "average_channels", "permutations", "recalibrate"),
        *("normalisations", "target_error", "target_reached", "relative_error", "columns"),
        *("D_shuffled", "G_shuffled"),
    ),
    "FilterSpectrum": ("layers", "kernels", "columns", "shares", "tap_covariances"),
    "TrainedPrediction": (
        *("convolutions", "network", "places", "theories", "images", "pairs", "notes", "columns"),
        "log_ratios",
    ),
    "Verdicts": ("rule", "claims", "table", "columns"),
    "Sweep": ("partial", "columns", "runs"),
    "Comparison": (
        *(
            "agree",
            "p_value",
            "chi2",
            "dof",
            *(f"simulation.{name}" for name in _SAMPLING),
            "columns",
        ),
    ),
}
"""Attributes of every kind of result that its JSON object holds; of dotted ones, the last part."""


def report(arguments: Namespace, result: Any, *, exact: bool = False) -> str:
    """Return the `text` of a result, and save it if ``--save`` is given."""
    printed = text(arguments, result, exact=exact)
    if arguments.save is not None:
        options.write(arguments, "save", result.save)
    return printed


def text(arguments: Namespace, result: Any, *, exact: bool = False) -> str:
    """Return the table of a result or, with ``--json``, an object of its attributes.

    A scenario is given fact by fact; with `exact` there are D_k as fractions, too. Nan and infinity
    become null.
    """
    fractions = [full_text(value) for value in result.exact_D] if exact else []
    if not arguments.json:
        lines = [f"  D_{k} = {value}" for k, value in enumerate(fractions)]
        return "\n".join([repr(result), *lines])
    record = facts(result)
    if arguments.command == "show":
        record = {"result": type(result).__name__, **record}
    if exact:
        record["columns"] = {**record["columns"], "exact_D": fractions}
    return json_object(arguments, record)


def json_object(arguments: Namespace, record: Mapping[str, Any]) -> str:
    """Return a JSON object of the command, the version and `record`."""
    whole = {"command": arguments.command, "version": __version__, **record}
    return json.dumps(_plain(whole), allow_nan=False)


def facts(result: Any, leave_out: str = "") -> dict[str, Any]:
    """Return the attributes of a result that its JSON object holds."""
    record: dict[str, Any] = {}
    for name in _FACTS[type(result).__name__]:
        key = name.rpartition(".")[2]
        value: Any = agrees(result) if key == "agree" else attrgetter(name)(result)
        if key == "scenario":
            record |= value.to_dict()
            record.pop("noise", None)  # The noise that is predicted or simulated is Gaussian.
        elif key == "runs":
            record[key] = [facts(run, leave_out="columns") for run in value]
        elif key != leave_out:
            record[key] = value() if key == "columns" else value
    return record


def agrees(comparison: Any) -> bool:
    """Whether theory and simulation agree."""
    from scaledet.analysis.comparison import DISAGREEMENT

    return bool(comparison.p_value > DISAGREEMENT)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Kernel):
        return [full_text(weight) for weight in value]
    if isinstance(value, Graph):
        return network_data(value)
    if hasattr(value, "to_dict"):  # a deformation
        return value.to_dict()
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(item) for item in value]
    if isinstance(value, Fraction):
        return {"exact": full_text(value), "value": float(value)}
    if hasattr(value, "evalf"):  # a number of SymPy
        return {"exact": str(value), "value": float(value)}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
