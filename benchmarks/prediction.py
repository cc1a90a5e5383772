"""Predictions, exponents and derivations: CPU time of single calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from effort import Effort
from machine import cpu_seconds
from record import Value

import scaledet as sd

__all__ = ["derivation_values", "prediction_values"]

# The pages that take longest to check.
_PAGES: dict[str, Callable[[], sd.Derivation]] = {
    "any filter, every layer rectifies": partial(sd.derive, kernel="any", rectify="layers"),
    "box of symbolic length, order 3": partial(sd.derive, kernel="box", stride=1, order=3),
    "any filter, order 2": partial(sd.derive, kernel="any", order=2),
    "box 3 at stride 2": partial(sd.derive, kernel=3, stride=2),
}


def prediction_values(effort: Effort) -> Iterator[Value]:
    """Predict deep networks, large tasks and exponents, each once: results are kept."""
    sd.predict_exponents(kernel=3, stride=2)  # imports SymPy
    size = effort.prediction_size
    deep = min(100_000, size // 10)
    blocks = [*[sd.Layer(2)] * (deep // 10 - 1), sd.Layer(2, stride=2)]
    task = sd.ScaleDetection(size=size, xi=size // 8, gap=size // 64)
    blockwise = sd.ScaleDetection(size=size, xi=size // 8, variant="T2")
    top = size.bit_length() - 3
    calls: dict[str, tuple[Callable[[], object], str]] = {
        "10,000 layers, box 3": (
            partial(sd.predict, sd.Network.uniform(3, depth=10_000)),
            "<= 1",
        ),
        "10,000 layers, box 3, on 256 pixels": (
            partial(sd.predict, sd.Network.uniform(3, depth=10_000), size=256),
            "<= 1",
        ),
        f"{deep // 10 * 10:,} layers of mixed strides, box 2": (
            partial(sd.predict, sd.Network(blocks * 10)),
            "",
        ),
        f"exact D_k at k = {deep:,}, box 3": (partial(_exact, deep), "about 1"),
        f"task T1, {size:,} pixels, {top} layers of box 2, stride 2": (
            partial(sd.predict, sd.Network.uniform(2, 2, top), task=task),
            "",
        ),
        f"task T2, {size:,} pixels, {top} layers of box 2, stride 2": (
            partial(sd.predict, sd.Network.uniform(2, 2, top), task=blockwise),
            "",
        ),
        "exponents of a box of 64 at stride 2": (partial(_exponents, 64), "<= 0.1"),
    }
    for name, (call, goal) in calls.items():
        yield Value("Predictions", name, cpu_seconds(call), "s", goal)
    lengths = range(2, 64 if effort.full else 8)
    seconds = {length: cpu_seconds(partial(_exponents, length)) for length in lengths}
    slowest = max(seconds, key=seconds.__getitem__)
    name = f"exponents of the slowest box up to {lengths[-1]} at stride 2, of length {slowest}"
    yield Value("Predictions", name, seconds[slowest], "s")


def _exact(depth: int) -> object:
    return sd.predict(sd.Network.uniform(3, depth=depth)).exact_D[-1]


def _exponents(length: int) -> tuple[float, float]:
    exponents = sd.predict_exponents(kernel=length, stride=2)
    return float(exponents.alpha), float(exponents.beta)


def derivation_values(effort: Effort) -> Iterator[Value]:
    """Derive and check the longest pages, and certify digits."""
    subject = "Derivations"
    pages = dict(list(_PAGES.items())[: None if effort.full else 1])
    for name, derive in pages.items():
        yield Value(subject, f"check(): {name}", cpu_seconds(derive().check), "s", "< 3")
    if effort.full:
        series = partial(sd.derive, kernel="any", order=8)
        yield Value(subject, "any filter, order 8", cpu_seconds(series), "s", "< 10")
        digits = partial(sd.derive(kernel=31, stride=2).enclosure, "beta", 50)
        name = "50 certified digits of beta, box 31 at stride 2"
        yield Value(subject, name, cpu_seconds(digits), "s", "< 1")
