"""The supports of the model against those that its definition gives."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from instances import naive_supports

from cnninv.model import count_supports
from cnninv.supports import SupportModel, support_model

labels = st.lists(st.sampled_from([0, 1, 2, 5]), min_size=1, max_size=8).map(np.array)


@st.composite
def models(draw):
    """Uneven blocks, interleaved, with labels that are missing."""
    given_labels = draw(labels)
    k = draw(st.integers(0, len(np.unique(given_labels))))
    return SupportModel(given_labels, k, draw(st.integers(1, 4)))


@given(models())
def test_supports_are_the_largest_sums_of_codes_of_the_model(model):
    naive = naive_supports(model.labels, model.k, model.sums)
    largest = {S for S in naive if len(S) == max(map(len, naive))}
    found = [frozenset(S) for S in model.supports()]
    assert set(found) == largest
    assert len(found) == len(largest) == model.count()
    assert {len(S) for S in found} == {model.size}


@given(models())
def test_every_support_lies_in_a_largest_one(model):
    # so that δ, which grows with the support, is attained on the largest
    largest = [frozenset(S) for S in model.supports()]
    for S in naive_supports(model.labels, model.k, model.sums):
        assert any(S <= T for T in largest)


@given(models(), st.integers(0, 2**32 - 1))
def test_samples_are_supports(model, seed):
    if model.size == 0:
        return
    naive = naive_supports(model.labels, model.k, model.sums)
    sample = model.sample(20, np.random.default_rng(seed))
    assert sample.shape == (20, model.size)
    for S in sample:
        assert frozenset(S.tolist()) in naive
        assert len(set(S.tolist())) == model.size
    again = model.sample(20, np.random.default_rng(seed))
    assert np.array_equal(sample, again)


@pytest.mark.parametrize("sums", [1, 2, 3])
def test_samples_reach_every_support(sums):
    model = SupportModel(np.array([0, 0, 0, 1, 1, 4, 1]), 2, sums)
    reached = {frozenset(S.tolist()) for S in model.sample(3000, np.random.default_rng(0))}
    assert len(reached) == model.count()


@pytest.mark.parametrize(("K", "n", "k"), [(1, 1, 1), (3, 2, 2), (4, 5, 3), (96, 28, 10)])
def test_count_on_m_k_is_the_papers_number(K, n, k):
    model = SupportModel(np.repeat(np.arange(K), n), k, 1)
    assert model.count() == count_supports(K, n, k) == n**k * comb(K, k)


def test_count_on_sums_of_two_codes_by_hand():
    # K = 3 blocks of n = 4, k = 2: four entries, (2, 2, 0) or (2, 1, 1) of them in the blocks
    model = SupportModel(np.repeat(np.arange(3), 4), 2, 2)
    assert model.count() == 3 * 6 * 6 + 3 * 6 * 4 * 4


def test_blocks_shorter_than_the_number_of_codes():
    # one entry a block: sums of two codes reach no more than all three entries
    model = SupportModel(np.arange(3), 2, 2)
    assert model.size == 3
    assert list(model.supports()) == [(0, 1, 2)]


def test_labels_are_names_only():
    W, few, huge = np.eye(4), np.array([1, 0, 0, 1]), np.array([10**12, 3, 3, 10**12])
    a, b = support_model(W, 2, 2, 1, few), support_model(W, 2, 2, 1, huge)
    assert set(map(frozenset, a.supports())) == set(map(frozenset, b.supports()))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"k": 3}, ValueError, "k = 3 must be between 0 and 2"),
        ({"sums": 5}, ValueError, "sums = 5 must be between 1 and 4"),
        ({"sums": 1.0}, TypeError, "sums = 1.0 must be an integer"),
        ({"K": 3}, ValueError, "K = 3 must divide the length 4"),
        ({"blocks": [0, 1]}, ValueError, "label for each of 4 entries"),
        ({"blocks": [0, 1, -1, 0]}, ValueError, "label -1"),
        ({"W": np.ones(3)}, TypeError, "must be a matrix"),
    ],
)
def test_bad_arguments_of_the_model_are_named(change, error, message):
    arguments = {"W": np.eye(4), "K": 2, "k": 1, "sums": 1, "blocks": None} | change
    with pytest.raises(error, match=message):
        support_model(**arguments)
