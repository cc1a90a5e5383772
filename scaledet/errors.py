"""Exceptions of scaledet."""

from __future__ import annotations

from functools import partial
from typing import Any

__all__ = [
    "ArgumentError",
    "ArgumentTypeError",
    "CheckpointError",
    "DerivationError",
    "ExhaustionError",
    "FitError",
    "Undefined",
]


class ArgumentError(ValueError):
    """An argument that scaledet does not accept: the message names it, its value and the range."""


class ArgumentTypeError(ArgumentError, TypeError):
    """An argument of the wrong type."""


class _InformedError(Exception):
    """An error with attributes, which pickle and copy keep."""

    def __init__(self, message: str, **attributes: Any) -> None:
        super().__init__(message)
        vars(self).update(attributes)

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), str(self), **vars(self)), ()


class ExhaustionError(_InformedError, ArgumentError):
    """The image is exhausted: all images look alike at some layer, Q_k = 0, D_k and G_k undefined.

    Attributes
    ----------
    layer : int
        First layer with Q_k = 0.
    largest_depth : int
        Largest depth at which everything is defined.
    """

    layer: int
    largest_depth: int

    @classmethod
    def at(
        cls, layer: int, size: int | tuple[int, ...] | None, reason: str = "Q_k = 0"
    ) -> ExhaustionError:
        """Return the error for an image of `size` exhausted at `layer`."""
        where = "the infinite lattice" if size is None else f"size {size}"
        return cls(
            f"depth must be at most {layer - 1} on {where}: the image is exhausted at layer "
            f"{layer} ({reason}, all images look alike there)",
            layer=layer,
            largest_depth=layer - 1,
        )

    def within(self, label: str) -> ExhaustionError:
        """Return the error as that of the run called `label` among others."""
        return type(self)(f"{label}: {self}", **vars(self))


class FitError(_InformedError, ArgumentError):
    """The values are no power law over the window; carries the fit that was refused.

    Attributes
    ----------
    slope, error : float
        Slope of the refused straight line in log-log coordinates, and its standard error.
    chi2 : float
        Its weighted sum of squared residuals.
    dof : int
        Degrees of freedom.
    p_value : float
        Probability of a larger chi2 if the law were true.
    window : tuple of int
        First and last index used.
    """

    slope: float
    error: float
    chi2: float
    dof: int
    p_value: float
    window: tuple[int, int]


class DerivationError(_InformedError, ArithmeticError):
    """A step of a derivation fails its check; carries the step and what contradicts it.

    Attributes
    ----------
    step : int
        Number of the failing step, from 1 (0: a result that no step claims, or a claim that was
        checked outside a derivation).
    reason : str
        What contradicts the claim.
    """

    step: int
    reason: str

    def __init__(self, message: str, *, step: int = 0, reason: str = "") -> None:
        super().__init__(message, step=step, reason=reason or message)


class Undefined(DerivationError):
    """A claim has no value at a case, e.g. where the reference has no such layer or pixel.

    The claim is then neither confirmed nor contradicted.
    """


class CheckpointError(_InformedError, OSError):
    """The file that keeps the finished units of a run cannot be read or written.

    Attributes
    ----------
    path : str
        The file. Units stored before the error are kept; the same call continues from them.
    """

    path: str

    @classmethod
    def at(cls, path: object, reason: str) -> CheckpointError:
        """Return the error for the file at `path`."""
        return cls(
            f"checkpoint {str(path)!r} cannot be used ({reason}); the finished units in it are "
            "kept: once the cause is removed, the same call goes on from there",
            path=str(path),
        )
