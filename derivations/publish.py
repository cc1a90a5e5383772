"""Run one derivation from the command line: print its steps, check them, write its page."""

from __future__ import annotations

from pathlib import Path

from scaledet.symbolic.derivation import CheckReport, Derivation
from scaledet.symbolic.printing import html_document

OUT = Path(__file__).parent / "out"


def publish(derivation: Derivation, name: str) -> CheckReport:
    """Check every step, write ``out/<name>.html`` with the evidence, return the report."""
    report = derivation.check()
    OUT.mkdir(exist_ok=True)
    page = html_document(derivation, report)
    (OUT / f"{name}.html").write_text(page, encoding="utf-8")
    return report


def main(derivation: Derivation, file: str) -> None:
    """Print the derivation and its evidence; exit with an error if a step is contradicted."""
    print(derivation.to_markdown())
    print(publish(derivation, Path(file).stem))
