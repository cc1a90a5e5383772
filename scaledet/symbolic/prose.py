"""Layers in words and as polynomials, for derivations that are read."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.reference.exact import number

__all__ = [
    "Entrywise",
    "Stacked",
    "abstract",
    "assumptions",
    "factor",
    "layer_in_words",
    "layers_in_words",
    "printable",
    "shown_layers",
]

LONGEST = 60
"""Digits of the longest rational that is written out."""
WRITTEN = 8
"""Weights of the longest kernel that is written out."""
ALL = 10
"""Layers of the deepest network of which all are written out."""


class Entrywise(sp.Eq):  # type: ignore[misc]  # SymPy ships no types
    r"""Equation of two matrices, printed as an equation for every entry.

    >>> print(sp.latex(Entrywise(sp.Matrix([[y.k, y.s]]), sp.Matrix([[1, 2]]))))
    \begin{matrix} k = 1 & s = 2 \end{matrix}
    """

    def _latex(self, printer: Any) -> str:
        left, right = self.args
        rows = [
            " & ".join(
                f"{printer.doprint(left[i, j])} = {printer.doprint(right[i, j])}"
                for j in range(left.cols)
            )
            for i in range(left.rows)
        ]
        return _matrix(rows)


class Stacked(sp.Eq):  # type: ignore[misc]  # SymPy ships no types
    r"""Equation whose right side is a long sum, printed with three terms to a row.

    >>> print(sp.latex(Stacked(y.k, y.c(1, 0) + y.c(1, 1) + y.c(1, 2) - y.c(1, 3))))
    \begin{matrix} k = c_{1}(0) + c_{1}(1) + c_{1}(2) \\ - c_{1}(3) \end{matrix}
    """

    def _latex(self, printer: Any) -> str:
        terms = [printer.doprint(term) for term in self.rhs.as_ordered_terms()]
        signed = [term if term.startswith("-") else f"+ {term}" for term in terms]
        rows = [" ".join(signed[i : i + 3]) for i in range(0, len(signed), 3)]
        rows[0] = f"{printer.doprint(self.lhs)} = {rows[0].removeprefix('+ ')}"
        return _matrix(rows)


def _matrix(rows: list[str]) -> str:
    return r"\begin{matrix} " + r" \\ ".join(rows) + r" \end{matrix}"


def printable(value: Fraction | int) -> Any:
    """Return an exact SymPy number, or one rounded to 30 digits if it has more than 60.

    >>> printable(Fraction(2, 6)), printable(Fraction(1, 7**100))
    (1/3, 3.09169040809022048482035814385e-85)
    """
    exact = number(Fraction(value))
    digits = len(str(abs(exact.p))) + len(str(exact.q))
    return exact if digits <= LONGEST else sp.Float(exact, 30)


def layer_in_words(layer: Layer) -> str:
    """Describe one layer.

    >>> layer_in_words(Layer([1, 2, 1], stride=2)), layer_in_words(Layer(3))
    ('$[1, 2, 1]/4$ at stride 2', 'box 3')
    """
    kernel = layer.kernel
    if kernel.is_box:
        name = f"box {len(kernel)}" if len(kernel) > 1 else "no filter"
    elif len(kernel) <= WRITTEN and sum(kernel.integers) < 10**6:
        name = f"${list(kernel.integers)}/{sum(kernel.integers)}$"
    else:
        name = f"a filter of {len(kernel)} weights"
    return name + (f" at stride {layer.stride}" if layer.stride > 1 else "")


def layers_in_words(net: Network) -> str:
    """Describe all layers, a repeated block once.

    >>> layers_in_words(Network([Layer(3), Layer(2, 2)] * 3))
    'layers: box 3, box 2 at stride 2; this block of 2 layers stands 3 times'
    """
    block = net[: net.period]
    runs = [
        layer_in_words(layer) + (f" ({count} times)" if count > 1 else "")
        for count, layer in block.runs()
    ]
    if len(runs) > ALL:
        runs = [*runs[:3], "...", runs[-1]]
    text = "layers: " + ", ".join(runs)
    times = net.depth // net.period
    if times == 1:
        return text
    kind = "this layer" if net.period == 1 else f"this block of {net.period} layers"
    return f"{text}; {kind} stands {times} times"


def shown_layers(net: Network) -> list[int]:
    """Layers to write out: all of ten, else the first three, two blocks and the last.

    >>> shown_layers(Network.uniform(2, 2, depth=12))
    [1, 2, 3, 12]
    """
    if net.depth <= ALL:
        return list(range(1, net.depth + 1))
    return sorted({1, 2, 3, net.period, min(2 * net.period, net.depth), net.depth})


def factor(net: Network, i: int) -> Any:
    """Return a_i(z^S_{i-1}), the factor of layer i in the composite filter.

    >>> factor(Network([Layer(2, 2), Layer([1, 2])]), 2)
    (2*z**2 + 1)/3
    """
    kernel, step = net.layers[i - 1].kernel, net.strides[i - 1]
    if len(kernel) > WRITTEN or max(w.denominator for w in kernel) > 10**6:
        powers = y.z ** (step * y.j)
        if kernel.is_box:
            return sp.Sum(powers, (y.j, 0, len(kernel) - 1)) / len(kernel)
        return sp.Sum(y.layer_weight(i, y.j) * powers, (y.j, 0, len(kernel) - 1))
    total = sum(kernel.integers)
    terms = (sp.Rational(w, total) * y.z ** (step * j) for j, w in enumerate(kernel.integers))
    return sp.factor_terms(sp.Add(*terms))


def abstract(net: Network, result: dict[str, Any]) -> str:
    """Say the results in a sentence or two."""
    last = {
        name: f"{name}_{{{net.depth}}} = {_short(result[f'{name}_{net.depth}'])}" for name in "ADG"
    }
    text = (
        f"Exactly, layer by layer: a receptive field of ${last['A']}$ pixels, the sensitivity to "
        f"displacements ${last['D']}$ and the sensitivity to noise ${last['G']}$."
    )
    if "alpha" in result:
        text += (
            f" Repeated without end, the block has $\\alpha = {_short(result['alpha'])}$ and "
            f"$\\beta = {_short(result['beta'])}$."
        )
    if "plateau" in result:
        text += f" It never becomes stable: $D_k$ stops at ${_short(result['plateau'])}$."
    return text


def _short(value: Any) -> str:
    """Four digits, in LaTeX."""
    if value.is_Integer and abs(value) < 10**6:
        return str(value)
    digits, _, power = f"{float(value):.4g}".partition("e")
    return f"{digits} \\cdot 10^{{{int(power)}}}" if power else digits


_NOISE = {
    "input": "rectified with the image: $\\mathrm{relu}(x + \\eta)$ enters the network",
    "noise": "rectified alone: $x + \\mathrm{relu}(\\eta)$ enters the network",
    None: "linear: $x + \\eta$ enters the network and nothing rectifies it",
}
_AXES = "; filters are tensor products, and $c_k$, $h_k$, $A_k$ refer to one axis"


def assumptions(net: Network, rectify: str | None, rounded: bool) -> tuple[str, ...]:
    """Say what is assumed of the layers, the pixel and the noise."""
    texts = (
        layers_in_words(net),
        "filters $a \\ge 0$ of sum 1 and biases $\\ge 0$: clean images stay non-negative, so no "
        "ReLU acts on them and the network is linear on them, exactly",
        f"one active pixel at a uniform grid phase of the infinite lattice, $d = {net.dim}$, moved "
        f"by one site along a random axis{_AXES if net.dim > 1 else ''}",
        "noise independent and Gaussian, of the energy of a move, $L \\sigma^2 = 2$, and "
        f"{_NOISE[rectify]}; $L \\to \\infty$ first, then the depth",
        "idealised: real networks also pad with zeros, take maxima, add branches and learn filters "
        "of both signs; none of this is covered",
    )
    return (*texts, "exact numbers of more than 60 digits are written to 30") if rounded else texts
