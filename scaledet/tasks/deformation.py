r"""Maximum-entropy diffeomorphisms: smooth random deformations of images.

On the unit square, with :math:`r^2 = i^2 + j^2`, each of both components of the displacement is

.. math:: u(x, y) = \sum_{r \le c} C_{ij} \sin(i \pi x) \sin(j \pi y), \qquad
          C_{ij} \sim \mathcal N(0, T / r^2) .

Among the fields that vanish at the border and have no mode beyond the cut c, this is the law of
largest entropy at given mean of the elastic energy :math:`\int |\nabla u|^2`. Pixel k of N lies at
x = k/(N - 1) and moves by N u pixels, as in the code published with the source: Petrini, Favero,
Geiger, Wyart, arXiv:2105.02468. The sums over modes, finite here, and the limit of temperatures are
our derivation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError

__all__ = ["Diffeomorphism", "Interpolation", "as_pictures", "deformed"]

Floats = NDArray[np.float64]
Interpolation = Literal["linear", "gaussian"]

INTERPOLATIONS: tuple[Interpolation, ...] = ("linear", "gaussian")
LARGEST = 4096
"""Pixels a side of the largest image."""

_WIDTH = 0.4715
"""Standard deviation of the Gaussian interpolation (pixels), that of the published code."""
_REACH = 3
"""Pixels that it reaches: the weight of all others is below 1e-11."""


@dataclass(frozen=True)
class Diffeomorphism:
    r"""Random deformations :math:`\tau x(p) = x(p - u(p))` of square images, of maximum entropy.

    Parameters
    ----------
    cut : float
        Highest wave number c: the modes have :math:`i^2 + j^2 \le c^2`, i, j >= 1 (half waves per
        side); from sqrt(2), where there is one mode. The published code admits modes up to its
        `cut` plus 1/2.
    temperature : float
        T > 0 (dimensionless: squared displacements in units of the side). `temperature_range` has
        those that move pixels and hardly ever fold the image.

    Raises
    ------
    TypeError, ValueError
        For a parameter outside its range.

    Notes
    -----
    Both components of a displacement are independent, fields are arrays [..., 2, N, N] of pixels
    that hold the displacement along rows (axis 0 of the image) first. Every `rng` is a seed or
    Generator for ``numpy.random.default_rng``. Source: Petrini et al., arXiv:2105.02468.

    Examples
    --------
    >>> lowest, highest = Diffeomorphism.temperature_range(32, cut=3)
    >>> tau = Diffeomorphism(cut=3, temperature=highest)
    >>> round(tau.typical_displacement(32), 3)
    1.645
    >>> fields = tau.draw(32, samples=5, rng=0)
    >>> fields.shape, bool(tau.folds(fields).any())
    ((5, 2, 32, 32), False)
    >>> tau.apply(np.ones((5, 32, 32)), fields).shape
    (5, 32, 32)
    """

    cut: float
    temperature: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "cut", _checked_cut(self.cut))
        temperature = validate.real("temperature", self.temperature, positive=True)
        object.__setattr__(self, "temperature", temperature)

    @classmethod
    def with_displacement(cls, pixels: float, size: int, cut: float) -> Diffeomorphism:
        """Return the deformations of images of `size` with this `typical_displacement`.

        >>> tau = Diffeomorphism.with_displacement(1, size=32, cut=3)
        >>> round(tau.typical_displacement(32), 12)
        1.0
        """
        pixels = validate.real("pixels", pixels, positive=True)
        size, cut = _checked_size(size, cut)
        return cls(cut, 2 * (pixels / (size - 1)) ** 2 / _inverse_squares(cut))

    @staticmethod
    def temperature_range(size: int, cut: float) -> tuple[float, float]:
        r"""Return the least and the highest temperature for images of `size` pixels a side.

        .. math:: T_{\min} = \frac{1}{2 (N-1)^2 s}, \qquad
                  T_{\max} = \frac{1}{2 \pi^2 c^2 s}, \qquad s = \sum_{r \le c} r^{-2} .

        At the least the typical displacement is half a pixel; less is interpolation more than
        deformation. At the highest it is :math:`(N-1)/(2 \pi c)`, so that the typical gradient is
        :math:`\pi \sqrt{T n / 2} \approx (8 \ln c)^{-1/2}` for n modes: its largest value among the
        :math:`c^2` independent places of an image does not grow with c. There 97 to 100 % of the
        maps fold nowhere at cuts from 2 to 15, 99 % and more from 2.9 on, and 90 to 92 % of the
        single mode at 1.5 (1500 maps for each of 11 cuts and 16, 32, 64 pixels). Petrini et al.
        admit :math:`4/(\pi^3 c^2 \ln c)`, for large cuts four times as much: 5 to 15 % then fold.

        Raises
        ------
        ValueError
            If the cut is above (N - 1)/pi, where the range is empty.

        Examples
        --------
        >>> [round(t * 1e4, 3) for t in Diffeomorphism.temperature_range(32, 3)]
        [5.076, 54.917]
        """
        size, cut = _checked_size(size, cut)
        if math.pi * cut > size - 1:
            raise ArgumentError(
                f"cut must be at most (size - 1)/pi = {(size - 1) / math.pi:.4g}, beyond which a "
                f"typical displacement of half a pixel folds images of {size} pixels; got {cut:g} "
                f"(possible from {math.ceil(math.pi * cut) + 1} pixels on)"
            )
        total = _inverse_squares(cut)
        return 1 / (2 * (size - 1) ** 2 * total), 1 / (2 * math.pi**2 * cut**2 * total)

    def typical_displacement(self, size: int) -> float:
        r"""Return the root of the mean square length of the displacement (pixels), exactly.

        .. math:: \delta = (N - 1) \sqrt{\tfrac T2 \sum_{r \le c} r^{-2}}
                  \approx \tfrac N2 \sqrt{\pi T \ln c},

        the mean being over fields and over the pixels of an image of `size` pixels a side.
        """
        size, _ = _checked_size(size, self.cut)
        return (size - 1) * math.sqrt(self.temperature / 2 * _inverse_squares(self.cut))

    def modes(self, size: int) -> tuple[Floats, Floats]:
        """Return sin(i pi x), [modes, size], and the variances of the C_ij in pixels squared.

        The variance of a displacement at pixel (y, x) is the sum over i, j of
        ``variances[i, j] * sines[i, y]**2 * sines[j, x]**2``.
        """
        size, cut = _checked_size(size, self.cut)
        number = np.arange(1, _highest(cut) + 1)
        # sin(pi m) is rounded to 1e-16; reduced to whole numbers of half waves it is 0.
        phase = np.outer(number, np.arange(size)) % (2 * (size - 1))
        sines = np.where(phase % (size - 1) == 0, 0.0, np.sin(np.pi * phase / (size - 1)))
        return sines, size**2 * self.temperature * _spectrum(cut)

    def draw(self, size: int, samples: int = 1, *, rng: Any = None) -> Floats:
        """Return `samples` independent fields of displacements (pixels), [samples, 2, N, N].

        >>> Diffeomorphism(cut=2, temperature=1e-3).draw(9, samples=3, rng=1).shape
        (3, 2, 9, 9)
        """
        samples = validate.integer("samples", samples, 1)
        sines, variances = self.modes(size)
        shape = (samples, 2, *variances.shape)
        coefficients = np.sqrt(variances) * validate.generator(rng).standard_normal(shape)
        return np.asarray(sines.T @ coefficients @ sines)

    def apply(
        self,
        images: Any,
        fields: Any = None,
        *,
        interpolation: Interpolation = "linear",
        rng: Any = None,
    ) -> Floats:
        """Return the deformed images, x(p - u(p)), each by a field of its own.

        Parameters
        ----------
        images : array [n, N, N]
            Real numbers.
        fields : array [n, 2, N, N], optional
            Displacements (pixels), such as `draw` returns; by default they are drawn with `rng`.
        interpolation : {"linear", "gaussian"}
            Between the four pixels around p - u; or a mean over all pixels with the weights of a
            Gaussian of standard deviation 0.4715 pixels, which blurs where nothing moves, too.

        Returns
        -------
        array [n, N, N]
            Places outside the image have the value at the nearest point of its border.
        """
        pictures = as_pictures(images)
        size = pictures.shape[-1]
        interpolation = validate.choice("interpolation", interpolation, INTERPOLATIONS)
        if fields is None:
            return deformed(pictures, self.draw(size, len(pictures), rng=rng), interpolation)
        if rng is not None:
            raise ArgumentError("rng must be None where fields are given; got both")
        given = as_fields(fields, (len(pictures), 2, size, size))
        return deformed(pictures, given, interpolation)

    @staticmethod
    def folds(fields: Any) -> NDArray[np.bool_]:
        """Return for each field [n, 2, N, N] whether it turns a triangle of adjacent pixels over.

        Otherwise the map p -> p - u(p), linear between pixels, is one to one.
        """
        given = as_fields(fields)
        grid = np.indices(given.shape[2:]) - given
        down, right = np.diff(grid, axis=2), np.diff(grid, axis=3)
        # Triangles at the upper left and at the lower right corner of every cell.
        first = _areas(down[..., :-1], right[:, :, :-1])
        second = _areas(down[..., 1:], right[:, :, 1:])
        return np.asarray((np.minimum(first, second) <= 0).any(axis=(1, 2)))

    def to_dict(self) -> dict[str, float]:
        """Return the parameters for JSON; `from_dict` restores the same deformations."""
        return {"cut": self.cut, "temperature": self.temperature}

    @classmethod
    def from_dict(cls, data: Any) -> Diffeomorphism:
        """Return the deformations of which `data` is the `to_dict`."""
        if not isinstance(data, Mapping) or data.keys() != {"cut", "temperature"}:
            raise ArgumentTypeError(f"data must have the keys cut and temperature; got {data!r}")
        return cls(**data)


def as_pictures(images: Any, name: str = "images") -> Floats:
    """Return `images` as floats [n, N, N], all finite."""
    accepted = "finite real numbers of shape [n, N, N], n >= 1 and N >= 3"
    array = validate.floats(name, images, accepted)
    square = array.ndim == 3 and array.shape[1] == array.shape[2]
    if not square or array.shape[0] < 1 or array.shape[1] < 3:
        raise ArgumentError(f"{name} must be {accepted}; got shape {list(array.shape)}")
    if not np.isfinite(array).all():
        index = int(np.argmin(np.isfinite(array).all(axis=(1, 2))))
        raise ArgumentError(f"{name} must be {accepted}; {name}[{index}] is not finite")
    return array


def as_fields(fields: Any, shape: tuple[int, ...] | None = None) -> Floats:
    """Return `fields` as floats [n, 2, N, N] of this shape, all finite."""
    wanted = "n, 2, N, N" if shape is None else ", ".join(map(str, shape))
    accepted = f"finite displacements (pixels) of shape [{wanted}]"
    array = validate.floats("fields", fields, accepted)
    if array.ndim != 4 or array.shape[1] != 2 or not 1 < array.shape[2] == array.shape[3]:
        raise ArgumentError(f"fields must be {accepted}; got shape {list(array.shape)}")
    if shape is not None and array.shape != shape:
        raise ArgumentError(f"fields must be {accepted}; got shape {list(array.shape)}")
    if not np.isfinite(array).all():
        raise ArgumentError(f"fields must be {accepted}; got one that is not finite")
    return array


def deformed(images: Floats, fields: Floats, interpolation: Interpolation) -> Floats:
    """Return x(p - u(p)) of images [n, N, N] by fields [n, 2, N, N]."""
    from scipy.ndimage import map_coordinates

    count, size, _ = images.shape
    places = np.clip(np.indices((size, size)) - fields, 0, size - 1)
    rows, columns = places[:, 0], places[:, 1]
    which = np.broadcast_to(np.arange(count)[:, None, None], rows.shape)
    if interpolation == "linear":
        return np.asarray(map_coordinates(images, [which, rows, columns], order=1, mode="nearest"))
    total, norm = np.zeros_like(images), np.zeros_like(images)
    middle = np.rint(places).astype(int)
    steps = range(-_REACH, _REACH + 1)
    for row, row_weight in _near(middle[:, 0], rows, steps, size):
        for column, column_weight in _near(middle[:, 1], columns, steps, size):
            weight = row_weight * column_weight
            total += weight * images[which, row, column]
            norm += weight
    return total / norm


def _near(
    middle: NDArray[np.int64], places: Floats, steps: range, size: int
) -> list[tuple[NDArray[np.int64], Floats]]:
    """Pixels around `places` along one axis and their weights, which are 0 outside the image."""
    pixels = [middle + step for step in steps]
    inside = [(pixel >= 0) & (pixel < size) for pixel in pixels]
    weights = [np.exp(-((pixel - places) ** 2) / (2 * _WIDTH**2)) for pixel in pixels]
    return [
        (np.clip(pixel, 0, size - 1), np.where(within, weight, 0.0))
        for pixel, within, weight in zip(pixels, inside, weights, strict=True)
    ]


def _areas(down: Floats, right: Floats) -> Floats:
    return np.asarray(down[:, 0] * right[:, 1] - down[:, 1] * right[:, 0])


def _checked_cut(cut: Any) -> float:
    number = validate.real("cut", cut)
    if _square(abs(number)) < 2 or not 0 < number < LARGEST:
        raise ArgumentError(
            f"cut must be a real number from sqrt(2), the wave number of the first mode, to "
            f"{LARGEST - 1}; got {number:g}"
        )
    return number


def _checked_size(size: Any, cut: Any) -> tuple[int, float]:
    """Return both, refusing images too coarse for the highest mode."""
    size, cut = validate.integer("size", size, 3, LARGEST), _checked_cut(cut)
    if _highest(cut) >= size - 1:
        raise ArgumentError(
            f"size must be at least {_highest(cut) + 2} pixels for modes up to {_highest(cut)} "
            f"half waves a side (cut {cut:g}); got {size}"
        )
    return size, cut


def _highest(cut: float) -> int:
    """Return the highest i with i^2 + 1 <= c^2."""
    return math.isqrt(_square(cut) - 1)


def _square(cut: float) -> int:
    """Return the largest integer up to c^2; the float nearest to sqrt(13) has the square 13."""
    return int(cut**2 * (1 + 1e-14))


def _spectrum(cut: float) -> Floats:
    """Return 1/(i^2 + j^2) of the modes, 0 beyond the cut."""
    number = np.arange(1, _highest(cut) + 1)
    squares = np.add.outer(number**2, number**2)
    return np.where(squares <= _square(cut), 1 / squares, 0.0)


def _inverse_squares(cut: float) -> float:
    return float(_spectrum(cut).sum())
