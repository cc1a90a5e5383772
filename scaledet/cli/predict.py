"""The commands of the theory: ``exponents``, ``predict``, ``evolve``, ``bias-phases``."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from scaledet.cli import arguments as read
from scaledet.cli import options, records
from scaledet.cli.options import Command

if TYPE_CHECKING:
    from scaledet.theory.prediction import Prediction

_EXPONENTS = """\
Exact exponents of D_k ~ A_k^-alpha and G_k ~ A_k^beta of equal layers repeated without end,
on the infinite lattice.

examples:
  a box whose length the stride does not divide never becomes stable
  $ scaledet exponents --kernel 3 --stride 2
    D_k ~ A_k^-alpha   alpha = 0
    G_k ~ A_k^beta     beta  = -log(sqrt(17)/18 + 5/18)/log(2) = 0.9804
    D_k tends to 5/4 - sqrt(17)/4 = 0.219224 in every d

  the binomial filter 1,2,1 becomes stable as fast as any filter can
  $ scaledet exponents --kernel binomial:3 --stride 2
    D_k ~ A_k^-alpha   alpha = 2
    G_k ~ A_k^beta     beta  = 1

  exact expressions and floats for another program
  $ scaledet exponents --kernel 6 --stride 3 --dim 2 --json"""

_PREDICT = """\
Exact sensitivities of every layer, with all finite-size terms. Without --size: on the infinite
lattice. The theory needs kernels >= 0; negative biases need --rectify layers (in layer 1) or
--method closure, an approximation that says so.

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

  a bias below zero in every layer, approximately, where every layer rectifies the noise
  $ scaledet predict --kernel 3 --stride 1 --depth 3 --size 32 --bias -0.01 --rectify layers \\
      --method closure

  write a file that scaledet.load reads, and print JSON
  $ scaledet predict --kernel 2 --stride 2 --depth 3 --size 64 --save prediction.npz --json"""

_EVOLVE = """\
The exact law of a unit, layer by layer, of layers without overlap (kernel length <= stride), with a
ReLU and any bias in every layer. It ends where the signal dies, Q_k = 0.

examples:
  a bias below zero first quiets the noise, then the signal dies
  $ scaledet evolve --kernel 2 --stride 2 --depth 8 --size 256 --bias=-1/50
    k  A_k       D_k       G_k  error  P(lowest)        mean    variance
    2    4   0.25397   0.18291  3e-15      0.673   0.0069452  0.00020839
    4   16  0.066667  0.096147  5e-14    0.99676  1.3292e-05  1.0602e-07

  a bias in one layer only, on the infinite lattice, where biases are in units of sigma
  $ scaledet evolve --layer 2:2:-1 --layer 2:2x3

  noise with heavy tails; D_k as exact fractions
  $ scaledet evolve --kernel 2 --stride 2 --depth 3 --size 64 --noise laplace --exact"""

_PHASES = """\
Which strength theta of a schedule of biases kills the signal, and which the noise, for boxes whose
stride is their length. Schedules: constant, b_k = -theta; proportional, b_k = -theta n^-k, n inputs
a unit; early, b_1 = -theta/n and no other bias.

examples:
  $ scaledet bias-phases --depth 8
    signal dead        theta >= 1/8
    noise suppressed   theta > 0.407077 sigma (weak noise)
  $ scaledet bias-phases --kind constant --depth 4 --kernel 3 --dim 2
  $ scaledet bias-phases --kind early --depth 3 --rectify input --json"""

_HELP = options.HELP | {
    "size": "side of the image (pixels), on the torus a multiple of the total stride; or sides "
    "such as 32x48; 'none', the default: the infinite lattice",
    "exact": "give D_k as exact fractions too",
    "noise": "law of the noise (default gaussian)",
    "points": "points of the grids, 256 to 16384 (default 2048)",
    "kind": "schedule of the biases (default proportional)",
}
_RECTIFY: dict[str, Any] = {
    "choices": ("layers", "input", "noise"),
    "default": "layers",
    "help": "how the noise meets the first ReLU: x + noise enters, which every layer rectifies "
    "(layers, the default), relu(x + noise) (input), or x + relu(noise) (noise)",
}


def _add_exponents(parser: read.Parser) -> None:
    options.add(parser, "kernel", read.read_kernel, required=True)
    options.add(parser, "stride", read.read_stride, required=True)
    dimension = "dimension of the image, 1 to 3 (default 1)"
    options.add(parser, "dim", read.read_integer, default=1, help=dimension)
    options.add(parser, "rectify", **options.RECTIFY)
    options.add_output(parser)


def _add_predict(parser: read.Parser) -> None:
    options.add_network(parser)
    options.add(parser, "size", read.read_size, _HELP)
    options.add_images(parser)
    options.add(parser, "method", **options.METHOD)
    options.add(parser, "exact", texts=_HELP, action="store_true")
    options.add_output(parser)


def _add_evolve(parser: read.Parser) -> None:
    options.add_network(parser, rectify=_RECTIFY)
    options.add(parser, "size", read.read_size, _HELP)
    options.add(parser, "sigma", read.read_real)
    laws = ("gaussian", "laplace", "uniform")
    options.add(parser, "noise", texts=_HELP, choices=laws, default="gaussian")
    options.add(parser, "points", read.read_integer, _HELP, default=2048)
    options.add(parser, "exact", texts=_HELP, action="store_true")
    options.add_output(parser)


def _add_phases(parser: read.Parser) -> None:
    kinds = ("proportional", "constant", "early")
    options.add(parser, "kind", texts=_HELP, choices=kinds, default="proportional")
    options.add(parser, "depth", read.read_integer, required=True)
    length = "length of the box and its stride, at least 2 (default 2)"
    options.add(parser, "kernel", read.read_integer, default=2, help=length)
    dimension = "dimension of the image, 1 to 3 (default 1)"
    options.add(parser, "dim", read.read_integer, default=1, help=dimension)
    options.add(parser, "rectify", **_RECTIFY)
    options.add_output(parser)


def prediction(arguments: Namespace, scenario: dict[str, Any]) -> Prediction:
    """Predict for the network of the arguments and the images and noise of `scenario`."""
    from scaledet.theory.prediction import predict

    return predict(options.build_network(arguments), method=arguments.method, **scenario)


def _exponents(arguments: Namespace) -> tuple[str, int]:
    from scaledet.theory.growth.exponents import predict_exponents

    given = {name: getattr(arguments, name) for name in ("kernel", "stride", "dim")}
    result = predict_exponents(**given, rectify=options.rectify_of(arguments))
    return records.report(arguments, result), 0


def _predict(arguments: Namespace) -> tuple[str, int]:
    result = prediction(arguments, options.scenario(arguments))
    return records.report(arguments, result, exact=arguments.exact), 0


def _evolve(arguments: Namespace) -> tuple[str, int]:
    from scaledet.evolution.evolve import evolve

    names = ("size", "sigma", "noise", "rectify", "points")
    given = {name: getattr(arguments, name) for name in names}
    result = evolve(options.build_network(arguments), **given)
    return records.report(arguments, result, exact=arguments.exact), 0


def _phases(arguments: Namespace) -> tuple[str, int]:
    from scaledet.evolution.schedules import bias_phases

    names = ("kind", "depth", "kernel", "dim", "rectify")
    result = bias_phases(**{name: getattr(arguments, name) for name in names})
    return records.report(arguments, result), 0


COMMANDS: tuple[Command, ...] = (
    Command("exponents", "exact exponents", _EXPONENTS, _add_exponents, _exponents),
    Command("predict", "exact sensitivities", _PREDICT, _add_predict, _predict),
    Command("evolve", "exact laws of units under any bias", _EVOLVE, _add_evolve, _evolve),
    Command(
        "bias-phases",
        "which biases kill signal or noise",
        _PHASES,
        _add_phases,
        _phases,
    ),
)
