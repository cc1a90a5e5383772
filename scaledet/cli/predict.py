"""The commands of the theory: ``scaledet exponents`` and ``scaledet predict``."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from scaledet.cli import arguments as read
from scaledet.cli import options, records

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

_FACTS = (
    *("kernel", "stride", "dim", "rectify", "alpha", "beta", "plateau", "log_correction"),
    *("log_power", "sum_rule", "span", "peak_growth", "drop_growth"),
)
_SIZE = (
    "side of the image (pixels), a multiple of the total stride; 'none', the default: the "
    "infinite lattice"
)


def add_commands(commands: options.Commands) -> None:
    """Add ``exponents`` and ``predict``."""
    parser = options.add_command(commands, "exponents", "exact exponents", _EXPONENTS, _exponents)
    options.add(parser, "kernel", type=read.read_kernel, required=True)
    options.add(parser, "stride", type=read.read_stride, required=True)
    dimension = "dimension of the image, 1 to 3 (default 1)"
    options.add(parser, "dim", type=read.read_integer, default=1, help=dimension)
    options.add(parser, "rectify", **options.RECTIFY)
    options.add_output(parser)

    parser = options.add_command(commands, "predict", "exact sensitivities", _PREDICT, _predict)
    options.add_network(parser)
    options.add(parser, "size", type=read.read_size, help=_SIZE)
    options.add_images(parser)
    options.add(parser, "method", **options.METHOD)
    options.add(parser, "exact", action="store_true", help="give D_k as exact fractions too")
    options.add_output(parser, "prediction")


def prediction(arguments: Namespace, scenario: dict[str, Any]) -> Prediction:
    """Predict for the network of the arguments and the images and noise of `scenario`."""
    from scaledet.theory.prediction import predict

    return predict(options.build_network(arguments), method=arguments.method, **scenario)


def _exponents(arguments: Namespace) -> tuple[str, int]:
    from scaledet.theory.growth.exponents import predict_exponents

    result = predict_exponents(
        kernel=arguments.kernel,
        stride=arguments.stride,
        dim=arguments.dim,
        rectify=options.rectify_of(arguments),
    )
    return records.text(arguments, result, *_FACTS), 0


def _predict(arguments: Namespace) -> tuple[str, int]:
    result = prediction(arguments, options.scenario(arguments))
    options.write(arguments, "save", result.save)
    exact = [records.digits(value) for value in result.exact_D] if arguments.exact else []
    text = records.text(arguments, result, "scenario", "method", "columns", exact_D=exact)
    lines = [] if arguments.json else [f"  D_{k} = {value}" for k, value in enumerate(exact)]
    return "\n".join([text, *lines]), 0
