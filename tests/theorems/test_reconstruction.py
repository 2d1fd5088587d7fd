"""Lemmas B.1 to B.4 and Theorem 3.3 with exact constants: no violation; with wrong ones: caught."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from instances import small_layers

from cnninv import (
    conv_matrix,
    max_pool,
    model_project,
    model_rip_exact,
    model_support,
    normalize_filters,
    random_filters,
    sample_code,
    unpool,
)
from cnninv.supports import support_model
from cnninv.theorems import (
    golden_filters,
    largest_useful_delta,
    layer_instance,
    lemma_b1,
    lemma_b2,
    lemma_b3,
    lemma_b4,
    reconstruction_bound,
    reconstruction_bound_sharp,
    reconstruction_bound_unrounded,
    theorem_3_3,
    theorem_3_3_golden,
    theorem_3_3_sharp,
)

seeds = st.integers(0, 2**32 - 1)


def constants(layer):
    """δ_k on M_k and δ_2k on M_k², exactly, with what rounding may have taken from them.

    A layer with a null space has δ = 1; computed as 1 − 10⁻¹⁶ it would promise ‖x‖ ≥ 10⁻⁸ ‖z‖.
    """
    deltas = (
        model_rip_exact(layer.W, layer.K, layer.k, sums=sums, blocks=layer.blocks)
        for sums in (1, 2)
    )
    return tuple(delta + 1e-13 * (1 + delta) for delta in deltas)


def assert_holds(statement):
    assert statement.holds, str(statement)
    for step in statement.steps:
        assert_holds(step)


def codes(layer, seed, scale=1.0):
    """Codes of M_k of all sorts: random, tied, short, one-sparse, with one large entry, zero."""
    rng = np.random.default_rng(seed)
    yield from (scale * layer.code(rng) for _ in range(3))
    yield from (scale * layer.code(rng, "signs") for _ in range(2))
    yield scale * layer.code(rng, k=layer.k - 1)
    yield scale * layer.code(rng, k=1)
    large = scale * layer.code(rng)
    large[np.argmax(np.abs(large))] *= 1e3
    yield large
    yield 0 * large
    # the support on which Wᵀ is worst, and its worst code
    G = (layer.W @ layer.W.T).toarray()
    S = layer.omega(rng)
    vectors = np.linalg.eigh(G[np.ix_(S, S)])[1]
    for column in (0, -1):
        z = np.zeros(len(G))
        z[S] = scale * vectors[:, column]
        yield z


def arguments(layer):
    return {"K": layer.K, "k": layer.k, "blocks": layer.blocks}


# Lemma B.1


@given(small_layers(), seeds)
def test_lemma_b1_holds_for_small_layers(layer, seed):
    rng = np.random.default_rng(seed)
    delta_k = constants(layer)[0]
    omega = layer.omega(rng)
    for _ in range(3):
        z, x = rng.standard_normal(len(omega)), rng.standard_normal(layer.W.shape[1])
        for statement in lemma_b1(layer.W, z, x, omega, delta_k):
            assert_holds(statement)


@cache
def enumerated_layer():
    """K = 3, n = 4, k = 2: W, the supports of M_k, δ_k and δ_2k."""
    W = conv_matrix(random_filters(3, 12, 3, np.random.default_rng(4)), 6)
    supports = [np.array(S) for S in support_model(W, 3, 2, 1, None).supports()]
    assert len(supports) == 48
    return W, supports, model_rip_exact(W, 3, 2), model_rip_exact(W, 3, 2, sums=2)


def worst_inputs(W, omega):
    """The codes and inputs at which (4), (5) and (6) are equalities on this support."""
    W_omega = W.toarray()[omega]
    left, _, right = np.linalg.svd(W_omega, full_matrices=False)
    return [(left[:, i], right[i]) for i in range(len(omega))]


def test_lemma_b1_holds_on_every_support():
    W, supports, delta_k, _ = enumerated_layer()
    for omega in supports:
        for z, x in worst_inputs(W, omega):
            for statement in lemma_b1(W, z, x, omega, delta_k):
                assert_holds(statement)


@pytest.mark.parametrize("factor", [0.5, 0.99])
def test_lemma_b1_catches_a_constant_that_is_too_small(factor):
    W, supports, delta_k, _ = enumerated_layer()
    verdicts = np.array(
        [
            [statement.holds for statement in lemma_b1(W, z, x, omega, factor * delta_k)]
            for omega in supports
            for z, x in worst_inputs(W, omega)
        ]
    )
    # δ_k is attained at one end of the spectrum: above by (4) and (5), or below by (6)
    above, below = not verdicts[:, 1].all(), not verdicts[:, 2].all()
    assert above or below
    assert verdicts[:, 0].all() == (not above)


def test_lemma_b1_computes_both_sides_by_hand():
    W = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 1.0], [1.0, 1.0, 0.0]])
    four, five, six = lemma_b1(W, [3.0, 4.0], [1.0, 2.0, 3.0], [1, 2], delta_k=0.44)
    # W_Ω x = (5, 3), W_Ω W_Ωᵀ = [[2, 1], [1, 2]]
    assert (four.left, five.left) == pytest.approx((34**0.5, 221**0.5))
    assert (four.right, five.right) == pytest.approx((1.2 * 14**0.5, 1.44 * 5))
    assert (six.left, six.right) == pytest.approx((0.56 * 5, 221**0.5))
    assert [s.name for s in (four, five, six)] == [f"Lemma B.1 ({i})" for i in (4, 5, 6)]


def test_lemma_b1_names_bad_input():
    W = np.eye(3)
    with pytest.raises(ValueError, match="z has 2 and x 3 entries"):
        lemma_b1(W, np.ones(2), np.ones(3), [0], 0.1)
    with pytest.raises(ValueError, match=r"delta_k = -0\.1"):
        lemma_b1(W, np.ones(1), np.ones(3), [0], -0.1)
    with pytest.raises(ValueError, match="NaN"):
        lemma_b1(W, np.ones(1), np.full(3, np.nan), [0], 0.1)


# Lemma B.2


@given(small_layers(), seeds)
def test_lemma_b2_holds_for_small_layers(layer, seed):
    rng = np.random.default_rng(seed)
    delta_2k = constants(layer)[1]
    for z in codes(layer, seed):
        assert_holds(lemma_b2(layer.W, z, layer.omega(rng), delta_2k))


def test_lemma_b2_holds_on_every_pair_of_supports():
    W, supports, _, delta_2k = enumerated_layer()
    G = (W @ W.T).toarray()
    worst = 0.0
    for omega in supports:
        for pi in supports:
            outside = np.setdiff1d(pi, omega)
            if len(outside):
                # the code on Π∖Ω that leaks most
                z = np.zeros(len(G))
                z[outside] = np.linalg.svd(G[np.ix_(omega, outside)])[2][0]
                statement = lemma_b2(W, z, omega, delta_2k)
                assert_holds(statement)
                worst = max(worst, statement.left)
    # it is no empty bound: some code leaks more than half of what is allowed
    assert worst > 0.5 * delta_2k


@pytest.mark.parametrize("factor", [0.5, 0.99])
def test_lemma_b2_catches_a_constant_that_is_too_small(factor):
    # unit rows, k = 1: the largest inner product is δ_2k, and it leaks in full
    filters = normalize_filters(random_filters(3, 5, 2, np.random.default_rng(0)))
    W = conv_matrix(filters, 4)
    delta_2k = model_rip_exact(W, 3, 1, sums=2)
    leaks = [lemma_b2(W, z, [i], delta_2k) for z in np.eye(9) for i in range(9) if not z[i]]
    assert all(statement.holds for statement in leaks)
    leaks = [
        lemma_b2(W, z, [i], factor * delta_2k) for z in np.eye(9) for i in range(9) if not z[i]
    ]
    assert not all(statement.holds for statement in leaks)


def test_lemma_b2_computes_both_sides_by_hand():
    W = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    statement = lemma_b2(W, [2.0, 5.0, 1.0], [1], delta_2k=0.9)
    # z|_Ωᶜ = (2, 0, 1), Wᵀ z|_Ωᶜ = (2, 1)
    assert statement.left == pytest.approx(2.0)
    assert statement.right == pytest.approx(0.9 * 5**0.5)


def test_lemma_b2_needs_constants_on_sums_of_two_codes():
    # unit rows, k = 1: δ_k = 0, but another row leaks
    filters = normalize_filters(random_filters(3, 5, 2, np.random.default_rng(0)))
    W = conv_matrix(filters, 4)
    delta_k = model_rip_exact(W, 3, 1)
    assert delta_k < 1e-12
    assert not lemma_b2(W, np.eye(9)[0], [4], delta_k).holds


def test_lemma_b2_names_bad_input():
    with pytest.raises(ValueError, match="z has 2 entries"):
        lemma_b2(np.eye(3), np.ones(2), [0], 0.1)
    with pytest.raises(ValueError, match=r"delta_2k = -1"):
        lemma_b2(np.eye(3), np.ones(3), [0], -1)


# Lemmas B.3 and B.4, Theorem 3.3, the sharper bound


STATEMENTS = {
    "lemma_b3": lemma_b3,
    "lemma_b4": lemma_b4,
    "theorem_3_3": theorem_3_3,
    "theorem_3_3_sharp": theorem_3_3_sharp,
    "theorem_3_3_golden": theorem_3_3_golden,
}


@given(small_layers(), seeds, st.sampled_from([1e-12, 1.0, 1e6]))
def test_lemma_b3_holds_for_small_layers(layer, seed, scale):
    deltas = constants(layer)
    for z in codes(layer, seed, scale):
        assert_holds(lemma_b3(layer.W, z, layer.K, layer.k, *deltas, layer.blocks))


@given(small_layers(), seeds, st.sampled_from([1e-12, 1.0, 1e6]))
def test_lemma_b4_holds_for_small_layers(layer, seed, scale):
    delta_k, delta_2k = constants(layer)
    for z in codes(layer, seed, scale):
        statement = lemma_b4(layer.W, z, layer.K, layer.k, delta_k, delta_2k, layer.blocks)
        assert_holds(statement)
        # rounding the factor up to 5δ_2k/(1 − δ_k) uses δ_k ≤ δ_2k < 1
        if delta_2k < 1:
            assert statement.steps[-1].right <= statement.right * (1 + 1e-12)


@given(small_layers(), seeds, st.sampled_from([1e-12, 1.0, 1e6]))
def test_theorem_3_3_holds_for_small_layers(layer, seed, scale):
    deltas = constants(layer)
    for z in codes(layer, seed, scale):
        assert_holds(theorem_3_3(layer.W, z, layer.K, layer.k, *deltas, layer.blocks))


@given(small_layers(), seeds, st.sampled_from([1e-12, 1.0, 1e6]))
def test_theorem_3_3_sharp_holds_for_small_layers(layer, seed, scale):
    deltas = constants(layer)
    for z in codes(layer, seed, scale):
        sharp = theorem_3_3_sharp(layer.W, z, layer.K, layer.k, *deltas, layer.blocks)
        assert_holds(sharp)
        assert sharp.right <= theorem_3_3(
            layer.W, z, layer.K, layer.k, *deltas, layer.blocks
        ).right * (1 + 1e-12)


@given(small_layers(), seeds, st.sampled_from([1e-12, 1.0, 1e6]))
def test_theorem_3_3_golden_holds_for_small_layers(layer, seed, scale):
    deltas = constants(layer)
    for z in codes(layer, seed, scale):
        assert_holds(theorem_3_3_golden(layer.W, z, layer.K, layer.k, *deltas, layer.blocks))


@pytest.mark.parametrize("scale", [1e-15, 1e-6, 1.0, 1e9])
def test_theorem_3_3_and_its_lemmas_do_not_depend_on_the_scale_of_the_code(scale):
    filters, z = golden_filters(0.01)
    W = conv_matrix(filters, 3)
    for name, share in (("lemma_b3", 0.6), ("lemma_b4", 0.3), ("theorem_3_3", 0.3)):
        assert_holds(STATEMENTS[name](W, scale * z, 2, 2, 0.0101, 0.0101))
        assert not STATEMENTS[name](W, scale * z, 2, 2, share * 0.01, share * 0.01).holds
    assert lemma_b2(W, scale * z, [3], 0.0101).holds
    assert not lemma_b2(W, scale * z, [3], 0.001).holds
    assert not lemma_b1(W, scale * np.ones(2), np.ones(12), [0, 2], 0.0001)[2].holds


def test_lemma_b3_holds_on_every_support():
    W, supports, *deltas = enumerated_layer()
    rng, misidentified = np.random.default_rng(0), 0
    for pi in supports:
        for _ in range(4):
            z = np.zeros(W.shape[0])
            z[pi] = rng.uniform(-1, 1, len(pi))
            statement = lemma_b3(W, z, 3, 2, *deltas)
            assert_holds(statement)
            misidentified += statement.left > 0
    # the statement was put to work: pooling does miss entries here
    assert misidentified > 10


def test_theorem_3_3_holds_on_every_support():
    W, supports, *deltas = enumerated_layer()
    rng = np.random.default_rng(1)
    for pi in supports:
        z = np.zeros(W.shape[0])
        z[pi] = rng.choice([-1.0, 1.0], len(pi)) * rng.uniform(0.3, 1, len(pi))
        for statement in (lemma_b4, theorem_3_3, theorem_3_3_sharp):
            assert_holds(statement(W, z, 3, 2, *deltas))


def reference(W, z, K, k, blocks=None):
    """Error of the code, of the reconstruction, missed energy: dense and in the paper's order."""
    h = W @ (W.T @ z)  # by the sparse matrix: repeated filters tie, and rounding decides
    omega, z_hat = model_support(h, K, k, blocks), model_project(h, K, k, blocks)
    W = W.toarray()
    x = W.T @ z
    missed = z.copy()
    missed[omega] = 0
    x_hat = W.T @ z_hat
    return [np.linalg.norm(v) for v in (missed, z - z_hat, x_hat - x, z, x)]


@given(small_layers(channels=(3, 20)), seeds)
def test_lemma_b3_lemma_b4_and_theorem_3_3_compute_both_sides_of_the_paper(layer, seed):
    z = layer.code(np.random.default_rng(seed))
    delta_k, delta_2k = 0.2, 0.3
    missed, code_error, error, norm_z, norm_x = reference(
        layer.W, z, layer.K, layer.k, layer.blocks
    )
    sides = {
        # ‖z|_Ωᶜ‖ ≤ 2δ_2k/(1−δ_k) ‖z‖
        lemma_b3: (missed, 2 * 0.3 / 0.8 * norm_z),
        # ‖z − ẑ‖ ≤ 5δ_2k/(1−δ_k) ‖z‖
        lemma_b4: (code_error, 5 * 0.3 / 0.8 * norm_z),
        # ‖x̂ − x‖ ≤ 5δ_2k/(1−δ_k) √((1+δ_2k)/(1−δ_2k)) ‖x‖
        theorem_3_3: (error, 5 * 0.3 / 0.8 * (1.3 / 0.7) ** 0.5 * norm_x),
        # ‖x̂ − x‖ ≤ 2δ_2k √((1+δ_2k)/(1−δ_k)) ‖x‖
        theorem_3_3_sharp: (error, 2 * 0.3 * (1.3 / 0.8) ** 0.5 * norm_x),
    }
    for function, (left, right) in sides.items():
        statement = function(layer.W, z, layer.K, layer.k, delta_k, delta_2k, layer.blocks)
        assert statement.left == pytest.approx(left, abs=1e-12)
        assert statement.right == pytest.approx(right, abs=1e-12)


@pytest.mark.parametrize(("name", "share"), [("lemma_b3", 0.6), ("theorem_3_3_sharp", 0.75)])
def test_lemma_b3_and_theorem_3_3_sharp_catch_constants_that_are_too_small(name, share):
    # a layer made to be misidentified: the left sides reach 0.69 and 0.81 of the right ones
    filters, z = golden_filters(0.01)
    W = conv_matrix(filters, 3)
    delta_k, delta_2k = (model_rip_exact(W, 2, 2, sums=sums) for sums in (1, 2))
    function = STATEMENTS[name]
    assert_holds(function(W, z, 2, 2, delta_k, delta_2k))
    caught = function(W, z, 2, 2, share * delta_k, share * delta_2k)
    assert not caught.holds
    assert any(not step.holds for step in caught.steps)


@pytest.mark.parametrize("name", ["lemma_b4", "theorem_3_3"])
def test_lemma_b4_and_theorem_3_3_catch_constants_that_are_too_small(name):
    # their 5 is generous: the same layer reaches 0.32 of the right sides
    filters, z = golden_filters(0.01)
    W = conv_matrix(filters, 3)
    delta_k, delta_2k = (model_rip_exact(W, 2, 2, sums=sums) for sums in (1, 2))
    function = STATEMENTS[name]
    assert_holds(function(W, z, 2, 2, delta_k, delta_2k))
    assert function(W, z, 2, 2, 0.4 * delta_k, 0.4 * delta_2k).holds
    assert not function(W, z, 2, 2, 0.3 * delta_k, 0.3 * delta_2k).holds


def test_lemma_b3_is_tight_where_the_second_filter_hides_the_first():
    filters, z = golden_filters(1e-4)
    W = conv_matrix(filters, 3)
    deltas = [model_rip_exact(W, 2, 2, sums=sums) for sums in (1, 2)]
    statement = lemma_b3(W, z, 2, 2, *deltas)
    # (1 + φ)/√(1 + φ²) / 2
    assert statement.left / statement.right == pytest.approx(0.688, abs=0.002)


@given(small_layers(), seeds)
def test_lemma_b3_holds_with_root_two_and_without_its_denominator(layer, seed):
    # from the proof of the golden bound: ‖z|_Ωᶜ‖ ≤ p + q ≤ √2 ‖e‖ ≤ √2 δ_2k ‖z‖
    deltas = constants(layer)
    for z in codes(layer, seed):
        missed = lemma_b3(layer.W, z, layer.K, layer.k, *deltas, layer.blocks).left
        assert missed <= np.sqrt(2) * deltas[1] * np.linalg.norm(z) * (1 + 1e-9) + 1e-9


def test_lemma_b3_and_lemma_b4_show_the_steps_of_the_proof():
    # W Wᵀ z = (0.5, 1, 0, …): the first entry is missed for the second one, of the other block
    W = np.array([[0.5, 0.5, 0.0], [2.0, 0.0, 0.0]])
    z = np.array([1.0, 0.0])
    h = np.array([0.5, 1.0])
    delta_k, delta_2k = 0.2, 0.3
    best, upper, lower = lemma_b3(W, z, 2, 1, delta_k, delta_2k).steps
    # Π = {0}, Ω = {1}
    assert (best.left, best.right) == pytest.approx((h[0], h[1]))
    assert (upper.left, upper.right) == pytest.approx((h[1], 0.3))
    assert (lower.left, lower.right) == pytest.approx((0.8 - 0.3, h[0]))
    triangle, defect, leak, together = lemma_b4(W, z, 2, 1, delta_k, delta_2k).steps
    # z|_Ω = 0, so all of the error is what is missed and what leaks
    assert (triangle.left, triangle.right) == pytest.approx((2**0.5, 1 + 0 + 1))
    assert (defect.left, defect.right) == (0, 0)
    assert (leak.left, leak.right) == pytest.approx((1.0, 0.3))
    assert together.left == triangle.left


def test_lemma_b4_needs_the_infimum_where_the_paper_prints_a_supremum():
    # W_Ω W_Ωᵀ has the eigenvalues 1.05 and 0.3; the printed display,
    # 1 − δ_k ≤ σ_max² ≤ 1 + δ_k, holds with δ_k = 0.05 and says nothing about σ_min² = 0.3
    W = np.diag(np.sqrt([1.05, 0.3]))
    delta_k = 0.05
    largest = np.linalg.svd(W, compute_uv=False)[0] ** 2
    assert 1 - delta_k <= largest <= 1 + delta_k + 1e-12
    assert np.linalg.norm(np.eye(2) - W @ W.T, 2) == pytest.approx(0.7)
    weak = np.array([0.0, 1.0])
    printed = lemma_b4(W, weak, 2, 2, delta_k, delta_2k=0.05)
    assert not printed.steps[1].holds  # ‖(I − W_ΩW_Ωᵀ) z|_Ω‖ ≤ δ_k ‖z|_Ω‖
    assert not printed.holds
    # with the infimum, δ_k = 0.7
    delta_k = model_rip_exact(W, 2, 2)
    assert delta_k == pytest.approx(0.7)
    assert_holds(lemma_b4(W, weak, 2, 2, delta_k, delta_2k=0.7))


def test_lemma_b4_with_its_factor_before_rounding_up_allows_less():
    W, supports, *_ = enumerated_layer()
    z = np.zeros(W.shape[0])
    z[supports[0]] = 1.0
    unrounded = lemma_b4(W, z, 3, 2, 0.1, 0.2).steps[-1]
    # (1+δ_2k)·2δ_2k/(1−δ_k) + δ_k
    assert unrounded.right == pytest.approx((1.2 * 0.4 / 0.9 + 0.1) * np.sqrt(2))


def test_theorem_3_3_is_about_known_switches():
    # "any type of valid upsampling switches" (§2.3, §3.3): naive ones exceed the bound in most draws
    rng = np.random.default_rng(0)
    W, K, n = conv_matrix(random_filters(3, 1000, 4, rng), 8), 3, 5
    deltas = [model_rip_exact(W, K, K, sums=sums) for sums in (1, 2)]
    assert reconstruction_bound(*deltas) < 0.41
    exceeded = 0
    for _ in range(100):
        z = sample_code(K, n, K, rng)
        known = theorem_3_3(W, z, K, K, *deltas)
        assert_holds(known)
        x = W.T @ z
        values, switches = max_pool(W @ x, (K, n), n)
        x_hat = W.T @ unpool(values, switches, (K, n), n)
        assert np.linalg.norm(x_hat - x) == pytest.approx(known.left)
        naive = W.T @ unpool(values, None, (K, n), n, how="naive")
        exceeded += np.linalg.norm(naive - x) > known.right
    assert exceeded > 90


def test_theorem_3_3_holds_with_blocks_smaller_than_a_filter():
    # pooling over regions of two shifts: more entries, other constants, the same statement
    rng = np.random.default_rng(0)
    W, blocks = conv_matrix(random_filters(2, 300, 2, rng), 5), np.arange(8) // 2
    deltas = [model_rip_exact(W, 2, 3, sums=sums, blocks=blocks) for sums in (1, 2)]
    assert deltas[1] < 1
    for seed in range(30):
        z = sample_code(2, 4, 3, np.random.default_rng(seed), blocks=blocks)
        assert_holds(theorem_3_3(W, z, 2, 3, *deltas, blocks))
        assert_holds(theorem_3_3_sharp(W, z, 2, 3, *deltas, blocks))


def test_theorem_3_3_is_empty_when_a_constant_reaches_1_and_the_sharper_bound_is_not():
    filters = random_filters(3, 50, 2, np.random.default_rng(0))
    filters[1] = -filters[0]
    W = conv_matrix(normalize_filters(filters), 4)
    delta_k, delta_2k = (model_rip_exact(W, 3, 1, sums=sums) for sums in (1, 2))
    assert delta_k < 1 <= delta_2k
    z = sample_code(3, 3, 1, np.random.default_rng(0))
    assert theorem_3_3(W, z, 3, 1, delta_k, delta_2k).right == np.inf
    sharp = theorem_3_3_sharp(W, z, 3, 1, delta_k, delta_2k)
    assert_holds(sharp)
    assert sharp.right < 4 * np.linalg.norm(W.T @ z)


@pytest.mark.parametrize("function", STATEMENTS.values())
def test_statements_of_appendix_b_hold_for_the_zero_code_whatever_the_constants(function):
    W = conv_matrix(random_filters(2, 3, 2, np.random.default_rng(0)), 4)
    for deltas in ((0.0, 0.0), (0.3, 2.0), (1.0, 1.0), (5.0, 9.0)):
        statement = function(W, np.zeros(6), 2, 1, *deltas)
        assert statement.left == 0
        assert_holds(statement)


@pytest.mark.parametrize("function", STATEMENTS.values())
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"z": np.ones(6)}, ValueError, "z is not in M_k for K = 2, k = 1"),
        ({"z": np.ones(5)}, ValueError, "z has 5 entries"),
        ({"z": np.full(6, np.inf)}, ValueError, "z has 6 entries that are NaN or infinite"),
        ({"z": np.eye(6)[0] * 1j}, TypeError, "z has dtype complex"),
        ({"k": 3}, ValueError, "k = 3 must be between 0 and 2"),
        ({"K": 4}, ValueError, "K = 4 must divide"),
        ({"delta_k": -0.5}, ValueError, "delta_k = -0.5"),
        ({"delta_2k": np.nan}, ValueError, "delta_2k = nan"),
        ({"delta_2k": "0.5"}, TypeError, "delta_2k = '0.5' must be a real number"),
    ],
)
def test_statements_of_appendix_b_name_bad_input(function, change, error, message):
    W = conv_matrix(random_filters(2, 3, 2, np.random.default_rng(0)), 4)
    base = {"W": W, "z": np.eye(6)[0], "K": 2, "k": 1, "delta_k": 0.1, "delta_2k": 0.2}
    with pytest.raises(error, match=message):
        function(**(base | change))


def test_layer_instance_is_one_run_of_the_layer():
    W = conv_matrix(random_filters(3, 5, 2, np.random.default_rng(0)), 4)
    z = sample_code(3, 3, 2, np.random.default_rng(1))
    run = layer_instance(W, z, 3, 2)
    assert np.allclose(run.x, W.toarray().T @ z)
    assert np.allclose(run.h, W.toarray() @ W.toarray().T @ z)
    assert np.array_equal(run.z_hat, model_project(run.h, 3, 2))
    assert np.array_equal(run.pi, np.flatnonzero(z))
    assert np.array_equal(run.omega, np.flatnonzero(run.z_hat))


# the factors


def test_largest_useful_delta_gives_the_papers_its_chains_and_our_threshold():
    # DESIGN 6.8: 0.147 as printed, 0.203 before rounding up, 0.348 for the sharper bound
    assert largest_useful_delta(reconstruction_bound) == pytest.approx(0.147, abs=5e-4)
    assert largest_useful_delta(reconstruction_bound_unrounded) == pytest.approx(0.203, abs=5e-4)
    assert largest_useful_delta(reconstruction_bound_sharp) == pytest.approx(0.348, abs=5e-4)


@given(st.floats(0, 2), st.floats(0, 2))
def test_reconstruction_bound_is_infinite_iff_a_constant_is_at_least_1(delta_k, delta_2k):
    infinite = delta_k >= 1 or delta_2k >= 1
    assert (reconstruction_bound(delta_k, delta_2k) == np.inf) == infinite
    assert (reconstruction_bound_unrounded(delta_k, delta_2k) == np.inf) == infinite
    assert (reconstruction_bound_sharp(delta_k, delta_2k) == np.inf) == (delta_k >= 1)


def test_reconstruction_bound_at_the_edge_of_1():
    below = np.nextafter(1.0, 0.0)
    assert np.isfinite(reconstruction_bound(below, below))
    assert reconstruction_bound(below, 1.0) == np.inf
    assert reconstruction_bound(1.0, 0.0) == np.inf
    assert reconstruction_bound(0.0, 0.0) == 0


@given(st.floats(0, 0.999), st.floats(0, 0.999))
def test_reconstruction_bounds_are_ordered_and_grow(a, b):
    delta_k, delta_2k = min(a, b), max(a, b)  # δ_k ≤ δ_2k, as the paper notes
    printed, chain, sharp = (
        bound(delta_k, delta_2k)
        for bound in (
            reconstruction_bound,
            reconstruction_bound_unrounded,
            reconstruction_bound_sharp,
        )
    )
    assert sharp <= chain * (1 + 1e-12)
    assert chain <= printed * (1 + 1e-12)
    assert reconstruction_bound(delta_k, min(delta_2k + 0.01, 0.9999)) >= printed


def test_reconstruction_bound_says_something_for_a_layer_that_can_be_enumerated():
    # DESIGN 6.8: K = k = 3 and Mℓ = 16 000 give a factor of about 0.156, with n = 2 shifts
    factors = []
    for seed in range(10):
        W = conv_matrix(random_filters(3, 8000, 2, np.random.default_rng(seed)), 3)
        deltas = [model_rip_exact(W, 3, 3, sums=sums) for sums in (1, 2)]
        factors.append(reconstruction_bound(*deltas))
    assert np.mean(factors) == pytest.approx(0.156, abs=0.02)
    assert max(factors) < 0.25
