"""Which of the three routes reads a module."""

from __future__ import annotations

import warnings
from typing import Any

from scaledet.errors import ArgumentError
from scaledet.network.torch_modules.graphs import by_export, by_fx
from scaledet.network.torch_modules.hooks import by_hooks
from scaledet.network.torch_modules.pytorch import undisturbed
from scaledet.network.torch_modules.steps import Program

__all__ = ["ROUTES", "program"]

ROUTES = {"export": by_export, "fx": by_fx, "hooks": by_hooks}
"""The routes by name, the one that sees most first."""


def program(module: Any, shape: tuple[int, ...], route: str | None) -> Program:
    """Return the steps of a module for an image of `shape`, by the first route that passes.

    The module is read as it evaluates, and left as it was.

    Raises
    ------
    ValueError
        If no route passes, with the reason of each; if one does, and what it reads is refused.
    """
    import torch

    weights = [*module.parameters(), *module.buffers(), torch.zeros(())]
    if any(weight.is_meta for weight in weights):
        raise ArgumentError("module must hold its weights; got some on the device 'meta'")
    held = weights[0]
    kind = held.dtype if held.dtype.is_floating_point else torch.float32
    source = torch.Generator().manual_seed(0)
    images = [torch.randn((1, *shape), generator=source) for _ in range(2)]
    images = [image.to(held.device, kind) for image in [*images, torch.zeros_like(images[0])]]
    reasons: list[str] = []
    with undisturbed(module), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ROUTES if route is None else (route,):
            try:
                return ROUTES[name](module, images)
            except ArgumentError as error:
                if not reasons:
                    raise
                raise ArgumentError(f"{error} ({'; '.join(reasons)})") from error
            except Exception as error:  # PyTorch refuses with errors of any type.
                lines = str(error).strip().splitlines() or [""]
                reasons.append(f"{name}: {type(error).__name__}: {lines[0][:160]}")
    raise ArgumentError(
        f"module must accept a tensor of shape {(1, *shape)}, a batch of one image of input_size; "
        f"got {type(module).__name__}, which fails by every route ({'; '.join(reasons)})"
    )
