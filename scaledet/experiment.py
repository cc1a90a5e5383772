"""What is predicted or simulated: network, images and noise, checked once for both."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scaledet import checks
from scaledet.network import Network
from scaledet.scale_detection import ScaleDetection

__all__ = ["Experiment", "checked_experiment"]


@dataclass(frozen=True, eq=False, repr=False)
class Experiment:
    """Network, images and noise.

    Attributes
    ----------
    network : Network
        The layers.
    size : int or None
        Pixels a side; None: the infinite lattice.
    rectify : str or None
        How the noise meets the ReLU.
    sigma : float or None
        Standard deviation of the noise; None on the infinite lattice, where it tends to 0.
    task : ScaleDetection or None
        The two-pixel data set; None: one pixel, uniformly placed.
    balanced : bool
        Whether every label of the task weighs the same.
    """

    network: Network
    size: int | None
    rectify: str | None
    sigma: float | None
    task: ScaleDetection | None
    balanced: bool

    def experiment_dict(self) -> dict[str, Any]:
        """Return a plain JSON-able description."""
        return {
            "network": self.network.to_dict(),
            "size": self.size,
            "rectify": self.rectify,
            "sigma": self.sigma,
            "task": None if self.task is None else self.task.to_dict(),
            "balanced": self.balanced,
        }

    def describe(self) -> str:
        """Return the description as one line."""
        image = "one pixel" if self.task is None else repr(self.task)
        where = "infinite lattice" if self.size is None else f"size {self.size}"
        noise = "noise matched" if self.sigma is None else f"sigma = {self.sigma:.6g}"
        return f"{self.network!r}: {image}, {where}, rectify = {self.rectify!r}, {noise}"


def restored(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that `Experiment.experiment_dict` described, other entries unchanged."""
    values = dict(description)
    values["network"] = Network.from_dict(values["network"])
    if values["task"] is not None:
        values["task"] = ScaleDetection.from_dict(values["task"])
    return values


def checked_experiment(
    what: str,
    net: Any,
    size: Any,
    rectify: Any,
    sigma: Any,
    task: Any,
    balanced: Any,
    *,
    sigma_range: tuple[float, float],
) -> Experiment:
    """Check the arguments that `what` (a public function) was called with.

    Noise is matched to the displacement, L sigma^2 = E|tau x - x|^2, unless `sigma` is given.
    """
    if not isinstance(net, Network):
        raise TypeError(f"net must be a Network; got {net!r}")
    checks.choice("rectify", rectify, checks.RECTIFICATIONS)
    balanced = checks.flag("balanced", balanced)
    if task is not None:
        size = _task_size(what, task, net, size)
    elif balanced:
        raise ValueError("balanced must be False without a task; got True")
    if size is None:
        if sigma is not None:
            raise ValueError(
                "sigma must be left out on the infinite lattice (size=None), where only the "
                f"total noise power is finite; got {sigma!r}"
            )
        return Experiment(net, None, rectify, None, None, False)
    size = net.feasible_size(size)
    if sigma is None:
        energy = 2.0 if task is None else float(task.mean_square_displacement(balanced=balanced))
        sigma = math.sqrt(energy / size**net.dim)
    else:
        sigma = checks.real("sigma", sigma, positive=True)
        low, high = sigma_range
        if not low <= sigma <= high:
            raise ValueError(f"sigma must be in [{low:g}, {high:g}]; got {sigma!r}")
    return Experiment(net, size, rectify, sigma, task, balanced)


def _task_size(what: str, task: Any, net: Network, size: Any) -> int:
    if not isinstance(task, ScaleDetection):
        raise TypeError(f"task must be a ScaleDetection or None; got {task!r}")
    if task.dim != net.dim:
        raise ValueError(f"task must have the network's dimension {net.dim}; got dim={task.dim}")
    if size is not None and size != task.size:
        raise ValueError(f"size must be left out or equal the task's {task.size}; got {size!r}")
    if task.background:
        raise ValueError(
            f"task.background must be 0 in {what}, whose sensitivities are those of clean images; "
            f"got {task.background!r}"
        )
    return task.size
