"""The parser of the command line: commands and options."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from functools import partial
from typing import Any

from scaledet import __version__
from scaledet.cli import arguments as read
from scaledet.cli import text

__all__ = ["build_parser"]


def build_parser() -> read.Parser:
    """Return the parser of every command."""
    parser = _parser(read.Parser, text.TOP, text.TOP_EPILOG, prog="scaledet")
    parser.add_argument("--version", action="version", version=f"scaledet {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, summary: str, description: str, epilog: str) -> read.Parser:
        return _parser(commands.add_parser, description, epilog, name=name, help=summary)

    exponents = command("exponents", "exact exponents", text.EXPONENTS, text.EXPONENTS_EPILOG)
    exponents.add_argument("--kernel", type=read.read_kernel, required=True, help=text.KERNEL)
    exponents.add_argument("--stride", type=read.read_stride, required=True, help=text.STRIDE)
    _add_dimension(exponents, "dimension of the image, 1 to 3 (default 1)")
    _add_output(exponents)

    predict = command("predict", "exact sensitivities", text.PREDICT, text.PREDICT_EPILOG)
    _add_network(predict, bias=True)
    predict.add_argument(
        "--size",
        type=read.read_size,
        help="side of the image (pixels), a multiple of the total stride; 'none', the default: "
        "the infinite lattice",
    )
    _add_images(predict)
    _add_method(predict)
    predict.add_argument("--exact", action="store_true", help="give D_k as exact fractions too")
    _add_output(predict, "prediction")

    derive = command("derive", "derivations, step by step", text.DERIVE, text.DERIVE_EPILOG)
    _add_derivation(derive)

    simulate = command("simulate", "Monte Carlo estimates", text.SIMULATE, text.SIMULATE_EPILOG)
    _add_simulation(simulate)
    compare = command(
        "compare", "test theory against simulation", text.COMPARE, text.COMPARE_EPILOG
    )
    _add_simulation(compare)
    _add_method(compare)
    return parser


def _add_derivation(parser: read.Parser) -> None:
    parser.add_argument(
        "--kernel",
        type=read.read_family,
        help=f"{text.KERNEL}; or 'box', of symbolic length f, or 'any', by its cumulants "
        "(stride 1)",
    )
    parser.add_argument(
        "--stride", type=read.read_symbolic_stride, help=f"{text.STRIDE}, or 's' with kernel 'box'"
    )
    parser.add_argument(
        "--layer",
        type=read.read_layer,
        action="append",
        metavar="KERNEL:STRIDE[xCOUNT]",
        help="COUNT equal layers, instead of --kernel and --stride; repeat for the layers after",
    )
    parser.add_argument(
        "--order", type=read.read_integer, help="number of terms in 1/k at stride 1 (default 4)"
    )
    parser.add_argument(
        "--dim", type=read.read_dimension, default=1, help="dimension, 1 to 3 or 'd' (default 1)"
    )
    _add_rectify(parser)
    output = parser.add_argument_group("output")
    output.add_argument(
        "--check", action="store_true", help="re-verify every step and print the evidence"
    )
    for name in ("html", "latex", "markdown"):
        output.add_argument(
            f"--{name}",
            type=read.read_destination,
            metavar="FILE",
            help=f"write the derivation to FILE as {name}",
        )


def _parser(make: Any, description: str, epilog: str, **named: str) -> read.Parser:
    name = [named.pop("name")] if "name" in named else []
    result: read.Parser = make(
        *name,
        description=description,
        epilog=epilog,
        formatter_class=partial(RawDescriptionHelpFormatter, max_help_position=28),
        allow_abbrev=False,
        **named,
    )
    return result


def _add_dimension(parser: Any, dimension: str) -> None:
    parser.add_argument("--dim", type=read.read_integer, default=1, help=dimension)
    _add_rectify(parser)


def _add_rectify(parser: Any) -> None:
    ways = ("input", "noise", "layers", "none")
    parser.add_argument("--rectify", choices=ways, default="input", help=text.RECTIFY)


def _add_network(parser: read.Parser, *, bias: bool = False) -> None:
    network = parser.add_argument_group(
        "network", "equal layers (--kernel, --stride, --depth), or --layer for each kind of layer"
    )
    network.add_argument("--kernel", type=read.read_kernel, help=text.KERNEL)
    network.add_argument("--stride", type=read.read_stride, help=text.STRIDE)
    network.add_argument("--depth", type=read.read_integer, help="number of equal layers")
    if bias:
        network.add_argument(
            "--bias",
            type=read.read_rational,
            help="bias of every layer (units of the image's height; default 0); a negative "
            "fraction needs '=': --bias=-1/20",
        )
    network.add_argument(
        "--layer",
        type=read.read_layer,
        action="append",
        metavar="KERNEL:STRIDE[:BIAS][xCOUNT]",
        help="COUNT equal layers; repeat the option for the layers after them",
    )
    _add_dimension(network, "dimension of the image, 1 to 3, with --task 1 or 2 (default 1)")


def _add_method(parser: read.Parser) -> None:
    parser.add_argument(
        "--method",
        choices=("exact", "closure"),
        default="exact",
        help="exact (the default), or the approximate closure, which takes any bias in any layer",
    )


def _add_images(parser: read.Parser) -> None:
    parser.add_argument(
        "--sigma",
        type=float,
        help="standard deviation of the noise per pixel; default: noise and displacement change "
        "the image by the same mean square",
    )
    parser.add_argument(
        "--background",
        type=float,
        default=0.0,
        help="standard deviation of noise that the images themselves carry (default 0)",
    )
    task = parser.add_argument_group(
        "images with two active pixels (default: one pixel, uniformly placed)"
    )
    task.add_argument(
        "--task",
        choices=("T1", "T2"),
        help="label by the distance, < XI - GAP or >= XI + GAP (T1), or by whether both pixels "
        "lie in the same block of side XI (T2)",
    )
    task.add_argument("--xi", type=read.read_rational, help="scale (pixels, default 14)")
    task.add_argument(
        "--gap", type=read.read_rational, help="half the band left out in T1 (pixels, default 2)"
    )
    task.add_argument(
        "--norm", choices=("L2", "Linf"), help="how the axes combine into the distance (default L2)"
    )
    task.add_argument(
        "--open-boundary", action="store_true", help="measure distances without wrapping around"
    )
    task.add_argument(
        "--balanced",
        action="store_true",
        help="every label weighs the same, instead of every pair of pixels",
    )


def _add_simulation(parser: read.Parser) -> None:
    _add_network(parser, bias=True)
    parser.add_argument(
        "--size",
        type=read.read_integer,
        required=True,
        help="side of the image (pixels), a multiple of the total stride",
    )
    _add_images(parser)
    run = parser.add_argument_group("simulation")
    run.add_argument(
        "--samples",
        type=read.read_integer,
        default=10_000,
        help="images, with --target-error at most so many (default 10000)",
    )
    run.add_argument(
        "--target-error",
        type=float,
        metavar="ERROR",
        help="stop when the relative standard error of every layer is below ERROR, such as 0.01",
    )
    run.add_argument(
        "--rng", type=read.read_seed, default=0, help="seed, an integer >= 0 (default 0)"
    )
    run.add_argument(
        "--engine",
        choices=("numba", "numpy"),
        default="numba",
        help="compiled (numba, the default) or plain arrays (numpy); their random numbers differ",
    )
    run.add_argument(
        "--control-variates",
        action="store_true",
        help="correct G by the noise's own deviations from its known mean and variance",
    )
    run.add_argument(
        "--checkpoint",
        type=read.read_destination,
        metavar="FILE",
        help="keep what is finished in FILE (SQLite); the same command goes on from there, "
        "whatever ended it, and gives the same numbers in the end",
    )
    run.add_argument(
        "--workers", type=read.read_integer, default=1, help="number of threads (default 1)"
    )
    run.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="compute on the workers of the Dask scheduler at ADDRESS, such as tcp://host:8786, "
        "instead of on threads",
    )
    run.add_argument(
        "--memory-limit",
        type=read.read_bytes,
        default=2**30,
        metavar="BYTES",
        help="refuse an image for which one worker needs more memory than this, such as 256MB or "
        "2GiB (default 1GiB)",
    )
    run.add_argument("--progress", action="store_true", help="show the progress on stderr")
    _add_output(parser, "simulation")


def _add_output(parser: read.Parser, saved: str | None = None) -> None:
    output = parser.add_argument_group("output")
    output.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object, every number at full precision, instead of a table",
    )
    if saved:
        output.add_argument(
            "--save",
            type=read.read_destination,
            metavar="FILE",
            help=f"write the {saved} to FILE (.npz), which scaledet.load reads",
        )
