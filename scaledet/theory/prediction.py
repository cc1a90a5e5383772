"""Exact sensitivities of every layer: D_k, G_k, R_k and Q_k."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from scaledet import validate
from scaledet.errors import ArgumentError
from scaledet.network.network import Network
from scaledet.results import storage, tables
from scaledet.scenario import Experiment, checked_experiment, restored
from scaledet.theory.one_pixel_response import one_pixel_columns
from scaledet.theory.signal.one_pixel import ExactSensitivity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scaledet.tasks.scale_detection import ScaleDetection

__all__ = ["ExactSequence", "Prediction", "predict"]

_METHODS = ("exact", "closure")
_LAWS = ("gaussian", "sphere")
_BACKGROUNDS = (1e-100, 1e100)
_ARRAYS = ("D", "G", "R", "A", "support", "Q", "G_mean", "G_variance")


class ExactSequence(Sequence[Fraction]):
    """D_0, ..., D_depth as exact rationals, each computed when asked for and kept."""

    def __init__(self, network: Network, size: int | None, task: ScaleDetection | None,
                 balanced: bool) -> None:  # fmt: skip
        self._network = network
        self._task = task
        self._balanced = balanced
        self._one_pixel = ExactSensitivity(network, size)
        self._known: dict[int, Fraction] = {}

    def __len__(self) -> int:
        return self._network.depth + 1

    @overload
    def __getitem__(self, index: int) -> Fraction: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Fraction, ...]: ...
    def __getitem__(self, index: int | slice) -> Fraction | tuple[Fraction, ...]:
        if isinstance(index, slice):
            return tuple(self[k] for k in range(len(self))[index])
        try:
            k = range(len(self))[index]
        except IndexError:
            raise IndexError(
                f"exact_D must be indexed by a layer up to {len(self) - 1}; got {index}"
            ) from None
        if k not in self._known:
            self._known[k] = self._compute(k)
        return self._known[k]

    def __iter__(self) -> Iterator[Fraction]:
        return (self[k] for k in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # compares by value with lists and tuples

    def __repr__(self) -> str:
        shown = ", ".join(f"{k}: {value}" for k, value in sorted(self._known.items()))
        return f"ExactSequence(D_0 ... D_{len(self) - 1}; known so far: {{{shown}}})"

    def _compute(self, k: int) -> Fraction:
        if self._task is None:
            return self._one_pixel.at(k)
        from scaledet.theory.pair_response import exact_pair_sensitivity

        return exact_pair_sensitivity(self._network, k, self._task, balanced=self._balanced)


@dataclass(frozen=True, eq=False, repr=False)
class Prediction(Experiment):
    """Sensitivities of every layer, k = 0 (the input) to the depth; exact unless `method` says not.

    All arrays have shape [depth + 1] and are dimensionless but for `A` and `support` (pixels).

    Attributes
    ----------
    network, size, rectify, sigma, task, balanced
        What was predicted; see ``predict``.
    D, G, R : ndarray
        Sensitivity to displacements, to noise, and their ratio D/G.
    A, support : ndarray
        Effective receptive field sqrt(1 + 12 Var h_k) and support of the composite filter.
    Q : ndarray
        Mean square distance of the representations of two independent images.
    G_mean, G_variance : ndarray
        The parts of G due to the mean and to the variance of the noise; their sum is G.
    method : {"exact", "closure"}
        How G was computed; "closure" is an approximation.
    background : float
        Standard deviation of the noise that the images themselves carry.
    noise : {"gaussian", "sphere"}
        Law of the noise that G is the response to.
    """

    D: NDArray[np.float64]
    G: NDArray[np.float64]
    R: NDArray[np.float64]
    A: NDArray[np.float64]
    support: NDArray[np.float64]
    Q: NDArray[np.float64]
    G_mean: NDArray[np.float64]
    G_variance: NDArray[np.float64]
    method: str = "exact"
    background: float = 0.0
    noise: str = "gaussian"

    def __post_init__(self) -> None:
        for name in _ARRAYS:
            getattr(self, name).setflags(write=False)

    @cached_property
    def exact_D(self) -> ExactSequence:
        """The same D_k as exact ``Fraction`` values, computed on access.

        Raises
        ------
        ValueError
            If the prediction is approximate, a bias is negative or images carry a background.
        """
        if self.background:
            raise ArgumentError(f"exact_D needs background 0; got {self.background!r}")
        if self.approximate:
            raise ArgumentError(f"exact_D needs method 'exact'; got {self.method!r}")
        self.network.require_theory("exact_D")
        return ExactSequence(self.network, self.size, self.task, self.balanced)

    @property
    def approximate(self) -> bool:
        """Whether G is an approximation (D and Q never are)."""
        return self.method != "exact"

    def columns(self) -> dict[str, Any]:
        """Columns of the table of results, by name."""
        depth = self.network.depth
        return {
            "layer": np.arange(depth + 1),
            "stride": [int(s) for s in self.network.strides],
            **{name: getattr(self, name) for name in _ARRAYS},
        }

    def to_dataframe(self) -> Any:
        """Return a pandas ``DataFrame``, one row per layer."""
        return tables.frame(self.columns())

    def _title(self) -> str:
        kind = "approximate: rectified-Gaussian closure" if self.approximate else "exact"
        extra = f", background = {self.background:.6g}" if self.background else ""
        extra += ", noise on the sphere" if self.noise == "sphere" else ""
        return f"Prediction ({kind}) of {self.describe()}{extra}"

    def _shown(self) -> dict[str, Any]:
        return {"k": np.arange(len(self.D)), "A_k": self.A, "D_k": self.D, "G_k": self.G,
                "R_k": self.R}  # fmt: skip

    def __repr__(self) -> str:
        return f"{self._title()}\n{tables.text_table(self._shown())}"

    def _repr_html_(self) -> str:
        return tables.html_table(self._title(), self._shown())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write to `path` (a .npz archive with a ``meta.json`` inside); read by ``load``."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        own = {name: getattr(self, name) for name in ("method", "background", "noise")}
        meta = {**self.experiment_dict(), **own}
        return storage.write(path, "prediction", meta, arrays)

    @classmethod
    def from_stored(cls, meta: dict[str, Any], arrays: dict[str, Any]) -> Prediction:
        """Rebuild from `save`; called by ``load``."""
        return cls(**restored(meta), **arrays)


def predict(
    net: Network,
    *,
    size: int | None = None,
    boundary: str = "periodic",
    sigma: float | None = None,
    rectify: str | None = "input",
    task: ScaleDetection | None = None,
    balanced: bool = False,
    method: str = "exact",
    background: float = 0.0,
    noise: str = "gaussian",
) -> Prediction:
    r"""Compute the sensitivities of every layer exactly, with all finite-size terms.

    .. math:: D_k = E|f_k(\tau x) - f_k(x)|^2 / Q_k, \qquad
              G_k = E|f_k(x + \eta) - f_k(x)|^2 / Q_k, \qquad
              Q_k = E|f_k(x) - f_k(x')|^2,

    tau moving each active pixel by one site along a random axis, x' an independent image.

    Parameters
    ----------
    net : Network
        Non-negative kernels and biases. Images stay non-negative, so every ReLU after the noise
        has entered is inactive; a bias >= 0 changes nothing. With rectify="layers" the bias of
        layer 1 acts on the noise and may be any.
    size : int or None
        Pixels a side, a multiple of the total stride; None: the infinite lattice with the total
        noise power fixed.
    boundary : {"periodic"}
        The image lives on the torus.
    sigma : float, optional
        Standard deviation of the noise per pixel (units of the pixel height). Default: matched
        to the displacement, L sigma^2 = E|tau x - x|^2.
    rectify : {"input", "noise", "layers", None}
        relu(x + eta) enters the network, or x + relu(eta); "layers": x + eta enters and every
        layer rectifies; None: linear noise.
    task : ScaleDetection, optional
        Two-pixel images of this task instead of one uniformly placed pixel.
    balanced : bool, default False
        With `task`: every label weighs the same instead of every admitted pair.
    method : {"exact", "closure"}
        "closure" admits any bias in any layer (one pixel, finite size): D and Q are exact, G is
        approximate, see the notes.
    background : float, default 0
        Standard deviation xi of white noise zeta that the images carry, rectified at the input:
        relu(x + xi zeta) is the image, relu(x + xi zeta + eta) the noisy one (for rectify="input";
        one pixel, finite size, not "layers"). A move takes the active pixel along and leaves zeta
        in place; independent images have independent zeta. The default `sigma` stays that of x.
    noise : {"gaussian", "sphere"}
        "sphere": eta of fixed norm sigma N^(d/2). The same G as Gaussian noise but for
        rectify="input", where they differ by a relative 1/L^2 at fixed sigma, L = N^d (one pixel,
        not "layers").

    Returns
    -------
    Prediction
        Relative error of the floats below 1e-12 for one pixel (depth up to 10^4 at stride 1, to
        exhaustion at stride > 1), below 1e-10 for a task. ``exact_D`` holds exact rationals.

    Raises
    ------
    ExhaustionError
        If all images look alike at some layer (Q_k = 0); names the largest depth that works.
    TypeError, ValueError
        For bad arguments, signed kernels, and biases that no exact theory covers (names what does).

    Notes
    -----
    The closure takes the units of each layer for rectified Gaussian variables of the right means
    and covariances. It is exact if no bias after layer 1 is negative (if none is, with noise
    rectified at the input). Else G_k is off, mostly too small, and the more the larger |b|/sigma
    and the less the clean signal that is left. In 63 simulations (kernels of length 2 to 4, strides
    1 and 2, equal layers, sigma 0.1, 1 and matched, sizes 16 to 64) by at most 0.6, 0.8 and 2.5 %
    at layers 2, 3 and 4 for biases -0.005; 4, 8 and 14 % for -0.02; 7, 13 and 16 % for -0.05, where
    a Gaussian law in its place is up to 40, 56 and 53 % off. Matched noise on larger images is
    weaker: for kernel 2, stride 1 and biases -0.005, 8 % at layer 4 with 1024 pixels, 19 % with
    2048. Sources:
    Tomasini et al., arXiv:2210.01506 (the model); our derivation for any filter, finite size,
    two pixels, and biases.

    Examples
    --------
    >>> p = predict(Network.uniform(kernel=2, stride=2, depth=4), size=256)
    >>> p.exact_D[2], float(p.D[2])
    (Fraction(16, 63), 0.25396825396825395)
    """
    validate.choice("boundary", boundary, ("periodic",))
    found = checked_experiment(
        "predict", net, size, rectify, sigma, task, balanced, sigma_range=(1e-150, 1e150)
    )
    validate.choice("method", method, _METHODS)
    validate.choice("noise", noise, _LAWS)
    background = validate.background(background, *_BACKGROUNDS)
    _require_covered(found, method)
    _require_plain(found, method, background, noise)
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        if found.task is not None and found.sigma is not None:
            from scaledet.theory.pair_response import pair_sensitivities

            columns = pair_sensitivities(
                net, found.task, found.sigma, rectify, balanced=found.balanced
            )
        else:
            columns = one_pixel_columns(found, method, background, noise)
        columns["G"] = columns["G_mean"] + columns["G_variance"]
        columns["R"] = columns["D"] / columns["G"]
    try:
        columns["A"] = np.array(net.box_width)
        columns["support"] = np.array([float(width) for width in net.support])
    except OverflowError:
        raise ArgumentError(
            f"depth must be at most about {int(1023 * net.depth / math.log2(net.strides[-1]))} "
            f"so that the receptive field fits a float; got {net.depth}"
        ) from None
    _require_finite(columns, found.sigma)
    values: dict[str, Any] = {**vars(found), **columns, "method": method}
    values |= {"background": background, "noise": noise}
    return Prediction(**values)


def _require_covered(found: Experiment, method: str) -> None:
    """Refuse what `method` does not cover."""
    net, layered = found.network, found.rectify == "layers"
    if method == "closure":
        if found.rectify is None:
            raise ArgumentError(
                "method must be 'exact' with rectify=None, linear noise; got 'closure'"
            )
        if found.size is None or found.task is not None:
            raise ArgumentError(
                "method 'closure' needs one pixel and a finite size; got "
                + ("size=None" if found.size is None else f"{found.task!r}")
            )
        net.require_kernels("predict")
        return
    if layered and found.size is None:
        net.require_no_bias("predict on the infinite lattice")
    net.require_theory("predict", first_bias=layered and found.task is None)


def _require_plain(found: Experiment, method: str, background: float, noise: str) -> None:
    """Refuse background and sphere noise where they are not worked out."""
    plain = found.size is not None and found.task is None and found.rectify != "layers"
    for name, value, usual in (("background", background, 0.0), ("noise", noise, "gaussian")):
        if value != usual and not (plain and method == "exact"):
            raise ArgumentError(
                f"{name} must be {usual!r} on the infinite lattice, with a task, with "
                f"rectify='layers' or with method='closure'; got {value!r}"
            )
    if background and noise == "sphere":
        raise ArgumentError(f"noise must be 'gaussian' with a background; got {noise!r}")


def _require_finite(columns: dict[str, NDArray[np.float64]], sigma: float | None) -> None:
    smallest = np.finfo(float).tiny
    positive = np.all([columns[name] >= smallest for name in ("D", "G", "R", "Q")], axis=0)
    finite = np.all([np.isfinite(values) for values in columns.values()], axis=0)
    good = positive & finite
    if not good.all():
        first = int(np.argmin(good))
        if first == 0:
            raise ArgumentError(
                f"sigma must be such that the input's noise sensitivity fits a float; got {sigma!r}"
            )
        raise ArgumentError(
            f"depth must be at most {first - 1} here: at layer {first} a sensitivity leaves the "
            "range of floats"
        )
