"""Monte Carlo of the idealised network: real images, pooled and rectified layer by layer.

Nothing here knows the theory: no autocorrelation, no recursion, no exponent.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError, ExhaustionError
from scaledet.isolation import usual_floats
from scaledet.network.network import Network
from scaledet.scenario import Moves, Rectify, Scenario
from scaledet.simulation.engines.base import Specification
from scaledet.simulation.estimation import estimate
from scaledet.simulation.job import Job
from scaledet.simulation.result import Simulation
from scaledet.simulation.run_options import Settings
from scaledet.simulation.scheduler import Outcome, run_jobs
from scaledet.simulation.unit import ENGINES, EngineName, Stream
from scaledet.tasks.scale_detection import ScaleDetection

if TYPE_CHECKING:
    from scaledet.simulation.checkpoint import Checkpoint

__all__ = ["checked_specification", "execute", "simulate"]

# Weaker noise is lost in rounding next to the pixel's height 1; the fourth power of stronger
# noise leaves the range of floats.
_SIGMA_RANGE = (1e-10, 1e70)
_LARGEST = 2**48


@usual_floats
def simulate(
    net: Network,
    *,
    size: int | Sequence[int] | None = None,
    samples: int = 10_000,
    rng: Any = None,
    sigma: float | None = None,
    rectify: Rectify = "input",
    task: ScaleDetection | None = None,
    balanced: bool = False,
    background: float = 0.0,
    moves: Moves = "wrap",
    engine: EngineName | None = None,
    control_variates: bool = False,
    target_error: float | None = None,
    memory_limit: int = 2**30,
    workers: int = 1,
    executor: Executor | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> Simulation:
    """Estimate D_k, G_k, R_k and Q_k by sending random images through the network.

    Each sample is an image drawn at random, its displaced copy and its noisy copy; all three are
    pooled, biased and rectified layer by layer. Q_k is the mean square distance of two different
    images of the same work unit, so that no image is paired with itself.

    Ctrl-C ends a run early: the result is that of the work units finished so far, marked as
    partial (KeyboardInterrupt, if these are fewer than two).

    Parameters
    ----------
    net : Network
        Any layers, signed kernels and max pooling included, any biases, chains and graphs.
    size : int or sequence of int
        Pixels a side, or along every axis; on the torus a multiple of the total stride (with
        `task`: the task's, may be left out).
    samples : int, default 10_000
        Number of images, at least 4 (two units of two, for an error bar) and at most 2**62; with
        `target_error` the largest number, which costs nothing.
    rng : None, int, SeedSequence or Generator
        Passed to ``numpy.random.default_rng``; one stream is spawned per work unit.
    sigma : float, optional
        Standard deviation of the noise per pixel, in [1e-10, 1e70]; default: matched to the
        displacement, L sigma^2 = E|tau x - x|^2.
    rectify : {"input", "noise", "layers", None}
        relu(x + eta) enters the network, or x + relu(eta), or x + eta and only the layers rectify
        ("layers"), or x + eta without any ReLU.
    task, balanced
        Two-pixel images; see ``predict``.
    background : float, default 0
        Standard deviation, up to 1e70, of white noise that the images themselves carry, rectified
        at the input (linear with `rectify` None); a move leaves it in place. See ``predict``.
    moves : {"wrap", "stay", "inside"}
        What becomes of a move that would leave the image, where a layer has `padding`: it comes
        back on the other side; it does not take place; it goes to the pixel's other neighbour along
        the same axis.
    engine : {"numba", "numpy"}, optional
        Compiled and fused, for chains of average pooling on the torus; or plain arrays, for every
        network and for reading and checking. By default compiled where that is possible; the
        result says which. Their random numbers differ. The first call on a machine compiles for a
        few seconds and keeps the code on disk; if it cannot be kept, a warning says so.
    control_variates : bool, default False
        Correct G by the deviations of the noise's mean and mean square from their known
        expectations; the coefficients are fitted on other units than those they correct. The
        variance of G falls 10 to 40 times where noise is rectified at the input, less in the last
        layers of small maps and in other modes: see `gain` of the result.
    target_error : float, optional
        Stop when the relative standard errors of D_k, G_k, R_k and Q_k of every layer are below
        this, between 0 and 1. A warning is given if `samples` did not suffice.
    memory_limit : int, default 2**30
        Refuse an image for which one worker, and a depth for which the covariance of all layers,
        needs more memory (bytes).
    workers : int, default 1
        Threads; the result is bit-identical for any number.
    executor : concurrent.futures.Executor, optional
        Computes instead of threads: processes, ``mpi4py.futures``, or Dask through
        ``client.get_executor()``. The bits stay the same; it is not shut down.
    checkpoint : str or path, optional
        File that keeps every finished unit (SQLite). The same call goes on from it, with the
        same bits in the end, even if the process was killed; with `rng` None the file's stream
        is used. `control_variates` and who computes may change from call to call; with
        `target_error` its value and, from 4096 on, `samples` may, too.
    progress : bool, default False
        Show the estimated time and memory, then a progress bar; with `target_error` for the
        number of images that the errors so far let expect.

    Returns
    -------
    Simulation

    Raises
    ------
    ExhaustionError
        If all images look alike at some layer.
    CheckpointError
        If `checkpoint` cannot be written (an ``OSError``); what it holds is kept.
    TypeError, ValueError
        For bad arguments, a checkpoint of a different call (what differs is named) or a damaged
        one.

    Notes
    -----
    Standard errors come from the scatter of independent units. The distance of two images is
    sampled by finitely many pairs: one pair's share is added to every variance, so that no error
    is reported as zero because no two images happened to overlap. Source: the
    model of Tomasini et al., arXiv:2210.01506; estimators ours.

    With `target_error`, 64 units hold 64 images each, the next 64 twice as many, the next 64
    three times as many, and so on as far as memory allows; units weigh as much as they have
    images. The errors of the first 64, 72, 81, 91, ... units (4096, 5120, ... images) are looked
    at in this order, and the first number of units that is precise enough is the result, whatever
    `samples` allows beyond it. Stopping where the estimated error happens to be small favours
    underestimated errors: they come out too small by an amount of order 1 / units, a few per cent
    if the first look suffices. Without a target, or below 4096 images, all units are equal.

    Examples
    --------
    >>> from scaledet import Layer
    >>> net = Network.uniform(kernel=2, stride=2, depth=3)
    >>> m = simulate(net, size=64, samples=1000, rng=0)
    >>> bool(abs(m.D[1] - 32 / 63) < 4 * m.D_err[1])
    True
    >>> m = simulate(net, size=64, samples=200_000, rng=0, target_error=0.1)
    >>> m.target_reached, m.samples < 200_000
    (True, True)

    A residual block with borders of zeros, which the plain engine runs:

    >>> block = [Layer(3, padding=1), Layer(3, padding=1), Layer(2, 2, padding=0)]
    >>> net = Network(block, dim=2, inputs=[(0,), (1,), (1, 2)])
    >>> simulate(net, size=(8, 12), samples=500, rng=0, moves="inside").engine
    'numpy'
    """
    settings = Settings(
        samples=samples,
        target_error=target_error,
        control_variates=control_variates,
        memory_limit=memory_limit,
        workers=workers,
        executor=executor,
        checkpoint=checkpoint,
        progress=progress,
    )
    spec = checked_specification(
        "simulate",
        net,
        size,
        rectify=rectify,
        sigma=sigma,
        task=task,
        balanced=balanced,
        background=background,
        moves=moves,
        engine=engine,
    )
    return execute("simulate", {"": spec}, settings, rng, alone=True)[""]


def checked_specification(
    caller: str, net: Any, size: Any, *, task: Any, engine: Any, **given: Any
) -> Specification:
    """Check the arguments that `caller` (a public function) was given, as `Scenario` names them."""
    if engine is not None:
        engine = validate.choice("engine", engine, ENGINES)
    if size is None and task is None:
        raise ArgumentTypeError("size must be an integer >= 2 (pixels a side); got None")
    ranges = {"sigma_range": _SIGMA_RANGE, "background_range": _SIGMA_RANGE}
    scenario = Scenario.checked(caller, net, size, task=task, **given, **ranges)
    if engine == "numba" and not scenario.is_torus:
        raise ArgumentError(
            "engine must be left out, or 'numpy', but for chains of layers on the torus that "
            f"average alike along all axes, and moves='wrap'; got 'numba' for {scenario}"
        )
    if scenario.pixels > _LARGEST:
        raise ArgumentError(
            f"size must be such that an image has at most {_LARGEST} pixels; got {scenario.size}"
        )
    return Specification(scenario, engine or ("numba" if scenario.is_torus else "numpy"))


def execute(
    caller: str, specs: Mapping[str, Specification], settings: Settings, rng: Any, *, alone: bool
) -> dict[str, Simulation]:
    """Run the simulations of `caller` (a public function). Messages use the names in `specs`.

    One that runs `alone` takes the stream of `rng`; several take independent streams of it.
    Simulations interrupted before an estimate are left out; if all are, the interrupt is passed
    on. Results less precise than requested cause a warning.
    """
    plans = [settings.units(spec) for spec in specs.values()]
    stream = Stream.below(validate.generator(rng))
    opened: AbstractContextManager[Checkpoint | None] = nullcontext()
    if settings.checkpoint is not None:
        from scaledet.simulation.checkpoint import described, opened_checkpoint

        runs = [described(spec, units) for spec, units in zip(specs.values(), plans, strict=True)]
        opened = opened_checkpoint(settings.checkpoint, caller, runs, stream, adopt=rng is None)
    with opened as store:
        stream = stream if store is None else store.stream
        streams = [stream] if alone else stream.independent(len(specs))
        target, control = settings.target_error, settings.control_variates
        jobs = [
            Job(spec, run_stream, units, target, control, label)
            for (label, spec), run_stream, units in zip(specs.items(), streams, plans, strict=True)
        ]
        outcomes = run_jobs(jobs, settings, store, caller)
    estimated = map(_result, jobs, outcomes)
    results = {
        job.label: result for job, result in zip(jobs, estimated, strict=True) if result is not None
    }
    if not results:
        raise KeyboardInterrupt
    for label, result in results.items():
        if not result.partial and not result.target_reached:
            layer = int(result.relative_error.argmax())
            warnings.warn(
                f"target_error = {result.target_error:g} was not reached within "
                f"{result.samples} samples{label and f' of {label}'}: the relative standard error "
                f"of layer {layer} is {result.relative_error[layer]:.3g}",
                RuntimeWarning,
                stacklevel=4,  # past the decorator
            )
    return results


def _result(job: Job, outcome: Outcome) -> Simulation | None:
    if outcome.partial and len(outcome.counts) < 2:
        return None
    try:
        estimates = estimate(job.spec, outcome.counts, outcome.packed, control=job.control)
    except ExhaustionError as error:
        if outcome.partial:
            return None
        raise job.named(error) from None
    entropy, first = job.stream.entropy, job.stream.key == (0,)
    return Simulation(
        scenario=job.spec.scenario,
        engine=job.spec.engine,
        entropy=entropy if first and isinstance(entropy, int) else None,
        partial=outcome.partial,
        target_error=job.target,
        control_variates=job.control,
        **estimates,
    )
