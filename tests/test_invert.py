import numpy as np
import pytest

from cnninv import conv_matrix, model_project, pooling_regions, random_filters
from cnninv.invert import decode, draw, invert


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    smooth = np.cumsum(np.cumsum(rng.standard_normal((3, 20, 24)), 1), 2)
    image = (smooth - smooth.min()) / np.ptp(smooth)
    filters = random_filters(32, 3, (3, 3), rng)
    return image, filters, invert(image, filters, iterations=30)


def errors(result):
    return {way.name: way.error for way in result.reconstructions}


def test_one_entry_per_filter_keeps_hardly_anything(found):
    assert errors(found[2])["one entry per filter, Wᵀ"] > 0.9


def test_one_step_of_unit_size_overshoots_and_iterating_it_diverges(found):
    assert errors(found[2])["one entry per region, Wᵀ"] > 1
    assert found[2].unit_residual[-1] > found[2].unit_residual[1] > 1


def test_iterations_with_a_step_from_the_norm_work(found):
    result = found[2]
    assert errors(result)["IHT, 30 iterations"] < 0.3
    assert np.all(np.diff(result.residual) < 1e-6)
    assert result.residual[-1] == pytest.approx(errors(result)["IHT, 30 iterations"], abs=1e-3)


def test_one_step_is_wt_m_of_wx_by_hand(found):
    image, filters, result = found
    W = conv_matrix(filters, (20, 24), padding="same")
    blocks = pooling_regions((32, 20, 24), 2)
    x = image.ravel()
    z_hat = model_project(W @ x, 32, blocks.max() + 1, blocks=blocks)
    by_hand = np.linalg.norm(W.T @ z_hat - x) / np.linalg.norm(x)
    assert errors(result)["one entry per region, Wᵀ"] == pytest.approx(by_hand, rel=1e-4)
    assert result.kept == np.count_nonzero(z_hat)
    assert result.norm_squared == pytest.approx(np.linalg.norm(W.toarray(), 2) ** 2, rel=1e-2)


def test_the_photograph_is_determined_by_pooled_values_and_switches(found):
    image, filters, result = found
    assert errors(result)["least squares, 30 steps"] < 0.2
    W = conv_matrix(filters, (20, 24), padding="same")
    h = W @ image.ravel()
    blocks = pooling_regions((32, 20, 24), 2)
    z_hat = model_project(h, 32, blocks.max() + 1, blocks=blocks)
    assert np.allclose(decode(W, z_hat, 2000), image.ravel(), atol=1e-4)
    # and by nothing else: the values alone, without x
    assert np.allclose(decode(W, 2 * z_hat, 2000), 2 * image.ravel(), atol=1e-4)


def test_k_entries_are_kept(found):
    image, filters, _ = found
    assert invert(image, filters, k=40, iterations=1).kept == 40


def test_the_figure_has_original_reconstructions_support_and_residual(found):
    titles = [axis.get_title() for axis in draw(found[2]).axes]
    for word in ("original", "one entry per filter", "IHT", "support", "residual"):
        assert any(word in title for title in titles), word


def test_each_title_says_by_itself_what_is_shown(found):
    titles = [axis.get_title() for axis in draw(found[2]).axes]
    assert not any("the same" in title for title in titles)
    assert titles[2].startswith("one entry per region, best scaled")


def test_channels_must_match(found):
    with pytest.raises(
        ValueError, match=r"filters has shape \(4, 2, 3, 3\).*needs \(K, 3, l1, l2\)"
    ):
        invert(found[0], np.ones((4, 2, 3, 3)))


def test_an_image_of_integers_is_refused(found):
    with pytest.raises(TypeError, match=r"image has dtype uint8"):
        invert((found[0] * 255).astype(np.uint8), found[1])
