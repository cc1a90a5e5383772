"""The commands on filters: ``scaledet filters`` and ``design``."""

from __future__ import annotations

from argparse import Namespace

from scaledet.cli import arguments as read
from scaledet.cli import options, records
from scaledet.cli.options import Command
from scaledet.errors import ArgumentError

_FILTERS = """\
Compare pooling filters that are repeated layer by layer, on the infinite lattice: the exponent
alpha of D_k ~ A_k^-alpha in law and the largest one seen between neighbouring layers, plateau and
the layer that comes near it, prefactor, D_k and G_k, multiplications an output pixel, index drift
(pixels a layer), sum rule, and D_k over the least value at this support.

examples:
  no filter, average pooling, the filters of BlurPool, and a Gaussian
  $ scaledet filters --stride 2
    D_6: bin5 < tri4 < tri3 < gaussian < box2 < box3 < none
    none: nothing pools, D_k = 1 at every layer

  filters of your own
  $ scaledet filters --filter mine=1,3,4,3,1 --filter gaussian:5,1 --stride 2 --depth 4 --dim 2

  every number, for another program; a file for the commands show and plot
  $ scaledet filters --stride 3 --json
  $ scaledet filters --stride 2 --save filters.npz"""

_DESIGN = """\
Find the filter of least sensitivity D_k, repeated layer by layer on the infinite lattice, of the
least noise sensitivity G_k, or of the best trade-off; a simple rational filter near it; and a
certified bound that no filter beats.

examples:
  $ scaledet design --length 5 --stride 2 --depth 6
     rational                  [2, 3, 2, 3, 2]/12  9.2855e-05   29.89       1.214

  the most stable filter among those of no more noise than [1, 2, 1]
  $ scaledet design --length 3 --stride 2 --max-G 0.77

  a trade-off: D_k^(1/2) G_k^(1/2)
  $ scaledet design --length 5 --stride 2 --depth 4 --objective 1/2 --json"""

_HELP = options.HELP | {
    "filter": "a filter, or NAME=KERNEL: box of a length, weights, binomial:5 or gaussian:7,1; "
    "repeat the option for more (default: none, box2, box3, tri3, tri4, bin5, gaussian)",
    "stride": "step between the outputs (pixels, default 2)",
    "dim": "dimension of the image, 1 to 3 (default 1)",
    "length": "largest number of weights, 1 to 32",
    "objective": "what is least: D (the default), G, or D^(1-W) G^W for a number W in [0, 1]",
    "max-G": "largest G_k admitted, at least 1/2",
    "tolerance": "excess over the optimum that the rational filter may have (default 0.01)",
}


def _add_filters(parser: read.Parser) -> None:
    options.add(parser, "filter", read.read_filter, _HELP, repeated=True, metavar="[NAME=]KERNEL")
    options.add(parser, "stride", read.read_integer, _HELP, default=2)
    options.add(parser, "depth", read.read_integer, default=6, help="number of layers (default 6)")
    options.add(parser, "dim", read.read_integer, _HELP, default=1)
    options.add_output(parser)


def _add_design(parser: read.Parser) -> None:
    options.add(parser, "length", read.read_integer, _HELP, required=True)
    options.add(parser, "stride", read.read_integer, _HELP, default=2)
    options.add(parser, "depth", read.read_integer, default=1, help="number of layers (default 1)")
    reader = read.either(read.read_real, "D", "G")
    options.add(parser, "objective", reader, _HELP, default="D", metavar="D|G|W")
    options.add(parser, "max-G", read.read_real, _HELP)
    options.add(parser, "dim", read.read_integer, _HELP, default=1)
    options.add(parser, "tolerance", read.read_real, _HELP, default=0.01)
    options.add_output(parser)


def _filters(arguments: Namespace) -> tuple[str, int]:
    from scaledet.analysis.filter_comparison import compare_filters

    chosen = None if arguments.filter is None else dict(arguments.filter)
    if chosen is not None and len(chosen) < len(arguments.filter):
        raise ArgumentError("argument --filter: names must differ")
    names = ("stride", "depth", "dim")
    result = compare_filters(chosen, **{name: getattr(arguments, name) for name in names})
    return records.report(arguments, result), 0


def _design(arguments: Namespace) -> tuple[str, int]:
    from scaledet.analysis.filter_design import design_filter

    names = ("length", "stride", "objective", "depth", "max_G", "dim", "tolerance")
    result = design_filter(**{name: getattr(arguments, name) for name in names})
    return records.report(arguments, result), 0


COMMANDS: tuple[Command, ...] = (
    Command("filters", "compare pooling filters", _FILTERS, _add_filters, _filters),
    Command("design", "the filter of least sensitivity", _DESIGN, _add_design, _design),
)
