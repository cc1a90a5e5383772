"""Experiment 1: strided networks on T1 and T2, before training, at zero loss, and after decay.

Kernel 2, stride 2: box filters have A_k = 2^k, D_k falls as 1/A_k in T1, and faster in T2, whose
moves stay in blocks. Weights decay once the loss is zero, which makes the filters pool. First
weights have the law N(0, 1)/fan-in: at twice the variance networks are lazier, and need more decay.
"""

from __future__ import annotations

from pathlib import Path

from experiments.common import Experiment, Unit
from experiments.ring import TASKS, decaying, ring_unit, run

NAME = "e1_flagship"
SEEDS = 5

NETS = {
    variant: {"layers": layers, "kernel": 2, "stride": 2, "channels": 64, "gain": 1.0}
    for variant, layers in (("T1", 7), ("T2", 6))
}
RATE = 0.03 * 64
DECAY = {"T1": (1e-4, 65), "T2": (3e-4, 40)}
"""Weight decay after zero loss, and for how many epochs."""
SECONDS = {"T1": 55.0, "T2": 33.0}


def units(quick: bool, _data: Path | None) -> list[Unit]:
    """Return trainings of both tasks."""
    return [
        ring_unit(
            *(NAME, TASKS[variant], NETS[variant], "sgd_decay", seed),
            decaying(RATE, *DECAY[variant]),
            seconds=SECONDS[variant],
            quick=quick,
            coherent=("zero_loss", "after"),
        )
        for variant in TASKS
        for seed in range(1 if quick else SEEDS)
    ]


EXPERIMENT = Experiment(NAME, 1, units, run)
