"""One layer of a network: pool, add a bias, rectify."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal, cast

from scaledet import rationals, validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.network.boundary import AxisRule, Mode
from scaledet.network.grid_kernel import Filter, GridKernel, as_filter, spread
from scaledet.network.kernel import LONGEST, Kernel, both_spellings, entries
from scaledet.rationals import shown

__all__ = ["Layer", "Padding", "Stride"]

Stride = int | Literal["kernel"] | tuple[int, ...]
"""A step between the outputs (pixels), also per axis, or the kernel's length."""

Padding = int | tuple[int, ...] | tuple[tuple[int, int], ...] | Literal["same", "same-tf"] | None
"""Sites added around the image: on all sides, per axis (d = 1: left and right), pairs of sides per
axis, by a framework's rule; None is the torus."""

LONGEST_STRIDE = 2**48
"""Longest step between outputs (pixels): that of the longest image."""

_MODES: tuple[Mode, ...] = ("zeros", "circular", "reflect", "replicate")
_POOLINGS = ("average", "max")


@dataclass(frozen=True, init=False, repr=False)
class Layer:
    r"""One layer, :math:`y_i = \mathrm{relu}\bigl(\sum_j a_j x_{s i + \delta j - p} + b\bigr)`.

    Parameters
    ----------
    kernel : int, Kernel, sequence of weights, nested sequence or tuple
        An integer n means ``box(n)``; weights are normalised to sum 1. One kernel serves along
        every axis (the filter is its tensor product with itself). In two and three dimensions a
        tuple of integers is the lengths of boxes per axis, a tuple that holds kernels or lists is
        the kernels per axis, and a nested list or an array is the filter itself, product or not.
    stride : int, tuple of int, or "kernel"; default 1
        Step s between the outputs (pixels), at least 1, also per axis; "kernel" stands for the
        kernel's length.
    bias : real, default 0
        Added before the rectification (units of the image's height), exact: a float is read as
        `Kernel` reads it.
    padding : None, int, tuple, "same" or "same-tf"; default None
        None: the torus, p = 0. A number: sites added on every side (0: no torus). A tuple: in
        one dimension (left, right), in more a number per axis or a pair of sides per axis.
        "same": PyTorch's rule, for stride 1, the odd site on the right. "same-tf": TensorFlow's
        rule "SAME", outputs n / s rounded up, the odd site on the right.
    padding_mode : {"zeros", "circular", "reflect", "replicate"}, default "zeros"
        What the added sites hold. Reflection needs less padding than pixels, "circular" at most
        as much.
    dilation : int or tuple of int, default 1
        Distance :math:`\delta` of the pixels that neighbouring weights read, also per axis; the
        attribute `kernel` holds the zeros in between.
    count_include_pad : bool, default True
        False: every output is divided by the weight that lies inside the image (needs zeros as
        padding). TensorFlow's average pooling does so.
    ceil_mode : bool, default False
        Round the number of outputs up; a last window that would start in the right padding is
        dropped, one that overhangs is divided by its weight inside the padded image.
    pooling : {"average", "max"}, default "average"
        "max" takes the largest value of a box instead; padding of zeros never wins. Outside the
        theory: ``simulate`` runs it.

    Attributes
    ----------
    taps : Kernel, tuple of Kernel or GridKernel
        The filter: one kernel for all axes, one per axis, or one that is no product.
    filter : Kernel, tuple of Kernel or GridKernel
        The filter with the zeros of its dilation.
    step : int or tuple of int
        The stride, of all axes or per axis.
    axes : int or None
        The number of axes that the tuples and arrays name, None if they name none.

    Notes
    -----
    Output sizes are those of PyTorch: floor((n + p_left + p_right - delta (f - 1) - 1) / s) + 1.
    Source: documentation of ``torch.nn.Conv2d``, ``torch.nn.AvgPool2d`` and of "SAME" in
    ``tf.nn.convolution``.

    Examples
    --------
    >>> Layer(kernel=[1, 2, 1], stride=2)
    Layer(kernel=[1/4, 1/2, 1/4], stride=2)
    >>> Layer(kernel=3, stride="kernel")
    Layer(kernel=box(3), stride=3)
    >>> Layer(kernel=(3, 5), stride=(1, 2), padding="same-tf", dilation=2)
    Layer(kernel=(3, 5), stride=(1, 2), padding='same-tf', dilation=2)
    """

    taps: Filter
    step: int | tuple[int, ...]
    bias: Fraction
    padding: Padding
    padding_mode: Mode
    dilation: int | tuple[int, ...]
    count_include_pad: bool
    ceil_mode: bool
    pooling: Literal["average", "max"]
    filter: Filter = field(compare=False)
    axes: int | None = field(compare=False)

    def __init__(
        self,
        kernel: Kernel | GridKernel | int | Sequence[Any],
        stride: Stride = 1,
        bias: Any = 0,
        *,
        padding: Any = None,
        padding_mode: Mode = "zeros",
        dilation: int | tuple[int, ...] = 1,
        count_include_pad: bool = True,
        ceil_mode: bool = False,
        pooling: Literal["average", "max"] = "average",
    ) -> None:
        given, axes = as_filter(kernel)
        named = isinstance(stride, str) and stride == "kernel"
        steps = _lengths(given) if named else stride
        step, step_axes = _per_axis("stride", steps, LONGEST_STRIDE, " or 'kernel'")
        gap, gap_axes = _per_axis("dilation", dilation, LONGEST)
        axes = _agreed(kernel=axes, stride=None if named else step_axes, dilation=gap_axes)
        amount = validate.rational("bias", bias)
        if abs(amount) > 10**100:
            raise ArgumentError(f"bias must be in [-1e100, 1e100]; got {shown(bias, reprlib.repr)}")
        values = {
            "taps": given,
            "step": step,
            "bias": amount,
            "padding": _checked_padding(padding),
            "padding_mode": validate.choice("padding_mode", padding_mode, _MODES),
            "dilation": gap,
            "count_include_pad": validate.flag("count_include_pad", count_include_pad),
            "ceil_mode": validate.flag("ceil_mode", ceil_mode),
            "pooling": validate.choice("pooling", pooling, _POOLINGS),
            "filter": spread(given, gap),
            "axes": axes,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        self._require_consistent()

    def _require_consistent(self) -> None:
        """Refuse options that contradict each other or would have no effect."""
        padding, zeros = self.padding, self.padding_mode == "zeros"
        if padding is None and not (zeros and self.count_include_pad and not self.ceil_mode):
            raise ArgumentError(
                "padding must be given (0 for none) with padding_mode, count_include_pad or "
                "ceil_mode; got None, the torus, which has no border"
            )
        if padding == "same" and self.step != 1:
            raise ArgumentError(
                f"padding must not be 'same' with a stride; got stride {self.step} (PyTorch "
                "refuses it too; 'same-tf' is TensorFlow's rule for any stride)"
            )
        if isinstance(padding, str) and self.ceil_mode:
            raise ArgumentError(f"ceil_mode must be False with padding {padding!r}; got True")
        if not self.count_include_pad and not (zeros and not self.signed and not self.is_max):
            raise ArgumentError(
                "count_include_pad must be True unless non-negative weights are averaged with "
                "padding_mode='zeros'; got False"
            )
        if self.ceil_mode and self.signed:
            raise ArgumentError("ceil_mode must be False with signed kernels; got True")
        if self.is_max and not all(
            isinstance(kernel, Kernel) and kernel.is_box for kernel in _kernels(self.taps)
        ):
            raise ArgumentError(
                f"kernel must be the length of a window, or lengths per axis, with pooling='max'; "
                f"got {_written(self.taps)}"
            )

    @property
    def kernel(self) -> Kernel:
        """The kernel along every axis, with the zeros of its dilation.

        Refused where the axes differ, or the filter is no product: see `filter`, `kernel_along`.
        """
        if not isinstance(self.filter, Kernel):
            raise ArgumentError(
                f"layer.kernel is a kernel for all axes, which {self!r} has not: use layer.filter "
                "or layer.kernel_along(axis)"
            )
        return self.filter

    @property
    def stride(self) -> int:
        """The step between the outputs along every axis (pixels); `step` where the axes differ."""
        if isinstance(self.step, tuple):
            raise ArgumentError(
                f"layer.stride is a stride for all axes, which {self!r} has not: use layer.step or "
                "layer.stride_along(axis)"
            )
        return self.step

    def kernel_along(self, axis: int) -> Kernel:
        """Return the kernel along one axis; of a filter that is no product, its marginal."""
        if isinstance(self.filter, GridKernel):
            return self.filter.marginal(axis)
        return self.filter[axis] if isinstance(self.filter, tuple) else self.filter

    def stride_along(self, axis: int) -> int:
        """Return the step between the outputs along one axis (pixels)."""
        return self.step[axis] if isinstance(self.step, tuple) else self.step

    def rule(self, axis: int, dim: int) -> AxisRule:
        """Return the windows along one axis of an image of dimension `dim`."""
        length = _lengths(self.filter)
        return AxisRule(
            length if isinstance(length, int) else length[axis],
            self.stride_along(axis),
            self._sides(axis, dim),
            self.padding_mode,
            self.ceil_mode,
        )

    def _sides(self, axis: int, dim: int) -> tuple[int, int] | Literal["same", "same-tf"] | None:
        padding = self.padding
        if padding is None or padding == "same" or padding == "same-tf":
            return padding
        if isinstance(padding, int):
            return padding, padding
        entry = padding if dim == 1 and isinstance(padding[0], int) else padding[axis]
        return (entry, entry) if isinstance(entry, int) else cast("tuple[int, int]", entry)

    def require_axes(self, dim: int, where: str) -> None:
        """Raise unless every tuple has an entry for each of the `dim` axes."""
        if self.axes is not None and self.axes != dim:
            if dim == 1 and all(isinstance(k, Kernel) and k.is_box for k in _kernels(self.taps)):
                lengths = _lengths(self.taps)
                many = (lengths,) * self.axes if isinstance(lengths, int) else lengths
                raise ArgumentError(f"{where}: {both_spellings(list(many))}")
            raise ArgumentError(
                f"{where} must have kernel, stride and dilation for the {dim} axes of the network "
                f"(dim={dim}); got {self.axes} axes in {self!r}"
            )
        if not isinstance(self.padding, tuple):
            return
        flat = isinstance(self.padding[0], int)
        if len(self.padding) != (2 if dim == 1 and flat else dim):
            accepted = "a number, (left, right)" if dim == 1 else f"{dim} numbers, {dim} pairs"
            raise ArgumentError(
                f"{where} must have as padding {accepted}, 'same', 'same-tf' or None in a network "
                f"of dim={dim}; got {self.padding!r}"
            )

    @property
    def signed(self) -> bool:
        """Whether a kernel is signed."""
        return any(kernel.signed for kernel in _kernels(self.filter))

    @property
    def is_max(self) -> bool:
        """Whether the layer takes the largest value instead of an average."""
        return self.pooling == "max"

    @property
    def is_separable(self) -> bool:
        """Whether the filter is a product of kernels along the axes."""
        return not isinstance(self.filter, GridKernel)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments that give this layer again, those at their defaults left out.

        >>> Layer(3, padding=1, dilation=2).arguments()
        {'kernel': Kernel(1/3, 1/3, 1/3), 'stride': 1, 'padding': 1, 'dilation': 2}
        """
        given = {"kernel": self.taps, "stride": self.step}
        return given | {
            name: getattr(self, name)
            for name, usual in _DEFAULTS.items()
            if getattr(self, name) != usual
        }

    def written(self) -> dict[str, str]:
        """Return the `arguments` as text."""
        writers: dict[str, Callable[[Any], str]] = {"kernel": _written, "bias": rationals.text}
        return {name: writers.get(name, repr)(value) for name, value in self.arguments().items()}

    def __repr__(self) -> str:
        return f"Layer({', '.join(f'{name}={text}' for name, text in self.written().items())})"


_DEFAULTS: dict[str, Any] = {
    "bias": 0,
    "padding": None,
    "padding_mode": "zeros",
    "dilation": 1,
    "count_include_pad": True,
    "ceil_mode": False,
    "pooling": "average",
}


def _kernels(value: Filter) -> tuple[Kernel | GridKernel, ...]:
    return value if isinstance(value, tuple) else (value,)


def _lengths(value: Filter) -> int | tuple[int, ...]:
    if isinstance(value, GridKernel):
        return value.shape
    return tuple(map(len, value)) if isinstance(value, tuple) else len(value)


def _written(value: Filter) -> str:
    if isinstance(value, GridKernel):
        return repr(value)
    if isinstance(value, tuple):
        boxes = all(kernel.is_box for kernel in value)
        texts = [str(len(kernel)) if boxes else _written(kernel) for kernel in value]
        return f"({', '.join(texts)})"
    return f"box({len(value)})" if value.is_box else f"[{', '.join(value.shown())}]"


def _per_axis(
    name: str, value: Any, maximum: int, other: str = ""
) -> tuple[int | tuple[int, ...], int | None]:
    """Return a number, or the numbers per axis if they differ; and how many axes were named."""
    given = entries(value)
    if given is None:
        return _bounded(name, value, maximum, other), None
    if len(given) not in (1, 2, 3):
        raise ArgumentError(f"{name} must be for 1, 2 or 3 axes; got {value!r}")
    numbers = tuple(_bounded(f"{name}[{j}]", entry, maximum) for j, entry in enumerate(given))
    return numbers[0] if len(set(numbers)) == 1 else numbers, len(numbers)


def _bounded(name: str, value: Any, maximum: int, other: str = "") -> int:
    number = validate.integer(name, value, 1, other=other)
    if number > maximum:
        raise ArgumentError(f"{name} must be at most {maximum} pixels; got {value!r}")
    return number


def _agreed(**axes: int | None) -> int | None:
    """Return the number of axes that all arguments name which name any."""
    named = {name: count for name, count in axes.items() if count is not None}
    if len(set(named.values())) > 1:
        counts = ", ".join(f"{count} in {name}" for name, count in named.items())
        raise ArgumentError(
            f"kernel, stride and dilation must name equally many axes; got {counts}"
        )
    return next(iter(named.values()), None)


def _checked_padding(value: Any) -> Padding:
    accepted = (
        "None (the torus), a number >= 0, numbers per axis (in one dimension left and right), "
        "pairs of sides per axis, 'same' or 'same-tf'"
    )
    if value is None or (isinstance(value, str) and value in ("same", "same-tf")):
        return cast("Padding", value)
    given = entries(value)
    if given is None:
        if isinstance(value, str):
            raise ArgumentError(f"padding must be {accepted}; got {value!r}")
        return _sites("padding", value, accepted)
    pairs = [entries(entry) for entry in given]
    if not given or any((pair is None) != (pairs[0] is None) for pair in pairs):
        raise ArgumentError(f"padding must be {accepted}; got {value!r}")
    if pairs[0] is None:
        return tuple(_sites(f"padding[{j}]", entry, accepted) for j, entry in enumerate(given))
    if any(len(pair or ()) != 2 for pair in pairs):
        raise ArgumentError(f"padding must be {accepted}; got {value!r}")
    return tuple(
        (_sites("padding", pair[0], accepted), _sites("padding", pair[1], accepted))
        for pair in pairs
        if pair is not None
    )


def _sites(name: str, value: Any, accepted: str) -> int:
    """Return a number of added sites."""
    try:
        return validate.integer(name, value, 0, LONGEST)
    except ArgumentError as error:
        kind = ArgumentTypeError if isinstance(error, ArgumentTypeError) else ArgumentError
        raise kind(f"{error}; padding may be {accepted}") from None
