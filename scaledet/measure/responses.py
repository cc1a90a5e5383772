"""Squared distances between representations, added up in the hooks: no activation is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scaledet.errors import ArgumentError
from scaledet.measure.probe import Probe
from scaledet.measure.stimuli import Stimuli

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Responses", "Run"]

Floats = NDArray[np.float64]

_NEGLIGIBLE = 2.0
"""Representations that differ by fewer units of rounding than this do not differ."""


@dataclass(frozen=True)
class Responses:
    """What every image contributes to every layer.

    Attributes
    ----------
    moved, noisy : array [layers, images]
        Squared distance to the displaced and to the noisy image, averaged over the repeats.
    spread : array [layers, images]
        Squared distance to the mean over all images.
    rounding : array [layers]
        Squared distance of representations that rounding may cause.
    """

    moved: Floats
    noisy: Floats
    spread: Floats
    rounding: Floats


@dataclass(frozen=True)
class Run:
    """A model, its layers and what enters it."""

    probe: Probe
    stimuli: Stimuli
    layers: Sequence[str]
    average_channels: bool
    batch_size: int
    like: Tensor

    def rows(self, images: Sequence[Floats]) -> Tensor:
        """Return images as the model takes them: number type, device and memory format."""
        import torch

        rows = torch.from_numpy(np.stack(images)).to(self.like.device, self.like.dtype)
        if rows.ndim == 4 and not self.like.is_contiguous():
            rows = rows.contiguous(memory_format=torch.channels_last)
        return rows

    def _batches(self, count: int, parts: int | None = None) -> Iterator[range]:
        """Yield the numbers of the images of every batch; the `parts` are as equal as can be."""
        parts = parts or -(-count // self.batch_size)
        for part in range(parts):
            yield range(part * count // parts, (part + 1) * count // parts)

    def clean_rows(self, count: int, parts: int | None = None) -> Iterator[Tensor]:
        """Yield the clean images in batches."""
        for batch in self._batches(count, parts):
            yield self.rows([self.stimuli.clean(i) for i in batch])

    def responses(self, count: int) -> Responses:
        """Send the first `count` images through: once for their mean, once for the distances."""
        means = self._means(count)
        shape = (len(self.layers), count)
        moved, noisy, spread, square = np.zeros((4, *shape))
        epsilon = np.zeros(len(self.layers))
        place = {label: k for k, label in enumerate(self.layers)}
        for batch, turn in product(self._batches(count), range(self.stimuli.repeats)):
            where = slice(batch.start, batch.stop)

            def compare(label: str, output: Tensor, where: slice = where, turn: int = turn) -> None:
                k = place[label]
                clean, displaced, shaken = self._features(output).chunk(3)
                moved[k, where] += _squares(displaced - clean)
                noisy[k, where] += _squares(shaken - clean)
                if turn == 0:
                    spread[k, where] = _squares(clean - means[label])
                    square[k, where] = _squares(clean)
                    epsilon[k] = max(_epsilon(output), _epsilon(self.like))

            self.probe.run(self._triples(batch, turn), compare, place)
        repeats = self.stimuli.repeats
        rounding = (_NEGLIGIBLE * epsilon) ** 2 * square.mean(axis=1)
        self._require_finite(square + moved + noisy)
        return Responses(moved / repeats, noisy / repeats, spread, rounding)

    def _triples(self, batch: range, turn: int) -> Tensor:
        """Return clean, displaced and noisy images of a batch, one after the other."""
        clean = [self.stimuli.clean(i) for i in batch]
        moved = [self.stimuli.displaced(i, turn) for i in batch]
        noisy = [self.stimuli.noisy(i, turn, moved[place]) for place, i in enumerate(batch)]
        return self.rows([*clean, *moved, *noisy])

    def _means(self, count: int) -> dict[str, Any]:
        """Return the mean representation of the clean images."""
        sums: dict[str, Any] = {}

        def add(label: str, output: Tensor) -> None:
            sums[label] = sums.get(label, 0.0) + self._features(output).sum(dim=0)

        for rows in self.clean_rows(count):
            self.probe.run(rows, add, self.layers)
        return {label: total / count for label, total in sums.items()}

    def _features(self, output: Tensor) -> Tensor:
        """Return an output as doubles [rows, numbers], averaged over channels if that is asked."""
        import torch

        values = output.detach()
        if values.device.type == "mps":  # which has no doubles
            values = values.cpu()
        values = values.to(torch.complex128 if values.is_complex() else torch.float64)
        if self.average_channels and values.ndim > 2:
            values = values.mean(dim=1)
        values = values.reshape(len(values), -1)
        return torch.view_as_real(values).flatten(1) if values.is_complex() else values

    def _require_finite(self, sums: Floats) -> None:
        finite = np.isfinite(sums).all(axis=1)
        if not finite.all():
            raise ArgumentError(
                "model must return finite numbers; those of layer "
                f"{self.layers[int(finite.argmin())]!r} are not"
            )


def _squares(values: Tensor) -> Floats:
    return np.asarray(values.square().sum(dim=1).cpu().numpy())


def _epsilon(output: Tensor) -> float:
    """Return the relative rounding of the numbers of an output; integers have none."""
    import torch

    inexact = output.is_floating_point() or output.is_complex()
    return float(torch.finfo(output.dtype).eps) if inexact else 0.0
