"""Vectors as values of compiled code, for loops whose totals have to stay in registers.

The compiler's own vector code keeps totals in memory wherever it cannot prove that two arrays lie
apart. All here is generic LLVM code, which runs on any processor, as wide as its registers are. No
index is checked.
"""

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model
from numba.np.arrayobj import make_array

LANES = 16
"""Elements of a vector, each an int32 or two int16: one register of AVX-512, two of AVX2."""
BLOCK = 8
"""Vectors of a block."""

_INT = ir.IntType(32)
_INTS = ir.VectorType(_INT, LANES)
_HALVES = ir.VectorType(ir.IntType(16), 2 * LANES)
_PRODUCTS = ir.VectorType(_INT, 2 * LANES)


class _Vector(types.Type):
    """LANES elements."""


def _intrinsic(function: Callable[..., Any]) -> Callable[..., Any]:
    """Of a function of types: what compiled code calls has one argument less."""
    return cast(Callable[..., Any], intrinsic(function))


_VECTOR = _Vector("vector")
_TOTALS = types.UniTuple(_VECTOR, BLOCK)  # type: ignore[no-untyped-call]


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _INTS)  # type: ignore[no-untyped-call]


@_intrinsic
def load(typing: Any, array: Any, start: Any) -> Any:
    """The vector at array[start:]; the array (int32) is seen as a flat one, here and below."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value = builder.load(_pointer(context, builder, signature.args[0], arguments, _INTS))
        value.align = 4  # an array's data is aligned to its elements alone
        return value

    return _VECTOR(array, types.int64), generate


@_intrinsic
def store(typing: Any, vector: Any, array: Any, start: Any) -> Any:
    """array[start:] = vector."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value, *place = arguments
        pointer = _pointer(context, builder, signature.args[1], place, _INTS)
        builder.store(value, pointer).align = 4
        return context.get_dummy_value()

    return types.void(vector, array, types.int64), generate


@_intrinsic
def larger(typing: Any, first: Any, second: Any) -> Any:
    """The larger of each pair of int16."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, b = (builder.bitcast(argument, _HALVES) for argument in arguments)
        return builder.bitcast(builder.select(builder.icmp_signed(">", a, b), a, b), _INTS)

    return _VECTOR(first, second), generate


@_intrinsic
def no_products(typing: Any) -> Any:
    """A block of zeros, for ``add_products``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return ir.Constant(ir.ArrayType(_INTS, BLOCK), None)

    return _TOTALS(), generate


@_intrinsic
def add_products(typing: Any, totals: Any, weights: Any, start: Any, values: Any) -> Any:
    """totals[o] + weights[start + o] * values for every o of the block.

    An element's two int16 are multiplied with the weight's two and the products added up. Of what
    is written here the compiler makes one or two instructions (VPDPWSSD, VPMADDWD).
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block, *place, values = arguments
        wide = builder.sext(builder.bitcast(values, _HALVES), _PRODUCTS)
        first = _pointer(context, builder, signature.args[1], place, _INT)
        for o in range(BLOCK):
            weight = builder.load(builder.gep(first, [_INT(o)]))
            products = builder.mul(wide, builder.sext(_spread(builder, weight), _PRODUCTS))
            even = _chosen(builder, products, range(0, 2 * LANES, 2))
            odd = _chosen(builder, products, range(1, 2 * LANES, 2))
            total = builder.add(builder.extract_value(block, o), builder.add(even, odd))
            block = builder.insert_value(block, total, o)
        return block

    return _TOTALS(totals, weights, types.int64, values), generate


def _pointer(context: Any, builder: Any, kind: Any, place: Any, of: Any) -> Any:
    """To an element of type ``of``; a place is an array and an index."""
    array, index = place
    data = make_array(kind)(context, builder, array).data  # type: ignore[no-untyped-call]
    return builder.bitcast(builder.gep(data, [index]), of.as_pointer())


def _spread(builder: Any, number: Any) -> Any:
    """An int32 in every element, as int16."""
    first = builder.insert_element(ir.Constant(_INTS, ir.Undefined), number, _INT(0))
    return builder.bitcast(_chosen(builder, first, [0] * LANES), _HALVES)


def _chosen(builder: Any, vector: Any, indices: Any) -> Any:
    mask = ir.Constant(ir.VectorType(_INT, LANES), list(indices))
    return builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), mask)
