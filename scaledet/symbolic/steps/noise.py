r"""Derive the sensitivity to noise G_k, from the moments of a rectified Gaussian variable onwards.

The noise is independent from pixel to pixel and pooling :math:`P_k` is linear, so that

.. math:: E|P_k w|^2 = |P_k E w|^2 + \sum_i \mathrm{Var}(w_i)\, |P_k e_i|^2 .

Rectified noise has a mean; pooling averages its fluctuations away and keeps the mean. The moments
are integrated and the limit of a large torus is taken by SymPy; every claim is confronted with
enumerated outcomes on small tori, or with quadrature. Source: the mechanism is that of Tomasini
et al., arXiv:2210.01506; filters, dimension and finite size are ours.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet import validate
from scaledet.symbolic.derivation import Step
from scaledet.symbolic.routes.checks import dimensions
from scaledet.symbolic.routes.noise import MOMENTS_CHECK, Bench
from scaledet.symbols import L, c, i, j, k, p, sigma, w

PAGE = "Rectified noise piles up"
"""Title of the page that derives the law of noise."""

MODES = ("input", "noise", None)
"""Ways in which the noise meets the first ReLU."""


def noise_law(rectify: str | None, dim: Any) -> Step:
    """Cite the law of noise, the last of `noise_steps`, for the page of a filter or a network.

    >>> noise_law("input", 2).expression == noise_steps("input", 2)[-1].expression
    True
    """
    rectify, dim = _checked(rectify, dim)
    piled = (sp.pi - 1) / (2 * sp.pi) + 1 / (2 * sp.pi * c(k, 0) ** dim)
    return _infinite(sp.Integer(1) if rectify is None else piled, dim, rectify).cited(PAGE)


@lru_cache(typed=True)
def noise_steps(rectify: str | None, dim: Any) -> tuple[Step, ...]:
    r"""Derive G_k for matched noise on the infinite lattice, one active pixel.

    .. math:: G_k = \frac{\pi - 1}{2\pi} + \frac{1}{2\pi\, c_k(0)^d}

    for rectified noise, :math:`G_k = 1` for linear noise, the last of the steps; those before hold
    at any size. Assumptions: filters >= 0 of sum 1, biases >= 0, Gaussian noise of
    L sigma^2 = 2, first L to infinity at fixed k.

    Parameters
    ----------
    rectify : {"input", "noise", None}
        Whether relu(x + eta), x + relu(eta), or x + eta enters a network that stays linear.
    dim : 1, 2, 3 or the symbol d
        Dimension of the image; the checks of symbolic d put in 1, 2 and 3.

    Examples
    --------
    >>> noise_steps("noise", 2)[-1].expression
    Eq(G(k), (-1 + pi)/(2*pi) + 1/(2*pi*c(k, 0)**2))
    >>> len(noise_steps("input", 2)), all(step.verify() for step in noise_steps(None, 1))
    (15, True)
    """
    rectify, dim = _checked(rectify, dim)
    bench = Bench(dimensions(dim), rectify)
    *overlaps, distance = geometry_steps(dim)
    mean = sp.Sum(y.mean(i) * y.mean(j) * y.overlap(k, i, j), (i, 0, L - 1), (j, 0, L - 1))
    spread = sp.Sum(y.variance(i) * y.overlap(k, i, i), (i, 0, L - 1))
    split = Step(
        "Pooling is linear, so the mean square $\\mathcal{E}_k$ of a pooled perturbation is that "
        "of its mean plus that of its fluctuations, pixel by pixel.",
        sp.Eq(y.energy(k), mean + spread),
        "$|P_k w|^2 = \\sum_{i, j} w_i w_j \\langle P_k e_i, P_k e_j \\rangle$. If the "
        "perturbation $w_i$ of pixel $i$ has mean $\\mu(i)$ and variance $v(i)$, independently of "
        "all others, $\\mathrm{E}(w_i w_j)$ is $\\mu(i) \\mu(j)$, plus $v(i)$ where $i = j$.",
        bench.unequal("all outcomes of noise with a different law in every pixel"),
    )
    finite = finite_noise(rectify, dim)
    law = _infinite(_large(finite.expression.rhs, dim, rectify), dim, rectify)
    energy = _energy(rectify, dim)
    if rectify is None:
        return split, overlaps[-1], energy, distance, finite, law
    numerator, denominator = sp.fraction(finite.expression.rhs)
    still = {y.v_0: 0, y.active_variance: 0}
    value = _large(numerator.subs(still) / denominator, dim, rectify)
    drift = Step(
        "On a large torus, at $L \\sigma^2 = 2$, the mean of the noise alone contributes a part "
        "that grows without bound as pooling spreads the pixel.",
        sp.Eq(y.G_mean(k), value),
        "in units of $S_k^{-d}$ the mean of the noise keeps the square $L \\mu_1^2 = 1/\\pi$ at "
        "every depth, while the signal $Q_k$ shrinks to $2\\, c_k(0)^d$. The terms that single out "
        "the active pixel are smaller by $1/L$.",
        bench.infinite("the pooled mean of the noise on tori, extrapolated to infinite size"),
    )
    return *moment_steps(rectify), split, *overlaps, energy, distance, finite, drift, law


def _checked(rectify: str | None, dim: Any) -> tuple[str | None, Any]:
    validate.choice("rectify", rectify, MODES)
    return rectify, dim if dim == y.d else validate.integer("dim", dim, 1, 3)


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
    explicit = perturbation_moments(rectify)
    background = (
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
        return background
    first, second = rectified_moments()
    return (
        Step(
            "The mean of a rectified Gaussian variable, with $Z$ standard normal.",
            sp.Eq(y.rectified(1, y.height, sigma), first),
            "the integral runs over $w > -m/\\sigma$ only, where the ReLU does nothing. With the "
            "normal density $\\varphi$ and $\\Phi(x) = (1 + \\mathrm{erf}(x/\\sqrt{2}))/2$ it is "
            "$m\\, \\Phi(m/\\sigma) + \\sigma\\, \\varphi(m/\\sigma)$.",
            MOMENTS_CHECK,
        ),
        Step(
            "Its mean square.",
            sp.Eq(y.rectified(2, y.height, sigma), second),
            "the same integral with the square of $m + \\sigma w$ gives "
            "$(m^2 + \\sigma^2)\\, \\Phi(m/\\sigma) + m \\sigma\\, \\varphi(m/\\sigma)$.",
            MOMENTS_CHECK,
        ),
        *background,
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


@lru_cache
def geometry_steps(dim: Any) -> tuple[Step, Step, Step, Step]:
    """Derive |P_k 1|^2, the averages of <P_k 1, P_k e_p> and |P_k e_p|^2, and Q_k, at any size.

    >>> [str(step.expression.rhs) for step in geometry_steps(1)]
    ['L/S(k)', '1/S(k)', 'c(k, 0)/S(k)', '(2*c(k, 0) - 2/L)/S(k)']
    """
    bench = Bench(dimensions(dim), None)
    on_tori = bench.dense("dense pooling matrices on tori")
    total = sp.Sum(y.overlap(k, i, j), (i, 0, L - 1), (j, 0, L - 1))
    survival = Step(
        "A constant image survives pooling: its square is the number of units, $L / S_k^d$.",
        sp.Eq(total, L / y.S(k) ** dim),
        "the weights sum to one, so every unit of $P_k 1$ is 1; the double sum is $|P_k 1|^2$.",
        on_tori,
    )
    total = sp.Sum(y.overlap(k, i, p), (i, 0, L - 1), (p, 0, L - 1))
    encounter = Step(
        "Over uniform positions of the active pixel, its overlap with the constant image averages "
        "to $1/S_k^d$.",
        sp.Eq(total / L, 1 / y.S(k) ** dim),
        "the average image of one active pixel is the constant $1/L$, and pooling is linear.",
        on_tori,
    )
    total = sp.Sum(y.overlap(k, p, p), (p, 0, L - 1))
    peak = Step(
        "The pooled active pixel has mean square $(c_k(0)/S_k)^d$, with $c_k$ the autocorrelation "
        "of the composite filter (folded where it wraps around the torus).",
        sp.Eq(total / L, (c(k, 0) / y.S(k)) ** dim),
        "in $d = 1$ unit $i$ sees pixel $p$ with weight $h_k(p - S_k i)$: the sum of squares over "
        "$i$ and over the $S_k$ grid phases of $p$ is $c_k(0)$. Filters are tensor products, and "
        "so are the images of a pixel: in $d$ dimensions the mean square is the $d$-th power.",
        bench.dense("dense pooling matrices on tori; the filter read off one output unit"),
    )
    distance = Step(
        "Two independent images differ by the mean square $Q_k$.",
        sp.Eq(y.Q(k), 2 * (c(k, 0) ** dim - 1 / L) / y.S(k) ** dim),
        "$\\mathrm{E}|P_k (e_p - e_q)|^2$ is twice the mean square of a pooled pixel less twice "
        "the overlap of two independent ones, which is $|P_k 1|^2/L^2$.",
        bench.dense("all pairs of images, carried through a network with biases"),
    )
    return survival, encounter, peak, distance


def _energy(rectify: str | None, dim: Any) -> Step:
    ones, meets, pixel = (L / y.S(k) ** dim, 1 / y.S(k) ** dim, (c(k, 0) / y.S(k)) ** dim)
    route = "all outcomes of a noise of few values, sent through every ReLU of the network"
    if rectify is None:
        value = L * sigma**2 * pixel
        text = "The mean square of the pooled noise: pixels add up, and each is averaged."
        reason = "the noise has no mean, and variance $\\sigma^2$ in each of the $L$ pixels."
        route = "all outcomes of a noise of few values, pooled"
    elif rectify == "noise":
        value = y.mu_1**2 * ones + L * y.v_0 * pixel
        text = (
            "The mean square of the pooled noise: that of its mean, and that of $L$ fluctuations."
        )
        reason = (
            "active and background pixels receive the same noise $\\mathrm{relu}(\\eta)$: insert "
            "$\\mu(i) = \\mu_1$ and $v(i) = v_0$ into the split."
        )
    else:
        extra = y.active_mean - y.mu_1
        value = y.mu_1**2 * ones + L * y.v_0 * pixel + 2 * y.mu_1 * extra * meets
        value += extra**2 * pixel + (y.active_variance - y.v_0) * pixel
        text = (
            "The mean square of the pooled noise, averaged over the position of the active pixel: "
            "three terms of the mean, two of the fluctuations."
        )
        reason = (
            "the mean perturbation is $\\mu_1$ everywhere plus $m_a - \\mu_1$ at the active pixel, "
            "the variance $v_0$ everywhere plus $v_a - v_0$ there: insert both into the split and "
            "average the three overlaps."
        )
    return Step(
        text, sp.Eq(y.energy(k), value), reason, Bench(dimensions(dim), rectify).enumerated(route)
    )


@lru_cache
def finite_noise(rectify: str | None, dim: Any) -> Step:
    """Derive G_k at any size and strength; arguments as of `noise_steps`.

    >>> finite_noise(None, 1).expression
    Eq(G(k), L*sigma**2*c(k, 0)/(2*c(k, 0) - 2/L))
    """
    energy, distance = _energy(rectify, dim).expression, geometry_steps(dim)[-1].expression
    energy, distance = (side.rhs.subs(y.S(k), 1) for side in (energy, distance))
    value = sp.collect(energy, c(k, 0) ** dim) / sp.expand(distance)
    return Step(
        "The sensitivity to noise at any size and any strength: the stride cancels, and pooling "
        "enters through $c_k(0)$ alone.",
        sp.Eq(y.G(k), value),
        "$G_k = \\mathcal{E}_k / Q_k$ by definition, and both carry the factor $S_k^{-d}$.",
        Bench(dimensions(dim), rectify).gaussian(
            "Gaussian moments by quadrature, mean images and pixels pooled on tori"
        ),
    )


def _large(finite: Any, dim: Any, rectify: str | None) -> Any:
    """Take L to infinity at L sigma^2 = 2."""
    pixels, power = sp.Dummy(positive=True), sp.Dummy(positive=True)
    plain = finite.subs(c(k, 0) ** dim, power)
    for symbol, value in reversed(perturbation_moments(rectify).items()):
        plain = plain.subs(symbol, value)
    plain = plain.subs({sigma: sp.sqrt(2 / pixels), L: pixels})
    limit = sp.expand(sp.limit(plain, pixels, sp.oo))
    constant = limit.coeff(power, 0)
    return sp.factor(constant) + sp.cancel(limit - constant).subs(power, c(k, 0) ** dim)


def _infinite(limit: Any, dim: Any, rectify: str | None) -> Step:
    if rectify is None:
        text = "On the infinite lattice linear noise of $L \\sigma^2 = 2$ never piles up."
        reason = (
            "noise and signal are averaged alike: both mean squares carry $c_k(0)^d$, and the "
            "term $1/L$ vanishes."
        )
    else:
        text = (
            "On the infinite lattice, at $L \\sigma^2 = 2$: the fluctuations contribute a "
            "constant, the mean a part that piles up."
        )
        reason = (
            "the fluctuations, $L v_0\\, c_k(0)^d$ with $L v_0 = (\\pi - 1)/\\pi$, are pooled like "
            "the signal; the limit $L \\to \\infty$ at fixed $k$ leaves nothing else."
        )
    route = "pooled noise on tori of several sizes, extrapolated to infinite size"
    return Step(text, sp.Eq(y.G(k), limit), reason, Bench(dimensions(dim), rectify).infinite(route))
