"""Monte Carlo of the idealised network: real images, pooled and rectified layer by layer.

Nothing here knows the theory: no autocorrelation, no recursion, no exponent.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scaledet import checks, storage, tables
from scaledet.errors import ExhaustionError
from scaledet.experiment import Experiment, checked_experiment, restored
from scaledet.network import Network
from scaledet.work_unit import BlockSums, Specification, bytes_per_image, run_block

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scaledet.scale_detection import ScaleDetection

__all__ = ["Simulation", "simulate"]

_COLUMNS = ("D", "D_err", "G", "G_err", "R", "R_err", "Q", "Q_err")
_ARRAYS = (*_COLUMNS, "covariance", "means", "means_covariance")
# Representations that differ by less than this (squared, relative) differ by rounding only.
_ROUNDING = 1e-26


@dataclass(frozen=True, eq=False, repr=False)
class Simulation(Experiment):
    """Estimated sensitivities with standard errors, k = 0 (the input) to the depth.

    Attributes
    ----------
    network, size, rectify, sigma, task, balanced
        What was simulated; see ``simulate``.
    samples : int
        Number of images.
    blocks : int
        Number of independent blocks that the errors come from.
    pairs : int
        Number of pairs of images that Q is averaged over.
    entropy : int or None
        Entropy of the random streams: ``rng=entropy`` repeats the run (None if a generator was
        given).
    D, D_err, G, G_err, R, R_err, Q, Q_err : ndarray, shape [depth + 1]
        Means and standard errors (dimensionless).
    covariance : ndarray, shape [2 (depth + 1)] * 2
        Covariance of the stacked means (D_0 ... D_depth, G_0 ... G_depth): all layers see the
        same images and noise.
    means : ndarray, shape [3 (depth + 1)]
        What D and G are ratios of: mean squared responses to displacement and to noise, and Q.
    means_covariance : ndarray, shape [3 (depth + 1)] * 2
        Their covariance.
    """

    size: int
    sigma: float
    samples: int
    blocks: int
    pairs: int
    entropy: int | None
    D: NDArray[np.float64]
    D_err: NDArray[np.float64]
    G: NDArray[np.float64]
    G_err: NDArray[np.float64]
    R: NDArray[np.float64]
    R_err: NDArray[np.float64]
    Q: NDArray[np.float64]
    Q_err: NDArray[np.float64]
    covariance: NDArray[np.float64]
    means: NDArray[np.float64]
    means_covariance: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in _ARRAYS:
            getattr(self, name).setflags(write=False)

    @property
    def A(self) -> NDArray[np.float64]:
        """Effective receptive field of the network's layers (pixels), not simulated."""
        return np.array(self.network.box_width)

    def columns(self) -> dict[str, Any]:
        """Columns of the table of results, by name."""
        depth = self.network.depth
        named = {name: getattr(self, name) for name in _COLUMNS}
        return {"layer": np.arange(depth + 1), **self._width("A"), **named}

    def _width(self, name: str) -> dict[str, Any]:
        """Column A_k, or the support where signed kernels have no A_k."""
        if self.network.signed:
            return {"support": np.array(self.network.support)}
        return {name: self.A}

    def to_dataframe(self) -> Any:
        """Return a pandas ``DataFrame``, one row per layer."""
        return tables.frame(self.columns())

    def _title(self) -> str:
        return f"Simulation of {self.describe()}, {self.samples} samples"

    def _shown(self) -> dict[str, Any]:
        def both(name: str) -> list[str]:
            pairs = zip(getattr(self, name), getattr(self, f"{name}_err"), strict=True)
            return [tables.with_error(value, error) for value, error in pairs]

        responses = {"D_k": both("D"), "G_k": both("G"), "R_k": both("R")}
        return {"k": np.arange(len(self.D)), **self._width("A_k"), **responses}

    def __repr__(self) -> str:
        return f"{self._title()}\n{tables.text_table(self._shown())}"

    def _repr_html_(self) -> str:
        return tables.html_table(self._title(), self._shown())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write to `path` (a .npz archive with a ``meta.json`` inside); read by ``load``."""
        run = {
            "samples": self.samples,
            "blocks": self.blocks,
            "pairs": self.pairs,
            "entropy": self.entropy,
        }
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        return storage.write(path, "simulation", {**self.experiment_dict(), **run}, arrays)

    @classmethod
    def from_stored(cls, meta: dict[str, Any], arrays: dict[str, Any]) -> Simulation:
        """Rebuild from `save`; called by ``load``."""
        return cls(**restored(meta), **arrays)


def simulate(
    net: Network,
    *,
    size: int | None = None,
    samples: int = 10_000,
    rng: Any = None,
    sigma: float | None = None,
    rectify: str | None = "input",
    task: ScaleDetection | None = None,
    balanced: bool = False,
    memory_limit: int = 2**28,
    workers: int = 1,
    progress: bool = False,
) -> Simulation:
    """Estimate D_k, G_k, R_k and Q_k by sending random images through the network.

    Each sample is an image drawn at random, its displaced copy and its noisy copy; all three are
    pooled, biased and rectified layer by layer. Q_k is the mean square distance of two different
    images of the same block, so that no image is paired with itself.

    Parameters
    ----------
    net : Network
        Any kernels, signed ones included, and any biases.
    size : int
        Pixels a side, a multiple of the total stride (with `task`: the task's, may be left out).
    samples : int, default 10_000
        Number of images, at least 4 (two blocks of two, for an error bar).
    rng : None, int, SeedSequence or Generator
        Passed to ``numpy.random.default_rng``; one stream is spawned per block.
    sigma : float, optional
        Standard deviation of the noise per pixel, in [1e-10, 1e70]; default: matched to the
        displacement, L sigma^2 = E|tau x - x|^2.
    rectify : {"input", "noise", "layers", None}
        relu(x + eta) enters the network, or x + relu(eta), or x + eta and only the layers rectify
        ("layers"), or x + eta without any ReLU.
    task, balanced
        Two-pixel images; see ``predict``.
    memory_limit : int, default 2**28
        Bound on the bytes of images held at a time by one worker; changes results by rounding
        only.
    workers : int, default 1
        Threads; the result is bit-identical for any number.
    progress : bool, default False
        Show the estimated time and memory, then a progress bar.

    Returns
    -------
    Simulation

    Raises
    ------
    ExhaustionError
        If all images look alike at some layer.
    TypeError, ValueError
        For bad arguments.

    Notes
    -----
    Standard errors come from the scatter of independent blocks. The distance of two images is
    sampled by finitely many pairs: one pair's share is added to every variance, so that no error
    is reported as zero because no two images happened to overlap. Source: the
    model of Tomasini et al., arXiv:2210.01506; estimators ours.

    Examples
    --------
    >>> m = simulate(Network.uniform(kernel=2, stride=2, depth=3), size=64, samples=1000, rng=0)
    >>> bool(abs(m.D[1] - 32 / 63) < 4 * m.D_err[1])
    True
    """
    samples = checks.integer("samples", samples, 4)
    memory_limit = checks.integer("memory_limit", memory_limit, 1)
    workers = checks.integer("workers", workers, 1)
    progress = checks.flag("progress", progress)
    if size is None and task is None:
        raise TypeError("size must be an integer >= 2 (pixels a side); got None")
    # Weaker noise is lost in rounding next to the pixel's height 1; the fourth power of stronger
    # noise leaves the range of floats.
    found = checked_experiment(
        "simulate", net, size, rectify, sigma, task, balanced, sigma_range=(1e-10, 1e70)
    )
    spec = Specification(**vars(found))
    need = bytes_per_image(spec)
    if need > memory_limit:
        raise ValueError(f"memory_limit must be at least {need} bytes, what one image of this "
                         f"size needs; got {memory_limit}")  # fmt: skip
    generator = checks.generator(rng)
    entropy = None
    if not isinstance(rng, np.random.Generator):
        entropy = int(np.asarray(getattr(generator.bit_generator.seed_seq, "entropy", 0)).flat[0])
    counts = _block_sizes(samples, net.depth)
    chunk = min(max(counts), memory_limit // need)
    streams = generator.spawn(len(counts))
    sums = _run(spec, streams, counts, chunk, workers, progress)
    return _estimate(spec, samples, counts, entropy, sums)


def _block_sizes(samples: int, depth: int) -> list[int]:
    """Equal blocks: four times the 2 (depth + 1) means whose covariance they determine.

    The larger the blocks, the more pairs of images for the mean square distance.
    """
    wanted = max(128, 8 * (depth + 1))
    block = min(max(samples // wanted, 2), max(256, samples // 2**16))
    blocks = samples // block
    return [samples // blocks + (b < samples % blocks) for b in range(blocks)]


def _run(
    spec: Specification,
    streams: list[np.random.Generator],
    counts: list[int],
    chunk: int,
    workers: int,
    progress: bool,
) -> list[BlockSums]:
    """Run every block; results in block order whatever the number of workers."""
    begin = time.perf_counter()
    results = [run_block(spec, streams[0], counts[0], chunk)]
    if progress:
        seconds = (time.perf_counter() - begin) * (len(counts) - 1) / workers
        memory = workers * chunk * bytes_per_image(spec) / 2**20
        sys.stderr.write(f"simulate: about {seconds:.1f} s and {memory:.0f} MB for "
                         f"{sum(counts)} samples\n")  # fmt: skip

    def one(index: int) -> BlockSums:
        return run_block(spec, streams[index], counts[index], chunk)

    rest = range(1, len(counts))
    if workers == 1:
        results += _with_bar(map(one, rest), len(rest), progress)
    else:
        with ThreadPoolExecutor(workers) as pool:
            results += _with_bar(pool.map(one, rest), len(rest), progress)
    return results


def _with_bar(blocks: Iterator[BlockSums], total: int, progress: bool) -> Iterator[BlockSums]:
    if not progress:
        return blocks
    from tqdm.auto import tqdm

    return iter(tqdm(blocks, total=total, unit="block", desc="simulate"))


def _estimate(
    spec: Specification,
    samples: int,
    counts: list[int],
    entropy: int | None,
    sums: list[BlockSums],
) -> Simulation:
    """Means, and their covariance from the scatter of the blocks (ratios to first order)."""
    displacement, noise, distance, square = (np.array(part) for part in zip(*sums, strict=True))
    pairs = sum(count * (count - 1) // 2 for count in counts)
    q = distance.mean(axis=0)
    alive = q > _ROUNDING * square.mean(axis=0)
    if not alive.all():
        reason = f"Q_k = 0 in all {pairs} pairs drawn; use more samples if these are few"
        raise ExhaustionError.at(int(np.argmin(alive)), spec.size, reason)
    blocks = len(counts)
    table = np.hstack([displacement, noise, distance])
    means = table.mean(axis=0)
    residuals = table - means
    covariance = residuals.T @ residuals / (blocks * (blocks - 1))
    # One pair's share of Q: what a rare overlap not seen could have changed.
    n = len(q)
    diagonal = np.arange(2 * n, 3 * n)
    covariance[diagonal, diagonal] += (q / pairs) ** 2
    # Where no move in any sample was felt, one that is felt could have been the next.
    unfelt = np.flatnonzero(means[:n] == 0)
    covariance[unfelt, unfelt] = (q[unfelt] / samples) ** 2
    d, g = means[:n] / q, means[n : 2 * n] / q
    none, quotient = np.zeros((n, n)), np.diag(1 / q)
    ratios = np.block([[quotient, none, -np.diag(d / q)], [none, quotient, -np.diag(g / q)]])
    stacked = ratios @ covariance @ ratios.T
    errors = np.sqrt(np.diag(stacked))
    slopes = np.hstack([np.diag(1 / g), np.diag(-d / g**2)])
    ratio_errors = np.sqrt(np.diag(slopes @ stacked @ slopes.T))
    return Simulation(
        **vars(spec),
        samples=samples,
        blocks=blocks,
        pairs=pairs,
        entropy=entropy,
        D=d,
        D_err=errors[:n],
        G=g,
        G_err=errors[n:],
        R=d / g,
        R_err=ratio_errors,
        Q=q,
        Q_err=np.sqrt(np.diag(covariance))[2 * n :],
        covariance=stacked,
        means=means,
        means_covariance=covariance,
    )
