"""G of wide random networks against networks carried out, plain sampling, and exact cases."""

from __future__ import annotations

import numpy as np
import pytest

import scaledet as sd
from scaledet.reference.wide import WideNet
from tests.theory.wide.closeness import close

UNIFORM = sd.Network.uniform


def plain_noise(size, t, rectify, samples, bias_variance=0.0):
    """G_k Q_k of two layers of box 3 by brute force, and its standard error."""
    taps = (1 - t) * np.eye(3) / 3 + t * np.ones((3, 3)) / 9
    net = WideNet([(taps, 1), (taps, 2)], bias_variance=bias_variance)
    rng = np.random.default_rng(8)
    values = []
    for _ in range(samples):
        x = np.eye(size)[rng.integers(size)]
        eta = np.sqrt(2 / size) * rng.standard_normal(size)
        noisy = x + (np.maximum(eta, 0) if rectify == "noise" else eta)
        values.append(net.distance(x, np.maximum(noisy, 0) if rectify == "input" else noisy))
    return np.mean(values, axis=0), np.std(values, axis=0) / np.sqrt(samples)


@pytest.mark.parametrize("rectify", ["layers", "input", "noise"])
@pytest.mark.parametrize(("t", "bias_variance"), [(0, 0), (0, 0.4), (0.6, 0), (0.6, 0.4), (1, 0)])
@pytest.mark.parametrize("size", [6, 16])
def test_noise_is_that_of_brute_force(size, t, bias_variance, rectify):
    """Size 6 is as large as the windows, 16 is reduced to them."""
    net = sd.Network([sd.Layer(3), sd.Layer(3, 2)])
    p = sd.predict_wide(
        net, size=size, pooling=t, rectify=rectify, bias_variance=bias_variance, rng=1
    )
    mean, error = plain_noise(size, t, rectify, 1200, bias_variance)
    assert (abs(p.G * p.Q - mean) < 4 * np.hypot(error, p.G_err * p.Q)).all()
    assert (p.G_err <= 0.005 * p.G).all()


def test_the_error_of_noise_is_its_scatter():
    net = UNIFORM(3, depth=3)
    runs = [
        sd.predict_wide(net, size=24, pooling=0.7, noise_error=0.02, rng=seed) for seed in range(40)
    ]
    scatter = np.std([run.G for run in runs], axis=0)[1:]
    stated = np.mean([run.G_err for run in runs], axis=0)[1:]
    assert (abs(scatter / stated - 1) < 0.45).all()  # four standard errors of 40 values
    assert len({run.G[3] for run in runs}) == 40
    again = sd.predict_wide(net, size=24, pooling=0.7, noise_error=0.02, rng=3)
    assert (again.G == runs[3].G).all()


def test_noise_before_training_does_not_pile_up():
    """Box 3, stride 1, N = 48: 1.03 to 1.07, where common filters give 1.6."""
    net = UNIFORM(3, depth=6)
    before = sd.predict_wide(net, size=48, rng=0).G[1:]
    assert 1.028 < before.min() < before.max() < 1.072
    assert sd.predict_wide(net, size=48, pooling=1, rng=0).G[6] > 1.5


def test_noise_that_enters_unrectified_is_not_that_of_the_model():
    net = UNIFORM(3, depth=4)
    wide = sd.predict_wide(net, size=24, pooling=1, rng=0)
    model = sd.predict(net, size=24, rectify="layers")
    assert close(wide.D, model.D, 1e-10)
    assert (wide.G[1:] > 1.1 * model.G[1:]).all()


def test_linear_networks_follow_the_transition_operator():
    """Without ReLU, c_k+1(m) = sum_n A(m - s n) c_k(n), A(m) = sum_f C_ff+m, last layer first."""
    size, strides = 24, (1, 2, 1)
    matrix = np.array([[2.0, 0.3, -0.2], [0.3, 1.0, 0.4], [-0.2, 0.4, 0.7]])
    correlation = {m: np.trace(matrix, m) for m in range(-2, 3)}
    net = sd.Network([sd.Layer(3, stride) for stride in strides])
    p = sd.predict_wide(net, size=size, tap_covariances=[matrix] * 3, rectify=None)
    for k in range(4):
        c = {0: 1.0}
        for stride in reversed(strides[:k]):
            before, c = c, {}
            for n, value in before.items():
                for m, a in correlation.items():
                    c[m + stride * n] = c.get(m + stride * n, 0.0) + a * value
        outputs = 1 / np.prod(strides[:k])
        assert p.G[k] * p.Q[k] == pytest.approx(2 * c[0] * outputs, rel=1e-12)
        distance = 2 * outputs * (c[0] - sum(c.values()) / size)
        assert p.Q[k] == pytest.approx(distance, rel=1e-12)
        drop = 2 * outputs * (c[0] - c.get(1, 0.0))
        assert p.D[k] == pytest.approx(drop / distance, rel=1e-12)
    assert not p.G_err.any()


def test_the_stated_error_is_asked_for():
    net = UNIFORM(3, depth=2)
    fine = sd.predict_wide(net, size=24, pooling=0.5, noise_error=0.001, rng=0)
    assert (fine.G_err <= 0.001 * fine.G).all()


def test_long_runs_are_announced():
    net = UNIFORM(3, depth=9, dim=2)
    with (
        pytest.raises(UserWarning, match=r"Q, by pairs .* will take about .* minutes"),
    ):
        sd.predict_wide(net, size=64, pooling=0.5, rng=0)
