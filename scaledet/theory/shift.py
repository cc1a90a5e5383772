"""Sensitivities to rigid shifts of the whole image, by how it lies on the grids of the layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.isolation import usual_floats
from scaledet.network.images import as_stack
from scaledet.network.network import Network, require_network
from scaledet.network.polyphase import PHASES, Phase
from scaledet.rationals import shown
from scaledet.results.contents import Values, count, one_of
from scaledet.results.result import Result
from scaledet.tasks.scale_detection import ScaleDetection
from scaledet.theory.coverage import require_theory, require_torus
from scaledet.theory.signal.pairs import PairAverage
from scaledet.theory.signal.pairs import require_memory as require_task_memory
from scaledet.theory.signal.shifted_images import (
    adaptive_distances,
    adaptive_pair_distances,
    image_changes,
    require_unlike,
)
from scaledet.theory.signal.shifts import (
    Change,
    Position,
    pairs_change,
    pixel_change,
    require_memory,
)

__all__ = ["ShiftPrediction", "predict_shift"]

Array = NDArray[np.float64]

_FARTHEST = 2**48
_MOST_PIXELS = 2**24


@dataclass(frozen=True, eq=False, repr=False)
class ShiftPrediction(Result):
    """Sensitivity of every layer to one rigid shift, k = 0 (the input) to the depth.

    Attributes
    ----------
    network : Network
        The layers.
    shift : tuple of int
        Pixels along each axis.
    phase : {"average", "fixed", "adaptive"}
        How images lie on the grids of the layers.
    position : tuple of int, "worst" or None
        With phase "fixed", how far images were moved before the shift (pixels).
    size : int or None
        Pixels a side; None: the infinite lattice.
    task : ScaleDetection or None
        The two-pixel data set.
    balanced : bool
        Whether every label of the task weighs the same.
    given : int
        Number of images that were given; 0: one pixel, or a task.
    D, Q : ndarray, shape [depth + 1]
        Sensitivity to the shift, and mean square distance of two independent images.

    Examples
    --------
    >>> predict_shift(Network.uniform([1, 2, 1], stride=2, depth=2), 2)
    Shift by (2,), grid phase average, of Network(2 x Layer(kernel=[1/4, 1/2, 1/4], stride=2), \
dim=1): one pixel, infinite lattice
      k      D_k       Q_k
      0        1         2
      1  0.83333     0.375
      2  0.29545  0.085938
    """

    network: Network
    shift: tuple[int, ...]
    phase: Phase
    position: Position
    size: int | None
    task: ScaleDetection | None
    balanced: bool
    given: int
    D: Array
    Q: Array

    _kind = "shift_prediction"
    _arrays: ClassVar = {"D": Values(minimum=0), "Q": Values(positive=True)}
    _facts: ClassVar = {"phase": one_of(*PHASES), "given": count(), "balanced": validate.flag}

    @cached_property
    def exact_D(self) -> tuple[Fraction, ...]:
        """The same D_k as exact ``Fraction`` values, computed on access; not of given images."""
        if self.phase == "adaptive":
            return (Fraction(0),) * len(self.D)
        if self.given:
            raise ArgumentError(f"exact_D needs one pixel or a task; got {self._images()}")
        changes = _exact_changes(self)
        return tuple(change.moved / change.distance for change in changes)

    def columns(self) -> dict[str, Any]:
        """Columns of the table of results, by name."""
        layers = np.arange(self.network.depth + 1)
        return {"layer": layers, "stride": list(self.network.strides), "D": self.D, "Q": self.Q}

    def remarks(self) -> list[str]:
        """Return what is compared, where it is not unit by unit."""
        if self.phase != "adaptive":
            return []
        return [
            "outputs of the shifted image agree with those of the image up to a shift of the "
            "output grid: D_k = 0",
            "only for circular shifts: neither local moves nor zero padding leave them alike "
            "(simulate_change)",
        ]

    def _images(self) -> str:
        images = "one pixel" if self.task is None else repr(self.task)
        return f"{self.given} images" if self.given else images

    def _title(self) -> str:
        where = "infinite lattice" if self.size is None else f"size {self.size}"
        at = "" if self.position is None else f" at {self.position}"
        return (
            f"Shift by {self.shift}, grid phase {self.phase}{at}, of {self.network!r}: "
            f"{self._images()}, {where}"
        )

    def _shown(self) -> dict[str, Any]:
        return {"k": np.arange(len(self.D)), "D_k": self.D, "Q_k": self.Q}

    def _lengths(self) -> dict[str, int]:
        return {"layers": self.network.depth + 1}

    def to_stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return plain facts and arrays, which `from_stored` reads."""
        facts, arrays = super().to_stored()
        task = None if self.task is None else self.task.to_dict()
        described = {"network": self.network.to_dict(), "task": task}
        plain = {"shift": self.shift, "position": self.position, "size": self.size}
        return {**facts, **described, **plain}, arrays

    @classmethod
    def from_stored(cls, facts: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """Rebuild from `to_stored`; called by ``load``."""
        net = Network.from_dict(facts["network"])
        task = None if facts["task"] is None else ScaleDetection.from_dict(facts["task"])
        phase, position = facts["phase"], facts["position"]
        at = position == "worst" or position is None
        read = {
            "network": net,
            "task": task,
            "size": _checked_size(net, facts["size"], phase, task, None),
            "shift": _vector("shift", list(facts["shift"]), net.dim),
            "position": _checked_position(net, phase, position if at else list(position)),
        }
        return super().from_stored({**facts, **read}, arrays)


@usual_floats
def predict_shift(
    net: Network,
    shift: int | Sequence[int],
    *,
    size: int | None = None,
    phase: Phase = "average",
    position: int | Sequence[int] | str | None = None,
    task: ScaleDetection | None = None,
    balanced: bool = False,
    images: ArrayLike | None = None,
) -> ShiftPrediction:
    r"""Compute the sensitivity of every layer to a rigid shift of the whole image.

    .. math:: D_k(m) = E|f_k(S_m x) - f_k(x)|^2 / Q_k, \qquad Q_k = E|f_k(x) - f_k(x')|^2,

    :math:`S_m` shifting the image circularly by m pixels, x' an independent image. For one pixel
    at a uniform position of the torus of L pixels

    .. math:: D_k(m) = \frac{c_k(0)^d - \prod_a c_k(m_a)}{c_k(0)^d - 1/L} ;

    a shift by one pixel along an axis is the local move of ``predict``, with its D_k.

    Parameters
    ----------
    net : Network
        Layers on the torus, non-negative kernels, biases >= 0; with phase="adaptive" any.
    shift : int or sequence of int
        Pixels along each axis; an integer shifts along the first one. With a size only its
        remainder matters.
    size : int, optional
        Pixels a side; None: the infinite lattice (one pixel, not with phase="adaptive").
    phase : {"average", "fixed", "adaptive"}
        "average": images stand at a uniform position (those of a task where the task has them);
        the network keeps the sites at the multiples of its strides, as usual. "fixed": the
        numerator is that of images at `position`, Q_k the same as before, so that the mean over
        positions is the average. "adaptive": every layer keeps that of its grids on which the
        image has the largest sum of squares; outputs are compared up to a shift of the output grid.
    position : int, sequence of int, or "worst"
        With phase="fixed": the pixel's position, or how far given images are moved before the
        shift; default 0. "worst": where the numerator is largest, at every layer by itself.
    task : ScaleDetection, optional
        All pixels of its two-pixel images shift together (not with phase="fixed").
    balanced : bool, default False
        With `task`: every label weighs the same instead of every admitted pair.
    images : array_like, shape [n, N, ...] or [n, 1, N, ...], optional
        Images of d equal sides, all equally probable, in place of pixels: non-negative (with
        phase="adaptive" any), at least 1. Independent images stand at independent positions.

    Returns
    -------
    ShiftPrediction
        D and Q (dimensionless). For one pixel and tasks they are exact rationals, rounded once
        (with phase="adaptive" Q is evaluated in floats); ``exact_D`` holds the rationals. For given
        images they are sums of squares in floats, relative error about 1e-12. With phase="adaptive"
        D is 0, by proof: the pooled image at every site shifts with the image, and the choice of
        the grid depends neither on its number nor on its position.

    Raises
    ------
    ExhaustionError
        If all images look alike at some layer (Q_k = 0).
    TypeError, ValueError
        For bad arguments, and for signed kernels or negative biases but with phase="adaptive".

    Notes
    -----
    A shift by a multiple of the total stride S_k moves the outputs of an ordinary network as a
    whole; D_k counts this as a change, as the units are compared one by one. Adaptive layers on
    local moves and with biases: ``simulate_change``. Sources: Chaman & Dokmanic, CVPR 2021
    (arXiv:2011.14214); our derivation of the averages.

    Examples
    --------
    >>> from scaledet import predict
    >>> net = Network.uniform(kernel=2, stride=2, depth=3)
    >>> predict_shift(net, 1, size=64).exact_D == tuple(predict(net, size=64).exact_D)
    True
    >>> [predict_shift(net, m, size=64, phase="fixed").D[2].round(3).item() for m in (1, 3, 4, 5)]
    [0.0, 0.0, 1.067, 1.067]
    >>> predict_shift(net, 5, size=64, phase="adaptive").D.tolist()
    [0.0, 0.0, 0.0, 0.0]
    """
    net = require_network(net)
    _require_plain_torus(net)
    phase = validate.choice("phase", phase, PHASES)
    balanced = validate.flag("balanced", balanced)
    where = _checked_position(net, phase, position)
    if phase != "adaptive":
        require_theory(net, "predict_shift")
    stack = None if images is None else _checked_images(images, net, phase, task)
    size = _checked_size(net, size, phase, task, stack)
    if balanced and task is None:
        raise ArgumentError("balanced must be False without a task; got True")
    vector = _reduced(_vector("shift", shift, net.dim), size)
    given = 0 if stack is None else len(stack)
    make = partial(ShiftPrediction, net, vector, phase, where, size, task, balanced, given)
    if phase == "adaptive":
        if task is not None:
            distance = adaptive_pair_distances(net, task, balanced)
        else:
            distance = adaptive_distances(net, _pixel(size, net.dim) if stack is None else stack)
        return make(np.zeros_like(distance), distance)
    if stack is not None:
        moved, distance = image_changes(net, stack, vector, where)
        return make(moved / distance, distance)
    if task is None:
        require_memory(net, vector, where)
    nothing = np.ones(net.depth + 1)
    changes = _exact_changes(make(nothing, nothing))
    sensitivity = [float(change.moved / change.distance) for change in changes]
    return make(np.array(sensitivity), np.array([float(change.distance) for change in changes]))


def _require_plain_torus(net: Network) -> None:
    """Raise unless all layers are on the torus and start at its site 0."""
    try:
        require_torus(net, "predict_shift")
    except ArgumentError as error:
        raise ArgumentError(f"{error}; simulate_change shifts images in every network") from None
    for k, layer in enumerate(net, start=1):
        if layer.padding is not None:
            raise ArgumentError(
                f"predict_shift needs layers with padding=None, the torus, whose grids start at "
                f"site 0; {net.label(k)} is {layer!r} (simulate_change runs it)"
            )


def _exact_changes(result: ShiftPrediction) -> list[Change]:
    """Evaluate the changes of layers 0 ... depth of one pixel or of a task."""
    net, shift, task = result.network, result.shift, result.task
    at_layer: Callable[[int], Change]
    if task is None:
        size, position = result.size, result.position
        at_layer = partial(pixel_change, net, shift=shift, size=size, position=position)
    else:
        average = PairAverage(task, result.balanced)
        at_layer = partial(pairs_change, net, shift=shift, average=average)
    return [at_layer(depth=k) for k in range(net.depth + 1)]


def _pixel(size: int | None, dim: int) -> Array:
    """Image of one pixel, [1, size, ...]."""
    side = 1 if size is None else size
    if side**dim > _MOST_PIXELS:
        raise ArgumentError(
            f"size must be such that an image has at most {_MOST_PIXELS} pixels with "
            f"phase='adaptive', which carries it through; got {side}^{dim}"
        )
    image = np.zeros((1, *[side] * dim))
    image.flat[0] = 1.0
    return image


def _vector(name: str, value: Any, dim: int) -> tuple[int, ...]:
    """Return an integer, along the first axis, or `dim` integers as a tuple."""
    accepted = "an integer" if dim == 1 else f"an integer or {dim} integers"
    if isinstance(value, str) or not isinstance(value, Sequence | np.ndarray):
        number = validate.integer(name, value, -_FARTHEST, _FARTHEST)
        return (number, *[0] * (dim - 1))
    if len(value) != dim:
        raise ArgumentError(f"{name} must be {accepted}; got {shown(value)}")
    return tuple(
        validate.integer(f"{name}[{i}]", entry, -_FARTHEST, _FARTHEST)
        for i, entry in enumerate(value)
    )


def _reduced(shift: tuple[int, ...], size: int | None) -> tuple[int, ...]:
    """Return the shortest shift that is the same on the torus."""
    if size is None:
        return shift
    return tuple((m + size // 2) % size - size // 2 for m in shift)


def _checked_position(net: Network, phase: str, value: Any) -> Position:
    if phase != "fixed":
        if value is not None:
            raise ArgumentError(f"position must be left out unless phase='fixed'; got {value!r}")
        return None
    if isinstance(value, str):
        validate.choice("position", value, ("worst",))
        return "worst"
    return _vector("position", 0 if value is None else value, net.dim)


def _checked_images(images: Any, net: Network, phase: str, task: Any) -> Array:
    if task is not None:
        raise ArgumentError("images must be left out with a task, or the task with images")
    stack = as_stack("images", images, net)
    if phase != "adaptive" and (stack < 0).any():
        raise ArgumentError(
            f"images must be >= 0 (units then stay active); got {stack.min()} (any images: "
            "phase='adaptive', or simulate_change)"
        )
    if len(set(stack.shape[1:])) > 1:
        raise ArgumentError(
            f"images must have equal sides in predict_shift; got shape {list(stack.shape)}"
        )
    require_unlike(stack)
    return stack


def _checked_size(
    net: Network, size: Any, phase: str, task: Any, stack: Array | None
) -> int | None:
    if task is not None:
        if not isinstance(task, ScaleDetection):
            raise ArgumentTypeError(f"task must be a ScaleDetection or None; got {task!r}")
        if phase == "fixed":
            raise ArgumentError(
                "phase must be 'average' or 'adaptive' with a task, whose pairs stand at many "
                "positions; got 'fixed' (or give images=task.images(...))"
            )
        require_task_memory(task)
    held = task.size if task is not None else None if stack is None else stack.shape[1]
    if held is not None and size is not None and size != held:
        raise ArgumentError(f"size must be left out or equal {held}; got {shown(size)}")
    if task is not None and task.dim != net.dim:
        raise ArgumentError(f"task must have the network's dimension {net.dim}; got dim={task.dim}")
    if task is not None and task.image_noise:
        raise ArgumentError(
            f"task.image_noise must be 0 in predict_shift; got {task.image_noise!r}"
        )
    if held is None and size is None:
        if phase == "adaptive":
            raise ArgumentError("size must be given with phase='adaptive'; got None")
        return None
    side = validate.integer("size", size if held is None else held, 2)
    net.feasible_size(side)
    return side
