"""Quantities of the units of layer 1, on which noise meets its first ReLU: part of the table."""

from __future__ import annotations

from scaledet.quantities import _Plain, _Quantity

__all__ = ["later", "unit_covariance", "unit_overlap"]


class unit_overlap(_Plain):
    """Covariance, over sigma^2, of the noise in two units of layer 1 at displacement n."""

    letter = r"\Gamma"


class unit_covariance(_Plain):
    """Covariance of two rectified units of layer 1 at displacement n, each of unit variance."""

    letter = r"\mathcal{C}"


class later(_Quantity):
    """Autocorrelation of the filter of layers 2 ... k at lag n, in units of layer 1."""

    letter = r"\bar c"
