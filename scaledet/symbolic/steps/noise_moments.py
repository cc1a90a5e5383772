r"""Derive mean and variance of Gaussian noise that has passed a ReLU.

.. math:: E\,\mathrm{relu}(m + \sigma Z) = m\,\Phi(m/\sigma) + \sigma\,\varphi(m/\sigma), \qquad
          E\,\mathrm{relu}(m + \sigma Z)^2 = (m^2 + \sigma^2)\,\Phi(m/\sigma)
          + m \sigma\,\varphi(m/\sigma)

Source: elementary integrals, evaluated by SymPy and confronted with quadrature.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.symbolic.derivation import Step
from scaledet.symbolic.routes.noise import MOMENTS_CHECK
from scaledet.symbols import sigma, w


@lru_cache
def rectified_moments() -> tuple[Any, Any]:
    """E relu(m + sigma Z) and E relu(m + sigma Z)^2, integrated above the kink at w = -m/sigma.

    >>> rectified_moments()[1].subs(y.height, 0)
    sigma**2/2
    """
    density = sp.exp(-(w**2) / 2) / sp.sqrt(2 * sp.pi)

    def moment(order: int) -> Any:
        integrand = (y.height + sigma * w) ** order * density
        value = sp.integrate(integrand, (w, -y.height / sigma, sp.oo))
        return sp.expand(sp.expand(sp.simplify(value)).rewrite(sp.erf))

    return moment(1), moment(2)


def perturbation_moments(rectify: str | None) -> dict[Any, Any]:
    """Return mean and variance of the perturbation of a background and of an active pixel.

    Both pixels agree unless ``rectify="input"``; linear noise needs neither.

    >>> perturbation_moments("noise")
    {mu_1: sqrt(2)*sigma/(2*sqrt(pi)), v_0: sigma**2*(-1 + pi)/(2*pi)}
    """
    if rectify is None:
        return {}
    first, second = rectified_moments()
    mean = first.subs(y.height, 0)
    moments = {y.mu_1: mean, y.v_0: sp.simplify(second.subs(y.height, 0) - mean**2)}
    if rectify == "input":
        moments[y.active_mean] = sp.expand(first.subs(y.height, 1) - 1)
        square = sp.expand(second.subs(y.height, 1))
        moments[y.active_variance] = square - (1 + y.active_mean) ** 2
    return moments


def moment_steps(rectify: str | None) -> tuple[Step, ...]:
    """Derive the moments that the noise has when it enters the linear part of the network.

    >>> [str(step.expression.lhs) for step in moment_steps("noise")]
    ['mu_1', 'v_0']
    """
    if rectify is None:
        return ()
    first, second = rectified_moments()
    explicit = perturbation_moments(rectify)
    height = y.height if rectify == "input" else sp.Integer(0)
    steps = (
        Step(
            "The mean of a rectified Gaussian variable, with $Z$ standard normal.",
            sp.Eq(y.rectified(1, height, sigma), first.subs(y.height, height)),
            "the integral runs over $w > -m/\\sigma$ only, where the ReLU does nothing. With the "
            "normal density $\\varphi$ and $\\Phi(x) = (1 + \\mathrm{erf}(x/\\sqrt{2}))/2$ it is "
            "$m\\, \\Phi(m/\\sigma) + \\sigma\\, \\varphi(m/\\sigma)$.",
            MOMENTS_CHECK,
        ),
        Step(
            "Its mean square.",
            sp.Eq(y.rectified(2, height, sigma), second.subs(y.height, height)),
            "the same integral with the square of $m + \\sigma w$ gives "
            "$(m^2 + \\sigma^2)\\, \\Phi(m/\\sigma) + m \\sigma\\, \\varphi(m/\\sigma)$.",
            MOMENTS_CHECK,
        ),
        Step(
            "A background pixel receives noise of mean $\\mu_1$: the ReLU has turned it positive.",
            sp.Eq(y.mu_1, explicit[y.mu_1]),
            "this is the first moment at $m = 0$.",
            MOMENTS_CHECK,
        ),
        Step(
            "It fluctuates about this mean with variance $v_0$.",
            sp.Eq(y.v_0, explicit[y.v_0]),
            "half of the $\\sigma^2$ survives the ReLU, and the square of the mean is taken off.",
            MOMENTS_CHECK,
        ),
    )
    if rectify == "noise":
        return steps[2:]
    return (
        *steps,
        Step(
            "The active pixel is perturbed by $\\mathrm{relu}(1 + \\sigma Z) - 1$, of mean $m_a$.",
            sp.Eq(y.active_mean, explicit[y.active_mean]),
            "this is the first moment at $m = 1$. For weak noise it is exponentially small: the "
            "ReLU acts only if the noise switches the pixel off.",
            MOMENTS_CHECK,
        ),
        Step(
            "The variance of that perturbation, $v_a$.",
            sp.Eq(y.active_variance, explicit[y.active_variance]),
            "it is the second moment at $m = 1$ without the square of the mean; for weak noise "
            "$v_a$ tends to $\\sigma^2$, as if there were no ReLU.",
            MOMENTS_CHECK,
        ),
    )
