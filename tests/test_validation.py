"""What the checks let through, and how; what they refuse, test_bad_input asks of the public functions."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg
from hypothesis import given
from hypothesis import strategies as st

from cnninv.backend import array_namespace, dense, free_memory, is_sparse, require_memory
from cnninv.validation import (
    POSITIVE,
    axis_lengths,
    filter_size,
    generator,
    one_of,
    places,
    real_array,
    real_matrix,
    real_number,
    whole_number,
)

MATRIX = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]])
FORMATS = ["csr", "csc", "coo", "lil", "dok", "dia", "bsr"]


class NoArray:
    """An array that refuses to become NumPy's, as those on a GPU do."""

    def __array__(self, *args, **kwargs):
        raise TypeError("implicit conversion is not allowed")


@pytest.mark.parametrize(
    ("given_dtype", "expected"),
    [
        (np.float64, np.float64),
        (np.float32, np.float32),
        (np.float16, np.float64),
        (np.int8, np.float64),
        (np.int64, np.float64),
        (np.uint32, np.float64),
        (">f8", np.float64),
        (">i4", np.float64),
        (np.longdouble, np.longdouble),
    ],
)
def test_numbers_become_native_floats(given_dtype, expected):
    array = real_array(np.array([1, 2, 3]).astype(given_dtype), "h")
    assert array.dtype == expected
    assert array.dtype.isnative
    np.testing.assert_array_equal(array, [1, 2, 3])


def test_a_float_array_is_passed_on_uncopied():
    h = np.ones(3)
    assert real_array(h, "h", ndim=1) is h


def test_nested_lists_and_numbers_are_arrays():
    assert real_array([[1, 2], [3, 4]], "h", ndim=2).shape == (2, 2)
    assert real_array(3, "h").shape == ()


def test_nan_is_let_through_on_request_only():
    assert np.isnan(real_array([np.nan], "h", finite=False)).all()
    with pytest.raises(ValueError, match="h has 1 entries that are NaN or infinite"):
        real_array([np.nan], "h")


def test_all_entries_that_are_not_finite_are_counted():
    with pytest.raises(ValueError, match="h has 3 entries"):
        real_array([[np.nan, 1.0], [np.inf, -np.inf]], "h")


def test_an_array_that_refuses_to_become_numpy_s_is_not_taken_apart():
    with pytest.raises(TypeError, match="implicit conversion is not allowed"):
        real_array(NoArray(), "h")


@pytest.mark.parametrize("format", FORMATS)
def test_sparse_matrices_of_every_format_stay_sparse(format):
    for kind in (scipy.sparse.csr_array, scipy.sparse.csr_matrix):
        matrix = real_matrix(kind(MATRIX).asformat(format), "W")
        assert is_sparse(matrix)
        assert matrix.format in ("csr", "csc", "coo")
        np.testing.assert_array_equal(matrix.toarray(), MATRIX)


@pytest.mark.parametrize("format", FORMATS)
def test_sparse_integers_become_floats(format):
    matrix = real_matrix(scipy.sparse.csr_array(MATRIX.astype(int)).asformat(format), "W")
    assert matrix.dtype == np.float64
    np.testing.assert_array_equal(matrix.toarray(), MATRIX)


def test_a_sparse_matrix_of_floats_is_passed_on_uncopied():
    W = scipy.sparse.csr_array(MATRIX)
    assert real_matrix(W, "W").data is W.data
    assert real_matrix(W.astype(np.float32), "W").dtype == np.float32


def test_a_sparse_matrix_without_entries_is_a_matrix():
    assert real_matrix(scipy.sparse.csr_array((2, 3)), "W").shape == (2, 3)
    assert real_matrix(scipy.sparse.csr_array((2, 3), dtype=int), "W").dtype == np.float64


def test_what_lies_behind_the_last_entry_of_a_sparse_matrix_is_not_looked_at():
    # arrays longer than indptr says are legal
    data, indices = np.array([1.0, np.nan]), np.array([0, 0], dtype=np.int32)
    W = scipy.sparse.csr_array((2, 3))
    W.data, W.indices, W.indptr = data, indices, np.array([0, 1, 1], dtype=np.int32)
    assert real_matrix(W, "W").nnz == 1


def test_an_operator_is_passed_on_as_it_is():
    A = scipy.sparse.linalg.aslinearoperator(MATRIX)
    assert real_matrix(A, "W") is A
    assert real_matrix(A.T, "W").shape == (3, 2)


def test_a_matrix_becomes_dense_whatever_it_is():
    for matrix in (
        MATRIX,
        scipy.sparse.coo_array(MATRIX),
        scipy.sparse.linalg.aslinearoperator(MATRIX),
        scipy.sparse.linalg.aslinearoperator(MATRIX.T).T,
    ):
        np.testing.assert_array_equal(dense(matrix), MATRIX)


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), np.array(3)])
def test_integers_of_any_kind_are_whole_numbers(value):
    number = whole_number(value, "k", low=3, high=3)
    assert number == 3
    assert type(number) is int


@given(st.integers(), st.integers(), st.integers())
def test_a_whole_number_lies_in_its_range_or_is_refused(value, low, high):
    if low <= value <= high:
        assert whole_number(value, "k", low, high) == value
    else:
        with pytest.raises(ValueError, match=f"k = {value} must be between {low} and {high}"):
            whole_number(value, "k", low, high)


def test_the_message_names_one_bound_where_there_is_one():
    with pytest.raises(ValueError, match="k = 3 must be at most 2"):
        whole_number(3, "k", high=2)
    with pytest.raises(ValueError, match="k = 3 must be at least 4"):
        whole_number(3, "k", low=4)


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.array(0.5), Fraction(1, 2)])
def test_numbers_of_any_kind_are_real(value):
    number = real_number(value, "C", low=0.5, high=0.5)
    assert number == 0.5
    assert type(number) is float


def test_a_number_that_must_be_above_zero_may_be_as_small_as_floats_are():
    assert real_number(1e-300, "C", low=POSITIVE) == 1e-300
    with pytest.raises(ValueError, match="C = 0 must be a finite number, above 0"):
        real_number(0, "C", low=POSITIVE)


def test_one_length_stands_for_all_axes():
    assert axis_lengths(3, "stride", 2) == (3, 3)
    assert axis_lengths([3, np.int64(4)], "stride", 2) == (3, 4)
    assert axis_lengths(np.array([3, 4]), "stride", 2) == (3, 4)
    assert axis_lengths(np.int64(3), "stride", 1) == (3,)


def test_a_filter_has_one_or_two_axes():
    assert filter_size(3) == filter_size((3,)) == filter_size([3]) == (3,)
    assert filter_size((3, 4)) == filter_size(np.array([3, 4])) == (3, 4)


def test_places_are_sequences_of_distinct_integers():
    np.testing.assert_array_equal(places([2, 0], "omega", 3), [2, 0])
    np.testing.assert_array_equal(places(range(3), "omega", 3), [0, 1, 2])
    np.testing.assert_array_equal(places(np.array([2], np.uint8), "omega", 3), [2])
    for empty in ([], (), np.array([])):
        assert places(empty, "omega", 3).dtype.kind == "i"


def test_a_generator_and_a_choice_are_passed_on():
    rng = np.random.default_rng(0)
    assert generator(rng) is rng
    assert one_of("abs", "by", ("abs", "value")) == "abs"


def test_numpy_arrays_and_numbers_belong_to_numpy():
    assert array_namespace() is array_namespace(3, [1.0], np.ones(2)) is np


def test_what_does_not_fit_is_refused_with_what_it_needs_and_what_is_free(monkeypatch):
    monkeypatch.setattr("cnninv.backend.memory.free_memory", lambda: 3 * 2**30)
    require_memory(3 * 2**30, "W", "")
    with pytest.raises(
        MemoryError, match=r"W, 4\.5 GiB; 3\.0 GiB are free\. Use a smaller image\."
    ):
        require_memory(9 * 2**29, "W", "Use a smaller image.")


def test_free_memory_is_a_number_of_bytes():
    assert 2**20 < free_memory() < 2**50
