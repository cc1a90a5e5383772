"""Write rule and verdicts into docs/trained.md: ``python -m experiments.verdict_page``."""

from __future__ import annotations

import re
from pathlib import Path

import scaledet as sd

__all__ = ["block", "written"]

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "trained.md"
RESULTS = ROOT / "experiments" / "results"

_BLOCK = re.compile(r"(?<=<!-- verdicts -->\n).*?(?=<!-- end of verdicts -->)", re.DOTALL)


def block(results: Path) -> str:
    """Return what stands between the marks: the rule, and the verdicts on these tables."""
    if not list(results.glob("*.csv")):
        return "\nThere are no tables yet: `make experiments` writes them.\n\n"
    return f"\n{sd.verdicts(results).to_markdown()}\n\n"


def written(page: str) -> str:
    """Return what stands between the marks of a page."""
    match = _BLOCK.search(page)
    if match is None:
        raise ValueError("the page must have a block of verdicts")
    return match.group()


def main() -> None:
    """Replace the block."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(page.replace(written(page), block(RESULTS)), encoding="utf-8")
    print(f"written: {PAGE}")


if __name__ == "__main__":
    main()
