"""Run the experiments: ``python -m experiments.run_all``, from the root of the clone."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from experiments.e1_flagship import EXPERIMENT as FLAGSHIP
from experiments.e2_decay import EXPERIMENT as DECAY
from experiments.e3_no_stride import EXPERIMENT as NO_STRIDE
from experiments.e4_two_dimensions import EXPERIMENT as TWO_DIMENSIONS
from experiments.e5_cifar import EXPERIMENT as CIFAR
from experiments.e5_cifar import FILES
from experiments.e6_theory import EXPERIMENT as THEORY
from experiments.runner import Suite

FOLDER = Path(__file__).resolve().parent
EXPERIMENTS = (FLAGSHIP, DECAY, NO_STRIDE, TWO_DIMENSIONS, CIFAR, THEORY)


def main() -> int:
    """Parse the command line, run, and return the exit code."""
    names = [experiment.name for experiment in EXPERIMENTS]
    parser = argparse.ArgumentParser(
        prog="python -m experiments.run_all",
        description="Train and measure networks; a run that was stopped goes on where it was.",
    )
    parser.add_argument("--quick", action="store_true", help="small and rough, to try it out")
    parser.add_argument("--data", type=Path, help=f"folder of {' and '.join(FILES)}")
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help="of " + str(names))
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread (2)")
    parser.add_argument(
        "--out", type=Path, help="folder to write (experiments/results; with --quick .../quick)"
    )
    given = parser.parse_args()
    if given.workers < 1:
        parser.error(f"--workers must be at least 1; got {given.workers}")
    lacking = [name for name in FILES if given.data and not (given.data / name).is_file()]
    if lacking:
        parser.error(f"--data must be a folder with {' and '.join(FILES)}; got {given.data}")
    out = given.out or FOLDER / ("quick" if given.quick else "results")
    chosen = [each for each in EXPERIMENTS if given.only is None or each.name in given.only]
    finished = Suite(chosen, out, given.quick, given.data).run(given.workers)
    print(f"written to {out}")
    return 0 if finished else 1


if __name__ == "__main__":
    sys.exit(main())
