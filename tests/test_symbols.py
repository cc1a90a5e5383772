"""One table: every symbol once, with its assumptions."""

from __future__ import annotations

import ast
import pickle
from pathlib import Path

import pytest
import sympy as sp

from scaledet import symbols as y

ROOT = Path(__file__).parents[1]


def test_symbols_have_assumptions() -> None:
    for symbol in (y.k, y.s, y.f, y.d, y.N, y.L):
        assert symbol.is_integer
        assert symbol.is_positive
    assert y.m.is_integer
    assert y.m.is_positive is None
    assert y.sigma.is_positive
    assert y.kappa(2).is_positive
    assert y.kappa(4).is_real
    assert y.kappa(4) is y.kappa(4)


def test_cumulants_below_two_are_refused() -> None:
    with pytest.raises(ValueError, match=r"order must be an integer >= 2; got 1"):
        y.kappa(1)


def test_quantities_print_as_in_the_paper() -> None:
    assert sp.latex(y.c(y.k + 1, 0) ** 2) == "c_{k + 1}(0)^{2}"
    assert sp.latex(1 / y.A(y.k)) == "\\frac{1}{A_{k}}"
    assert sp.latex(y.overlap(y.k, y.p, 0)) == "\\langle P_{k} e_{p},\\, P_{k} e_{0} \\rangle"
    assert sp.latex(y.autocorrelation(y.m) ** 2) == "\\mathcal{A}(m)^{2}"
    assert sp.latex(y.highest(y.k) ** 2) == "(\\max h_{k})^{2}"
    assert sp.latex(y.symbol(y.theta) ** 2) == "(|\\hat a(\\theta)|^2)^{2}"
    assert sp.latex(y.rectified(2, 0, y.sigma)) == "\\mathrm{E}\\,\\mathrm{relu}(\\sigma Z)^{2}"


def test_all_names_exist_and_have_a_meaning() -> None:
    assert sorted(set(y.__all__)) == sorted(y.__all__)
    names = set(y.__all__) - {"filter_exponent", "kappa"}
    assert len(names) == len(y.MEANINGS)
    for name in names:
        value = getattr(y, name)
        assert y.MEANINGS[value]
        if not isinstance(value, sp.Symbol):
            assert issubclass(value, sp.Function)
            assert value.__name__ == name


def test_expressions_are_pickled() -> None:
    for value in y.MEANINGS:
        expression = value if isinstance(value, sp.Symbol) else value(y.k, y.m, 1) ** 2
        assert pickle.loads(pickle.dumps(expression)) == expression


def test_no_other_module_makes_assumed_symbols() -> None:
    """Symbols with assumptions come from the table; placeholders that never show are Dummies."""
    for path in sorted((ROOT / "scaledet").rglob("*.py")):
        if path == ROOT / "scaledet" / "symbols.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called in {"sp.Symbol", "sympy.Symbol", "sp.symbols", "sp.Function"}:
                    assert not node.keywords, f"{path.name}: {ast.unparse(node)}"
