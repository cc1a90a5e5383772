"""Derive the laws of a network symbolically, every step re-checked by an independent route."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from scaledet import symbols as y
from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.isolation import isolated
from scaledet.network.kernel import Kernel, as_kernel
from scaledet.network.layer import Layer
from scaledet.network.network import Network
from scaledet.scenario import RECTIFICATIONS
from scaledet.symbolic.claims import Dimension, Stride
from scaledet.symbolic.derivation import Derivation
from scaledet.symbolic.steps.boxes import derive_boxes
from scaledet.symbolic.steps.network import derive_network
from scaledet.symbolic.steps.no_stride import derive_flat
from scaledet.symbolic.steps.rectified_network import derive_layers
from scaledet.symbolic.steps.strided import derive_strided
from scaledet.theory.coverage import require_no_bias, require_theory, require_torus

__all__ = ["derive"]

FAMILIES = ("box", "any")
"""Kernels that stand for families: the box of symbolic length f; any kernel, by its cumulants."""


@isolated
def derive(
    net: Network | None = None,
    *,
    kernel: Kernel | int | str | Sequence[Any] | None = None,
    stride: Stride | None = None,
    order: int | None = None,
    dim: Dimension | None = None,
    rectify: str | None = "input",
) -> Derivation:
    r"""Derive D_k, G_k and their exponents, step by step, from the definition of the layers.

    Parameters
    ----------
    net : Network, optional
        Any layers: the recursion layer by layer. Equal layers have the page of their filter and
        the numbers of the network, a block repeated at least twice the page of its composite
        filter. Excludes the next four.
    kernel : int, Kernel, sequence of weights, "box" or "any", default 2
        An integer n means ``box(n)``. "box" is the box of symbolic length f; "any" (stride 1)
        any kernel of span 1 through its symbolic cumulants kappa_2, kappa_4, ...
    stride : int, "kernel", True or ``symbols.s``, default 1
        "kernel" or True: the kernel's length. The symbol s: boxes of length s.
    order : int, optional
        Stride 1 only, and 4 if left out: number of corrections in powers of 1/k (1 to 40).
    dim : 1, 2, 3 or ``symbols.d``, default 1
        Dimension of the image.
    rectify : {"input", "noise", "layers", None}, default "input"
        How the noise meets the ReLU; None is linear noise. With "layers" (biases 0) G_k alone is
        derived: D_k and alpha are the same for all.

    Returns
    -------
    Derivation
        `steps` (statement, SymPy expression, justification, check, status), `result` (named
        expressions), `check()`, `to_latex()`, `to_markdown()`, `to_html()`. Copies are itself;
        pickling stores these arguments, and unpickling derives again.

    Raises
    ------
    ValueError, TypeError
        For arguments out of range or that exclude each other; for kernels of one weight (nothing
        pools), signed kernels and negative biases, which the theory does not cover; for float
        weights that meet the sum rule only up to rounding.

    Notes
    -----
    Infinite lattice first, then k to infinity; noise matched to the displacement. Every step is
    labelled proved, tested (with its range) or conjectured. Sources: Tomasini et al.,
    arXiv:2210.01506 (the model; boxes), Eirola 1992, Villemoes 1994, Jia 1999 (transition
    operator, smoothness); the rest is our derivation.

    Examples
    --------
    >>> derive(kernel=3, stride=2).result["beta"]
    -log(sqrt(17)/18 + 5/18)/log(2)
    >>> derive(kernel="box", stride=1, order=2).result["D_k"]
    -9*(f**2 + 6)/(10*k**2*(f**2 - 1)**2) + 3/(k*(f**2 - 1)) + O(k**(-3), (k, oo))
    """
    arguments: dict[str, Any] = {"kernel": kernel, "stride": stride, "order": order, "dim": dim}
    page = _derive(net, rectify=rectify, **arguments)
    if kernel is not None and not isinstance(kernel, str):
        arguments["kernel"] = as_kernel(kernel)  # immutable, as a list is not
    return page.made_by(derive, net=net, rectify=rectify, **arguments)


def _derive(
    net: Network | None, *, kernel: Any, stride: Any, order: Any, dim: Any, rectify: str | None
) -> Derivation:
    rectify = validate.choice("rectify", rectify, RECTIFICATIONS)
    if net is not None:
        return _of_network(net, rectify, kernel=kernel, stride=stride, order=order, dim=dim)
    dimension = 1 if dim is None else _or_symbol("dim", dim, y.d, 3)
    step = _named_stride(stride)
    if isinstance(kernel, str):
        family = validate.choice("kernel", kernel, FAMILIES)
        return _of_family(family, step, order, dimension, rectify)
    pool = as_kernel(2 if kernel is None else kernel)
    if step == y.s:
        raise ArgumentError("stride must be an integer unless kernel is 'box'; got the symbol s")
    step = len(pool) if step == "kernel" else step
    require_theory(Network([Layer(pool, step)]), "derive")
    if pool.support == 1:
        raise ArgumentError(
            f"kernel must have at least two non-zero weights; got {pool!r}: nothing pools, "
            "A_k = 1 at every layer and the exponents are undefined"
        )
    terms = _order(order, step, rectify)
    if rectify == "layers":
        return derive_layers(dimension, kernel=pool, stride=step)
    if step == 1:
        return derive_flat(pool, terms, dimension, rectify)
    return derive_strided(pool, step, dimension, rectify)


def _of_network(net: Any, rectify: str | None, **others: Any) -> Derivation:
    if not isinstance(net, Network):
        raise ArgumentTypeError(f"net must be a Network; got {net!r}")
    for name, value in others.items():
        if value is not None:
            raise ArgumentError(f"{name} must be left out when net is given; got {value!r}")
    require_torus(net, "derive")
    require_theory(net, "derive")
    if rectify == "layers":
        require_no_bias(net, "derive")
        return derive_layers(net.dim, net=net)
    return derive_network(net, rectify)


def _of_family(
    family: str, stride: Stride, order: int | None, dim: Dimension, rectify: str | None
) -> Derivation:
    box_length = family == "box" and stride in ("kernel", y.s)
    if rectify == "layers" and not (stride == 1 or box_length):
        raise ArgumentError(
            f"stride must be 1 or, with kernel 'box', the kernel's length (True or the symbol "
            f"s) with rectify='layers'; got {stride!r} (give the kernel itself)"
        )
    if stride != 1 and family == "any":
        raise ArgumentError(
            f"stride must be 1 with kernel 'any'; got {stride!r}: with a stride the exponents "
            "depend on the weights, not on cumulants (give the kernel itself)"
        )
    terms = _order(order, stride, rectify)
    length = y.s if box_length else stride
    if rectify == "layers":
        return derive_layers(dim, kernel=family, stride=length)
    if stride == 1:
        return derive_flat(family, terms, dim, rectify)
    return derive_boxes(length, dim, rectify)


def _named_stride(stride: Stride | None) -> Any:
    """Return an integer, "kernel" or the symbol s."""
    if stride is None or stride is False:
        return 1
    if stride is True or stride == "kernel":
        return "kernel"
    return _or_symbol("stride", stride, y.s)


def _or_symbol(name: str, value: Any, symbol: sp.Symbol, highest: int | None = None) -> Any:
    """Return `symbol` if `value` is that, else an integer from 1 to `highest`."""
    if isinstance(value, sp.Symbol) and value == symbol:
        return symbol
    return validate.integer(name, value, 1, highest)


def _order(order: int | None, stride: Stride, rectify: str | None) -> int:
    """Return the number of corrections in 1/k; refuse one where nothing is expanded."""
    if rectify != "layers" and stride == 1:
        return 4 if order is None else validate.integer("order", order, 1, 40)
    if order is None:
        return 0
    where = f"stride {stride}"
    why = "the results are exact, there is no series in 1/k"
    if rectify == "layers":
        where, why = "rectify='layers'", "nothing is expanded in 1/k"
    raise ArgumentError(f"order must be left out with {where}; got {order!r}: {why}")
