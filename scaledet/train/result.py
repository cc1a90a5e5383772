"""What became of a training, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from scaledet.errors import ArgumentError
from scaledet.results.contents import Values, count, optional, real
from scaledet.results.result import Result
from scaledet.train.recipe import Recipe

if TYPE_CHECKING:
    from typing import Self

    from torch import nn

__all__ = ["HISTORY", "Training"]

Floats = NDArray[np.float64]

HISTORY = ("loss", "train_error", "validation_error", "learning_rate")
"""What is noted of every epoch."""


@dataclass(frozen=True, eq=False, repr=False)
class Training(Result):
    """What became of a network that `train` has trained.

    Arrays have shape [epochs]; errors are parts of all images, between 0 and 1.

    Attributes
    ----------
    loss, train_error : ndarray
        Mean loss and error over the batches of every epoch, as they were met, noise included.
    validation_error : ndarray, shape [epochs] or [0]
        Error on the validation images after every epoch, without noise; nothing if there are none.
    learning_rate : ndarray
        Learning rate of the last step of every epoch.
    epochs : int
        Number of epochs.
    epoch_of_zero_loss : int or None
        The first epoch, from 1, in which no batch had any loss.
    test_error : float or None
        Error on the test images in the end; None if there are none.
    noisy_test_error : float or None
        The same with the noise of the recipe on the images; None without.
    recipe : Recipe
        How the network was trained.
    parameters, images : int
        Number of parameters; of images to train on.
    seconds : float
        CPU time of the process.
    model : torch.nn.Module or None
        The network, which was trained in place. It is not saved: a loaded result has None.

    Examples
    --------
    >>> import scaledet as sd
    >>> task = sd.ScaleDetection(size=32, xi=8, variant="T2")
    >>> data = sd.train.task_data(task, train=64, validation=16, test=16, rng=0)
    >>> model = sd.train.ring_net(layers=4, channels=8, rng=0)
    >>> recipe = sd.train.Recipe(learning_rate=0.24, batch_size=8, epochs=3)
    >>> training = sd.train.train(model, data, recipe, rng=0)
    >>> training.loss.shape, training.epoch_of_zero_loss, training.model is model
    ((3,), None, True)
    """

    loss: Floats
    train_error: Floats
    validation_error: Floats
    learning_rate: Floats
    epochs: int
    epoch_of_zero_loss: int | None
    test_error: float | None
    noisy_test_error: float | None
    recipe: Recipe
    parameters: int
    images: int
    seconds: float
    model: nn.Module | None = field(default=None)

    _kind = "training"
    _arrays: ClassVar = {
        "loss": Values(("epochs",), minimum=0),
        "train_error": Values(("epochs",), minimum=0, maximum=1),
        "validation_error": Values(("epochs", "0"), minimum=0, maximum=1),
        "learning_rate": Values(("epochs",), positive=True),
    }
    _facts: ClassVar = {
        "epochs": count(1),
        "epoch_of_zero_loss": optional(count(1)),
        "test_error": optional(real(minimum=0)),
        "noisy_test_error": optional(real(minimum=0)),
        "parameters": count(1),
        "images": count(1),
        "seconds": real(minimum=0),
    }

    def columns(self) -> dict[str, Any]:
        """Columns of the table, by name: one row per epoch."""
        columns = {name: getattr(self, name) for name in HISTORY}
        kept = {name: values for name, values in columns.items() if len(values)}
        return {"epoch": np.arange(1, self.epochs + 1), **kept}

    def _shown(self) -> dict[str, Any]:
        return self.columns()

    def _title(self) -> str:
        zero = self.epoch_of_zero_loss
        ended = f"zero loss in epoch {zero}" if zero else "some loss is left"
        return (
            f"Training of {self.parameters} parameters on {self.images} images: "
            f"{self.epochs} epochs, {ended}"
        )

    def remarks(self) -> list[str]:
        """Return the errors on the test images, and the recipe."""
        errors = {"test error": self.test_error, "with noise": self.noisy_test_error}
        shown = [f"{name} {100 * e:.3g} %" for name, e in errors.items() if e is not None]
        return [*([", ".join(shown)] if shown else []), repr(self.recipe)]

    def _lengths(self) -> dict[str, int]:
        return {"epochs": self.epochs}

    def to_stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return plain facts and arrays, which `from_stored` reads."""
        facts, arrays = super().to_stored()
        return {**facts, "recipe": self.recipe.to_dict()}, arrays

    @classmethod
    def from_stored(cls, facts: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """Rebuild from `to_stored`; called by ``load``."""
        result = super().from_stored({**facts, "recipe": Recipe(**facts["recipe"])}, arrays)
        if (result.epoch_of_zero_loss or 0) > result.epochs:
            raise ArgumentError(
                f"epoch_of_zero_loss must be at most {result.epochs}; got "
                f"{result.epoch_of_zero_loss}"
            )
        return result
