"""A trained network's measured sensitivity to displacements beside what theories predict of it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.measure.measurement import Measurement
from scaledet.network.network import Network
from scaledet.network.receptive_fields import receptive_fields
from scaledet.results.contents import Values, count, joined, names, parts_of
from scaledet.results.result import Result
from scaledet.results.tables import with_error

if TYPE_CHECKING:
    from typing import Self

__all__ = ["LINEAR", "WIDE", "TrainedPrediction"]

Array = NDArray[np.float64]
Numbers = tuple[float | None, ...]

WIDE = ("coherent", "independent", "before")
LINEAR = ("autocorrelation", "linear", "box")
_THEORIES = (WIDE[1:] + LINEAR, WIDE + LINEAR)


def _theories(name: str, value: Any) -> tuple[str, ...]:
    return tuple(validate.choice(name, tuple(names(name, value)), _THEORIES))


def _places(name: str, value: Any) -> tuple[int, ...]:
    if not isinstance(value, list | tuple):
        raise ArgumentTypeError(f"{name} must be a list of numbers; got {value!r}")
    return tuple(validate.integer(name, place, 1) for place in value)


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
        raise ArgumentTypeError(f"{name} must be a list of texts; got {value!r}")
    return tuple(value)


@dataclass(frozen=True, eq=False, repr=False)
class TrainedPrediction(Result):
    r"""Measured sensitivities to displacements of a chain of convolutions, and predicted ones.

    Rows are convolutions, measured after their ReLUs. Predictions are ``D_coherent`` and the like:

    =============== ================================================================================
    coherent        wide network of random filters with the means over input channels and the biases
                    of the measured filters; what deviates from the means has their tap covariance
    independent     wide network of random filters of the measured tap covariances; channels
                    independent
    before          the same with independent taps of equal variance, as before training
    autocorrelation the independent channels without ReLU and biases
    linear          all measured filters without ReLU and biases
    box             a box of the kernel's length in every channel
    =============== ================================================================================

    Attributes
    ----------
    measurement : Measurement
        Of the ReLUs; `D`, `D_err` and `D_shuffled` are attributes here, too.
    convolutions : tuple of str
        Names of the convolutions, one for every layer of the measurement.
    network : Network
        Where the convolutions look; pooling is joined to the convolution after it.
    places : tuple of int
        Number k of the layer of the network for every row, counted from 1.
    theories : tuple of str
        What was predicted.
    moved, distance : ndarray, shape [theories, layers]
        Predicted mean square change by displacements, and distance of two images; the latter is 0
        where all images look alike.
    error : ndarray, shape [theories, layers]
        Relative standard error of the quotient, from comparing some pairs of images only.
    images, pairs : int
        Number of images, and of pairs of them, in the theories of wide networks.
    notes : tuple of str
        What was taken for something else, or left out.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from scaledet import predict_trained
    >>> model = torch.nn.Sequential(torch.nn.Conv1d(1, 8, 3), torch.nn.ReLU())
    >>> images = np.random.default_rng(0).random((20, 1, 16))
    >>> p = predict_trained(model, images, displacement="shift", rng=0)
    >>> p.theories
    ('coherent', 'independent', 'before', 'autocorrelation', 'linear', 'box')
    >>> p.D.shape, p.spatial_pooling.shape, len(p.D_box)
    ((1,), (1,), 1)
    """

    measurement: Measurement
    convolutions: tuple[str, ...]
    network: Network
    places: tuple[int, ...]
    theories: tuple[str, ...]
    moved: Array
    distance: Array
    error: Array
    images: int
    pairs: int
    notes: tuple[str, ...]

    _kind = "trained_prediction"
    _arrays: ClassVar = dict.fromkeys(
        ("moved", "distance", "error"), Values(("theories, layers",), minimum=0)
    )
    _facts: ClassVar = {
        "convolutions": names,
        "places": _places,
        "theories": _theories,
        "images": count(2),
        "pairs": count(1),
        "notes": _texts,
    }

    @property
    def A(self) -> Array:
        """Effective receptive field of the boxes of all rows (pixels)."""
        return receptive_fields(self.network)[list(self.places)]

    @property
    def D(self) -> Array:
        """Measured sensitivity to displacements."""
        return self.measurement.D

    @property
    def D_err(self) -> Array:
        """Standard error of the measured one, over images."""
        return self.measurement.D_err

    @property
    def D_shuffled(self) -> Array:
        """The same with permuted channels, mean over permutations; nothing if none were."""
        shuffled = self.measurement.D_shuffled
        return np.asarray(shuffled.mean(axis=0)) if len(shuffled) else np.zeros(0)

    @property
    def D_coherent(self) -> Array:
        """Wide network with the mean filters; nothing if it was not asked for."""
        return self._wide("coherent") if "coherent" in self.theories else np.zeros(0)

    @property
    def D_independent(self) -> Array:
        """Wide network of the measured tap covariances."""
        return self._wide("independent")

    @property
    def D_before(self) -> Array:
        """Wide network of independent taps."""
        return self._wide("before")

    @property
    def D_autocorrelation(self) -> Numbers:
        """Independent channels without ReLU; None where all images look alike."""
        return self._linear("autocorrelation")

    @property
    def D_linear(self) -> Numbers:
        """All filters without ReLU; None where all images look alike."""
        return self._linear("linear")

    @property
    def D_box(self) -> Numbers:
        """Boxes; None where all images look alike."""
        return self._linear("box")

    @property
    def channel_pooling(self) -> Array:
        """D/D_coherent, or D/D_independent if that is all: what channels pool, beyond theory."""
        return self.D / self._nearest

    @property
    def channel_pooling_err(self) -> Array:
        """Standard error of `channel_pooling`."""
        relative = np.hypot(self.D_err / np.where(self.D > 0, self.D, 1.0), self.error[0])
        return np.asarray(self.channel_pooling * relative)

    @property
    def spatial_pooling(self) -> Array:
        """D_coherent/D_before, or D_independent/D_before: what the spatial filters pool."""
        return self._nearest / self.D_before

    @property
    def lambdas(self) -> Numbers:
        """ln(D_independent/D)/ln(D_independent/D_box): 0 for independent channels, 1 for boxes.

        None where one of them is 0 or not defined, or D_box is D_independent.
        """
        rows = zip(self.D_independent.tolist(), self.D.tolist(), self.D_box, strict=True)
        return tuple(
            math.log(independent / measured) / math.log(independent / box)
            if measured > 0 and independent > 0 and box and box != independent
            else None
            for independent, measured, box in rows
        )

    @property
    def log_ratios(self) -> dict[str, Numbers]:
        """ln(predicted/measured) by theory; None where one of them is 0 or not defined."""
        return {
            name: tuple(
                math.log(predicted / measured) if predicted and measured > 0 else None
                for predicted, measured in zip(self._linear(name), self.D.tolist(), strict=True)
            )
            for name in self.theories
        }

    @property
    def _nearest(self) -> Array:
        return self._wide(self.theories[0])

    def _linear(self, theory: str) -> Numbers:
        row = self.theories.index(theory)
        pairs = zip(self.moved[row].tolist(), self.distance[row].tolist(), strict=True)
        return tuple(moved / distance if distance else None for moved, distance in pairs)

    def _wide(self, theory: str) -> Array:
        row = self.theories.index(theory)
        return np.asarray(self.moved[row] / self.distance[row])

    def columns(self) -> dict[str, Any]:
        """Columns of the table, by name."""
        columns: dict[str, Any] = {
            "layer": list(self.convolutions),
            "unit": list(self.measurement.layers),
            "A": self.A,
            "D": self.D,
            "D_err": self.D_err,
        }
        if self.measurement.permutations:
            columns["D_shuffled"] = self.D_shuffled
        for name in self.theories:
            columns[f"D_{name}"] = list(self._linear(name))
        columns["channel_pooling"] = self.channel_pooling
        columns["channel_pooling_err"] = self.channel_pooling_err
        columns["spatial_pooling"] = self.spatial_pooling
        columns["lambda"] = list(self.lambdas)
        return columns

    def _shown(self) -> dict[str, Any]:
        columns = self.columns()
        errors = columns.pop("D_err"), columns.pop("channel_pooling_err")
        del columns["unit"]
        columns["D"] = list(map(with_error, self.D, errors[0]))
        columns["channel_pooling"] = list(map(with_error, self.channel_pooling, errors[1]))
        heads = {"A": "A_k", "channel_pooling": "channels", "spatial_pooling": "space"}
        return {
            heads.get(name, name.removeprefix("D_")): _dashed(column)
            for name, column in columns.items()
        }

    def _title(self) -> str:
        return f"Trained prediction of D of {len(self.convolutions)} convolutions"

    def remarks(self) -> list[str]:
        """Return what was measured and predicted, and what was left out."""
        measured = self.measurement
        lines = [f"measured: {measured.samples} images", *measured.remarks()[:1]]
        lines.append(f"wide networks: {self.images} images, {self.pairs} pairs of them")
        quotient = f"D/D_{self.theories[0]}"
        lines.append(f"channels = {quotient}, space = D_{self.theories[0]}/D_before")
        left_out = measured.left_out.items()
        return [*lines, *self.notes, *(f"left out: {name}: {why}" for name, why in left_out)]

    def _lengths(self) -> dict[str, int]:
        return {"theories": len(self.theories), "layers": len(self.measurement.layers)}

    def to_stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return plain facts and arrays, the measurement among them, for `from_stored`."""
        facts, arrays = super().to_stored()
        facts["network"] = self.network.to_dict()
        facts["measurement"], measured = self.measurement.to_stored()
        return facts, {**arrays, **joined({"measurement": measured})}

    @classmethod
    def from_stored(cls, facts: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """Rebuild from `to_stored`; called by ``load``."""
        plain = {name: arrays.pop(name) for name in cls._arrays}
        measured = parts_of(arrays, ("measurement",))["measurement"]
        facts = {
            **facts,
            "network": Network.from_dict(facts["network"]),
            "measurement": Measurement.from_stored(facts["measurement"], measured),
        }
        result = super().from_stored(facts, plain)
        depth, layers = result.network.depth, len(result.measurement.layers)
        for name in ("convolutions", "places"):
            if len(getattr(result, name)) != layers:
                raise ArgumentError(f"{name} must be {layers}; got {len(getattr(result, name))}")
        wide = [name in WIDE for name in result.theories]
        if not (result.distance[wide] > 0).all():
            raise ArgumentError("distance must be > 0 in theories of wide networks")
        if max(result.places) > depth:
            raise ArgumentError(f"places must be at most {depth}; got {max(result.places)}")
        return result


def _dashed(column: Iterable[Any]) -> list[Any]:
    return ["-" if value is None else value for value in column]
