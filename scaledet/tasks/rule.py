"""The parameters of a scale-detection task: their exact values, and scales that are refused."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import Any

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError

__all__ = ["exact", "parsed", "require_blocks", "require_both_labels", "shown", "summary"]


def exact(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters in `given` as plain exact values, each checked on its own.

    >>> exact({"size": 32, "xi": 8.0, "gap": 0.5, "variant": "T1", "dim": 2, "periodic": True,
    ...        "norm": "L2", "background": 0})["gap"]
    Fraction(1, 2)
    """
    values = {
        "dim": validate.integer("dim", given["dim"], 1, 2),
        "variant": validate.choice("variant", given["variant"], ("T1", "T2")),
        "periodic": validate.flag("periodic", given["periodic"]),
        "norm": validate.choice("norm", given["norm"], ("L2", "Linf")),
        "background": validate.real("background", given["background"], minimum=0),
    }
    # At most 2**30 pixels: numbers of ordered pairs fit in int64.
    values["size"] = validate.integer("size", given["size"], 2, 2 ** (30 // values["dim"]))
    for name, low in (("xi", "> 0"), ("gap", ">= 0")):
        accepted = f"a finite real number {low}"
        value = validate.rational(name, given[name], accepted)
        if value < 0 or (name == "xi" and value == 0):
            raise ArgumentError(f"{name} must be {accepted}; got {given[name]!r}")
        values[name] = value.numerator if value.denominator == 1 else value
    return values


def parsed(data: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """Return the parameters in plain `data`, whose `xi` and `gap` may be strings like '29/2'.

    >>> parsed({"xi": "29/2"}, ["size", "xi", "gap"])
    {'xi': Fraction(29, 2)}
    """
    if not isinstance(data, Mapping):
        raise ArgumentTypeError(f"data must be a mapping of parameters to values; got {data!r}")
    for name in data:
        if name not in known:
            raise ArgumentError(f"data must have keys among {', '.join(known)}; got {name!r}")
    values = dict(data)
    for name in ("xi", "gap"):
        if isinstance(values.get(name), str):
            try:
                values[name] = Fraction(values[name])
            except (ValueError, ZeroDivisionError):
                raise ArgumentError(
                    f"{name} must be a number or a string like '29/2'; got {values[name]!r}"
                ) from None
    return values


def require_blocks(size: int, xi: int | float | Fraction) -> None:
    """Refuse a `xi` (T2) that is not a divisor of `size` other than 1 and `size`."""
    divisors = [n for n in range(2, math.isqrt(size) + 1) if size % n == 0]
    divisors = sorted({*divisors, *(size // n for n in divisors)})
    if xi not in divisors:
        options = ", ".join(map(str, divisors)) or "there is none, change size"
        raise ArgumentError(
            f"xi must be an integer dividing size={size} in T2, other than 1 and "
            f"{size} (which leave one label without pairs): {options}; got {shown(xi)}"
        )


def require_both_labels(
    size: int, xi: int | float | Fraction, gap: int | float | Fraction, longest: int
) -> None:
    """Refuse a `xi` and `gap` (T1) for which no pair has label +1, or none has label -1.

    `longest` is the largest squared distance on the image of side `size`.
    """
    xi, gap = Fraction(xi), Fraction(gap)
    if xi - gap > 1 and (xi + gap) ** 2 <= longest:
        return
    root = math.sqrt(longest)
    side = math.isqrt(longest)
    largest = str(side) if side * side == longest else f"sqrt({longest}) = {root:.6g}"
    if longest <= 1:
        advice = f"no xi and gap do, all pairs are at distance 1: enlarge size={size}"
    elif (1 + 2 * gap) ** 2 >= longest:
        advice = f"no xi does with this gap, which must be < {(root - 1) / 2:.6g}"
    else:
        advice = (
            f"with this gap 1 + gap = {float(1 + gap):g} < xi <= {root:.6g} - gap"
            f" = {root - float(gap):.6g} does"
        )
    label = "-1" if xi - gap > 1 else "+1"
    raise ArgumentError(
        f"xi and gap must give both labels pairs, xi - gap > 1 (the smallest distance) and "
        f"xi + gap <= {largest} (the largest); got xi={shown(xi)}, gap={shown(gap)}: "
        f"no pair has label {label} ({advice})"
    )


def shown(value: int | float | Fraction) -> str:
    """Text of an exact number, as a float where that is the same number.

    >>> shown(14), shown(Fraction(29, 2)), shown(Fraction(1, 3))
    ('14', '14.5', '1/3')
    """
    if value == int(value):
        return str(int(value))
    return repr(float(value)) if Fraction(float(value)) == value else str(value)


def summary(values: Mapping[str, Any]) -> str:
    """Text of the exact parameters in `values`, without those that do not matter.

    >>> summary({"size": 32, "xi": 8, "gap": 1, "variant": "T2", "dim": 2, "periodic": True,
    ...          "norm": "L2", "background": 0.0})
    "size=32, xi=8, variant='T2', dim=2"
    """
    t1 = values["variant"] == "T1"
    normed = values["dim"] > 1 and (t1 or values["norm"] != "L2")
    parts = {
        "size": str(values["size"]),
        "xi": shown(values["xi"]),
        "gap": shown(values["gap"]) if t1 else "",
        "variant": repr(values["variant"]),
        "dim": str(values["dim"]),
        "periodic": str(values["periodic"]) if t1 or not values["periodic"] else "",
        "norm": repr(values["norm"]) if normed else "",
        "background": f"{values['background']:g}" if values["background"] else "",
    }
    return ", ".join(f"{name}={text}" for name, text in parts.items() if text)
