"""Sensitivities measured layer by layer, with their errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentTypeError
from scaledet.measure.stimuli import DISPLACEMENTS, NOISES
from scaledet.results.contents import Values, count, image_shape, names, one_of, optional, real
from scaledet.results.result import Result
from scaledet.results.tables import with_error
from scaledet.tasks.deformation import Diffeomorphism

__all__ = [
    "DEAD",
    "DEAF",
    "PERMUTED",
    "RECALIBRATIONS",
    "RECTIFICATIONS",
    "ROWLESS",
    "Measurement",
]

Floats = NDArray[np.float64]

RECTIFICATIONS = ("noise", "input", None)
RECALIBRATIONS = ("never", "shuffled", "always")
DEAD, DEAF = "all images look alike (Q = 0)", "the noise changes fewer than 10 images"
PERMUTED = "with permuted channels, images look alike or the noise changes fewer than 10"
ROWLESS = "the output has no row for every image"
REASONS = (DEAD, DEAF, PERMUTED, ROWLESS)

_ESTIMATES = ("D", "D_err", "G", "G_err", "R", "R_err", "Q", "Q_err")
_SHUFFLED = ("D_shuffled", "G_shuffled")


def _left_out(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, list) or not all(isinstance(pair, list) for pair in value):
        raise ArgumentTypeError(f"{name} must be pairs of layer and reason; got {value!r}")
    return {str(layer): validate.choice(name, reason, REASONS) for layer, reason in value}


@dataclass(frozen=True, eq=False, repr=False)
class Measurement(Result):
    """Measured sensitivities of the layers of a model, in the order asked.

    Arrays have shape [layers] where nothing else is said; D, G and R are dimensionless.

    Attributes
    ----------
    layers : tuple of str
        Names of the layers.
    left_out : dict of str to str
        Layers without sensitivities, and why: all images look alike there, nothing responds to the
        noise, or the output has no axis of images.
    D, D_err, G, G_err, R, R_err, Q, Q_err : ndarray
        Sensitivity to displacements, to noise, D/G, and the mean square distance of two different
        images; standard errors by bootstrap over images.
    rounding : ndarray
        D that the rounding of the outputs could cause by itself.
    D_shuffled, G_shuffled : ndarray, shape [permutations, layers]
        The same with permuted channels; `channel_pooling` compares.
    channel_pooling_err : ndarray, shape [layers] or [0]
        Standard error of `channel_pooling`, over images and permutations.
    shape : tuple of int
        Channels and sides of an image.
    samples, repeats : int
        Number of images; displacements (and noises) of each.
    displacement : {"diffeomorphism", "shift", "task", "callable"}
        What was done to the images.
    deformation : Diffeomorphism or None
        The law of the deformations.
    noise : {"matched", "matched_per_image", "given"}
        How the noise was chosen: of the mean square of the displacements of all images, of that of
        every image, or given.
    sigma : float
        Standard deviation of the noise per pixel and channel; root mean square over the images
        where it is matched per image.
    rectify : {"noise", "input", None}
        Whether the noise entered as relu(eta), the noisy image as relu(x + eta), or neither.
    average_channels : bool
        Whether outputs were averaged over channels first.
    permutations : int
        Number of networks with permuted channels.
    recalibrate : {"never", "shuffled", "always"}
        Which networks had the running statistics of BatchNorm measured again.
    normalisations : int
        Number of BatchNorm layers.
    target_error : float or None
        Relative error of D and G that was asked for; see `relative_error`.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from scaledet.measure import sensitivities
    >>> images = np.random.default_rng(0).random((20, 1, 16))
    >>> measured = sensitivities(torch.nn.AvgPool1d(2), images, "shift", rng=0)
    >>> measured.layers, measured.D.shape, measured.target_reached
    (('input', 'output'), (2,), None)
    """

    layers: tuple[str, ...]
    left_out: dict[str, str]
    D: Floats
    D_err: Floats
    G: Floats
    G_err: Floats
    R: Floats
    R_err: Floats
    Q: Floats
    Q_err: Floats
    rounding: Floats
    D_shuffled: Floats
    G_shuffled: Floats
    channel_pooling_err: Floats
    shape: tuple[int, ...]
    samples: int
    repeats: int
    displacement: str
    deformation: Diffeomorphism | None
    noise: str
    sigma: float
    rectify: str | None
    average_channels: bool
    permutations: int
    recalibrate: str
    normalisations: int
    target_error: float | None

    _kind = "measurement"
    _arrays: ClassVar = {
        **dict.fromkeys(_ESTIMATES, Values(minimum=0)),
        "rounding": Values(minimum=0),
        **dict.fromkeys(_SHUFFLED, Values(("permutations, layers",), minimum=0)),
        "channel_pooling_err": Values(("pooled",), minimum=0),
    }
    _facts: ClassVar = {
        "layers": names,
        "left_out": _left_out,
        "shape": image_shape,
        "samples": count(10),
        "repeats": count(1),
        "displacement": one_of(*DISPLACEMENTS),
        "noise": one_of(*NOISES),
        "sigma": real(positive=True),
        "rectify": one_of(*RECTIFICATIONS),
        "average_channels": validate.flag,
        "permutations": count(0),
        "recalibrate": one_of(*RECALIBRATIONS),
        "normalisations": count(0),
        "target_error": optional(real(positive=True)),
    }

    @property
    def channel_pooling(self) -> Floats:
        """D with permuted channels over D: how much the channels pool; nothing if none were.

        Where D is 0 it is infinite, or 1 if D stays 0.
        """
        if not self.permutations:
            return np.zeros(0)
        permuted = self.D_shuffled.mean(axis=0)
        limit = np.where(permuted > 0, np.inf, 1.0)
        return np.asarray(np.divide(permuted, self.D, out=limit, where=self.D > 0))

    @property
    def _still(self) -> NDArray[np.bool_]:
        """Whether D is no more than rounding, layer by layer."""
        return np.asarray(np.less_equal(self.D, self.rounding))

    @property
    def relative_error(self) -> float:
        """Largest relative standard error of D and of G, where D is above rounding."""
        above = ~self._still
        parts = [(self.D_err / np.where(above, self.D, 1.0))[above], self.G_err / self.G]
        return float(np.concatenate(parts).max())

    @property
    def target_reached(self) -> bool | None:
        """Whether the error is at most the one asked for; None if none was."""
        return None if self.target_error is None else self.relative_error <= self.target_error

    def columns(self) -> dict[str, Any]:
        """Columns of the table, by name."""
        columns: dict[str, Any] = {"layer": list(self.layers)}
        columns |= {name: getattr(self, name) for name in _ESTIMATES}
        if self.permutations:
            columns |= {name: getattr(self, name).mean(axis=0) for name in _SHUFFLED}
            columns["channel_pooling"] = self.channel_pooling
            columns["channel_pooling_err"] = self.channel_pooling_err
        return columns

    def _shown(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"layer": list(self.layers)}
        for name in "DGRQ":
            values, errors = getattr(self, name), getattr(self, f"{name}_err")
            shown[name] = list(map(with_error, values, errors))
        if self.permutations:
            pairs = zip(self.channel_pooling, self.channel_pooling_err, strict=True)
            shown["D shuffled/D"] = [with_error(*pair) for pair in pairs]
        return shown

    def _title(self) -> str:
        shape = " x ".join(map(str, self.shape))
        turns = f", {self.repeats} displacements of each" if self.repeats > 1 else ""
        images = f"{self.samples} images of shape {shape}{turns}"
        return f"Measurement of {len(self.layers)} layers, {images}"

    def remarks(self) -> list[str]:
        """Return what was done to the images, and what should be known about the numbers."""
        law = ""
        if self.deformation is not None:
            pixels = self.deformation.typical_displacement(self.shape[-1])
            law = f" of cut {self.deformation.cut:.4g}, typical displacement {pixels:.3g} pixels"
        how = {
            "matched": "matched to all displacements",
            "matched_per_image": "matched image by image",
            "given": "given",
        }[self.noise]
        entry = {"noise": ", rectified", "input": ", noisy images rectified", None: ""}
        lines = [
            f"displacement: {self.displacement}{law}; "
            f"noise: sigma = {self.sigma:.4g}, {how}{entry[self.rectify]}"
        ]
        target = ""
        if self.target_error is not None:
            reached = "reached" if self.target_reached else "NOT reached with all images"
            target = f" (target {100 * self.target_error:.3g} %: {reached})"
        lines.append(
            f"largest relative error of D and G: {100 * self.relative_error:.2g} %{target}"
        )
        if self.average_channels:
            lines.append("outputs with sites are averaged over their channels")
        if self.normalisations or self.permutations:
            lines.append(self._networks())
        lines += [f"left out: {name}: {reason}" for name, reason in self.left_out.items()]
        if self._still.any():
            still = [self.layers[k] for k in np.flatnonzero(self._still)]
            lines.append(f"D is no more than rounding: {', '.join(still)}")
        return lines

    def _networks(self) -> str:
        text = f"{self.permutations} networks with permuted channels" if self.permutations else ""
        if self.normalisations:
            which = {
                "never": "stored statistics",
                "shuffled": "statistics measured again after permuting",
                "always": "statistics measured again",
            }[self.recalibrate]
            text += f"{'; ' if text else ''}BatchNorm: {which}"
        return text

    def _lengths(self) -> dict[str, int]:
        layers = len(self.layers)
        pooled = layers if self.permutations else 0
        return {"layers": layers, "permutations": self.permutations, "pooled": pooled}

    def to_stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return plain facts and arrays, which `from_stored` reads."""
        facts, arrays = super().to_stored()
        law = self.deformation
        facts |= {"deformation": None if law is None else law.to_dict()}
        return {**facts, "left_out": list(map(list, self.left_out.items()))}, arrays

    @classmethod
    def from_stored(cls, facts: dict[str, Any], arrays: dict[str, Any]) -> Measurement:
        """Rebuild from `to_stored`; called by ``load``."""
        law = facts["deformation"]
        facts = {**facts, "deformation": None if law is None else Diffeomorphism.from_dict(law)}
        return super().from_stored(facts, arrays)
