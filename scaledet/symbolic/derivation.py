"""Derivations: statements with reasons, each re-checked by a route that shares no code with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from scaledet import validate
from scaledet.errors import DerivationError

__all__ = ["Check", "CheckReport", "Derivation", "Step", "StepReport"]

STATUSES = ("proved", "tested", "conjectured")
"""What a step is: a theorem, an observation over a stated range, or a guess."""


@dataclass(frozen=True)
class Check:
    """An independent route to the truth of a claim.

    Attributes
    ----------
    route : str
        What the claim is confronted with, and over which range.
    confront : callable
        Takes the claimed SymPy expression; returns the evidence in words; raises
        ``DerivationError`` on a contradiction.
    """

    route: str
    confront: Callable[[Any], str]


@dataclass(frozen=True, eq=False)
class Step:
    r"""One step of a derivation.

    Attributes
    ----------
    statement : str
        Prose with mathematics between dollar signs.
    expression : sympy.Basic
        The claim itself: what the check receives.
    justification : str
        The definition or the earlier steps it follows from; prose with mathematics.
    check : Check
        The independent route.
    status : {"proved", "tested", "conjectured"}
        "tested" and "conjectured" steps say their range in the justification.
    """

    statement: str
    expression: Any
    justification: str
    check: Check
    status: str = "proved"

    def __post_init__(self) -> None:
        validate.choice("status", self.status, STATUSES)

    def verify(self) -> str:
        """Confront the expression with the step's check and return the evidence.

        Raises
        ------
        DerivationError
            If the check contradicts the expression.
        """
        return self.check.confront(self.expression)

    def claiming(self, expression: Any) -> Step:
        """Return the same step with another claim: for negative controls."""
        return replace(self, expression=expression)

    def cited(self, page: str) -> Step:
        """Return the same claim and check, its reason being the page that derives it.

        A page takes over a general law (the last step of its own page) in this way and does not
        derive it again; `page` is the title of a page in ``derivations``.
        """
        reason = f"a general law, derived step by step on the page “{page}”."
        return replace(self, justification=reason)


@dataclass(frozen=True)
class StepReport:
    """What the check of one step found."""

    number: int
    status: str
    statement: str
    route: str
    evidence: str


@dataclass(frozen=True, repr=False)
class CheckReport:
    """All steps of a derivation, checked."""

    title: str
    steps: tuple[StepReport, ...]

    def __len__(self) -> int:
        return len(self.steps)

    def __repr__(self) -> str:
        lines = [f"{self.title}: {len(self)} steps, all confirmed"]
        for step in self.steps:
            lines.append(f"  {step.number:2d} {step.status:9} {step.route}: {step.evidence}")
        return "\n".join(lines)


@dataclass(frozen=True, eq=False, repr=False)
class Derivation:
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
    """

    title: str
    assumptions: tuple[str, ...]
    steps: tuple[Step, ...]
    result: Mapping[str, Any]
    abstract: str = ""

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
        found = []
        for number, step in enumerate(self.steps, start=1):
            try:
                evidence = step.verify()
            except DerivationError as error:
                raise DerivationError(
                    f"step {number} of {self.title!r} is contradicted: {error.reason}",
                    step=number,
                    reason=error.reason,
                ) from error
            found.append(
                StepReport(number, step.status, step.statement, step.check.route, evidence)
            )
        return CheckReport(self.title, tuple(found))

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
        from scaledet.algebra.enclosure import enclosure

        return enclosure(self.result[validate.choice("name", name, list(self.result))], digits)

    def to_latex(self) -> str:
        """Return a LaTeX article that compiles by itself."""
        from scaledet.symbolic.printing import latex_document

        return latex_document(self)

    def to_markdown(self) -> str:
        """Return Markdown with mathematics between dollar signs."""
        from scaledet.symbolic.printing import markdown

        return markdown(self)

    def to_html(self, path: str | Path | None = None) -> str:
        """Return one self-contained HTML page: MathML, no scripts, nothing fetched.

        With `path` the page is also written there.
        """
        from scaledet.symbolic.printing import html_document

        page = html_document(self)
        if path is not None:
            Path(path).write_text(page, encoding="utf-8")
        return page

    def _repr_html_(self) -> str:
        from scaledet.symbolic.printing import html_fragment

        return html_fragment(self)

    def __repr__(self) -> str:
        lines = [self.title]
        lines += [f"  assuming {text}" for text in self.assumptions]
        lines += [f"  {name} = {_short(value)}" for name, value in self.result.items()]
        lines.append(f"  {len(self.steps)} steps; .check() re-verifies each, .to_html() prints")
        return "\n".join(lines)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 100 else text[:97] + "..."
