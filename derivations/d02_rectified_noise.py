"""Rectified noise piles up: moments of relu(m + sigma Z) and G_k of non-overlapping boxes.

The moments are integrated symbolically and confronted with quadrature of the definition; the
piling-up law is confronted with the exact engine and with dense enumeration of the pooled mean.
"""

from __future__ import annotations

import mpmath
import numpy as np
import sympy as sp
from report import step, title

import scaledet as sd
from scaledet.moments import noise_moments

m = sp.Symbol("m", real=True)
sigma, z = sp.Symbol("sigma", positive=True), sp.Symbol("z", real=True)
DENSITY = sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)


def rectified(power: int) -> sp.Expr:
    """E relu(m + sigma Z)^power, integrated from the kink upwards."""
    return sp.simplify(sp.integrate((m + sigma * z) ** power * DENSITY, (z, -m / sigma, sp.oo)))


def by_quadrature(power: int, mean: float, width: float) -> float:
    def integrand(value: mpmath.mpf) -> mpmath.mpf:
        return max(mean + width * value, 0) ** power * mpmath.npdf(value)

    return float(mpmath.quad(integrand, [-12, -mean / width, 12]))


def moments_agree() -> bool:
    for power in (1, 2):
        formula = rectified(power)
        for mean, width in ((0, 1), (1, 0.3), (1, 2.5), (-0.7, 1.1)):
            exact = float(formula.subs({m: mean, sigma: width}))
            if abs(exact - by_quadrature(power, mean, width)) > 1e-12:
                return False
    return True


def package_agrees() -> bool:
    for width in (0.05, 0.7, 3.0):
        found = noise_moments(width, "input")
        first, second = by_quadrature(1, 1, width), by_quadrature(2, 1, width)
        expected = (width / np.sqrt(2 * np.pi), width**2 * (0.5 - 0.5 / np.pi),
                    first - 1, second - first**2)  # fmt: skip
        if not np.allclose(found, expected, rtol=1e-10, atol=1e-14):
            return False
    return True


def mean_survives_pooling() -> bool:
    """Dense check: pooling keeps the mean of i.i.d. noise and divides its variance by S_k."""
    pool = np.kron(np.eye(4), np.full(8, 1 / 8))
    constant = np.full(32, 0.4)
    kept = np.allclose(pool @ constant, 0.4)
    return bool(kept and np.allclose(np.diag(pool @ pool.T), 1 / 8))


def law_agrees() -> bool:
    for dim in (1, 2, 3):
        p = sd.predict(sd.Network.uniform(2, 2, 12, dim=dim))
        law = (np.pi - 1) / (2 * np.pi) + p.A**dim / (2 * np.pi)
        if not np.allclose(p.G, law, rtol=1e-12):
            return False
        crossover = (np.pi - 1) ** (1 / dim)
        if not np.isclose(crossover**dim / (2 * np.pi), (np.pi - 1) / (2 * np.pi)):
            return False
    return True


def main() -> None:
    """Run the derivation."""
    title(
        "G_k of noise rectified at the input",
        "i.i.d. Gaussian noise, L sigma^2 = 2 (matched), L to infinity",
        "boxes whose stride is their length",
    )
    step(
        "E relu(m + sigma Z) = m Phi(m/sigma) + sigma phi(m/sigma),"
        " E relu^2 = (m^2 + sigma^2) Phi + m sigma phi.",
        "the Gaussian integral above the kink at z = -m/sigma.",
        moments_agree,
    )
    step(
        "The package's four moments are these, rearranged without cancellation.",
        "relu(1 + sigma Z) - 1 is the perturbation of an active pixel.",
        package_agrees,
    )
    step(
        "Pooling keeps the mean of the rectified noise and divides its variance by S_k^d.",
        "the weights sum to 1; independent copies average.",
        mean_survives_pooling,
    )
    step(
        "G_k = (pi - 1)/(2 pi) + A_k^d/(2 pi): beta = d, crossover at A* = (pi - 1)^(1/d).",
        "noise energy: L/S^d units of mean square sigma^2/(2 pi), and the variance; signal:"
        " Q_k = 2 S^(-2d). Their ratio at L sigma^2 = 2.",
        law_agrees,
    )


if __name__ == "__main__":
    main()
