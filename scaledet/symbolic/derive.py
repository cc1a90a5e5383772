"""Derive the laws of a network symbolically, every step re-checked by an independent route."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from scaledet import validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.network.kernel import Kernel, as_kernel
from scaledet.network.network import Layer, Network
from scaledet.scenario import RECTIFICATIONS
from scaledet.theory.coverage import require_no_bias, require_theory

if TYPE_CHECKING:
    from scaledet.symbolic.derivation import Derivation

__all__ = ["derive"]

NAMED = ("box", "any")
"""Kernels that stand for families: the box of symbolic length f; any kernel, by its cumulants."""


def derive(
    net: Network | None = None,
    *,
    kernel: Kernel | int | str | Sequence[Any] | None = None,
    stride: bool | int | Any = None,
    order: int | None = None,
    dim: int | Any = None,
    rectify: str | None = "input",
) -> Derivation:
    r"""Derive D_k, G_k and their exponents, step by step, from the definition of the layers.

    Parameters
    ----------
    net : Network, optional
        Any layers: the recursion layer by layer, and for a block repeated at least twice its
        exponents. Excludes the next four.
    kernel : int, Kernel, sequence of weights, "box" or "any", default 2
        An integer n means ``box(n)``. "box" is the box of symbolic length f; "any" (stride 1)
        any kernel of span 1 through its symbolic cumulants kappa_2, kappa_4, ...
    stride : bool, int or ``symbols.s``, default False
        False: 1. True: the kernel's length. The symbol s: boxes of length s.
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
        expressions), `check()`, `to_latex()`, `to_markdown()`, `to_html()`.

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
    validate.choice("rectify", rectify, RECTIFICATIONS)
    if net is not None:
        return _network(net, kernel=kernel, stride=stride, order=order, dim=dim, rectify=rectify)
    dimension = _dimension(dim)
    if isinstance(kernel, str):
        family = validate.choice("kernel", kernel, NAMED)
        return _family(family, stride, order, dimension, rectify)
    pool = as_kernel(2 if kernel is None else kernel)
    step = _stride(stride, len(pool))
    require_theory(Network([Layer(pool, step)]), "derive")
    if pool.support == 1:
        raise ArgumentError(
            f"kernel must have at least two non-zero weights; got {pool!r}: nothing pools, "
            "A_k = 1 at every layer and the exponents are undefined"
        )
    if rectify == "layers":
        from scaledet.symbolic.steps.rectified_network import derive_layers

        _no_series(order)
        return derive_layers(dimension, kernel=pool, stride=step)
    if step == 1:
        from scaledet.symbolic.steps.no_stride import derive_flat

        return derive_flat(pool, _order(order), dimension, rectify)
    _no_order(order, step)
    from scaledet.symbolic.steps.strided import derive_strided

    return derive_strided(pool, step, dimension, rectify)


def _network(net: Any, *, rectify: str | None, **others: Any) -> Derivation:
    if not isinstance(net, Network):
        raise ArgumentTypeError(f"net must be a Network; got {net!r}")
    for name, value in others.items():
        if value is not None:
            raise ArgumentError(f"{name} must be left out when net is given; got {value!r}")
    require_theory(net, "derive")
    if rectify == "layers":
        from scaledet.symbolic.steps.rectified_network import derive_layers

        require_no_bias(net, "derive")
        return derive_layers(net.dim, net=net)
    from scaledet.symbolic.steps.network import derive_network

    return derive_network(net, rectify)


def _family(
    family: str, stride: Any, order: int | None, dimension: Any, rectify: str | None
) -> Derivation:
    flat = stride is None or stride is False or (_is_integer(stride) and stride == 1)
    if rectify == "layers":
        from scaledet.symbolic.steps.rectified_network import derive_layers

        own = stride is True or _is_symbol(stride, "s")
        if not (flat or (own and family == "box")):
            raise ArgumentError(
                f"stride must be 1 or, with kernel 'box', the kernel's length (True or the symbol "
                f"s) with rectify='layers'; got {stride!r} (give the kernel itself)"
            )
        _no_series(order)
        return derive_layers(dimension, kernel=family, stride=_symbol("s") if own else 1)
    if flat:
        from scaledet.symbolic.steps.no_stride import derive_flat

        return derive_flat(family, _order(order), dimension, rectify)
    if family == "any":
        raise ArgumentError(
            f"stride must be 1 with kernel 'any'; got {stride!r}: with a stride the exponents "
            "depend on the weights, not on cumulants (give the kernel itself)"
        )
    _no_order(order, stride)
    from scaledet.symbolic.steps.boxes import derive_boxes

    step = stride if stride is True or _is_symbol(stride, "s") else _stride(stride, 0)
    return derive_boxes(step, dimension, rectify)


def _stride(stride: Any, length: int) -> int:
    if stride is None or stride is False:
        return 1
    if stride is True:
        return length
    if _is_symbol(stride, "s"):
        raise ArgumentError("stride must be an integer unless kernel is 'box'; got the symbol s")
    return validate.integer("stride", stride, 1)


def _dimension(dim: Any) -> Any:
    if dim is None:
        return 1
    return dim if _is_symbol(dim, "d") else validate.integer("dim", dim, 1, 3)


def _order(order: int | None) -> int:
    return 4 if order is None else validate.integer("order", order, 1, 40)


def _no_order(order: int | None, stride: Any) -> None:
    if order is not None:
        raise ArgumentError(
            f"order must be left out with stride {stride}; got {order!r}: the results are exact, "
            "there is no series in 1/k"
        )


def _no_series(order: int | None) -> None:
    if order is not None:
        raise ArgumentError(
            f"order must be left out with rectify='layers'; got {order!r}: nothing is expanded in "
            "1/k"
        )


def _is_integer(value: Any) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, bool)


def _symbol(name: str) -> Any:
    from scaledet import symbols

    return getattr(symbols, name)


def _is_symbol(value: Any, name: str) -> bool:
    """Whether `value` is the symbol of that name in the package's table."""
    if type(value).__module__.split(".")[0] != "sympy":
        return False
    return bool(value == _symbol(name))
