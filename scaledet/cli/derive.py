"""The command ``scaledet derive``."""

from __future__ import annotations

from argparse import Namespace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaledet.cli import arguments as read
from scaledet.cli import options
from scaledet.cli.arguments import UsageError
from scaledet.errors import DerivationError
from scaledet.network.kernel import Kernel
from scaledet.network.layer import Layer

if TYPE_CHECKING:
    from scaledet.symbolic.derivation import Derivation

__all__ = ["add_commands"]

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

_HELP = {
    "kernel": f"{options.HELP['kernel']}; or 'box', of symbolic length f, or 'any', by its "
    "cumulants (stride 1)",
    "stride": f"{options.HELP['stride']}, or 's' with kernel 'box'",
    "layer": "COUNT equal layers, instead of --kernel and --stride; repeat for the layers after",
    "order": "number of terms in 1/k at stride 1 (default 4)",
    "dim": "dimension, 1 to 3 or 'd' (default 1)",
    "check": "re-verify every step and print the evidence",
}
_PAGES = ("html", "latex", "markdown")


def add_commands(commands: Any) -> None:
    """Add ``derive``."""

    def add(name: str, to: Any, **settings: Any) -> None:
        options.add(to, name, help=_HELP[name], **settings)

    summary = "derivations, step by step"
    parser = options.add_command(commands, "derive", summary, _DERIVE, _derive)
    add("kernel", parser, type=read.either(read.read_kernel, "box", "any"))
    add("stride", parser, type=read.either(read.read_stride, "s"))
    metavar = "KERNEL:STRIDE[xCOUNT]"
    add("layer", parser, type=read.read_layer, action="append", metavar=metavar)
    add("order", parser, type=read.read_integer)
    add("dim", parser, type=read.either(read.read_integer, "d"), default=1)
    options.add_rectify(parser)
    output = parser.add_argument_group("output")
    add("check", output, action="store_true")
    for name in _PAGES:
        text = f"write the derivation to FILE as {name}"
        options.add(output, name, type=read.read_destination, metavar="FILE", help=text)


def _derive(arguments: Namespace) -> tuple[str, int]:
    """Derive, check if asked to, write what is asked for."""
    derivation = _derivation(arguments)
    lines = [repr(derivation)]
    if arguments.check:
        try:
            lines = [repr(derivation.check())]
        except DerivationError as error:
            return str(error), 1
    for name in _PAGES:
        path = getattr(arguments, name)
        if path is not None:
            page = getattr(derivation, f"to_{name}")()
            options.write(name, path, partial(Path.write_text, data=page, encoding="utf-8"))
            lines.append(f"wrote {path}")
    if arguments.check or len(lines) > 1:
        return "\n".join(lines), 0
    return derivation.to_markdown().rstrip("\n"), 0


def _derivation(arguments: Namespace) -> Derivation:
    from scaledet import symbols
    from scaledet.symbolic.derive import derive

    rectify = options.rectify_of(arguments)
    if options.layers_given(arguments, ("kernel", "stride"), "order"):
        if arguments.dim == "d":
            raise UsageError("argument --dim: expected 1, 2 or 3 with argument --layer; got 'd'")
        return derive(options.layered_network(arguments), rectify=rectify)
    stride: Any = arguments.stride
    if stride == "s":
        if arguments.kernel != "box":
            raise UsageError("argument --stride: 's' needs --kernel box")
        stride = symbols.s
    elif isinstance(arguments.kernel, Kernel):
        stride = Layer(arguments.kernel, stride).stride
    elif stride == "kernel":
        stride = True
    return derive(
        kernel=arguments.kernel,
        stride=stride,
        order=arguments.order,
        dim=symbols.d if arguments.dim == "d" else arguments.dim,
        rectify=rectify,
    )
