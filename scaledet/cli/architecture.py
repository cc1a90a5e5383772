"""The command ``scaledet architecture``."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from scaledet.cli import arguments as read
from scaledet.cli import options, records
from scaledet.cli.options import Command
from scaledet.errors import ArgumentError
from scaledet.network import presets

_TEXT = """\
Maps, strides, receptive fields and border effects of a published architecture, layer by layer.
Learned filters are boxes, max pooling is the average over its window.

examples:
  $ scaledet architecture --list
  $ scaledet architecture vgg11 --size 224
  $ scaledet architecture alexnet
    k  layer   kernel  stride    options  S_k  support     A_k  centre  drift
    8  pool5   box(3)       2  padding=0   32      195  102.42      31   15.5

  blur filters where strides are
  $ scaledet architecture resnet18 --size 64 --blur tri3
  $ scaledet architecture vgg16 --size 224 --blur 1,3,3,1 --json

  sensitivities to displacements and noise, of every layer
  $ scaledet architecture resnet18 --size 64 --blur bin5 --predict"""

_HELP = options.HELP | {
    "list": "print the names of the architectures",
    "size": "side of the image (pixels), or height and width",
    "blur": "rect2, tri3, bin5, the length of a box, weights (1,3,3,1) or binomial:4",
    "max-pooling": "what stands for max pooling: the average over its window (the default), which "
    "theory can predict, or itself",
    "stride-in": "resnet50: which convolution of a block has the stride, as in the paper (1x1, the "
    "default) or as in torchvision (3x3)",
    "predict": "print D_k and G_k for an image of this --size instead",
}


def _add_options(parser: read.Parser) -> None:
    names = ", ".join(presets.list())
    parser.add_argument("name", nargs="?", metavar="NAME", help=names)
    options.add(parser, "list", texts=_HELP, action="store_true")
    sides: dict[str, Any] = {"nargs": "+", "metavar": "SIDE", "repeated": True}
    options.add(parser, "size", read.read_integer, _HELP, **sides)
    options.add(parser, "blur", read.either(read.read_kernel, "rect2", "tri3", "bin5"), _HELP)
    options.add(parser, "max-pooling", texts=_HELP, choices=("average", "max"), default="average")
    options.add(parser, "stride-in", texts=_HELP, choices=("1x1", "3x3"))
    options.add(parser, "predict", texts=_HELP, action="store_true")
    options.add_output(parser)


def _architecture(arguments: Namespace) -> tuple[str, int]:
    names = presets.list()
    if arguments.list:
        if arguments.json:
            return records.json_object(arguments, {"names": names}), 0
        return "\n".join(names), 0
    if arguments.name not in names:
        raise ArgumentError(
            f"argument NAME: expected one of {', '.join(names)}; got {arguments.name or 'none'}"
        )
    given: dict[str, Any] = {"blur": arguments.blur, "max_pooling": arguments.max_pooling}
    if arguments.stride_in is not None:
        if arguments.name != "resnet50":
            raise ArgumentError(
                f"argument --stride-in: needs NAME to be resnet50; got {arguments.name}"
            )
        given["stride_in"] = arguments.stride_in
    net = getattr(presets, arguments.name)(**given)
    sides = arguments.size
    size = sides[0] if sides is not None and len(sides) == 1 else sides
    if not arguments.predict:
        return records.report(arguments, net.summary(size)), 0
    if size is None:
        raise ArgumentError("argument --predict: needs argument --size")
    from scaledet.theory.prediction import predict

    return records.report(arguments, predict(net, size=size)), 0


COMMANDS: tuple[Command, ...] = (
    Command(
        "architecture", "receptive fields of VGG, ResNet, ...", _TEXT, _add_options, _architecture
    ),
)
