"""Experiment 6: theory against networks, from the rows of the other experiments.

For every network, seed and stage, over the layers where all predictions of D_k exist and boxes have
D_k > 0.001: root mean square of ln(predicted/measured), its mean, and Spearman's rank correlation
of predicted and measured. Measured are all channels, the channel mean (quantities that end with
``channel_mean``) and permuted channels (``shuffled``). One number lambda for each layer, the place
of D_k between independent channels and boxes, stands in the tables of the other experiments.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
from scipy.stats import spearmanr

from experiments.common import Experiment, Row, Unit

NAME = "e6_theory"
PREDICTIONS = (
    *("box_images", "autocorrelation", "autocorrelation_linear"),
    *("bridge", "linear", "independent_taps"),
)
MEASURED = {"all": "", "channel_mean": "_channel_mean", "shuffled": "_shuffled"}
SMALLEST = 1e-3

Key = tuple[str, str, str, int, str]
Curves = dict[str, dict[int, float]]


def summary(tables: Mapping[str, list[Row]]) -> list[Row]:
    """Return the rows of all networks of which predictions were made."""
    cases: dict[Key, Curves] = {}
    for name in sorted(tables):
        for row in tables[name]:
            if row.quantity == "D" and row.layer and row.variant in (*PREDICTIONS, *MEASURED):
                key = (row.setting, row.net, row.recipe, row.seed, row.stage)
                cases.setdefault(key, defaultdict(dict))[row.variant][row.layer] = row.value
    return [row for key, curves in cases.items() for row in _compared(key, curves)]


def _compared(key: Key, curves: Curves) -> Iterator[Row]:
    setting, net, recipe, seed, stage = key
    unit = Unit(NAME, setting, net, recipe, seed)
    predicted = [name for name in PREDICTIONS if name in curves]
    for variant, suffix in MEASURED.items():
        if variant not in curves or "box_images" not in predicted:
            continue
        known = set.intersection(*(set(curves[name]) for name in (variant, *predicted)))
        layers = sorted(k for k in known if curves["box_images"][k] > SMALLEST)
        measured = np.array([curves[variant][k] for k in layers])
        if not layers or (measured <= 0).any():
            continue
        for name in predicted:
            values = np.array([curves[name][k] for k in layers])
            ratios = np.log(values / measured)
            yield unit.row(stage, name, f"rms{suffix}", np.sqrt(np.square(ratios).mean()))
            yield unit.row(stage, name, f"mean{suffix}", ratios.mean())
            if len(layers) > 2 and np.ptp(values) and np.ptp(measured):
                rho = spearmanr(values, measured).statistic
                yield unit.row(stage, name, f"rho{suffix}", rho)


EXPERIMENT = Experiment(NAME, 1, summary=summary)
