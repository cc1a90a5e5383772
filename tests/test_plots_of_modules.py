"""Plots of networks that are measured or trained show exactly the numbers of the results."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd
from scaledet import plots
from tests.drawn import MEASUREMENT, SPECTRUM, TRAINED, TRAINING, bars, model


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


def test_all_modes_stand_side_by_side_at_their_layer():
    """Kernels of 3 and of 2 taps: three and two points, the lines of the layers apart."""
    before = sd.measure.filter_spectrum(model(1))
    ax = plots.plot_filter_spectrum(SPECTRUM, before, modes="all")
    independent, *both = ax.lines
    assert independent.get_ydata().tolist() == pytest.approx(
        [*[1 / 3] * 3, np.nan, *[1 / 2] * 2], nan_ok=True
    )
    for line, spectrum in zip(both, (before, SPECTRUM), strict=True):
        first, second = spectrum.shares
        np.testing.assert_array_equal(line.get_ydata(), [*first, np.nan, *second])
        places = line.get_xdata()
        assert (np.diff(places[[0, 1, 2, 4, 5]]) > 0.2).all()
        assert abs(places - [0, 0, 0, 0, 1, 1]).max() < 0.5
    with pytest.raises(ValueError, match="modes must be one of 'constant', 'all'; got 'some'"):
        plots.plot_filter_spectrum(SPECTRUM, modes="some")


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
