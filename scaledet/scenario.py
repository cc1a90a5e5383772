"""Network, images and noise of a prediction, evolution or simulation, checked in one place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.network.network import Network, require_network
from scaledet.rationals import shown
from scaledet.results.result import Result

if TYPE_CHECKING:
    from typing import Self

    from scaledet.tasks.scale_detection import ScaleDetection

__all__ = [
    "MOVES",
    "RECTIFICATIONS",
    "Moves",
    "Rectify",
    "Scenario",
    "ScenarioResult",
]

Rectify = Literal["input", "noise", "layers"] | None
"""How the noise meets the ReLU: relu(x + eta) or x + relu(eta) enters the network, x + eta enters
and every layer rectifies, or x + eta enters and no layer does (linear noise)."""

Moves = Literal["wrap", "stay", "inside"]
"""What a move does that would leave the image: it comes back on the other side, it does not take
place, or the site is drawn among those that exist along the same axis."""

MOVES: tuple[Moves, ...] = ("wrap", "stay", "inside")

RECTIFICATIONS: tuple[Rectify, ...] = ("input", "noise", "layers", None)


@dataclass(frozen=True)
class Scenario:
    """Network, images and noise.

    Attributes
    ----------
    network : Network
        The layers.
    size : int, tuple of int or None
        Pixels a side, or along every axis where these differ; None: the infinite lattice.
    rectify : {"input", "noise", "layers", None}
        How the noise meets the ReLU.
    sigma : float or None
        Standard deviation of the noise; None on the infinite lattice, where it tends to 0.
    task : ScaleDetection or None
        The two-pixel data set; None: one pixel, uniformly placed.
    balanced : bool
        Whether every label of the task weighs the same.
    background : float
        Standard deviation of the noise that the images themselves carry.
    noise : str
        Law of the noise.
    moves : {"wrap", "stay", "inside"}
        What a move does that would leave the image.
    """

    network: Network
    size: int | tuple[int, ...] | None
    rectify: Rectify
    sigma: float | None
    task: ScaleDetection | None = None
    balanced: bool = False
    background: float = 0.0
    noise: str = "gaussian"
    moves: Moves = "wrap"

    @property
    def side(self) -> int | None:
        """Pixels a side of an image whose sides are equal; None on the infinite lattice."""
        if isinstance(self.size, tuple):
            raise ArgumentError(f"size must be one number for all axes here; got {self.size}")
        return self.size

    @property
    def sides(self) -> tuple[int, ...]:
        """Pixels along every axis of a finite image."""
        if self.size is None:
            raise ArgumentError("size must be finite here; got None, the infinite lattice")
        return self.size if isinstance(self.size, tuple) else (self.size,) * self.network.dim

    @property
    def pixels(self) -> int:
        """Number of pixels of a finite image."""
        return math.prod(self.sides)

    @property
    def is_torus(self) -> bool:
        """Whether the sensitivities are those of a chain of layers on the torus.

        On the infinite lattice, where padding does not matter, whether they are those of a chain
        of layers that are alike along all axes.
        """
        net = self.network
        if self.size is None:
            return net.is_chain and net.alike and not any(layer.is_max for layer in net)
        moved = any(layer.rule(0, net.dim).sides()[0] for layer in net)
        # Blocks, and borders, of a task have a place, to which windows may not be shifted.
        placed = self.task is not None and not (self.task.variant == "T1" and self.task.periodic)
        return self.moves == "wrap" and net.is_torus(self.size) and not (moved and placed)

    @classmethod
    def checked(
        cls,
        caller: str,
        net: Any,
        size: Any,
        rectify: Any,
        sigma: Any,
        task: Any = None,
        balanced: Any = False,
        background: Any = 0.0,
        *,
        sigma_range: tuple[float, float],
        background_range: tuple[float, float] = (0.0, 0.0),
        moves: Any = "wrap",
    ) -> Scenario:
        """Check the arguments that the public function `caller` was called with.

        Noise is matched to the displacement, L sigma^2 = E|tau x - x|^2, unless `sigma` is given.
        """
        net = require_network(net)
        rectify = validate.choice("rectify", rectify, RECTIFICATIONS)
        balanced = validate.flag("balanced", balanced)
        if task is not None:
            size = _task_size(caller, task, net, size)
        elif balanced:
            raise ArgumentError("balanced must be False without a task; got True")
        background = _checked_background(background, *background_range)
        moves = _checked_moves(moves, net, size)
        if size is None:
            if sigma is not None:
                raise ArgumentError(
                    "sigma must be left out on the infinite lattice (size=None), where only the "
                    f"total noise power is finite; got {sigma!r}"
                )
            return cls(net, None, rectify, None, background=background)
        size = net.feasible_size(size)
        sides = (size,) * net.dim if isinstance(size, int) else size
        if sigma is None:
            energy = float(_mean_square_displacement(sides, moves, task, balanced))
            sigma = math.sqrt(energy / math.prod(sides))
        else:
            sigma = validate.real("sigma", sigma, positive=True)
            low, high = sigma_range
            if not low <= sigma <= high:
                raise ArgumentError(f"sigma must be in [{low:g}, {high:g}]; got {sigma!r}")
        return cls(net, size, rectify, sigma, task, balanced, background, moves=moves)

    def to_dict(self) -> dict[str, Any]:
        """Return a plain JSON-able description."""
        task = None if self.task is None else self.task.to_dict()
        values = {**vars(self), "network": self.network.to_dict(), "task": task}
        if self.moves == "wrap":  # Files and checkpoints written before there were others match.
            del values["moves"]
        return values

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Scenario:
        """Rebuild from `to_dict`; background, noise and moves may be left out if usual."""
        values = dict(description)
        net = values["network"] = Network.from_dict(values["network"])
        validate.choice("rectify", values["rectify"], RECTIFICATIONS)
        validate.flag("balanced", values["balanced"])
        if values["size"] is not None:
            values["size"] = net.feasible_size(values["size"])
        _checked_moves(values.get("moves", "wrap"), net, values["size"])
        if values["sigma"] is not None:
            validate.real("sigma", values["sigma"], positive=True)
        if (values["size"] is None) != (values["sigma"] is None):
            raise ArgumentError("sigma must be None on the infinite lattice and nowhere else")
        if values["task"] is not None:
            from scaledet.tasks.scale_detection import ScaleDetection

            task = values["task"] = ScaleDetection.from_dict(values["task"])
            _task_size("a scenario", task, net, values["size"])
        scenario = cls(**values)
        validate.real("background", scenario.background, minimum=0)
        return scenario

    def __str__(self) -> str:
        image = "one pixel" if self.task is None else repr(self.task)
        where = "infinite lattice" if self.size is None else f"size {self.size}"
        noise = "noise matched" if self.sigma is None else f"sigma = {self.sigma:.6g}"
        background = f", background = {self.background:.6g}" if self.background else ""
        moves = f", moves = {self.moves!r}" if self.moves != "wrap" else ""
        return (
            f"{self.network!r}: {image}, {where}, rectify = {self.rectify!r}, {noise}{background}"
            f"{moves}"
        )


_FIELDS = tuple(Scenario.__dataclass_fields__)


class ScenarioResult(Result):
    """A result that holds its scenario; network, size and so on can be read off both."""

    _noises: ClassVar[tuple[str, ...]] = ("gaussian",)

    scenario: Scenario

    @property
    def network(self) -> Network:
        """The layers."""
        return self.scenario.network

    @property
    def size(self) -> int | tuple[int, ...] | None:
        """Pixels a side, or along every axis; None: the infinite lattice."""
        return self.scenario.size

    @property
    def rectify(self) -> Rectify:
        """How the noise meets the ReLU."""
        return self.scenario.rectify

    @property
    def sigma(self) -> float | None:
        """Standard deviation of the noise."""
        return self.scenario.sigma

    @property
    def task(self) -> ScaleDetection | None:
        """The two-pixel data set; None: one pixel, uniformly placed."""
        return self.scenario.task

    @property
    def balanced(self) -> bool:
        """Whether every label of the task weighs the same."""
        return self.scenario.balanced

    @property
    def background(self) -> float:
        """Standard deviation of the noise that the images themselves carry."""
        return self.scenario.background

    @property
    def noise(self) -> str:
        """Law of the noise."""
        return self.scenario.noise

    @property
    def moves(self) -> Moves:
        """What a move does that would leave the image."""
        return self.scenario.moves

    def to_stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return plain facts and arrays, which `from_stored` reads."""
        facts, arrays = super().to_stored()
        return {**self.scenario.to_dict(), **facts}, arrays

    @classmethod
    def from_stored(cls, facts: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """Rebuild from `to_stored`; called by ``load``."""
        described = {name: facts.pop(name) for name in _FIELDS if name in facts}
        scenario = Scenario.from_dict(described)
        validate.choice("noise", scenario.noise, cls._noises)
        return super().from_stored({**facts, "scenario": scenario}, arrays)

    def _lengths(self) -> dict[str, int]:
        return {"layers": self.network.depth + 1}


def _checked_background(value: Any, low: float, high: float) -> float:
    result = validate.real("background", value, minimum=0)
    if result and not low <= result <= high:
        raise ArgumentError(f"background must be 0 or in [{low:g}, {high:g}]; got {value!r}")
    return result


def _checked_moves(value: Any, net: Network, size: Any) -> Moves:
    moves: Moves = validate.choice("moves", value, MOVES)
    bordered = size is not None and any(layer.padding is not None for layer in net)
    if moves != "wrap" and not bordered:
        where = "the infinite lattice" if size is None else "the torus (padding=None in all layers)"
        raise ArgumentError(f"moves must be 'wrap' on {where}, which has no border; got {moves!r}")
    return moves


def _mean_square_displacement(
    sides: tuple[int, ...], moves: Moves, task: ScaleDetection | None, balanced: bool
) -> Fraction:
    """Return the exact mean of |tau x - x|^2 over the images and their moves."""
    if task is not None:
        if moves == "wrap":
            return task.mean_square_displacement(balanced=balanced)
        from scaledet.tasks.border import bordered_mean_square

        return bordered_mean_square(task.rule, balanced, moves)
    if moves != "stay":
        return Fraction(2)
    # Along each axis, one site in N does not move.
    return 2 - 2 * sum((Fraction(1, side) for side in sides), Fraction(0)) / len(sides)


def _task_size(caller: str, task: Any, net: Network, size: Any) -> int:
    from scaledet.tasks.scale_detection import ScaleDetection

    if not isinstance(task, ScaleDetection):
        raise ArgumentTypeError(f"task must be a ScaleDetection or None; got {task!r}")
    if task.dim != net.dim:
        raise ArgumentError(f"task must have the network's dimension {net.dim}; got dim={task.dim}")
    if size is not None and size != task.size:
        raise ArgumentError(
            f"size must be left out or equal the task's {task.size}; got {shown(size)}"
        )
    if task.image_noise:
        raise ArgumentError(
            f"task.image_noise must be 0 in {caller}, whose sensitivities are those of clean "
            f"images; got {task.image_noise!r}"
        )
    return task.size
