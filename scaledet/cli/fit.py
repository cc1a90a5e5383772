"""The command ``scaledet fit``."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from scaledet.cli import arguments as read
from scaledet.cli import options, records
from scaledet.cli.options import Command
from scaledet.cli.saved import add_files, loaded
from scaledet.errors import ArgumentError, FitError

if TYPE_CHECKING:
    from scaledet.analysis.fitting import ExponentFit
    from scaledet.saved import Saved
    from scaledet.scenario import Scenario

_FIT = """\
Fit powers of A_k to D_k and G_k of a saved prediction, evolution, simulation or comparison. The
layers of a simulation share their noise, which the fit allows for.

examples:
  $ scaledet simulate --kernel 2 --stride 2 --depth 5 --size 4096 --samples 40000 --save run.npz
  $ scaledet fit run.npz --quantity D --window 1 5

  an image so small that it bends the law: theory says by how much
  $ scaledet simulate --kernel 2 --stride 2 --depth 4 --size 64 --samples 20000 --save small.npz
  $ scaledet fit small.npz --quantity D --finite-size --save fit.npz

  a prediction, which has no errors, without its first two layers
  $ scaledet predict --kernel 2 --stride 2 --depth 9 --save theory.npz
  $ scaledet fit theory.npz --window 2 -1 --json

exit codes: 1 if the values follow no power law"""

_HELP = {
    "quantity": "what to fit (default: both)",
    "window": "first and last layer to use, negative ones counted from the end (default: all)",
    "finite-size": "divide by the factors by which theory bends the law on an image of this size",
    "reject": "goodness of fit below which the values follow no power law (default 0.001)",
}
_FITTED = "Prediction", "Evolution", "Simulation"


def _add_options(parser: read.Parser) -> None:
    add_files(parser, nargs=1)
    options.add(parser, "quantity", texts=_HELP, choices=("D", "G"))
    window: dict[str, Any] = {"nargs": 2, "metavar": ("K0", "K1"), "repeated": True}
    options.add(parser, "window", read.read_integer, _HELP, **window)
    options.add(parser, "finite-size", texts=_HELP, action="store_true")
    options.add(parser, "reject", read.read_real, _HELP, default=1e-3)
    options.add_output(parser)


def _fit(arguments: Namespace) -> tuple[str, int]:
    """Fit, and save what fits; refused fits are printed, too."""
    if arguments.save and arguments.quantity is None:
        raise ArgumentError("argument --save: needs argument --quantity")
    (result,) = map(loaded, arguments.files)
    lines, record, code = [], {}, 0
    for quantity in arguments.quantity or "DG":
        try:
            fit = _fitted(arguments, result, quantity)
        except FitError as error:
            lines.append(f"{quantity}_k  no power law: {error}")
            record[quantity] = {**vars(error), "refused": str(error)}
            code = 1
        else:
            options.write(arguments, "save", fit.save)
            lines.append(f"{quantity}_k  {fit!r}")
            record[quantity] = {**records.facts(fit), "refused": None}
    return records.json_object(arguments, record) if arguments.json else "\n".join(lines), code


def _fitted(arguments: Namespace, result: Saved, quantity: str) -> ExponentFit:
    from scaledet.analysis.fitting import fit_exponent

    data: Any = getattr(result, "simulation", result)
    kind = type(data).__name__
    if kind not in _FITTED:
        raise ArgumentError(
            "argument FILE: expected a prediction, evolution, simulation or comparison; got a "
            f"saved {kind}"
        )
    values = getattr(data, quantity)
    given: dict[str, Any] = {"window": arguments.window, "reject": arguments.reject}
    if kind == "Simulation":
        first = len(values) * "DG".index(quantity)
        block = slice(first, first + len(values))
        given |= {"errors": data.covariance[block, block], "blocks": data.blocks}
    if arguments.finite_size:
        given["correction"] = _bend(data.scenario, quantity)[: len(values)]
    try:
        return fit_exponent(data.A[: len(values)], values, **given)
    except FitError:
        raise
    except ArgumentError as error:
        raise ArgumentError(f"{quantity}_k: {error}") from error


def _bend(scenario: Scenario, quantity: str) -> Any:
    """Return the factors by which theory bends a law on an image of finite size."""
    from scaledet.theory.prediction import predict

    if scenario.size is None:
        raise ArgumentError("argument --finite-size: needs a result of a finite size")
    names = ["size", "sigma", "rectify", "task", "balanced", "background", "moves"]
    finite = predict(scenario.network, **{name: getattr(scenario, name) for name in names})
    infinite = predict(scenario.network, rectify=scenario.rectify)
    return getattr(finite, quantity) / getattr(infinite, quantity)


COMMANDS: tuple[Command, ...] = (
    Command("fit", "power laws of saved results", _FIT, _add_options, _fit),
)
