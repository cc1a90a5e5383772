r"""Schedules of negative biases: which kill the noise before they kill the signal.

Boxes without overlap, n = f^d inputs a unit, biases b_k <= 0. In units of the signal's own height
n^-k a background unit :math:`y_k = n^k X_k` and the signal :math:`n^k u_k` obey

.. math:: y_k = \Bigl(\sum_{j=1}^n y_{k-1}^{(j)} - \beta_k\Bigr)_+, \qquad
          n^k u_k = \bigl(1 - (\beta_1 + \dots + \beta_k)\bigr)_+, \qquad \beta_k = n^k |b_k| .

The signal dies once the :math:`\beta_k` add up to 1. With equal :math:`\beta_k` the noise follows
the recursion of Derrida and Retaux, J. Stat. Phys. 156 (2014), whose transition decides whether it
survives.
Source: our derivation (`derivations/d12_bias_threshold.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from scaledet import validate
from scaledet.errors import ArgumentError
from scaledet.evolution.density import noisy_layers
from scaledet.evolution.evolve import MODES, Evolution, evolve
from scaledet.evolution.pixel_noise import Noise
from scaledet.evolution.unit_law import UnitLaw
from scaledet.isolation import usual_floats
from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.rationals import shown, text
from scaledet.results.contents import one_of, real, together
from scaledet.results.result import Record
from scaledet.scenario import Rectify

if TYPE_CHECKING:
    from typing import Self

__all__ = ["BiasPhases", "bias_phases"]

KINDS = ("constant", "proportional", "early")
_PLAIN = ("kernel", "depth", "dim")
_MOST_LAYERS = 60
_POINTS = 1024
_MARGIN = 1e-3
_WIDTH = 1e-9

Bracket = tuple[float, float]
Strength = float | Fraction


@dataclass(frozen=True, repr=False)
class BiasPhases(Record):
    """Where the signal dies and where the noise is suppressed, for one family of schedules.

    A saved file holds the arguments of `bias_phases` and the bracket `noise`.

    Attributes
    ----------
    kind : {"constant", "proportional", "early"}
        b_k = -theta; b_k = -theta n^-k; b_1 = -theta/n and no other bias.
    network : Network
        The layers, without biases.
    rectify : {"layers", "input", "noise"}
        How the noise meets the first ReLU.
    signal : Fraction
        Smallest theta at which Q_k = 0 at the last layer, exact.
    noise : (float, float)
        Bracket of the ratio theta/sigma above which G_k at the last layer is below 1, its value
        without any ReLU; on the infinite lattice, where the noise is weak: the bias changes it
        and not the signal. (0, 0) if it is below 1 without bias.

    Examples
    --------
    >>> from scaledet import bias_phases
    >>> bias_phases("constant", depth=4).dead_layer(0.02)
    5
    """

    kind: str
    network: Network
    rectify: Rectify
    signal: Fraction
    noise: Bracket

    _kind = "bias_phases"
    _facts: ClassVar = {
        "kind": one_of(*KINDS),
        "rectify": one_of(*MODES),
        "noise": together(real(minimum=0), real(minimum=0)),
    }

    def _values(self) -> dict[str, Any]:
        low, high = self.noise
        values = {name: getattr(self, name) for name in ("kind", *_PLAIN, "rectify", "signal")}
        return {**values, "noise_low": low, "noise_high": high}

    def to_stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return plain facts and arrays, which `from_stored` reads."""
        facts, arrays = super().to_stored()
        plain = {name: getattr(self, name) for name in _PLAIN}
        schedule = facts.pop("kind")  # In a file, "kind" is that of the result.
        return {"schedule": schedule, **plain, "signal": str(self.signal), **facts}, arrays

    @classmethod
    def from_stored(cls, facts: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """Rebuild from `to_stored`; called by ``load``."""
        net = _boxes(*(facts.pop(name) for name in _PLAIN))
        facts["kind"] = one_of(*KINDS)("schedule", facts.pop("schedule"))
        signal = _smallest_deadly(facts["kind"], net)
        if facts["signal"] != str(signal):
            raise ArgumentError(f"signal is {signal}; got {facts['signal']!r}")
        result = super().from_stored({**facts, "network": net, "signal": signal}, arrays)
        if result.noise[0] > result.noise[1]:
            raise ArgumentError(f"noise must be a bracket (low, high); got {result.noise}")
        return result

    @property
    def depth(self) -> int:
        """Number of layers."""
        return self.network.depth

    @property
    def kernel(self) -> int:
        """Length of the box and its stride."""
        return self.network.strides[1]

    @property
    def dim(self) -> int:
        """Dimension of the image."""
        return self.network.dim

    @property
    def inputs(self) -> int:
        """Inputs of a unit, n = f^d."""
        return int(self.kernel**self.dim)

    def biases(self, theta: Strength) -> tuple[Fraction, ...]:
        """Return b_1 ... b_depth at strength `theta` (units of the image's height)."""
        net = _biased(self.network, self.kind, self._strength(theta))
        return tuple(layer.bias for layer in net)

    def _strength(self, theta: Strength) -> Fraction:
        accepted = "a finite real number >= 0"
        value = validate.rational("theta", theta, accepted, decides=False)
        if value < 0:
            raise ArgumentError(f"theta must be {accepted}; got {shown(theta)}")
        if value == self.signal:
            validate.rational("theta", theta, accepted)  # Warns if it is rounded to this.
        return value

    def dead_layer(self, theta: Strength) -> int | None:
        """First layer, of any depth, with Q_k = 0 at strength `theta`; None if there is none."""
        value = self._strength(theta)
        if self.kind == "early" or value == 0:
            return 1 if value >= 1 else None
        if self.kind == "proportional":
            return math.ceil(1 / value)
        # n^k >= 1 + (n - 1)/(n theta)
        layer, power = 0, 1
        while power < 1 + Fraction(self.inputs - 1, self.inputs) / value:
            layer, power = layer + 1, power * self.inputs
        return layer

    @usual_floats
    def evolve(self, theta: Strength, **options: Any) -> Evolution:
        """Return ``evolve`` of the network with the biases of strength `theta`."""
        net = _biased(self.network, self.kind, self._strength(theta))
        return evolve(net, rectify=self.rectify, **options)

    @usual_floats
    def phase(self, theta: Strength, sigma: float, *, size: int | None = None) -> str:
        """Return "signal dead", "noise suppressed" or "noise piles up" at the last layer.

        Suppressed: G_k below its value without any ReLU. `size` defaults to the total stride
        times the square of one stride (pixels a side).
        """
        sigma = validate.real("sigma", sigma, positive=True)
        if self._strength(theta) >= self.signal:
            return "signal dead"
        net = self.network
        if size is None:
            size = net.strides[-1] * net.strides[1] ** 2
        size = validate.integer("size", net.feasible_size(size), 2)
        sensitivity = self.evolve(theta, size=size, sigma=sigma, points=_POINTS).G[-1]
        units = Fraction(size, net.strides[-1]) ** net.dim
        linear = size**net.dim * sigma**2 / 2 / float(1 - 1 / units)
        return "noise suppressed" if sensitivity < linear else "noise piles up"

    @cached_property
    @usual_floats
    def critical(self) -> Bracket:
        """Bracket of the ratio theta/sigma above which no mean of the noise survives any depth.

        For "proportional" schedules on the infinite lattice. Supercritical: the mean of the noise
        at some layer exceeds all biases to come, theta n^-k/(n - 1). Both sides follow, too, from
        comparison with a law on the multiples of theta, for which the sign of
        (n - 1) E N n^N - E n^N does not change from layer to layer (Collet, Eckmann, Glaser and
        Martin 1984). Other kinds have none: a constant bias kills the noise as it kills the signal;
        an early cut never does.
        """
        if self.kind != "proportional":
            raise ArgumentError(
                f"critical is a property of kind 'proportional'; got {self.kind!r}, for which the "
                f"noise {'always dies' if self.kind == 'constant' else 'never dies'}"
            )
        layers = min(_MOST_LAYERS, int(240 / math.log10(self.inputs) / 4))
        net = self.network[:1] * layers
        return _bracket(lambda ratio: _survives(net, ratio, self.rectify), 1e-4)

    @usual_floats
    def best(self, *, size: int, sigma: float | None = None) -> Evolution:
        """Return the schedule of biases <= 0 of this depth that minimises G_k at the last layer.

        It is a single cut at the first layer: of all schedules of the same total budget that one
        has the smallest G_k, which is proved (`derivations/d12_bias_threshold.py`). Its strength
        is found by golden section; that G_k has one minimum in it is not proved, but seen in all
        145 cases scanned (boxes 2 and 3, up to 6 layers, d = 1 and 2, all `rectify`, five sigma).
        A positive bias in layer 1, which lets strong noise through unrectified, is not looked at.
        """
        from scipy.optimize import minimize_scalar

        early = partial(replace(self, kind="early").evolve, size=size, sigma=sigma)

        def loss(theta: float) -> float:
            return math.log(early(Fraction(theta), points=_POINTS).G[-1])

        # The loss falls, then rises towards the death of the signal; in strong noise it rises only.
        minimum = minimize_scalar(
            loss, bounds=(0.0, 0.999), method="bounded", options={"xatol": 1e-7}
        )
        return early(Fraction(minimum.x) if minimum.fun < loss(0.0) else Fraction(0))

    def _title(self) -> str:
        return f"BiasPhases of {self.kind} schedules, {self.network!r}, rectify = {self.rectify!r}"

    def _described(self) -> dict[str, str]:
        low, high = self.noise
        return {
            "signal dead": f"theta >= {text(self.signal, decimal=False)}",
            "noise suppressed": f"theta > {(low + high) / 2:.6g} sigma (weak noise)",
        }


@usual_floats
def bias_phases(
    kind: str = "proportional",
    *,
    depth: int,
    kernel: int = 2,
    dim: int = 1,
    rectify: Rectify = "layers",
) -> BiasPhases:
    r"""Find where a family of bias schedules kills the signal, and where the noise.

    Between both boundaries the signal lives and G_k is below its value without any ReLU. No
    schedule of biases <= 0 keeps both for ever: if the signal survives all layers, so do peaks of
    Gaussian noise, and with them its mean, so that beta = d (larger, if the signal dies in the
    limit).

    Parameters
    ----------
    kind : {"proportional", "constant", "early"}
        b_k = -theta n^-k, b_k = -theta, or b_1 = -theta/n alone.
    depth : int
        Number of layers, in [1, 60].
    kernel : int, default 2
        Length of the box and its stride, at least 2.
    dim : {1, 2, 3}, default 1
        Dimension of the image.
    rectify : {"layers", "input", "noise"}
        How the noise meets the first ReLU; Gaussian noise.

    Returns
    -------
    BiasPhases
        Boundaries, and methods for single points of the diagram.

    Raises
    ------
    TypeError, ValueError
        For bad arguments.

    Notes
    -----
    Source: our derivation (`derivations/d12_bias_threshold.py`); the recursion of the noise is
    that of Derrida and Retaux, J. Stat. Phys. 156 (2014).

    Examples
    --------
    >>> phases = bias_phases("proportional", depth=8)
    >>> phases.signal, [round(x, 6) for x in phases.noise]
    (Fraction(1, 8), [0.407077, 0.407077])
    >>> phases.phase(0.1, sigma=0.05)
    'noise suppressed'
    """
    kind = validate.choice("kind", kind, KINDS)
    rectify = validate.choice("rectify", rectify, MODES)
    plain = _boxes(kernel, depth, dim)

    def piles_up(ratio: float) -> bool | None:
        net = _biased(plain, kind, Fraction(ratio))
        evolution = evolve(net, rectify=rectify, points=_POINTS)
        if abs(evolution.G[-1] - 1) <= evolution.G_err[-1]:
            return None
        return bool(evolution.G[-1] > 1)

    noise = _bracket(piles_up, _WIDTH) if piles_up(0.0) else (0.0, 0.0)
    return BiasPhases(kind, plain, rectify, _smallest_deadly(kind, plain), noise)


def _boxes(kernel: Any, depth: Any, dim: Any) -> Network:
    """Return the layers, without biases, from the arguments of `bias_phases`."""
    length = validate.integer("kernel", kernel, 2, 64)
    depth = validate.integer("depth", depth, 1, _MOST_LAYERS)
    return Network.uniform(length, length, depth, dim)


def _smallest_deadly(kind: str, net: Network) -> Fraction:
    """Return the smallest theta at which the signal is dead at the last layer, exactly."""
    n = net.strides[1] ** net.dim
    return {
        "constant": Fraction(n - 1, n * (n**net.depth - 1)),
        "proportional": Fraction(1, net.depth),
        "early": Fraction(1),
    }[kind]


def _biased(net: Network, kind: str, theta: Fraction) -> Network:
    """Return the network, all of one stride, with the biases of one schedule."""
    inputs, depth = net.strides[1] ** net.dim, net.depth
    biases = {
        "constant": [-theta] * depth,
        "proportional": [-theta / inputs**k for k in range(1, depth + 1)],
        "early": [-theta / inputs, *[Fraction(0)] * (depth - 1)],
    }[kind]
    layers = [Layer(layer.kernel, layer.stride, b) for layer, b in zip(net, biases, strict=True)]
    return Network(layers, net.dim)


def _bracket(above: Callable[[float], bool | None], width: float) -> Bracket:
    """Bisect for the ratio where `above` turns from True to False; None: undecided."""
    low, high = 0.0, 1.0
    while (answer := above(high)) is not False:
        low, high = high if answer else low, 2 * high
    while high - low > width * high:
        middle = (low + high) / 2
        answer = above(middle)
        if answer is None:
            return _edge(above, low, middle, True), _edge(above, high, middle, False)
        low, high = (middle, high) if answer else (low, middle)
    return low, high


def _edge(
    above: Callable[[float], bool | None], decided: float, undecided: float, answer: bool
) -> float:
    """Move from a ratio with this answer towards one without any, to a sixteenth of the way."""
    for _ in range(4):
        middle = (decided + undecided) / 2
        same = above(middle) is answer
        decided, undecided = (middle, undecided) if same else (decided, middle)
    return decided


def _survives(net: Network, ratio: float, rectify: Rectify) -> bool | None:
    """Whether some mean of the noise survives any depth; None if no layer decides."""
    inputs, biased = net.strides[1] ** net.dim, _biased(net, "proportional", Fraction(ratio))
    layers = noisy_layers(biased, Noise("gaussian", 1.0), rectify, _POINTS, active=False)
    for k, layer in enumerate(layers[1:], start=1):
        law, unit = layer.background, ratio * float(inputs) ** -k
        if law.mean > unit / (inputs - 1) or _sign(law, unit, inputs, -1) > 0:
            return True
        if _sign(law, unit, inputs, 1) < 0:
            return False
    return None


def _sign(law: UnitLaw, unit: float, inputs: int, outwards: int) -> float:
    """Bound E n^N ((n - 1) N - 1), N = the unit's height in multiples of `unit`, rounded outwards.

    The grid is read one step further outwards (1: up, -1: down), with a margin of a thousandth of
    the sum.
    """
    if not len(law.values):
        return -1.0
    at = (law.grid + outwards * law.step) / unit
    rounded = np.ceil(at) if outwards > 0 else np.floor(at)
    count = np.minimum(np.maximum(rounded, 0.0), 250 / math.log10(inputs))
    if outwards > 0 and count.max() > 200 / math.log10(inputs):
        return math.inf  # too high for this comparison
    terms = law.step * law.values * float(inputs) ** count * ((inputs - 1) * count - 1)
    gain, loss = float(terms[terms > 0].sum()), law.atom - float(terms[terms < 0].sum())
    margin = outwards * _MARGIN
    return gain * (1 + margin) - loss * (1 - margin)
