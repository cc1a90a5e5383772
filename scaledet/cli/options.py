"""Commands and the options that several of them share: network, images, output."""

from __future__ import annotations

from argparse import Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaledet.cli import arguments as read
from scaledet.cli.arguments import Parser, UsageError
from scaledet.network.layer import Layer
from scaledet.network.network import Network

if TYPE_CHECKING:
    from scaledet.simulation.result import Simulation
    from scaledet.tasks.scale_detection import ScaleDetection
    from scaledet.theory.prediction import Prediction

__all__ = [
    "HELP",
    "add",
    "add_command",
    "add_images",
    "add_network",
    "add_output",
    "add_rectify",
    "build_network",
    "describe",
    "layered_network",
    "layers_given",
    "rectify_of",
    "save",
    "scenario",
    "write",
]

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
_TASK_DEFAULTS = {"xi": None, "gap": None, "norm": None, "open-boundary": False, "balanced": False}


def add_command(
    commands: Any, name: str, summary: str, text: str, run: Callable[[Namespace], tuple[str, int]]
) -> Parser:
    """Add a command, which `run` carries out: it returns what to print and the exit code.

    `text` describes the command and ends with its examples.
    """
    parser = describe(partial(commands.add_parser, name, help=summary), text)
    parser.set_defaults(run=run, command=name)
    return parser


def describe(make: Any, text: str) -> Parser:
    """Make a parser with the description and the examples in `text`."""
    description, examples = text.split("\n\nexamples:\n")
    parser: Parser = make(
        description=description,
        epilog=f"examples:\n{examples}",
        formatter_class=partial(RawDescriptionHelpFormatter, max_help_position=28),
        allow_abbrev=False,
    )
    return parser


def add(parser: Any, name: str, **settings: Any) -> None:
    """Add the option ``--name``, explained by `HELP` unless the settings do."""
    parser.add_argument(f"--{name}", **{"help": HELP.get(name), **settings})


def add_network(parser: Parser) -> None:
    """Add the options that `build_network` reads."""
    network = parser.add_argument_group(
        "network", "equal layers (--kernel, --stride, --depth), or --layer for each kind of layer"
    )
    add(network, "kernel", type=read.read_kernel)
    add(network, "stride", type=read.read_stride)
    add(network, "depth", type=read.read_integer)
    add(network, "bias", type=read.read_rational)
    metavar = "KERNEL:STRIDE[:BIAS][xCOUNT]"
    add(network, "layer", type=read.read_layer, action="append", metavar=metavar)
    add(network, "dim", type=read.read_integer, default=1)
    add_rectify(network)


def add_rectify(parser: Any) -> None:
    """Add the option that `rectify_of` reads."""
    add(parser, "rectify", choices=("input", "noise", "layers", "none"), default="input")


def add_images(parser: Parser) -> None:
    """Add the options that `scenario` reads, but for the size."""
    add(parser, "sigma", type=float)
    add(parser, "background", type=float, default=0.0)
    task = parser.add_argument_group(
        "images with two active pixels (default: one pixel, uniformly placed)"
    )
    add(task, "task", choices=("T1", "T2"))
    add(task, "xi", type=read.read_rational)
    add(task, "gap", type=read.read_rational)
    add(task, "norm", choices=("L2", "Linf"))
    add(task, "open-boundary", action="store_true")
    add(task, "balanced", action="store_true")


def add_output(parser: Parser, saved: str | None = None) -> None:
    """Add ``--json`` and, for what can be `saved`, ``--save``."""
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
                raise UsageError(f"argument --{name}: not allowed with argument --layer")
    elif missing:
        options = ", ".join(f"--{name}" for name in missing)
        raise UsageError(f"the following arguments are required: {options} (or --layer)")
    return bool(arguments.layer)


def build_network(arguments: Namespace) -> Network:
    """Return the network that the arguments describe."""
    if layers_given(arguments, ("kernel", "stride", "depth"), "bias"):
        return layered_network(arguments)
    return Network.uniform(
        arguments.kernel, arguments.stride, arguments.depth, arguments.dim, arguments.bias or 0
    )


def layered_network(arguments: Namespace) -> Network:
    """Return the network that ``--layer`` describes, each layer as often as its count says."""
    layers: list[Layer] = []
    for count, layer in arguments.layer:
        try:
            layers += [layer] * count
        except (OverflowError, MemoryError):
            raise UsageError(f"argument --layer: {count} layers are too many") from None
    return Network(layers, arguments.dim)


def rectify_of(arguments: Namespace) -> Any:
    """Return the value of ``--rectify``."""
    return None if arguments.rectify == "none" else arguments.rectify


def scenario(arguments: Namespace) -> dict[str, Any]:
    """Return the images and the noise, by the names that the library gives them."""
    given = {name: getattr(arguments, name) for name in ("size", "sigma", "balanced", "background")}
    return {**given, "rectify": rectify_of(arguments), "task": _build_task(arguments)}


def _build_task(arguments: Namespace) -> ScaleDetection | None:
    values = {option: getattr(arguments, option.replace("-", "_")) for option in _TASK_DEFAULTS}
    given = {
        option: value for option, value in values.items() if value is not _TASK_DEFAULTS[option]
    }
    if arguments.task is None:
        for option in given:
            raise UsageError(f"argument --{option}: needs argument --task")
        return None
    if arguments.size is None:
        raise UsageError("argument --size: an integer is required with argument --task")
    from scaledet.tasks.scale_detection import ScaleDetection

    given.pop("balanced", None)
    return ScaleDetection(
        size=arguments.size,
        variant=arguments.task,
        dim=arguments.dim,
        periodic=not given.pop("open-boundary", False),
        **given,
    )


def save(result: Prediction | Simulation, arguments: Namespace) -> None:
    """Write the result to the file of ``--save``, if there is one."""
    if arguments.save is not None:
        write("save", arguments.save, result.save)


def write(option: str, path: Path, writer: Callable[[Path], object]) -> None:
    """Let `writer` write the file of an option."""
    try:
        writer(path)
    except OSError as error:
        raise UsageError(
            f"argument --{option}: cannot write {str(path)!r}: {error.strerror}"
        ) from error
