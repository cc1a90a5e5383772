"""The command line as a whole: it runs a command and prints what it returns."""

from __future__ import annotations

import os
import sys
import warnings
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from scaledet import __version__
from scaledet.cli import (
    architecture,
    derive,
    filters,
    fit,
    measure,
    predict,
    saved,
    simulate,
    verdicts,
)
from scaledet.cli.arguments import Parser, journal
from scaledet.errors import ArgumentError, CheckpointError
from scaledet.results import files

__all__ = ["main"]

_TEXT = """\
Exact sensitivities and exponents of pooled ReLU networks, and the simulations that test them.

An image passes through layers that average over a kernel, keep every stride-th pixel and
rectify. At layer k, D_k is the sensitivity to small displacements, G_k that to noise,
R_k = D_k / G_k, and A_k the effective receptive field in pixels.

examples:
  $ scaledet exponents --kernel 3 --stride 2
  $ scaledet predict --kernel 2 --stride 2 --depth 4 --size 64
  $ scaledet filters --stride 2
  $ scaledet derive --kernel 3 --stride 2 --html out.html
  $ scaledet compare --kernel 2 --stride 2 --depth 3 --size 32 --samples 2000 --save done.npz
  $ scaledet architecture vgg11 --size 224
  $ scaledet show done.npz
  $ scaledet plot done.npz -o done.pdf

exit codes:
  0    done (compare: theory and simulation agree)
  1    compare: theory and simulation disagree, p-value <= 1e-3; derive --check: a step is wrong;
       fit: the values follow no power law
  2    bad arguments, or a result that cannot be computed or written
  130  interrupted (simulate, sweep, compare: what was finished is printed and saved)

'scaledet COMMAND --help' shows the options and worked examples of a command."""


_MODULES = (predict, filters, derive, simulate, measure, fit, architecture, verdicts, saved)


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
        _write("")  # If stdout is closed, nothing need be computed.
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
    version = f"scaledet {__version__}"
    parser.add_argument("-V", "--version", action="version", version=version)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in (command for module in _MODULES for command in module.COMMANDS):
        subparser = commands.add_parser(command.name, help=command.summary, text=command.text)
        command.add_options(subparser)
        subparser.set_defaults(run=command.run)
    arguments = parser.parse_args(argv)
    _require_different_files(arguments)
    with _integers_of_any_length(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        text, code = arguments.run(arguments)
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        _say(f"warning: {message}")
    return text, code


@contextmanager
def _integers_of_any_length() -> Iterator[None]:
    """Let Python write exact results of more than 4300 digits, which SymPy does not shorten."""
    longest = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(longest)


def _require_different_files(arguments: Namespace) -> None:
    """Refuse to write to a file that the command reads or writes under another name."""
    outputs = {
        f"argument --{name}": path
        for name, path in vars(arguments).items()
        if isinstance(path, Path)
    }
    if "argument --checkpoint" in outputs:
        outputs["the journal of --checkpoint"] = journal(outputs["argument --checkpoint"])
    files.require_different(outputs)
    for name, path in outputs.items():
        if _is_stdout(path):
            raise ArgumentError(f"{name} must not be the file of stdout; got {str(path)!r}")
    for source in getattr(arguments, "files", []):
        files.require_different({"argument FILE": source, **outputs})


def _is_stdout(path: Path) -> bool:
    """Whether stdout is redirected to the file at `path`."""
    with suppress(OSError, ValueError):  # There is no file, or stdout is none.
        return os.path.samestat(path.stat(), os.fstat(sys.stdout.fileno()))
    return False


def _write(text: str) -> None:
    """Write to stdout; a closed pipe is no error."""
    if sys.stdout is None:
        raise ArgumentError("cannot write to stdout: it is closed")
    error = _put(text, sys.stdout)
    if error is not None and not isinstance(error, BrokenPipeError):
        raise ArgumentError(f"cannot write to stdout: {error.strerror}") from error


def _fail(message: str) -> int:
    _say(f"error: {message}")
    return 2


def _say(message: str) -> None:
    """Write one line to stderr, if anybody reads it."""
    if sys.stderr is not None:
        _put(f"scaledet: {' '.join(message.split())}\n", sys.stderr)


def _put(text: str, stream: TextIO) -> OSError | None:
    """Write text, with escapes for characters that the stream lacks; return what went wrong."""
    coding = stream.encoding or "utf-8"
    try:
        print(
            text.encode(coding, "backslashreplace").decode(coding), end="", file=stream, flush=True
        )
    except OSError as error:
        # Redirect the stream to the null device, so that flushing it at exit cannot fail.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
        return error
    return None
