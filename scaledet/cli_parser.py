"""The parser of the command line: commands, options, and the text of ``--help``."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from functools import partial
from typing import Any

from scaledet import __version__
from scaledet import cli_arguments as read

__all__ = ["build_parser"]

_TOP = """\
Exact sensitivities and exponents of pooled ReLU networks, and the simulations that test them.

An image passes through layers that average over a kernel, keep every stride-th pixel and
rectify. At layer k, D_k is the sensitivity to small displacements, G_k that to noise,
R_k = D_k / G_k, and A_k the effective receptive field in pixels."""

_TOP_EPILOG = """\
examples:
  $ scaledet exponents --kernel 3 --stride 2
  $ scaledet predict --kernel 2 --stride 2 --depth 4 --size 64
  $ scaledet derive --kernel 3 --stride 2 --html out.html
  $ scaledet compare --kernel 2 --stride 2 --depth 3 --size 32 --samples 2000

exit codes:
  0    done (compare: theory and simulation agree)
  1    compare: theory and simulation disagree, p-value <= 1e-3; derive --check: a step is wrong
  2    bad arguments, or a result that cannot be computed or written
  130  interrupted

'scaledet COMMAND --help' shows the options and worked examples of a command."""

_EXPONENTS = """\
Exact exponents of D_k ~ A_k^-alpha and G_k ~ A_k^beta of equal layers repeated without end,
on the infinite lattice."""

_EXPONENTS_EPILOG = """\
examples:
  a box whose length the stride does not divide never becomes stable
  $ scaledet exponents --kernel 3 --stride 2
    D_k ~ A_k^-alpha   alpha = 0
    G_k ~ A_k^beta     beta  = -log(sqrt(17)/18 + 5/18)/log(2) = 0.9804
    D_k tends to 5/4 - sqrt(17)/4 = 0.219224 (d = 1)

  the binomial filter 1,2,1 becomes stable as fast as any filter can
  $ scaledet exponents --kernel binomial:3 --stride 2
    D_k ~ A_k^-alpha   alpha = 2
    G_k ~ A_k^beta     beta  = 1

  exact expressions and floats for another program
  $ scaledet exponents --kernel 6 --stride 3 --dim 2 --json"""

_PREDICT = """\
Exact sensitivities of every layer, with all finite-size terms. Without --size: on the infinite
lattice. The theory needs kernels >= 0 and no negative bias."""

_PREDICT_EPILOG = """\
examples:
  average pooling over pairs of pixels
  $ scaledet predict --kernel 2 --stride 2 --depth 3 --size 64
    k  A_k      D_k      G_k       R_k
    0    1   1.0159  0.51587    1.9692
    1    2  0.51613  0.68335   0.75529
    2    4  0.26667    1.035   0.25764
    3    8  0.14286   1.8138  0.078761

  the same on the infinite lattice, with D_k as exact fractions
  $ scaledet predict --kernel 2 --stride kernel --depth 3 --exact
    D_3 = 1/8

  two layers of stride 1, then one of stride 2, in two dimensions
  $ scaledet predict --layer 3:1x2 --layer 1,2,1:2 --dim 2 --size 16

  images with two active pixels, closer than 8 - 2 pixels or farther apart than 8 + 2
  $ scaledet predict --kernel 3 --stride 1 --depth 4 --size 32 --task T1 --xi 8 --gap 2

  write a file that scaledet.load reads, and print JSON
  $ scaledet predict --kernel 2 --stride 2 --depth 3 --size 64 --save prediction.npz --json"""

_SIMULATE = """\
Monte Carlo estimates of the sensitivities of every layer, with standard errors. The same --rng
gives the same numbers, whatever --workers."""

_SIMULATE_EPILOG = """\
examples:
  average pooling over pairs of pixels
  $ scaledet simulate --kernel 2 --stride 2 --depth 3 --size 64 --samples 2000 --rng 1

  a negative bias in every layer, which the theory does not cover
  $ scaledet simulate --kernel 2 --stride 2 --depth 3 --size 64 --bias -0.01 --samples 2000

  the same in one layer only
  $ scaledet simulate --layer 2:2x2 --layer 2:2:-0.01 --size 64 --samples 2000

  a two-pixel task with equally many images of both labels, on two threads, saved
  $ scaledet simulate --kernel 3 --stride 1 --depth 2 --size 32 --task T2 --xi 8 --balanced \\
      --samples 2000 --workers 2 --memory-limit 64MB --save simulation.npz"""

_COMPARE = """\
Predict, simulate, and test whether both agree at every layer at once (chi-square with the full
covariance). Exit code 0: they agree; 1: they disagree, p-value <= 1e-3. The number of samples
that the test needs grows with the depth."""

_COMPARE_EPILOG = """\
examples:
  $ scaledet compare --kernel 2 --stride 2 --depth 3 --size 32 --samples 2000
  $ scaledet compare --kernel 1,2,1 --stride 2 --depth 2 --size 16 --dim 2 --samples 2000 --rng 7
  $ scaledet compare --layer 3:1 --layer 2:2 --size 32 --rectify none --samples 2000 --json"""

_DERIVE = """\
Derive D_k, G_k and their exponents step by step, and re-check every step by an independent route.
Prints Markdown, or writes a page."""

_DERIVE_EPILOG = """\
examples:
  transition operator, generating functions, exponents, as one self-contained page
  $ scaledet derive --kernel 3 --stride 2 --html out.html

  the box of symbolic length f, six terms in 1/k, in d dimensions
  $ scaledet derive --kernel box --stride 1 --order 6 --dim d --latex box.tex

  check without printing the steps
  $ scaledet derive --kernel binomial:5 --stride 2 --check

  the recursion layer by layer of unequal layers
  $ scaledet derive --layer 3:1x2 --layer 1,2,1:2

exit codes: 1 if a check contradicts a step"""

_RECTIFY = (
    "how the noise meets the ReLU: relu(x + noise) enters the network (input, the default), "
    "x + relu(noise), or x + noise without any ReLU (none)"
)
_KERNEL = (
    "box of a length (3), weights (1,2,1 or 1/4,1/2,1/4 or decimals; divided by their sum) or "
    "binomial filter (binomial:5)"
)
_STRIDE = "step between the outputs (pixels), or 'kernel' for the kernel's length"


def build_parser() -> read.Parser:
    """Return the parser of every command."""
    parser = _parser(read.Parser, _TOP, _TOP_EPILOG, prog="scaledet")
    parser.add_argument("--version", action="version", version=f"scaledet {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, summary: str, description: str, epilog: str) -> read.Parser:
        return _parser(commands.add_parser, description, epilog, name=name, help=summary)

    exponents = command("exponents", "exact exponents", _EXPONENTS, _EXPONENTS_EPILOG)
    exponents.add_argument("--kernel", type=read.read_kernel, required=True, help=_KERNEL)
    exponents.add_argument("--stride", type=read.read_stride, required=True, help=_STRIDE)
    _add_dimension(exponents, "dimension of the image, 1 to 3 (default 1)")
    _add_output(exponents)

    predict = command("predict", "exact sensitivities", _PREDICT, _PREDICT_EPILOG)
    _add_network(predict)
    predict.add_argument(
        "--size",
        type=read.read_size,
        help="side of the image (pixels), a multiple of the total stride; 'none', the default: "
        "the infinite lattice",
    )
    _add_images(predict)
    predict.add_argument("--exact", action="store_true", help="give D_k as exact fractions too")
    _add_output(predict, "prediction")

    derive = command("derive", "derivations, step by step", _DERIVE, _DERIVE_EPILOG)
    _add_derivation(derive)

    simulate = command("simulate", "Monte Carlo estimates", _SIMULATE, _SIMULATE_EPILOG)
    _add_simulation(simulate)
    compare = command("compare", "test theory against simulation", _COMPARE, _COMPARE_EPILOG)
    _add_simulation(compare)
    return parser


def _add_derivation(parser: read.Parser) -> None:
    parser.add_argument(
        "--kernel",
        type=read.read_family,
        help=f"{_KERNEL}; or 'box', of symbolic length f, or 'any', by its cumulants (stride 1)",
    )
    parser.add_argument(
        "--stride", type=read.read_symbolic_stride, help=f"{_STRIDE}, or 's' with kernel 'box'"
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
    parser.add_argument(
        "--rectify", choices=("input", "noise", "none"), default="input", help=_RECTIFY
    )
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


def _add_dimension(parser: Any, text: str) -> None:
    parser.add_argument("--dim", type=read.read_integer, default=1, help=text)
    parser.add_argument(
        "--rectify", choices=("input", "noise", "none"), default="input", help=_RECTIFY
    )


def _add_network(parser: read.Parser, *, bias: bool = False) -> None:
    network = parser.add_argument_group(
        "network", "equal layers (--kernel, --stride, --depth), or --layer for each kind of layer"
    )
    network.add_argument("--kernel", type=read.read_kernel, help=_KERNEL)
    network.add_argument("--stride", type=read.read_stride, help=_STRIDE)
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


def _add_images(parser: read.Parser) -> None:
    parser.add_argument(
        "--sigma",
        type=float,
        help="standard deviation of the noise per pixel; default: noise and displacement change "
        "the image by the same mean square",
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
        "--samples", type=read.read_integer, default=10_000, help="images (default 10000)"
    )
    run.add_argument(
        "--rng", type=read.read_seed, default=0, help="seed, an integer >= 0 (default 0)"
    )
    run.add_argument(
        "--workers", type=read.read_integer, default=1, help="number of threads (default 1)"
    )
    run.add_argument(
        "--memory-limit",
        type=read.read_bytes,
        default=2**28,
        metavar="BYTES",
        help="bound on the images held at a time by one thread, such as 1000000, 256MB or 1GiB "
        "(default 256MiB)",
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
