"""What is claimed of trained networks, to be judged by the `rule`.

The claims were written before the runs that judge them, with a prototype's numbers known. "D =
bridge" was among them, was dropped before the runs for "permuted D = bridge", and was taken up
again, unchanged, when one network had been measured.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scaledet.analysis.rule import CLOSE, FLAT, GAINED, RAISED

__all__ = ["CLAIMS", "SETTINGS", "Claim", "Correlation", "Curve", "noise_in_training"]

T1, T2, NO_STRIDE, TASK_2D, CIFAR = SETTINGS = (
    "1d_strided_T1",
    "1d_strided_T2",
    "1d_stride_1",
    "2d_task",
    "cifar10",
)
"""The columns of the table."""

PAPER, THEORY = "the paper", "the theory of this package"


@dataclass(frozen=True)
class Curve:
    """A quantity layer by layer: at a stage of training, of a variant of the network.

    The stage "trained" is the end of the recipe or that of zero loss, whichever is judged; "any"
    stands for predictions that do not depend on training. The variant "permuted" is the network
    with permuted channels, BatchNorm recalibrated where that was done.
    """

    quantity: str
    stage: str = "trained"
    variant: str = "all"


@dataclass(frozen=True)
class Claim:
    """A claim on networks of one kind, judged by an effect over seeds.

    Attributes
    ----------
    name : str
        A short name; `statement` is what is claimed, and `source` who claims it.
    settings : tuple of str
        Where it is claimed.
    statistic : {"slope", "level", "raised", "gained"}
        Slope of the logarithms of `of` on ln A_k; mean of the logarithms of `of` over `claimed`;
        logarithm of `of` over `base` at the deepest layer of the window; mean gain of `of` over
        `base`, as a share of 1 - `base`, from layer 2 on.
    of : Curve
        What is measured.
    low, high : float
        The claimed range of the effect, relative to what `claimed` gives.
    claimed : Curve or float
        Where the range is centred: a number, or the effect of a curve.
    rivals : mapping of str to Curve or float
        What the effect would be otherwise.
    base : Curve or None
        See `statistic`.
    noisy : bool
        Whether it is claimed of networks that are trained with noise, or of all others.
    """

    name: str
    statement: str
    source: str
    settings: Sequence[str]
    statistic: str
    of: Curve
    low: float
    high: float
    rivals: Mapping[str, Curve | float]
    claimed: Curve | float = 0.0
    base: Curve | None = None
    noisy: bool = False


@dataclass(frozen=True)
class Correlation:
    """A claimed sign of the correlation of a quantity at the output with the test error.

    Both are those of a variant, by which images may carry noise; with `within_noise` only
    networks that were trained with equal noise are compared.
    """

    name: str
    statement: str
    source: str
    settings: Sequence[str]
    quantity: str
    sign: int
    variant: str = "all"
    within_noise: bool = False


def noise_in_training(recipe: str) -> float:
    """Return the standard deviation of the noise in training that a recipe's name states, or 0.

    >>> [noise_in_training(recipe) for recipe in ("sgd", "sgd_noise_0.3", "noise1", "noise 0")]
    [0.0, 0.3, 1.0, 0.0]
    """
    match = re.search(r"noise[ _=-]?(\d+(?:\.\d+)?)", recipe)
    return float(match.group(1)) if match else 0.0


_ONE_D = (T1, T2, NO_STRIDE)
_FALLS, _RISES = (-math.inf, -FLAT), (FLAT, math.inf)
_MEAN = "channel_mean"
_BOX_D, _BOX_G = Curve("D", "any", "box"), Curve("G", "any", "box")


def _sign(
    name: str, statement: str, of: Curve, band: tuple[float, float], noisy: bool = False
) -> Claim:
    """Return the claim that a curve falls or rises; its rival is that it stays."""
    settings = (CIFAR,) if noisy else SETTINGS
    return Claim(
        name, statement, PAPER, settings, "slope", of, *band, rivals={"flat": 0.0}, noisy=noisy
    )


def _not_before(name: str, statement: str, settings: Sequence[str], variant: str) -> Claim:
    """Return the claim that D does not fall before training; its rivals are that it does."""
    of = Curve("D", "before", variant)
    rivals: dict[str, Curve | float] = {"half of 1/A": -0.5}
    rivals["slope after training"] = Curve("D", "trained", variant)
    return Claim(name, statement, PAPER, settings, "slope", of, -FLAT, math.inf, rivals)


def _exponent(
    name: str,
    statement: str,
    settings: Sequence[str],
    of: Curve,
    claimed: Curve,
    rivals: Mapping[str, Curve | float],
) -> Claim:
    return Claim(
        name, statement, PAPER, settings, "slope", of, -FLAT, FLAT, rivals, claimed=claimed
    )


def _predicted(
    name: str, statement: str, of: Curve, claimed: Curve, rivals: Mapping[str, Curve | float]
) -> Claim:
    return Claim(
        name, statement, THEORY, SETTINGS, "level", of, -CLOSE, CLOSE, rivals, claimed=claimed
    )


def _correlations() -> list[Correlation]:
    claims = {
        "D": ("The more sensitive to deformations the output, the larger the test error", 1),
        "G": ("The more sensitive to noise the output, the smaller the test error", -1),
        "R": ("The larger D over G at the output, the larger the test error", 1),
    }
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "": ("", {}),
        ", equal noise": (", at equal training noise", {"within_noise": True}),
        ", noisy probes": (", both with noise in the test images", {"variant": "noisy_probe"}),
    }
    return [
        Correlation(
            f"{quantity} goes with the error{suffix}",
            f"{text}{words}.",
            *(PAPER, (CIFAR,), quantity, sign),
            **options,
        )
        for suffix, (words, options) in kinds.items()
        for quantity, (text, sign) in claims.items()
    ]


_SIGNS = [
    _sign("D falls after training", "D_k falls with depth.", Curve("D"), _FALLS),
    _not_before("D does not before", "Before training it does not.", SETTINGS, "all"),
    _not_before(
        "channel-mean D does not before",
        "Before training it does not, the channels being averaged first.",
        _ONE_D,
        _MEAN,
    ),
    _sign("G rises after training", "G_k rises with depth.", Curve("G"), _RISES),
    _sign("R falls after training", "R_k = D_k/G_k falls with depth.", Curve("R"), _FALLS),
]

_POOLING = [
    Claim(
        "channel pooling",
        "Permuting channels raises D at the deepest layer of the window, by a quarter at least.",
        *(PAPER, SETTINGS, "raised", Curve("D", variant="permuted"), RAISED, math.inf),
        rivals={"no effect": 0.0},
        base=Curve("D"),
    ),
    Claim(
        "spatial pooling",
        "Filters turn low-pass: from layer 2 on, the constant mode gains 5 % of the power of the "
        "other modes at least.",
        *(PAPER, SETTINGS, "gained", Curve("share"), GAINED, math.inf),
        rivals={"no gain": 0.0},
        base=Curve("share", "before"),
    ),
]

_NOISY = [
    _sign(
        f"{quantity} {verb}, trained with noise{', noisy probes' if variant != 'all' else ''}",
        f"{quantity}_k {verb} with depth also in networks trained with noise"
        f"{', measured on images that carry it' if variant != 'all' else ''}.",
        Curve(quantity, variant=variant),
        band,
        noisy=True,
    )
    for quantity, verb, band in (("D", "falls", _FALLS), ("G", "rises", _RISES))
    for variant in ("all", "noisy_probe")
]

_NOISY_POOLING = [
    Claim(
        "channel pooling, trained with noise",
        "Permuting channels raises D also in networks trained with noise.",
        *(PAPER, (CIFAR,), "raised", Curve("D", variant="permuted"), RAISED, math.inf),
        rivals={"no effect": 0.0},
        base=Curve("D"),
        noisy=True,
    )
]

_EXPONENTS = [
    _exponent(
        f"{name}{'' if variant == 'all' else ', channel mean'}",
        f"{statement}{'' if variant == 'all' else ', the channels being averaged first'}.",
        settings,
        Curve(claimed.quantity, variant=variant),
        claimed,
        rivals,
    )
    for name, statement, settings, claimed, rivals in (
        (
            "D ~ 1/A at stride = kernel",
            "D_k falls as that of box filters, in T1 as 1/A_k",
            (T1,),
            _BOX_D,
            {"flat": 0.0, "law without stride": -2.0},
        ),
        (
            "D of moves in blocks",
            "D_k falls as that of box filters, in T2 faster than 1/A_k as moves stay in a block",
            (T2,),
            _BOX_D,
            {"flat": 0.0, "law of T1": -1.0, "law without stride": -2.0},
        ),
        (
            "D ~ 1/A^2 without stride",
            "D_k falls as that of box filters, without stride as 1/A_k^2",
            (NO_STRIDE,),
            _BOX_D,
            {"flat": 0.0, "law with stride": -1.0},
        ),
        (
            "G ~ A^d",
            "G_k rises as that of box filters on images of this size, in the limit as A_k^d",
            _ONE_D,
            _BOX_G,
            {"flat": 0.0},
        ),
    )
    for variant in ("all", _MEAN)
]

_INDEPENDENT = Curve("D", "trained", "autocorrelation")
_PREDICTIONS = [
    _predicted(
        "D before = wide theory",
        "Before training D_k is that of wide networks of independent weights.",
        Curve("D", "before"),
        Curve("D", "any", "wide_before"),
        {"box filters": _BOX_D},
    ),
    _predicted(
        "channel-mean D = box theory",
        "After training the channel mean has the D_k of box filters.",
        Curve("D", variant=_MEAN),
        _BOX_D,
        {"before training": Curve("D", "before", _MEAN)},
    ),
    _predicted(
        "permuted D = independent channels",
        "With permuted channels D_k is that of wide networks of the measured covariance of taps.",
        Curve("D", variant="permuted"),
        _INDEPENDENT,
        {"box filters": _BOX_D, "channels in order": Curve("D")},
    ),
    _predicted(
        "permuted D = bridge",
        "With permuted channels D_k is that of wide networks of the measured covariance of taps "
        "and the mean over input channels, which permuting keeps.",
        Curve("D", variant="permuted"),
        Curve("D", "trained", "bridge"),
        {"box filters": _BOX_D, "channels in order": Curve("D")},
    ),
    _predicted(
        "D = bridge",
        "D_k is that of wide networks of the measured covariance and mean of filters.",
        Curve("D"),
        Curve("D", "trained", "bridge"),
        {"box filters": _BOX_D, "independent channels": _INDEPENDENT},
    ),
    _predicted(
        "D = all weights without ReLU",
        "D_k is that of the network's own weights without ReLU and biases.",
        Curve("D"),
        Curve("D", "trained", "linear"),
        {"box filters": _BOX_D, "independent channels": _INDEPENDENT},
    ),
]

CLAIMS: Sequence[Claim | Correlation] = (
    *_SIGNS,
    *_POOLING,
    *_NOISY,
    *_NOISY_POOLING,
    *_correlations(),
    *_EXPONENTS,
    *_PREDICTIONS,
)
"""The rows of the table, in order."""
