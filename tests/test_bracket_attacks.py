"""Attempts to break the certified bracket: matrices that are no layers, odd blocks, extreme scales."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from instances import naive_supports, small_layers

import cnninv
from cnninv import conv_matrix, model_rip_bracket, model_rip_exact, random_filters
from cnninv.bracket import gershgorin_bound
from cnninv.supports import SupportModel


def assert_brackets(W, K, k, sums=1, blocks=None, starts=5):
    lower, upper = model_rip_bracket(W, K, k, np.random.default_rng(0), sums, blocks, starts)
    exact = model_rip_exact(W, K, k, sums=sums, blocks=blocks)
    allowance = 1e-12 * (1 + exact)
    assert lower <= exact + allowance
    assert exact <= upper  # which allows for rounding itself
    return lower, exact, upper


@given(small_layers(), st.integers(1, 4), st.integers(1, 9))
def test_the_bracket_holds_on_every_small_layer(layer, sums, starts):
    assert_brackets(layer.W, layer.K, layer.k, sums, layer.blocks, starts)


@st.composite
def symmetric_matrices(draw):
    """Grams and other symmetric matrices, of any scale, rank, sparsity, diagonal and sign."""
    size = draw(st.integers(1, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(
        st.sampled_from(["gram", "any", "sparse", "integers", "low rank", "equal", "cycle"])
    )
    A = rng.standard_normal((size, size))
    if kind == "gram":
        A = A @ A.T
    elif kind == "sparse":
        A *= rng.random((size, size)) < 0.3
    elif kind == "integers":
        A = rng.integers(-2, 3, (size, size)).astype(float)
    elif kind == "low rank":
        A = np.outer(A[0], A[0])
    elif kind == "equal":
        A = np.full((size, size), A[0, 0])
    elif kind == "cycle":
        A = np.roll(np.eye(size), 1, axis=0)
    G = (A + A.T) * draw(st.sampled_from([1e-3, 0.3, 1.0, 100.0]))
    diagonal = draw(st.sampled_from(["as it is", "ones", "zero", "spread", "one large", "small"]))
    if diagonal != "as it is":
        values = {
            "ones": np.ones(size),
            "zero": np.zeros(size),
            "spread": rng.uniform(-3, 3, size),
            "one large": np.eye(size)[0] * 1e3,
            "small": np.full(size, -50.0),
        }
        np.fill_diagonal(G, values[diagonal])
    return G


@settings(max_examples=400)
@given(symmetric_matrices(), st.data())
def test_gershgorin_bound_holds_for_any_symmetric_matrix(G, data):
    size = len(G)
    labels = np.array(data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size)))
    k = data.draw(st.integers(1, len(np.unique(labels))))
    model = SupportModel(labels, k, data.draw(st.integers(1, 4)))
    sweeps = data.draw(st.sampled_from([1, 2, 3, 12, 40]))
    supports = [sorted(S) for S in naive_supports(labels, k, model.sums) if S]
    for sign in (1, -1):
        E = sign * (G - np.eye(size))
        exact = max(np.linalg.eigvalsh(E[np.ix_(S, S)])[-1] for S in supports)
        bound = gershgorin_bound(G, model, sign, sweeps)
        assert exact <= bound + 1e-11 * (1 + np.abs(E).max())


@settings(max_examples=100)
@given(symmetric_matrices(), st.data())
def test_gershgorin_bound_shrinks_with_sweeps_and_grows_with_the_model(G, data):
    labels = np.arange(len(G)) // data.draw(st.integers(1, 3))
    k = data.draw(st.integers(1, labels[-1] + 1))
    sums, sign = data.draw(st.integers(1, 3)), data.draw(st.sampled_from([1, -1]))
    allowance = 1e-11 * (1 + np.abs(G).max())

    def bound(k, sums, sweeps):
        return gershgorin_bound(G, SupportModel(labels, k, sums), sign, sweeps)

    assert bound(k, sums, 20) <= bound(k, sums, 3) + allowance
    assert bound(k, sums, 1) <= bound(k, sums + 1, 1) + allowance
    if k > 1:
        assert bound(k - 1, sums, 1) <= bound(k, sums, 1) + allowance


def test_gershgorin_bound_is_attained_where_rows_are_alike():
    # all entries 1/2 off the diagonal, three blocks of two: λ_max(G_SS) − 1 = (|S| − 1)/2
    G = np.full((6, 6), 0.5) + np.eye(6) / 2
    labels = np.array([0, 0, 1, 1, 2, 2])
    for k, sums, size in ((1, 1, 1), (2, 1, 2), (3, 1, 3), (1, 2, 2), (2, 2, 4), (3, 2, 6)):
        bound = gershgorin_bound(G, SupportModel(labels, k, sums))
        assert bound == pytest.approx((size - 1) / 2)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("diagonal", [0.2, 1.0, 3.0])
def test_gershgorin_bound_reaches_the_perron_root_of_the_whole_matrix(sign, diagonal):
    # one entry a block and all blocks: the only support is everything
    rng = np.random.default_rng(0)
    A = np.abs(rng.standard_normal((5, 5)))
    G = A + A.T
    np.fill_diagonal(G, diagonal + rng.uniform(0, 0.5, 5))
    E = np.abs(G)
    np.fill_diagonal(E, sign * (np.diag(G) - 1))
    bound = gershgorin_bound(G, SupportModel(np.arange(5), 5, 1), sign, sweeps=100)
    assert bound == pytest.approx(np.linalg.eigvalsh(E)[-1], rel=1e-6)


def test_gershgorin_bound_is_not_spoilt_by_an_entry_that_touches_no_other():
    # the path 0.5, 0.1 and an entry with the least diagonal: its weight u falls to 0 at the first sweep
    G = np.array([[-1.0, 0, 0, 0], [0, 1, 0.5, 0], [0, 0.5, 1, 0.1], [0, 0, 0.1, 1]])
    model = SupportModel(np.arange(4), 4, 1)
    assert gershgorin_bound(G, model, sweeps=1) == pytest.approx(0.6)
    assert 0.26**0.5 <= gershgorin_bound(G, model, sweeps=100) < 0.55


def test_gershgorin_bound_lets_a_row_share_its_block_with_sums_minus_one_others():
    # four blocks of four entries alike, blocks orthogonal: of each block a support holds `sums` entries
    G = np.kron(np.eye(4), np.full((4, 4), 0.5)) + np.eye(16) / 2
    for sums in (1, 2, 3, 4):
        for k in (1, 2, 4):
            bound = gershgorin_bound(G, SupportModel(np.repeat(np.arange(4), 4), k, sums))
            assert bound == pytest.approx((sums - 1) / 2)


@pytest.mark.parametrize("sums", [1, 2, 3])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_bracket_of_orthonormal_rows_is_zero(k, sums):
    W = conv_matrix(cnninv.filterbanks.dct_filters(3), 9, stride=3)
    lower, _, upper = assert_brackets(W, 3, k, sums)
    assert -1e-12 <= lower <= upper < 1e-9


@pytest.mark.parametrize("sums", [1, 2])
def test_the_bracket_of_more_rows_than_entries(sums):
    # Kn = 20 > MD = 4: λ_min(G) = 0 says nothing, and large supports have a null space
    W = conv_matrix(random_filters(4, 1, 2, np.random.default_rng(0)), 4, padding=1)
    assert W.shape == (20, 4)
    for k in (1, 2, 3, 4):
        _, exact, _ = assert_brackets(W, 4, k, sums, starts=20)
    assert exact >= 1


def test_the_bracket_of_repeated_and_opposite_filters_refutes_the_model_rip():
    filters = cnninv.normalize_filters(random_filters(4, 30, 3, np.random.default_rng(0)))
    for sign in (1, -1):
        filters[2] = sign * filters[0]
        lower, exact, _ = assert_brackets(conv_matrix(filters, 5), 4, 1, sums=2)
        assert exact == pytest.approx(1.0, abs=0.05)
        assert lower >= 1 - 1e-12


@pytest.mark.parametrize("zero", [[0], [1, 3], [0, 1, 2, 3]])
def test_the_bracket_of_zero_filters_is_at_least_1(zero):
    filters = random_filters(4, 30, 3, np.random.default_rng(0))
    filters[zero] = 0
    for k, sums in ((1, 1), (2, 1), (2, 2)):
        lower, _, _ = assert_brackets(conv_matrix(filters, 5), 4, k, sums)
        assert lower >= 1


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 0.1, 10.0, 1e4])
def test_the_bracket_of_badly_scaled_filters(scale):
    W = scale * conv_matrix(random_filters(3, 30, 3, np.random.default_rng(0)), 5)
    for k, sums in ((1, 1), (2, 1), (3, 1), (2, 2), (1, 3)):
        assert_brackets(W, 3, k, sums)


def test_the_bracket_of_arrays_that_are_no_layers():
    rng = np.random.default_rng(0)
    for _ in range(40):
        rows, columns = rng.integers(1, 9, 2)
        W = rng.standard_normal((rows, columns)) * rng.choice([0.1, 0.4, 2.0])
        blocks = rng.integers(0, 4, rows)
        k = int(rng.integers(1, len(np.unique(blocks)) + 1))
        assert_brackets(W, 1, k, int(rng.integers(1, 4)), blocks)


def test_the_search_finds_the_exact_constant_of_small_layers():
    # a lower end that were far from δ would hold just as well
    rng, found = np.random.default_rng(0), 0
    for _ in range(20):
        W = conv_matrix(random_filters(4, 20, 3, rng), 6)
        lower, exact, _ = assert_brackets(W, 4, 2, sums=2, starts=40)
        assert lower > 0.9 * exact
        found += lower == pytest.approx(exact)
    assert found >= 15


def test_the_bracket_is_the_same_for_the_same_seed():
    W = conv_matrix(random_filters(6, 4, 3, np.random.default_rng(0)), 12)
    runs = {
        model_rip_bracket(W, 6, 3, np.random.default_rng(5), sums=2, starts=10) for _ in range(3)
    }
    assert len(runs) == 1


def test_the_bracket_takes_sparse_arrays_and_arrays_alike():
    W = conv_matrix(random_filters(4, 4, 3, np.random.default_rng(0)), 9)
    sparse = model_rip_bracket(W, 4, 2, np.random.default_rng(0))
    array = model_rip_bracket(W.toarray(), 4, 2, np.random.default_rng(0))
    assert array == pytest.approx(sparse, abs=1e-12)
