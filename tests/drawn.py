"""Results to draw, and the call that draws each."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer

import scaledet as sd
from scaledet import plots

NET = sd.Network.uniform(kernel=2, stride=2, depth=4)
PREDICTION = sd.predict(NET, size=64)
SIMULATION = sd.simulate(NET, size=64, samples=400, rng=0)
COMPARISON = sd.compare(PREDICTION, SIMULATION)
PHASES = sd.bias_phases(depth=6)
FILTERS = sd.compare_filters(stride=2, depth=5)
DESIGN = sd.design_filter(4, 2, max_G=0.7)


def model(seed=0):
    """A small model of PyTorch."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Conv1d(1, 3, 3), torch.nn.Conv1d(3, 2, 2))


def rectified():
    """Two convolutions, each with a ReLU."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    parts = torch.nn.Conv1d(1, 9, 2, 2), torch.nn.ReLU(), torch.nn.Conv1d(9, 8, 2, 2)
    return torch.nn.Sequential(*parts, torch.nn.ReLU())


IMAGES = np.random.default_rng(0).random((12, 1, 8))
MEASUREMENT = sd.measure.sensitivities(model(), IMAGES, "shift", shuffle_channels=2, rng=0)
SPECTRUM = sd.measure.filter_spectrum(model())
TRAINED = sd.predict_trained(rectified(), IMAGES, displacement="shift", shuffle_channels=2, rng=0)
TRAINING = sd.train.train(
    sd.train.ring_net(3, channels=16, rng=0),
    sd.train.task_data(sd.ScaleDetection(16, 4, 1), train=16, validation=8, test=0, rng=0),
    sd.train.Recipe(learning_rate=0.48, batch_size=8, epochs=300, epochs_after_zero_loss=2),
    rng=0,
)
CALLS = {
    "plot_curve": lambda ax: plots.plot_curve([1, 2], [1.0, 0.5], ax=ax),
    "plot_sensitivity": lambda ax: plots.plot_sensitivity(PREDICTION, ax=ax),
    "plot_comparison": lambda ax: plots.plot_comparison(COMPARISON, ax=ax),
    "plot_local_exponents": lambda ax: plots.plot_local_exponents([1, 2], [1.0, 2.0], ax=ax),
    "plot_phases": lambda ax: plots.plot_phases(PHASES, ax=ax),
    "plot_filters": lambda ax: plots.plot_filters(FILTERS, ax=ax),
    "plot_design": lambda ax: plots.plot_design(DESIGN, ax=ax),
    "plot_measurement": lambda ax: plots.plot_measurement(MEASUREMENT, ax=ax),
    "plot_filter_spectrum": lambda ax: plots.plot_filter_spectrum(SPECTRUM, ax=ax),
    "plot_trained": lambda ax: plots.plot_trained(TRAINED, ax=ax),
    "plot_training": lambda ax: plots.plot_training(TRAINING, ax=ax),
}


def bars(ax) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Abscissae, values and half lengths of the error bars that were drawn."""
    (container,) = ax.containers
    assert isinstance(container, ErrorbarContainer)
    points, _, (lines,) = container
    segments = np.array(lines.get_segments())
    half = (segments[:, 1, 1] - segments[:, 0, 1]) / 2
    return points.get_xdata(), points.get_ydata(), half
