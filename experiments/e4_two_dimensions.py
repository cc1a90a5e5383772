"""Experiment 4: networks as they are used, on the task in two dimensions.

Images have 32 x 32 pixels, two of them active; the label says whether these are closer than
xi = 8 or not, distances from 7 to below 9 being left out (``gap=1``). Images end at their borders,
as zero padding has it: distances do not go around the torus, and networks
are measured on images without active pixels at the border, which all moves keep inside.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import scaledet as sd
from experiments.common import Experiment, Row, Unit
from experiments.image_nets import CHAINS, EPOCHS_QUICK, NETS, Station, trained, training

__all__ = ["EXPERIMENT", "TASK", "inside", "run", "units"]

NAME = "e4_two_dimensions"
TASK = sd.ScaleDetection(size=32, xi=8, gap=1, dim=2, periodic=False)
EPOCHS = {"lenet": 25, "vgg": 15, "all_conv": 15, "resnet": 12}
SECONDS = {"lenet": 50.0, "vgg": 105.0, "all_conv": 80.0, "resnet": 20.0}
SEEDS = 3


def units(quick: bool, _data: Path | None) -> list[Unit]:
    """Return a unit for each network and seed."""
    return [
        Unit(
            NAME,
            "2d_task",
            net,
            "one_cycle",
            seed,
            {
                "task": TASK.to_dict(),
                "net": dict(NETS[net]),
                "training": training(
                    net, 0.05, batch_size=64, epochs=EPOCHS_QUICK if quick else EPOCHS[net]
                ),
                "data": {"train": 256 if quick else 2048, "validation": 0, "test": 2048},
                "probes": 60 if quick else 400,
                "shuffles": 1 if quick else 3,
                "theory_images": 4 if net in CHAINS and not quick else None,
            },
            3.0 if quick else SECONDS[net],
        )
        for net in (["all_conv"] if quick else EPOCHS)
        for seed in range(1 if quick else SEEDS)
    ]


def run(unit: Unit) -> list[Row]:
    """Train and measure a network."""
    plan = unit.parameters
    task = sd.ScaleDetection.from_dict(plan["task"])
    data = sd.train.task_data(task, **plan["data"], rng=[unit.seed, 0])
    images = inside(data.test_images)[: plan["probes"]]
    return list(trained(unit, data, Station(unit, images, "task", classes=1)))


def inside(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the images whose pixels at the border are all 0."""
    inner = np.abs(images[:, :, 1:-1, 1:-1]).sum(axis=(1, 2, 3))
    chosen: NDArray[np.float32] = images[inner == np.abs(images).sum(axis=(1, 2, 3))]
    return chosen


EXPERIMENT = Experiment(NAME, 1, units, run)
