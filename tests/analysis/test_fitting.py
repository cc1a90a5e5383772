"""Power-law fits: right on power laws, refusing on anything else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import kstest

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


def test_only_the_window_is_checked() -> None:
    """Zeros, nan and negative numbers outside change nothing; inside they are named."""
    values, errors = 3 / A, 0.03 / A
    wide = sd.fit_exponent(A[1:5], values[1:5], errors[1:5])
    for name, bad in [("values", 0), ("values", math.nan), ("errors", 0), ("A", -1)]:
        arrays = {"A": A.copy(), "values": values.copy(), "errors": errors.copy()}
        for index in (0, 5, 7):
            arrays[name][index] = bad
        fit = sd.fit_exponent(**arrays, window=(1, 4))
        assert (fit.slope, fit.error, fit.window) == (wide.slope, wide.error, (1, 4))
        with pytest.raises(ValueError, match=rf"{name} must be .*; got {name}\[5\] = "):
            sd.fit_exponent(**arrays, window=(1, 5))
    covariance = np.diag(errors**2)
    covariance[0, 3] = covariance[7, 7] = math.inf
    again = sd.fit_exponent(A, values, covariance, window=(1, 4))
    assert again.error == pytest.approx(wide.error, rel=1e-12)
    with pytest.raises(ValueError, match=r"errors must be finite.*errors\[7, 7\] = inf"):
        sd.fit_exponent(A, values, covariance, window=(1, 7))


def test_windows_count_from_the_end_as_python_does() -> None:
    for window, expected in {(-4, -1): (4, 7), (1, -2): (1, 6), (-8, 7): (0, 7)}.items():
        assert sd.fit_exponent(A, 1 / A, 0.1 / A, window).window == expected


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e200, 1e300])
def test_no_scale_is_too_small_or_too_large(scale: float) -> None:
    law = 5 * A**-1.3
    usual = sd.fit_exponent(A, law, 0.01 * law)
    scaled = sd.fit_exponent(A, scale * law, scale * 0.01 * law)
    assert scaled.slope == pytest.approx(usual.slope, rel=1e-12)
    assert scaled.error == pytest.approx(usual.error, rel=1e-12)
    assert scaled.amplitude == pytest.approx(5 * scale, rel=1e-9)
    if 1e-150 < scale**0.5 < 1e150:  # a covariance of the square of this scale
        half = scale**0.5
        covariance = np.diag((half * 0.01 * law) ** 2)
        assert sd.fit_exponent(A, half * law, covariance).error == pytest.approx(usual.error)


def test_without_errors_the_scatter_gives_them() -> None:
    """Pulls over 400 noisy copies follow Student's t."""
    rng = np.random.default_rng(1)
    fits = [sd.fit_exponent(A, 5 * A**-1.3 * np.exp(0.02 * rng.normal(size=8))) for _ in range(400)]
    pulls = np.array([(fit.slope + 1.3) / fit.error for fit in fits])
    assert kstest(pulls, "t", (6,)).pvalue > 1e-3
    # Errors that are half as large again would be noticed.
    assert kstest(pulls / 1.5, "t", (6,)).pvalue < 1e-3
    fit = fits[0]
    assert (fit.chi2, fit.p_value, fit.dof) == (None, None, 6)
    assert "(error from the scatter, 6 dof; not tested)" in repr(fit)
    assert sd.fit_exponent(A, A**2.0).error < 1e-12


def test_an_estimated_covariance_costs_what_rao_says() -> None:
    """20 blocks determine the covariance of 6 layers: fits that know it reject as they say."""
    rng = np.random.default_rng(2)
    x, factor = A[:6], 0.05 * np.tril(np.ones((6, 6)))
    fits: dict[int | None, list[sd.ExponentFit]] = {None: [], 20: []}
    for _ in range(400):
        samples = 2 / x * (1 + rng.normal(size=(20, 6)) @ factor.T)
        covariance = np.cov(samples.T) / 20
        for blocks, results in fits.items():
            results.append(
                sd.fit_exponent(x, samples.mean(axis=0), covariance, blocks=blocks, reject=0)
            )
    p_values = {blocks: [fit.p_value for fit in results] for blocks, results in fits.items()}
    assert kstest(p_values[20], "uniform").pvalue > 1e-3
    assert kstest(p_values[None], "uniform").pvalue < 1e-6
    spread = np.std([fit.slope for fit in fits[20]])
    errors = {b: math.sqrt(np.mean([fit.error**2 for fit in fits[b]])) for b in fits}
    assert spread / errors[20] == pytest.approx(1, abs=0.12)
    assert spread / errors[None] > 1.2


def test_the_bend_of_finite_images_is_taken_from_the_theory() -> None:
    """The corrected fit of simulated D is refused as rarely as it says, the plain one is not.

    740 and 3000 runs of the example in the README, with 20000 images of 1024 pixels: of plain fits
    9 and 33 were refused, of corrected ones 2 and 4; nominal are 1 in 1000.
    """
    net = sd.Network.uniform(2, 2, 4)
    truth = sd.predict(net, size=64)
    bend = truth.D / sd.predict(net).D
    plain, corrected = [], []
    for seed in range(100):
        m = sd.simulate(net, size=64, samples=10_000, rng=seed)
        data = (m.A, m.D, m.covariance[:5, :5], (1, -1))
        options = {"blocks": m.blocks, "reject": 0}
        plain.append(sd.fit_exponent(*data, **options))
        corrected.append(sd.fit_exponent(*data, correction=bend, **options))
    assert kstest([fit.p_value for fit in corrected], "uniform").pvalue > 1e-3
    assert kstest([fit.p_value for fit in plain], "uniform").pvalue < 1e-6
    pulls = np.array([(fit.slope + 1) / fit.error for fit in corrected])
    assert abs(pulls.mean()) < 4 / math.sqrt(100)
    assert abs(pulls.std() - 1) < 0.25
    assert "k = 1 ... 4, corrected (chi2 = " in repr(corrected[0])
    # The law of values / correction, with the values' own relative errors.
    assert corrected[0].corrected
    assert not plain[0].corrected
    by_hand = sd.fit_exponent(truth.A, truth.D / bend, 0.1 * truth.D / bend)
    assert sd.fit_exponent(truth.A, truth.D, 0.1 * truth.D, correction=bend).error == (
        pytest.approx(by_hand.error)
    )
    assert by_hand.slope == pytest.approx(-1, abs=1e-9)


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
        ({"errors": 0.1}, ValueError, r"errors must have shape \[8\] or \[8, 8\]; got \(\)"),
        ({"errors": np.diag(A - 2)}, ValueError, r"errors must be .*; got errors\[0, 0\] = -1"),
        (
            {"errors": np.diag(A * math.inf)},
            ValueError,
            r"errors must be finite.*errors\[0, 0\] = inf",
        ),
        ({"errors": np.eye(8) + np.eye(8, k=1)}, ValueError, r"symmetric.*got errors\[0, 1\] = 1"),
        ({"reject": 1}, ValueError, r"reject must be below 1; got 1.0"),
        ({"window": (2, 3)}, ValueError, r"window must hold at least 3 of the 8 layers"),
        ({"window": (0, 8)}, ValueError, r"window\[1\] must be an integer in \[-8, 7\]; got 8"),
        ({"window": (-9, 5)}, ValueError, r"window\[0\] must be an integer in \[-8, 7\]; got -9"),
        ({"window": (0, -7)}, ValueError, r"window must hold at least 3 .*got \(0, 1\)"),
        ({"window": (0.0, 5)}, TypeError, r"window\[0\] must be an integer"),
        ({"window": 5}, TypeError, r"window must be a pair of indices"),
        ({"reject": -1.0}, ValueError, r"reject must be .* >= 0; got -1.0"),
        ({"correction": A[:7]}, ValueError, r"correction must have shape \[8\]; got \(7,\)"),
        ({"correction": 0 * A}, ValueError, r"correction must be .* > 0; got correction\[0\] = 0"),
        ({"correction": "x"}, TypeError, r"correction must be an array of numbers"),
        ({"blocks": 99}, ValueError, r"blocks must be left out unless errors is a cov.*got 99"),
        (
            {"blocks": 8, "errors": np.diag(0.01 * A**2)},
            ValueError,
            r"blocks must be an integer >= 9; got 8",
        ),
        ({"A": 1e99 * A, "values": A**9, "errors": 0.1 * A**9}, ValueError, r"A must be in units"),
        ({"xmin": 1}, TypeError, r"unexpected keyword argument 'xmin'"),
    ],
)
def test_bad_arguments(arguments: dict, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        sd.fit_exponent(**{"A": A, "values": A, "errors": 0.1 * A, **arguments})
