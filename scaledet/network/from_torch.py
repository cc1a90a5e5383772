"""The spatial skeleton of a PyTorch module, as a network, with what became of every step."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.network.kernel import entries
from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.network.torch_modules.builder import built
from scaledet.network.torch_modules.draft import Reading
from scaledet.network.torch_modules.pytorch import require_torch
from scaledet.network.torch_modules.routes import ROUTES, program
from scaledet.results.contents import count, image_shape, one_of, together
from scaledet.results.result import Result

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Skeleton", "from_torch"]

_STATUS = ("read", "replaced", "inert", "dropped")


def _string(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ArgumentTypeError(f"{name} must be a string; got {value!r}")
    return value


_reading = together(count(), _string, _string, one_of(*_STATUS), _string)


def _readings(name: str, value: Any) -> tuple[Reading, ...]:
    return tuple(Reading(*_reading(f"{name}[{j}]", row)) for j, row in enumerate(value))


@dataclass(frozen=True, repr=False)
class Skeleton(Result):
    """What `from_torch` read: a network, and a row per step of the module.

    Attributes
    ----------
    network : Network
        The skeleton; its layers are named by the paths of the modules.
    readings : tuple of Reading
        Per step: `layer` (its number in the network, 0 for none), `name`, `operation`, `status`
        and `note`. The status is "read" (taken as it is), "replaced" (a layer of the network
        stands for it), "inert" (it moves nothing: convolutions 1x1, normalisation by stored
        numbers, ReLU, dropout, the linear head) or "dropped" (left out although it may matter).
    input_size : tuple of int
        Channels and sides of the image (pixels).
    route : {"export", "fx", "hooks"}
        How the module was read.
    module : str
        Name of its class.

    Examples
    --------
    >>> from torch import nn
    >>> skeleton = from_torch(nn.Sequential(nn.Conv1d(1, 8, 5), nn.Conv1d(8, 2, 1)), (1, 16))
    >>> skeleton.network
    Network(Layer(kernel=box(5), stride=1, padding=0), dim=1)
    >>> [row.status for row in skeleton.readings]
    ['replaced', 'inert']
    """

    network: Network
    readings: tuple[Reading, ...]
    input_size: tuple[int, ...]
    route: str
    module: str

    _kind = "skeleton"
    _facts: ClassVar = {
        "readings": _readings,
        "input_size": image_shape,
        "route": one_of(*ROUTES),
        "module": _string,
    }

    @property
    def sides(self) -> int | tuple[int, ...]:
        """Sides of the image (pixels), one number if they are equal: a `size` for `predict`."""
        sides = self.input_size[1:]
        return sides[0] if len(set(sides)) == 1 else sides

    def columns(self) -> dict[str, Any]:
        """Columns of the table, by name: one row per step."""
        rows, layers = self.readings, ["", *map(_text, self.network.layers)]
        return {
            "step": [row.name for row in rows],
            "operation": [row.operation for row in rows],
            "status": [row.status for row in rows],
            "k": [row.layer or "" for row in rows],
            "layer": [layers[row.layer] for row in rows],
            "note": [row.note for row in rows],
        }

    def remarks(self) -> list[str]:
        """Return how many steps have which status, what was dropped, and what hooks cannot know."""
        counts = Counter(row.status for row in self.readings)
        lines = ["steps: " + ", ".join(f"{count} {status}" for status, count in counts.items())]
        lines += [
            f"dropped: {row.name} ({row.operation}): {row.note}"
            for row in self.readings
            if row.status == "dropped"
        ]
        if self.route == "hooks":
            lines.append("read by hooks: the path that three images took")
        if any(layer.is_max for layer in self.network):
            lines.append("max pooling is for simulate; max_pooling='average' is what theory takes")
        return lines

    def _title(self) -> str:
        size = " x ".join(map(str, self.input_size))
        depth = self.network.depth
        return f"Skeleton of {self.module}, input {size}, {depth} layers (route: {self.route})"

    def _shown(self) -> dict[str, Any]:
        return self.columns()

    def to_stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return network and readings as plain facts, which `from_stored` reads."""
        facts, arrays = super().to_stored()
        rows = [list(astuple(row)) for row in self.readings]
        return {**facts, "network": self.network.to_dict(), "readings": rows}, arrays

    @classmethod
    def from_stored(cls, facts: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """Rebuild from `to_stored`; called by ``load``."""
        network = Network.from_dict(facts["network"])
        result = super().from_stored({**facts, "network": network}, arrays)
        for row in result.readings:
            validate.integer("layer", row.layer, 0, network.depth)
        return result


def _text(layer: Layer) -> str:
    kernel, *others = (
        text if name == "kernel" else f"{name}={text}"
        for name, text in layer.written().items()
        if (name, text) != ("stride", "1")
    )
    return ", ".join([kernel, *others])


def from_torch(
    module: Any,
    input_size: Sequence[int],
    *,
    filters: str = "box",
    max_pooling: str = "average",
    route: str | None = None,
) -> Skeleton:
    r"""Return the spatial skeleton of a PyTorch module: where its layers look, not what they learn.

    Convolutions become boxes of their length, with their stride, padding and dilation; average
    pooling, padding, depthwise blur filters and sums of maps are taken as they are. What acts on
    each place alone has no layer: a convolution 1x1 of stride 1, batch normalisation, activations
    (all layers of a `Network` rectify), dropout, and the linear head. Global pooling is a layer as
    long as the map. Factors without places (squeeze-and-excitation) and norms by statistics of a
    whole map are dropped, and named in the report. Anything else is refused.

    Parameters
    ----------
    module : torch.nn.Module
        It must map one image batch (batch, channels, sides) to one tensor.
    input_size : (channels, side) or (channels, height, width) or with three sides
        Shape of an image (pixels). Adaptive pooling depends on it.
    filters : {"box", "measured"}, default "box"
        "measured": for learned weights, the layer's mean \|w\| over all channels, to six digits.
    max_pooling : {"average", "max"}, default "average"
        Whether max pooling becomes the average over the same window without its padding, which
        `predict` can take, or stays, which `simulate` can.
    route : {"export", "fx", "hooks"}, optional
        How to read: ``torch.export`` and ``torch.fx`` see all that is done, hooks only what parts
        receive and return. By default the first that can trace the module.

    Returns
    -------
    Skeleton
        With ``.network``; shown as a table with a row per step, saved and loaded.

    Raises
    ------
    ValueError
        If the module holds what cannot be read: concatenation, attention, transposed convolutions,
        products of maps, functions between parts where only hooks can read. The message names the
        place and the reason. Also if the maps do not have the sizes of the module's own.
    ImportError
        Without PyTorch: ``pip install scaledet[torch]``.

    Notes
    -----
    Exact for the sizes, strides and positions; replacing learned weights by boxes is a model.
    Source: ``torch.export`` and ``torch.fx`` documentation.

    Examples
    --------
    >>> from torch import nn
    >>> body = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    >>> from_torch(body, (3, 32, 32))
    Skeleton of Sequential, input 3 x 32 x 32, 2 layers (route: export)
      steps: 2 replaced, 1 inert
      step  operation    status  k                        layer                     note
         0       conv  replaced  1            box(3), padding=1  box for learned weights
         1       relu     inert                                       acts on each place
         2    maxpool  replaced  2  box(2), stride=2, padding=0  average for the maximum
    """
    torch = require_torch("from_torch")
    if not isinstance(module, torch.nn.Module):
        raise ArgumentTypeError(f"module must be a torch.nn.Module; got {type(module).__name__}")
    given = entries(input_size) or ()
    if not 2 <= len(given) <= 4:
        raise ArgumentError(
            f"input_size must be (channels, sides), with one to three sides; got {input_size!r}"
        )
    shape = tuple(validate.integer(f"input_size[{j}]", side, 1) for j, side in enumerate(given))
    if math.prod(shape) > 2**28:
        raise ArgumentError(f"input_size must hold at most 2**28 numbers; got {input_size!r}")
    validate.choice("filters", filters, ("box", "measured"))
    validate.choice("max_pooling", max_pooling, ("average", "max"))
    validate.choice("route", route, (None, *ROUTES))
    steps = program(module, shape, route)
    network, readings = built(steps, shape[1:], filters, max_pooling)
    return Skeleton(network, readings, shape, steps.route, type(module).__name__)
