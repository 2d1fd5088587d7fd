import numpy as np
import pytest

from cnninv import (
    conv_matrix,
    in_model,
    lambda_max,
    normalize_filters,
    normalize_rows,
    operator_norm,
    pooling_regions,
    random_filters,
    recover_code,
    row_norms,
    sample_code,
)
from cnninv.experiments import model_rip, seen
from cnninv.experiments.sources import load
from cnninv.images import read_image


@pytest.fixture(scope="module")
def layer():
    return model_rip.layer(random_filters(6, 6, (3, 3), np.random.default_rng(0)), 7)


def test_the_layer_is_single_precision_with_unit_filters_and_zero_padding(layer):
    filters = random_filters(6, 6, (3, 3), np.random.default_rng(0))
    explicit = conv_matrix(normalize_filters(filters), (7, 7), padding=1)
    assert layer.dtype == np.float32
    np.testing.assert_allclose(layer.to_matrix().toarray(), explicit.toarray(), atol=1e-7)


def test_row_lengths_are_those_of_the_explicit_matrix(layer):
    np.testing.assert_allclose(
        model_rip.row_lengths(layer), row_norms(layer.to_matrix()), rtol=1e-5
    )


def test_synthetic_codes_have_the_share_and_the_ratios_of_the_explicit_matrix(layer):
    rng = np.random.default_rng(1)
    ratios = model_rip.synthetic(layer, 0.2, 3, np.random.default_rng(1))
    blocks, k = pooling_regions((6, 7, 7), 2), round(0.2 * 6 * 49)
    z = sample_code(6, 49, k, rng, blocks, 3)
    W = layer.to_matrix().astype(float)
    for matrix, name in ((W, "zero padding"), (normalize_rows(W), "unit rows")):
        by_hand = np.linalg.norm(matrix.T @ z, axis=0) / np.linalg.norm(z, axis=0)
        np.testing.assert_allclose(ratios[name], by_hand, rtol=1e-5)
    assert in_model(z[:, 0], 6, k, blocks=blocks)
    assert (z != 0).mean() == pytest.approx(0.2, abs=0.002)


def test_random_filters_centre_at_15_16_with_zero_padding_and_at_1_with_unit_rows():
    rng = np.random.default_rng(0)
    W = model_rip.layer(random_filters(24, 24, (3, 3), rng))
    ratios = model_rip.synthetic(W, 0.206, 20, rng)
    assert ratios["zero padding"].mean() == pytest.approx(15 / 16, abs=0.01)
    assert ratios["unit rows"].mean() == pytest.approx(1, abs=0.01)


def test_recovered_numbers_are_those_of_algorithm_2(layer):
    x = seen.random_activations(6, 7, 3, np.random.default_rng(2))
    found, z_init = model_rip.recovered_ratio(layer, x, 0.1, 1e-4, 5000)
    z, history = recover_code(layer, x, 0.1 * lambda_max(layer, x), (6, 7, 7), 2, 1e-4)
    length = np.linalg.norm
    np.testing.assert_allclose(
        found.ratio, length(layer.T @ z, axis=0) / length(z, axis=0), rtol=1e-3
    )
    np.testing.assert_allclose(
        found.error, length(x - layer.T @ z, axis=0) / length(x, axis=0), rtol=1e-3
    )
    assert (found.gap <= 1e-4).all()
    assert ((found.share > 0) & (found.share <= 16 / 49)).all()
    np.testing.assert_array_equal(z_init, history["z_init"])
    both = history["init"]["iterations"] + history["final"]["iterations"]
    np.testing.assert_array_equal(found.iterations, both)


def test_one_activation_is_a_batch_of_one(layer):
    x = seen.random_activations(6, 7, 2, np.random.default_rng(2))
    alone, _ = model_rip.recovered_ratio(layer, x[:, 0], 0.1, 1e-4)
    together, _ = model_rip.recovered_ratio(layer, x, 0.1, 1e-4)
    np.testing.assert_allclose(alone.ratio, together.ratio[:1], rtol=1e-3)


def test_the_path_starts_each_step_from_the_one_before(layer):
    x = seen.random_activations(6, 7, 2, np.random.default_rng(2))
    path = model_rip.recover(model_rip.Seen(layer.filters, x, (0.3, 0.1), 1e-4, 5000))
    cold, start = model_rip.recovered_ratio(layer, x, 0.3, 1e-4)
    np.testing.assert_allclose(path[0]["ratio"], cold.ratio, rtol=1e-4)
    warm, _ = model_rip.recovered_ratio(layer, x, 0.1, 1e-4, start=start)
    np.testing.assert_allclose(path[1]["ratio"], warm.ratio, rtol=1e-4)
    assert all((step["gap"] <= 1e-4).all() for step in path)


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_a_search_goes_beyond_what_codes_drawn_at_random_show(layer, share):
    drawn = model_rip.synthetic(layer, share, 200, np.random.default_rng(0))["zero padding"]
    low = model_rip.extreme(layer, share, np.random.default_rng(1), largest=False)
    high = model_rip.extreme(layer, share, np.random.default_rng(1))
    assert low < drawn.min()
    assert high > drawn.max()
    assert high <= operator_norm(layer) * (1 + 1e-4)
    few = model_rip.extreme(layer, share, np.random.default_rng(1), iterations=1)
    assert drawn.min() < few < drawn.max()


def test_codes_are_drawn_for_random_and_for_given_filters():
    filters = random_filters(4, 4, (3, 3), np.random.default_rng(0))
    for given in (filters, (4, 4)):
        task = model_rip.Drawing(given, 2, np.random.default_rng(1))
        found = model_rip.draw_codes(task)
        assert set(found) == set(model_rip.SHARES)
        assert found["conv(5,2)"]["unit rows"].shape == (2,)
    low, high = model_rip.search_codes(model_rip.Drawing(filters, 1, np.random.default_rng(1)))
    assert low < 1 < high


def test_a_folder_without_the_network_or_photographs_is_told(tmp_path):
    assert load(None) is None
    assert load(str(tmp_path)) is None
    with pytest.raises(ValueError, match="has 0 photographs; expected 3"):
        seen.activations(None, "conv3_1", str(tmp_path), 3, np.random.default_rng(0))


@pytest.mark.shared
def test_a_patch_of_real_activations_is_untouched_by_padding(shared_data):
    network = load(str(shared_data))
    x = seen.activations(network, "conv3_1", str(shared_data), 1, np.random.default_rng(0))
    # the same draws, and the activations of all that is to the right of and below the patch's corner
    rng = np.random.default_rng(0)
    files = sorted(path for path in shared_data.rglob("*") if path.suffix in (".jpg", ".png"))
    pixels = network.preprocessing(read_image(files[rng.permutation(len(files))[0]]))
    top, left = rng.integers(0, np.array(pixels.shape[1:]) - 104 + 1)
    h = network.forward(pixels[:, top % 4 :, left % 4 :], ["conv3_1"])["conv3_1"]
    row, column = top // 4 + 5, left // 4 + 5
    expected = h[:, row : row + 15, column : column + 15].ravel()
    np.testing.assert_allclose(x[:, 0], expected, atol=1e-5 * np.abs(expected).max())
