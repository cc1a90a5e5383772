"""A training under way: the network, its optimiser, and the history so far."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from scaledet.errors import ArgumentError
from scaledet.train.batches import batch_bounds, batches, with_noise
from scaledet.train.data import PARTS, Data
from scaledet.train.loss import LOSSES, as_rows, error_rate, mistakes
from scaledet.train.optimizer import optimizer_of, set_rates
from scaledet.train.result import HISTORY, Training

if TYPE_CHECKING:
    from torch import Tensor, nn

    from scaledet.train.recipe import Recipe

__all__ = ["Session"]


class Session:
    """What is needed to run the next epoch.

    The random numbers of an epoch are those of a stream of its own, below `entropy`.
    """

    def __init__(self, model: nn.Module, data: Data, recipe: Recipe, entropy: list[int]) -> None:
        import torch

        self.model, self.recipe, self.entropy = model, recipe, entropy
        if len(data.shape) == 3:
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = optimizer_of(model, recipe)
        like = next(model.parameters())
        self.parts = {
            part: (as_rows(like, getattr(data, f"{part}_images")), self._labels(like, data, part))
            for part in PARTS
        }
        self.history: dict[str, list[float]] = {name: [] for name in HISTORY}
        self.zero: int | None = None
        self.seconds = 0.0

    def _labels(self, like: Tensor, data: Data, part: str) -> Tensor:
        import torch

        labels = torch.tensor(getattr(data, f"{part}_labels"), device=like.device)
        return labels.to(like.dtype) if self.recipe.loss == "hinge" else labels

    @property
    def epochs(self) -> int:
        """Number of finished epochs."""
        return len(self.history["loss"])

    @property
    def last_epoch(self) -> int:
        """The epoch that ends the training, as far as is known."""
        return self.recipe.last_epoch(self.zero)

    def _stream(self, epoch: int) -> np.random.Generator:
        seeds = np.random.SeedSequence(self.entropy, spawn_key=(epoch,))
        return np.random.default_rng(seeds)

    def state(self) -> dict[str, Any]:
        """Return all that the next epoch depends on, and the history."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "history": self.history,
            "zero": self.zero,
            "seconds": self.seconds,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.history, self.zero = state["history"], state["zero"]
        self.seconds = state["seconds"]

    def run_epoch(self) -> None:
        """Train for one epoch, and note what came of it."""
        import torch

        begin, epoch = time.process_time(), self.epochs + 1
        rng = self._stream(epoch)
        torch.manual_seed(int(rng.integers(2**63)))  # for what the network draws, as in dropout
        self.model.train()
        images, labels = self.parts["train"]
        recipe, loss_of = self.recipe, LOSSES[self.recipe.loss]
        decays = recipe.decay == "always" or self.zero is not None
        decay = recipe.weight_decay if decays else 0.0
        steps = len(batch_bounds(len(labels), recipe.batch_size))
        loss, wrong = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.int64)
        rate = recipe.learning_rate
        for step, (rows, answers) in enumerate(batches(images, labels, recipe, rng)):
            rate = recipe.rate(((epoch - 1) * steps + step) / (recipe.epochs * steps))
            set_rates(self.optimizer, rate, decay)
            outputs = self.model(rows)
            batch_loss = loss_of(outputs, answers)
            self.optimizer.zero_grad()
            torch.autograd.backward(batch_loss)
            self.optimizer.step()
            loss += batch_loss.detach().cpu() * len(rows)
            wrong += mistakes(recipe.loss, outputs.detach(), answers).cpu()
        mean = float(loss) / len(labels)
        if not math.isfinite(mean):
            raise ArgumentError(
                f"learning_rate must be so small that the loss stays finite; with "
                f"{recipe.learning_rate!r} it did not in epoch {epoch}"
            )
        if mean == 0 and self.zero is None:
            self.zero = epoch
        noted = (mean, int(wrong) / len(labels), self._error("validation"), rate)
        for name, value in zip(HISTORY, noted, strict=True):
            if value is not None:
                self.history[name].append(value)
        self.seconds += time.process_time() - begin

    def _error(self, part: str, noise: np.random.Generator | None = None) -> float | None:
        """Return the error on a part of the data, with noise if random numbers are given."""

        def noisy(rows: Tensor) -> Tensor:
            return rows if noise is None else with_noise(rows, self.recipe.noise, noise)

        self.model.eval()
        return error_rate(self.model, *self.parts[part], self.recipe.loss, noisy)

    def training(self) -> Training:
        """Return the result, after the last epoch."""
        begin = time.process_time()
        clean = self._error("test")
        noisy = self._error("test", self._stream(0)) if self.recipe.noise else None
        history: dict[str, Any] = {name: np.array(v) for name, v in self.history.items()}
        return Training(
            **history,
            epochs=self.epochs,
            epoch_of_zero_loss=self.zero,
            test_error=clean,
            noisy_test_error=noisy,
            recipe=self.recipe,
            parameters=sum(parameter.numel() for parameter in self.model.parameters()),
            images=len(self.parts["train"][1]),
            seconds=self.seconds + time.process_time() - begin,
            model=self.model,
        )
