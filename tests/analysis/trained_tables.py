"""Made-up tables of experiments with trained networks, for tests of what reads them."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scaledet.analysis.experiment_tables import COLUMNS

Row = dict[str, Any]

T1 = {"setting": "1d_strided_T1", "net": "k2s2", "recipe": "decay"}


def power_laws(
    slopes: Sequence[float],
    *,
    layers: Iterable[int] = range(1, 5),
    stride: float = 2.0,
    where: Mapping[str, str] = T1,
    **labels: Any,
) -> Iterator[Row]:
    """Yield rows of 0.8 A_k^slope, a seed for each slope, with A_k = stride^k."""
    layers = list(layers)
    for seed, slope in enumerate(slopes):
        for k in layers:
            width = float(stride) ** k
            yield row(seed, 0.8 * width**slope, layer=k, A=width, **where, **labels)


def row(seed: int, value: float, **labels: Any) -> Row:
    """Return a row; D after training of all channels where nothing else is said."""
    usual = {"experiment": "e1", "stage": "after", "variant": "all", "quantity": "D", **T1}
    return {
        **dict.fromkeys(COLUMNS, ""),
        **usual,
        "seed": seed,
        "value": repr(float(value)),
        **labels,
    }


def scattered(center: float, scatter: float, seeds: int = 5, rng: int = 0) -> list[float]:
    """Return numbers of exactly this mean and standard deviation."""
    values = np.random.default_rng(rng).normal(size=seeds)
    values = (values - values.mean()) / values.std(ddof=1)
    return (center + scatter * values).tolist()


def flagship(seeds: int = 5) -> Iterator[Row]:
    """Yield rows as the first experiment has them, of networks that pool after training."""
    rng = np.random.default_rng(0)
    slopes = {"before": {"all": -0.1, "channel_mean": -0.3}, "zero_loss": {"all": -0.6}}
    slopes["after"] = {"all": -0.9, "channel_mean": -1.0, "shuffled": -0.4, "linear": -0.9}
    slopes["after"] |= {"independent_taps": -0.1, "autocorrelation": -0.35, "bridge": -0.8}
    slopes["after"]["box"] = -1.0
    shares = {"before": 0.0, "zero_loss": 0.2, "after": 0.8}
    for (task, depth), seed in itertools.product((("T1", 7), ("T2", 6)), range(seeds)):
        where = {**T1, "setting": f"1d_strided_{task}", "net": f"{depth}xk2s2_64"}
        for stage, share in shares.items():
            for k in range(1, depth + 1):
                labels = {**where, "stage": stage, "layer": k}
                factor = float(np.exp(rng.normal(0, 0.05)))
                for variant, slope in slopes[stage].items():
                    exact = factor if variant != "box" else 1.0
                    value = exact * 2.0 ** (k * slope)
                    yield row(seed, value, **{**labels, "A": 2.0**k, "variant": variant})
                    if variant in ("all", "channel_mean", "box"):
                        noise = exact * 0.5 * 2.0 ** (-0.6 * k * slope)
                        labels_of = {**labels, "A": 2.0**k, "variant": variant, "quantity": "G"}
                        yield row(seed, noise, **labels_of)
                yield row(seed, 0.5 + share * factor / (2 + k), **labels, quantity="share")
                yield row(seed, share * factor, **labels, A=2.0**k, quantity="lambda")
                if stage == "before":
                    wide = {**labels, "A": 2.0**k, "variant": "wide_before"}
                    yield row(seed, 2.0 ** (-0.1 * k), **wide)
                    yield row(seed, 0.5, **wide, quantity="G")
                    mean = {**wide, "variant": "wide_before_channel_mean"}
                    yield row(seed, 2.0 ** (-0.3 * k), **mean)


def write(folder: Path, rows: Iterable[Mapping[str, Any]], name: str = "e1_flagship") -> Path:
    """Write a table into a folder, and return the folder."""
    folder.mkdir(exist_ok=True)
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return folder
