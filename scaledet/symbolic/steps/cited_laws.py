"""General laws that pages of filters cite from the pages that derive them."""

from __future__ import annotations

from typing import Any

from scaledet.symbolic.derivation import Step
from scaledet.symbolic.steps.limits import limit_steps
from scaledet.symbolic.steps.noise import noise_steps

__all__ = ["cited_limits", "noise_law"]


def noise_law(rectify: str | None, dim: Any) -> Step:
    """Return the law of noise G_k."""
    return noise_steps(rectify, dim)[-1].cited("Rectified noise piles up")


def cited_limits() -> tuple[Step, ...]:
    """Return alpha <= 2 and beta <= d."""
    return tuple(step.cited("Limits that no filter beats") for step in limit_steps()[-2:])
