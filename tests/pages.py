"""All pages: those of derivations/, and those of `derive` in every regime."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import scaledet as sd
from scaledet import symbols as y
from scaledet.symbolic.derivation import Derivation
from scaledet.symbols import d

FOLDER = Path(__file__).parents[1] / "derivations"
NAMES = sorted(path.stem for path in FOLDER.glob("d[0-9]*.py"))

REGIMES: dict[str, dict[str, Any]] = {
    "box of symbolic length": {"kernel": "box", "stride": 1, "order": 3},
    "any filter, d symbolic": {"kernel": "any", "order": 2, "dim": d},
    "box 3": {"kernel": 3, "order": 2, "dim": 2},
    "skew filter": {"kernel": [1, 2, 4], "order": 1, "rectify": "noise"},
    "span 2": {"kernel": [1, 0, 1]},
    "box 3 at stride 2": {"kernel": 3, "stride": 2},
    "binomial, d symbolic": {"kernel": sd.binomial(5), "stride": 2, "dim": d},
    "skew at stride 3": {"kernel": [2, 1, 1, 3], "stride": 3},
    "linear noise": {"kernel": 2, "stride": True, "rectify": None},
    "unstable shifts": {"kernel": [1, 2, 0, 1, 2], "stride": 2},
    "a logarithm": {"kernel": [5, 6, 9, 12, 15, 8, 9, 6, 3, 0, 2], "stride": 5},
    "an oscillation": {"kernel": [1, 2, 0, 0, 0, 0, 0, 1, 2], "stride": 2},
    "boxes of length s": {"kernel": "box", "stride": y.s},
    "boxes of length = stride": {"kernel": "box", "stride": True, "dim": 2},
    "boxes at stride 3": {"kernel": "box", "stride": 3},
    "unequal layers": {"net": sd.Network([sd.Layer(3), sd.Layer([1, 2, 1], 2)])},
    "repeating block": {"net": sd.Network([sd.Layer([1, 2, 1]), sd.Layer(3, 2)] * 3)},
    "every layer rectifies, any filter": {"kernel": "any", "rectify": "layers", "dim": d},
    "every layer rectifies, box 3 at stride 2": {"kernel": 3, "stride": 2, "rectify": "layers"},
    "every layer rectifies, span 2": {"kernel": [1, 0, 1], "dim": 2, "rectify": "layers"},
    "every layer rectifies, boxes": {"kernel": "box", "stride": True, "rectify": "layers"},
    "every layer rectifies, a network": {
        "net": sd.Network([sd.Layer([1, 2, 1]), sd.Layer(2, 2)] * 2, dim=2),
        "rectify": "layers",
    },
}


@cache
def derivation(name: str) -> Derivation:
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    built: Derivation = importlib.import_module(name).derivation()
    return built


@cache
def derived(name: str) -> Derivation:
    return sd.derive(**REGIMES[name])


PAGES: dict[str, Callable[[], Derivation]] = {
    **{name: partial(derivation, name) for name in NAMES},
    **{f"derive: {name}": partial(derived, name) for name in REGIMES},
}
