"""The file from which the same call goes on where a training was cut short."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaledet.errors import ArgumentError
from scaledet.results import files
from scaledet.train.data import PARTS, Data
from scaledet.train.ring import weight_unit

if TYPE_CHECKING:
    from torch import nn

    from scaledet.train.recipe import Recipe

__all__ = ["KIND", "Checkpoint", "described"]

KIND = "training checkpoint"
_FORMAT = 1
_SHARE = 20
"""So many times as long as it takes to write the file passes before it is written again."""


def described(model: nn.Module, data: Data, recipe: Recipe, threads: int) -> dict[str, Any]:
    """Return, as plain JSON, what decides the result but for the random numbers.

    The weights of the model do not belong to it: those of the file take their place.
    """
    import torch

    description = {
        "model": {name: list(value.shape) for name, value in model.state_dict().items()},
        "units": {name: weight_unit(module) for name, module in model.named_modules()},
        "data": {part: _digest(data, part) for part in PARTS},
        "recipe": recipe.to_dict(),
        "threads": threads,
        "number type": str(next(model.parameters()).dtype),
        "PyTorch": torch.__version__,
    }
    return dict(json.loads(json.dumps(description)))


def _digest(data: Data, part: str) -> str:
    digest = hashlib.sha256(str(data.shape).encode())
    for name in ("images", "labels"):
        digest.update(getattr(data, f"{part}_{name}").tobytes())
    return digest.hexdigest()


@dataclass
class Checkpoint:
    """The file of a `call`, written anew, complete or not at all, after some of the epochs."""

    path: Path
    call: dict[str, Any]
    _written: float = field(default=-float("inf"), init=False)
    _pause: float = field(default=0.0, init=False)

    def stored(self, *, adopt: bool) -> dict[str, Any] | None:
        """Return what the file holds, None if there is none yet; refuse that of another call.

        With `adopt` the random numbers of the file take the place of those of the call.
        """
        import torch

        if not self.path.exists() or not self.path.stat().st_size:
            return None
        try:
            stored = torch.load(self.path, map_location="cpu", weights_only=True)
            call, marker = stored["call"], stored["scaledet training"]
        except Exception as error:  # PyTorch raises errors of any type on damaged files.
            raise ArgumentError(
                "checkpoint must be a new file or one that scaledet has made and nothing has "
                f"damaged; got {str(self.path)!r} ({str(error).strip()[:200]})"
            ) from error
        if adopt:
            self.call["rng"] = call.get("rng")
        files.require_same_call(
            self.path, {"format": marker, **call}, {"format": _FORMAT, **self.call}
        )
        return dict(stored)

    def keep(self, state: dict[str, Any], *, now: bool = False) -> None:
        """Write the file if it is time, or at once: no more than a twentieth of all time goes."""
        import torch

        begin = time.monotonic()
        if now or begin - self._written >= self._pause:
            content = {"scaledet training": _FORMAT, "call": self.call, **state}
            files.replace(self.path, KIND, lambda part: torch.save(content, part))
            self._written = time.monotonic()
            self._pause = _SHARE * (self._written - begin)
