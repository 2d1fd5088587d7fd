"""The model-RIP constant against SVDs of every support, against codes, and at DESIGN's figures."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import assume, given
from hypothesis import strategies as st
from instances import naive_delta, naive_supports, small_layers
from scipy.sparse.linalg import aslinearoperator

import cnninv
from cnninv import conv_matrix, model_rip_exact, model_rip_sampled, random_filters, rip


@given(small_layers(max_rows=8), st.integers(1, 4))
def test_model_rip_exact_is_the_extreme_singular_value_of_all_supports(layer, sums):
    naive = naive_delta(layer.W.toarray(), naive_supports(layer.labels, layer.k, sums))
    exact = model_rip_exact(layer.W, layer.K, layer.k, sums=sums, blocks=layer.blocks)
    assert exact == pytest.approx(naive, abs=1e-12 * (1 + naive))


@given(small_layers(), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_equation_1_holds_for_every_code_with_the_exact_constant(layer, sums, seed):
    rng = np.random.default_rng(seed)
    delta = model_rip_exact(layer.W, layer.K, layer.k, sums=sums, blocks=layer.blocks)
    for _ in range(20):
        z = sum(layer.code(rng) for _ in range(sums))
        ratio = np.sum((layer.W.T @ z) ** 2) / (z @ z)
        assert 1 - delta - 1e-12 <= ratio <= 1 + delta + 1e-12 * (1 + delta)


def test_equation_1_is_tight_some_code_attains_the_constant():
    rng = np.random.default_rng(0)
    W = conv_matrix(random_filters(3, 10, 2, rng), 4).toarray()
    delta = model_rip_exact(W, 3, 1, sums=2)
    # 60 000 codes, each the sum of two one-sparse ones
    support = np.stack([rng.choice(9, 2, replace=False) for _ in range(60_000)])
    values = rng.standard_normal(support.shape)
    y = values[:, :1] * W[support[:, 0]] + values[:, 1:] * W[support[:, 1]]
    ratios = (y**2).sum(axis=1) / (values**2).sum(axis=1)
    assert 0.995 * delta < np.abs(ratios - 1).max() <= delta


@given(small_layers(max_rows=8))
def test_model_rip_exact_grows_with_k_and_with_sums(layer):
    def delta(k, sums):
        return model_rip_exact(layer.W, layer.K, k, sums=sums, blocks=layer.blocks)

    assert delta(0, 1) == 0
    for sums in (1, 2):
        assert delta(layer.k, sums) <= delta(layer.k, sums + 1) + 1e-12
        assert delta(layer.k - 1, sums) <= delta(layer.k, sums) + 1e-12


@given(small_layers(max_rows=9), st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_model_rip_sampled_is_a_lower_end(layer, seed, sums):
    args = (layer.W, layer.K, layer.k)
    kwargs = {"trials": 30, "sums": sums, "blocks": layer.blocks}
    sampled = model_rip_sampled(*args, np.random.default_rng(seed), **kwargs)
    exact = model_rip_exact(*args, sums=sums, blocks=layer.blocks)
    assert sampled <= exact + 1e-12 * (1 + exact)
    assert sampled == model_rip_sampled(*args, np.random.default_rng(seed), **kwargs)


def test_model_rip_sampled_finds_the_constant_given_time():
    W = conv_matrix(random_filters(3, 10, 2, np.random.default_rng(1)), 4)
    sampled = model_rip_sampled(W, 3, 2, np.random.default_rng(0), trials=2000, sums=2)
    assert sampled == pytest.approx(model_rip_exact(W, 3, 2, sums=2))


def test_model_rip_sampled_is_of_M_k_unless_sums_are_asked_for_and_0_without_an_entry(rng):
    # the two shifts of a filter are alike, and only a sum of two codes has both
    W = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert model_rip_sampled(W, 1, 1, rng) == pytest.approx(0)
    assert model_rip_sampled(W, 1, 1, rng, sums=2) == pytest.approx(1)
    assert model_rip_sampled(W, 1, 0, rng) == 0


def test_model_rip_exact_vanishes_for_orthonormal_rows():
    W = conv_matrix(cnninv.filterbanks.dct_filters(3), 9, stride=3)
    assert model_rip_exact(W, 3, 3) < 1e-14
    assert model_rip_exact(W, 3, 2, sums=2) < 1e-14


def test_model_rip_exact_of_a_positive_and_negative_pair_is_at_least_1():
    # a filter and its negative cancel: Ψ has no model-RIP although W has a perfect one
    W = conv_matrix(cnninv.filterbanks.dct_filters(3), 9, stride=3)
    psi = cnninv.psi_matrix(W).T
    assert model_rip_exact(psi, 6, 1) < 1e-14
    assert model_rip_exact(psi, 6, 1, sums=2) == pytest.approx(1.0)


def test_model_rip_exact_of_a_zero_filter_is_at_least_1():
    filters = random_filters(3, 50, 2, np.random.default_rng(0))
    filters[1] = 0
    assert model_rip_exact(conv_matrix(filters, 4), 3, 1) >= 1


def test_model_rip_exact_of_unit_rows_and_two_one_sparse_codes_is_their_coherence():
    filters = random_filters(5, 40, 3, np.random.default_rng(0))
    W = cnninv.normalize_rows(conv_matrix(filters, 8, padding=1))
    G = np.abs((W @ W.T).toarray() - np.eye(W.shape[0]))
    assert model_rip_exact(W, 5, 1) < 1e-14
    assert model_rip_exact(W, 5, 1, sums=2) == pytest.approx(G.max())


def test_model_rip_exact_refuses_what_is_hopeless_with_the_count():
    W = conv_matrix(random_filters(96, 4, 5, np.random.default_rng(0)), 32)
    number = cnninv.count_supports(96, 28, 10)
    with pytest.raises(ValueError, match=f"δ on {number:,} supports cannot be enumerated"):
        model_rip_exact(W, 96, 10)
    with pytest.raises(ValueError, match=r"model_rip_bracket gives certified bounds"):
        model_rip_exact(np.eye(6), 2, 2, max_supports=8)
    assert model_rip_exact(np.eye(6), 2, 2, max_supports=9) == 0


@given(small_layers(max_rows=8), st.integers(1, 2))
def test_model_rip_exact_takes_arrays_sparse_arrays_and_operators(layer, sums):
    expected = model_rip_exact(layer.W, layer.K, layer.k, sums=sums, blocks=layer.blocks)
    for W in (layer.W.toarray(), layer.W.tocsc(), layer.W.tocoo(), aslinearoperator(layer.W)):
        delta = model_rip_exact(W, layer.K, layer.k, sums=sums, blocks=layer.blocks)
        assert delta == pytest.approx(expected, abs=1e-12 * (1 + expected))


def test_model_rip_exact_does_not_depend_on_the_size_of_a_chunk(monkeypatch):
    W = conv_matrix(random_filters(3, 10, 2, np.random.default_rng(0)), 5)
    expected = model_rip_exact(W, 3, 2, sums=2)
    for rows in (1, 7):
        monkeypatch.setattr(rip, "CHUNK_BYTES", rows * 8 * 16)
        assert model_rip_exact(W, 3, 2, sums=2) == expected


@pytest.mark.parametrize("density", [0.01, 0.2, 1.0])
def test_the_gram_matrix_is_the_same_by_dense_and_by_sparse_products(density):
    W = scipy.sparse.random_array((60, 80), density=density, rng=np.random.default_rng(0)).tocsr()
    G = rip.gram(W)
    assert np.allclose(G, W.toarray() @ W.toarray().T, atol=1e-14)
    assert np.array_equal(G, G.T)


def test_the_gram_matrix_that_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr("cnninv.backend.memory.free_memory", lambda: 1000)
    with pytest.raises(MemoryError, match=r"Gram matrix of 40 rows would have 1,600 entries"):
        rip.gram(np.eye(40))


@given(small_layers(max_rows=6), st.floats(0.01, 3))
def test_model_rip_exact_follows_the_scale_of_the_filters(layer, scale):
    assume(layer.k >= 1)
    W = layer.W.toarray()
    squares = [
        np.linalg.eigvalsh(W[sorted(S)] @ W[sorted(S)].T)
        for S in naive_supports(layer.labels, layer.k, 1)
        if S
    ]
    expected = max(np.abs(scale**2 * values - 1).max() for values in squares)
    delta = model_rip_exact(scale * W, layer.K, layer.k, blocks=layer.blocks)
    assert delta == pytest.approx(expected, abs=1e-10 * (1 + expected))


def test_exact_delta_at_1000_weights_does_not_depend_on_the_input_length():
    # DESIGN 6.7: about 0.096 at Mℓ = 1000 for D = 8, 16 and 32; the scale Mℓ²/D would double it
    means = []
    for D in (8, 16, 32):
        rng = np.random.default_rng(0)
        draws = [
            model_rip_exact(conv_matrix(random_filters(4, 125, 8, rng), D), 4, 2) for _ in range(20)
        ]
        means.append(np.mean(draws))
    assert np.allclose(means, 0.096, atol=0.015)


def test_unit_rows_more_than_the_input_has_entries_reach_a_small_constant():
    # DESIGN 6.8: k = 1, unit rows, Kn = 2400 ≥ MD = 2304 gives δ_2 about 0.108. That is the mean over rows that
    # share no weights; shifts of one filter do, so fewer inner products are distinct and their maximum is less.
    rng = np.random.default_rng(0)
    filters = random_filters(150, 144, 16, rng)
    W = cnninv.normalize_rows(conv_matrix(filters, 16, padding="circular"))
    assert W.shape == (2400, 2304)
    # unit rows, sums of two one-sparse codes: δ_2 is the coherence of the rows (tested above)
    delta_2 = np.abs(rip.gram(W) - np.eye(2400)).max()
    assert 0.085 < delta_2 < 0.115
    assert cnninv.reconstruction_bound(0.0, delta_2) < 1
