"""Text of ``--help``: what every command does, with examples that tests run."""

from __future__ import annotations

__all__ = [
    "COMPARE",
    "COMPARE_EPILOG",
    "DERIVE",
    "DERIVE_EPILOG",
    "EXPONENTS",
    "EXPONENTS_EPILOG",
    "KERNEL",
    "PREDICT",
    "PREDICT_EPILOG",
    "RECTIFY",
    "SIMULATE",
    "SIMULATE_EPILOG",
    "STRIDE",
    "TOP",
    "TOP_EPILOG",
]

TOP = """\
Exact sensitivities and exponents of pooled ReLU networks, and the simulations that test them.

An image passes through layers that average over a kernel, keep every stride-th pixel and
rectify. At layer k, D_k is the sensitivity to small displacements, G_k that to noise,
R_k = D_k / G_k, and A_k the effective receptive field in pixels."""

TOP_EPILOG = """\
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

EXPONENTS = """\
Exact exponents of D_k ~ A_k^-alpha and G_k ~ A_k^beta of equal layers repeated without end,
on the infinite lattice."""

EXPONENTS_EPILOG = """\
examples:
  a box whose length the stride does not divide never becomes stable
  $ scaledet exponents --kernel 3 --stride 2
    D_k ~ A_k^-alpha   alpha = 0
    G_k ~ A_k^beta     beta  = -log(sqrt(17)/18 + 5/18)/log(2) = 0.9804
    D_k tends to 5/4 - sqrt(17)/4 = 0.219224 (d = 1)

  the binomial filter 1,2,1 becomes stable as fast as any filter can
  $ scaledet exponents --kernel binomial:3 --stride 2
    D_k ~ A_k^-alpha   alpha = 2
    G_k ~ A_k^beta     beta  = 1

  exact expressions and floats for another program
  $ scaledet exponents --kernel 6 --stride 3 --dim 2 --json"""

PREDICT = """\
Exact sensitivities of every layer, with all finite-size terms. Without --size: on the infinite
lattice. The theory needs kernels >= 0; negative biases need --rectify layers (in layer 1) or
--method closure, an approximation that says so."""

PREDICT_EPILOG = """\
examples:
  average pooling over pairs of pixels
  $ scaledet predict --kernel 2 --stride 2 --depth 3 --size 64
    k  A_k      D_k      G_k       R_k
    0    1   1.0159  0.51587    1.9692
    1    2  0.51613  0.68335   0.75529
    2    4  0.26667    1.035   0.25764
    3    8  0.14286   1.8138  0.078761

  the same on the infinite lattice, with D_k as exact fractions
  $ scaledet predict --kernel 2 --stride kernel --depth 3 --exact
    D_3 = 1/8

  two layers of stride 1, then one of stride 2, in two dimensions
  $ scaledet predict --layer 3:1x2 --layer 1,2,1:2 --dim 2 --size 16

  images with two active pixels, closer than 8 - 2 pixels or farther apart than 8 + 2
  $ scaledet predict --kernel 3 --stride 1 --depth 4 --size 32 --task T1 --xi 8 --gap 2

  a bias below zero in every layer, approximately, where every layer rectifies the noise
  $ scaledet predict --kernel 3 --stride 1 --depth 3 --size 32 --bias -0.01 --rectify layers \\
      --method closure

  write a file that scaledet.load reads, and print JSON
  $ scaledet predict --kernel 2 --stride 2 --depth 3 --size 64 --save prediction.npz --json"""

SIMULATE = """\
Monte Carlo estimates of the sensitivities of every layer, with standard errors. The same --rng
gives the same numbers, whatever --workers or --scheduler. Ctrl-C prints what is finished."""

SIMULATE_EPILOG = """\
examples:
  average pooling over pairs of pixels
  $ scaledet simulate --kernel 2 --stride 2 --depth 3 --size 64 --samples 2000 --rng 1

  a negative bias in every layer
  $ scaledet simulate --kernel 2 --stride 2 --depth 3 --size 64 --bias -0.01 --samples 2000

  the same in one layer only
  $ scaledet simulate --layer 2:2x2 --layer 2:2:-0.01 --size 64 --samples 2000

  a two-pixel task with equally many images of both labels, on two threads, saved
  $ scaledet simulate --kernel 3 --stride 1 --depth 2 --size 32 --task T2 --xi 8 --balanced \\
      --samples 2000 --workers 2 --memory-limit 64MB --save simulation.npz

  until every layer is known to 5 %, keeping what is finished; a second run goes on from the file
  $ scaledet simulate --kernel 2 --stride 2 --depth 3 --size 64 --samples 200000 \\
      --target-error 0.05 --control-variates --checkpoint run.sqlite

  the same on a cluster, whose workers may come and go
  $ scaledet simulate --kernel 2 --stride 2 --depth 3 --size 64 --samples 200000 \\
      --target-error 0.05 --checkpoint cluster.sqlite --scheduler tcp://host:8786"""

COMPARE = """\
Predict, simulate, and test whether both agree at every layer at once (chi-square with the full
covariance). Exit code 0: they agree; 1: they disagree, p-value <= 1e-3. The number of samples
that the test needs grows with the depth."""

COMPARE_EPILOG = """\
examples:
  $ scaledet compare --kernel 2 --stride 2 --depth 3 --size 32 --samples 2000
  $ scaledet compare --kernel 1,2,1 --stride 2 --depth 2 --size 16 --dim 2 --samples 2000 --rng 7
  $ scaledet compare --layer 3:1 --layer 2:2 --size 32 --rectify none --samples 2000 --json"""

DERIVE = """\
Derive D_k, G_k and their exponents step by step, and re-check every step by an independent route.
Prints Markdown, or writes a page."""

DERIVE_EPILOG = """\
examples:
  transition operator, generating functions, exponents, as one self-contained page
  $ scaledet derive --kernel 3 --stride 2 --html out.html

  the box of symbolic length f, six terms in 1/k, in d dimensions
  $ scaledet derive --kernel box --stride 1 --order 6 --dim d --latex box.tex

  check without printing the steps
  $ scaledet derive --kernel binomial:5 --stride 2 --check

  the recursion layer by layer of unequal layers
  $ scaledet derive --layer 3:1x2 --layer 1,2,1:2

exit codes: 1 if a check contradicts a step"""

RECTIFY = (
    "how the noise meets the ReLU: relu(x + noise) enters the network (input, the default), "
    "x + relu(noise), x + noise, which every layer rectifies (layers), or x + noise without any "
    "ReLU (none)"
)
KERNEL = (
    "box of a length (3), weights (1,2,1 or 1/4,1/2,1/4 or decimals; divided by their sum) or "
    "binomial filter (binomial:5)"
)
STRIDE = "step between the outputs (pixels), or 'kernel' for the kernel's length"
