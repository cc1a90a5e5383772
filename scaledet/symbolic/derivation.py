"""Derivations: statements with reasons, each re-checked by a route that shares no code with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import sympy as sp
from sympy.core.relational import Relational

from scaledet import validate
from scaledet.algebra.enclosure import enclosure
from scaledet.errors import DerivationError, Undefined
from scaledet.isolation import isolated
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

    Notes
    -----
    A derivation is immutable and its own copy. Pickling stores the call that made it (`derive`
    and its arguments, or what `made_by` was given), and unpickling calls again: milliseconds to
    seconds. One composed by hand, or changed by ``dataclasses.replace``, needs `made_by`.

    Examples
    --------
    >>> import scaledet as sd
    >>> page = sd.derive(kernel=3, stride=2)
    >>> page.result["plateau"], page.steps[0].status
    (5/4 - sqrt(17)/4, 'proved')
    >>> page.check().steps[1].evidence
    '4 entries exact; no lag beyond 1 is ever needed'
    """

    _call: partial[Derivation] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "result", MappingProxyType(dict(self.result)))

    def made_by(self, function: Callable[..., Derivation], **arguments: Any) -> Derivation:
        """Return this derivation with the call that makes it again, which pickling stores.

        `function` is a function of a module, so that a file can name it.
        """
        made = replace(self)
        object.__setattr__(made, "_call", partial(function, **arguments))
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        if self._call is None:
            raise TypeError(
                f"{self.title!r} cannot be pickled: its checks are functions, and nothing says "
                "how to make it again; made_by(function) of a module's function does"
            )
        return self._call, ()

    @isolated
    def check(self) -> CheckReport:
        """Re-verify every step by its independent route; hold every result to a step.

        A result whose name is that of a quantity must be what a step says that it equals; any
        other must be a side of a step's claim that is about none of the quantities named.

        Returns
        -------
        CheckReport
            The evidence of every step.

        Raises
        ------
        DerivationError
            At the first step that is contradicted; `step` is its number. Or, before any step is
            tried, if a result is claimed by none; `step` is 0.
        """
        self._require_claims_of_results()
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

    def _require_claims_of_results(self) -> None:
        claims = [(printing.bare_latex(claim.lhs), claim) for claim in self._claims()]
        symbols = {name: printing.symbol_named(name) for name in self.result}
        for name, symbol in symbols.items():
            about = [claim for left, claim in claims if left == symbol]
            equal = [claim.rhs for claim in about if isinstance(claim, sp.Eq)]
            bound = name.endswith(("_min", "_max"))
            values = equal if equal and not bound else [claim.rhs for claim in about]
            if not values:
                others = [claim for left, claim in claims if left not in symbols.values()]
                values = [side for claim in others for side in claim.args]
            if self.result[name] not in values:
                raise DerivationError(
                    f"result {name!r} of {self.title!r} is claimed by no step: got "
                    f"{_short(self.result[name])}"
                )

    def _claims(self) -> list[Any]:
        claims = (step.expression for step in self.steps)
        return [claim for claim in claims if isinstance(claim, Relational)]

    @isolated
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

    @isolated
    def to_latex(self) -> str:
        """Return a LaTeX article that compiles by itself."""
        return printing.latex_document(self)

    @isolated
    def to_markdown(self) -> str:
        """Return Markdown with mathematics between dollar signs."""
        return printing.markdown(self)

    @isolated
    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return one self-contained HTML page: MathML, no scripts, nothing fetched.

        With `path` the page is also written there: a new file, or in place of an HTML page.
        """
        page = printing.html_document(self)
        if path is not None:
            files.replace_text(path, "HTML page", page)
        return page

    @isolated
    def _repr_html_(self) -> str:
        return printing.html_fragment(self)

    @isolated
    def __repr__(self) -> str:
        lines = [self.title]
        lines += [f"  assuming {text}" for text in self.assumptions]
        lines += [f"  {name} = {_short(value)}" for name, value in self.result.items()]
        lines.append(f"  {len(self.steps)} steps; .check() re-verifies each, .to_html() prints")
        return "\n".join(lines)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 100 else text[:97] + "..."
