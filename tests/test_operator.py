import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import aslinearoperator, svds
from strategies import circular_layers, layers

from cnninv import ConvOperator, conv_matrix, iht, model_project, patches, random_filters


@given(st.one_of(layers(groups=True), circular_layers()), st.integers(1, 3))
def test_the_factored_form_is_the_explicit_matrix(layer, batch):
    factored = ConvOperator(
        layer.filters, layer.input_shape, layer.stride, layer.padding, layer.groups
    )
    W, rng = layer.W, np.random.default_rng(0)
    x, h = (rng.standard_normal((size, batch)) for size in W.shape[::-1])
    assert factored.shape == W.shape
    assert np.allclose(factored @ x, W @ x)
    assert np.allclose(factored.T @ h, W.T @ h)
    assert np.allclose(factored @ x[:, 0], W @ x[:, 0])
    assert np.allclose(factored.T @ h[:, 0], W.T @ h[:, 0])


@given(st.one_of(layers(groups=True), circular_layers()))
def test_patches_made_line_by_line_give_the_same_product(layer):
    factored = ConvOperator(
        layer.filters, layer.input_shape, layer.stride, layer.padding, layer.groups
    )
    rng = np.random.default_rng(0)
    x, h = (rng.standard_normal((size, 2)) for size in layer.W.shape[::-1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patches, "PATCH_BYTES", 1)
        assert np.allclose(factored @ x, layer.W @ x)
        assert np.allclose(factored.T @ h, layer.W.T @ h)


@pytest.mark.parametrize("padding", [(0, 1), (1, 0), (0, 2), (0, 0)])
def test_a_square_input_may_be_padded_along_one_axis_only(rng, padding):
    filters = random_filters(3, 2, (2, 3), rng)
    W, factored = (
        conv_matrix(filters, (6, 6), padding=padding),
        ConvOperator(filters, (6, 6), padding=padding),
    )
    x, h = (rng.standard_normal(size) for size in W.shape[::-1])
    np.testing.assert_allclose(factored @ x, W @ x, atol=1e-12)
    np.testing.assert_allclose(factored.T @ h, W.T @ h, atol=1e-12)


@pytest.mark.parametrize("groups", [1, 2])
def test_bias_and_relu_in_the_same_pass(rng, groups):
    W = ConvOperator(random_filters(4, 2, (3, 3), rng), (5, 6), padding="same", groups=groups)
    x, bias = rng.standard_normal((W.shape[1], 3)), rng.standard_normal(4)
    h = (W @ x).reshape(4, -1, 3) + bias[:, None, None]
    assert np.allclose(W.forward(x, bias).reshape(h.shape), h)
    assert np.allclose(W.forward(x, bias, relu=True).reshape(h.shape), np.maximum(h, 0))
    with pytest.raises(ValueError, match=r"bias has shape \(3,\); expected one for each of 4"):
        W.forward(x, np.ones(3))


def test_memory_beside_input_and_output_is_that_of_the_patches(rng, tracemalloc_peak):
    W = ConvOperator(random_filters(16, 16, (3, 3), rng).astype(np.float32), (256, 256), 1, "same")
    x = rng.standard_normal(W.shape[1]).astype(np.float32)
    assert tracemalloc_peak(lambda: W @ x) < W.shape[0] * 4 + 1.5 * patches.PATCH_BYTES


def test_mixed_precision_is_as_with_the_explicit_matrix(rng):
    filters = random_filters(4, 3, 3, rng)
    W, factored = conv_matrix(filters, 8), ConvOperator(filters, 8)
    for x, h in ((np.ones(24), np.ones(24)), (np.ones(24, np.float32), np.ones(24, np.float32))):
        assert (factored @ x).dtype == (W @ x).dtype
        assert (factored.T @ h).dtype == (W.T @ h).dtype


def test_float32_stays_float32(rng):
    W = ConvOperator(random_filters(4, 3, 3, rng).astype(np.float32), 8)
    assert W.dtype == (W @ np.ones(24, np.float32)).dtype == np.float32
    assert (W.T @ np.ones(24, np.float32)).dtype == np.float32


def test_scipy_and_the_library_take_it_for_w(rng):
    arguments = random_filters(8, 2, 3, rng), 12
    W, factored = conv_matrix(*arguments), ConvOperator(*arguments)
    assert (factored.to_matrix() != W).nnz == 0
    assert (factored.T.to_matrix() != W.T).nnz == 0
    largest = svds(aslinearoperator(factored), k=1)[1]
    assert largest == pytest.approx(np.linalg.norm(W.toarray(), 2))
    x = rng.standard_normal(24)

    def recover(W):
        return iht(W.T, x, lambda b: model_project(b, 8, 3), 5, step="norm")[0]

    assert np.allclose(recover(factored), recover(W))


def test_what_does_not_fit_is_refused(rng):
    W = ConvOperator(random_filters(4, 2, 3, rng), 8)
    with pytest.raises(ValueError, match=r"x has shape \(15,\).* \(24, 16\).* 16 rows"):
        W @ np.ones(15)
    with pytest.raises(ValueError, match=r"x has shape \(16,\).* 24 rows"):
        W.T @ np.ones(16)


def test_its_repr_says_what_it_is(rng):
    W = ConvOperator(random_filters(4, 2, 3, rng), 8)
    assert repr(W) == "ConvOperator(24 × 16, filters 4 × 2 × 3, float64)"
    assert repr(W.T) == repr(W) + ".T"
