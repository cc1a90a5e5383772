"""Sensitivities of the layers of any PyTorch module to displacements and to noise."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentError
from scaledet.isolation import usual_floats
from scaledet.measure.measurement import (
    DEAD,
    DEAF,
    PERMUTED,
    RECALIBRATIONS,
    RECTIFICATIONS,
    ROWLESS,
    Measurement,
)
from scaledet.measure.probe import Layers, Probe, as_module
from scaledet.measure.responses import Responses, Run
from scaledet.measure.shuffling import convolutions as chosen_convolutions
from scaledet.measure.shuffling import shuffled
from scaledet.measure.stimuli import Stimuli, as_image_set, displacement_of, seeds_of, stream
from scaledet.network.torch_modules.normalisation import CALIBRATION, recalibrated
from scaledet.network.torch_modules.pytorch import undisturbed

__all__ = ["sensitivities"]

Floats = NDArray[np.float64]

_FIRST = 100
"""Images of the first attempt at a target error."""
_MARGIN = 1.1
_FEWEST = 10
"""Images that must respond to the noise: then hardly a replicate has none of them, and no R."""
_EXACT = 1e-24
"""Relative variance below which a quotient scatters by rounding only."""
_REPLICATES = 400
"""Bootstrap replicates: standard errors are known to 4 %."""


@usual_floats
def sensitivities(
    model: Any,
    images: Any,
    displacement: Any = "diffeomorphism",
    noise: Any = "matched",
    *,
    layers: Layers = None,
    rectify: Literal["noise", "input"] | None = None,
    shuffle_channels: int | Literal[False] = False,
    convolutions: Layers = None,
    recalibrate: Literal["never", "shuffled", "always"] = "never",
    average_channels: bool = False,
    repeats: int = 1,
    target_error: float | None = None,
    batch_size: int = 32,
    rng: Any = None,
) -> Measurement:
    r"""Measure how much layers respond to displacements and to noise, on given images.

    .. math:: D = E|f(\tau x) - f(x)|^2 / Q, \qquad G = E|f(x + \eta) - f(x)|^2 / Q, \qquad
              R = D / G, \qquad Q = E|f(x) - f(x')|^2,

    f being the output of a layer and x, x' different images. No theory is used.

    Parameters
    ----------
    model : torch.nn.Module
        Any module that takes images [rows, channels, \*sides] and treats each by itself, an
        exported program, or TorchScript, whose layers are its operators. It is run for evaluation
        (BatchNorm with its stored statistics) and left as it was: mode, buffers, gradients, random
        generators.
    images : tensor or array [n, channels, \*sides]
        At least 10 images, in the units that the model takes.
    displacement : {"diffeomorphism", "shift", "task"}, Diffeomorphism, ScaleDetection or callable
        "diffeomorphism": of cut 3 and typical displacement 1 pixel (less below 20 pixels a side, so
        that images hardly fold), or those given, all channels alike; "shift": one pixel, circular,
        random axis and sign; "task": every active pixel (not 0) moves by one site, random axis and
        sign, on the torus; a `ScaleDetection` moves the active pixels of its images and leaves
        their noise in place. A callable takes an image (array [channels, \*sides]) and a NumPy
        Generator and returns the displaced image.
    noise : {"matched", "matched_per_image"} or float
        Gaussian noise of the mean square of tau x - x over all images, or over every image; or its
        standard deviation per pixel and channel.
    layers : names, predicate or None
        Names of modules, as in ``model.named_modules()``, in the order of the result; a function
        of name and module; None: the input, all modules without parts in the order of their calls,
        and the output. "input" and "output" are accepted as names, too. The k-th call of a module
        has the name "name#k", k >= 2; its name alone means all calls. Of an output that is a tuple
        or mapping, the first tensor with a row for every image counts.
    rectify : {"noise", "input", None}
        x + relu(eta) or relu(x + eta) enters instead of x + eta.
    shuffle_channels : False or int
        Number of networks to measure besides, each with the input channels of `convolutions`
        randomly permuted.
    convolutions : names, predicate or None
        Modules with weights [out, in, \*kernel]; None: all of Conv1d, Conv2d and Conv3d, the first
        as well, whose channels are the colours.
    recalibrate : {"never", "shuffled", "always"}
        Whether the running statistics of BatchNorm are measured again, on the images in batches of
        100: after permuting, or for all networks, which compares like with like. The statistics are
        put back.
    average_channels : bool
        Whether outputs that have sites are averaged over their channels first.
    repeats : int
        Displacements, and noises, of each image; more images are worth more.
    target_error : float, optional
        Relative standard error of D and G to reach at all layers. Then only as many of the first
        images are used as it takes; the result says whether it was reached.
    batch_size : int
        Images at a time; three times as many rows enter the model. Numbers depend on it by no more
        than the rounding of the model.
    rng : seed or Generator
        For ``numpy.random.default_rng``.

    Returns
    -------
    Measurement
        Standard errors by bootstrap: images are resampled, numerators and Q together. 400 images
        with one deformation each give about 5 %. Errors of G are those at this sigma. A hundred
        images of very unequal strength have errors up to 30 % larger than stated.

    Raises
    ------
    ImportError
        Without PyTorch (``pip install scaledet[torch]``).
    TypeError, ValueError
        For bad arguments, a model that raises on the images, and layers that are not there or
        return numbers that are not finite.

    Notes
    -----
    Every output is reduced within a forward hook, in double precision; none is kept. Layers where
    all images look alike (Q = 0: dead, or a single site) are left out of the table and named.
    Q is estimated without pairs of equal images, from the mean representation, in O(n).
    Source: Petrini et al., arXiv:2105.02468; Tomasini et al., arXiv:2210.01506.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from scaledet.measure import sensitivities
    >>> _ = torch.manual_seed(0)
    >>> model = torch.nn.Sequential(
    ...     torch.nn.Conv2d(3, 16, 3), torch.nn.ReLU(inplace=True), torch.nn.AvgPool2d(2)
    ... )
    >>> images = np.random.default_rng(0).random((50, 3, 12, 12))
    >>> measured = sensitivities(model, images, "shift", layers=["0", "1", "2"], rng=0)
    >>> measured.layers, bool(measured.D[2] < measured.D[0])
    (('0', '1', '2'), True)
    """
    module, array = as_module(model), as_image_set(images)
    kind, law, displace = displacement_of(displacement, array)
    noise_kind, sigma = _noise(noise)
    repeats = validate.integer("repeats", repeats, 1)
    permutations = 0
    if shuffle_channels is not False:
        permutations = validate.integer("shuffle_channels", shuffle_channels, 1)
    if target_error is not None:
        target_error = validate.real("target_error", target_error, positive=True)
    rectify = validate.choice("rectify", rectify, RECTIFICATIONS)
    permuted: dict[str, Any] = {}
    if permutations:
        permuted = chosen_convolutions("convolutions", module, convolutions)
    elif convolutions is not None:
        raise ArgumentError("convolutions must be None unless shuffle_channels is a number")
    recalibrate = validate.choice("recalibrate", recalibrate, RECALIBRATIONS)
    average = validate.flag("average_channels", average_channels)
    batch_size = validate.integer("batch_size", batch_size, 1)
    seeds = seeds_of(rng)
    stimuli = Stimuli(array, displace, repeats, noise_kind, sigma, rectify, seeds[0])
    run = Run(Probe(module), stimuli, (), average, batch_size, _like(module, images))
    facts: dict[str, Any] = {
        "shape": array.shape[1:],
        "repeats": repeats,
        "displacement": kind,
        "deformation": law,
        "noise": noise_kind,
        "rectify": rectify,
        "average_channels": average,
        "permutations": permutations,
        "recalibrate": recalibrate,
        "target_error": target_error,
    }
    with undisturbed(module):
        rows = run.rows([stimuli.clean(0)] * 3)
        chosen, rowless = run.probe.choose(rows, layers)
        run = replace(run, layers=tuple(chosen))
        session = _Session(run, tuple(permuted.values()), permutations, recalibrate, *seeds[1:])
        count = len(array) if target_error is None else min(_FIRST, len(array))
        while True:
            values = session.measured(count)
            values["left_out"] |= dict.fromkeys(rowless, ROWLESS)
            measured = Measurement(**values, **facts)
            if measured.target_reached is not False or count == len(array):
                return measured
            excess = (measured.relative_error / (target_error or 1.0)) ** 2
            count = min(len(array), max(count + 1, math.ceil(count * excess * _MARGIN)))


def _noise(noise: Any) -> tuple[str, float]:
    if isinstance(noise, str):
        return validate.choice("noise", noise, ("matched", "matched_per_image")), 0.0
    return "given", validate.real("noise", noise, positive=True)


def _like(model: Any, images: Any) -> Any:
    """Return an empty tensor of the type, device and memory format that images shall have."""
    import torch

    tensors = [*model.parameters(), *model.buffers()]
    inexact = [tensor for tensor in tensors if tensor.is_floating_point()]
    like = inexact[0] if inexact else torch.zeros(1)
    if not inexact and isinstance(images, torch.Tensor) and images.is_floating_point():
        like = images
    last = torch.channels_last
    chosen = [images] if isinstance(images, torch.Tensor) else inexact
    nhwc = any(
        t.ndim == 4 and not t.is_contiguous() and t.is_contiguous(memory_format=last)
        for t in chosen
    )
    shape = (1, 2, 2, 2) if nhwc else (1,)
    empty = torch.empty(shape, dtype=like.dtype, device=like.device)
    return empty.contiguous(memory_format=last) if nhwc else empty


@dataclass(frozen=True)
class _Session:
    """A model and the permuted ones, measured on more and more images."""

    run: Run
    permuted: tuple[Any, ...]
    permutations: int
    recalibrate: str
    orders: np.random.SeedSequence
    resampling: np.random.SeedSequence

    def measured(self, count: int) -> dict[str, Any]:
        """Return what is measured on the first `count` images, as fields of a `Measurement`."""
        stimuli = self.run.stimuli
        sigma = stimuli.sigma
        if stimuli.noise != "given":
            energy = float(np.mean([stimuli.energy(i) for i in range(count)]))
            if not energy:
                raise ArgumentError(
                    "images must change when they are displaced; got none that does"
                )
            sigma = math.sqrt(energy / stimuli.images[0].size)
        run = replace(self.run, stimuli=replace(stimuli, sigma=sigma))
        normalisations = self._normalise(run, count, ("always",))
        plain = run.responses(count)
        permuted = [self._permuted(run, count, turn) for turn in range(self.permutations)]
        rng = np.random.default_rng(self.resampling)
        weights = rng.multinomial(count, np.full(count, 1 / count), size=_REPLICATES)
        alive = [_alive(responses) for responses in (plain, *permuted)]
        kept = np.all(alive, axis=0)
        reasons = np.where(_distance(plain.spread) > plain.rounding, DEAF, DEAD)
        reasons = np.where(alive[0], PERMUTED, reasons)
        left_out = {n: str(reasons[k]) for k, n in enumerate(run.layers) if not kept[k]}
        if not kept.any():
            listed = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
            raise ArgumentError(f"layers must tell images apart, one at least; {listed}")
        estimate = _Estimate.of(plain, kept, weights)
        values = estimate.values_and_errors()
        others = [_Estimate.of(responses, kept, weights) for responses in permuted]
        return {
            "layers": tuple(n for n, here in zip(run.layers, kept, strict=True) if here),
            "left_out": left_out,
            **values,
            "rounding": plain.rounding[kept] / values["Q"],
            **_shuffling(estimate, others),
            "samples": count,
            "sigma": sigma,
            "normalisations": normalisations,
        }

    def _normalise(self, run: Run, count: int, when: tuple[str, ...]) -> int:
        """Measure the running statistics again if that is asked; return how many there are."""
        parts = max(1, count // CALIBRATION) if self.recalibrate in when else 0
        return recalibrated(run.probe.model, run.clean_rows(count, parts) if parts else None)

    def _permuted(self, run: Run, count: int, turn: int) -> Responses:
        buffers = [(buffer, buffer.clone()) for buffer in run.probe.model.buffers()]
        with shuffled(self.permuted, stream(self.orders, turn)):
            self._normalise(run, count, ("always", "shuffled"))
            responses = run.responses(count)
        for buffer, before in buffers:
            buffer.copy_(before)
        return responses


def _distance(spread: Floats) -> Floats:
    """Return the mean square distance of two different images, [layers]."""
    return np.asarray(2 * spread.sum(axis=-1) / (spread.shape[-1] - 1))


def _alive(responses: Responses) -> Floats:
    """Return for each layer whether it tells images apart and responds to the noise."""
    return np.asarray(
        (_distance(responses.spread) > responses.rounding)
        & ((responses.noisy > 0).sum(axis=1) >= _FEWEST)
    )


@dataclass(frozen=True)
class _Estimate:
    """Quantities and their bootstrap replicates, [layers] and [replicates, layers]."""

    values: dict[str, Floats]
    replicates: dict[str, Floats]

    @classmethod
    def of(cls, responses: Responses, kept: Floats, weights: NDArray[np.int64]) -> _Estimate:
        """Estimate from the images, and from images drawn `weights` [replicates, images] times.

        Distances stay those to the mean of all images, which is right to leading order in 1/n.
        """
        n = weights.shape[1]
        values = {"Q": _distance(responses.spread[kept])}
        replicates = {"Q": 2 * weights @ responses.spread[kept].T / (n - 1)}
        for name, part in (("D", responses.moved[kept]), ("G", responses.noisy[kept])):
            values[name] = part.mean(axis=1) / values["Q"]
            replicates[name] = weights @ part.T / n / replicates["Q"]
        values["R"] = values["D"] / values["G"]
        replicates["R"] = _quotient(replicates["D"], replicates["G"], np.nan)
        return cls(values, replicates)

    def values_and_errors(self) -> dict[str, Floats]:
        """Return the quantities and their standard errors by name."""
        errors = {f"{name}_err": np.nanstd(part, axis=0) for name, part in self.replicates.items()}
        return {**self.values, **errors}


def _quotient(numerator: Floats, denominator: Floats, otherwise: float) -> Floats:
    """Divide, where the denominator is not 0."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    limit = np.full(numerator.shape, otherwise)
    return np.asarray(np.divide(numerator, denominator, out=limit, where=denominator > 0))


def _shuffling(plain: _Estimate, permuted: list[_Estimate]) -> dict[str, Floats]:
    """Return D and G of permuted networks, and the error of their mean D over that of the plain."""
    layers = len(plain.values["D"])
    fields = {
        f"{name}_shuffled": np.array([other.values[name] for other in permuted]).reshape(-1, layers)
        for name in "DG"
    }
    if not permuted:
        return {**fields, "channel_pooling_err": np.zeros(0)}
    ratios = _quotient(fields["D_shuffled"], plain.values["D"], 0.0)
    mean = np.mean([other.replicates["D"] for other in permuted], axis=0)
    variance = _quotient(mean, plain.replicates["D"], 0.0).var(axis=0)
    if len(permuted) > 1:
        variance = variance + ratios.var(axis=0, ddof=1) / len(permuted)
    return {**fields, "channel_pooling_err": np.sqrt(np.where(variance > _EXACT, variance, 0.0))}
