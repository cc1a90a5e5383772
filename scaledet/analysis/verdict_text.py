"""How verdicts are written in tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from scaledet.analysis.judging import Verdict
from scaledet.results.tables import with_error

__all__ = ["details", "effect", "markdown", "network"]


def details(rows: Sequence[Verdict]) -> dict[str, list[str]]:
    """Return the columns that a reader sees of verdicts, but for the setting."""
    return {
        "claim": [row.claim for row in rows],
        "network": [network(row) for row in rows],
        "verdict": [_with_reason(row) for row in rows],
        "effect": [effect(row) for row in rows],
        "claimed": [_claimed(row) for row in rows],
        "nearest rival": [_rival(row) for row in rows],
        "n": [_points(row) for row in rows],
    }


def network(row: Verdict) -> str:
    """Name a network, how it was trained and, if it is not the end, at what stage."""
    parts = [part for part in (row.net, row.recipe) if part]
    return ", ".join([*parts, *(["zero loss"] if row.stage == "zero_loss" else [])])


def _with_reason(row: Verdict) -> str:
    return f"{row.verdict}: {row.reason}" if row.reason else row.verdict


def effect(row: Verdict) -> str:
    """Write an effect with its error."""
    if row.effect is None:
        return "-"
    return with_error(row.effect, row.error) if row.error else f"{row.effect:.3g}"


def _claimed(row: Verdict) -> str:
    low, high = row.claimed_low, row.claimed_high
    if low == -math.inf:
        return f"<= {high:.2g}"
    if high == math.inf:
        return f">= {low:.2g}"
    return f"{low:.2f} to {high:.2f}"


def _rival(row: Verdict) -> str:
    return row.rival if row.rival_effect is None else f"{row.rival} {row.rival_effect:.2f}"


def _points(row: Verdict) -> str:
    return f"{row.points}{f' (-{row.left_out})' if row.left_out else ''}"


def markdown(columns: Mapping[str, Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [list(columns), ["---"] * len(columns), *zip(*columns.values(), strict=True)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
