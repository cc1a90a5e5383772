"""Print a result as its table or as one JSON object."""

from __future__ import annotations

import json
import math
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from operator import attrgetter
from typing import Any

from scaledet import __version__
from scaledet.network.kernel import Kernel


def text(
    arguments: Namespace, result: Any, *names: str, exact_D: Sequence[str] = (), **facts: Any
) -> str:
    """Return the table of a result or, with ``--json``, an object of `facts` and attributes.

    The attributes `names` may be dotted; the last part is the key. A scenario is given fact by
    fact, and `exact_D` is one more column. Nan and infinity become null.
    """
    if not arguments.json:
        return repr(result)
    record = {"command": arguments.command, "version": __version__, **facts}
    for name in names:
        key, value = name.rpartition(".")[2], attrgetter(name)(result)
        if key == "scenario":
            record |= value.to_dict()
            del record["noise"]  # The noise that is predicted or simulated is Gaussian.
        else:
            record[key] = value() if key == "columns" else value
    if exact_D:
        record["columns"] = {**record["columns"], "exact_D": exact_D}
    return json.dumps(_plain(record), allow_nan=False)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Kernel):
        return [str(weight) for weight in value]
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(item) for item in value]
    if hasattr(value, "evalf"):  # a number of SymPy
        return {"exact": str(value), "value": float(value)}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def digits(value: Fraction) -> str:
    """Text of a rational of any length: Python's own ``str`` stops at 4300 digits."""
    from flint import fmpq

    return str(fmpq(value.numerator, value.denominator))
