"""What stands on a page: steps with their checks, and the reports of the checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, Self

from scaledet import validate
from scaledet.isolation import isolated
from scaledet.symbolic.claims import Claim
from scaledet.symbolic.confrontation import recorded

__all__ = ["Check", "CheckReport", "Page", "Step", "StepReport"]

STATUSES = ("proved", "tested", "conjectured")
"""What a step is: a theorem, an observation over a stated range, or a guess."""


class Immutable:
    """What nothing can change is its own copy."""

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


@dataclass(frozen=True)
class Check(Immutable):
    """An independent route to the truth of a claim.

    It is a function of a claim, often made for it, which no file can hold: checks and steps are
    not pickled. Their derivation is, by the call that makes it.

    Attributes
    ----------
    route : str
        What the claim is confronted with, and over which range.
    confront : callable
        Takes the claimed SymPy expression; returns the evidence in words; raises
        ``DerivationError`` on a contradiction.
    few : mapping of symbol to str
        Integer symbols of which the route tries less than `confrontation.ENOUGH` values: why no
        more can be tried.
    loose : str
        Why no case comes near to a bound, if none does.
    """

    route: str
    confront: Callable[[Claim], str]
    few: Mapping[Any, str] = field(default_factory=dict)
    loose: str = ""

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "checks and steps cannot be pickled: a check is a function. Pickle the derivation, "
            "which stores the call that makes it again"
        )


@dataclass(frozen=True, eq=False)
class Step(Immutable):
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
    expression: Claim
    justification: str
    check: Check
    status: str = "proved"

    def __post_init__(self) -> None:
        validate.choice("status", self.status, STATUSES)

    @isolated
    def verify(self) -> str:
        """Confront the expression with the step's check and return the evidence.

        Raises
        ------
        DerivationError
            If the check contradicts the expression, tries an index of it at too few values, or
            comes nowhere near a bound.
        """
        with recorded() as confrontation:
            evidence = self.check.confront(self.expression)
        remarks = confrontation.require(self.expression, self.check.few, self.check.loose)
        # A route that was told to attain a bound has said so itself.
        return "; ".join([evidence, *(remark for remark in remarks if remark not in evidence)])

    def claiming(self, expression: Claim) -> Step:
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
    """The evidence for one step."""

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
class Page(Immutable):
    """A result with the steps that lead to it; attributes as in `Derivation`."""

    title: str
    assumptions: tuple[str, ...]
    steps: tuple[Step, ...]
    result: Mapping[str, Any]
    abstract: str = ""
