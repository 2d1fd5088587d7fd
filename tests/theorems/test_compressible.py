"""Noise and compressible codes: the bounds by enumeration, and what they become without either."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from instances import assert_holds, constants, small_layers

from cnninv import conv_matrix, iht, in_model, model_project, model_rip_exact, random_filters
from cnninv.theorems import (
    GOLDEN,
    iht_contraction,
    iht_contraction_noisy,
    peel,
    theorem_3_3_golden,
    theorem_3_3_noisy,
)

seeds = st.integers(0, 2**32 - 1)


@given(small_layers(), seeds, st.sampled_from([1e-9, 1.0, 1e6]), st.sampled_from([0.0, 0.01, 3.0]))
def test_theorem_3_3_noisy_holds_for_small_layers(layer, seed, scale, level):
    rng = np.random.default_rng(seed)
    deltas = constants(layer)
    rows, columns = layer.W.shape
    for decay in (0.0, 1.0, 3.0):
        z = (
            scale
            * rng.choice([-1.0, 1.0], rows)
            * rng.permutation(np.arange(1, rows + 1) ** -decay)
        )
        noise = scale * level * rng.standard_normal(columns)
        arguments = layer.W, z, layer.K, layer.k, *deltas
        assert_holds(theorem_3_3_noisy(*arguments, noise, layer.blocks))
        assert_holds(theorem_3_3_noisy(*arguments, blocks=layer.blocks))


@given(small_layers(), seeds)
def test_peel_cuts_a_code_into_pieces_of_the_model(layer, seed):
    z = np.random.default_rng(seed).standard_normal(len(layer.labels))
    pieces = peel(z, layer.K, layer.k, layer.blocks)
    assert np.array_equal(pieces.sum(axis=0), z)
    assert all(in_model(piece, layer.K, layer.k, blocks=layer.blocks) for piece in pieces)
    norms = np.linalg.norm(pieces, axis=1)
    assert np.all(np.diff(norms) <= 1e-12)
    assert np.array_equal(pieces[0], model_project(z, layer.K, layer.k, layer.blocks))


def test_peel_of_nothing_is_one_piece():
    assert np.array_equal(peel(np.zeros(4), 2, 1), np.zeros((1, 4)))


@pytest.fixture
def layer(rng):
    W = conv_matrix(random_filters(3, 400, 4, rng), 6)
    return W, [model_rip_exact(W, 3, 2, sums=sums) for sums in (1, 2, 3)]


def test_theorem_3_3_noisy_of_a_sparse_code_is_the_golden_bound(layer, rng):
    W, (delta_k, delta_2k, _) = layer
    z = model_project(rng.standard_normal(9), 3, 2)
    statement = theorem_3_3_noisy(W, z, 3, 2, delta_k, delta_2k)
    golden = theorem_3_3_golden(W, z, 3, 2, delta_k, delta_2k)
    assert statement.left == pytest.approx(golden.left)
    assert statement.right <= golden.right
    size = np.linalg.norm(z)
    assert statement.right == pytest.approx(GOLDEN * delta_2k * np.sqrt(1 + delta_2k) * size)


def test_theorem_3_3_noisy_and_iht_contraction_noisy_both_sides_of_every_step_by_hand(rng):
    norm, phi = np.linalg.norm, (1 + np.sqrt(5)) / 2
    W = conv_matrix(random_filters(3, 8, 4, rng), 6).toarray()
    for _ in range(10):
        z, e = rng.standard_normal(9), 0.5 * rng.standard_normal(W.shape[1])
        x, z_k = W.T @ z + e, model_project(z, 3, 2)
        tail = sum(norm(piece) for piece in peel(z, 3, 2)[1:])
        u = norm(W.T @ (z - z_k) + e)
        h = W @ x
        z_hat = model_project(h, 3, 2)
        T = (z_hat != 0) | (z_k != 0)
        far, code_error = norm((h - z_k)[T]), norm(z_hat - z_k)
        disturbance, error = norm(e) + np.sqrt(1.2) * tail, norm(W.T @ z_hat - x)
        expected = [
            (u, disturbance),
            (far, 0.3 * norm(z_k) + np.sqrt(1.3) * u),
            (code_error, phi * far),
            (error, np.sqrt(1.3) * code_error + u),
        ]
        statement = theorem_3_3_noisy(W, z, 3, 2, 0.2, 0.3, e)
        np.testing.assert_allclose([(s.left, s.right) for s in statement.steps], expected)
        assert statement.left == pytest.approx(error)
        bound = phi * 0.3 * np.sqrt(1.3) * norm(z_k) + (1 + phi * 1.3) * disturbance
        assert statement.right == pytest.approx(bound)

        before = model_project(rng.standard_normal(9), 3, 2)
        b = before + W @ (x - W.T @ before)
        after = model_project(b, 3, 2)
        far = norm((b - z_k)[(after != 0) | (z_k != 0)])
        bound = 0.4 * norm(before - z_k) + np.sqrt(1.3) * u
        statement = iht_contraction_noisy(W, z, before, 3, 2, 0.3, 0.4, e)
        expected = [(norm(after - z_k), phi * far), (far, bound)]
        np.testing.assert_allclose([(s.left, s.right) for s in statement.steps], expected)
        assert statement.left == pytest.approx(norm(after - z_k))
        assert statement.right == pytest.approx(phi * bound)


def test_theorem_3_3_noisy_a_wrong_constant_is_caught(layer, rng):
    W, (delta_k, delta_2k, _) = layer
    codes = [model_project(rng.standard_normal(9), 3, 2) for _ in range(30)]
    found = [theorem_3_3_noisy(W, z, 3, 2, delta_k / 20, delta_2k / 20) for z in codes]
    assert any(not statement.holds for statement in found)


@given(small_layers(max_rows=8), seeds, st.sampled_from([0.0, 0.1]))
def test_iht_contraction_noisy_holds_from_any_iterate(layer, seed, level):
    rng = np.random.default_rng(seed)
    arguments = {"K": layer.K, "k": layer.k, "blocks": layer.blocks}
    delta_2k, delta_3k = (model_rip_exact(layer.W, sums=s, **arguments) + 1e-12 for s in (2, 3))
    for _ in range(3):
        z, z_hat = layer.code(rng) + level * rng.standard_normal(len(layer.labels)), layer.code(rng)
        noise = level * rng.standard_normal(layer.W.shape[1])
        assert_holds(
            iht_contraction_noisy(
                layer.W, z, z_hat, delta_2k=delta_2k, delta_3k=delta_3k, noise=noise, **arguments
            )
        )


def test_iht_contraction_noisy_ends_where_it_says(layer, rng):
    W, (_, delta_2k, delta_3k) = layer
    assert GOLDEN * delta_3k < 1
    z, e = model_project(rng.standard_normal(9), 3, 2), 0.01 * rng.standard_normal(W.shape[1])
    z_hat, _ = iht(W.T, W.T @ z + e, lambda b: model_project(b, 3, 2), 60)
    floor = GOLDEN * np.sqrt(1 + delta_2k) / (1 - GOLDEN * delta_3k) * np.linalg.norm(e)
    assert np.linalg.norm(z_hat - z) <= floor
    gentle = iht_contraction_noisy(W, z, z_hat, 3, 2, delta_2k, delta_3k)
    assert gentle.right <= iht_contraction(W, z, z_hat, 3, 2, delta_3k).right


def test_theorem_3_3_noisy_bad_input(layer):
    W, _ = layer
    with pytest.raises(ValueError, match=r"noise has 3 entries; W of shape .* expects 2400"):
        theorem_3_3_noisy(W, np.ones(9), 3, 2, 0.1, 0.1, noise=np.ones(3))
    with pytest.raises(ValueError, match="z has 8 entries"):
        theorem_3_3_noisy(W, np.ones(8), 3, 2, 0.1, 0.1)
    with pytest.raises(ValueError, match="k = 0 must be at least 1"):
        peel(np.ones(4), 2, 0)
