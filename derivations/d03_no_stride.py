"""No stride: the series in 1/k, and the exact recurrence behind it."""

from __future__ import annotations

from publish import main

from scaledet.network.kernel import box
from scaledet.symbolic.derivation import Derivation
from scaledet.symbolic.steps.no_stride import noise_series_steps, series_steps
from scaledet.symbolic.steps.recurrence import recurrence_steps
from scaledet.symbols import d


def derivation() -> Derivation:
    """Derive c_k(0), D_k and G_k of stacked boxes of symbolic length, and box 3 and 2 exactly."""
    steps, result = series_steps("box", 3)
    noise, named = noise_series_steps("box", 2, d, "input")
    three, recurrent = recurrence_steps(box(3))
    two, closed = recurrence_steps(box(2))
    return Derivation(
        title="No stride: $\\alpha = 2$ and $\\beta = d$",
        abstract="Stacked boxes without stride are a random walk. The sensitivity to "
        "displacements falls as $A_k^{-2}$ with the prefactor 3, as for every filter of span 1; "
        "noise rectified at the input piles up as $A_k^d$.",
        assumptions=(
            "boxes of length $f$, equal layers of stride 1, biases $\\ge 0$; every filter of "
            "span 1 and the variance of $a$ in place of $(f^2 - 1)/12$ has the same leading terms",
            "infinite lattice first, then $k \\to \\infty$; one active pixel; the series are "
            "asymptotic and need not converge",
            "noise matched to the displacement and rectified at the input, with "
            "$G_k = (\\pi - 1 + c_k(0)^{-d})/2\\pi$ from the derivation of rectified noise",
            "the last steps are exact at every $k$: first boxes of length 3, then of length 2",
        ),
        steps=(*steps, *noise, *three, *two),
        result={
            **result,
            **named,
            "recurrence": recurrent["recurrence"],
            "c_k(0) of box 2": closed["c_k(0)"],
            "D_k of box 2": closed["D_k"],
        },
    ).made_by(derivation)


if __name__ == "__main__":
    main(derivation(), __file__)
