"""The projection onto M_k, against enumeration of all supports."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import codes
from test_model import all_supports, labels_of

from cnninv import (
    in_model,
    max_pool,
    model_project,
    model_support,
    pooling_regions,
    selection_matrix,
    sparse_project,
    unpool,
)


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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_h_is_kept_and_h_is_left_alone(dtype):
    h = np.array([1, -2, 3, 4], dtype)
    assert model_project(h, 2, 1).dtype == dtype
    np.testing.assert_array_equal(h, [1, -2, 3, 4])


def test_integers_are_projected_as_numbers():
    z_hat = model_project([1, -2, 3, 4], 2, 1)
    assert z_hat.dtype == np.float64
    np.testing.assert_array_equal(z_hat, [0, 0, 0, 4])
