"""What is done to given images: the network, their deformation and the noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.network.network import Network, require_network
from scaledet.network.receptive_fields import receptive_fields, width_column
from scaledet.results.result import Result
from scaledet.results.tables import shown_columns
from scaledet.scenario import RECTIFICATIONS, Rectify
from scaledet.tasks.deformation import LARGEST, Diffeomorphism

if TYPE_CHECKING:
    from typing import Self

    from numpy.typing import NDArray

__all__ = ["ImageResult", "ImageScenario"]


@dataclass(frozen=True)
class ImageScenario:
    """Network, deformation and noise for square images of `size` pixels a side.

    `sigma` None stands for noise of the energy of the deformation, L sigma^2 = E|tau x - x|^2.
    """

    network: Network
    deformation: Diffeomorphism
    size: int
    rectify: Rectify
    sigma: float | None

    @classmethod
    def checked(
        cls, net: Any, deformation: Any, size: Any, rectify: Any, sigma: Any
    ) -> ImageScenario:
        """Check the arguments of a public function."""
        net = require_network(net)
        if net.dim != 2:
            raise ArgumentError(f"net must have dim=2 for images; got dim={net.dim}")
        if not isinstance(deformation, Diffeomorphism):
            raise ArgumentTypeError(f"deformation must be a Diffeomorphism; got {deformation!r}")
        size = net.feasible_size(validate.integer("size", size, 3, LARGEST))
        displacement = deformation.typical_displacement(size)
        if displacement > size:
            raise ArgumentError(
                f"deformation must have a typical displacement of at most {size} pixels, the side "
                f"of the images; got {displacement:g}"
            )
        rectify = validate.choice("rectify", rectify, RECTIFICATIONS)
        if sigma is not None:
            sigma = validate.real("sigma", sigma, positive=True)
        return cls(net, deformation, size, rectify, sigma)

    def to_dict(self) -> dict[str, Any]:
        """Return a plain JSON-able description."""
        parts = {"network": self.network.to_dict(), "deformation": self.deformation.to_dict()}
        return {**vars(self), **parts}

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> ImageScenario:
        """Rebuild from `to_dict`."""
        values = dict(description)
        net, deformation = values.pop("network"), values.pop("deformation")
        made = Network.from_dict(net), Diffeomorphism.from_dict(deformation)
        scenario = cls.checked(*made, values["size"], values["rectify"], values["sigma"])
        validate.real("sigma", scenario.sigma, positive=True)
        return scenario

    def __str__(self) -> str:
        return (
            f"{self.network!r}: images of size {self.size}, {self.deformation!r}, typical "
            f"displacement {self.deformation.typical_displacement(self.size):.3g}, "
            f"rectify = {self.rectify!r}, sigma = {self.sigma:.6g}"
        )


_FIELDS = tuple(ImageScenario.__dataclass_fields__)


class ImageResult(Result):
    """A result that holds its scenario; network, size and so on can be read off both."""

    scenario: ImageScenario
    D: NDArray[np.float64]
    G: NDArray[np.float64]
    R: NDArray[np.float64]

    @property
    def network(self) -> Network:
        """The layers."""
        return self.scenario.network

    @property
    def deformation(self) -> Diffeomorphism:
        """The law of the deformations."""
        return self.scenario.deformation

    @property
    def size(self) -> int:
        """Pixels a side."""
        return self.scenario.size

    @property
    def rectify(self) -> Rectify:
        """How the noise meets the ReLU."""
        return self.scenario.rectify

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise (units of the pixel values)."""
        return float(self.scenario.sigma or 0.0)

    @property
    def A(self) -> NDArray[np.float64]:
        """Effective receptive field (pixels); its geometric mean over axes that differ."""
        return receptive_fields(self.network)

    def columns(self) -> dict[str, Any]:
        """Columns of the table of results, by name."""
        arrays = {name: getattr(self, name) for name in self._arrays}
        return {"layer": np.arange(len(self.D)), **width_column(self.network), **arrays}

    def _shown(self) -> dict[str, Any]:
        return shown_columns(self.columns())

    def to_stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return plain facts and arrays, which `from_stored` reads."""
        facts, arrays = super().to_stored()
        return {**self.scenario.to_dict(), **facts}, arrays

    @classmethod
    def from_stored(cls, facts: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """Rebuild from `to_stored`; called by ``load``."""
        described = {name: facts[name] for name in _FIELDS}
        others = {name: value for name, value in facts.items() if name not in _FIELDS}
        scenario = ImageScenario.from_dict(described)
        return super().from_stored({**others, "scenario": scenario}, arrays)

    def _lengths(self) -> dict[str, int]:
        return {"layers": self.network.depth + 1}
