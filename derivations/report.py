"""Steps of a derivation: each is printed, then checked by a route of its own."""

from __future__ import annotations

from collections.abc import Callable


def title(text: str, *assumptions: str) -> None:
    """Print the statement and its assumptions."""
    print(text)
    print("=" * len(text))
    for assumption in assumptions:
        print(f"  assume: {assumption}")


def step(statement: str, why: str, check: Callable[[], bool]) -> None:
    """Print one step with its justification; stop the derivation if its check fails."""
    print(f"\n{statement}\n  because {why}")
    if not check():
        raise SystemExit(f"step fails: {statement}")
    print("  checked")
