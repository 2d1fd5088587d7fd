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
from cnninv.experiments import EXPERIMENTS, Context, fig3
from cnninv.images import read_image


@pytest.fixture(scope="module")
def layer():
    return fig3.layer(random_filters(6, 6, (3, 3), np.random.default_rng(0)), 7)


def test_the_layer_is_single_precision_with_unit_filters_and_zero_padding(layer):
    filters = random_filters(6, 6, (3, 3), np.random.default_rng(0))
    explicit = conv_matrix(normalize_filters(filters), (7, 7), padding=1)
    assert layer.dtype == np.float32
    np.testing.assert_allclose(layer.to_matrix().toarray(), explicit.toarray(), atol=1e-7)


def test_row_lengths_are_those_of_the_explicit_matrix(layer):
    np.testing.assert_allclose(fig3.row_lengths(layer), row_norms(layer.to_matrix()), rtol=1e-5)


def test_synthetic_codes_have_the_share_and_the_ratios_of_the_explicit_matrix(layer):
    rng = np.random.default_rng(1)
    ratios = fig3.synthetic(layer, 0.2, 3, np.random.default_rng(1))
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
    W = fig3.layer(random_filters(24, 24, (3, 3), rng))
    ratios = fig3.synthetic(W, 0.206, 20, rng)
    assert ratios["zero padding"].mean() == pytest.approx(15 / 16, abs=0.01)
    assert ratios["unit rows"].mean() == pytest.approx(1, abs=0.01)


def test_recovered_numbers_are_those_of_algorithm_2(layer):
    x = fig3.random_activations(6, 7, 3, np.random.default_rng(2))
    norm = operator_norm(layer)
    found = fig3.recovered(layer, x, 0.1, 1e-4, 5000, norm)
    z, _ = recover_code(layer, x, 0.1 * lambda_max(layer, x), (6, 7, 7), 2, 1e-4)
    length = np.linalg.norm
    np.testing.assert_allclose(
        found.ratio, length(layer.T @ z, axis=0) / length(z, axis=0), rtol=1e-3
    )
    np.testing.assert_allclose(
        found.error, length(x - layer.T @ z, axis=0) / length(x, axis=0), rtol=1e-3
    )
    assert (found.gap <= 1e-4).all()
    assert ((found.share > 0) & (found.share <= 16 / 49)).all()


def test_lambda_is_chosen_by_sparsity_not_by_the_ratio():
    def at(share, ratio):
        return fig3.Recovered(np.array([ratio]), np.zeros(1), np.array([share]), np.zeros(1))

    path = {0.1: at(0.1, 1.0), 0.03: at(0.2, 0.8), 0.01: at(0.25, 0.9)}
    assert fig3.choose(path) == 0.03


def test_figure_3_at_quick_scale_says_what_was_not_run():
    outcome = EXPERIMENTS["fig3"].run(Context("quick", 0))
    verdicts = {(row.quantity, row.convention): row.verdict for row in outcome.rows}
    assert all(verdict != "reproduced" for (q, c), verdict in verdicts.items() if "zero pad" in c)
    for panel in ("3(a)", "3(b)", "3(c)"):
        assert verdicts[f"{panel} ‖Wᵀz‖/‖z‖, learned filters", ""] == "not run"
        assert any(q.startswith(f"{panel} ‖Wᵀz‖/‖z‖, random filters") for q, _ in verdicts)
    assert all(q.startswith(EXPERIMENTS["fig3"].claims) for q, _ in verdicts)
    gaps = [row.ours for row in outcome.rows if "gap" in row.quantity]
    assert len(gaps) == 2
    assert max(gaps) <= 1e-2
    explicit = next(row for row in outcome.rows if "explicit" in row.quantity)
    assert explicit.ours < 1e-6
    assert len(outcome.figure.axes) == 3


def test_a_folder_without_the_network_or_photographs_is_told(tmp_path):
    assert fig3.load(None) is None
    assert fig3.load(str(tmp_path)) is None
    with pytest.raises(ValueError, match="has 0 photographs; expected 3"):
        fig3.activations(None, "conv3_1", str(tmp_path), 3, np.random.default_rng(0))


@pytest.mark.shared
def test_a_patch_of_real_activations_is_untouched_by_padding(shared_data):
    network = fig3.load(str(shared_data))
    x = fig3.activations(network, "conv3_1", str(shared_data), 1, np.random.default_rng(0))
    # the same draws, and the activations of all that is to the right of and below the patch's corner
    rng = np.random.default_rng(0)
    files = sorted(path for path in shared_data.rglob("*") if path.suffix in (".jpg", ".png"))
    pixels = network.preprocessing(read_image(files[rng.permutation(len(files))[0]]))
    top, left = rng.integers(0, np.array(pixels.shape[1:]) - 104 + 1)
    h = network.forward(pixels[:, top % 4 :, left % 4 :], ["conv3_1"])["conv3_1"]
    row, column = top // 4 + 5, left // 4 + 5
    expected = h[:, row : row + 15, column : column + 15].ravel()
    np.testing.assert_allclose(x[:, 0], expected, atol=1e-5 * np.abs(expected).max())
