"""How a network is trained: optimiser, rates, when to stop, and what is done to the images."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from scaledet import validate
from scaledet.errors import ArgumentError

__all__ = ["Recipe"]

_OPTIONS = {
    "optimizer": ("sgd", "adamw"),
    "loss": ("hinge", "cross_entropy"),
    "decay": ("always", "after_zero_loss"),
    "schedule": ("constant", "one_cycle"),
}
_WARM_UP = 0.2
_FIRST, _LAST = 1 / 25, 1e-5 / 25
"""Learning rates of one cycle in parts of the largest: at its beginning and at its end."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    r"""How to train, in epochs: never in seconds, on which results would depend.

    Parameters
    ----------
    learning_rate : float
        Of weights in units of the parametrization, see `ring_net`; 0.03 H is good for its "ntk"
        with "sgd", batches of 8 and the hinge loss.
    batch_size : int
        Images in a batch, at most: the batches of an epoch are as equal as can be.
    epochs : int
        Epochs, at most; those of `epochs_after_zero_loss` are not counted.
    optimizer : {"sgd", "adamw"}
        Gradient descent, or Adam with decoupled weight decay.
    momentum, nesterov : float in [0, 1), bool
        Of "sgd".
    loss : {"hinge", "cross_entropy"}
        Mean of max(0, 1 - y f) for labels y of -1 and 1, or cross entropy for classes 0, 1, ...
    weight_decay : float
        Of weights, not of biases nor of BatchNorm: the coefficient of :math:`|w|^2/2` in "sgd".
    decay : {"always", "after_zero_loss"}
        When weights decay. From the start decay can kill a network: all its units die.
    epochs_after_zero_loss : int
        If positive, this many epochs follow the first without any loss, and no more.
    stop_at_zero_loss : bool
        Whether the first epoch without any loss is the last.
    schedule : {"constant", "one_cycle"}
        Of the learning rate: constant, or up from a twenty-fifth to `learning_rate` in a fifth of
        the steps, then down to almost 0, both along a half wave of a cosine.
    noise : float
        Standard deviation of fresh white noise on every image of every batch, in the units of the
        images that enter.
    augment : bool
        Whether images with two sides are mirrored (half of them) and cut out of an image with a
        border of 4 zeros, afresh in every batch.

    Raises
    ------
    TypeError, ValueError
        For an argument outside its range, and arguments that exclude each other.

    Examples
    --------
    >>> Recipe(learning_rate=1.92, batch_size=8, epochs=60, stop_at_zero_loss=True)
    Recipe(learning_rate=1.92, batch_size=8, epochs=60, stop_at_zero_loss=True)
    """

    learning_rate: float
    batch_size: int
    epochs: int
    optimizer: Literal["sgd", "adamw"] = "sgd"
    momentum: float = 0.0
    nesterov: bool = False
    loss: Literal["hinge", "cross_entropy"] = "hinge"
    weight_decay: float = 0.0
    decay: Literal["always", "after_zero_loss"] = "always"
    epochs_after_zero_loss: int = 0
    stop_at_zero_loss: bool = False
    schedule: Literal["constant", "one_cycle"] = "constant"
    noise: float = 0.0
    augment: bool = False

    def __post_init__(self) -> None:
        values: dict[str, Any] = {
            name: validate.choice(name, getattr(self, name), options)
            for name, options in _OPTIONS.items()
        }
        for name in ("nesterov", "stop_at_zero_loss", "augment"):
            values[name] = validate.flag(name, getattr(self, name))
        for name, least in (("batch_size", 1), ("epochs", 1), ("epochs_after_zero_loss", 0)):
            values[name] = validate.integer(name, getattr(self, name), least)
        for name in ("momentum", "weight_decay", "noise"):
            values[name] = validate.real(name, getattr(self, name), minimum=0)
        rate = validate.real("learning_rate", self.learning_rate, positive=True)
        for name, value in {**values, "learning_rate": rate}.items():
            object.__setattr__(self, name, value)
        self._require_consistent()

    def _require_consistent(self) -> None:
        after = self.epochs_after_zero_loss
        if self.momentum >= 1:
            raise ArgumentError(f"momentum must be in [0, 1); got {self.momentum!r}")
        if self.momentum and self.optimizer != "sgd":
            raise ArgumentError(f"momentum must be 0 for 'adamw'; got {self.momentum!r}")
        if self.nesterov and not self.momentum:
            raise ArgumentError("nesterov must be False without momentum; got True")
        if after and self.stop_at_zero_loss:
            raise ArgumentError(
                f"epochs_after_zero_loss must be 0 if stop_at_zero_loss is True; got {after}"
            )
        if after and self.schedule == "one_cycle":
            raise ArgumentError(
                "epochs_after_zero_loss must be 0 for the schedule 'one_cycle', whose length is "
                f"that of all epochs; got {after}"
            )
        if self.loss == "cross_entropy" and (
            after or self.stop_at_zero_loss or self.decay == "after_zero_loss"
        ):
            raise ArgumentError(
                "loss must be 'hinge' for what happens at zero loss, which 'cross_entropy' never "
                "reaches: leave epochs_after_zero_loss, stop_at_zero_loss and decay out"
            )

    def __repr__(self) -> str:
        given = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }
        return f"Recipe({', '.join(f'{name}={value!r}' for name, value in given.items())})"

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as plain values for JSON."""
        return asdict(self)

    def last_epoch(self, zero: int | None) -> int:
        """Return the last epoch, from 1; `zero` is the first without loss, if there was one."""
        if zero is None or not (self.stop_at_zero_loss or self.epochs_after_zero_loss):
            return self.epochs
        return zero + self.epochs_after_zero_loss

    def rate(self, done: float) -> float:
        """Return the learning rate after a part `done` of all steps, from 0 to 1."""
        if self.schedule == "constant":
            return self.learning_rate
        if done < _WARM_UP:
            start, end, place = _FIRST, 1.0, done / _WARM_UP
        else:
            start, end, place = 1.0, _LAST, (done - _WARM_UP) / (1 - _WARM_UP)
        return self.learning_rate * (end + (start - end) * (1 + math.cos(math.pi * place)) / 2)
