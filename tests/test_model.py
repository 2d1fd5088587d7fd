"""The model M_k: membership, counting and sampling, against enumeration of all supports."""

from itertools import combinations, product

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from strategies import codes

from cnninv import (
    count_supports,
    in_model,
    sample_code,
    selection_matrix,
    support,
)


def labels_of(size, K, blocks):
    return np.repeat(np.arange(K), size // K) if blocks is None else np.asarray(blocks)


def all_supports(labels, k):
    """Every set of k entries, no two with the same label."""
    sets = combinations(range(len(labels)), k)
    return [S for S in sets if len({int(labels[i]) for i in S}) == k]


def sums_of_codes(labels, k, sums):
    """The supports of all sums of so many codes of M_k."""
    single = {frozenset(S) for size in range(k + 1) for S in all_supports(labels, size)}
    reached = {frozenset()}
    for _ in range(sums):
        reached = {a | b for a, b in product(reached, single)}
    return reached


@given(codes(max_size=6), st.integers(1, 3))
def test_membership_is_being_a_sum_of_codes(code, sums):
    z, K, k, blocks = code
    labels = labels_of(len(z), K, blocks)
    expected = frozenset(np.flatnonzero(z).tolist()) in sums_of_codes(labels, k, sums)
    assert in_model(z, K, k, sums, blocks) is expected


@pytest.mark.parametrize("blocks", [[0, 0, 1, 1], [5, 5, 2, 2], [0, 1, 1, 0]])
@pytest.mark.parametrize("sums", [1, 2])
def test_membership_for_every_support_of_four_entries(blocks, sums):
    for k in (0, 1, 2):
        reached = sums_of_codes(np.array(blocks), k, sums)
        for z in product([0.0, -3.0], repeat=4):
            S = frozenset(np.flatnonzero(z).tolist())
            assert in_model(z, 2, k, sums, blocks) is (S in reached)


@given(st.integers(1, 4), st.integers(1, 3), st.data())
def test_the_number_of_supports_is_that_of_an_enumeration(K, n, data):
    k = data.draw(st.integers(0, K))
    labels = np.repeat(np.arange(K), n)
    assert count_supports(K, n, k) == len(all_supports(labels, k))


def test_the_number_of_supports_is_an_exact_integer_however_large():
    assert count_supports(96, 28, 10) % 28**10 == 0
    assert count_supports(96, 28, 10) // 28**10 == scipy.special.comb(96, 10, exact=True)


@given(st.integers(1, 5), st.integers(1, 4), st.data())
def test_sampled_codes_are_in_the_model_with_k_non_zeros(K, n, data):
    k, seed = data.draw(st.integers(0, K)), data.draw(st.integers(0, 2**32 - 1))
    z = sample_code(K, n, k, np.random.default_rng(seed))
    assert z.shape == (K * n,)
    assert np.count_nonzero(z) == k
    assert in_model(z, K, k)
    assert np.abs(z).max() <= 1


@given(codes(), st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_sampled_codes_obey_any_blocks(code, seed, batch):
    h, _, k, blocks = code
    blocks = np.zeros(len(h), int) if blocks is None else blocks
    k = min(k, len(np.unique(blocks)))
    Z = sample_code(1, len(h), k, np.random.default_rng(seed), blocks, batch)
    assert Z.shape == (len(h), batch)
    for z in Z.T:
        assert np.count_nonzero(z) == k
        assert in_model(z, 1, k, blocks=blocks)


def test_sampled_values_are_uniform_and_so_are_blocks_and_places():
    K, n, k, draws = 4, 3, 2, 3000
    Z = sample_code(K, n, k, np.random.default_rng(0), batch=draws)
    assert scipy.stats.kstest(Z[Z != 0], "uniform", (-1, 2)).pvalue > 0.01
    counts = np.count_nonzero(Z, axis=1)
    assert scipy.stats.chisquare(counts).pvalue > 0.01
    # every one of the n^k C(K, k) supports occurs about equally often
    supports, frequency = np.unique(Z.T != 0, axis=0, return_counts=True)
    assert len(supports) == count_supports(K, n, k)
    assert scipy.stats.chisquare(frequency).pvalue > 0.01


def test_entries_of_blocks_of_unequal_size_are_sampled_evenly_within_their_block():
    blocks = np.array([7, 2, 7, 7, 2, 7])
    Z = sample_code(2, 3, 2, np.random.default_rng(0), blocks, batch=4000)
    counts = np.count_nonzero(Z, axis=1)
    assert counts[blocks == 7].sum() == counts[blocks == 2].sum() == 4000
    assert scipy.stats.chisquare(counts[blocks == 7]).pvalue > 0.01
    assert scipy.stats.chisquare(counts[blocks == 2]).pvalue > 0.01


def test_the_same_seed_gives_the_same_code():
    first, second = (sample_code(6, 5, 3, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@given(codes())
def test_the_support_is_where_z_is_not_zero(code):
    z = code[0]
    np.testing.assert_array_equal(support(z), [i for i in range(len(z)) if z[i] != 0])


@given(st.data())
def test_selection_is_indexing_and_its_transpose_puts_back(data):
    size = data.draw(st.integers(1, 8))
    chosen = data.draw(st.lists(st.integers(0, size - 1), unique=True))
    h = np.random.default_rng(size).standard_normal(size)
    R = selection_matrix(chosen, size)
    np.testing.assert_array_equal(R @ h, h[chosen])
    put_back = np.zeros(size)
    put_back[chosen] = h[chosen]
    np.testing.assert_array_equal(R.T @ (R @ h), put_back)
    np.testing.assert_array_equal((R @ R.T).toarray(), np.eye(len(chosen)))
    assert R.indices.dtype == np.int32


def test_selection_from_a_vector_longer_than_int32_keeps_its_places():
    assert selection_matrix([2**32], 2**33).indices.tolist() == [2**32]
