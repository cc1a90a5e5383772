"""Sensitivities of a network to deformations of images whose power spectrum is given."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentError, ExhaustionError
from scaledet.image_scenario import ImageResult, ImageScenario
from scaledet.isolation import usual_floats
from scaledet.network.network import Network
from scaledet.results.contents import Values, one_of
from scaledet.tasks.deformation import Diffeomorphism
from scaledet.theory.coverage import require_theory, require_unshifted_torus
from scaledet.theory.signal.deformed_images import (
    AxisResponses,
    DeformedCovariance,
    exact_responses,
    local_responses,
)

__all__ = ["ImagePrediction", "predict_images"]

Method = Literal["gaussian", "local"]
Interpolation = Literal["linear", "band-limited"]

_METHODS: tuple[Method, ...] = ("gaussian", "local")
_INTERPOLATIONS = ("linear", "band-limited")
_RECTIFICATIONS = ("noise", None)
_SMALLEST = 1e-4
"""Least typical displacement (pixels): rounding errors grow as its inverse square."""
_SYMMETRY = 1e-9
_ROUNDING = 1e-13


@dataclass(frozen=True, eq=False, repr=False)
class ImagePrediction(ImageResult):
    """Sensitivities of every layer to deformations of images, k = 0 (the input) to the depth.

    All arrays have shape [depth + 1]; D, G and R are dimensionless.

    Attributes
    ----------
    scenario : ImageScenario
        Network, deformation, size and noise; `network`, `deformation`, `size`, `rectify` and
        `sigma` are attributes here, too.
    interpolation : {"linear", "band-limited"}
        How images are continued between their pixels.
    method : {"gaussian", "local"}
        How the displacement enters; `approximate` says whether D is approximate.
    D, G, R : ndarray
        Sensitivity to deformations, to noise, and their ratio D/G.
    Q : ndarray
        Mean square distance of the representations of two independent images (squared pixel
        values).

    Examples
    --------
    >>> import numpy as np
    >>> from scaledet import Diffeomorphism, Network, predict_images
    >>> tau = Diffeomorphism.with_displacement(1, size=8, cut=2)
    >>> net = Network.uniform(2, 2, depth=2, dim=2)
    >>> predict_images(net, np.ones((8, 8)), tau, size=8).D.round(3).tolist()
    [0.275, 0.247, 0.186]
    """

    scenario: ImageScenario
    interpolation: Interpolation
    method: Method
    D: NDArray[np.float64]
    G: NDArray[np.float64]
    R: NDArray[np.float64]
    Q: NDArray[np.float64]

    _kind = "image_prediction"
    _arrays: ClassVar = dict.fromkeys(("D", "G", "R", "Q"), Values(positive=True))
    _facts: ClassVar = {
        "interpolation": one_of(*_INTERPOLATIONS),
        "method": one_of(*_METHODS),
    }

    @property
    def approximate(self) -> bool:
        """Whether D is approximate even for images that meet all assumptions."""
        return self.method == "local" or self.interpolation == "linear"

    def _title(self) -> str:
        kind = "exact for stationary images"
        if self.interpolation == "linear":
            kind = "approximate: rounding shared by pairs of pixels"
        if self.method == "local":
            kind = "approximate: displacement constant within receptive fields"
        return f"Prediction ({kind}) of {self.scenario}, {self.interpolation} interpolation"


@usual_floats
def predict_images(
    net: Network,
    spectrum: Any,
    deformation: Diffeomorphism,
    *,
    size: int,
    rectify: Literal["noise"] | None = None,
    sigma: float | None = None,
    interpolation: Interpolation = "linear",
    method: Method = "gaussian",
) -> ImagePrediction:
    r"""Predict the sensitivities to deformations of images of a given power spectrum.

    .. math:: D_k = E|f_k(\tau x) - f_k(x)|^2 / Q_k, \qquad \tau x(p) = x(p - u(p)), \qquad
              Q_k = E|f_k(x) - f_k(x')|^2 .

    Parameters
    ----------
    net : Network
        Of dimension 2 on the torus (padding=None), with non-negative kernels and biases: no ReLU
        is active on images without negative pixels, the network is linear.
    spectrum : array [M, M]
        Power spectrum of the images about their mean, S(q) = S(-q) at the frequencies 2 pi n/M in
        the order of ``numpy.fft.fft2`` (squared pixel values; the sum is a pixel's variance), such
        as `power_spectrum` estimates. M = N: images that are periodic themselves. Otherwise the
        image is a piece of a larger one, and M >= 2 N - 1.
    deformation : Diffeomorphism
        The law of the displacements u.
    size : int
        Pixels a side N.
    rectify : {"noise", None}
        Noise for G: x + relu(eta), or x + eta in a linear network.
    sigma : float, optional
        Standard deviation of the noise per pixel (units of the pixel values). Default: matched to
        the deformation, L sigma^2 = E|tau x - x|^2.
    interpolation : {"linear", "band-limited"}
        Between the pixels: linear on both axes, as most codes deform images, or the function
        without frequencies above those of the pixels (splines of high order come near).
    method : {"gaussian", "local"}
        "gaussian" averages over the joint law of the displacements of every two pixels, in N^4
        steps: 2 seconds (CPU) for 64 pixels, 33 for 128. "local" takes the displacement for
        constant within each receptive field, an approximation that takes a second at most (see the
        notes).

    Returns
    -------
    ImagePrediction

    Raises
    ------
    ExhaustionError
        If all images look alike at some layer (Q_k = 0); names the largest depth that works.
    TypeError, ValueError
        For bad arguments, signed kernels, negative biases and rectifications that depend on the
        values of pixels: `simulate_images` takes them.

    Notes
    -----
    "gaussian" with band-limited interpolation is exact, up to 1e-6, for all images that are
    stationary and independent of the deformation, whatever else their law. Linear interpolation is
    exact for the single pixel (k = 0) and treats pairs of pixels approximately: off by
    less than 0.6 % where the spectrum falls as \|q\|^-2, and by 4 % for white images (12 pixels,
    typical displacements of 0.25 to 1.5; 400 deformations, averaged over all images).
    "local" is, for periodic band-limited images, the transfer function's

    .. math:: \sum_q S(q) |\hat h_k(q)|^2 \cdot
              2 \left( 1 - \langle e^{-|q|^2 \mathrm{Var}\, u(p)/2} \rangle_p \right)

    for every unit, without the gradients of u over a receptive field: on photographs
    of 32 pixels between 5 % too large and 22 % too small (3 networks, 4 deformations), most at the
    deepest layers, which respond to these gradients.
    Photographs are no stationary field but nearly so if patches are taken from everywhere:
    `simulate_images` was within 1.7 %, or 1.7 standard errors, of D at every layer of 3 networks
    and for 4 deformations (1500 patches of 64 pixels from pictures of 150 by 192 and more, 8
    deformations of each: ``figures/fig10_photographs.py``), but up to 6 % off where the smallest
    picture had 75 by 96 pixels.
    Source: our derivation; deformations of Petrini et al., arXiv:2105.02468.

    Examples
    --------
    Images whose spectrum falls as \|q\|^-2, pooled by boxes:

    >>> import numpy as np
    >>> from scaledet import Diffeomorphism, Network
    >>> wave = 2 * np.pi * np.fft.fftfreq(63)
    >>> square = np.add.outer(wave**2, wave**2)
    >>> spectrum = np.divide(1, square, out=np.zeros_like(square), where=square > 0)
    >>> tau = Diffeomorphism.with_displacement(1, size=32, cut=3)
    >>> net = Network.uniform(2, 2, depth=4, dim=2)
    >>> predict_images(net, spectrum, tau, size=32).D.round(4).tolist()
    [0.1356, 0.0755, 0.033, 0.0134, 0.0062]
    """
    scenario = ImageScenario.checked(net, deformation, size, rectify, sigma)
    require_theory(net, "predict_images")
    require_unshifted_torus(net, "predict_images", "simulate_images")
    if rectify not in _RECTIFICATIONS:
        raise ArgumentError(
            f"rectify must be 'noise' or None in predict_images, for {rectify!r} depends on the "
            "values of single pixels; simulate_images takes it"
        )
    method = validate.choice("method", method, _METHODS)
    interpolation = validate.choice("interpolation", interpolation, _INTERPOLATIONS)
    displacement = deformation.typical_displacement(scenario.size)
    if displacement < _SMALLEST:
        raise ArgumentError(
            f"deformation must have a typical displacement of at least {_SMALLEST:g} pixels, below "
            f"which D is lost to rounding; got {displacement:g}"
        )
    power = _checked_spectrum(spectrum, scenario.size)
    responses = AxisResponses.of(net, scenario.size)
    modes = deformation.modes(scenario.size)
    covariance = DeformedCovariance(power, *modes, linear=interpolation == "linear")
    distance = 2 * responses.total(covariance.plain)
    alive = distance > _ROUNDING * distance[0] / np.array([s**2 for s in net.strides], dtype=float)
    if not alive.all():
        raise ExhaustionError.at(int(np.argmin(alive)), scenario.size)
    average = exact_responses if method == "gaussian" else local_responses
    moved = average(responses, covariance)
    if scenario.sigma is None:
        scenario = replace(scenario, sigma=math.sqrt(moved[0]) / scenario.size)
    noise = _noise_responses(responses, scenario)
    values = {"D": moved / distance, "G": noise / distance, "R": moved / noise, "Q": distance}
    for name, value in values.items():
        if not (np.isfinite(value) & (value > 0)).all():
            raise ArgumentError(
                "spectrum and sigma must be such that sensitivities are positive floats; "
                f"{name}[{int(np.argmin(value > 0))}] is none"
            )
    return ImagePrediction(scenario, interpolation, method, **values)


def _checked_spectrum(spectrum: Any, size: int) -> NDArray[np.float64]:
    accepted = (
        f"finite real numbers S(q) = S(-q) of shape [{size}, {size}] (periodic images) or [M, M] "
        f"with M >= {2 * size - 1}, of positive sum"
    )
    array = validate.floats("spectrum", spectrum, accepted)
    if (
        array.ndim != 2
        or array.shape[0] != array.shape[1]
        or not (len(array) == size or len(array) >= 2 * size - 1)
    ):
        raise ArgumentError(f"spectrum must be {accepted}; got shape {list(array.shape)}")
    if not np.isfinite(array).all():
        raise ArgumentError(f"spectrum must be {accepted}; got one that is not finite")
    turned = np.roll(array[::-1, ::-1], 1, axis=(0, 1))
    if np.abs(array - turned).max() > _SYMMETRY * np.abs(array).max():
        raise ArgumentError(f"spectrum must be {accepted}; got S(q) != S(-q)")
    if array.sum() <= 0:
        raise ArgumentError(f"spectrum must be {accepted}; got the sum {array.sum():g}")
    return array


def _noise_responses(responses: AxisResponses, scenario: ImageScenario) -> NDArray[np.float64]:
    """Return E|P_k eta|^2: the energy of every pixel's response, and of the noise's mean."""
    sigma = scenario.sigma or 0.0
    energy = np.trace(responses.gram, axis1=1, axis2=2) ** 2
    if scenario.rectify is None:
        return np.asarray(sigma**2 * energy)
    constant = responses.gram.sum(axis=(1, 2)) ** 2
    return np.asarray(sigma**2 * ((0.5 - 0.5 / math.pi) * energy + constant / (2 * math.pi)))
