r"""What the series in 1/k are held to: exact rationals at large k, quadrature, differentiation.

c_k(0) and c_k(1) come from the k-th power of the kernel's polynomial, expanded in integers:
no cumulant, no Gaussian, no recurrence.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache, partial
from operator import mul
from typing import Any

import sympy as sp
from flint import fmpz, fmpz_poly

from scaledet import symbols as y
from scaledet.algebra.precision import compiled, mpmath
from scaledet.errors import Undefined
from scaledet.network.kernel import Kernel
from scaledet.reference.exact import number, refute
from scaledet.reference.recursion import pooled
from scaledet.symbolic.claims import agree, evaluate
from scaledet.symbolic.confrontation import confronted
from scaledet.symbolic.derivation import Check
from scaledet.symbolic.routes.checks import dimensions
from scaledet.symbols import d, k, n, theta, x

__all__ = [
    "approached",
    "exact_correlation",
    "extrapolated",
    "fourier",
    "gaussian_moment",
    "level",
    "local_check",
    "log_symbol",
    "remainder",
    "widths",
]

DEPTHS = (40, 400, 4000)
"""Two decades."""

DEEPEST = 20_000
"""Layers that are expanded."""
_DIGITS = 300
_UNLIKE = 0.01
"""Largest relative distance of c_k(0) from a Gaussian's, a tenth of that of D_k A_k^2 from 3."""

Difference = Callable[[int], Any]


def exact_correlation(kernel: Kernel, depth: int, lag: int) -> Fraction:
    """Expand the filter of `depth` equal stride-1 layers and return c_k(m).

    >>> exact_correlation(Kernel([1, 1]), 2, 0), exact_correlation(Kernel([1, 1]), 2, 1)
    (Fraction(3, 8), Fraction(1, 4))
    """
    if not 0 <= depth <= DEEPEST:
        raise ValueError(f"there is no layer {depth} that is expanded")
    if abs(lag) > 1:
        return _expanded(kernel, depth, (abs(lag),))[0]
    return _expanded(kernel, depth, (0, 1))[abs(lag)]


@lru_cache(maxsize=1024)
def _expanded(kernel: Kernel, depth: int, lags: tuple[int, ...]) -> list[Fraction]:
    """c_k at several lags: long filters are expanded once and not kept."""
    taps = (fmpz_poly(list(kernel.trimmed)) ** depth).coeffs()
    products = (_products(taps[: len(taps) - lag], taps[lag:]) for lag in lags)
    return [Fraction(total, sum(kernel.trimmed) ** (2 * depth)) for total in products]


def _products(left: list[fmpz], right: list[fmpz]) -> int:
    """Sum of products, those that a symmetric filter repeats but once."""
    half = len(left) // 2
    if left != right[::-1]:
        return int(sum(map(mul, left, right), fmpz(0)))
    middle = left[half] * right[half] if len(left) % 2 else fmpz(0)
    return int(2 * sum(map(mul, left[:half], right), fmpz(0)) + middle)


@lru_cache(maxsize=1024)
def _float_correlation(kernel: Kernel, depth: int, lag: int) -> Any:
    """c_k(m) to 320 digits: SymPy tries to factor what is exact and long."""
    return number(exact_correlation(kernel, depth, lag)).evalf(_DIGITS + 20)


def _functions(kernel: Kernel, dim: int) -> dict[Any, Any]:
    """c, D, A and G of one kernel, from exact rationals."""
    correlation = partial(_float_correlation, kernel)

    def drop(depth: int) -> Any:
        return 1 - correlation(depth, 1) / correlation(depth, 0)

    def width(depth: int) -> Any:
        return sp.sqrt(number(1 + 12 * depth * kernel.variance)).evalf(_DIGITS + 20)

    def noise(depth: int) -> Any:
        return ((sp.pi - 1 + correlation(depth, 0) ** -dim) / (2 * sp.pi)).evalf(_DIGITS + 20)

    return {y.c: correlation, y.D: drop, y.A: width, y.G: noise}


def _cases(panel: Any, dim: Any) -> list[tuple[Kernel, int, dict[Any, Any]]]:
    dims = dimensions(dim)
    return [(kernel, at, {**known, d: at}) for kernel, known in panel for at in dims]


@lru_cache(maxsize=64)
def _times(kernel: Kernel) -> int:
    """Return how many times deeper a filter is pooled than box 2, to be as near to its limit.

    Filters that hardly smooth, such as [10, 1], need so many layers more.
    """
    if kernel.span > 1:  # its page holds no series
        return 1
    variance, times = float(kernel.variance), 1
    while DEPTHS[-1] * times <= DEEPEST:
        depth = DEPTHS[0] * times
        peak, beside = (float(exact_correlation(kernel, depth, lag)) for lag in (0, 1))
        gaussian = peak * math.sqrt(4 * math.pi * depth * variance)
        stable = (1 - beside / peak) * (4 * depth * variance + 1 / 3)
        if abs(gaussian - 1) < _UNLIKE and abs(stable - 1) < 10 * _UNLIKE:
            return times
        times += 1
    raise Undefined(f"{kernel!r} smooths so little that {DEEPEST} layers are not deep enough")


def remainder(claim: Any, *, panel: Any, order: int, dim: Any = 1) -> str:
    """Hold a truncated series to exact rationals over two decades of k.

    The difference (of c_k(0) over k^(-1/2), of G_k over k^(d/2)) must fall as the
    O(k^-(order + 1)) that the claim states: its slope is -(order + 1) or steeper, up to one half
    between k = 40 and 400 and 0.1 between 400 and 4000; and, fitted between 400 and 2200, it holds
    nothing of order k^-order beyond 1e-10, which slopes would not show.
    """
    tails = claim.atoms(sp.Order)
    if {tail.expr for tail in tails} != {k ** -(order + 1)}:
        refute(f"{claim} states no remainder O(k^-{order + 1})")
    truncated = claim.rhs.replace(sp.Order, lambda *_: sp.S.Zero)
    slopes = []
    for kernel, at, known in _cases(panel, dim):
        difference = _difference(claim.lhs, truncated, kernel, at, known)
        _falls(difference, kernel)
        values = [difference(depth * _times(kernel)) for depth in DEPTHS]
        slopes.append(_steepness(values, order, kernel))
        _nothing_left(difference, order, kernel)
    count = len(slopes)
    return f"slope {float(max(slopes)):.2f} or steeper for {count} filter{'s' * (count > 1)}"


def _difference(left: Any, right: Any, kernel: Kernel, dim: int, known: Any) -> Difference:
    """Exact minus series, for c_k(0) and G_k over k^(-1/2), k^(d/2), at one kernel."""
    functions = _functions(kernel, dim)
    series = compiled(k, evaluate(right, known))
    power = {y.G: mpmath.mpf(dim) / 2, y.c: mpmath.mpf(-1) / 2}.get(type(left), 0)

    def at(depth: int) -> Any:
        with mpmath.workdps(_DIGITS):
            exact = evaluate(left, {**known, k: depth}, functions)
            try:
                rest = mpmath.mpmathify(exact.evalf(_DIGITS)) - series(mpmath.mpf(depth))
            except (TypeError, ValueError, ZeroDivisionError, NameError) as error:
                refute(f"{left} cannot be compared at k = {depth}: {error}")
            return rest / mpmath.mpf(depth) ** power

    return at


def _falls(difference: Difference, kernel: Kernel) -> None:
    """Refute at once what falls more slowly than k^-3/2, before k grows large."""
    near, far = (abs(difference(depth * _times(kernel))) for depth in (40, 80))
    floor = mpmath.mpf(10) ** (25 - _DIGITS)
    if far > max(near / mpmath.mpf(2) ** 1.5, floor):
        refute(f"remainder for {kernel!r} does not fall between k = 40 and 80")


def _steepness(left: list[Any], order: int, kernel: Kernel) -> Any:
    floor = mpmath.mpf(10) ** (25 - _DIGITS)
    sizes = [max(abs(value), floor) for value in left]
    slopes = [mpmath.log10(b / a) for a, b in itertools.pairwise(sizes)]
    if sizes[-1] == floor:
        return -mpmath.inf
    for slope, slack in zip(slopes, (0.5, 0.1), strict=True):
        if not slope <= -(order + 1) + slack:
            shown = ", ".join(f"{float(v):.3g}" for v in slopes)
            refute(
                f"remainder for {kernel!r} falls with slopes {shown}, not {-(order + 1)}, per "
                "decade of k"
            )
    return slopes[-1]


def _nothing_left(difference: Difference, order: int, kernel: Kernel) -> None:
    """Fit the difference by k^-order, k^-(order + 1), ...: the first coefficient must vanish.

    The coefficients of a high order grow fast from term to term: it takes as many terms.
    """
    terms = max(10, order)
    depths = [(400 + 200 * i) * _times(kernel) for i in range(terms)]
    with mpmath.workdps(_DIGITS):
        rows = mpmath.matrix([[mpmath.mpf(k) ** -i for i in range(terms)] for k in depths])
        right = mpmath.matrix([difference(k) * mpmath.mpf(k) ** order for k in depths])
        first = mpmath.lu_solve(rows, right)[0]
    if abs(first) > mpmath.mpf(10) ** -10:
        refute(f"{mpmath.nstr(first, 4)}/k^{order} is left over for {kernel!r}")


def approached(claim: Any, *, panel: Any, dim: Any = 1) -> str:
    """Hold a limit of large k to exact rationals at k = 40, 400, 4000.

    The difference falls as k^-1/2 or faster, from below 40 % to below 3 %.
    """
    limit, cases = claim.lhs, _cases(panel, dim)
    if not isinstance(limit, sp.Limit) or limit.args[1:3] != (k, sp.oo):
        refute(f"{claim} is no limit of large k")
    for kernel, at, known in cases:
        functions = _functions(kernel, at)
        right = evaluate(claim.rhs, known, functions).evalf(40)
        left: list[Any] = []
        for depth in DEPTHS:
            put = {**known, k: depth * _times(kernel)}
            value = evaluate(limit.args[0], put, functions)
            left.append(abs(value.evalf(40) / right - 1))
            if not left[0] < sp.Float(0.4):
                refute(f"{claim}: off by {float(left[0])} at k = {DEPTHS[0]} already")
        if not (left[2] < sp.Float(0.03) and left[1] < left[0] / 3 and left[2] < left[1] / 3):
            refute(f"{claim}: off by {[float(v) for v in left]} at k = {DEPTHS}")
    return f"confirmed in {len(cases)} case{'s' * (len(cases) > 1)}"


def local_check(symbol: Any, panel: Any, dim: Any = 1, depth: int = 400) -> Check:
    """Hold an exponent to local ones, as `extrapolated` does."""
    route = f"local exponents of exact rationals at $k = {depth}$ and ${2 * depth}$, extrapolated"
    return Check(route, partial(extrapolated, symbol=symbol, panel=panel, dim=dim, depth=depth))


def extrapolated(claim: Any, *, symbol: Any, panel: Any, dim: Any = 1, depth: int = 400) -> str:
    """Hold alpha, beta or the crossover scale to exact rationals, to 5 digits at depth 400.

    Local exponents of D_k and of c_k(0)^-d between k and 2k, or the scale at which both parts of
    G_k are equal, are extrapolated to zero 1/k.
    """
    if claim.lhs != symbol:
        refute(f"{claim} is no claim on {symbol}")
    cases = _cases(panel, dim)
    for kernel, at, known in cases:
        right = evaluate(claim.rhs, known).evalf(40)
        first = depth * _times(kernel)
        near, far = (_local(symbol, kernel, at, k).evalf(40) for k in (first, 2 * first))
        measured = 2 * far - near
        if abs(measured - right) > abs(measured) * sp.Float(1.6) / depth**2:
            refute(f"{claim} for {kernel!r}, d = {at}: measured {measured.evalf(8)}")
    return f"confirmed in {len(cases)} case{'s' * (len(cases) > 1)}"


def widths(claim: Any, *, panel: Any) -> str:
    """Hold A_k to the variance of the filter read off pooled images."""
    evidence = []
    for kernel, known in panel:
        images = pooled(kernel, 1)
        values = {y.A: lambda at, p=images: sp.sqrt(1 + 12 * number(p.variance(at)))}
        evidence.append(agree(claim, [{k: depth, **known} for depth in (2, 3, 1, 0)], values))
    return " and ".join(evidence)


def _local(symbol: Any, kernel: Kernel, dim: int, depth: int) -> Any:
    """Exponent between k and 2k, or crossover scale at k."""
    functions = _functions(kernel, dim)
    width, drop = functions[y.A], functions[y.D]
    peak = functions[y.c](depth, 0)
    wider = sp.log(width(2 * depth) / width(depth))
    if symbol == y.alpha:
        return -sp.log(drop(2 * depth) / drop(depth)) / wider
    if symbol == y.beta:
        return dim * sp.log(peak / functions[y.c](2 * depth, 0)) / wider
    return ((sp.pi - 1) * peak**dim * width(depth) ** dim) ** sp.Rational(1, dim)


def fourier(claim: Any, *, cases: Any) -> str:
    """Hold a Fourier integral to pooled images: the trapezoidal rule is exact for its integrand."""
    integral, (variable, low, high) = _integral(claim)
    count = 0
    for kernel, known in cases:
        images = pooled(kernel, 1)
        for depth, lag in itertools.product((2, 3, 1, 0), (3, 1, 2, 0)):
            put = {**known, k: depth, y.m: lag}
            points = 2 * depth * len(kernel) + lag + 1
            function = compiled(variable, integral.function.subs(put))
            with mpmath.workdps(50):
                ends = (low, (high - low) / points)
                start, step = (mpmath.mpmathify(at.evalf(50)) for at in ends)
                # A third of a step off: the symbol of a box is 0/0 at theta = 0.
                nodes = [start + step * (i + mpmath.mpf(1) / 3) for i in range(points)]
                height = mpmath.nstr(step * mpmath.fsum(map(function, nodes)), 45)
                total = sp.Float(height, 45)
            sides = (claim.lhs, claim.rhs.subs(integral, total))
            left, right = (evaluate(side, put, {y.c: images.correlation}) for side in sides)
            if abs((left - right).evalf(40)) > sp.Float(10) ** -25:
                refute(f"{claim} for {kernel!r}, {put}: {left} against {right.evalf(12)}")
            count += 1
    return f"{count} coefficients to 25 decimals"


def _integral(claim: Any) -> tuple[Any, Any]:
    """Return the one integral of a claim, and its variable with both ends."""
    integrals = claim.atoms(sp.Integral)
    if len(integrals) != 1:
        refute(f"{claim} holds not one integral")
    (integral,) = integrals
    (limits,) = integral.limits
    return integral, limits


def log_symbol(claim: Any, *, panel: Any, order: int) -> str:
    """Hold the cumulant series to the symbol's own Taylor coefficients, by differentiation."""
    tails = claim.atoms(sp.Order)
    if {tail.expr for tail in tails} != {theta ** (2 * order + 4)}:
        refute(f"{claim} states no remainder O(theta^{2 * order + 4})")
    if claim.lhs != sp.Function("log")(y.symbol(theta)):
        refute(f"{claim} is no expansion of the symbol's logarithm")
    for kernel, known in panel:
        confronted().put(known)
        series = sp.Poly(claim.rhs.removeO().subs(known), theta)
        with mpmath.workdps(80):
            weights = [mpmath.mpf(w.numerator) / w.denominator for w in kernel.weights]

            def log_of(at: Any, weights: list[Any] = weights) -> Any:
                return 2 * mpmath.log(
                    abs(mpmath.fsum(w * mpmath.expj(j * at) for j, w in enumerate(weights)))
                )

            measured = mpmath.taylor(log_of, 0, 2 * order + 2)
            for power in range(2, 2 * order + 3, 2):
                given, value = series.coeff_monomial(theta**power), measured[power]
                if abs(mpmath.mpf(given) - value) > abs(value) * mpmath.mpf(10) ** -12:
                    refute(f"coefficient {power} of {claim} for {kernel!r}: {value}")
        if series.degree() != 2 * order + 2 or series.coeff_monomial(1) != 0:
            refute(f"{claim} has terms that the symbol has not")
    return f"12 digits of {order + 1} coefficients for {len(panel)} filters"


def gaussian_moment(claim: Any) -> str:
    """Hold the moments of a Gaussian weight to quadrature."""
    integral, (variable, low, high) = _integral(claim)
    if (variable, low, high) != (x, -sp.oo, sp.oo):
        refute(f"{claim} does not integrate over the line")
    for depth, power, variance in ((3, 2, 2), (2, 3, sp.Rational(1, 2)), (1, 0, 1), (4, 1, 3)):
        put = {k: depth, n: power, y.kappa(2): variance}
        integrand = compiled(x, integral.function.subs(put))
        with mpmath.workdps(40):
            value = mpmath.quad(integrand, [-mpmath.inf, -1, 0, 1, mpmath.inf])
        sides = [
            side.subs(integral, sp.Float(value, 40)).subs(put) for side in (claim.lhs, claim.rhs)
        ]
        agree(sp.Eq(*sides, evaluate=False), [put])
    return "4 moments to 25 digits"


def level(claim: Any, *, kernel: Kernel) -> str:
    """Hold alpha = 0 to exact D_k that do not change over two decades of k."""
    c = partial(exact_correlation, kernel)
    drops = [1 - c(depth, 1) / c(depth, 0) for depth in (1, 10, 100)]
    if len(set(drops)) != 1:
        refute(f"D_k is not constant: {drops}")
    return agree(claim, [{y.alpha: -sp.log(number(drops[2] / drops[1])) / sp.log(10)}])
