"""The command line: ``scaledet exponents``, ``predict``, ``derive``, ``simulate``, ``compare``."""

from __future__ import annotations

import json
import math
import os
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from scaledet import __version__
from scaledet.cli.arguments import UsageError, build_network, build_task, rectify_of, step_of
from scaledet.cli.parser import build_parser
from scaledet.cli.simulate import run_simulation, sampling_record
from scaledet.errors import CheckpointError

if TYPE_CHECKING:
    from scaledet.analysis.comparison import Comparison
    from scaledet.simulation.result import Simulation
    from scaledet.theory.growth.exponents import Exponents
    from scaledet.theory.prediction import Prediction

__all__ = ["main"]

# Theory and simulation disagree at or below this p-value.
_DISAGREEMENT = 1e-3
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; default: those of the process.

    Returns
    -------
    int
        0; 1 if ``compare`` or ``derive --check`` finds a disagreement; 2 after an error, told in
        one line on stderr; 130 if interrupted (``simulate``, ``compare``: after what is finished).

    Examples
    --------
    >>> main(["exponents", "--kernel", "2", "--stride", "2"])
    Exponents of Kernel(1/2, 1/2), stride 2, d = 1, rectify = 'input'
      D_k ~ A_k^-alpha   alpha = 1
      G_k ~ A_k^beta     beta  = 1
    0
    """
    code = 0
    try:
        # argparse ends --help and --version with SystemExit, and nothing else.
        with suppress(SystemExit):
            text, code = _run(build_parser().parse_args(argv))
            print(text)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader of stdout has seen enough; the verdict stands.
        _discard_stdout()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (ValueError, TypeError, OverflowError, CheckpointError) as error:
        return _fail(str(error))
    except MemoryError as error:
        return _fail(f"not enough memory. {error}")
    except OSError as error:
        _discard_stdout()
        return _fail(f"cannot write to stdout: {error.strerror}")
    return code


def _run(arguments: Namespace) -> tuple[str, int]:
    """Run a command; tell the warnings of one that succeeds, each in one line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = _COMMANDS[arguments.command](arguments)
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        print("scaledet: warning:", " ".join(message.split()), file=sys.stderr)
    return result


def _fail(message: str) -> int:
    print("scaledet: error:", " ".join(message.split()), file=sys.stderr)
    return 2


def _discard_stdout() -> None:
    """Send what stdout still buffers nowhere, lest the interpreter fail on it when it exits."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def _exponents(arguments: Namespace) -> tuple[str, int]:
    from scaledet.theory.growth.exponents import predict_exponents

    result = predict_exponents(
        kernel=arguments.kernel,
        stride=step_of(arguments.kernel, arguments.stride),
        dim=arguments.dim,
        rectify=rectify_of(arguments),
    )
    return (_as_json("exponents", _exponents_record(result)) if arguments.json else repr(result)), 0


def _derive(arguments: Namespace) -> tuple[str, int]:
    from scaledet.cli.derive import run_derive

    return run_derive(arguments)


def _predict(arguments: Namespace) -> tuple[str, int]:
    result = _prediction(arguments, build_task(arguments))
    _save(result, arguments)
    exact = list(map(_digits, result.exact_D)) if arguments.exact else None
    if arguments.json:
        columns = result.columns()
        if exact is not None:
            columns["exact_D"] = exact
        record = {**result.scenario.to_dict(), "method": result.method, "columns": columns}
        del record["noise"]  # Gaussian
        return _as_json("predict", record), 0
    lines = [repr(result)]
    if exact is not None:
        lines += [f"  D_{k} = {value}" for k, value in enumerate(exact)]
    return "\n".join(lines), 0


def _simulate(arguments: Namespace) -> tuple[str, int]:
    result = run_simulation(arguments, build_task(arguments))
    _save(result, arguments)
    return _simulated(result, arguments)


def _simulated(result: Simulation, arguments: Namespace) -> tuple[str, int]:
    code = _INTERRUPTED if result.partial else 0
    if arguments.json:
        record = {
            **result.scenario.to_dict(),
            **sampling_record(result),
            "columns": result.columns(),
            "covariance": result.covariance,
        }
        return _as_json(arguments.command, record), code
    return repr(result), code


def _compare(arguments: Namespace) -> tuple[str, int]:
    from scaledet.analysis.comparison import compare

    task = build_task(arguments)
    prediction = _prediction(arguments, task)
    simulation = run_simulation(arguments, task)
    _save(simulation, arguments)
    if simulation.partial:
        # No verdict before the number of samples that was asked for.
        return _simulated(simulation, arguments)
    result = compare(prediction, simulation)
    agree = result.p_value > _DISAGREEMENT
    if arguments.json:
        return _as_json("compare", _comparison_record(result, agree)), 0 if agree else 1
    return repr(result), 0 if agree else 1


_COMMANDS: Mapping[str, Callable[[Namespace], tuple[str, int]]] = {
    "exponents": _exponents,
    "predict": _predict,
    "derive": _derive,
    "simulate": _simulate,
    "compare": _compare,
}


def _prediction(arguments: Namespace, task: Any) -> Prediction:
    from scaledet.theory.prediction import predict

    return predict(
        build_network(arguments),
        size=arguments.size,
        sigma=arguments.sigma,
        rectify=rectify_of(arguments),
        task=task,
        balanced=arguments.balanced,
        background=arguments.background,
        method=getattr(arguments, "method", "exact"),
    )


def _save(result: Prediction | Simulation, arguments: Namespace) -> None:
    if arguments.save is None:
        return
    try:
        result.save(arguments.save)
    except OSError as error:
        raise UsageError(
            f"argument --save: cannot write {str(arguments.save)!r}: {error.strerror}"
        ) from error


def _as_json(command: str, record: Mapping[str, Any]) -> str:
    """One JSON object; what no JSON number can be (nan, infinity) is null."""
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


def _exact(expression: Any) -> dict[str, Any] | None:
    """Return a SymPy number as its expression and as a float."""
    if expression is None:
        return None
    return {"exact": str(expression), "value": float(expression)}


def _digits(value: Fraction) -> str:
    """Text of a rational of any length: Python's own ``str`` stops at 4300 digits."""
    from flint import fmpq

    return str(fmpq(value.numerator, value.denominator))


def _exponents_record(result: Exponents) -> dict[str, Any]:
    return {
        "kernel": [str(weight) for weight in result.kernel.weights],
        "stride": result.stride,
        "dim": result.dim,
        "rectify": result.rectify,
        "alpha": _exact(result.alpha),
        "beta": _exact(result.beta),
        "plateau": _exact(result.plateau),
        "log_correction": result.log_correction,
        "log_power": result.log_power,
        "sum_rule": result.sum_rule,
        "span": result.span,
        "peak_growth": _exact(result.peak_growth),
        "drop_growth": _exact(result.drop_growth),
    }


def _comparison_record(result: Comparison, agree: bool) -> dict[str, Any]:
    return {
        "agree": agree,
        "p_value": result.p_value,
        "chi2": result.chi2,
        "dof": result.dof,
        **result.simulation.scenario.to_dict(),
        **sampling_record(result.simulation),
        "columns": result.columns(),
    }
