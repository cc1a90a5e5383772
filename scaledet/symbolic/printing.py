"""Print a derivation: LaTeX, Markdown, and HTML with MathML.

Prose carries mathematics between dollar signs; expressions are SymPy's. Both pass through LaTeX,
and through latex2mathml for HTML, so that all three say the same.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

import sympy as sp
from latex2mathml.converter import convert
from sympy.printing.latex import LatexPrinter

from scaledet.symbolic.page import CheckReport, Page, Step

__all__ = [
    "bare_latex",
    "html_document",
    "html_fragment",
    "html_page",
    "latex_document",
    "markdown",
    "prose_to_html",
    "symbol_named",
]

_NAMES = {
    "crossover": "A_*",
    "nu_R": r"\nu_R",
    "sum_rule_order": "n",
    "sum_rule_defect": r"\delta",
    "dead_layer": r"k_\dagger",
    "critical_probability": "p_c",
    "D_torus": r"D_k\ \text{on the torus}",
    "alpha_max": r"\alpha\ \text{at most}",
    "beta_max": r"\beta\ \text{at most}",
}
_GREEK = re.compile(r"(alpha|beta|rho)(_.)?")
_QUANTITY = re.compile(r"([A-Zch](?:_(?:k|[0-9]+))?(?:\([0-9m]\))?(?:-c_k\(1\))?)(?:[ _](.*))?")

_CSS = """\
:root { color-scheme: light dark; --rule: #8884; --quiet: #767676; --mark: #0072b2; }
body { font: 1.05rem/1.55 Georgia, 'Times New Roman', serif; max-width: 52rem;
       margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.step { border-top: 1px solid var(--rule); padding: .6rem 0; }
.step h3 { font-size: 1rem; margin: .2rem 0; }
.display { overflow-x: auto; overflow-y: hidden; padding: .5rem 0; }
.why, .checked { margin: .3rem 0; } .checked { color: var(--quiet); font-size: .92rem; }
.status { font: .75rem sans-serif; letter-spacing: .04em; border: 1px solid currentColor;
          border-radius: .7em; padding: .05em .6em; margin-left: .6em; color: var(--mark); }
math { font-family: 'STIX Two Math', 'Latin Modern Math', 'TeX Gyre Termes Math',
       'Cambria Math', math; }
"""


class _Printer(LatexPrinter):  # type: ignore[misc]  # SymPy ships no types
    """SymPy's LaTeX with sums as one writes them: a series from its largest term on."""

    def _as_ordered_terms(self, expr: Any, order: Any = None) -> Any:  # SymPy's name
        terms = list(super()._as_ordered_terms(expr, order=order))
        if expr.has(sp.Order):
            variable = next(iter(expr.atoms(sp.Order))).variables[0]
            return sorted(terms, key=lambda term: _rank(term, variable))
        first = next((term for term in terms if not term.could_extract_minus_sign()), terms[0])
        return sorted(terms, key=lambda term: term is not first)


def _rank(term: Any, variable: Any) -> tuple[bool, Any]:
    """Sort key: largest power of a variable that tends to infinity first, remainders last."""
    if isinstance(term, sp.Order):
        return True, 0
    power = sp.sympify(term).as_coeff_exponent(variable)[1]
    at_infinity = not variable.is_real or bool(variable.is_integer)
    return False, -power if at_infinity else power


def latex_of(expression: Any) -> str:
    """Return the LaTeX of an expression, sums, series and logarithms written as in a paper."""
    settings = {"ln_notation": False, "mat_delim": "(", "mat_str": "matrix"}
    return str(_Printer(settings).doprint(expression))


def _name(name: str) -> str:
    """LaTeX of the name of a result: ``D_k``, ``alpha``, ``D_prefactor``, ``c_k(0) of box 2``."""
    if name in _NAMES:
        return _NAMES[name]
    if _GREEK.fullmatch(name):
        return f"\\{name}"
    match = _QUANTITY.fullmatch(name)
    if match is None:
        return rf"\text{{{name.replace('_', ' ')}}}"
    symbol = re.sub(r"_([0-9]+)", r"_{\1}", match[1])
    words = (match[2] or "").replace("_", " ")
    return rf"{symbol}\ \text{{{words}}}" if words else symbol


def symbol_named(name: str) -> str:
    """Return the symbol that the name of a result reads as, without the words behind it.

    >>> from scaledet.symbols import D, k
    >>> symbol_named("D_k of box 2"), bare_latex(D(k))
    ('D_k', 'D_k')
    """
    symbol, *_ = _name(name).split(r"\ ")
    return _unbraced(symbol)


def bare_latex(expression: Any) -> str:
    """Return the LaTeX of an expression without braces and blanks, to compare symbols."""
    return _unbraced(latex_of(expression))


def _unbraced(latex: str) -> str:
    return latex.translate(str.maketrans("", "", "{} "))


_ARTICLE = r"""\documentclass{article}
\usepackage{amsmath,amssymb}
\allowdisplaybreaks
\title{TITLE}
\date{}
\begin{document}
\maketitle
"""


def latex_document(page: Page) -> str:
    """Return an article that compiles by itself."""
    parts = [_ARTICLE.replace("TITLE", _latex_prose(page.title))]
    if page.abstract:
        parts.append(_environment("abstract", _latex_prose(page.abstract)))
    if page.assumptions:
        items = [rf"\item {_latex_prose(text)}" for text in page.assumptions]
        parts.append("\\section*{Assumptions}\n" + _environment("itemize", *items))
    steps = [line for step in page.steps for line in _latex_step(step)]
    parts.append("\\section*{Steps}\n" + _environment("enumerate", *steps))
    parts.append("\\section*{Results}\n")
    for name, value in page.result.items():
        parts.append(_latex_display(value, prefix=f"{_name(name)} = ") + "\n")
    return "".join([*parts, "\\end{document}\n"])


def _environment(name: str, *lines: str) -> str:
    return "\n".join([rf"\begin{{{name}}}", *lines, rf"\end{{{name}}}", ""])


def _latex_step(step: Step) -> list[str]:
    return [
        rf"\item {_latex_prose(step.statement)} \emph{{({step.status})}}",
        _latex_display(step.expression),
        rf"\emph{{Why:}} {_latex_prose(step.justification)}",
        "",
        rf"\emph{{Checked against: {_latex_prose(step.check.route)}.}}",
    ]


def _latex_display(expression: Any, prefix: str = "") -> str:
    """One displayed formula; long sums on the right are broken over lines."""
    text = prefix + latex_of(expression)
    if len(text) > 160 and isinstance(expression, sp.Eq) and isinstance(expression.rhs, sp.Add):
        terms = [latex_of(term) for term in expression.rhs.as_ordered_terms()]
        joined = [terms[0], *(t if t.startswith("-") else f"+ {t}" for t in terms[1:])]
        body = r" \\ {} ".join(joined)
        return rf"\begin{{multline*}} {latex_of(expression.lhs)} = {body} \end{{multline*}}"
    return rf"\[ {text} \]"


def _latex_prose(text: str) -> str:
    """Escape what LaTeX would read, outside mathematics."""
    parts = text.split("$")
    for index in range(0, len(parts), 2):
        parts[index] = re.sub(r"([#%&_{}])", r"\\\1", parts[index]).replace("^", r"\^{}")
    return "$".join(parts)


def markdown(page: Page) -> str:
    """Return Markdown, formulas between dollar signs."""
    lines = [f"# {page.title}", ""]
    if page.abstract:
        lines += [page.abstract, ""]
    lines += [f"- {text}" for text in page.assumptions]
    for number, step in enumerate(page.steps, start=1):
        lines += ["", f"**{number}.** {step.statement} *({step.status})*"]
        lines += ["", f"$$ {latex_of(step.expression)} $$"]
        lines += ["", f"Why: {step.justification}"]
        lines += ["", f"*Checked against: {step.check.route}.*"]
    lines += ["", "## Results", ""]
    lines += [f"- ${_name(name)} = {latex_of(value)}$" for name, value in page.result.items()]
    return "\n".join([*lines, ""])


def html_page(title: str, body: str) -> str:
    """Wrap `body` into one self-contained page."""
    plain = re.sub(r"<[^>]*>", "", prose_to_html(title))
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en" xmlns="http://www.w3.org/1999/xhtml"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        f"<title>{plain}</title>\n<style>\n{_CSS}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def html_document(page: Page, report: CheckReport | None = None) -> str:
    """Return one page: MathML, no scripts, nothing fetched; with `report`, the evidence too."""
    return html_page(page.title, html_fragment(page, report))


def html_fragment(page: Page, report: CheckReport | None = None) -> str:
    """Return the body of the page, as a notebook shows it."""
    lines = [f"<h1>{prose_to_html(page.title)}</h1>"]
    if page.abstract:
        lines.append(f"<p>{prose_to_html(page.abstract)}</p>")
    if page.assumptions:
        items = "".join(f"<li>{prose_to_html(text)}</li>" for text in page.assumptions)
        lines.append(f"<h2>Assumptions</h2><ul>{items}</ul>")
    lines.append("<h2>Steps</h2>")
    for number, step in enumerate(page.steps, start=1):
        evidence = report.steps[number - 1].evidence if report else ""
        lines.append(_html_step(number, step, evidence))
    lines.append("<h2>Results</h2>")
    for name, value in page.result.items():
        formula = _mathml(f"{_name(name)} = {latex_of(value)}", display=True)
        lines.append(f'<div class="display">{formula}</div>')
    return "\n".join(lines)


def _html_step(number: int, step: Step, evidence: str) -> str:
    checked = prose_to_html(step.check.route) + (f": {escape(evidence)}" if evidence else "")
    why = '</p><p class="why">'.join(map(prose_to_html, step.justification.split("\n\n")))
    return (
        f'<div class="step"><p>{number}. {prose_to_html(step.statement)}'
        f'<span class="status">{step.status}</span></p>'
        f'<div class="display">{_mathml(latex_of(step.expression), display=True)}</div>'
        f'<p class="why"><i>Why:</i> {why}</p>'
        f'<p class="checked">Checked against {checked}.</p></div>'
    )


def prose_to_html(text: str) -> str:
    """Escape prose and turn what stands between dollar signs into MathML."""
    parts = text.split("$")
    return "".join(
        escape(part) if index % 2 == 0 else _mathml(part) for index, part in enumerate(parts)
    )


def _mathml(latex: str, display: bool = False) -> str:
    return str(convert(latex, display="block" if display else "inline"))
