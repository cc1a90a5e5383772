"""The command ``scaledet derive``."""

from __future__ import annotations

from argparse import Namespace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from scaledet.cli import arguments as read
from scaledet.cli import options
from scaledet.errors import ArgumentError, DerivationError
from scaledet.network.network import Network

if TYPE_CHECKING:
    from scaledet.symbolic.derivation import Derivation

_DERIVE = """\
Derive D_k, G_k and their exponents step by step, and re-check every step by an independent route.
Prints Markdown, or writes a page.

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

_HELP = options.HELP | {
    "kernel": f"{options.HELP['kernel']}; or 'box', of symbolic length f, or 'any', by its "
    "cumulants (stride 1)",
    "stride": f"{options.HELP['stride']}, or 's' with kernel 'box'",
    "layer": "COUNT equal layers, instead of --kernel and --stride; repeat for the layers after",
    "order": "number of terms in 1/k at stride 1 (default 4)",
    "dim": "dimension, 1 to 3 or 'd' (default 1)",
    "check": "re-verify every step and print the evidence",
}
_PAGES = ("html", "latex", "markdown")


def add_commands(commands: options.Commands) -> None:
    """Add ``derive``."""
    add = partial(options.add, texts=_HELP)
    parser = options.add_command(commands, "derive", "derivations, step by step", _DERIVE, _derive)
    add(parser, "kernel", type=read.either(read.read_kernel, "box", "any"))
    add(parser, "stride", type=read.either(read.read_stride, "s"))
    metavar = "KERNEL:STRIDE[xCOUNT]"
    add(parser, "layer", type=read.read_layer, action="extend", metavar=metavar)
    add(parser, "order", type=read.read_integer)
    add(parser, "dim", type=read.either(read.read_integer, "d"), default=1)
    add(parser, "rectify", **options.RECTIFY)
    output = parser.add_argument_group("output")
    add(output, "check", action="store_true")
    for name in _PAGES:
        text = f"write the derivation to FILE as {name}"
        add(output, name, type=read.read_destination, metavar="FILE", help=text)


def _derive(arguments: Namespace) -> tuple[str, int]:
    """Derive; check if ``--check`` is given; write the requested pages."""
    derivation = _derivation(arguments)
    try:
        lines = [repr(derivation.check() if arguments.check else derivation)]
    except DerivationError as error:
        return str(error), 1
    for name in _PAGES:
        lines += options.write(arguments, name, partial(_write, derivation, name))
    if arguments.check or len(lines) > 1:
        return "\n".join(lines), 0
    return derivation.to_markdown().rstrip("\n"), 0


def _write(derivation: Derivation, name: str, path: Path) -> None:
    path.write_text(getattr(derivation, f"to_{name}")(), encoding="utf-8")


def _derivation(arguments: Namespace) -> Derivation:
    from scaledet import symbols
    from scaledet.symbolic.derive import derive

    rectify = options.rectify_of(arguments)
    if options.layers_given(arguments, ("kernel", "stride"), "order"):
        if arguments.dim == "d":
            raise ArgumentError("argument --dim: expected 1, 2 or 3 with argument --layer; got 'd'")
        return derive(Network(arguments.layer, arguments.dim), rectify=rectify)
    if arguments.stride == "s" and arguments.kernel != "box":
        raise ArgumentError("argument --stride: 's' needs --kernel box")
    return derive(
        kernel=arguments.kernel,
        stride=symbols.s if arguments.stride == "s" else arguments.stride,
        order=arguments.order,
        dim=symbols.d if arguments.dim == "d" else arguments.dim,
        rectify=rectify,
    )
