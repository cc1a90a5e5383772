"""Averages over the images of a data set from which D_k, Q_k and G_k follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Moments"]


@dataclass(frozen=True)
class Moments:
    """Averages over the images at one layer; Fractions, or floats if they are not exact.

    With P the matrix of the layer, x an image of the data set and p one of its `active` pixels:
    `displacement`: E|P (tau x - x)|^2; `distance`: Q_k; `square`: E|P x|^2; `active`: E|P e_p|^2;
    `mass`: E<P 1, P e_p>, 1 the image of ones; `flat`: |P 1|^2; `trace`: sum of |P e_i|^2 over all
    pixels; `pixels`: number of active pixels.
    """

    displacement: Any
    distance: Any
    square: Any
    active: Any
    mass: Any
    flat: Any
    trace: Any
    pixels: int = 2

    @property
    def mean_square(self) -> Any:
        """Square of the mean representation, |E P x|^2."""
        return self.square - self.distance / 2
