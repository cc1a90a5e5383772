"""Experiment 2: what decay, the optimiser and the width do to strided networks.

Weaker decay after zero loss than in experiment 1, which also has the networks at zero loss, and a
longer one; AdamW, with decay after zero loss, with and without biases; and untrained networks of
rising width, against wide theory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from experiments.common import Experiment, Unit
from experiments.e1_flagship import DECAY, NETS, RATE
from experiments.ring import TASKS, decaying, ring_unit, run

NAME = "e2_decay"
SEEDS = 3
WEAK, LONG = 1e-4, 200
"""Weight decay in T2, and epochs of it in T1."""
ADAMW = {"optimizer": "adamw", "learning_rate": 3e-3, "batch_size": 32}
STANDARD = {"parametrization": "standard", "gain": 2**0.5}
"""He's initialisation."""
WIDTHS = (16, 64, 256, 1024)


def units(quick: bool, _data: Path | None) -> list[Unit]:
    """Return trainings with other decays, by AdamW, and untrained networks."""
    return list(_quick_units() if quick else _all_units())


def _all_units() -> Iterator[Unit]:
    others = {
        "sgd_decay_weak": ("T2", decaying(RATE, WEAK, DECAY["T2"][1]), 30.0),
        "sgd_decay_long": ("T1", decaying(RATE, DECAY["T1"][0], LONG), 120.0),
    }
    for seed in range(SEEDS):
        for recipe, (variant, training, seconds) in others.items():
            task, net = TASKS[variant], NETS[variant]
            yield ring_unit(NAME, task, net, recipe, seed, training, seconds=seconds)
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
