"""Commands and the options that several of them share: network, images, output."""

from __future__ import annotations

from argparse import SUPPRESS, Namespace
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaledet.cli import arguments as read
from scaledet.cli.arguments import Parser
from scaledet.errors import ArgumentError
from scaledet.network.network import Network

if TYPE_CHECKING:
    from argparse import _ActionsContainer as Options
    from argparse import _SubParsersAction

    Commands = _SubParsersAction[Parser]

HELP = {
    "kernel": "box of a length (3), weights (1,2,1 or 1/4,1/2,1/4 or decimals; divided by their "
    "sum) or binomial filter (binomial:5)",
    "stride": "step between the outputs (pixels), or 'kernel' for the kernel's length",
    "depth": "number of equal layers",
    "bias": "bias of every layer (units of the image's height; default 0); a negative fraction "
    "needs '=': --bias=-1/20",
    "layer": "COUNT equal layers; repeat the option for the layers after them",
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
}
RECTIFY: dict[str, Any] = {"choices": ("input", "noise", "layers", "none"), "default": "input"}
METHOD: dict[str, Any] = {"choices": ("exact", "closure"), "default": "exact"}
Run = Callable[[Namespace], tuple[str, int]]
_TASK = ("xi", "gap", "norm", "open-boundary", "balanced")


def add_command(commands: Commands, name: str, summary: str, text: str, run: Run) -> Parser:
    """Add a command, which `run` carries out: it returns what to print and the exit code.

    `text` describes the command and ends with its examples.
    """
    parser = commands.add_parser(name, help=summary, text=text)
    parser.set_defaults(run=run)
    return parser


def add(parser: Options, name: str, texts: Mapping[str, str] = HELP, **settings: Any) -> None:
    """Add the option ``--name``, explained by `texts` unless the settings do."""
    if "type" in settings:
        settings["type"] = partial(read.reported, settings["type"])
    parser.add_argument(f"--{name}", **{"help": texts.get(name), **settings})


def add_network(parser: Options) -> None:
    """Add the options that `build_network` reads."""
    network = parser.add_argument_group(
        "network", "equal layers (--kernel, --stride, --depth), or --layer for each kind of layer"
    )
    add(network, "kernel", type=read.read_kernel)
    add(network, "stride", type=read.read_stride)
    add(network, "depth", type=read.read_integer)
    add(network, "bias", type=read.read_rational)
    metavar = "KERNEL:STRIDE[:BIAS][xCOUNT]"
    add(network, "layer", type=read.read_layer, action="extend", metavar=metavar)
    add(network, "dim", type=read.read_integer, default=1)
    add(network, "rectify", **RECTIFY)


def add_images(parser: Options) -> None:
    """Add the options that `scenario` reads, but for the size."""
    add(parser, "sigma", type=read.read_real)
    add(parser, "background", type=read.read_real, default=0.0)
    task = parser.add_argument_group(
        "images with two active pixels (default: one pixel, uniformly placed)"
    )
    add(task, "task", choices=("T1", "T2"))
    add(task, "xi", type=read.read_rational, default=SUPPRESS)
    add(task, "gap", type=read.read_rational, default=SUPPRESS)
    add(task, "norm", choices=("L2", "Linf"), default=SUPPRESS)
    add(task, "open-boundary", action="store_true", default=SUPPRESS)
    add(task, "balanced", action="store_true", default=SUPPRESS)


def add_output(parser: Options, saved: str | None = None) -> None:
    """Add ``--json`` and, if `saved` names a result, ``--save``."""
    output = parser.add_argument_group("output")
    add(output, "json", action="store_true")
    if saved:
        text = f"write the {saved} to FILE (.npz), which scaledet.load reads"
        add(output, "save", type=read.read_destination, metavar="FILE", help=text)


def layers_given(arguments: Namespace, required: Sequence[str], optional: str) -> bool:
    """Whether ``--layer`` describes the network, and not the options `required` otherwise."""
    missing = [name for name in required if getattr(arguments, name) is None]
    if arguments.layer:
        for name in (*required, optional):
            if getattr(arguments, name) is not None:
                raise ArgumentError(f"argument --{name}: not allowed with argument --layer")
    elif missing:
        options = ", ".join(f"--{name}" for name in missing)
        raise ArgumentError(f"the following arguments are required: {options} (or --layer)")
    return bool(arguments.layer)


def build_network(arguments: Namespace) -> Network:
    """Return the network that the arguments describe."""
    if layers_given(arguments, ("kernel", "stride", "depth"), "bias"):
        return Network(arguments.layer, arguments.dim)
    return Network.uniform(
        arguments.kernel, arguments.stride, arguments.depth, arguments.dim, arguments.bias or 0
    )


def rectify_of(arguments: Namespace) -> Any:
    """Return the value of ``--rectify``."""
    return None if arguments.rectify == "none" else arguments.rectify


def scenario(arguments: Namespace) -> dict[str, Any]:
    """Return the images and the noise, by the names that the library gives them."""
    given = {name: getattr(arguments, name) for name in ("size", "sigma", "background")}
    return {**given, "rectify": rectify_of(arguments), **_task(arguments)}


def _task(arguments: Namespace) -> dict[str, Any]:
    names = {option: option.replace("-", "_") for option in _TASK}
    given = {option: vars(arguments)[name] for option, name in names.items() if name in arguments}
    if arguments.task is None:
        for option in given:
            raise ArgumentError(f"argument --{option}: needs argument --task")
        return {}
    if arguments.size is None:
        raise ArgumentError("argument --size: an integer is required with argument --task")
    from scaledet.tasks.scale_detection import ScaleDetection

    balanced, periodic = given.pop("balanced", False), not given.pop("open-boundary", False)
    geometry = {"size": arguments.size, "dim": arguments.dim, "periodic": periodic}
    task = ScaleDetection(variant=arguments.task, **geometry, **given)
    return {"task": task, "balanced": balanced}


def write(arguments: Namespace, option: str, writer: Callable[[Path], object]) -> list[str]:
    """Let `writer` write the file of an option, if it is given; say so."""
    path = getattr(arguments, option)
    if path is None:
        return []
    try:
        writer(path)
    except OSError as error:
        raise ArgumentError(
            f"argument --{option}: cannot write {str(path)!r}: {error.strerror}"
        ) from error
    return [f"wrote {path}"]
