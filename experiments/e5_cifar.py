"""Experiment 5: CIFAR-10, with and without noise in training, and the test error.

The folder given by ``--data`` holds cifar10_train.npz and cifar10_test.npz, each with x (uint8,
[n, 32, 32, 3]) and y (labels 0 to 9); without it this experiment is left out. Networks see
10000 images to train on, mirrored and cut out, and are measured on test images with smooth
deformations of typical displacement 1 pixel.
Noise is white, of the standard deviation of the pixels. The variant "noisy_probe" is measured on
images that carry it, x + eta against tau x + eta: noise of the sensor does not move with what is
seen.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import scaledet as sd
from experiments.common import Experiment, Row, Unit
from experiments.image_nets import CHAINS, EPOCHS_QUICK, NETS, Station, trained, training

__all__ = ["EXPERIMENT", "FILES", "run", "units"]

NAME = "e5_cifar"
FILES = ("cifar10_train.npz", "cifar10_test.npz")
EPOCHS = {"lenet": 18, "vgg": 12, "vgg_average": 12, "all_conv": 10, "resnet": 8}
LONG = {"lenet": 60, "vgg": 45, "vgg_average": 45, "all_conv": 40, "resnet": 30}
"""Epochs of the recipes "noise0" and "noise1", and of "long", which is without noise."""
RECIPES = (("noise0", EPOCHS, 3), ("noise1", EPOCHS, 3), ("long", LONG, 1))
"""Recipes, their epochs, and the number of seeds."""
SECONDS = {"lenet": 1.2, "vgg": 3.3, "vgg_average": 3.3, "all_conv": 2.7, "resnet": 5.0}
"""CPU time of an epoch."""
MEASURING = 15.0
NOISE = 1.0


def units(quick: bool, data: Path | None) -> list[Unit]:
    """Return units: each network with and without noise for each seed, and one long training."""
    if data is None:
        return []
    if quick:
        return [_unit("all_conv", "noise1", 0, EPOCHS_QUICK, data, quick=True)]
    return [
        _unit(net, recipe, seed, epochs[net], data)
        for recipe, epochs, seeds in RECIPES
        for net in EPOCHS
        for seed in range(seeds)
    ]


def _unit(
    net: str, recipe: str, seed: int, epochs: int, data: Path, *, quick: bool = False
) -> Unit:
    noise = NOISE if recipe == "noise1" else 0.0
    options = {"batch_size": 128, "loss": "cross_entropy", "augment": True, "noise": noise}
    return Unit(
        NAME,
        "cifar10",
        net,
        recipe,
        seed,
        {
            "net": dict(NETS[net]),
            "training": training(net, 0.1, epochs=epochs, **options),
            "data": {"count": 512 if quick else 10_000, "test": 200 if quick else 4000},
            "probes": 60 if quick else 400,
            "shuffles": 1 if quick else 3,
            "theory_images": 0 if net in CHAINS else None,
        },
        5.0 if quick else MEASURING + epochs * SECONDS[net],
        megabytes=1500,
        data=data,
    )


def run(unit: Unit) -> list[Row]:
    """Train and measure a network."""
    data = _data(unit)
    images = data.test_images[: unit.parameters["probes"]]
    station = _NoisyStation(unit, images, "diffeomorphism", classes=10)
    rows = list(trained(unit, data, station))
    noise = NOISE * np.random.default_rng([unit.seed, 4]).standard_normal(data.test_images.shape)
    error = _error(station.model, data.test_images + noise, data.test_labels)
    return [*rows, unit.row("after", "noisy_probe", "test_error", error)]


def _data(unit: Unit) -> Any:
    """Return other images to train on for every seed, and others to test."""
    if unit.data is None:
        raise ValueError("a unit of this experiment must have its folder of data")
    train, test = (unit.data / name for name in FILES)
    plan = unit.parameters["data"]
    return sd.train.image_data(train, test_x=test, validation=0, **plan, rng=[unit.seed, 0])


@torch.no_grad()
def _error(model: Any, images: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """Return the part of images that get a wrong label."""
    model.eval()
    rows = torch.from_numpy(images).float()
    parts = torch.tensor_split(rows, max(1, len(rows) // 500))
    classes = torch.cat([model(part).argmax(dim=1) for part in parts])
    return float(np.mean(classes.numpy() != labels))


class _NoisyStation(Station):
    """Measures on images that carry noise, too.

    There the network gets noise and image as channels side by side, and adds them first; only the
    image is deformed. Noise of G on both of them has their energy together, and so has their sum.
    """

    def measured(self, stage: str) -> Iterator[Row]:
        """Yield what is measured on clean images, and on others."""
        yield from super().measured(stage)
        channels = self.images.shape[1]
        adding = torch.nn.Conv2d(2 * channels, channels, 1, bias=False)
        with torch.no_grad():
            adding.weight.copy_(torch.eye(channels).repeat(1, 2)[:, :, None, None])
        noise = NOISE * np.random.default_rng([self.unit.seed, 5]).standard_normal(
            self.images.shape
        )
        measured = sd.measure.sensitivities(
            torch.nn.Sequential(OrderedDict(input=adding, net=self.model)),
            np.concatenate([self.images, noise], axis=1),
            partial(_image_deformed, channels),
            layers=["input", *(f"net.{name}" for name in self.layers[1:])],
            rng=[self.unit.seed, 9],
        )
        yield from self.rows(stage, "noisy_probe", measured, prefix="net.")


def _image_deformed(
    channels: int, stacked: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    size = stacked.shape[-1]
    tau = sd.Diffeomorphism.with_displacement(1, size=size, cut=3)
    fields = np.repeat(tau.draw(size, rng=rng), channels, axis=0)
    return np.concatenate([tau.apply(stacked[:channels], fields), stacked[channels:]])


EXPERIMENT = Experiment(NAME, 1, units, run)
