"""The command ``scaledet verdicts``."""

from __future__ import annotations

from argparse import Namespace

from scaledet.cli import arguments as read
from scaledet.cli import options, records
from scaledet.cli.options import Command
from scaledet.errors import ArgumentError

_VERDICTS = """\
Judge what is claimed of trained networks by the tables of the experiments (make experiments): each
claim in each setting, then each network with its effect, standard error over seeds, what is claimed
and the nearest rival. The rule and what every claim says are in docs/trained.md, and in --markdown.

examples:
  $ scaledet verdicts
  $ scaledet verdicts --markdown

  tables in another folder, all numbers for another program
  $ scaledet verdicts my_results --json --save verdicts.npz"""

_FOLDER = "experiments/results"


def _add_options(parser: read.Parser) -> None:
    text = f"folder of tables (*.csv), by default {_FOLDER}"
    parser.add_argument("folder", metavar="FOLDER", nargs="?", default=_FOLDER, help=text)
    parser.add_argument("--markdown", action="store_true", help="print tables in Markdown")
    options.add_output(parser)


def _verdicts(arguments: Namespace) -> tuple[str, int]:
    from scaledet.analysis.verdicts import verdicts

    if arguments.markdown and arguments.json:
        raise ArgumentError("argument --markdown: not allowed with argument --json")
    result = verdicts(arguments.folder)
    text = records.report(arguments, result)
    if arguments.json:
        return text, 0
    return (result.to_markdown() if arguments.markdown else f"{text}\n\n{result.details()}"), 0


COMMANDS: tuple[Command, ...] = (
    Command("verdicts", "claims on trained networks", _VERDICTS, _add_options, _verdicts),
)
