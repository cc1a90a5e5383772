"""A result of every kind that is saved, by what it is."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

import scaledet as sd
from tests.analysis.trained_tables import power_laws, scattered, write

NET = sd.Network.uniform(2, 2, 3)
BLOCK = sd.Network([sd.Layer(3, 2), sd.Layer([1, 2, 1, 2, 3])])
IMAGE_NET = sd.Network([sd.Layer(3), sd.Layer(2, 2)], dim=2)
TAU = sd.Diffeomorphism(2.5, 1e-3)
TASK = sd.ScaleDetection(size=16, xi=6, gap=1)


def simulated(**given):
    return sd.simulate(NET, size=32, samples=4000, rng=1, engine="numpy", **given)


def compared(prediction):
    return sd.compare(prediction, simulated(rectify=prediction.rectify))


def model():
    """A small model of PyTorch with a BatchNorm and a layer that is dead."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    parts = torch.nn.Conv2d(1, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Conv2d(3, 2, (1, 2))
    dead = torch.nn.Hardtanh(50, 60)
    return torch.nn.Sequential(*parts, dead)


def rectified():
    """Two convolutions with ReLU; the second leaves one site."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    parts = torch.nn.Conv1d(1, 9, 2, 2), torch.nn.ReLU(), torch.nn.MaxPool1d(2)
    return torch.nn.Sequential(*parts, torch.nn.Conv1d(9, 8, 2, 2), torch.nn.ReLU())


def measured(displacement, **given):
    images = np.random.default_rng(0).random((12, 1, 8, 8))
    return sd.measure.sensitivities(model(), images, displacement, rng=0, **given)


def judged():
    """Verdicts on a network of three seeds and on another of one."""
    rows = [*power_laws(scattered(-1, 0.1, 3)), *power_laws([-1], stage="zero_loss")]
    with TemporaryDirectory() as folder:
        return sd.verdicts(write(Path(folder), rows))


def trained():
    """A training; its network is not saved."""
    pytest.importorskip("torch")
    recipe = sd.train.Recipe(learning_rate=0.2, batch_size=8, epochs=2, noise=0.1)
    net = sd.train.ring_net(2, channels=4, rng=0)
    data = sd.train.task_data(TASK, train=16, validation=4, test=4, rng=0)
    return replace(sd.train.train(net, data, recipe, rng=0), model=None)


KINDS = {
    "prediction": lambda: sd.predict(NET, size=32),
    "prediction of a task": lambda: sd.predict(NET, task=TASK, balanced=True),
    "prediction without size": lambda: sd.predict(NET),
    "prediction of unlike layers": lambda: sd.predict(BLOCK * 3, rectify="layers"),
    "prediction by closure": lambda: sd.predict(
        sd.Network.uniform(2, 2, 3, bias=-0.01), size=32, rectify="layers", method="closure"
    ),
    "evolution": lambda: sd.evolve(NET, size=32, points=300),
    "evolution that dies": lambda: sd.evolve(
        sd.Network.uniform(2, 2, 4, bias=-0.2), size=32, points=300
    ),
    "evolution without size": lambda: sd.evolve(NET, points=300),
    "evolution of samples": lambda: sd.evolve(
        NET, size=32, noise=np.random.default_rng(0).normal(size=2000)
    ),
    "evolution of noise that dies": lambda: sd.evolve(
        sd.Network.uniform(2, 2, 10, bias=-0.5), points=300
    ),
    "bias phases": lambda: sd.bias_phases("constant", depth=5),
    "exponents": lambda: sd.predict_exponents(kernel=4, stride=2),
    "irrational exponents": lambda: sd.predict_exponents(kernel=6, stride=2, dim=2),
    "algebraic exponents": lambda: sd.predict_exponents(BLOCK * 2, rectify="layers"),
    "oscillating exponents": lambda: sd.predict_exponents(kernel=[1, 0, 1], rectify=None),
    "exponents of a stride beyond those of layers": lambda: sd.predict_exponents(
        sd.Network([sd.Layer(2, 2**30), sd.Layer(1, 2**24)] * 2)
    ),
    "shift of one pixel": lambda: sd.predict_shift(NET, 3, size=32),
    "shift at the worst position": lambda: sd.predict_shift(
        NET, 3, size=None, phase="fixed", position="worst"
    ),
    "shift at a position": lambda: sd.predict_shift(NET, 3, size=32, phase="fixed", position=5),
    "shift of a task": lambda: sd.predict_shift(NET, -5, task=TASK, balanced=True),
    "shift of images": lambda: sd.predict_shift(NET, 3, images=np.eye(16)[:2], phase="adaptive"),
    "simulated change": lambda: sd.simulate_change(NET, np.eye(32)[::9], np.eye(32)[2:30:9]),
    "simulation": simulated,
    "controlled simulation": lambda: simulated(control_variates=True, target_error=0.9),
    "simulation of a task": lambda: sd.simulate(NET, task=TASK, samples=500, rng=3),
    "simulation of signed kernels": lambda: sd.simulate(
        sd.Network.uniform(sd.Kernel([1, -1, 2], signed=True), 2, 2), size=16, samples=300, rng=3
    ),
    "sweep": lambda: sd.sweep([NET, BLOCK], [16, 32], samples=300, rng=0),
    "comparison": lambda: compared(sd.predict(NET, size=32)),
    "comparison of an evolution": lambda: compared(sd.evolve(NET, size=32, points=300)),
    "filters": lambda: sd.compare_filters(stride=2, depth=3),
    "filters of two dimensions": lambda: sd.compare_filters({"b": [1, 3, 1]}, stride=3, dim=2),
    "filter design": lambda: sd.design_filter(5, 2, depth=3),
    "trade-off design": lambda: sd.design_filter(3, 2, 0.5, depth=2, max_G=1.2, dim=2),
    "image prediction": lambda: sd.predict_images(IMAGE_NET, np.ones((8, 8)), TAU, size=8),
    "image simulation": lambda: sd.simulate_images(
        IMAGE_NET, np.random.default_rng(0).random((9, 8, 8)), TAU, rectify="input", rng=1
    ),
    "measurement": lambda: measured("shift"),
    "measurement of deformations": lambda: measured(
        "diffeomorphism", shuffle_channels=2, recalibrate="shuffled", target_error=0.9
    ),
    "filter spectrum": lambda: sd.measure.filter_spectrum(model()),
    "trained prediction": lambda: sd.predict_trained(
        rectified(), TASK.sample(12, rng=0)[0], displacement=TASK, shuffle_channels=2, rng=0
    ),
    "training": trained,
    "linear exponents": lambda: sd.predict_linear_exponents([[3, 1], [1, 2]], stride=3),
    "wide prediction": lambda: sd.predict_wide(NET, size=8, pooling=0.5, rng=0),
    "wide prediction of images": lambda: sd.predict_wide(NET, images=np.eye(8)[:3], rng=0),
    "wide prediction of filters with means": lambda: sd.predict_wide(
        NET, size=8, weight_variance=[0, 2, 1], mean_filters=[np.eye(2), None, None], rng=0
    ),
    "wide simulation of filters with means": lambda: sd.simulate_wide(
        NET,
        size=8,
        width=9,
        networks=3,
        bias_variance=[1, 2, 0],
        mean_filters=[np.eye(2)] * 3,
        rng=0,
    ),
    "wide simulation": lambda: sd.simulate_wide(NET, size=8, width=9, networks=3, rng=0),
    "verdicts": judged,
    "fit": lambda: sd.fit_exponent([1, 2, 4, 8], [1, 0.52, 0.24, 0.13], [0.02] * 4),
}


@cache
def result(kind):
    return KINDS[kind]()
