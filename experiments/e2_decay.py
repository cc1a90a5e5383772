"""Experiment 2: what decay, the optimiser and the width do to strided networks.

Weaker decay after zero loss than in experiment 1, which also has the networks at zero loss; AdamW,
with decay after zero loss, with and without biases; and untrained networks of rising width, against
wide theory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from experiments.common import Experiment, Unit
from experiments.e1_flagship import NETS, RATE
from experiments.ring import TASKS, decaying, ring_unit, run

NAME = "e2_decay"
SEEDS = 3
DECAYS = ("1e-4",)
ADAMW = {"optimizer": "adamw", "learning_rate": 3e-3, "batch_size": 32}
STANDARD = {"parametrization": "standard", "gain": 2**0.5}
"""He's initialisation."""
WIDTHS = (16, 64, 256, 1024)


def units(quick: bool, _data: Path | None) -> list[Unit]:
    """Return trainings of both tasks by AdamW, of T2 with other decays, and untrained networks."""
    return list(_quick_units() if quick else _all_units())


def _all_units() -> Iterator[Unit]:
    task, net = TASKS["T2"], NETS["T2"]
    for seed in range(SEEDS):
        for decay in DECAYS:
            training = decaying(RATE, float(decay), 40)
            yield ring_unit(NAME, task, net, f"sgd_decay_{decay}", seed, training, seconds=30)
        for variant in TASKS:
            yield _adamw(variant, seed)
        yield _adamw("T2", seed, bias=False)
        for width in WIDTHS:
            yield _untrained(width, seed)


def _quick_units() -> Iterator[Unit]:
    yield _adamw("T2", 0, quick=True)
    yield _untrained(16, 0, quick=True)


def _adamw(variant: str, seed: int, *, bias: bool = True, quick: bool = False) -> Unit:
    training = {
        "zero_loss": {**ADAMW, "epochs": 60, "stop_at_zero_loss": True},
        "after": {**ADAMW, "epochs": 40, "weight_decay": 0.3},
    }
    net = {**NETS[variant], **STANDARD, "bias": bias}
    recipe = "adamw_decay" if bias else "adamw_decay_no_bias"
    return ring_unit(NAME, TASKS[variant], net, recipe, seed, training, seconds=15, quick=quick)


def _untrained(width: int, seed: int, *, quick: bool = False) -> Unit:
    net = {**NETS["T2"], "channels": width}
    seconds = 1 + width / 40
    return ring_unit(NAME, TASKS["T2"], net, "untrained", seed, {}, seconds=seconds, quick=quick)


EXPERIMENT = Experiment(NAME, 1, units, run)
