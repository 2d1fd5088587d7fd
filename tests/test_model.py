"""The model M_k: projection, membership, counting and sampling, against enumeration of all supports."""

from itertools import combinations, product

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import codes

from cnninv import (
    count_supports,
    in_model,
    max_pool,
    model_project,
    model_support,
    pooling_regions,
    sample_code,
    selection_matrix,
    sparse_project,
    support,
    unpool,
)


def labels_of(size, K, blocks):
    return np.repeat(np.arange(K), size // K) if blocks is None else np.asarray(blocks)


def all_supports(labels, k):
    """Every set of k entries, no two with the same label."""
    sets = combinations(range(len(labels)), k)
    return [S for S in sets if len({int(labels[i]) for i in S}) == k]


@given(codes() | codes(ties=False))
def test_the_projection_is_the_best_approximation_over_all_supports(code):
    h, K, k, blocks = code
    supports = all_supports(labels_of(len(h), K, blocks), k)
    best = min(sum(h**2) - sum(h[i] ** 2 for i in S) for S in supports)
    z_hat = model_project(h, K, k, blocks)
    assert np.sum((h - z_hat) ** 2) == pytest.approx(best, abs=1e-9)
    assert in_model(z_hat, K, k, blocks=blocks)
    np.testing.assert_array_equal(z_hat[z_hat != 0], h[z_hat != 0])


@settings(max_examples=300)
@given(codes())
def test_ties_go_to_the_lower_index(code):
    h, K, k, blocks = code
    labels = labels_of(len(h), K, blocks)
    # largest first, lower index first; one of each block, k in all
    chosen = []
    for i in sorted(range(len(h)), key=lambda i: (-abs(h[i]), i)):
        if len(chosen) < k and labels[i] not in labels[chosen]:
            chosen.append(i)
    np.testing.assert_array_equal(model_support(h, K, k, blocks), np.sort(chosen))


@given(codes())
def test_the_projection_is_r_transposed_r_h(code):
    h, K, k, blocks = code
    R = selection_matrix(model_support(h, K, k, blocks), len(h))
    assert R.shape == (k, len(h))
    np.testing.assert_array_equal(R.T @ (R @ h), model_project(h, K, k, blocks))


@given(codes(), st.permutations(range(4)), st.integers(0, 2**32 - 1))
def test_columns_of_a_batch_are_projected_one_by_one(code, order, seed):
    h, K, k, blocks = code
    noise = np.random.default_rng(seed).integers(-2, 3, len(h)).astype(float)
    batch = np.stack([h, noise, np.zeros(len(h)), -h], axis=1)[:, order]
    z_hat = model_project(batch, K, k, blocks)
    assert z_hat.shape == batch.shape
    for column in range(4):
        np.testing.assert_array_equal(
            z_hat[:, column], model_project(batch[:, column], K, k, blocks)
        )


@given(codes(ties=False))
def test_projecting_twice_changes_nothing(code):
    h, K, k, blocks = code
    z_hat = model_project(h, K, k, blocks)
    np.testing.assert_array_equal(model_project(z_hat, K, k, blocks), z_hat)


@given(codes())
def test_the_names_of_the_blocks_do_not_matter(code):
    h, K, k, blocks = code
    labels = labels_of(len(h), K, blocks)
    renamed = np.unique(labels, return_inverse=True)[1]
    expected = model_project(h, K, k, blocks)
    for other in (renamed, renamed.max() - renamed, renamed * 3 + 2, renamed.astype(np.uint64)):
        np.testing.assert_array_equal(model_project(h, K, k, other), expected)
    np.testing.assert_array_equal(model_project(h, K, k, renamed.tolist()), expected)


@given(codes(ties=False))
def test_the_signs_of_h_do_not_matter(code):
    h, K, k, blocks = code
    omega = model_support(h, K, k, blocks)
    np.testing.assert_array_equal(model_support(-h, K, k, blocks), omega)
    np.testing.assert_array_equal(model_support(abs(h), K, k, blocks), omega)


def test_zeros_are_kept_places_too():
    np.testing.assert_array_equal(model_support(np.zeros(6), 3, 2), [0, 2])


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_pooling_over_all_shifts_is_the_projection_with_k_equal_to_the_number_of_filters(
    K, n, seed
):
    h = np.random.default_rng(seed).integers(-3, 4, K * n).astype(float)
    values, switches = max_pool(h, (K, n), n)
    np.testing.assert_array_equal(unpool(values, switches, (K, n), n), model_project(h, K, K))
    np.testing.assert_array_equal(switches, model_support(h, K, K))


@given(
    st.integers(1, 3), st.integers(1, 6), st.integers(1, 6), st.integers(1, 4), st.integers(1, 4)
)
def test_pooling_over_regions_is_the_projection_with_the_regions_as_blocks(K, n1, n2, w1, w2):
    shape, window = (K, n1, n2), (w1, w2)
    h = np.random.default_rng(n1 + 7 * n2).integers(-3, 4, K * n1 * n2).astype(float)
    blocks = pooling_regions(shape, window)
    values, switches = max_pool(h, shape, window)
    z_hat = model_project(h, K, len(values), blocks)
    np.testing.assert_array_equal(unpool(values, switches, shape, window), z_hat)


@given(codes())
def test_the_classical_projection_keeps_the_k_largest(code):
    h, _, k, _ = code
    kept = sorted(range(len(h)), key=lambda i: (-abs(h[i]), i))[:k]
    expected = np.zeros(len(h))
    expected[kept] = h[kept]
    np.testing.assert_array_equal(sparse_project(h, k), expected)


@given(codes())
def test_the_model_approximates_no_better_than_k_sparsity(code):
    h, K, k, blocks = code
    structured, free = model_project(h, K, k, blocks), sparse_project(h, k)
    assert np.linalg.norm(h - structured) >= np.linalg.norm(h - free) - 1e-12


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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_h_is_kept_and_h_is_left_alone(dtype):
    h = np.array([1, -2, 3, 4], dtype)
    assert model_project(h, 2, 1).dtype == dtype
    np.testing.assert_array_equal(h, [1, -2, 3, 4])


def test_integers_are_projected_as_numbers():
    z_hat = model_project([1, -2, 3, 4], 2, 1)
    assert z_hat.dtype == np.float64
    np.testing.assert_array_equal(z_hat, [0, 0, 0, 4])
