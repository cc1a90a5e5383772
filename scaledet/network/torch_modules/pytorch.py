"""PyTorch, imported when first used, and its modules, run and left as they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

__all__ = ["require_torch", "undisturbed"]


def require_torch(user: str) -> Any:
    """Import PyTorch, or say who needs it and how to install it."""
    try:
        import torch
    except ImportError as error:
        raise ImportError(f"{user} needs PyTorch: pip install scaledet[torch]") from error
    return torch


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Run a model for evaluation, without gradients; restore mode, buffers and generators.

    The mode is set part by part, for the ``eval`` of an exported module raises. Lazy buffers hold
    nothing yet that could be restored.
    """
    import torch
    from torch.nn.parameter import is_lazy

    training = [(module, module.training) for module in model.modules()]
    buffers = [
        (buffer, buffer.detach().clone()) for buffer in model.buffers() if not is_lazy(buffer)
    ]
    cuda = {tensor.get_device() for tensor in model.parameters() if tensor.is_cuda}
    with torch.random.fork_rng(devices=sorted(cuda)), torch.no_grad():
        try:
            for module, _ in training:
                module.training = False
            yield
        finally:
            for module, mode in training:
                module.training = mode
            for buffer, before in buffers:
                buffer.copy_(before)
