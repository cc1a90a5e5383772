"""Check `derive` at every kind of arguments, in every dimension and with every noise.

`calls` lists them; `rotation` is the fixed part that covers all pairs of a kind with a dimension
and with a noise. Run as a script, all are checked.
"""

from __future__ import annotations

import time
from typing import Any

from scaledet import Layer, Network, binomial, derive
from scaledet import symbols as y

ANYWHERE = (1, 2, 3, y.d)
ENTERING = ("input", "noise", None)
"""How noise enters that no layer behind rectifies."""
NOISES = (*ENTERING, "layers")

KINDS: tuple[tuple[dict[str, Any], tuple[str | None, ...]], ...] = (
    ({"kernel": 2}, NOISES),
    ({"kernel": [1, 2, 4]}, NOISES),
    ({"kernel": [1, 0, 1]}, NOISES),
    ({"kernel": [1, 0, 0, 2]}, NOISES),
    ({"kernel": "box"}, NOISES),
    ({"kernel": "any"}, NOISES),
    ({"kernel": 2, "stride": True}, NOISES),
    ({"kernel": 3, "stride": 2}, NOISES),
    ({"kernel": 2, "stride": 3}, NOISES),
    ({"kernel": binomial(5), "stride": 2}, NOISES),
    ({"kernel": [2, 1, 1, 3], "stride": 3}, NOISES),
    ({"kernel": [1, 2, 0, 1, 2], "stride": 2}, NOISES),
    ({"kernel": [1, 2, 0, 0, 0, 0, 0, 1, 2], "stride": 2}, NOISES),
    ({"kernel": [5, 6, 9, 12, 15, 8, 9, 6, 3, 0, 2], "stride": 5}, NOISES),
    ({"kernel": "box", "stride": y.s}, NOISES),
    ({"kernel": "box", "stride": "kernel"}, NOISES),
    ({"kernel": "box", "stride": 2}, ENTERING),
    ({"kernel": "box", "stride": 3}, ENTERING),
    ({"kernel": "box", "stride": 4}, ENTERING),
    ({"kernel": "box", "stride": 5}, ENTERING),
    ({"kernel": 3, "order": 1}, ENTERING),
    ({"kernel": [3, 1], "order": 8}, ENTERING),
    ({"kernel": "box", "order": 1}, ENTERING),
    ({"kernel": "box", "order": 3}, ENTERING),
    ({"kernel": "any", "order": 1}, ENTERING),
    ({"kernel": "any", "order": 6}, ENTERING),
)
"""Kernels with strides and orders, and how noise may enter."""

NETWORKS: tuple[list[Layer], ...] = (
    [Layer([1, 2])],
    [Layer(3), Layer([1, 2, 1], 2)],
    [Layer([2, 1], 2), Layer(3), Layer([1, 0, 3], 3)],
    [Layer(1), Layer(2, 2), Layer(2)],
    [Layer([1, 2, 1])] * 3,
    [Layer(3, 2)] * 3,
    [Layer([1, 0, 1])] * 2,
    [Layer(2), Layer([2, 1])] * 2,
    [Layer([1, 2, 1]), Layer(3, 2)] * 3,
    [Layer(2, 2), Layer([1, 3], 1), Layer([1, 1, 2], 3)] * 2,
)
"""Layers that are equal, differ, or repeat a block."""


def calls() -> list[tuple[dict[str, Any], bool]]:
    """Arguments of every call, and whether it belongs to the rotation."""
    kinds: list[tuple[dict[str, Any], tuple[Any, ...], tuple[str | None, ...]]]
    kinds = [(kind, ANYWHERE, noises) for kind, noises in KINDS]
    kinds += [({"net": layers}, (1, 2, 3), NOISES) for layers in NETWORKS]
    return [
        (_arguments(kind, dim, noise), (shift + row + column) % min(len(dims), len(noises)) == 0)
        for shift, (kind, dims, noises) in enumerate(kinds)
        for row, dim in enumerate(dims)
        for column, noise in enumerate(noises)
    ]


def _arguments(kind: dict[str, Any], dim: Any, noise: str | None) -> dict[str, Any]:
    if "net" in kind:
        return {"net": Network(kind["net"], dim), "rectify": noise}
    return {**kind, "dim": dim, "rectify": noise}


def rotation() -> list[dict[str, Any]]:
    """Arguments of the calls that pair every kind with every dimension and every noise."""
    return [arguments for arguments, chosen in calls() if chosen]


def main() -> None:
    """Check them all; the first that is contradicted ends the run with its error."""
    for arguments, _ in calls():
        start = time.perf_counter()
        print(", ".join(f"{name} = {value}" for name, value in arguments.items()), end=": ")
        report = derive(**arguments).check()
        print(f"{len(report)} steps confirmed in {time.perf_counter() - start:.1f} s", flush=True)


if __name__ == "__main__":
    main()
