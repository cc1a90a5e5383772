"""Networks as plain data that JSON can hold, and back."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from scaledet import rationals, validate
from scaledet.network.graph import DEEPEST, Graph, checked_inputs, checked_names
from scaledet.network.grid_kernel import Filter, GridKernel
from scaledet.network.kernel import Kernel
from scaledet.network.layer import Layer

__all__ = ["network_arguments", "network_data", "restored_graph"]


def network_data(net: Graph) -> dict[str, Any]:
    """Return a plain description of a network, equal consecutive layers once."""
    runs = [{"count": count, **_layer_data(layer)} for count, layer in net.runs()]
    data: dict[str, Any] = {"dim": net.dim, "layers": runs}
    if net.branches is not None:
        data["inputs"] = [list(row) for row in net.branches]
    if net.names is not None:
        data["names"] = list(net.names)
    return data


def network_arguments(data: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of the network that `network_data` describes."""

    def layers(runs: Any) -> Iterator[Layer]:
        for run in runs:
            described = dict(run)
            count = validate.integer("count", described.pop("count"), 1, DEEPEST)
            yield from itertools.repeat(_layer(described), count)

    arguments = {"layers": layers(data["layers"]), "dim": data["dim"]}
    return arguments | {name: data[name] for name in ("inputs", "names") if name in data}


def restored_graph(data: dict[str, Any]) -> Graph:
    """Return the graph of a network that `network_data` describes."""
    given = network_arguments(data)
    layers = tuple(given["layers"])
    inputs = checked_inputs(given.get("inputs"), len(layers))
    return Graph(layers, given["dim"], inputs, checked_names(given.get("names"), len(layers)))


def _layer_data(layer: Layer) -> dict[str, Any]:
    """Return a plain description of a layer, options at their defaults left out."""
    arguments = layer.arguments()
    taps: Filter = arguments.pop("kernel")
    bias = rationals.full_text(layer.bias)
    if isinstance(taps, tuple):
        kernel: Any = [[rationals.full_text(w) for w in kernel] for kernel in taps]
        signed: Any = [kernel.signed for kernel in taps]
    elif isinstance(taps, GridKernel):
        kernel, signed = taps.nested(rationals.full_text), taps.signed
    else:
        kernel, signed = [rationals.full_text(w) for w in taps], taps.signed
    return {"kernel": kernel, "signed": signed, **arguments, "bias": bias}


def _layer(data: dict[str, Any]) -> Layer:
    """Restore a layer from `_layer_data`."""
    arguments = dict(data)
    weights, signed = _parsed(arguments.pop("kernel")), arguments.pop("signed")
    kernel: Any
    if isinstance(signed, list):
        kernel = tuple(Kernel(w, signed=s) for w, s in zip(weights, signed, strict=True))
    elif weights and isinstance(weights[0], list):
        kernel = GridKernel(weights, signed=signed)
    else:
        kernel = Kernel(weights, signed=signed)
    return Layer(kernel, **{**arguments, "bias": rationals.parsed(arguments["bias"])})


def _parsed(written: Any) -> Any:
    return [_parsed(w) for w in written] if isinstance(written, list) else rationals.parsed(written)
