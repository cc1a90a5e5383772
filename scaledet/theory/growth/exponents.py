"""Exact exponents of D_k ~ A_k^-alpha and G_k ~ A_k^beta for equal layers or repeating blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

from scaledet import rationals, validate
from scaledet.algebra.roots import log_in_base
from scaledet.errors import ArgumentError
from scaledet.isolation import isolated
from scaledet.network.kernel import Kernel
from scaledet.network.layer import Layer, Stride
from scaledet.network.network import Network, require_network
from scaledet.results.contents import count, one_of
from scaledet.results.result import Record
from scaledet.scenario import RECTIFICATIONS, Rectify
from scaledet.theory.correlation.exact import composite_filter
from scaledet.theory.coverage import require_no_bias, require_theory
from scaledet.theory.growth.amplitudes import plateau, spelled
from scaledet.theory.growth.transition import Growth, growth, refuse_rounded_sum_rule

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Exponents", "predict_exponents"]


@dataclass(frozen=True, repr=False)
class Exponents(Record):
    r"""The exponents of one filter and stride, with the facts they follow from.

    A saved file holds kernel, stride, dimension and rectification, from which ``load`` computes
    the same exact numbers; and, for other readers, their text and value.

    Attributes
    ----------
    alpha, beta : sympy.Expr
        Exact: :math:`D_k \sim A_k^{-\alpha}`, :math:`G_k \sim A_k^{\beta}` (dimensionless).
    log_correction : bool
        Whether a power of k multiplies one of the two laws (a Jordan block in the transition
        operator; at stride 1 never).
    log_power : int
        That power for D_k (0 without correction).
    kernel : Kernel
        The filter; for a repeating block, the composite filter of one block.
    stride : int
        The stride; for a block, its total stride.
    dim : int
        Dimension of the image.
    rectify : {"input", "noise", "layers", None}
        How the noise meets the ReLU.
    plateau : sympy.Expr or None
        Limit of D_k on the infinite lattice, the same in every d: 0 if alpha > 0; None if D_k
        keeps oscillating.
    sum_rule : bool
        Whether every grid phase receives the same weight (always at stride 1).
    span : int
        Greatest common divisor of the differences of the kernel's support.
    peak_growth, drop_growth : sympy.Expr
        Growth rates per layer of c_k(0) and of c_k(0) - c_k(1) (both 1 at stride 1, where
        they decay algebraically).
    padded : bool
        Whether the layers pad a finite image: the exponents are those of the infinite lattice,
        which has no border.

    Examples
    --------
    >>> from scaledet import predict_exponents
    >>> predict_exponents(kernel=4, stride=2).alpha
    2
    """

    alpha: Any
    beta: Any
    log_correction: bool
    log_power: int
    kernel: Kernel
    stride: int
    dim: int
    rectify: Rectify
    plateau: Any
    sum_rule: bool
    span: int
    peak_growth: Any
    drop_growth: Any
    padded: bool = False

    _kind = "exponents"
    _facts: ClassVar = {
        "stride": count(1),
        "dim": one_of(1, 2, 3),
        "rectify": one_of(*RECTIFICATIONS),
        "padded": validate.flag,
    }

    def _values(self) -> dict[str, Any]:
        return vars(self)

    @isolated
    def to_stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return plain facts and arrays, which `from_stored` reads."""
        facts, arrays = super().to_stored()
        if not self.padded:  # Files written before there was padding match.
            del facts["padded"]
        numbers = {name: getattr(self, name) for name in ("alpha", "beta")}
        exact = {
            name: {"exact": rationals.shown(n), "value": float(n)} for name, n in numbers.items()
        }
        return {
            "kernel": [rationals.full_text(weight) for weight in self.kernel],
            **facts,
            **exact,
        }, arrays

    @classmethod
    @isolated
    def from_stored(cls, facts: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """Compute again what was saved, from kernel, stride, dimension and rectification."""
        facts.setdefault("padded", False)
        given = {name: reader(name, facts[name]) for name, reader in cls._facts.items()}
        kernel = Kernel([rationals.parsed(text) for text in facts.pop("kernel")])
        given = vars(_exponents(kernel, *given.values()))
        for name in ("alpha", "beta"):
            if not math.isclose(value := facts.pop(name)["value"], given[name], rel_tol=1e-12):
                raise ArgumentError(f"{name} is {spelled(given[name])}; got {value!r}")
        return super().from_stored({**given, **facts}, arrays)

    @property
    def rates(self) -> Growth:
        """Both sequences and their dominant roots, from which all of this follows (stride > 1)."""
        return growth(self.kernel.trimmed, self.stride)

    @isolated
    def __repr__(self) -> str:
        return super().__repr__()

    def remarks(self) -> list[str]:
        """Return what the two exponents do not say."""
        remarks = []
        if self.padded:
            remarks.append(
                "of the infinite lattice: padding matters to finite images only (predict)"
            )
        if self.plateau is None:
            remarks.append("D_k keeps oscillating in every d")
        elif self.plateau != 0:
            remarks.append(f"D_k tends to {spelled(self.plateau)} in every d")
        if self.log_correction:
            remarks.append(f"with a logarithm: D_k carries a factor k^{self.log_power}")
        return remarks

    def _title(self) -> str:
        return (
            f"Exponents of {self.kernel!r}, stride {self.stride}, d = {self.dim}, "
            f"rectify = {self.rectify!r}"
        )

    def _described(self) -> dict[str, str]:
        return {
            "D_k ~ A_k^-alpha": f"alpha = {spelled(self.alpha)}",
            "G_k ~ A_k^beta": f"beta  = {spelled(self.beta)}",
        }

    @isolated
    def _repr_latex_(self) -> str:
        return (
            rf"$D_k \sim A_k^{{-\alpha}},\ \alpha {_formula(self.alpha)};\quad "
            rf"G_k \sim A_k^{{\beta}},\ \beta {_formula(self.beta)}$"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(self._repr_latex_())}</p>{super()._repr_html_()}"


@isolated
def predict_exponents(
    net: Network | None = None,
    *,
    kernel: Kernel | int | Sequence[Any] | None = None,
    stride: bool | Stride | None = None,
    dim: int | None = None,
    rectify: Rectify = "input",
) -> Exponents:
    r"""Exact exponents of D_k ~ A_k^-alpha and G_k ~ A_k^beta.

    Stride 1: alpha = 2 and beta = d (variance > 0, span 1). Stride s > 1: with rho and rho_D the
    growth rates of c_k(0) and c_k(0) - c_k(1) under the transition operator,

    .. math:: \alpha = \log_s(\rho / \rho_D), \qquad \beta = -d \log_s \rho .

    No filter has alpha > 2; `stability_limit` says how small its D_k can be at given A_k.

    Parameters
    ----------
    net : Network, optional
        Equal layers, or a block of layers repeated at least twice; their padding does not matter.
        Excludes the next three.
    kernel : int, Kernel or sequence of weights, default 2
        An integer n means ``box(n)``.
    stride : int, True or "kernel", default 1
        Step between the outputs (pixels); True and "kernel": the kernel's length.
    dim : {1, 2, 3}, default 1
        Dimension of the image.
    rectify : {"input", "noise", "layers", None}, default "input"
        How the noise meets the ReLU; "layers" (every layer rectifies, biases 0) changes the
        amplitude of G_k by the factor c_1(0)^d only, None is linear noise, whose beta is 0.

    Returns
    -------
    Exponents

    Raises
    ------
    ValueError, TypeError
        For bad arguments; for networks without repetition; for kernels of one weight (nothing
        pools, A_k = 1, alpha undefined); for signed kernels and negative biases; and for float
        weights that meet the sum rule only up to rounding, where the exact answer for the given
        binary numbers is not the answer meant.

    Notes
    -----
    Assumes an infinite lattice, k to infinity, noise matched to the displacement. Sources:
    Tomasini et al., arXiv:2210.01506 (boxes, stride 1 and stride = length); our derivation for
    any filter and stride.

    Examples
    --------
    >>> predict_exponents(kernel=6, stride=3).alpha
    log(2)/log(3) + 1
    >>> predict_exponents(kernel=3, stride=2)
    Exponents of Kernel(1/3, 1/3, 1/3), stride 2, d = 1, rectify = 'input'
      D_k ~ A_k^-alpha   alpha = 0
      G_k ~ A_k^beta     beta  = -log(sqrt(17)/18 + 5/18)/log(2) = 0.9804
      D_k tends to 5/4 - sqrt(17)/4 = 0.219224 in every d
    """
    rectify = validate.choice("rectify", rectify, RECTIFICATIONS)
    if net is None:
        if stride is None or stride is False:
            stride = 1
        layer = Layer(2 if kernel is None else kernel, "kernel" if stride is True else stride)
        block = Network([layer], 1 if dim is None else dim)
        require_theory(block, "predict_exponents")
    else:
        given = {"kernel": kernel, "stride": stride, "dim": dim}
        for name, value in given.items():
            if value is not None:
                raise ArgumentError(f"{name} must be left out when net is given; got {value!r}")
        block = _block_of(net, rectify)
    single, padded = block.depth == 1, any(layer.padding is not None for layer in block)
    pool = block.layers[0].kernel if single else Kernel(composite_filter(block, block.depth))
    step = block.strides[-1]
    if pool.support == 1:
        raise ArgumentError(
            f"kernel must have at least two non-zero weights; got {pool!r}: nothing pools, "
            "A_k = 1 at every layer and the exponents are undefined"
        )
    if step > 1:
        refuse_rounded_sum_rule(pool, step)
    return _exponents(pool, step, block.dim, rectify, padded)


def _formula(value: Any) -> str:
    """LaTeX of "= value", or of its decimals if it is long."""
    import sympy as sp

    text = rationals.shown(value, sp.latex, instead="")
    return f"= {text}" if 0 < len(text) <= 200 else rf"\approx {float(value):.6g}"


def _block_of(net: Network, rectify: Rectify) -> Network:
    require_network(net)
    if rectify == "layers":
        require_no_bias(net, "predict_exponents")
    require_theory(net, "predict_exponents")
    if net.period == net.depth and net.depth > 1:
        raise ArgumentError(
            "net must repeat one layer or one block of layers at least twice; got "
            f"{net.depth} layers without repetition (exponents describe infinite repetition; "
            "predict gives D_k and G_k of any network, layer by layer)"
        )
    return net[: net.period]


def _exponents(
    pool: Kernel, step: int, dim: int, rectify: Rectify, padded: bool = False
) -> Exponents:
    import sympy as sp

    logarithm, noise_log, peak, drop = 0, False, sp.Integer(1), sp.Integer(1)
    if step == 1:
        # D_k = 1/(4 k kappa_2) + ..., c_k(0) = (4 pi k kappa_2)^(-1/2) span, A_k^2 = 1 + 12 k
        # kappa_2; a span above 1 leaves c_k(1) = 0, so D_k = 1 at every layer.
        alone = pool.span > 1
        alpha, beta, limit = sp.Integer(0 if alone else 2), sp.Integer(dim), sp.Integer(alone)
    else:
        rates = growth(pool.trimmed, step)
        peak, drop, limit = rates.peak.sympy(), rates.drop.sympy(), plateau(rates)
        alike = rates.peak.same_as(rates.drop)
        alpha = sp.Integer(0) if alike else -log_in_base(drop / peak, step)
        beta = -dim * log_in_base(peak, step)
        logarithm = rates.drop.multiplicity - rates.peak.multiplicity
        noise_log = rates.peak.multiplicity > 1 and rectify is not None
    return Exponents(
        alpha=alpha,
        beta=sp.Integer(0) if rectify is None else beta,
        log_correction=logarithm != 0 or noise_log,
        log_power=logarithm,
        kernel=pool,
        stride=step,
        dim=dim,
        rectify=rectify,
        plateau=limit,
        sum_rule=pool.sum_rule_defect(step) == 0,
        span=pool.span,
        peak_growth=peak,
        drop_growth=drop,
        padded=padded,
    )
