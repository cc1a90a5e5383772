"""Power-law fits: right on power laws, refusing on anything else."""

from __future__ import annotations

import math

import numpy as np
import pytest

import scaledet as sd

A = 2.0 ** np.arange(8)


def test_pure_power_law_is_recovered_with_its_error() -> None:
    """Over 400 noisy copies the pulls have mean 0 and width 1, and p-values reject as often as
    they say."""
    rng = np.random.default_rng(0)
    errors = 0.02 * 5 * A**-1.3
    fits = []
    refused = 0
    for _ in range(400):
        try:
            fits.append(sd.fit_exponent(A, 5 * A**-1.3 + errors * rng.normal(size=8), errors))
        except sd.FitError:
            refused += 1
    pulls = np.array([(fit.slope + 1.3) / fit.error for fit in fits])
    assert abs(pulls.mean()) < 4 / math.sqrt(400)
    assert abs(pulls.std() - 1) < 0.15
    assert refused <= 4
    assert all(fit.dof == 6 for fit in fits)
    assert math.isclose(np.mean([fit.amplitude for fit in fits]), 5, rel_tol=0.01)


def test_errors_are_those_of_the_normal_equations() -> None:
    fit = sd.fit_exponent(A, A**2.0, 0.1 * A**2)
    x = np.log(A)
    assert math.isclose(fit.error, 0.1 / math.sqrt(((x - x.mean()) ** 2).sum()), rel_tol=1e-10)
    assert math.isclose(fit(8.0), 64, rel_tol=1e-12)
    assert fit.window == (0, 7)
    assert "slope = 2" in repr(fit)


def test_covariance_counts() -> None:
    """A fully shared scale error leaves the slope certain."""
    values = 3 * A**-1
    shared = np.outer(values, values) * 0.1**2 + np.diag((1e-4 * values) ** 2)
    tight = sd.fit_exponent(A, values, shared)
    loose = sd.fit_exponent(A, values, np.sqrt(np.diag(shared)))
    assert tight.error < loose.error / 100
    diagonal = sd.fit_exponent(A, values, np.diag((0.01 * values) ** 2))
    assert math.isclose(diagonal.error, sd.fit_exponent(A, values, 0.01 * values).error)


def test_correction_term_is_refused_and_the_asymptotic_window_accepted() -> None:
    values = A * (1 + 3 / A**2)
    with pytest.raises(sd.FitError, match="values must follow a power law") as caught:
        sd.fit_exponent(A, values, 0.01 * values)
    assert caught.value.window == (0, 7)
    assert caught.value.slope < 1
    assert caught.value.error > 0
    assert caught.value.p_value < 1e-3
    assert caught.value.dof == 6
    late = sd.fit_exponent(A, values, 0.01 * values, window=(4, 7))
    assert abs(late.slope - 1) < 4 * late.error


@pytest.mark.parametrize("law", [np.exp, lambda x: 1 + np.log(x), lambda x: 1 + 0.3 * (x % 3)])
def test_no_power_law_is_refused(law) -> None:
    values = law(np.linspace(1, 5, 8))
    with pytest.raises(sd.FitError):
        sd.fit_exponent(np.linspace(1, 5, 8), values, 0.001 * values)


def test_early_layers_misread_beta() -> None:
    """G_k has a crossover: an accurate fit over few layers refuses, or reads too little."""
    p = sd.predict(sd.Network.uniform(2, 2, 12))
    beta = float(sd.predict_exponents(kernel=2, stride=2).beta)
    early = sd.fit_exponent(p.A, p.G, 0.1 * p.G, window=(0, 3))
    assert early.slope < beta - 0.4
    with pytest.raises(sd.FitError):
        sd.fit_exponent(p.A, p.G, 0.01 * p.G, window=(0, 6))
    late = sd.fit_exponent(p.A, p.G, 1e-2 * p.G, window=(8, 12))
    assert abs(late.slope - beta) < 0.01


def test_local_exponents() -> None:
    np.testing.assert_allclose(sd.local_exponents(A, 7 * A**-1.6), -1.6, rtol=1e-12)
    p = sd.predict(sd.Network.uniform(2, 2, 20))
    slopes = sd.local_exponents(p.A, p.G)
    assert (np.diff(slopes) > 0).all()
    assert abs(slopes[-1] - 1) < 1e-4


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"A": A[::-1]}, ValueError, r"A must be strictly increasing; got A\[1\] = 64"),
        ({"A": A[:5]}, ValueError, r"values must have the length of A, 5; got 8"),
        ({"A": "abc"}, TypeError, r"A must be a one-dimensional array"),
        ({"A": A.reshape(2, 4)}, ValueError, r"A must be .*; got shape \(2, 4\)"),
        ({"values": -A}, ValueError, r"values must be .* > 0; got values\[0\] = -1"),
        ({"values": A * math.nan}, ValueError, r"values must be .*got values\[0\] = nan"),
        ({"errors": 0 * A}, ValueError, r"errors must be .* > 0; got errors\[0\] = 0"),
        ({"errors": A[:3]}, ValueError, r"errors must have shape \[8\] or \[8, 8\]"),
        ({"errors": 0.5 * A}, ValueError, r"errors must be at most 30% of values.*got 50%"),
        ({"errors": np.ones((8, 8)) * 1e-4}, ValueError, r"positive definite"),
        ({"errors": None}, ValueError, r"errors must have shape \[8\] or \[8, 8\]; got \(\)"),
        ({"errors": np.diag(A - 2)}, ValueError, r"errors must be .*; got errors\[0, 0\] = -1"),
        (
            {"errors": np.diag(A * math.inf)},
            ValueError,
            r"errors must be finite.*errors\[0, 0\] = inf",
        ),
        ({"errors": np.eye(8) + np.eye(8, k=1)}, ValueError, r"symmetric.*got errors\[0, 1\] = 1"),
        ({"reject": 1}, ValueError, r"reject must be below 1; got 1.0"),
        ({"window": (2, 3)}, ValueError, r"window must hold at least 3 of the 8 layers"),
        ({"window": (0, 8)}, ValueError, r"window\[1\] must be an integer in \[0, 7\]; got 8"),
        ({"window": (0.0, 5)}, TypeError, r"window\[0\] must be an integer"),
        ({"window": 5}, TypeError, r"window must be a pair of indices"),
        ({"reject": -1.0}, ValueError, r"reject must be .* >= 0; got -1.0"),
        ({"xmin": 1}, TypeError, r"unexpected keyword argument 'xmin'"),
    ],
)
def test_bad_arguments(arguments: dict, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        sd.fit_exponent(**{"A": A, "values": A, "errors": 0.1 * A, **arguments})
