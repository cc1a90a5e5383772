"""Filters by modes of the grid Laplacian, against its dense matrix and known filters."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd

torch = pytest.importorskip("torch")
nn = torch.nn
filter_spectrum = sd.measure.filter_spectrum

from scaledet.measure.filter_spectrum import _modes  # noqa: E402


def laplacian(sides):
    """The dense matrix of the graph Laplacian of a grid of taps."""
    places = list(np.ndindex(*sides))
    matrix = np.zeros((len(places),) * 2)
    for i, first in enumerate(places):
        for j, second in enumerate(places):
            if sum(abs(a - b) for a, b in zip(first, second, strict=True)) == 1:
                matrix[i, j] -= 1
                matrix[i, i] += 1
    return matrix


@pytest.mark.parametrize("sides", [(1,), (2,), (5,), (3, 3), (2, 4), (1, 3), (2, 3, 2)])
def test_modes_are_eigenvectors_of_the_grid_laplacian(sides):
    modes, matrix = _modes(sides), laplacian(sides)
    np.testing.assert_allclose(modes @ modes.T, np.eye(len(matrix)), atol=1e-12)
    values = np.einsum("kf,fg,kg->k", modes, matrix, modes)
    np.testing.assert_allclose(matrix @ modes.T, modes.T * values, atol=1e-12)
    assert (np.diff(values) > -1e-12).all()
    assert values[0] == pytest.approx(0, abs=1e-12)
    assert np.ptp(modes[0]) < 1e-12


def drawn(covariance, sides, rng, channels=(400, 100), scale=2.0):
    """A convolution whose weights have the given tap covariance and variance `scale`."""
    kind = (nn.Conv1d, nn.Conv2d)[len(sides) - 1]
    layer = kind(channels[1], channels[0], sides)
    factor = np.linalg.cholesky(covariance + 1e-12 * np.eye(len(covariance)))
    weights = rng.standard_normal((channels[0] * channels[1], len(covariance))) @ factor.T
    weights *= np.sqrt(scale / channels[1])
    layer.weight.data = torch.tensor(weights.reshape(*channels, *sides))
    return layer


@pytest.mark.parametrize("sides", [(3,), (5,), (3, 3)])
@pytest.mark.parametrize("t", [0.0, 0.5, 0.9, 1.0])
def test_covariance_and_share_of_pooling_are_recovered(sides, t):
    taps = int(np.prod(sides))
    covariance = (1 - t) * np.eye(taps) / taps + t / taps**2
    spectrum = filter_spectrum(
        nn.Sequential(drawn(covariance, sides, np.random.default_rng(1))), layers=["0"]
    )
    (matrix,) = spectrum.tap_covariances
    scale = np.trace(covariance)
    # 40000 pairs of channels: entries are known to 1/200 of the variance of a tap.
    np.testing.assert_allclose(matrix, covariance / scale, atol=5 / 200 / taps)
    assert np.trace(matrix) == pytest.approx(1)
    assert spectrum.weight_variance[0] == pytest.approx(2 * scale, rel=0.03)
    assert spectrum.share[0] == pytest.approx(1 / (taps * (1 - t) + t), rel=0.03)
    # t = (F - 1/share)/(F - 1): an error of 0.7 % of the share is one of F/(F - 1) as much.
    assert spectrum.t[0] == pytest.approx(t, abs=0.04)
    assert spectrum.shares[0].sum() == pytest.approx(1)
    assert spectrum.kernels == (sides,)


def test_high_pass_and_single_taps():
    model = nn.Sequential(nn.Conv1d(1, 1, 2), nn.Conv1d(1, 1, 2), nn.Conv1d(1, 3, 1, bias=False))
    model[0].weight.data = torch.tensor([[[1.0, -1.0]]])
    model[1].weight.data = torch.tensor([[[2.0, -1.0]]])
    nn.init.constant_(model[0].bias, 3.0)
    spectrum = filter_spectrum(model)
    assert spectrum.t == (None, pytest.approx(2 - 10), None)
    assert spectrum.share.tolist() == pytest.approx([0, 0.1, 1])
    assert spectrum.bias_variance[[0, 2]].tolist() == [9, 0]
    assert spectrum.weight_variance[:2].tolist() == [2, 5]
    assert repr(spectrum).count(" - ") == 2


def test_initialisation_and_which_layers():
    model = nn.Sequential(
        nn.Conv2d(3, 64, 3), nn.ReLU(), nn.Conv2d(64, 64, 3, groups=4), nn.ConvTranspose2d(64, 3, 2)
    )
    for layer in (model[0], model[2]):
        nn.init.kaiming_normal_(layer.weight)
    spectrum = filter_spectrum(model)
    assert spectrum.layers == ("0", "2")
    np.testing.assert_allclose(spectrum.weight_variance, 2, rtol=0.1)
    np.testing.assert_allclose(spectrum.share, 1 / 9, rtol=0.15)
    assert filter_spectrum(model, layers=["2", "0"]).layers == ("2", "0")
    assert filter_spectrum(model, layers=lambda name, _: name == "2").layers == ("2",)


@pytest.mark.parametrize(
    ("model", "layers", "words"),
    [
        (nn.Sequential(nn.Linear(2, 2)), None, "model must have a convolution .* Linear"),
        (nn.Sequential(nn.Linear(2, 2)), ["0"], r"weights \[out, in, \*kernel\]; '0' is none"),
        (nn.Sequential(nn.Conv1d(1, 1, 2)), ["1"], "layers must be names of modules; got '1'"),
        (nn.Sequential(nn.Conv1d(1, 1, 2)), "0", "layers must be names or a predicate"),
        (nn.Sequential(nn.Conv1d(1, 1, 2)), lambda *_: False, "choose at least one module"),
        ({"0.weight": 1}, None, "got a state dict"),
    ],
)
def test_bad_arguments_are_refused(model, layers, words):
    with pytest.raises(ValueError, match=words):
        filter_spectrum(model, layers=layers)


@pytest.mark.parametrize("weight", [0.0, float("nan")])
def test_weights_without_a_spectrum_are_refused(weight):
    model = nn.Sequential(nn.Conv1d(1, 1, 2))
    nn.init.constant_(model[0].weight, weight)
    with pytest.raises(ValueError, match="not all 0; '0' has not"):
        filter_spectrum(model)
