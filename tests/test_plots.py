"""Plots show exactly the numbers of the results and change no setting of matplotlib."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
import sympy
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

import scaledet as sd
from scaledet import plots

NET = sd.Network.uniform(kernel=2, stride=2, depth=4)
PREDICTION = sd.predict(NET, size=64)
SIMULATION = sd.simulate(NET, size=64, samples=400, rng=0)
COMPARISON = sd.compare(PREDICTION, SIMULATION)
PHASES = sd.bias_phases(depth=6)
FILTERS = sd.compare_filters(stride=2, depth=5)
DESIGN = sd.design_filter(4, 2, max_G=0.7)


def model():
    """A small model of PyTorch."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
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


@pytest.fixture
def axes():
    return Figure().add_subplot()


def bars(ax) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Abscissae, values and half lengths of the error bars that were drawn."""
    (container,) = ax.containers
    assert isinstance(container, ErrorbarContainer)
    points, _, (lines,) = container
    segments = np.array(lines.get_segments())
    half = (segments[:, 1, 1] - segments[:, 0, 1]) / 2
    return points.get_xdata(), points.get_ydata(), half


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_draws_on_the_given_axes_or_on_new_ones(call, axes):
    assert call(axes) is axes
    assert axes.lines
    fresh = call(None)
    assert fresh is not axes
    assert fresh.lines


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_settings_of_matplotlib_stay(call):
    # dict.items: reading a setting through RcParams would choose a backend.
    before = dict(dict.items(mpl.rcParams))
    call(None)
    assert dict(dict.items(mpl.rcParams)) == before


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_axes_are_named_unless_the_caller_did(call, axes):
    fresh = call(None)
    assert fresh.get_xlabel()
    assert fresh.get_ylabel()
    axes.set(xlabel="mine", ylabel="too")
    call(axes)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("mine", "too")


@pytest.mark.parametrize("quantity", ["D", "G", "R"])
def test_theory_is_a_line(quantity):
    ax = plots.plot_sensitivity(PREDICTION, quantity)
    (line,) = ax.lines
    np.testing.assert_array_equal(line.get_xdata(), PREDICTION.A)
    np.testing.assert_array_equal(line.get_ydata(), getattr(PREDICTION, quantity))
    assert line.get_linestyle() == "-"
    assert not ax.containers
    assert f"{quantity}_k" in ax.get_ylabel()
    assert "(pixels)" in ax.get_xlabel()
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


@pytest.mark.parametrize("quantity", ["D", "G", "R"])
def test_simulation_is_points_with_error_bars(quantity):
    ax = plots.plot_sensitivity(SIMULATION, quantity)
    x, y, half = bars(ax)
    np.testing.assert_array_equal(x, SIMULATION.A)
    np.testing.assert_array_equal(y, getattr(SIMULATION, quantity))
    np.testing.assert_allclose(half, getattr(SIMULATION, f"{quantity}_err"), rtol=1e-9)
    assert ax.containers[0][0].get_linestyle() == "None"


def test_theory_and_simulation_share_axes_and_colour():
    ax = plots.plot_sensitivity(PREDICTION, "G")
    assert plots.plot_sensitivity(SIMULATION, "G", ax=ax) is ax
    assert ax.lines[0].get_color() == ax.containers[0][0].get_color()
    assert ax.get_legend_handles_labels()[1] == ["theory", "simulation"]


def test_chosen_layers_only():
    ax = plots.plot_sensitivity(SIMULATION, "D", layers=[0, 3])
    np.testing.assert_array_equal(bars(ax)[1], SIMULATION.D[[0, 3]])


def test_style_overrides_defaults_under_long_and_short_names():
    for style in ({"color": "red", "linewidth": 3}, {"c": "red", "lw": 3}):
        (line,) = plots.plot_sensitivity(PREDICTION, label="mine", **style).lines
        assert (line.get_color(), line.get_linewidth(), line.get_label()) == ("red", 3, "mine")


def test_comparison_shows_the_pulls_and_the_verdict():
    ax = plots.plot_comparison(COMPARISON)
    for line, pulls in zip(ax.lines, COMPARISON.pulls, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), np.arange(NET.depth + 1))
        np.testing.assert_array_equal(line.get_ydata(), pulls)
        assert line.get_linestyle() == "None"
    (band,) = ax.patches
    low, high = band.get_extents().transformed(ax.transData.inverted()).intervaly
    assert (low, high) == pytest.approx((-2, 2))
    assert f"p = {COMPARISON.p_value:.2g}" in ax.get_title()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "$D_k$",
        "$G_k$",
        "$Q_k$",
    ]


def test_comparison_hides_no_pull_however_large():
    wrong = sd.predict(sd.Network.uniform(kernel=2, stride=1, depth=4), size=64)
    bad = sd.compare(wrong, SIMULATION)
    reach = plots.plot_comparison(bad).get_ylim()[1]
    assert np.abs(bad.pulls).max() > 5
    assert reach > np.abs(bad.pulls).max()


def test_phases_of_the_biases():
    """The signal is dead in the shade; on the line theta is the threshold times sigma."""
    ax = plots.plot_phases(PHASES)
    (line,) = ax.lines
    theta, sigma = line.get_data()
    low, high = PHASES.noise
    assert theta[-1] == float(PHASES.signal)
    assert (low <= theta / sigma * (1 + 1e-12)).all()
    assert (theta / sigma * (1 - 1e-12) <= high).all()
    (shade,) = ax.patches
    assert shade.get_x() == float(PHASES.signal)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_phases_without_a_threshold_have_no_line():
    suppressed = dataclasses.replace(PHASES, noise=(0.0, 0.0))
    ax = plots.plot_phases(suppressed)
    assert not ax.lines
    assert len(ax.patches) == 1


def test_filters_are_lines_and_plateaus_are_dotted():
    ax = plots.plot_filters(FILTERS)
    lines = {line.get_label(): line for line in ax.lines if line.get_linestyle() == "-"}
    laws = ["nothing pools", *(f"alpha = {alpha}" for alpha in (1, 0, 2, 2, 2, 0))]
    assert list(lines) == [f"{n}: {law}" for n, law in zip(FILTERS.filters, laws, strict=True)]
    for line, values in zip(lines.values(), FILTERS.D, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), np.arange(6))
        np.testing.assert_array_equal(line.get_ydata(), values)
    dotted = [line for line in ax.lines if line.get_linestyle() == ":"]
    levels = [float(FILTERS.filters[name].plateau) for name in ("box3", "gaussian")]
    assert [line.get_ydata()[0] for line in dotted] == levels
    assert dotted[0].get_color() == lines["box3: alpha = 0"].get_color()
    assert ax.get_yscale() == "log"


def test_a_design_is_its_optimum_and_its_rational_filter():
    optimum, rational = plots.plot_design(DESIGN).lines
    np.testing.assert_array_equal(optimum.get_ydata(), DESIGN.optimum)
    np.testing.assert_allclose(rational.get_ydata(), [float(w) for w in DESIGN.kernel])
    assert rational.get_linestyle() == "None"
    assert rational.get_label() == "[1, 8, 7]/16"


@pytest.mark.parametrize("quantity", ["D", "G", "R"])
def test_a_measurement_is_points_with_error_bars_by_layer(quantity):
    ax = plots.plot_measurement(MEASUREMENT, quantity)
    places, values, half = bars(ax)
    assert places.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(values, getattr(MEASUREMENT, quantity))
    np.testing.assert_allclose(half, getattr(MEASUREMENT, f"{quantity}_err"))
    assert [text.get_text() for text in ax.get_xticklabels()] == ["input", "0", "1"]
    permuted = [line for line in ax.lines if line.get_label() == "channels permuted"]
    assert len(permuted) == (quantity != "R")
    for line in permuted:
        mean = getattr(MEASUREMENT, f"{quantity}_shuffled").mean(axis=0)
        np.testing.assert_array_equal(line.get_ydata(), mean)


def test_filters_after_training_beside_those_before():
    ax = plots.plot_filter_spectrum(SPECTRUM, SPECTRUM)
    independent, before, after = ax.lines
    assert independent.get_ydata().tolist() == [1 / 3, 1 / 2]
    assert before.get_markerfacecolor() == "white"
    for line in (before, after):
        np.testing.assert_array_equal(line.get_ydata(), SPECTRUM.share)
    with pytest.raises(ValueError, match="before must have the layers and kernels of spectrum"):
        plots.plot_filter_spectrum(SPECTRUM, sd.measure.filter_spectrum(model()[:1]))


def test_a_trained_prediction_is_points_and_a_line_for_every_theory():
    ax = plots.plot_trained(TRAINED)
    A, values, half = bars(ax)
    np.testing.assert_array_equal(A, TRAINED.A)
    np.testing.assert_array_equal(values, TRAINED.D)
    np.testing.assert_allclose(half, TRAINED.D_err)
    lines = {line.get_label(): line.get_ydata() for line in ax.lines}
    for label, drawn in {
        "independent taps": TRAINED.D_before,
        "independent channels": TRAINED.D_independent,
        "all filters, no ReLU": TRAINED.D_linear,
        "boxes": TRAINED.D_box,
        "channels permuted": TRAINED.D_shuffled,
    }.items():
        np.testing.assert_array_equal(lines[label], drawn)


def test_a_training_is_its_loss_and_errors_by_epoch():
    *lines, zero = plots.plot_training(TRAINING).lines
    names = ["loss", "train_error", "validation_error"]
    for line, name in zip(lines, names, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), np.arange(1, TRAINING.epochs + 1))
        np.testing.assert_array_equal(line.get_ydata(), getattr(TRAINING, name))
    assert list(zero.get_xdata()) == [TRAINING.epoch_of_zero_loss] * 2


def test_local_exponents_lie_between_the_layers():
    (line,) = plots.plot_local_exponents(PREDICTION.A, PREDICTION.G).lines
    np.testing.assert_allclose(line.get_xdata(), np.array([1, 2, 4, 8]) * np.sqrt(2))
    np.testing.assert_array_equal(line.get_ydata(), sd.local_exponents(PREDICTION.A, PREDICTION.G))


def notes(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize("bad", [0.0, -1.0, float("inf")])
@pytest.mark.parametrize("errors", [None, [0.1, float("nan"), 0.1, 0.1]])
def test_what_has_no_logarithm_is_left_out_and_named(bad, errors):
    ax = plots.plot_curve([1, 2, 4, 8], [1.0, bad, 0.5, 0.25], errors, label="mine")
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [1, 4, 8])
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [1, 0.5, 0.25])
    assert notes(ax) == ["mine: no positive finite value at A = 2"]
    ax.figure.canvas.draw()


def test_nothing_is_said_where_nothing_is_left_out():
    assert not notes(plots.plot_sensitivity(PREDICTION))
    assert not notes(plots.plot_local_exponents([1, 2], [1, 2]))


def test_a_response_never_seen_leaves_the_rest_of_a_simulation():
    """No move of 8 images has reached the last layer: D_8 = 0."""
    net = sd.Network.uniform(2, 2, 8)
    m = sd.simulate(net, size=2**12, samples=8, rng=0)
    assert m.D[-1] == 0
    seen = m.D > 0
    for quantity in ("D", "R"):
        ax = plots.plot_sensitivity(m, quantity)
        np.testing.assert_array_equal(bars(ax)[0], m.A[seen])
        assert notes(ax)[0].startswith("simulation: no positive finite value at A = ")
    assert not notes(plots.plot_sensitivity(m, "G"))


def test_each_series_names_what_it_leaves_out_on_a_line_of_its_own(axes):
    for label, values in {"a": [1, 0], "b": [1, 1], "c": [0, 0]}.items():
        plots.plot_curve([1, 2], values, ax=axes, label=label)
    plots.plot_curve(np.arange(1, 10), np.zeros(9), ax=axes, color="red")
    assert [text.partition(":")[0] for text in notes(axes)] == ["a", "c", "left out"]
    assert notes(axes)[2].endswith("at A = 1, 2, 3, 4, ... (9 in all)")
    assert axes.texts[2].get_color() == "red"
    axes.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_local_exponents_next_to_a_zero_are_left_out():
    ax = plots.plot_local_exponents([1, 2, 4, 8, 16], [1.0, 2.0, 0.0, 8.0, 64.0])
    np.testing.assert_allclose(ax.lines[0].get_xdata(), np.sqrt([2, 128]))
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [1, 3])
    assert notes(ax) == ["left out: no positive finite value at A = 4"]


def test_slope_is_a_power_law_through_its_start(axes):
    axes.set(xscale="log", yscale="log")
    exponent = -sd.predict_exponents(kernel=6, stride=3).alpha
    assert plots.plot_slope(axes, exponent, (2, 5.0), 18) is axes
    (line,) = axes.lines
    x, y = line.get_data()
    np.testing.assert_allclose(x, [2, 6, 18])
    np.testing.assert_allclose(y, 5.0 * (x / 2) ** -(1 + np.log(2) / np.log(3)))
    assert [text.get_text() for text in axes.texts] == ["$-1.631$"]


def test_slope_label_and_style(axes):
    plots.plot_slope(axes, sympy.Rational(1, 2), (1, 1), 4, label="one half", color="red")
    assert axes.texts[0].get_text() == "one half"
    assert axes.texts[0].get_color() == axes.lines[0].get_color() == "red"


WRONG_TYPES = {
    r"result must be a Prediction, an": lambda: plots.plot_sensitivity(NET),
    r"layers must be a sequence of integers in \[0, 4\]; got 3": lambda: plots.plot_sensitivity(
        PREDICTION, layers=3
    ),
    r"layers\[0\] must be an integer in \[0, 4\]; got 1.0": lambda: plots.plot_sensitivity(
        PREDICTION, layers=[1.0]
    ),
    r"ax must be a .* Axes or None; got 3": lambda: plots.plot_sensitivity(PREDICTION, ax=3),
    r"comparison must be a Comparison": lambda: plots.plot_comparison(PREDICTION),
    r"comparison must be a FilterComparison": lambda: plots.plot_filters(COMPARISON),
    r"design must be a FilterDesign": lambda: plots.plot_design(FILTERS),
    r"measurement must be a Measurement": lambda: plots.plot_measurement(SPECTRUM),
    r"training must be a Training": lambda: plots.plot_training(SPECTRUM),
    r"spectrum must be a FilterSpectrum": lambda: plots.plot_filter_spectrum(None),
    r"prediction must be a TrainedPrediction": lambda: plots.plot_trained(MEASUREMENT),
    r"before must be a FilterSpectrum": lambda: plots.plot_filter_spectrum(SPECTRUM, MEASUREMENT),
    r"values must be .* got \['a'": lambda: plots.plot_curve([1, 2], ["a", "b"]),
    r"ax must be a matplotlib Axes; got None": lambda: plots.plot_slope(None, 1, (1, 1), 2),
    r"exponent must be a finite real number; got '1'": lambda: slope("1", (1, 1), 2),
}
WRONG_VALUES = {
    r"quantity must be one of 'D', 'G', 'R'; got 'Q'": lambda: plots.plot_sensitivity(
        PREDICTION, "Q"
    ),
    r"layers\[1\] must be an integer in \[0, 4\]; got 5": lambda: plots.plot_sensitivity(
        PREDICTION, layers=[0, 5]
    ),
    r"values must be 2 numbers; got shape \(1,\)": lambda: plots.plot_curve([1, 2], [1]),
    r"A must be .* > 0; got A\[1\] = 0": lambda: plots.plot_curve([1, 0], [1, 1]),
    r"values must be .* nan": lambda: plots.plot_curve([1, 2], [1, float("nan")]),
    r"errors must be 2 finite .* >= 0; got errors\[1\] = -1": lambda: plots.plot_curve(
        [1, 2], [1, 1], [1, -1]
    ),
    r"errors must be 2 finite numbers >= 0; got shape \(3,\)": lambda: plots.plot_curve(
        [1, 2], [1, 0], [1, 1, 1]
    ),
    r"values must be 2 numbers; got values\[0\] = nan": lambda: plots.plot_local_exponents(
        [1, 2], [float("nan"), 1]
    ),
    r"A must be a one-dimensional": lambda: plots.plot_curve([[1, 2]], [1, 1]),
    r"A must be strictly": lambda: plots.plot_local_exponents([2, 1], [1, 1]),
    r"start must be 2 finite numbers > 0; got start\[0\] = 0": lambda: slope(1, (0, 1), 2),
    r"end must be a finite real number > 0; got 0": lambda: slope(1, (1, 1), 0),
}


def slope(*arguments):
    return plots.plot_slope(Figure().add_subplot(), *arguments)


@pytest.mark.parametrize("message", [*WRONG_TYPES, *WRONG_VALUES])
def test_wrong_input_is_named(message):
    error = TypeError if message in WRONG_TYPES else ValueError
    with pytest.raises(error, match=message):
        (WRONG_TYPES | WRONG_VALUES)[message]()


def test_pyplot_is_neither_imported_nor_needed():
    code = (
        "import sys, scaledet as sd, scaledet.plots as plots\n"
        "assert not [name for name in sys.modules if name.startswith('matplotlib')]\n"
        "net = sd.Network.uniform(kernel=2, stride=2, depth=2)\n"
        "plots.plot_sensitivity(sd.predict(net, size=16))\n"
        "assert 'matplotlib.figure' in sys.modules\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_palette_is_distinct():
    assert len(set(plots.PALETTE)) == len(plots.PALETTE) == 7
