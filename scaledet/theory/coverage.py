"""Which networks and scenarios the theory covers, and the alternatives for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaledet.errors import ArgumentError
from scaledet.network.geometry import is_alike, is_torus
from scaledet.network.network import Network

if TYPE_CHECKING:
    from scaledet.scenario import Scenario

__all__ = [
    "require_covered",
    "require_kernels",
    "require_lattice",
    "require_linear",
    "require_no_bias",
    "require_theory",
    "require_torus",
]

_ACTIVE = "bias >= 0 (units then stay active once noise is rectified)"

_ALTERNATIVES = (
    "exact: biases >= 0 (with rectify='layers', one pixel and a finite size: after layer 1), or "
    "evolve for pooling that does not overlap; approximate: predict with method='closure'; "
    "simulate takes any bias"
)
"""Routes that remain where a bias rules out the exact theory; part of the messages."""


def require_lattice(net: Network, caller: str) -> None:
    """Raise unless the layers are a chain of averages, alike along all axes.

    Padding does not matter: it is that of finite images. `caller` names the public function.
    """
    needed = f"{caller} needs a chain of layers that average with one kernel and one stride"
    if not net.is_chain:
        k = next(k for k, row in enumerate(net.inputs, start=1) if row != (k - 1,))
        sources = " and ".join(net.label(value) for value in net.inputs[k - 1])
        raise ArgumentError(
            f"{needed}; {net.label(k)} receives {sources} (predict at finite size, and simulate, "
            "take graphs)"
        )
    for k, layer in enumerate(net, start=1):
        if layer.is_max:
            raise ArgumentError(
                f"{needed}; {net.label(k)} is {layer!r} (simulate runs max pooling)"
            )
    if not net.alike:
        k = next(k for k, layer in enumerate(net, start=1) if not is_alike(layer, net.dim))
        raise ArgumentError(
            f"{needed} along all axes; {net.label(k)} is {net[k - 1]!r} (predict at finite "
            "size, and simulate, take it; for one axis alone, give net.along(axis))"
        )


def require_torus(net: Network, caller: str) -> None:
    """Raise unless the layers are, or act as, a chain of averages on the torus."""
    require_lattice(net, caller)
    if not net.is_torus():
        k = next(k for k, layer in enumerate(net, start=1) if not is_torus(layer, net.dim))
        raise ArgumentError(
            f"{caller} needs layers on the torus; {net.label(k)} is {net[k - 1]!r} (it is the "
            "torus with padding=None, or with padding_mode='circular' of kernel length minus 1)"
        )


def require_kernels(net: Network, caller: str) -> None:
    """Raise if a kernel is signed, or `require_lattice` does."""
    require_lattice(net, caller)
    for k, layer in enumerate(net, start=1):
        if layer.kernel.signed:
            raise ArgumentError(
                f"{caller} needs non-negative kernels of sum 1; layer {k} has {layer.kernel!r} "
                "(signed kernels can only be simulated)"
            )


def require_theory(net: Network, caller: str, *, first_bias: bool = False) -> None:
    """Raise unless the theory covers every layer: non-negative kernels, no negative bias.

    With `first_bias` the bias of layer 1 may be negative.
    """
    require_kernels(net, caller)
    for k, layer in enumerate(net, start=1):
        if layer.bias < 0 and not (first_bias and k == 1):
            raise ArgumentError(
                f"{caller} needs {_ACTIVE}; layer {k} has bias {float(layer.bias):g} "
                f"({_ALTERNATIVES})"
            )


def require_no_bias(net: Network, caller: str) -> None:
    """Raise unless every bias is 0: a bias decides how much noise passes every ReLU."""
    for k, layer in enumerate(net, start=1):
        if layer.bias:
            raise ArgumentError(
                f"{caller} with rectify='layers' needs bias 0, for a bias decides how much of "
                f"the noise passes; layer {k} has bias {float(layer.bias):g} ({_ALTERNATIVES})"
            )


def require_linear(net: Network, caller: str, simulator: str) -> None:
    """Raise unless every ReLU is passive: averages, non-negative kernels, biases >= 0.

    `caller` and `simulator` name public functions, that which needs it and that which does not.
    """
    for k, layer in enumerate(net, start=1):
        if layer.is_max:
            needed, reason = "layers that average", "pools the maximum"
        elif layer.signed:
            needed, reason = "non-negative kernels", "has a signed kernel"
        elif layer.bias < 0:
            needed, reason = _ACTIVE, f"has bias {float(layer.bias):g}"
        else:
            continue
        raise ArgumentError(
            f"{caller} needs {needed}; {net.label(k)} is {layer!r}, which {reason} "
            f"({simulator} runs it)"
        )


def _require_linear_scenario(scenario: Scenario, method: str) -> None:
    """Raise unless a finite image that is no torus is pooled linearly, noise and all."""
    require_linear(scenario.network, "predict", "simulate")
    refused = {
        "rectify": (scenario.rectify, scenario.rectify == "layers", "'input', 'noise' or None"),
        "background": (scenario.background, bool(scenario.background), "0.0"),
        "method": (method, method != "exact", "'exact'"),
    }
    for name, (value, wrong, accepted) in refused.items():
        if wrong:
            raise ArgumentError(
                f"{name} must be {accepted} in predict for a finite image that is no torus; got "
                f"{value!r} (simulate takes every rectify and background)"
            )


def require_covered(scenario: Scenario, method: str) -> None:
    """Raise unless ``predict`` with this method covers the scenario."""
    net, layered = scenario.network, scenario.rectify == "layers"
    if not scenario.is_torus:
        if scenario.size is None:
            require_torus(net, "predict on the infinite lattice")
        _require_linear_scenario(scenario, method)
        return
    endless, pixel = scenario.size is None, scenario.task is None
    if method == "closure":
        if scenario.rectify is None:
            raise ArgumentError(
                "method must be 'exact' with rectify=None, linear noise; got 'closure'"
            )
        if endless or not pixel:
            given = "size=None" if endless else repr(scenario.task)
            raise ArgumentError(f"method 'closure' needs one pixel and a finite size; got {given}")
        require_kernels(net, "predict")
    else:
        if layered and endless:
            require_no_bias(net, "predict on the infinite lattice")
        require_theory(net, "predict", first_bias=layered and pixel)
    if scenario.background and (endless or not pixel or layered or method != "exact"):
        raise ArgumentError(
            "background must be 0.0 on the infinite lattice, with a task, with rectify='layers' or "
            f"with method='closure'; got {scenario.background!r}"
        )
