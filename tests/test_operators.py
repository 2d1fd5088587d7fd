"""W may be any operator with @ and .T: every function that takes one gives what it gives for the matrix."""

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

from cnninv import (
    ConvOperator,
    conv_matrix,
    iht,
    model_project,
    model_rip_bracket,
    model_rip_exact,
    model_rip_sampled,
    operator_norm,
    random_filters,
    sample_code,
    theorems,
)

K, N, k = 4, 5, 2
FILTERS = random_filters(K, 6, 3, np.random.default_rng(0))
W = conv_matrix(FILTERS, 7)
Z = sample_code(K, N, k, np.random.default_rng(1))
Z_HAT = sample_code(K, N, k, np.random.default_rng(2))
X = np.random.default_rng(3).standard_normal(W.shape[1])
OMEGA = [0, 7]

USES = {
    "iht": lambda W: iht(W.T, X, lambda b: model_project(b, K, k), 3, step="norm")[0],
    "operator_norm": lambda W: operator_norm(W, tol=1e-12),
    "model_rip_exact": lambda W: model_rip_exact(W, K, k),
    "model_rip_sampled": lambda W: model_rip_sampled(W, K, k, np.random.default_rng(0)),
    "model_rip_bracket": lambda W: model_rip_bracket(W, K, k, np.random.default_rng(0)),
    "layer_is_iht_iteration": lambda W: sides(theorems.layer_is_iht_iteration(W, X, K)),
    "iht_contraction": lambda W: sides(theorems.iht_contraction(W, Z, Z_HAT, K, k, 0.5)),
    "lemma_b1": lambda W: [sides(s) for s in theorems.lemma_b1(W, [1.0, -2.0], X, OMEGA, 0.5)],
    "lemma_b2": lambda W: sides(theorems.lemma_b2(W, Z, OMEGA, 0.5)),
    "lemma_b3": lambda W: sides(theorems.lemma_b3(W, Z, K, k, 0.5, 0.6)),
    "lemma_b4": lambda W: sides(theorems.lemma_b4(W, Z, K, k, 0.5, 0.6)),
    "theorem_3_3": lambda W: sides(theorems.theorem_3_3(W, Z, K, k, 0.5, 0.6)),
    "theorem_3_3_sharp": lambda W: sides(theorems.theorem_3_3_sharp(W, Z, K, k, 0.5, 0.6)),
    "theorem_3_3_golden": lambda W: sides(theorems.theorem_3_3_golden(W, Z, K, k, 0.5, 0.6)),
}
KINDS = {
    "dense": lambda: W.toarray(),
    "lists": lambda: W.toarray().tolist(),
    "csc": lambda: scipy.sparse.csc_array(W),
    "coo": lambda: scipy.sparse.coo_array(W),
    "LinearOperator": lambda: scipy.sparse.linalg.aslinearoperator(W),
    "ConvOperator": lambda: ConvOperator(FILTERS, 7),
}


def sides(statement):
    """Both sides of a statement and of the steps of its proof."""
    return [statement.left, statement.right, *(side for s in statement.steps for side in sides(s))]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("use", USES)
def test_the_kind_of_w_does_not_matter(use, kind):
    matrix = KINDS[kind]()
    if kind == "lists" and use == "iht":
        matrix = np.array(matrix)  # a list has no .T
    np.testing.assert_allclose(USES[use](matrix), USES[use](W), rtol=1e-9, atol=1e-11)
