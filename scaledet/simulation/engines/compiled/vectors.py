"""Eight numbers at a time, in compiled code: the widest registers of a processor, or several.

Operators act on all eight; what is not eight numbers wide is left to the compiler. Numbers are
taken from addresses: arrays would be counted as references, at a cost larger than that of a short
line, wherever one of two is chosen.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]  # it has no types
from numba import types
from numba.core.typing.templates import ConcreteTemplate, infer_global
from numba.extending import intrinsic, lower_builtin, models, register_model

__all__ = [
    "EIGHT",
    "address",
    "beginning",
    "integer",
    "larger",
    "load",
    "number",
    "put",
    "spaced",
    "splat",
    "store",
    "sum_of",
]

EIGHT = 8

# Numba's decorators have no types.
_instruction: Callable[[Any], Any] = intrinsic
_operator: Callable[[Any], Any] = infer_global
_code: Callable[..., Any] = lower_builtin
_FLOATS = ir.VectorType(ir.DoubleType(), EIGHT)
_INDEX, _WHOLE = ir.IntType(32), ir.IntType(64)


class _Vector(types.Type):
    def __init__(self) -> None:
        super().__init__(name="eight floats")


_VECTOR = _Vector()


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _FLOATS)  # type: ignore[no-untyped-call]  # numba has no types


def _place(builder: Any, arguments: Any, kind: Any) -> Any:
    """Return a pointer to what is so many numbers after an address: `arguments` begin with both."""
    first = builder.inttoptr(arguments[0], ir.DoubleType().as_pointer())
    return builder.bitcast(builder.gep(first, [arguments[1]]), kind.as_pointer())


@_instruction
def address(_typing: Any, x: Any) -> Any:
    """address(x): where an array begins. What only an address is left of is not kept alive."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, *arguments).data
        return builder.ptrtoint(data, _WHOLE)

    return types.int64(x), generate


@_instruction
def load(_typing: Any, _begin: Any, _at: Any) -> Any:
    """load(x, at): the eight numbers from number `at` after the address x on."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.load(_place(builder, arguments, _FLOATS), align=8)

    return _VECTOR(types.int64, types.int64), generate


@_instruction
def spaced(_typing: Any, _begin: Any, _at: Any, _step: Any) -> Any:
    """spaced(x, at, step): eight numbers, `step` apart, from number `at` after the address x on."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        begin, at, apart = arguments
        eight = ir.Constant(_FLOATS, ir.Undefined)
        for i in range(EIGHT):
            value = builder.load(_place(builder, (begin, at), ir.DoubleType()))
            eight = builder.insert_element(eight, value, _INDEX(i))
            at = builder.add(at, apart)
        return eight

    return _VECTOR(types.int64, types.int64, types.int64), generate


@_instruction
def number(_typing: Any, _begin: Any, _at: Any) -> Any:
    """number(x, at): number `at` after the address x."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.load(_place(builder, arguments, ir.DoubleType()))

    return types.float64(types.int64, types.int64), generate


@_instruction
def integer(_typing: Any, _begin: Any, _at: Any) -> Any:
    """integer(x, at): the whole number `at` after the address x, of numbers of 64 bits."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.load(_place(builder, arguments, _WHOLE))

    return types.int64(types.int64, types.int64), generate


@_instruction
def store(_typing: Any, _begin: Any, _at: Any, eight: Any) -> Any:
    """store(x, at, eight): let these be the eight numbers from `at` after the address x on."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        builder.store(arguments[2], _place(builder, arguments, _FLOATS), align=8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, eight), generate


@_instruction
def put(_typing: Any, _begin: Any, _at: Any, _value: Any) -> Any:
    """put(x, at, value): let this be number `at` after the address x."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        builder.store(arguments[2], _place(builder, arguments, ir.DoubleType()))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.float64), generate


@_instruction
def splat(_typing: Any, _value: Any) -> Any:
    """splat(value): the same number eight times."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        empty = ir.Constant(_FLOATS, ir.Undefined)
        first = builder.insert_element(empty, arguments[0], _INDEX(0))
        everywhere = ir.Constant(ir.VectorType(_INDEX, EIGHT), [0] * EIGHT)
        return builder.shuffle_vector(first, empty, everywhere)

    return _VECTOR(types.float64), generate


@_instruction
def beginning(_typing: Any, _count: Any) -> Any:
    """beginning(count): of eight numbers, the first `count` are 1, the others 0."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        integers = ir.VectorType(_WHOLE, EIGHT)
        eight = ir.Constant(integers, ir.Undefined)
        for i in range(EIGHT):
            eight = builder.insert_element(eight, arguments[0], _INDEX(i))
        inside = builder.icmp_signed("<", ir.Constant(integers, list(range(EIGHT))), eight)
        return builder.uitofp(inside, _FLOATS)

    return _VECTOR(types.int64), generate


@_instruction
def larger(_typing: Any, a: Any, b: Any) -> Any:
    """larger(a, b): the larger ones of two times eight numbers."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", *arguments), *arguments)

    return _VECTOR(a, b), generate


@_instruction
def sum_of(_typing: Any, eight: Any) -> Any:
    """sum_of(eight): the sum of eight numbers."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        numbers = [builder.extract_element(arguments[0], _INDEX(i)) for i in range(EIGHT)]
        while len(numbers) > 1:
            half = len(numbers) // 2
            numbers = [builder.fadd(numbers[i], numbers[i + half]) for i in range(half)]
        return numbers[0]

    return types.float64(eight), generate


def _let(operate: Callable[[Any, Any], Any], instruction: str) -> None:
    cases = {"cases": [_VECTOR(_VECTOR, _VECTOR)]}
    _operator(operate)(type(f"_{instruction}", (ConcreteTemplate,), cases))

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return getattr(builder, instruction)(*arguments)

    _code(operate, _Vector, _Vector)(generate)


_let(operator.add, "fadd")
_let(operator.sub, "fsub")
_let(operator.mul, "fmul")
