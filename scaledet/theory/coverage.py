"""Which networks and scenarios the theory covers, and the alternatives for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaledet.errors import ArgumentError
from scaledet.network.network import Network

if TYPE_CHECKING:
    from scaledet.scenario import Scenario

__all__ = ["require_covered", "require_kernels", "require_no_bias", "require_theory"]

_ALTERNATIVES = (
    "exact: biases >= 0 (with rectify='layers', one pixel and a finite size: after layer 1), or "
    "evolve for pooling that does not overlap; approximate: predict with method='closure'; "
    "simulate takes any bias"
)
"""Routes that remain where a bias rules out the exact theory; part of the messages."""


def require_kernels(net: Network, caller: str) -> None:
    """Raise if a kernel is signed; `caller` names the public function."""
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
                f"{caller} needs bias >= 0 (units then stay active once noise is rectified); "
                f"layer {k} has bias {float(layer.bias):g} ({_ALTERNATIVES})"
            )


def require_no_bias(net: Network, caller: str) -> None:
    """Raise unless every bias is 0: a bias decides how much noise passes every ReLU."""
    for k, layer in enumerate(net, start=1):
        if layer.bias:
            raise ArgumentError(
                f"{caller} with rectify='layers' needs bias 0, for a bias decides how much of "
                f"the noise passes; layer {k} has bias {float(layer.bias):g} ({_ALTERNATIVES})"
            )


def require_covered(scenario: Scenario, method: str) -> None:
    """Raise unless ``predict`` with this method covers the scenario."""
    net, layered = scenario.network, scenario.rectify == "layers"
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
