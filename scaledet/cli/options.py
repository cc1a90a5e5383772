"""Commands and the options that several of them share: network, images, output."""

from __future__ import annotations

from argparse import SUPPRESS, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaledet.cli import arguments as read
from scaledet.errors import ArgumentError
from scaledet.network.network import Network

if TYPE_CHECKING:
    from argparse import _ActionsContainer as Options


@dataclass(frozen=True)
class Command:
    """A command: its `text` ends with its examples, `add_options` adds what `run` reads.

    `run` returns what to print and the exit code.
    """

    name: str
    summary: str
    text: str
    add_options: Callable[[read.Parser], None]
    run: Callable[[Namespace], tuple[str, int]]


HELP = {
    "kernel": "box of a length (3), weights (1,2,1 or 1/4,1/2,1/4 or decimals; divided by their "
    "sum), binomial filter (binomial:5) or Gaussian (gaussian:7,1)",
    "stride": "step between the outputs (pixels), or 'kernel' for the kernel's length",
    "depth": "number of equal layers",
    "bias": "bias of every layer (units of the image's height; default 0); a negative fraction "
    "needs '=': --bias=-1/20",
    "layer": "COUNT equal layers; repeat the option for the layers after them; options are "
    "pad=1, mode=reflect, dilation=2 and pool=max, as below",
    "padding": "sites added around every map, 0: none, so that the map shrinks; several such as "
    "0,2 (left and right in one dimension, an axis each in more); or the rule 'same' or 'same-tf' "
    "(default: the torus)",
    "padding-mode": "what stands on added sites (default zeros)",
    "dilation": "distance of the pixels that neighbouring weights read (default 1), or one for "
    "each axis, such as 2,1",
    "pooling": "average (the default), or the largest value of a box, which can be simulated only",
    "moves": "with padding, a move out of the image comes back on the other side (wrap, the "
    "default), does not take place (stay), or goes to the other neighbour (inside)",
    "dim": "dimension of the image, 1 to 3, with --task 1 or 2 (default 1)",
    "rectify": "how the noise meets the ReLU: relu(x + noise) enters the network (input, the "
    "default), x + relu(noise), x + noise, which every layer rectifies (layers), or x + noise "
    "without any ReLU (none)",
    "sigma": "standard deviation of the noise per pixel; default: noise and displacement change "
    "the image by the same mean square",
    "background": "standard deviation of noise that the images themselves carry (default 0)",
    "task": "label by the distance, < XI - GAP or >= XI + GAP (T1), or by whether both pixels "
    "lie in the same block of side XI (T2)",
    "xi": "scale (pixels, default 14)",
    "gap": "half the band left out in T1 (pixels, default 2)",
    "norm": "how the axes combine into the distance (default L2)",
    "open-boundary": "measure distances without wrapping around",
    "balanced": "every label weighs the same, instead of every pair of pixels",
    "method": "exact (the default), or the approximate closure, which takes any bias in any layer",
    "json": "print one JSON object, every number at full precision, instead of a table",
    "save": "write the result to FILE (.npz), for the commands show, plot and fit and for "
    "scaledet.load",
}
RECTIFY: dict[str, Any] = {"choices": ("input", "noise", "layers", "none"), "default": "input"}
MOVES = ("wrap", "stay", "inside")
METHOD: dict[str, Any] = {"choices": ("exact", "closure"), "default": "exact"}
_LAYER = ("padding", "padding-mode", "dilation", "pooling")
_TASK = ("xi", "gap", "norm", "open-boundary", "balanced")


def add(
    parser: Options,
    name: str,
    reader: Callable[[str], Any] | None = None,
    texts: Mapping[str, str] = HELP,
    **settings: Any,
) -> None:
    """Add the option ``--name``, explained by `texts` unless the settings do.

    With a `reader`, it is read by that; with ``repeated=True`` it may be given again and again.
    """
    if reader is not None:
        settings |= {"action": read.Reading, "read": reader}
        settings.setdefault("repeated", False)
    parser.add_argument(f"--{name}", **{"help": texts.get(name), **settings})


def add_network(
    parser: Options, *, rectify: Mapping[str, Any] = RECTIFY, many: bool = False
) -> None:
    """Add the options that `build_networks` reads; of `many` networks, they may be repeated."""
    about = "equal layers (--kernel, --stride, --depth), or --layer for each kind of layer"
    if many:
        about += ";\nrepeat --kernel, --stride, --depth, --bias for all combinations"
    network = parser.add_argument_group("network", about)
    add(network, "kernel", read.read_kernel, repeated=many)
    add(network, "stride", read.read_stride, repeated=many)
    add(network, "depth", read.read_integer, repeated=many)
    add(network, "bias", read.read_rational, repeated=many)
    metavar = "KERNEL:STRIDE[:BIAS][:OPTION=VALUE...][xCOUNT]"
    add(network, "layer", read.read_layer, repeated=True, metavar=metavar)
    add(network, "padding", read.read_padding)
    add(network, "padding-mode", choices=("zeros", "circular", "reflect", "replicate"))
    add(network, "dilation", read.read_per_axis)
    add(network, "pooling", choices=("average", "max"))
    add(network, "dim", read.read_integer, default=1)
    add(network, "rectify", **rectify)


def add_images(parser: Options) -> None:
    """Add the options that `scenario` reads, but for the size."""
    add(parser, "sigma", read.read_real)
    add(parser, "background", read.read_real, default=0.0)
    add(parser, "moves", choices=MOVES, default=SUPPRESS)
    task = parser.add_argument_group(
        "images with two active pixels (default: one pixel, uniformly placed)"
    )
    add(task, "task", choices=("T1", "T2"))
    add(task, "xi", read.read_rational, default=SUPPRESS)
    add(task, "gap", read.read_rational, default=SUPPRESS)
    add(task, "norm", choices=("L2", "Linf"), default=SUPPRESS)
    add(task, "open-boundary", action="store_true", default=SUPPRESS)
    add(task, "balanced", action="store_true", default=SUPPRESS)


def add_output(parser: Options, *, save: bool = True) -> None:
    """Add ``--json`` and ``--save``."""
    output = parser.add_argument_group("output")
    add(output, "json", action="store_true")
    if save:
        add(output, "save", partial(read.read_destination, "saved result"), metavar="FILE")


def layers_given(arguments: Namespace, required: Sequence[str], *optional: str) -> bool:
    """Whether ``--layer`` describes the network, and not the options `required` otherwise."""
    missing = [name for name in required if getattr(arguments, name) is None]
    if arguments.layer:
        for name in (*required, *optional):
            if getattr(arguments, name.replace("-", "_")) is not None:
                raise ArgumentError(f"argument --{name}: not allowed with argument --layer")
    elif missing:
        options = ", ".join(f"--{name}" for name in missing)
        raise ArgumentError(f"the following arguments are required: {options} (or --layer)")
    return bool(arguments.layer)


def build_networks(arguments: Namespace) -> list[Network]:
    """Return the networks that the arguments describe, the last option changing fastest."""
    if layers_given(arguments, ("kernel", "stride", "depth"), "bias", *_LAYER):
        return [Network(list(chain.from_iterable(arguments.layer)), arguments.dim)]
    choices = [getattr(arguments, name) for name in ("kernel", "stride", "depth", "bias")]
    lists = (value if isinstance(value, list) else [value] for value in choices)
    named = {name: getattr(arguments, name) for name in (o.replace("-", "_") for o in _LAYER)}
    given = {name: value for name, value in named.items() if value is not None}
    return [
        Network.uniform(kernel, stride, depth, arguments.dim, bias or 0, **given)
        for kernel, stride, depth, bias in product(*lists)
    ]


def build_network(arguments: Namespace) -> Network:
    """Return the network that the arguments describe."""
    (network,) = build_networks(arguments)
    return network


def rectify_of(arguments: Namespace) -> Any:
    """Return the value of ``--rectify``."""
    return None if arguments.rectify == "none" else arguments.rectify


def scenario(arguments: Namespace) -> dict[str, Any]:
    """Return the images and the noise, by the names that the library gives them."""
    names = ("size", "sigma", "background", "moves")
    given = {name: getattr(arguments, name) for name in names if name in arguments}
    return {**given, "rectify": rectify_of(arguments), **_task(arguments)}


def _task(arguments: Namespace) -> dict[str, Any]:
    names = {option: option.replace("-", "_") for option in _TASK}
    given = {option: vars(arguments)[name] for option, name in names.items() if name in arguments}
    if arguments.task is None:
        for option in given:
            raise ArgumentError(f"argument --{option}: needs argument --task")
        return {}
    sizes = arguments.size if isinstance(arguments.size, list) else [arguments.size]
    if len(sizes) > 1 or sizes[0] is None:
        raise ArgumentError("argument --size: one integer is required with argument --task")
    from scaledet.tasks.scale_detection import ScaleDetection

    balanced, periodic = given.pop("balanced", False), not given.pop("open-boundary", False)
    geometry = {"size": sizes[0], "dim": arguments.dim, "periodic": periodic}
    task = ScaleDetection(variant=arguments.task, **geometry, **given)
    return {"task": task, "balanced": balanced}


def write(arguments: Namespace, option: str, writer: Callable[[Path], object]) -> list[str]:
    """Let `writer` write the file of an option, if it is given; say so."""
    path = getattr(arguments, option)
    if path is None:
        return []
    try:
        writer(path)
    except ArgumentError as error:  # Another program has just made this file.
        raise ArgumentError(f"argument --{option}: {error}") from error
    except OSError as error:
        raise ArgumentError(
            f"argument --{option}: cannot write {str(path)!r}: {error.strerror}"
        ) from error
    return [f"wrote {path}"]
