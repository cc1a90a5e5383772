"""Derivations: statements with reasons, each re-checked by a route that shares no code with it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from scaledet import validate
from scaledet.algebra.enclosure import enclosure
from scaledet.errors import DerivationError, Undefined
from scaledet.results import files
from scaledet.symbolic import printing
from scaledet.symbolic.page import Check, CheckReport, Page, Step, StepReport

__all__ = ["Check", "CheckReport", "Derivation", "Step", "StepReport"]


@dataclass(frozen=True, eq=False, repr=False)
class Derivation(Page):
    """A result with the steps that lead to it.

    Attributes
    ----------
    title : str
        What is derived.
    assumptions : tuple of str
        What is assumed, the order of limits included.
    steps : tuple of Step
        In the order in which they are read.
    result : mapping of str to sympy.Expr
        The named results.
    abstract : str
        The result in a sentence or two.

    Examples
    --------
    >>> import scaledet as sd
    >>> page = sd.derive(kernel=3, stride=2)
    >>> page.result["plateau"], page.steps[0].status
    (5/4 - sqrt(17)/4, 'proved')
    >>> page.check().steps[1].evidence
    '4 entries exact; no lag beyond 1 is ever needed'
    """

    def __post_init__(self) -> None:
        object.__setattr__(self, "result", MappingProxyType(dict(self.result)))

    def check(self) -> CheckReport:
        """Re-verify every step by its independent route.

        Returns
        -------
        CheckReport
            The evidence of every step.

        Raises
        ------
        DerivationError
            At the first step that is contradicted; `step` is its number.
        """
        reports = []
        for number, step in enumerate(self.steps, start=1):
            try:
                evidence = step.verify()
            except DerivationError as error:
                verdict = "has no value" if isinstance(error, Undefined) else "is contradicted"
                raise type(error)(
                    f"step {number} of {self.title!r} {verdict}: {error.reason}",
                    step=number,
                    reason=error.reason,
                ) from error
            reports.append(
                StepReport(number, step.status, step.statement, step.check.route, evidence)
            )
        return CheckReport(self.title, tuple(reports))

    def enclosure(self, name: str, digits: int = 30) -> Any:
        """Return a certified ball around the result `name`, a number, to `digits` digits.

        Returns
        -------
        flint.arb
            Its relative radius is below 10^-digits.

        Raises
        ------
        ValueError, TypeError
            If there is no such result, or it is no real number.
        """
        return enclosure(self.result[validate.choice("name", name, list(self.result))], digits)

    def to_latex(self) -> str:
        """Return a LaTeX article that compiles by itself."""
        return printing.latex_document(self)

    def to_markdown(self) -> str:
        """Return Markdown with mathematics between dollar signs."""
        return printing.markdown(self)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return one self-contained HTML page: MathML, no scripts, nothing fetched.

        With `path` the page is also written there: a new file, or in place of an HTML page.
        """
        page = printing.html_document(self)
        if path is not None:
            files.replace_text(path, "HTML page", page)
        return page

    def _repr_html_(self) -> str:
        return printing.html_fragment(self)

    def __repr__(self) -> str:
        lines = [self.title]
        lines += [f"  assuming {text}" for text in self.assumptions]
        lines += [f"  {name} = {_short(value)}" for name, value in self.result.items()]
        lines.append(f"  {len(self.steps)} steps; .check() re-verifies each, .to_html() prints")
        return "\n".join(lines)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 100 else text[:97] + "..."
