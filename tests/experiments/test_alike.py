import numpy as np
import pytest

from cnninv import normalize_filters, random_filters
from cnninv.experiments import EXPERIMENTS, Context, alike


def test_measures_are_those_counted_by_hand(rng):
    filters = normalize_filters(random_filters(4, 2, (3, 3), rng))
    rows = filters.reshape(4, -1)
    found = alike.measures(filters)
    partners = [max(-rows[i] @ rows[j] for j in range(4) if j != i) for i in range(4)]
    assert found["§3.1 best negative partner"] == pytest.approx(np.mean(partners))
    column = np.sum(filters[..., :-1] * filters[..., 1:], axis=(1, 2, 3)).mean()
    row = np.sum(filters[..., :-1, :] * filters[..., 1:, :], axis=(1, 2, 3)).mean()
    assert found["§2.1 a filter and itself one column on"] == pytest.approx(column)
    assert found["§2.1 a filter and itself one row on"] == pytest.approx(row)
    # Σλ = K for unit filters
    eigenvalues = np.linalg.eigvalsh(rows @ rows.T)
    number = eigenvalues.sum() ** 2 / (eigenvalues**2).sum()
    assert found["§2.1 effective number of filters"] == pytest.approx(number)


def test_opposite_filters_in_different_groups_are_no_pair(rng):
    half = random_filters(3, 2, (3, 3), rng)
    both = np.concatenate([half, -half])
    assert alike.measures(both)["§3.1 best negative partner"] == pytest.approx(1)
    apart = alike.measures(both, groups=2)
    assert apart["§3.1 best negative partner"] < 0.9
    # two orthogonal copies of the same three filters
    number = alike.measures(half)["§2.1 effective number of filters"]
    assert apart["§2.1 effective number of filters"] == pytest.approx(2 * number)


def test_pairs_find_the_negatives_and_use_each_filter_once(rng):
    half = random_filters(5, 3, (3, 3), rng)
    found = alike.pairs(np.concatenate([half, -half]))
    assert {frozenset(pair) for pair in found} == {frozenset((i, i + 5)) for i in range(5)}
    random = alike.pairs(random_filters(10, 3, (3, 3), rng))
    assert sorted(i for pair in random for i in pair) == list(range(10))


def test_tiles_show_each_filter_at_full_contrast(rng):
    filters = random_filters(2, 3, (3, 3), rng)
    picture = alike.tiles(filters)
    assert picture.min() >= 0
    assert picture.max() <= 1
    first, _ = alike.pairs(filters)[0]
    shown = picture[:12:4, :12:4]
    np.testing.assert_allclose(
        np.moveaxis(2 * shown - 1, 2, 0), filters[first] / np.abs(filters[first]).max()
    )


def test_without_weights_the_rows_are_those_of_random_filters():
    rows = EXPERIMENTS["filters"].run(Context("quick", 0)).rows
    assert all(row.quantity.endswith(" random") and row.spread for row in rows)
    moved = [row for row in rows if " on, " in row.quantity]
    assert len(moved) == 2 * 5
    assert all(abs(row.ours) < 0.02 for row in moved)


@pytest.mark.shared
def test_learned_filters_are_correlated_and_come_in_pairs(shared_data):
    rows = EXPERIMENTS["filters"].run(Context("quick", 0, data=str(shared_data))).rows
    ours = {row.quantity: row.ours for row in rows}
    partner = "§3.1 best negative partner, VGG-16 conv1_1"
    assert ours[f"{partner} learned"] == pytest.approx(0.938, abs=1e-3)
    assert ours[f"{partner} random"] == pytest.approx(0.44, abs=0.02)
    for layer in ("conv1_1", "conv1_2", "conv2_1", "conv2_2"):
        for move in ("column", "row"):
            value = ours[f"§2.1 a filter and itself one {move} on, VGG-16 {layer} learned"]
            assert 0.37 <= value <= 0.48
    number = "§2.1 effective number of filters, VGG-16 conv1_1"
    assert ours[f"{number} learned"] < 5 < 18 < ours[f"{number} random"]
