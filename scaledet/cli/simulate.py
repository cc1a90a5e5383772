"""The commands that simulate, here or on a cluster: ``simulate``, ``sweep``, ``compare``."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from scaledet.cli import arguments as read
from scaledet.cli import options, records
from scaledet.cli.options import Command
from scaledet.cli.predict import prediction
from scaledet.errors import ArgumentError, CheckpointError

if TYPE_CHECKING:
    from scaledet.simulation.result import Simulation

INTERRUPTED = 130
_PATIENCE = 5.0  # How long a scheduler may take to answer (seconds).
_ADDRESS = re.compile(r"([a-z]+://)?[^\s/]+:[0-9]+|inproc://\S+", re.IGNORECASE)

_SIMULATE = """\
Monte Carlo estimates of the sensitivities of every layer, with standard errors. The same --rng
gives the same numbers, whatever --workers or --scheduler. Ctrl-C prints what is finished.

examples:
  average pooling over pairs of pixels
  $ scaledet simulate --kernel 2 --stride 2 --depth 3 --size 64 --samples 2000 --rng 1

  a negative bias in every layer
  $ scaledet simulate --kernel 2 --stride 2 --depth 3 --size 64 --bias -0.01 --samples 2000

  the same in one layer only
  $ scaledet simulate --layer 2:2x2 --layer 2:2:-0.01 --size 64 --samples 2000

  borders of zeros, then max pooling, on an image of unequal sides; a pixel moves inside it
  $ scaledet simulate --layer 3:1:pad=1x2 --layer 2:2:pad=0:pool=max --dim 2 --size 12x16 \\
      --moves inside --samples 2000

  a two-pixel task with equally many images of both labels, on two threads, saved
  $ scaledet simulate --kernel 3 --stride 1 --depth 2 --size 32 --task T2 --xi 8 --balanced \\
      --samples 2000 --workers 2 --memory-limit 64MB --save simulation.npz

  until every layer is known to 5 %, keeping what is finished; a second run goes on from the file
  $ scaledet simulate --kernel 2 --stride 2 --depth 3 --size 64 --samples 200000 \\
      --target-error 0.05 --control-variates --checkpoint run.sqlite

  the same on a cluster, whose workers may come and go
  $ scaledet simulate --kernel 2 --stride 2 --depth 3 --size 64 --samples 200000 \\
      --target-error 0.05 --checkpoint cluster.sqlite --scheduler tcp://host:8786"""

_SWEEP = """\
Simulate several networks at several sizes, all at once over the same workers, into one table. The
options are those of simulate; --size and the options of the network may be repeated.

examples:
  two filters at two sizes
  $ scaledet sweep --kernel 2 --kernel 3 --stride 2 --depth 3 --size 64 --size 128 --samples 2000

  every length with its own stride, saved, and all of it in one checkpoint
  $ scaledet sweep --kernel 2 --kernel 4 --stride kernel --depth 2 --size 64 --samples 2000 \\
      --checkpoint sweep.sqlite --save sweep.npz

  a network of unequal layers, at three sizes
  $ scaledet sweep --layer 3:1x2 --layer 2:2 --size 16 --size 32 --size 64 --samples 2000 --json"""

_COMPARE = """\
Predict, simulate, and test whether both agree at every layer at once (chi-square with the full
covariance). Exit code 0: they agree; 1: they disagree, p-value <= 1e-3. The number of samples
that the test needs grows with the depth.

examples:
  $ scaledet compare --kernel 2 --stride 2 --depth 3 --size 32 --samples 2000
  $ scaledet compare --kernel 1,2,1 --stride 2 --depth 2 --size 16 --dim 2 --samples 2000 --rng 7 \\
      --save compared.npz
  $ scaledet compare --layer 3:1 --layer 2:2 --size 32 --rectify none --samples 2000 --json"""

_HELP = {
    "size": "side of the image (pixels), on the torus a multiple of the total stride; or sides "
    "such as 32x48",
    "samples": "images, with --target-error at most so many (default 10000)",
    "target-error": "stop when the relative standard error of every layer is below ERROR, such "
    "as 0.01",
    "rng": "seed, an integer >= 0 (default 0)",
    "engine": "compiled (numba, the default on the torus) or plain arrays (numpy, for every "
    "network); their random numbers differ",
    "control-variates": "correct G by the noise's own deviations from its known mean and variance",
    "checkpoint": "keep what is finished in FILE (SQLite); the same command goes on from there, "
    "whatever ended it, and gives the same numbers in the end",
    "workers": "number of threads (default 1)",
    "scheduler": "compute on the workers of the Dask scheduler at ADDRESS, such as "
    "tcp://host:8786, instead of on threads",
    "memory-limit": "refuse an image for which one worker needs more memory than this, such as "
    "256MB (MB: 10^6 bytes) or 2G (G and GiB: 2^30 bytes; default 1G)",
    "progress": "show the progress on stderr",
}
_PASSED_ON = [name.replace("-", "_") for name in _HELP if name not in ("size", "scheduler")]


def _add_simulate(parser: read.Parser, *, many: bool = False) -> None:
    """Add the options of simulate; with `many`, sizes and networks may be repeated."""
    add = partial(options.add, texts=_HELP)
    options.add_network(parser, many=many)
    add(parser, "size", read.read_sides, required=True, repeated=many)
    options.add_images(parser)
    run = parser.add_argument_group("simulation")
    add(run, "samples", read.read_integer, default=10_000)
    add(run, "target-error", read.read_real, metavar="ERROR")
    add(run, "rng", read.read_seed, default=0)
    add(run, "engine", choices=("numba", "numpy"))
    add(run, "control-variates", action="store_true")
    add(run, "checkpoint", read.read_checkpoint, metavar="FILE")
    add(run, "workers", read.read_integer, default=1)
    add(run, "scheduler", metavar="ADDRESS")
    add(run, "memory-limit", read.read_bytes, default=2**30, metavar="BYTES")
    add(run, "progress", action="store_true")
    options.add_output(parser)


def _add_compare(parser: read.Parser) -> None:
    _add_simulate(parser)
    options.add(parser, "method", **options.METHOD)


def _simulate(arguments: Namespace) -> tuple[str, int]:
    result = _simulation(arguments, options.scenario(arguments))
    return _report(arguments, result)


def _sweep(arguments: Namespace) -> tuple[str, int]:
    from scaledet.simulation.sweep import sweep

    scenario = options.scenario(arguments)
    sizes = scenario.pop("size")
    networks = options.build_networks(arguments)
    with _computing(arguments) as given:
        result = sweep(networks, sizes, **scenario, **given)
    return _report(arguments, result)


def _compare(arguments: Namespace) -> tuple[str, int]:
    from scaledet.analysis.comparison import compare

    scenario = options.scenario(arguments)
    predicted = prediction(arguments, scenario)
    simulated = _simulation(arguments, scenario)
    if simulated.partial:
        # There is no verdict before all requested samples are finished.
        return _report(arguments, simulated)
    result = compare(predicted, simulated)
    return records.report(arguments, result), 0 if records.agrees(result) else 1


def _report(arguments: Namespace, result: Any) -> tuple[str, int]:
    return records.report(arguments, result), INTERRUPTED if result.partial else 0


def _simulation(arguments: Namespace, scenario: dict[str, Any]) -> Simulation:
    from scaledet.simulation.simulate import simulate

    with _computing(arguments) as given:
        return simulate(options.build_network(arguments), **scenario, **given)


@contextmanager
def _computing(arguments: Namespace) -> Iterator[dict[str, Any]]:
    """Give the arguments that say how a simulation is carried out, the executor included."""
    if arguments.scheduler is not None and arguments.workers != 1:
        raise ArgumentError("argument --workers: not allowed with argument --scheduler")
    passed_on = {name: getattr(arguments, name) for name in _PASSED_ON}
    with _cluster(arguments.scheduler) as executor:
        yield {"executor": executor, **passed_on}


@contextmanager
def _cluster(address: str | None) -> Iterator[Executor | None]:
    """Connect to the Dask scheduler at `address`, if one is given."""
    if address is None:
        yield None
        return

    def refusal(reason: str) -> ArgumentError:
        return ArgumentError(f"argument --scheduler: {reason}")

    if not _ADDRESS.fullmatch(address):
        raise refusal(f"expected an address such as tcp://host:8786; got {address!r}")
    try:
        from distributed import Client, KilledWorker
    except ImportError as error:
        raise refusal("needs Dask: pip install dask distributed") from error
    try:
        client = Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise refusal(f"no Dask scheduler answers at {address!r}: {error}") from error
    with client:
        try:
            yield client.get_executor()
        except CheckpointError:
            raise
        except (CancelledError, OSError) as error:
            raise refusal(
                f"the connection to {address!r} is lost; with --checkpoint, the same command "
                "goes on from the finished units"
            ) from error
        except KilledWorker as error:
            raise refusal(f"workers keep dying: {error}") from error
        except ImportError as error:
            raise refusal(f"the workers lack what scaledet needs: {error}") from error


COMMANDS: tuple[Command, ...] = (
    Command("simulate", "Monte Carlo estimates", _SIMULATE, _add_simulate, _simulate),
    Command("sweep", "many simulations at once", _SWEEP, partial(_add_simulate, many=True), _sweep),
    Command("compare", "test theory against simulation", _COMPARE, _add_compare, _compare),
)
