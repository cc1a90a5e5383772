"""Small networks for images with two sides: trained by a recipe, measured before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import scaledet as sd
from experiments.common import Row, Unit
from experiments.ring import THEORIES
from scaledet.analysis import chain_theories as theory
from scaledet.analysis.chain_theories import Images, Response
from scaledet.measure.chain import Chain, chain_of
from scaledet.measure.stimuli import displaced_images

__all__ = ["CHAINS", "EPOCHS_QUICK", "NETS", "Station", "trained", "training"]

Floats = NDArray[np.float64]

NETS: Mapping[str, Mapping[str, Any]] = {
    "lenet": {"architecture": "lenet"},
    "vgg": {"architecture": "vgg"},
    "vgg_average": {"architecture": "vgg", "pooling": "average"},
    "all_conv": {"architecture": "all_conv"},
    "resnet": {"architecture": "resnet"},
}
"""Networks by the names that tables have: functions of `scaledet.train` and their options.

Layers of a table are their units from 1 on: lenet has two convolutions, each with its pooling, two
linear layers and the head; vgg ten convolutions and poolings and the head; all_conv five
convolutions and the head; resnet a convolution, three blocks and the head.
"""
CHAINS = ("lenet", "vgg", "vgg_average", "all_conv")
"""Networks of which theories speak."""
EPOCHS_QUICK = 2
_CALIBRATION = 1000
"""Images that BatchNorm sees before training."""


def training(net: str, rate: float, **options: Any) -> dict[str, Any]:
    """Return the arguments of ``sd.train.Recipe``: AdamW for LeNet, else Nesterov at `rate`."""
    adam = {"optimizer": "adamw", "learning_rate": 2e-3, "weight_decay": 0.01}
    sgd = {"learning_rate": rate, "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}
    return {**(adam if net == "lenet" else sgd), "schedule": "one_cycle", **options}


def trained(unit: Unit, data: Any, station: Station) -> Iterator[Row]:
    """Measure a network, train it, measure it again; yield the rows."""
    sd.train.calibrate(station.model, data.train_images[:_CALIBRATION])
    yield from station.boxes()
    yield from station.measured("before")
    known = {name: unit.parameters[name] for name in ("net", "training", "data")}
    outcome: Any = sd.train.train(
        station.model,
        data,
        sd.train.Recipe(**unit.parameters["training"]),
        checkpoint=unit.checkpoint({"setting": unit.setting, **known}),
        rng=[unit.seed, 2],
    )
    outcomes = {
        "epochs": outcome.epochs,
        "train_loss": outcome.loss[-1],
        "train_error": outcome.train_error[-1],
        "test_error": outcome.test_error,
    }
    for quantity, value in outcomes.items():
        yield unit.row("after", "all", quantity, float(value))
    yield from station.measured("after")


@dataclass(frozen=True)
class Station:
    """Measures the network of a unit on given images, as rows.

    Attributes
    ----------
    unit : Unit
        Its parameters have the arguments of the network, "net"; the number of permutations of
        channels after training, "shuffles"; and the number of images in theories of wide networks,
        "theory_images": 0 for theories without ReLU alone, None for none at all.
    images : array [n, channels, N, N]
        What is shown.
    displacement : str
        What is done to it, as in ``sd.measure.sensitivities``.
    classes : int
        Outputs of the network.
    """

    unit: Unit
    images: NDArray[np.float32]
    displacement: str
    classes: int

    @cached_property
    def model(self) -> Any:
        """The network, initialised by the seed of the unit."""
        return self._built()

    def _built(self, **options: Any) -> Any:
        arguments = {**self.unit.parameters["net"], **options}
        build = getattr(sd.train, arguments.pop("architecture"))
        return build(self.images.shape[1], self.classes, **arguments, rng=[self.unit.seed, 1])

    @cached_property
    def layers(self) -> list[str]:
        """Names of the layers 0, 1, ...: the input and the units."""
        return ["input", *sd.train.units(self.model)]

    @cached_property
    def widths(self) -> list[float | None]:
        """A_k of the layers with sites, boxes standing for filters and poolings."""
        skeleton = sd.from_torch(self.model, self.images.shape[1:])
        last = {row.name: row.layer for row in skeleton.readings if row.layer}
        inside = [
            [k for name, k in last.items() if f"{name}.".startswith(f"{layer}.")]
            for layer in self.layers[1:-1]
        ]
        widths = skeleton.network.box_width
        return [1.0, *(widths[max(ks)] if ks else None for ks in inside), None]

    def measured(self, stage: str) -> Iterator[Row]:
        """Yield sensitivities and shares of the constant mode; after training also permuted."""
        shuffles = self.unit.parameters["shuffles"] if stage == "after" else 0
        plain = self._sensitivities(shuffle_channels=shuffles or False)
        yield from self.rows(stage, "all", plain)
        if shuffles:
            yield from self._permuted(stage, "shuffled", plain)
        if shuffles and plain.normalisations:
            again = self._sensitivities(shuffle_channels=shuffles, recalibrate="shuffled")
            yield from self._permuted(stage, "shuffled_recalibrated", again)
        mean = self._sensitivities(layers=self._sites, average_channels=True)
        yield from self.rows(stage, "channel_mean", mean)
        yield from self._filters(stage)
        yield from self._predicted(stage)

    def boxes(self) -> Iterator[Row]:
        """Yield what the network does when all filters are boxes and maxima are averages."""
        options = (
            {} if self.unit.parameters["net"]["architecture"] == "lenet" else {"batch_norm": False}
        )
        model = self._built(width=1, **options)
        for name, module in list(model.named_modules()):
            if isinstance(module, torch.nn.MaxPool2d):
                setattr(model, name, torch.nn.AvgPool2d(module.kernel_size))
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.constant_(module.weight, 1 / module.weight[0].numel())
                if module.bias is not None:
                    torch.nn.init.zeros_(module.bias)
        boxes = self._sensitivities(layers=self._sites, model=model)
        yield from self.rows("before", "box", boxes)

    @property
    def _sites(self) -> list[str]:
        """Names of the layers that have sites."""
        return [name for name, width in zip(self.layers, self.widths, strict=True) if width]

    def _sensitivities(
        self, layers: list[str] | None = None, model: Any = None, **options: Any
    ) -> Any:
        return sd.measure.sensitivities(
            model or self.model,
            self.images,
            self.displacement,
            layers=layers or self.layers,
            rng=[self.unit.seed, 9],
            **options,
        )

    def rows(self, stage: str, variant: str, measured: Any, prefix: str = "") -> Iterator[Row]:
        """Yield D, G, R and Q; `prefix` is what comes before the names of the layers."""
        places = self._places(measured, prefix)
        yield from self.unit.measured_rows(stage, variant, measured, places, self.widths)

    def _permuted(self, stage: str, variant: str, measured: Any) -> Iterator[Row]:
        """Yield means over permutations."""
        places = self._places(measured)
        yield from self.unit.permuted_rows(stage, variant, measured, places, self.widths)

    def _filters(self, stage: str) -> Iterator[Row]:
        """Yield shares of the constant mode, in a residual block their mean."""
        names = sd.train.convolutions(self.model)
        spectrum = sd.measure.filter_spectrum(self.model, layers=names)
        shares: dict[int, list[float]] = {}
        for name, share in zip(names, spectrum.share, strict=True):
            place = self.layers.index(name.partition(".")[0])
            shares.setdefault(place, []).append(float(share))
        means = {place: float(np.mean(values)) for place, values in shares.items()}
        yield from self.unit.rows(stage, "all", "share", means, widths=self.widths)

    def _predicted(self, stage: str) -> Iterator[Row]:
        """Yield what theories say of the filters; before training, taps are independent."""
        count = self.unit.parameters["theory_images"]
        if count is None:
            return
        chain = chain_of(self.model, self.images.shape[1:])
        places = [self.layers.index(each.name.partition(".")[0]) for each in chain.convolutions]
        for name, response in self._responses(chain, count).items():
            known = {k: D for k, D in zip(places, response.D, strict=True) if D is not None}
            variants = [THEORIES[name]]
            if (stage, name) == ("before", "before"):
                variants.append("wide_before")
            for variant in variants:
                yield from self.unit.rows(stage, variant, "D", known, widths=self.widths)

    def _responses(self, chain: Chain, count: int) -> dict[str, Response]:
        """Return what theories say, as `predict_trained` does, of wide networks only if asked."""
        moved = displaced_images(self.images, self.displacement, self.unit.seed)
        clean = self.images.astype(float).reshape(*self.images.shape[:2], -1)
        images = _with_pairs(clean, moved.reshape(clean.shape))
        responses = {
            "autocorrelation": theory.linear(theory.independent(chain), images),
            "linear": theory.filters_alone(chain, images),
            "box": theory.boxes(chain, images),
        }
        if count:
            few = _with_pairs(images.clean[:count], images.moved[:count])
            for name in ("coherent", "independent", "before"):
                responses[name] = theory.wide(getattr(theory, name)(chain), few)
        return responses

    def _places(self, measured: Any, prefix: str = "") -> list[int]:
        return [self.layers.index(name.removeprefix(prefix)) for name in measured.layers]


def _with_pairs(clean: Floats, moved: Floats) -> Images:
    """Return images of which all pairs are compared."""
    return Images(clean, moved, np.array(np.triu_indices(len(clean), 1)).T)
