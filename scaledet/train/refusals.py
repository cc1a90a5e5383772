"""What cannot be trained is refused before the first step, with the reason."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.network.torch_modules.pytorch import undisturbed
from scaledet.rationals import shown
from scaledet.train.data import PARTS
from scaledet.train.loss import as_rows

if TYPE_CHECKING:
    from scaledet.train.data import Data
    from scaledet.train.recipe import Recipe

__all__ = ["outputs_of", "require_trainable"]

_PROBES = 8
_EQUAL = 1e-8
"""Outputs in double precision that differ by less than this part of their spread are equal."""


def require_trainable(model: Any, data: Data, recipe: Recipe) -> None:
    """Refuse a model that does not take the images, labels that do not fit, and a lost cause."""
    import torch

    if not isinstance(model, torch.nn.Module):
        raise ArgumentTypeError(f"model must be a torch.nn.Module; got {shown(model)}")
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ArgumentError("model must have parameters that require gradients; it has none")
    if recipe.augment and (len(data.shape) != 3 or data.task is not None):
        given = "those of a task" if data.task else f"shape {list(data.shape)}"
        raise ArgumentError(
            "augment must be False but for images with two sides that are none of a task, whose "
            f"active pixels may be cut off; got {given}"
        )
    _require_labels(data, recipe)
    _require_outputs(model, data, recipe)
    if data.task is not None and data.task.variant == "T2":
        _require_places(model, data, data.task.rule.side)


def _require_labels(data: Data, recipe: Recipe) -> None:
    for part in PARTS:
        labels = np.unique(getattr(data, f"{part}_labels")).tolist()
        hinge = recipe.loss == "hinge"
        if (hinge and not {-1, 1} >= set(labels)) or (not hinge and min(labels, default=0) < 0):
            accepted = "-1 and 1" if hinge else "0, 1, 2, ..."
            raise ArgumentError(
                f"{part}_labels must be {accepted} for the loss {recipe.loss!r}; got {labels[:10]}"
            )


def _require_outputs(model: Any, data: Data, recipe: Recipe) -> None:
    rows = as_rows(next(model.parameters()), data.train_images[:2])
    outputs = outputs_of(model, rows)
    shape, count = list(getattr(outputs, "shape", ())), len(rows)
    if recipe.loss == "hinge":
        fits, accepted = shape in ([count], [count, 1]), f"[{count}, 1]"
    else:
        classes = 1 + max(int(getattr(data, f"{p}_labels").max(initial=0)) for p in PARTS)
        fits = len(shape) == 2 and shape[0] == count and shape[1] >= classes
        accepted = f"[{count}, classes >= {classes}]"
    if not fits:
        raise ArgumentError(
            f"model must return shape {accepted} for {count} images and the loss {recipe.loss!r}; "
            f"got {shape or shown(outputs)}"
        )


def outputs_of(model: Any, rows: Any) -> Any:
    """Return what a model makes of images, in evaluation; refuse images that it does not take."""
    try:
        with undisturbed(model):
            return model(rows)
    except Exception as error:  # A model that is not ours raises errors of any type.
        raise ArgumentError(
            f"model must take images of shape {list(rows.shape)}; it raised "
            f"{type(error).__name__}: {str(error).strip()[:500]}"
        ) from error


def _require_places(model: Any, data: Data, block: int) -> None:
    """Refuse a model that is blind to where blocks begin.

    The label of T2 is not invariant to shifts by less than a block. If outputs are, every set of
    weights gets some pairs wrong.
    """
    import torch

    double = copy.deepcopy(model).double()
    images = torch.tensor(data.train_images[:_PROBES]).to(next(double.parameters()))
    with undisturbed(double):
        outputs = double(images)
        spread = (outputs - outputs.mean(dim=0)).abs().max()
        if not spread > 0:
            return
        for pixels in range(1, block):
            shifted = double(images.roll(pixels, dims=-1))
            if (shifted - outputs).abs().max() <= _EQUAL * spread:
                break
        else:
            return
    raise ArgumentError(
        f"model must see where the blocks of T2 begin; its output stays the same when images are "
        f"shifted by {pixels} pixel{'s' if pixels > 1 else ''} around the torus, while labels "
        f"change unless shifts are multiples of xi = {block}. A circular network with "
        "global pooling cannot learn this task unless the product of its strides is a multiple "
        "of xi: use strides, or T1"
    )
