"""Vectors of LANES numbers as values of compiled code, for loops that must stay in registers.

The compiler's own vector code keeps totals in memory wherever it cannot prove that two arrays are
apart. Everything here is generic LLVM code: any processor runs it, as wide as its registers are.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model
from numba.np.arrayobj import make_array

LANES = 16
"""Numbers of a vector: one register of AVX-512, two of AVX2."""
OUTPUTS = 8
"""Vectors of a block: totals of as many outputs, which share every load of an input."""

_INT = ir.IntType(32)
_VECTOR = ir.VectorType(_INT, LANES)
_HALVES = ir.VectorType(ir.IntType(16), 2 * LANES)
_PRODUCTS = ir.VectorType(_INT, 2 * LANES)


class _Vector(types.Type):  # type: ignore[misc]
    """LANES int32."""


VECTOR = _Vector("vector")
BLOCK = types.UniTuple(VECTOR, OUTPUTS)


@register_model(_Vector)  # type: ignore[untyped-decorator]
class _VectorModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


def _pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any, of: Any) -> Any:
    data = make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), of.as_pointer())


def _load(builder: Any, pointer: Any) -> Any:
    """A vector from anywhere: an array's data is aligned to its elements alone."""
    loaded = builder.load(pointer)
    loaded.align = 4
    return loaded


def _indices(numbers: Any) -> Any:
    numbers = list(numbers)
    return ir.Constant(ir.VectorType(_INT, len(numbers)), numbers)


def _shuffled(builder: Any, vector: Any, numbers: Any) -> Any:
    return builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), _indices(numbers))


def _splat(builder: Any, number: Any) -> Any:
    first = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), number, _INT(0))
    return _shuffled(builder, first, [0] * LANES)


@intrinsic  # type: ignore[untyped-decorator]
def zeros(typing: Any) -> Any:
    """A block of zeros."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return ir.Constant(ir.ArrayType(_VECTOR, OUTPUTS), None)

    return BLOCK(), generate


@intrinsic  # type: ignore[untyped-decorator]
def add_products(typing: Any, totals: Any, weights: Any, at: Any, values: Any, start: Any) -> Any:
    """totals[o][lane] += weights[at + o] * values[start + lane]: products of pairs, summed.

    ``weights`` and ``values`` are int32 that hold two int16 each. Sums of two products that are
    written this way become one instruction (VPMADDWD, VPDPWSSD) on processors of the x86 family.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block, weight_array, at, value_array, start = arguments
        values = _load(
            builder, _pointer(context, builder, signature.args[3], value_array, start, _VECTOR)
        )
        wide = builder.sext(builder.bitcast(values, _HALVES), _PRODUCTS)
        first = _pointer(context, builder, signature.args[1], weight_array, at, _INT)
        for output in range(OUTPUTS):
            weight = builder.load(builder.gep(first, [_INT(output)]))
            pairs = builder.bitcast(_splat(builder, weight), _HALVES)
            products = builder.mul(wide, builder.sext(pairs, _PRODUCTS))
            even = _shuffled(builder, products, range(0, 2 * LANES, 2))
            odd = _shuffled(builder, products, range(1, 2 * LANES, 2))
            total = builder.add(builder.extract_value(block, output), builder.add(even, odd))
            block = builder.insert_value(block, total, output)
        return block

    return BLOCK(totals, weights, at, values, start), generate


@intrinsic  # type: ignore[untyped-decorator]
def store(typing: Any, totals: Any, sums: Any, start: Any, step: Any) -> Any:
    """sums[start + o * step + lane] = totals[o][lane]."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block, array, start, step = arguments
        for output in range(OUTPUTS):
            pointer = _pointer(context, builder, signature.args[1], array, start, _VECTOR)
            builder.store(builder.extract_value(block, output), pointer).align = 4
            start = builder.add(start, step)
        return context.get_dummy_value()

    return types.void(totals, sums, types.int64, types.int64), generate
