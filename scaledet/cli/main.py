"""The command line: ``scaledet exponents``, ``predict``, ``derive``, ``simulate``, ``compare``."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress

from scaledet import __version__
from scaledet.cli import derive, predict, simulate
from scaledet.cli.arguments import Parser
from scaledet.errors import ArgumentError, CheckpointError

__all__ = ["main"]

_TEXT = """\
Exact sensitivities and exponents of pooled ReLU networks, and the simulations that test them.

An image passes through layers that average over a kernel, keep every stride-th pixel and
rectify. At layer k, D_k is the sensitivity to small displacements, G_k that to noise,
R_k = D_k / G_k, and A_k the effective receptive field in pixels.

examples:
  $ scaledet exponents --kernel 3 --stride 2
  $ scaledet predict --kernel 2 --stride 2 --depth 4 --size 64
  $ scaledet derive --kernel 3 --stride 2 --html out.html
  $ scaledet compare --kernel 2 --stride 2 --depth 3 --size 32 --samples 2000

exit codes:
  0    done (compare: theory and simulation agree)
  1    compare: theory and simulation disagree, p-value <= 1e-3; derive --check: a step is wrong
  2    bad arguments, or a result that cannot be computed or written
  130  interrupted (simulate, compare: what was finished is printed)

'scaledet COMMAND --help' shows the options and worked examples of a command."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command `argv` (default: that of the process); return the exit code, as in the help.

    An error of the user is printed as one line on stderr; any other error passes through.

    >>> main(["exponents", "--kernel", "2", "--stride", "2"])
    Exponents of Kernel(1/2, 1/2), stride 2, d = 1, rectify = 'input'
      D_k ~ A_k^-alpha   alpha = 1
      G_k ~ A_k^beta     beta  = 1
    0
    """
    code = 0
    try:
        # argparse ends --help and --version with SystemExit, and nothing else.
        with suppress(SystemExit):
            text, code = _run(argv)
            _write(f"{text}\n")
        _write("")
    except KeyboardInterrupt:
        return simulate.INTERRUPTED
    except (ArgumentError, CheckpointError) as error:
        return _fail(str(error))
    except MemoryError as error:  # The image or the network is too large: no bug.
        return _fail(f"not enough memory. {error}")
    return code


def _run(argv: Sequence[str] | None) -> tuple[str, int]:
    """Run a command; print the warnings of one that succeeds, each in one line."""
    parser = Parser(_TEXT, prog="scaledet")
    parser.add_argument("--version", action="version", version=f"scaledet {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (predict, derive, simulate):
        module.add_commands(commands)
    arguments = parser.parse_args(argv)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        text, code = arguments.run(arguments)
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        print("scaledet: warning:", " ".join(message.split()), file=sys.stderr)
    return text, code


def _write(text: str) -> None:
    """Write to stdout and empty its buffer; a closed pipe is no error."""
    try:
        print(text, end="", flush=True)
    except OSError as error:
        # Redirect stdout to the null device, so that flushing it at exit cannot fail.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
        if not isinstance(error, BrokenPipeError):
            raise ArgumentError(f"cannot write to stdout: {error.strerror}") from error


def _fail(message: str) -> int:
    print("scaledet: error:", " ".join(message.split()), file=sys.stderr)
    return 2
