"""Experiment 3: networks without stride on T1, which is easy for them: they are circular.

With equal kernels, A_k = (1 + k (f^2 - 1))^(1/2) covers a factor of three in eight layers, and most
of the fall of D_k is in the first of them. Kernels that grow, f = 3, 5, 9, 17, double A_k from
layer to layer; boxes then have D_k ~ A_k^-2 from the first layer on, and few layers leave little
room for channels to pool.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.common import Experiment, Unit
from experiments.e2_decay import ADAMW, STANDARD
from experiments.ring import TASKS, decaying, ring_unit, run

NAME = "e3_no_stride"
SEEDS, FEWER_SEEDS = 5, 3
CHANNELS = 32
RATE = 0.03 * CHANNELS


def _net(kernel: int | list[int], layers: int) -> dict[str, Any]:
    return {"layers": layers, "kernel": kernel, "stride": 1, "channels": CHANNELS}


def units(quick: bool, _data: Path | None) -> list[Unit]:
    """Return trainings of networks of equal kernels 5 and 3, and of growing kernels."""
    return [unit for seed in range(1 if quick else SEEDS) for unit in _of_seed(seed, quick)]


def _of_seed(seed: int, quick: bool) -> Iterator[Unit]:
    task = TASKS["T1"]
    growing = {**_net([3, 5, 9, 17], 4), "gain": 1.0}
    training = decaying(RATE, 2e-4, 60)
    yield ring_unit(NAME, task, growing, "sgd_decay", seed, training, seconds=60, quick=quick)
    if quick:
        return
    training = decaying(RATE, 1e-4, 25)
    net = _net(5, 8)
    yield ring_unit(NAME, task, net, "sgd_decay", seed, training, seconds=33, coherent=())
    if seed >= FEWER_SEEDS:
        return
    adamw = {"zero_loss": {**ADAMW, "epochs": 60, "stop_at_zero_loss": True}}
    net = {**_net(3, 8), **STANDARD}
    yield ring_unit(NAME, task, net, "adamw", seed, adamw, seconds=9, coherent=())


EXPERIMENT = Experiment(NAME, 1, units, run)
