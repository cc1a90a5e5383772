"""The table of verdicts: every claim on trained networks in every setting."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

from scaledet import validate
from scaledet.analysis import verdict_text as text
from scaledet.analysis.claims import CLAIMS, SETTINGS, Claim, Correlation, noise_in_training
from scaledet.analysis.experiment_tables import Case, read_cases
from scaledet.analysis.judging import (
    AGREES,
    DISAGREES,
    UNDECIDED,
    Verdict,
    correlated,
    judged,
)
from scaledet.analysis.rule import FEWEST_SEEDS, RULE
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.results import tables
from scaledet.results.contents import Reader, count, one_of, optional, real
from scaledet.results.result import Result

__all__ = ["Verdicts", "verdicts"]

_BY_NAME = {claim.name: claim for claim in CLAIMS}
_NOT_CLAIMED, _NOT_RUN, _DIVIDED = "-", "not run", "divided"


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ArgumentTypeError(f"{name} must be a string; got {value!r}")
    return value


def _bound(name: str, value: Any) -> float:
    infinite = isinstance(value, float) and math.isinf(value)
    return float(value if infinite else validate.real(name, value))


_NUMBER = optional(real())
_READERS: dict[str, Reader] = {
    "claim": one_of(*_BY_NAME),
    "setting": one_of(*SETTINGS),
    **dict.fromkeys(("net", "recipe", "reason", "rival"), _text),
    "stage": one_of("zero_loss", "after"),
    "verdict": one_of(AGREES, DISAGREES, UNDECIDED),
    **dict.fromkeys(("points", "left_out"), count(0)),
    **dict.fromkeys(("effect", "error", "low", "high", "rival_effect", "p_value"), _NUMBER),
    **dict.fromkeys(("claimed_low", "claimed_high"), _bound),
}


def _rows(name: str, value: Any) -> tuple[Verdict, ...]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise ArgumentTypeError(f"{name} must be a list of verdicts; got {value!r}")
    for row in value:
        if row.keys() != _READERS.keys():
            raise ArgumentError(f"{name} must have {', '.join(_READERS)} each; got {row!r}")
    return tuple(Verdict(**{key: _READERS[key](key, row[key]) for key in row}) for row in value)


@dataclass(frozen=True, eq=False, repr=False)
class Verdicts(Result):
    r"""Verdicts on all claims: a row for each claim and network, and a table of the settings.

    Attributes
    ----------
    rows : tuple of Verdict
        One for each claim, setting, network and stage that was measured.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> head = "experiment,setting,net,recipe,seed,stage,variant,layer,A,quantity,value,error"
    >>> lines = [
    ...     f"e1,1d_strided_T1,k2s2,decay,{seed},after,all,{k},{2**k},D,{0.9 / 2**k + seed / 500},"
    ...     for seed in range(3) for k in range(1, 5)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "e1.csv").write_text("\n".join([head, *lines]) + "\n")
    ...     result = verdicts(folder)
    >>> result.of("D falls after training", "1d_strided_T1"), len(result.rows)
    ('agrees', 1)
    """

    rows: tuple[Verdict, ...]

    _kind = "verdicts"
    _longest = len(CLAIMS)
    _facts: ClassVar = {"rows": _rows}

    def in_setting(self, claim: str, setting: str) -> list[Verdict]:
        """Return the verdicts on a claim in a setting, network by network."""
        return [row for row in self.rows if (row.claim, row.setting) == (claim, setting)]

    def of(self, claim: str, setting: str) -> str:
        """Return the verdict on a claim in a setting.

        It is that of all its networks, "divided" if they differ, "not run" if there are none, or
        "-" where nothing is claimed. Networks of too few seeds count only where no other is.
        """
        name = validate.choice("claim", claim, tuple(_BY_NAME))
        place = validate.choice("setting", setting, SETTINGS)
        if place not in _BY_NAME[name].settings:
            return _NOT_CLAIMED
        verdicts = {row.verdict for row in self._deciding(name, place)}
        if not verdicts:
            return _NOT_RUN
        return verdicts.pop() if len(verdicts) == 1 else _DIVIDED

    def _deciding(self, claim: str, setting: str) -> list[Verdict]:
        rows = self.in_setting(claim, setting)
        return [row for row in rows if row.points >= FEWEST_SEEDS] or rows

    def columns(self) -> dict[str, Any]:
        """Columns of the table, by name: a row for each claim and network."""
        return {
            field.name: [getattr(row, field.name) for row in self.rows] for field in fields(Verdict)
        }

    @property
    def table(self) -> dict[str, dict[str, str]]:
        """The verdict on every claim in every setting, as `of` returns it."""
        return {name: {place: self.of(name, place) for place in SETTINGS} for name in _BY_NAME}

    @property
    def claims(self) -> dict[str, str]:
        """What every claim says, and who claims it, by its name."""
        return {claim.name: f"{claim.statement} ({claim.source})" for claim in CLAIMS}

    @property
    def rule(self) -> str:
        """How a verdict follows from the numbers."""
        return RULE

    def details(self) -> str:
        """Return a text with a row for each claim and network, all of them."""
        if not self.rows:
            return ""
        places = {"setting": [row.setting for row in self.rows]}
        return tables.text_table({**places, **text.details(self.rows)}, len(self.rows))

    def to_markdown(self) -> str:
        """Return the rule, the table with effects, the claims, and all numbers, in Markdown."""
        table = {"claim": list(_BY_NAME)}
        for place in SETTINGS:
            table[place] = [
                self._cell(name, place) + self._effects(name, place) for name in _BY_NAME
            ]
        claims = (f"- *{name}*: {statement}" for name, statement in self.claims.items())
        parts = [RULE, text.markdown(table), "; ".join(self.remarks()[:2]) + ".", "\n".join(claims)]
        for setting in SETTINGS:
            rows = [row for row in self.rows if row.setting == setting]
            if rows:
                head = f"<summary>{setting}: {len(rows)} verdicts, with all numbers</summary>"
                parts += [f"<details>{head}", text.markdown(text.details(rows)), "</details>"]
        return "\n\n".join(parts)

    def _effects(self, claim: str, setting: str) -> str:
        """Return the effect of one network with its error, or the range of those of several."""
        rows = [row for row in self._deciding(claim, setting) if row.effect is not None]
        if len(rows) < 2:
            return "".join(f"<br>{text.effect(row)}" for row in rows)
        effects = [row.effect for row in rows if row.effect is not None]
        return f"<br>{min(effects):.2f} to {max(effects):.2f}"

    def remarks(self) -> list[str]:
        """Return how often every verdict stands in the table, and what its words mean."""
        words = [word for row in self.table.values() for word in row.values()]
        kinds = (AGREES, DISAGREES, _DIVIDED, UNDECIDED, _NOT_RUN)
        counts = ", ".join(f"{words.count(kind)} {kind}" for kind in kinds)
        return [
            f"claims in settings: {counts}",
            "(n): all n networks; divided a:b:c: a agree, b disagree, c are undecided",
            *(f"left out: {line}" for line in self._left_out()),
        ]

    def _left_out(self) -> Iterator[str]:
        claims: dict[tuple[str, str, int], list[str]] = defaultdict(list)
        for row in self.rows:
            if row.left_out:
                claims[row.setting, text.network(row), row.left_out].append(row.claim)
        for (setting, network, left_out), names in claims.items():
            more = f" and {len(names) - 1} more claims" if len(names) > 1 else ""
            yield f"{left_out} of {setting}, {network}, in {names[0]!r}{more}"

    def _title(self) -> str:
        return f"{len(self.rows)} verdicts on {len(CLAIMS)} claims in {len(SETTINGS)} settings"

    def _shown(self) -> dict[str, Any]:
        names = list(_BY_NAME)
        return {
            "claim": names,
            **{setting: [self._cell(name, setting) for name in names] for setting in SETTINGS},
        }

    def _cell(self, claim: str, setting: str) -> str:
        word, rows = self.of(claim, setting), self._deciding(claim, setting)
        if word == _DIVIDED:
            kinds = (AGREES, DISAGREES, UNDECIDED)
            counts = (sum(row.verdict == kind for row in rows) for kind in kinds)
            return f"{word} {':'.join(map(str, counts))}"
        return f"{word} ({len(rows)})" if rows else word

    def to_stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return plain facts, which `from_stored` reads."""
        return {"rows": list(map(asdict, self.rows))}, {}


def verdicts(folder: str | os.PathLike[str] = "experiments/results") -> Verdicts:
    """Judge what is claimed of trained networks by the tables of the experiments.

    Parameters
    ----------
    folder : path
        Holds tables (``*.csv``) with the columns experiment, setting, net, recipe, seed, stage,
        variant, layer, A, quantity, value, error, which ``make experiments`` writes.

    Returns
    -------
    Verdicts

    Raises
    ------
    ValueError, TypeError
        If the folder holds no tables, or one that is damaged; the message names file and line.

    Notes
    -----
    The rule is ``scaledet.analysis.rule.RULE``: the interval of an effect over seeds, against
    what is claimed and the nearest rival. It assumes that seeds are independent, images included,
    and that effects are close to Gaussian. What was not measured is "not run".

    Examples
    --------
    >>> verdicts("no such folder")
    Traceback (most recent call last):
    scaledet.errors.ArgumentError: folder must be a folder of tables; got 'no such folder': ...
    """
    cases = read_cases(folder)
    rows: list[Verdict] = []
    for claim in CLAIMS:
        for setting in claim.settings:
            here = [case for case in cases if case.setting == setting]
            rows += _correlations(claim, here) if isinstance(claim, Correlation) else ()
            rows += _claims(claim, here) if isinstance(claim, Claim) else ()
    return Verdicts(tuple(rows))


def _correlations(claim: Correlation, cases: list[Case]) -> Iterator[Verdict]:
    verdict = correlated(claim, cases)
    if verdict is not None:
        yield verdict


def _claims(claim: Claim, cases: list[Case]) -> Iterator[Verdict]:
    """Judge every network at the end of its training and, unless it is the same, at zero loss."""
    for case in cases:
        if bool(noise_in_training(case.recipe)) != claim.noisy:
            continue
        stages = case.trained_stages or ["after"]
        for stage in stages[-1:] if claim.of.stage == "before" else stages:
            verdict = judged(claim, case, stage)
            if verdict is not None:
                yield verdict
