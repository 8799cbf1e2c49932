"""priot.kernels.matrices.products: every way to multiply gives the integers of plain arithmetic."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_strategies import PRODUCTS, SEEDS
from numpy.typing import NDArray

from priot.kernels.matrices.float_products import EXACT_TERMS, FloatProducts
from priot.kernels.matrices.memory import Memory
from priot.kernels.matrices.products import Products, fastest_products, is_exact

SIZES = st.one_of(st.integers(1, 70), st.sampled_from([1, 512, EXACT_TERMS, EXACT_TERMS + 1, 2500]))


def operand(
    products: Products, values: NDArray[np.int8], transposed: bool, sliced: bool
) -> NDArray[Any]:
    """``values`` as the engine passes matrices: whole, a transpose, or columns of a wider one."""
    stored = np.array(values.T if transposed else values, order="C")
    if sliced:
        wider = np.full((len(stored), stored.shape[1] + 5), -1, np.int8)
        wider[:, 2:-3] = stored
        stored = wider
    taken = products.operand(stored, Memory(products.dtype))
    if sliced:
        taken = taken[:, 2:-3]
    return taken.T if transposed else taken


@pytest.mark.parametrize("kind", PRODUCTS)
def test_products_are_those_of_integers(kind: type[Products]) -> None:
    products = kind()

    @given(
        st.tuples(SIZES, SIZES, SIZES).filter(lambda shape: np.prod(shape) < 2e6),
        SEEDS,
        st.lists(st.booleans(), min_size=5, max_size=5),
        st.integers(0, 3),
        st.integers(0, 3),
    )
    def equal(
        shape: tuple[int, int, int], seed: int, flags: list[bool], before: int, behind: int
    ) -> None:
        rows, terms, columns = shape
        generator = np.random.default_rng(seed)
        values = np.arange(-128, 128) if flags[4] else np.array([-128, 127])
        left = generator.choice(values, (rows, terms)).astype(np.int8)
        right = generator.choice(values, (terms, columns)).astype(np.int8)
        sums = generator.integers(-1000, 1000, (rows, before + columns + behind), np.int32)
        for add in (False, True):
            expected = sums.copy()
            target = expected[:, before : before + columns]
            target[...] = add * target + left.astype(np.int64) @ right.astype(np.int64)
            products.multiply(
                operand(products, left, flags[0], flags[1]),
                operand(products, right, flags[2], flags[3]),
                sums,
                before,
                add,
            )
            np.testing.assert_array_equal(sums, expected)

    equal()


@pytest.mark.parametrize("extreme", [-128, 127])  # 127 * 127 is odd: no sum is a round number
@pytest.mark.parametrize("kind", PRODUCTS)
def test_the_largest_sums(kind: type[Products], extreme: int) -> None:
    products, sums = kind(), np.empty((2, 2), np.int32)
    matrix = np.full((2, 4 * EXACT_TERMS + 3), extreme, np.int8)
    taken = products.operand(matrix, Memory(products.dtype))
    products.multiply(taken, taken.T, sums)
    assert (sums == extreme**2 * matrix.shape[1]).all()


class _Saturating(FloatProducts):
    """As processors do that add two products of bytes in 16 bits."""

    def multiply(self, left: Any, right: Any, sums: Any, first: int = 0, add: bool = False) -> None:
        pairs = left[:, 0::2, None] * right[0::2] + left[:, 1::2, None] * right[1::2]
        sums[...] = np.clip(pairs, -(2**15), 2**15 - 1).sum(axis=1)


def test_a_processor_that_saturates_is_found_out() -> None:
    assert is_exact(FloatProducts())
    assert not is_exact(_Saturating())


@pytest.fixture
def _chosen_anew() -> Iterator[None]:
    fastest_products.cache_clear()
    yield
    fastest_products.cache_clear()


@pytest.mark.usefixtures("_chosen_anew")
def test_without_pytorch_products_are_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "priot.kernels.matrices.int8_products", None)
    assert fastest_products() is FloatProducts


@pytest.mark.usefixtures("_chosen_anew")
@pytest.mark.parametrize(
    ("exact", "seconds", "chosen"), [(True, 1, "Int8"), (False, 1, "Float"), (True, 3, "Float")]
)
def test_int8_is_taken_where_it_is_exact_and_faster(
    monkeypatch: pytest.MonkeyPatch, exact: bool, seconds: float, chosen: str
) -> None:
    pytest.importorskip("torch")
    times = {"FloatProducts": 2.0, "Int8Products": seconds}
    monkeypatch.setattr("priot.kernels.matrices.products.is_exact", lambda _: exact)
    monkeypatch.setattr(
        "priot.kernels.matrices.products.seconds_of", lambda kind: times[kind.__name__]
    )
    assert fastest_products().__name__ == f"{chosen}Products"
