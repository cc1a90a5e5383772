"""How far the filters of convolutions are low-pass: their power by modes of the grid Laplacian."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.isolation import usual_floats
from scaledet.measure.probe import Layers, as_module
from scaledet.measure.shuffling import convolutions
from scaledet.results.contents import Values, names
from scaledet.results.result import Result

__all__ = ["FilterSpectrum", "filter_spectrum"]

Floats = NDArray[np.float64]


def _kernels(name: str, value: Any) -> tuple[tuple[int, ...], ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(k, list | tuple) for k in value):
        raise ArgumentTypeError(f"{name} must be lists of lengths; got {value!r}")
    return tuple(tuple(validate.integer(name, side, 1) for side in sides) for sides in value)


@dataclass(frozen=True, eq=False, repr=False)
class FilterSpectrum(Result):
    r"""Spatial filters of convolutions, averaged over output and input channels.

    With weights w of F taps f and :math:`C_{in}` input channels,

    .. math:: \sigma_w^2 C_{ff'} = C_{in} \langle w_f w_{f'} \rangle, \qquad \sum_f C_{ff} = 1 ,

    the mean being over pairs of channels.

    Attributes
    ----------
    layers : tuple of str
        Names of the convolutions.
    kernels : tuple of tuple of int
        Lengths of their kernels along the axes (taps).
    weight_variance : ndarray, shape [layers]
        :math:`\sigma_w^2`, the sum of the mean squared weights of all taps times the number of
        input channels: 2 for He's initialisation.
    bias_variance : ndarray, shape [layers]
        Mean square of the biases; 0 without.
    covariances : ndarray, shape [squares]
        The matrices C of all layers, row by row; `tap_covariances` has them one by one.

    Examples
    --------
    >>> import torch
    >>> from scaledet.measure import filter_spectrum
    >>> layer = torch.nn.Conv1d(1, 1, 3)
    >>> _ = torch.nn.init.constant_(layer.weight, 0.5)
    >>> filter_spectrum(torch.nn.Sequential(layer)).share.round(9).tolist()
    [1.0]
    """

    layers: tuple[str, ...]
    kernels: tuple[tuple[int, ...], ...]
    weight_variance: Floats
    bias_variance: Floats
    covariances: Floats

    _kind = "filter_spectrum"
    _arrays: ClassVar = {
        "weight_variance": Values(positive=True),
        "bias_variance": Values(minimum=0),
        "covariances": Values(("squares",)),
    }
    _facts: ClassVar = {"layers": names, "kernels": _kernels}

    @property
    def taps(self) -> NDArray[np.int64]:
        """Number F of taps of every layer."""
        return np.array([np.prod(sides) for sides in self.kernels], dtype=np.int64)

    @property
    def tap_covariances(self) -> tuple[Floats, ...]:
        """The matrix C of every layer, [F, F], taps in the order of the flattened kernel."""
        ends = np.cumsum(self.taps**2)[:-1]
        parts = np.split(self.covariances, ends)
        return tuple(part.reshape(f, f) for part, f in zip(parts, self.taps, strict=True))

    @property
    def shares(self) -> tuple[Floats, ...]:
        """Shares of power of the modes of the grid Laplacian of every layer, slowest mode first.

        The modes are products of cosines, cos(pi k (f + 1/2)/n) along an axis of n taps, in the
        order of their eigenvalues.
        """
        pairs = zip(self.kernels, self.tap_covariances, strict=True)
        return tuple(
            np.einsum("kf,fg,kg->k", modes, matrix, modes)
            for modes, matrix in ((_modes(sides), matrix) for sides, matrix in pairs)
        )

    @property
    def share(self) -> Floats:
        """Share of power of the constant mode of every layer; 1/F for independent taps."""
        return np.array([shares[0] for shares in self.shares])

    @property
    def t(self) -> tuple[float | None, ...]:
        """Share of pooling, (F - 1/share)/(F - 1): 0 for independent taps, 1 for constant filters.

        Below 0 for high-pass filters; None for kernels of one tap or without the constant mode.
        """
        pairs = zip(self.taps.tolist(), self.share.tolist(), strict=True)
        return tuple(
            (taps - 1 / share) / (taps - 1) if taps > 1 and share > 0 else None
            for taps, share in pairs
        )

    def columns(self) -> dict[str, Any]:
        """Columns of the table, by name."""
        return {
            "layer": list(self.layers),
            "kernel": ["x".join(map(str, sides)) for sides in self.kernels],
            "share": self.share,
            "independent": 1 / self.taps,
            "t": list(self.t),
            "weight_variance": self.weight_variance,
            "bias_variance": self.bias_variance,
        }

    def _shown(self) -> dict[str, Any]:
        columns = self.columns()
        return {**columns, "t": ["-" if t is None else t for t in columns["t"]]}

    def _title(self) -> str:
        return f"Filter spectrum of {len(self.layers)} convolutions"

    def _lengths(self) -> dict[str, int]:
        return {"layers": len(self.layers), "squares": int((self.taps**2).sum())}


@usual_floats
def filter_spectrum(model: Any, *, layers: Layers = None) -> FilterSpectrum:
    r"""Return the share of low modes in the filters of every convolution, and their covariance.

    Parameters
    ----------
    model : torch.nn.Module
        With convolutions, whose weights are read as they stand: if a module of another kind scales
        them in its forward pass, shares are those of its filters, variances are not.
    layers : names, predicate or None
        Names of modules with weights [out, in, \*kernel], in the order of the result; a function
        of name and module; None: all of Conv1d, Conv2d and Conv3d.

    Returns
    -------
    FilterSpectrum

    Raises
    ------
    ImportError
        Without PyTorch.
    TypeError, ValueError
        For a model without convolutions, or weights that are all zero or not finite.

    Notes
    -----
    Every kernel is projected on the eigenvectors of the Laplacian of its grid of taps; the power is
    averaged over all pairs of channels. Source: Tomasini et al., arXiv:2210.01506; the share of
    pooling and the covariance are our derivation.

    Examples
    --------
    >>> import torch
    >>> from scaledet.measure import filter_spectrum
    >>> _ = torch.manual_seed(0)
    >>> spectrum = filter_spectrum(torch.nn.Sequential(torch.nn.Conv2d(64, 64, 3)))
    >>> spectrum.share.round(2).tolist(), len(spectrum.shares[0])
    ([0.11], 9)
    """
    chosen = convolutions("layers", as_module(model), layers)
    kernels, matrices, biases = [], [], []
    for name, module in chosen.items():
        weight = module.weight.detach().double().cpu().numpy()
        if not np.isfinite(weight).all() or not weight.any():
            raise ArgumentError(
                f"model must have finite weights in every convolution, not all 0; {name!r} has not"
            )
        kernels.append(tuple(map(int, weight.shape[2:])))
        flat = weight.reshape(weight.shape[0] * weight.shape[1], -1)
        matrices.append(flat.T @ flat / weight.shape[0])
        bias = getattr(module, "bias", None)
        biases.append(0.0 if bias is None else float(bias.detach().double().square().mean()))
    variances = np.array([np.trace(matrix) for matrix in matrices])
    flat_matrices = [m.ravel() / v for m, v in zip(matrices, variances, strict=True)]
    return FilterSpectrum(
        tuple(chosen), tuple(kernels), variances, np.array(biases), np.concatenate(flat_matrices)
    )


def _modes(sides: tuple[int, ...]) -> Floats:
    """Return the eigenvectors of the Laplacian of a grid, as rows, by rising eigenvalue."""
    from scipy.fft import dct

    modes, values = np.ones((1, 1)), np.zeros(1)
    for side in sides:
        axis = dct(np.eye(side), axis=0, norm="ortho")
        modes = np.kron(modes, axis)
        values = np.add.outer(values, 2 - 2 * np.cos(np.pi * np.arange(side) / side)).ravel()
    return np.asarray(modes[np.argsort(values.round(12), kind="stable")])
