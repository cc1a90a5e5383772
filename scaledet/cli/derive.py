"""The command ``scaledet derive``."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaledet.cli import arguments as read
from scaledet.cli import options, records
from scaledet.cli.options import Command
from scaledet.errors import ArgumentError, DerivationError
from scaledet.network.network import Network
from scaledet.results import files

if TYPE_CHECKING:
    from scaledet.symbolic.derivation import CheckReport, Derivation

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

  every step with its status, its claim and its LaTeX, and the results, for another program
  $ scaledet derive --kernel 3 --stride 2 --check --json

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
_PAGES = {"html": "HTML page", "latex": "LaTeX article", "markdown": "Markdown page"}


def _add_derive(parser: read.Parser) -> None:
    add = partial(options.add, texts=_HELP)
    add(parser, "kernel", read.either(read.read_kernel, "box", "any"))
    add(parser, "stride", read.either(read.read_stride, "s"))
    add(parser, "layer", read.read_layer, repeated=True, metavar="KERNEL:STRIDE[xCOUNT]")
    add(parser, "order", read.read_integer)
    add(parser, "dim", read.either(read.read_integer, "d"), default=1)
    add(parser, "rectify", **options.RECTIFY)
    options.add_output(parser, save=False)
    output = parser.add_argument_group("pages and checks")
    add(output, "check", action="store_true")
    for name, kind in _PAGES.items():
        text = f"write the derivation to FILE, a {kind}"
        reader = partial(read.read_destination, kind)
        add(output, name, reader, metavar="FILE", help=text)


def _derive(arguments: Namespace) -> tuple[str, int]:
    """Derive; check if ``--check`` is given; write the requested pages."""
    derivation = _derivation(arguments)
    report, contradiction, written = None, None, []
    try:
        report = derivation.check() if arguments.check else None
    except DerivationError as error:
        contradiction = str(error)
    else:
        for name, kind in _PAGES.items():
            page = getattr(derivation, f"to_{name}")
            written += options.write(arguments, name, partial(_write, kind, page))
    code = 0 if contradiction is None else 1
    if arguments.json:
        facts = _record(derivation, report)
        return records.json_object(arguments, facts | {"contradiction": contradiction}), code
    if report or written:
        return "\n".join([repr(report or derivation), *written]), code
    return contradiction or derivation.to_markdown().rstrip("\n"), code


def _write(kind: str, page: Callable[[], str], path: Path) -> None:
    files.replace_text(path, kind, page())


def _record(derivation: Derivation, report: CheckReport | None) -> dict[str, Any]:
    """Return the derivation in plain words and LaTeX, with the evidence of a `report`."""
    from scaledet.symbolic.printing import latex_of

    steps = [
        {
            "number": number,
            "status": step.status,
            "statement": step.statement,
            "claim": str(step.expression),
            "latex": latex_of(step.expression),
            "justification": step.justification,
            "route": step.check.route,
            "evidence": report.steps[number - 1].evidence if report else None,
        }
        for number, step in enumerate(derivation.steps, start=1)
    ]
    results = {
        name: {"exact": str(value), "latex": latex_of(value), "value": _float(value)}
        for name, value in derivation.result.items()
    }
    facts = {name: getattr(derivation, name) for name in ("title", "abstract", "assumptions")}
    return {**facts, "steps": steps, "result": results}


def _float(value: Any) -> float | None:
    """Return the float of a real number; None for an expression with symbols, or a matrix."""
    return float(value) if getattr(value, "is_number", False) and value.is_real else None


def _derivation(arguments: Namespace) -> Derivation:
    from scaledet import symbols
    from scaledet.symbolic.derive import derive

    rectify = options.rectify_of(arguments)
    if options.layers_given(arguments, ("kernel", "stride"), "order"):
        if arguments.dim == "d":
            raise ArgumentError("argument --dim: expected 1, 2 or 3 with argument --layer; got 'd'")
        return derive(
            Network(list(chain.from_iterable(arguments.layer)), arguments.dim), rectify=rectify
        )
    if arguments.stride == "s" and arguments.kernel != "box":
        raise ArgumentError("argument --stride: 's' needs --kernel box")
    return derive(
        kernel=arguments.kernel,
        stride=symbols.s if arguments.stride == "s" else arguments.stride,
        order=arguments.order,
        dim=symbols.d if arguments.dim == "d" else arguments.dim,
        rectify=rectify,
    )


COMMANDS: tuple[Command, ...] = (
    Command("derive", "derivations, step by step", _DERIVE, _add_derive, _derive),
)
