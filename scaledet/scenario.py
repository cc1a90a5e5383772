"""Network, images and noise of a prediction, evolution or simulation, checked in one place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.network.network import Network
from scaledet.rationals import shown
from scaledet.results.result import Result

if TYPE_CHECKING:
    from typing import Self

    from scaledet.tasks.scale_detection import ScaleDetection

__all__ = [
    "RECTIFICATIONS",
    "Rectify",
    "Scenario",
    "ScenarioResult",
]

Rectify = Literal["input", "noise", "layers"] | None
"""How the noise meets the ReLU: relu(x + eta) or x + relu(eta) enters the network, x + eta enters
and every layer rectifies, or x + eta enters and no layer does (linear noise)."""

RECTIFICATIONS: tuple[Rectify, ...] = ("input", "noise", "layers", None)


@dataclass(frozen=True)
class Scenario:
    """Network, images and noise.

    Attributes
    ----------
    network : Network
        The layers.
    size : int or None
        Pixels a side; None: the infinite lattice.
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
    """

    network: Network
    size: int | None
    rectify: Rectify
    sigma: float | None
    task: ScaleDetection | None = None
    balanced: bool = False
    background: float = 0.0
    noise: str = "gaussian"

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
    ) -> Scenario:
        """Check the arguments that the public function `caller` was called with.

        Noise is matched to the displacement, L sigma^2 = E|tau x - x|^2, unless `sigma` is given.
        """
        if not isinstance(net, Network):
            raise ArgumentTypeError(f"net must be a Network; got {net!r}")
        rectify = validate.choice("rectify", rectify, RECTIFICATIONS)
        balanced = validate.flag("balanced", balanced)
        if task is not None:
            size = _task_size(caller, task, net, size)
        elif balanced:
            raise ArgumentError("balanced must be False without a task; got True")
        background = _checked_background(background, *background_range)
        if size is None:
            if sigma is not None:
                raise ArgumentError(
                    "sigma must be left out on the infinite lattice (size=None), where only the "
                    f"total noise power is finite; got {sigma!r}"
                )
            return cls(net, None, rectify, None, background=background)
        size = net.feasible_size(size)
        if sigma is None:
            energy = (
                2.0 if task is None else float(task.mean_square_displacement(balanced=balanced))
            )
            sigma = math.sqrt(energy / size**net.dim)
        else:
            sigma = validate.real("sigma", sigma, positive=True)
            low, high = sigma_range
            if not low <= sigma <= high:
                raise ArgumentError(f"sigma must be in [{low:g}, {high:g}]; got {sigma!r}")
        return cls(net, size, rectify, sigma, task, balanced, background)

    def to_dict(self) -> dict[str, Any]:
        """Return a plain JSON-able description."""
        task = None if self.task is None else self.task.to_dict()
        return {**vars(self), "network": self.network.to_dict(), "task": task}

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Scenario:
        """Rebuild from `to_dict`; background and noise may be left out if they are the usual."""
        values = dict(description)
        net = values["network"] = Network.from_dict(values["network"])
        validate.choice("rectify", values["rectify"], RECTIFICATIONS)
        validate.flag("balanced", values["balanced"])
        if values["size"] is not None:
            net.feasible_size(values["size"])
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
        return (
            f"{self.network!r}: {image}, {where}, rectify = {self.rectify!r}, {noise}{background}"
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
    def size(self) -> int | None:
        """Pixels a side; None: the infinite lattice."""
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
