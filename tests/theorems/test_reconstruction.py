"""Theorem 3.3 with exact constants: no violation; with wrong ones: caught."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from instances import assert_holds, codes, constants, enumerated_layer, small_layers

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
from cnninv.theorems import (
    golden_filters,
    lemma_b1,
    lemma_b2,
    lemma_b3,
    lemma_b4,
    reconstruction_bound,
    theorem_3_3,
    theorem_3_3_golden,
    theorem_3_3_sharp,
)

seeds = st.integers(0, 2**32 - 1)


STATEMENTS = {
    "lemma_b3": lemma_b3,
    "lemma_b4": lemma_b4,
    "theorem_3_3": theorem_3_3,
    "theorem_3_3_sharp": theorem_3_3_sharp,
    "theorem_3_3_golden": theorem_3_3_golden,
}


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


def test_lemma_b4_theorem_3_3_and_its_sharper_form_both_sides_of_every_step_by_hand():
    norm, K, n, k, delta_k, delta_2k = np.linalg.norm, 3, 4, 2, 0.2, 0.3
    W = conv_matrix(random_filters(K, 8, 3, np.random.default_rng(1)), 6).toarray()
    rng, mistakes = np.random.default_rng(2), 0
    for _ in range(40):
        z = sample_code(K, n, k, rng) * 10 ** rng.uniform(-3, 0, K * n)
        x = W.T @ z
        h = W @ x
        z_hat = model_project(h, K, k)
        kept = z_hat != 0  # Ω
        T = kept | (z != 0)
        mistakes += not np.array_equal(T, kept)
        defect = z[kept] - W[kept] @ (W[kept].T @ z[kept])
        leak = norm(W[kept] @ (W[~kept].T @ z[~kept]))
        error, size = norm(z - z_hat), norm(z)
        to_input = [
            (norm(W.T @ z_hat - x), 1.3**0.5 * error),  # ‖x̂−x‖ ≤ √(1+δ_2k) ‖z−ẑ‖
        ]
        expected = {
            lemma_b4: [
                (error, norm(z[~kept]) + norm(defect) + leak),
                (norm(defect), 0.2 * norm(z[kept])),
                (leak, 0.3 * norm(z[~kept])),
                (error, (1.3 * 2 * 0.3 / 0.8 + 0.2) * size),
            ],
            theorem_3_3: [
                (error, 5 * 0.3 / 0.8 * size),
                *to_input,
                (0.7**0.5 * size, norm(x)),  # √(1−δ_2k) ‖z‖ ≤ ‖x‖
            ],
            theorem_3_3_sharp: [
                (norm((h - z_hat)[T]), norm((h - z)[T])),
                (error, 2 * norm((h - z)[T])),
                (norm((h - z)[T]), 0.3 * size),
                (error, 2 * 0.3 * size),
                *to_input,
                (0.8**0.5 * size, norm(x)),  # √(1−δ_k) ‖z‖ ≤ ‖x‖
            ],
        }
        for function, sides in expected.items():
            steps = function(W, z, K, k, delta_k, delta_2k).steps
            found = [(step.left, step.right) for step in steps]
            np.testing.assert_allclose(found, sides, atol=1e-14)
    assert mistakes > 5  # with Ω ≠ Π


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
