"""Losses, and which outputs are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scaledet.train.batches import batch_bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor, nn

__all__ = ["LOSSES", "as_rows", "error_rate", "mistakes"]

_EVALUATED = 500
"""Images in a batch where nothing is learnt."""


def _hinge(outputs: Tensor, labels: Tensor) -> Tensor:
    return (1 - labels * outputs.reshape(len(labels))).relu().mean()


def _cross_entropy(outputs: Tensor, labels: Tensor) -> Tensor:
    import torch

    return torch.nn.functional.cross_entropy(outputs, labels)


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "hinge": _hinge,
    "cross_entropy": _cross_entropy,
}


def mistakes(loss: str, outputs: Tensor, labels: Tensor) -> Tensor:
    """Return the number of outputs whose sign or largest entry is not the label's."""
    if loss == "hinge":
        return (labels * outputs.reshape(len(labels)) <= 0).sum()
    return (outputs.argmax(dim=1) != labels).sum()


def as_rows(like: Tensor, images: NDArray[np.float32]) -> Tensor:
    """Return images as a tensor of the number type and on the device of `like`."""
    import torch

    return torch.tensor(images).to(like)


def error_rate(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    loss: str,
    change: Callable[[Tensor], Tensor],
) -> float | None:
    """Return the part of images that a model in evaluation gets wrong; None if there are none."""
    import torch

    wrong: Any = 0
    with torch.no_grad():
        for rows, answers in _in_turn(images, labels):
            wrong += mistakes(loss, model(change(rows)), answers)
    return int(wrong) / len(labels) if len(labels) else None


def _in_turn(images: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    import torch

    for start, stop in batch_bounds(len(labels), _EVALUATED):
        rows = images[start:stop]
        if rows.ndim == 4:
            rows = rows.contiguous(memory_format=torch.channels_last)
        yield rows, labels[start:stop]
