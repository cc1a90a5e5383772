"""The command ``scaledet derive``."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from scaledet.cli.arguments import UsageError, repeated, step_of
from scaledet.errors import DerivationError
from scaledet.network.kernel import Kernel
from scaledet.network.network import Network

if TYPE_CHECKING:
    from scaledet.symbolic.derivation import Derivation

__all__ = ["run_derive"]


def run_derive(arguments: Namespace) -> tuple[str, int]:
    """Derive, check if asked to, write what is asked for; return what to print and the code."""
    derivation = _derivation(arguments)
    if arguments.check:
        try:
            report = derivation.check()
        except DerivationError as error:
            return str(error), 1
    written = []
    pages = {
        "html": derivation.to_html,
        "latex": derivation.to_latex,
        "markdown": derivation.to_markdown,
    }
    for name, make in pages.items():
        path = getattr(arguments, name)
        if path is not None:
            try:
                path.write_text(make(), encoding="utf-8")
            except OSError as error:
                raise UsageError(
                    f"argument --{name}: cannot write {str(path)!r}: {error.strerror}"
                ) from error
            written.append(f"wrote {path}")
    if arguments.check:
        return "\n".join([repr(report), *written]), 0
    if written:
        return "\n".join([repr(derivation), *written]), 0
    return derivation.to_markdown().rstrip("\n"), 0


def _derivation(arguments: Namespace) -> Derivation:
    from scaledet import symbols
    from scaledet.symbolic.derive import derive

    rectify = None if arguments.rectify == "none" else arguments.rectify
    named = {"--kernel": arguments.kernel, "--stride": arguments.stride}
    if arguments.layer:
        for option, value in {**named, "--order": arguments.order}.items():
            if value is not None:
                raise UsageError(f"argument {option}: not allowed with argument --layer")
        if arguments.dim == "d":
            raise UsageError("argument --dim: expected 1, 2 or 3 with argument --layer; got 'd'")
        return derive(Network(repeated(arguments.layer), arguments.dim), rectify=rectify)
    missing = [option for option, value in named.items() if value is None]
    if missing:
        required = ", ".join(missing)
        raise UsageError(f"the following arguments are required: {required} (or --layer)")
    stride: Any = arguments.stride
    if stride == "s":
        if arguments.kernel != "box":
            raise UsageError("argument --stride: 's' needs --kernel box")
        stride = symbols.s
    elif isinstance(arguments.kernel, Kernel):
        stride = step_of(arguments.kernel, stride)
    elif stride == "kernel":
        stride = True
    return derive(
        kernel=arguments.kernel,
        stride=stride,
        order=arguments.order,
        dim=symbols.d if arguments.dim == "d" else arguments.dim,
        rectify=rectify,
    )
