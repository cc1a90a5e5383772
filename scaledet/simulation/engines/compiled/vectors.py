"""Eight numbers at a time, in compiled code: the widest registers of a processor, or several.

Operators act on all eight; what is not eight numbers wide is left to the compiler.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core.typing.templates import ConcreteTemplate, infer_global
from numba.extending import intrinsic, lower_builtin, models, register_model

__all__ = ["EIGHT", "larger", "load", "spaced", "splat", "store"]

EIGHT = 8

_instruction: Callable[[Any], Any] = intrinsic
_FLOATS = ir.VectorType(ir.DoubleType(), EIGHT)
_INDEX = ir.IntType(32)


class _Vector(types.Type):
    def __init__(self) -> None:
        super().__init__(name="eight floats")


_VECTOR = _Vector()


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _FLOATS)  # type: ignore[no-untyped-call]


def _place(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    """Return a pointer to the eight numbers of a flat array from index `at` on."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), _FLOATS.as_pointer())


@_instruction
def load(_typing: Any, x: Any, at: Any) -> Any:
    """load(x, at): the eight numbers x[at : at + 8] of a flat array."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, signature.args[0], *arguments)
        return builder.load(place, align=8)

    return _VECTOR(x, at), generate


@_instruction
def spaced(_typing: Any, x: Any, at: Any, _step: Any) -> Any:
    """spaced(x, at, step): the eight numbers x[at : at + 8 step : step] of a flat array."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, place, apart = arguments
        data = context.make_array(signature.args[0])(context, builder, array).data
        eight = ir.Constant(_FLOATS, ir.Undefined)
        for i in range(EIGHT):
            number = builder.load(builder.gep(data, [place]))
            eight = builder.insert_element(eight, number, _INDEX(i))
            place = builder.add(place, apart)
        return eight

    return _VECTOR(x, at, types.intp), generate


@_instruction
def store(_typing: Any, x: Any, at: Any, eight: Any) -> Any:
    """store(x, at, eight): let x[at : at + 8] be these numbers."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, signature.args[0], *arguments[:2])
        builder.store(arguments[2], place, align=8)
        return context.get_dummy_value()

    return types.void(x, at, eight), generate


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
def larger(_typing: Any, a: Any, b: Any) -> Any:
    """larger(a, b): the larger ones of two times eight numbers."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", *arguments), *arguments)

    return _VECTOR(a, b), generate


def _let(operate: Callable[[Any, Any], Any], instruction: str) -> None:
    cases = {"cases": [_VECTOR(_VECTOR, _VECTOR)]}
    template: Any = infer_global(operate)  # type: ignore[no-untyped-call]
    template(type(f"_{instruction}", (ConcreteTemplate,), cases))

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return getattr(builder, instruction)(*arguments)

    lower: Any = lower_builtin(operate, _Vector, _Vector)  # type: ignore[no-untyped-call]
    lower(generate)


_let(operator.add, "fadd")
_let(operator.sub, "fsub")
_let(operator.mul, "fmul")
