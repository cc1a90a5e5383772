"""The rule by which measured numbers decide on a claim.

It was written before the runs that it judges, with a prototype's numbers known; the history of this
file and of `claims` is the evidence.
"""

from __future__ import annotations

import math

__all__ = [
    "CLOSE",
    "CONFIDENCE",
    "FEWEST_CELLS",
    "FEWEST_SEEDS",
    "FLAT",
    "GAINED",
    "LARGEST_A",
    "RAISED",
    "RULE",
]

FEWEST_SEEDS, FEWEST_CELLS = 3, 5
CONFIDENCE = 0.95
FLAT = 0.1
"""Exponents below this count as none, and a claimed exponent is held to it."""
CLOSE = 0.15
"""A predicted D_k is held to this, as the logarithm of measured over predicted."""
RAISED = math.log(1.25)
"""Permuting channels must raise D by this, as a logarithm."""
GAINED = 0.05
"""The constant mode of filters must gain this share of the power of the others."""

LARGEST_A = {"1d_strided_T1": 16.0, "1d_strided_T2": 8.0, "1d_stride_1": 16.0}
"""Largest A_k of the layers k >= 1 of slopes and means (pixels); elsewhere all that have an A_k.

The network decides where A_k exceeds the scale xi = 16; in T2, whose moves stay in blocks of side
xi, box filters have D_k = 0 already at A_k = 16.
"""

RULE = f"""\
Every seed gives one number, the effect of a claim: for instance the slope of ln D_k on ln A_k over
layers k >= 1, in one dimension those with A_k <= 16 (T2: 8) pixels. Over the seeds it has a mean
and a standard error, and an interval by Student's t of {CONFIDENCE:.0%}. A claim says in which
range the effect lies, and which rivals it excludes. A network

- agrees if its interval meets the claimed range and contains no rival;
- disagrees if its interval lies outside of the claimed range;
- is undecided otherwise, and always with fewer than {FEWEST_SEEDS} seeds, or if all seeds give the
  same number.

What is claimed, and rivals that are themselves measured or predicted, are compared seed by seed,
so the interval is that of the differences. Permutations of channels are averaged within a seed
first. A seed whose network died (no D_k > 0 at a layer in question) is left out, and counted.

A claimed sign is held to a smallest effect: exponents below {FLAT} in size count as none. A claimed
exponent is the slope that box filters have on the same layers, by the exact law of the task's
images and moves, to {FLAT}; a predicted D_k is held to {CLOSE:.0%} in the mean over layers.

Correlations with the test error are those of ranks, over cells (architecture and training noise,
seeds averaged; at least {FEWEST_SEEDS} of them), with the exact p-value of all permutations: a sign
agrees or disagrees if p <= {1 - CONFIDENCE:.2f}, else it is undecided, and always with fewer than
{FEWEST_CELLS} cells.

A setting agrees or disagrees if all its networks do, is undecided if all are, and divided
otherwise; networks of fewer than {FEWEST_SEEDS} seeds do not count there, unless there are no
others. Where there is no effect, a network agrees with a claimed sign by chance in
{(1 - CONFIDENCE) / 2:.1%} of cases."""
