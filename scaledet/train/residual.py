"""The residual block; this module imports PyTorch and is itself imported by functions only."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["Block"]


class Block(nn.Module):
    """relu(body(x) + shortcut(x)), both given as modules."""

    def __init__(self, body: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.body, self.shortcut, self.relu = body, shortcut, nn.ReLU()

    def forward(self, images: Tensor) -> Tensor:
        """Return the rectified sum."""
        output: Tensor = self.relu(self.body(images) + self.shortcut(images))
        return output
