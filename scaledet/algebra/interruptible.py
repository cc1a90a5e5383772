"""Long calls of flint that Ctrl-C ends: flint itself returns only with its result.

Long powers are made coefficient by coefficient. What has no parts is left to a process of its own,
which is killed when the waiting is interrupted; other threads go on meanwhile.
"""

from __future__ import annotations

import io
import math
import pickle
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from numbers import Rational
from typing import Any, NamedTuple

from flint import acb, arb, ctx, fmpz, fmpz_mat, fmpz_poly

__all__ = ["interruptible", "power_product", "reduced"]

_SHORT = 0.3
"""Seconds that are waited out: starting a process takes a tenth of a second."""
_AT_ONCE = 2 * 10**8
"""Bits of a product of powers of polynomials that flint makes (a tenth of a second)."""
_ONE = fmpz_poly([1])

_CHILD = """
import pickle, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.path[:] = pickle.load(sys.stdin.buffer)
from scaledet.algebra.interruptible import answer
answer()
"""


def interruptible(value: Any, method: str, *, seconds: float) -> Any:
    """Return ``value.method()`` of a flint object; `seconds` is the expected time.

    >>> interruptible(fmpz_poly([-1, 0, 1]), "factor", seconds=10)
    (1, [(x + (-1), 1), (x + 1, 1)])
    """
    if seconds > _SHORT and sys.executable and not getattr(sys, "frozen", False):
        command, task = [sys.executable, "-c", _CHILD], _pickled((ctx.prec, value, method))
        try:
            done = subprocess.run(
                command, input=_pickled(sys.path) + task, capture_output=True, check=False
            )
        except OSError:  # no process may be started here
            pass
        else:
            if done.returncode == 0:
                return pickle.loads(done.stdout)
    return getattr(value, method)()


def answer() -> None:
    """Read a task from the standard input and write its result to the standard output."""
    ctx.prec, value, method = pickle.load(sys.stdin.buffer)
    sys.stdout.buffer.write(_pickled(getattr(value, method)()))


class _Pickler(pickle.Pickler):
    """Pickles what flint does not pickle itself."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, fmpz_poly):
            return fmpz_poly, (value.coeffs(),)
        if isinstance(value, fmpz_mat):
            return fmpz_mat, (value.nrows(), value.ncols(), value.entries())
        if isinstance(value, arb):
            return arb, (value.mid().man_exp(), value.rad().man_exp())
        if isinstance(value, acb):
            return acb, (value.real, value.imag)
        return NotImplemented


def _pickled(value: Any) -> bytes:
    stream = io.BytesIO()
    _Pickler(stream).dump(value)
    return stream.getvalue()


def power_product(factors: Sequence[tuple[fmpz_poly, int]]) -> fmpz_poly:
    r"""Multiply powers of polynomials, none of which is 0 at 0.

    Long powers come coefficient by coefficient: :math:`h = \prod_i a_i^{k_i}` obeys P h' = Q h with
    :math:`P = \prod_i a_i`, :math:`Q = \sum_i k_i a_i' P / a_i`, that is
    :math:`n\, P_0 h_n = \sum_{i \ge 1} (Q_{i-1} - (n - i) P_i)\, h_{n-i}`.

    >>> power_product([(fmpz_poly([1, 2]), 3), (fmpz_poly([1, -1]), 1)])
    (-8)*x^4 + (-4)*x^3 + 6*x^2 + 5*x + 1
    """
    degree = sum(count * base.degree() for base, count in factors)
    bits = sum(count * int(base(fmpz(1))).bit_length() for base, count in factors)
    if degree * bits <= _AT_ONCE:
        return math.prod((base**count for base, count in factors), start=_ONE)
    powers = [(base, count) for base, count in factors if count > 1]
    singles = [base for base, count in factors if count == 1]
    degree = sum(count * base.degree() for base, count in powers)
    common = math.prod((base for base, _ in powers), start=_ONE)
    growing = sum((k * a.derivative() * (common // a) for a, k in powers), fmpz_poly())
    slopes = [(growing[i - 1], common[i]) for i in range(1, common.degree() + 1)]
    coefficients = [math.prod((base[0] ** count for base, count in powers), start=fmpz(1))]
    for n in range(1, degree + 1):
        total = fmpz(0)
        for i, (rate, weight) in enumerate(slopes[:n], start=1):
            total += (rate - (n - i) * weight) * coefficients[n - i]
        coefficients.append(total // (n * common[0]))
    result = fmpz_poly(coefficients)
    for base in singles:  # a loop of Python's, which Ctrl-C ends
        result *= base
    return result


class _Reduced(NamedTuple):
    """A rational number in lowest terms, which ``Fraction`` takes as it is."""

    numerator: int
    denominator: int


Rational.register(_Reduced)


def reduced(numerator: int, denominator: int) -> Fraction:
    """Return ``Fraction(numerator, denominator)``; Python's own gcd is slow for a million digits.

    >>> reduced(6, -4)
    Fraction(-3, 2)
    """
    top, bottom = fmpz(numerator), fmpz(denominator)
    common = top.gcd(bottom) * (-1 if bottom < 0 else 1)
    lowest: Any = _Reduced(int(top // common), int(bottom // common))
    return Fraction(lowest)
