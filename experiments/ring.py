"""Ring networks on the 1-D tasks: trained in stages, measured and predicted at each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import scaledet as sd
from experiments.box_law import box_law
from experiments.common import Row, Unit
from experiments.wide_mean import mean_sensitivities

__all__ = ["TASKS", "THEORIES", "Probes", "decaying", "ring_unit", "run"]

Floats = NDArray[np.float64]

TASKS = {variant: sd.ScaleDetection(128, 16, 2, variant=variant) for variant in ("T1", "T2")}
PROBES, SHUFFLES = 400, 3
"""Images that are measured; permutations of channels."""
THEORY_IMAGES = {True: 50, False: 8}
"""Images in wide theories, with and without stride: without, a pair of them costs more."""
WIDE_IMAGES = 200
"""Images in the theory of first weights, whose taps are independent."""
APART = 1.5
"""By this factor D of independent channels must exceed that of boxes to put D between them."""
QUICK_CHANNELS, QUICK_EPOCHS, QUICK_SECONDS = 8, 5, 2.0
MEGABYTES = {True: 600.0, False: 1100.0}

THEORIES = {
    "coherent": "bridge",
    "independent": "autocorrelation",
    "autocorrelation": "autocorrelation_linear",
    "linear": "linear",
    "before": "independent_taps",
    "box": "box_images",
}
"""What `predict_trained` predicts, and the variant of its rows: wide networks with the mean and the
covariance of the filters, with their covariance alone, and that without ReLU; the network's own
weights without ReLU; wide networks with independent taps; boxes on the images measured."""


def ring_unit(
    experiment: str,
    task: sd.ScaleDetection,
    net: Mapping[str, Any],
    recipe: str,
    seed: int,
    training: Mapping[str, Mapping[str, Any]],
    *,
    seconds: float,
    quick: bool = False,
    coherent: Sequence[str] = ("after",),
) -> Unit:
    """Return the unit that trains a network.

    `net` holds the arguments of ``sd.train.ring_net``, `training` those of ``sd.train.Recipe`` for
    every stage that training ends with: "zero_loss", then "after". The stages `coherent` are those
    at which wide networks with the means of the filters, the dearest theory, are predicted.
    """
    if quick:
        net = {**net, "channels": QUICK_CHANNELS}
    kernels, stride = _kernels(net), net["stride"]
    sizes = f"k{kernels[0]}" if len(set(kernels)) == 1 else "k" + "_".join(map(str, kernels))
    setting = "1d_stride_1" if stride == 1 else f"1d_strided_{task.variant}"
    return Unit(
        experiment,
        setting,
        f"{len(kernels)}x{sizes}s{stride}_{net['channels']}",
        recipe,
        seed,
        {
            "task": task.to_dict(),
            "net": dict(net),
            "training": {
                stage: {**arguments, **({"epochs": QUICK_EPOCHS} if quick else {})}
                for stage, arguments in training.items()
            },
            "data": {"train": 128, "validation": 32} if quick else {},
            "probes": 60 if quick else PROBES,
            "shuffles": 1 if quick else SHUFFLES,
            "theory_images": 5 if quick else THEORY_IMAGES[stride > 1],
            "coherent": list(coherent),
        },
        QUICK_SECONDS if quick else seconds,
        MEGABYTES[stride > 1],
    )


def decaying(rate: float, decay: float, epochs: int, most: int = 150) -> dict[str, dict[str, Any]]:
    """Return the recipes of gradient descent until the loss is zero, then with weight decay."""
    common = {"learning_rate": rate, "batch_size": 8}
    return {
        "zero_loss": {**common, "epochs": most, "stop_at_zero_loss": True},
        "after": {**common, "epochs": epochs, "weight_decay": decay},
    }


def run(unit: Unit) -> list[Row]:
    """Train and measure; return rows of all stages."""
    plan = unit.parameters
    task = sd.ScaleDetection.from_dict(plan["task"])
    data = sd.train.task_data(task, **plan["data"], rng=[unit.seed, 0])
    model = sd.train.ring_net(**plan["net"], rng=[unit.seed, 1])
    probes = Probes.of(task, data, plan["probes"])
    boxes = sd.Network([sd.Layer(k, plan["net"]["stride"]) for k in _kernels(plan["net"])])
    station = _Station(unit, model, probes, boxes, tuple(map(float, sd.predict(boxes).A)))
    rows = [*station.box_rows(task), *station.measured("before"), *station.predicted("before")]
    rows += station.wide_before()
    known = {name: plan[name] for name in ("task", "net", "data")}
    for number, (stage, arguments) in enumerate(plan["training"].items()):
        known[stage] = arguments
        training = sd.train.train(
            model,
            data,
            sd.train.Recipe(**arguments),
            checkpoint=unit.checkpoint(known),
            rng=[unit.seed, 2, number],
        )
        rows += station.outcome(stage, training)
        rows += station.measured(stage)
        rows += station.predicted(stage)
    return rows


def _kernels(net: Mapping[str, Any]) -> list[int]:
    kernel = net["kernel"]
    return [kernel] * net["layers"] if isinstance(kernel, int) else list(kernel)


@dataclass(frozen=True)
class Probes:
    """Test images, and how their pixels move: in T2 only within their blocks."""

    images: NDArray[np.float32]
    displacement: Callable[[Floats, np.random.Generator], Floats]

    @classmethod
    def of(cls, task: sd.ScaleDetection, data: Any, count: int) -> Probes:
        """Take the first test images."""
        return cls(data.test_images[:count], partial(_displaced, task, data.scale))


def _displaced(
    task: sd.ScaleDetection, scale: float, image: Floats, rng: np.random.Generator
) -> Floats:
    moved = task.displace(image[None] / scale, rng=rng, label_preserving=task.variant == "T2")
    return np.asarray(scale * moved[0])


@dataclass(frozen=True)
class _Station:
    """Measures a network and predicts it, as rows of a unit."""

    unit: Unit
    model: Any
    probes: Probes
    boxes: sd.Network
    widths: tuple[float, ...]

    @property
    def layers(self) -> list[str]:
        """Names of the ReLUs."""
        return [name for name in sd.train.units(self.model) if name.startswith("relu")]

    def box_rows(self, task: sd.ScaleDetection) -> Iterator[Row]:
        """Yield what boxes do on all images of the task."""
        law = box_law(self.boxes, task)
        for quantity, values in (("D", law.D), ("G", law.G)):
            yield from self._rows("before", "box", quantity, values)

    def wide_before(self) -> Iterator[Row]:
        """Yield what wide networks of the law of the first weights do to some of the images."""
        images = self.probes.images[:WIDE_IMAGES].astype(float)
        streams = map(np.random.default_rng, range(len(images)))
        moved = np.stack(list(map(self.probes.displacement, images, streams)))
        net = self.unit.parameters["net"]
        ntk = net.get("parametrization", "ntk") == "ntk" and net.get("bias", True)
        wide = sd.predict_wide(
            self.boxes,
            images=images,
            displaced=moved,
            weight_variance=net.get("gain", 2**0.5) ** 2,
            bias_variance=1.0 if ntk else 0.0,
            rectify="noise",
            rng=0,
        )
        yield from self._rows("before", "wide_before", "D", wide.D)
        yield from self._rows("before", "wide_before", "G", wide.G, wide.G_err)
        means = mean_sensitivities(wide, images, moved, net["channels"])
        places = range(1, len(means) + 1)
        yield from self._rows("before", "wide_before_channel_mean", "D", means, places=places)

    def measured(self, stage: str) -> Iterator[Row]:
        """Yield sensitivities and the filters' shares of the constant mode."""
        for variant, average in (("all", False), ("channel_mean", True)):
            shuffles = 0 if average else self.unit.parameters["shuffles"]
            measured = sd.measure.sensitivities(
                self.model,
                self.probes.images,
                self.probes.displacement,
                layers=self.layers,
                rectify="noise",
                shuffle_channels=shuffles or False,
                average_channels=average,
                rng=[self.unit.seed, 9],
            )
            places = [self.layers.index(name) + 1 for name in measured.layers]
            yield from self.unit.measured_rows(stage, variant, measured, places, self.widths)
            if shuffles:
                yield from self.unit.permuted_rows(stage, "shuffled", measured, places, self.widths)
        spectrum = sd.measure.filter_spectrum(self.model)
        for quantity in ("share", "t"):
            values = list(getattr(spectrum, quantity))
            yield from self._rows(stage, "all", quantity, values, places=range(1, len(values) + 1))

    def predicted(self, stage: str) -> Iterator[Row]:
        """Yield what theories say of the measured filters."""
        theory = sd.predict_trained(
            self.model,
            self.probes.images,
            displacement=self.probes.displacement,
            mean_filters=stage in self.unit.parameters["coherent"],
            theory_images=self.unit.parameters["theory_images"],
            rng=[self.unit.seed, 10],
        )
        for name in theory.theories:
            values = dict(zip(theory.places, getattr(theory, f"D_{name}"), strict=True))
            known = {k: value for k, value in values.items() if value is not None}
            yield from self.unit.rows(stage, THEORIES[name], "D", known, widths=self.widths)
        ends = zip(theory.D_independent, theory.D_box, strict=True)
        known = {
            k: place
            for k, place, (start, end) in zip(theory.places, theory.lambdas, ends, strict=True)
            if place is not None and start > APART * (end or 0.0)
        }
        yield from self.unit.rows(stage, "all", "lambda", known, widths=self.widths)

    def outcome(self, stage: str, training: Any) -> Iterator[Row]:
        """Yield how training ended."""
        for quantity, value in (
            ("epochs", training.epochs),
            ("train_loss", training.loss[-1]),
            ("test_error", training.test_error),
        ):
            yield self.unit.row(stage, "all", quantity, value)

    def _rows(
        self,
        stage: str,
        variant: str,
        quantity: str,
        values: Any,
        errors: Any = None,
        places: Iterable[int] | None = None,
    ) -> Iterator[Row]:
        """Yield rows of the layers at `places`, by default 0, 1, ..."""
        where = list(range(len(values)) if places is None else places)
        known = dict(zip(where, values, strict=True))
        spread = None if errors is None else dict(zip(where, errors, strict=True))
        yield from self.unit.rows(stage, variant, quantity, known, spread, self.widths)
