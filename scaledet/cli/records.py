"""Results as one JSON object."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from scaledet import __version__

if TYPE_CHECKING:
    from scaledet.analysis.comparison import Comparison
    from scaledet.simulation.result import Simulation
    from scaledet.theory.growth.exponents import Exponents
    from scaledet.theory.prediction import Prediction

__all__ = [
    "as_json",
    "comparison_record",
    "digits",
    "exponents_record",
    "prediction_record",
    "simulation_record",
]

_SAMPLING = (
    "engine",
    "samples",
    "blocks",
    "entropy",
    "partial",
    "target_error",
    "target_reached",
    "relative_error",
    "control_variates",
    "gain",
)


def as_json(command: str, record: Mapping[str, Any]) -> str:
    """Return one JSON object; what no JSON number can be (nan, infinity) is null."""
    head = {"command": command, "version": __version__}
    return json.dumps(_plain({**head, **record}), allow_nan=False)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def digits(value: Fraction) -> str:
    """Text of a rational of any length: Python's own ``str`` stops at 4300 digits."""
    from flint import fmpq

    return str(fmpq(value.numerator, value.denominator))


def exponents_record(result: Exponents) -> dict[str, Any]:
    """Return the exponents, each as its expression and as a float."""

    def exact(name: str) -> dict[str, Any] | None:
        number = getattr(result, name)
        return None if number is None else {"exact": str(number), "value": float(number)}

    return {
        "kernel": [str(weight) for weight in result.kernel.weights],
        **_values(result, "stride", "dim", "rectify"),
        **{name: exact(name) for name in ("alpha", "beta", "plateau")},
        **_values(result, "log_correction", "log_power", "sum_rule", "span"),
        **{name: exact(name) for name in ("peak_growth", "drop_growth")},
    }


def prediction_record(result: Prediction, exact: Sequence[str] | None) -> dict[str, Any]:
    """Return the columns, with `exact` D_k if given, and what was predicted."""
    columns = result.columns()
    if exact is not None:
        columns["exact_D"] = exact
    return {**_scenario(result), "method": result.method, "columns": columns}


def simulation_record(result: Simulation) -> dict[str, Any]:
    """Return the columns, their covariance, and how they came about."""
    columns = {"columns": result.columns(), "covariance": result.covariance}
    return {**_scenario(result), **_values(result, *_SAMPLING), **columns}


def comparison_record(result: Comparison, agree: bool) -> dict[str, Any]:
    """Return the verdict and what it rests on."""
    return {
        "agree": agree,
        **_values(result, "p_value", "chi2", "dof"),
        **_scenario(result.simulation),
        **_values(result.simulation, *_SAMPLING),
        "columns": result.columns(),
    }


def _scenario(result: Prediction | Simulation) -> dict[str, Any]:
    described = result.scenario.to_dict()
    del described["noise"]  # The noise that is predicted or simulated is Gaussian.
    return described


def _values(result: object, *names: str) -> dict[str, Any]:
    return {name: getattr(result, name) for name in names}
