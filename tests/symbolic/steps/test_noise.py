"""The derivation of G_k, and the small tori it is held to."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import sympy as sp

import scaledet as sd
from scaledet import symbols as y
from scaledet.reference.noise import NoiseLaw, gaussian_sensitivity
from scaledet.reference.quadrature import gaussian_moments
from scaledet.reference.torus import Torus
from scaledet.symbolic.routes.noise import MOMENTS
from scaledet.symbolic.steps.noise import (
    PAGE,
    finite_noise,
    geometry_steps,
    noise_law,
    noise_steps,
)
from scaledet.symbols import L, c, d, k
from scaledet.theory.noise.input import noise_moments
from tests import dense as reference

MODES = ("input", "noise", None)
SKEW = [([1, 2, 4], 2), ([3, 1, 0, 2], 3)]


@pytest.mark.parametrize("rectify", MODES)
@pytest.mark.parametrize("dim", [d, 1, 2, 3])
def test_every_step_is_confirmed(rectify, dim):
    steps = noise_steps(rectify, dim)
    assert all(step.verify() for step in steps)
    assert all(step.status == "proved" for step in steps)


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("rectify", MODES)
def test_symbolic_dimension_contains_every_number(rectify, dim):
    general, special = noise_steps(rectify, d), noise_steps(rectify, dim)
    assert len(general) == len(special)
    for symbolic, numeric in zip(general, special, strict=True):
        difference = symbolic.expression.rhs.subs(d, dim) - numeric.expression.rhs
        assert sp.simplify(sp.powdenest(difference, force=True)) == 0


def test_law_of_piling_up():
    piled = (sp.pi - 1) / (2 * sp.pi) + 1 / (2 * sp.pi * c(k, 0) ** d)
    for rectify, law in (("input", piled), ("noise", piled), (None, 1)):
        claim = noise_steps(rectify, d)[-1].expression
        assert claim.lhs == y.G(k)
        assert sp.simplify(claim.rhs - law) == 0


@pytest.mark.parametrize("rectify", MODES)
@pytest.mark.parametrize("dim", [d, 1, 2, 3])
def test_filters_cite_the_law(rectify, dim):
    cited, derived = noise_law(rectify, dim), noise_steps(rectify, dim)[-1]
    assert cited.expression == derived.expression
    assert cited.verify() == derived.verify()
    assert PAGE in cited.justification


@pytest.mark.parametrize("rectify", MODES)
@pytest.mark.parametrize("dim", [1, 2])
def test_engine_agrees_on_the_infinite_lattice_and_at_finite_size(rectify, dim):
    network = sd.Network([sd.Layer([1, 2, 1], 2), sd.Layer(3), sd.Layer(2, 2)], dim=dim)
    size, width = 48, 0.7
    finite = finite_noise(rectify, dim).expression.rhs
    endless = noise_steps(rectify, dim)[-1].expression.rhs
    at_size = sd.predict(network, size=size, rectify=rectify, sigma=width)
    at_infinity = sd.predict(network, rectify=rectify)
    line = Torus([([1, 2, 1], 2), ([1, 1, 1], 1), ([1, 1], 2)], size)
    moments = dict(zip(MOMENTS, noise_moments(width, rectify), strict=True))
    for depth in range(4):
        known = {c(k, 0): sp.Rational(*line.correlation(depth, 0).as_integer_ratio())}
        assert math.isclose(float(endless.subs(known)), at_infinity.G[depth], rel_tol=1e-12)
        exact = finite.subs(known | moments | {L: size**dim, y.sigma: width})
        assert math.isclose(float(exact), at_size.G[depth], rel_tol=1e-11)


def test_noise_is_made_once():
    assert noise_steps("input", d) is noise_steps("input", y.d)
    assert [str(step.expression.lhs) for step in geometry_steps(2)][-1] == "Q(k)"


@pytest.mark.parametrize("rectify", ["layers", "output"])
def test_unknown_noise_is_refused(rectify):
    for build in (noise_steps, noise_law):
        with pytest.raises(ValueError, match="rectify"):
            build(rectify, d)


@pytest.mark.parametrize(
    ("dim", "error"), [(4, ValueError), (0, ValueError), (True, TypeError), ("d", TypeError)]
)
def test_unknown_dimension_is_refused(dim, error):
    for build in (noise_steps, noise_law):
        with pytest.raises(error, match="dim"):
            build("input", dim)


@pytest.mark.parametrize("rectify", MODES)
def test_gaussian_noise_against_the_reference(rectify):
    width, size = 0.8, 12
    torus, moments = Torus(SKEW, size), gaussian_moments(width, rectify)
    expected = reference.one_pixel_noise(SKEW, size, 1, width, rectify)
    for depth, parts in enumerate(expected):
        distance = float(torus.distance(depth))
        pooled = np.array(gaussian_sensitivity(torus, depth, moments)) * distance
        assert np.allclose(pooled, parts, rtol=1e-11, atol=1e-15)


def test_only_the_relu_of_the_input_changes_enumerated_noise():
    torus, law = Torus(SKEW, 6), NoiseLaw([(-3, 1), (2, 2)], unit=2)
    biased = Torus(SKEW, 6, biases=(5, 2))
    for rectify in ("input", "noise"):
        energies = [law.energy(torus, depth, rectify) for depth in range(3)]
        assert energies == [law.energy(biased, depth, rectify) for depth in range(3)]
        assert energies != [law.energy(torus, depth, None) for depth in range(3)]


def test_derivation_never_loads_the_simulation():
    code = (
        "import sys; from scaledet.symbolic.steps.noise import noise_steps\n"
        "noise_steps('noise', 1)\n"
        "print([m for m in sys.modules if 'scaledet.simulation' in m])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
