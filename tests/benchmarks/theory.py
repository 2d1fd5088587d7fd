"""Projection, the certified bracket, and sparse coding beside scikit-learn and PyLops."""

from collections.abc import Iterator

import numpy as np
from measure import Measure, in_turn, once, optional

import cnninv


def projection(rng: np.random.Generator) -> Iterator[Measure]:
    """M(h, k) on a long code, against sorting all of it."""
    h = rng.standard_normal(512 * 4096)
    copy = np.empty_like(h)
    seconds, peer, limit = in_turn(
        lambda: cnninv.model_project(h, 512, 256),
        lambda: np.argsort(np.abs(h)),
        lambda: np.copyto(copy, h),
        repeats=3,
    )
    operation = "M(h, k), K = 512, n = 4096, k = 256"
    yield Measure(operation, seconds, "np.argsort of |h|", peer, "a copy of h", limit)


def bracket(rng: np.random.Generator) -> Iterator[Measure]:
    """The certified bracket at Figure 2's size, against sampling supports."""
    W = cnninv.conv_matrix(cnninv.random_filters(96, 32, 5, rng), 32)
    found = {}

    def certified() -> None:
        found["lower"], found["upper"] = cnninv.model_rip_bracket(
            W, 96, 10, np.random.default_rng(0)
        )

    def sampled() -> None:
        found["sampled, 5000 supports"] = cnninv.model_rip_sampled(
            W, 96, 10, np.random.default_rng(0), 5000
        )

    seconds, peer = once(certified, sampled)
    operation = "bracket of δ_10 at Figure 2's size"
    yield Measure(operation, seconds, "5000 random supports", peer, facts=found)


def sparse_coding(rng: np.random.Generator) -> Iterator[Measure]:
    """argmin ‖x − Wᵀz‖² + λ‖z‖₁ to a gap of 1e-6 ‖x‖², at Figure 2's size, beside coordinate descent."""
    W = cnninv.conv_matrix(cnninv.random_filters(96, 32, 5, rng), 32)
    X = W.T @ np.stack([cnninv.sample_code(96, 28, 10, rng) for _ in range(64)], axis=1)
    lam, peer = 0.05 * float(np.max(cnninv.lambda_max(W, X))), None
    if (sklearn := optional("sklearn")) is not None:
        from sklearn.linear_model import Lasso

        del sklearn
        # its objective is ours / (2·MD)
        model = Lasso(lam / (2 * len(X)), fit_intercept=False, tol=1e-6, max_iter=10_000)
        Phi = W.T.tocsc()
        peer = lambda: model.fit(Phi, X)  # noqa: E731
    result = {}

    def ours() -> None:
        result["z"], result["history"] = cnninv.lasso(W, X, lam, tol=1e-6)

    seconds, peer_seconds = in_turn(ours, peer, repeats=2)

    def objective(z: np.ndarray) -> float:
        return float(np.sum((X - W.T @ z) ** 2) + lam * np.abs(z).sum())

    facts = {"iterations": float(np.max(result["history"]["iterations"]))}
    if peer is not None:
        facts["objective, theirs / ours"] = objective(model.coef_.T) / objective(result["z"])
    operation = "lasso of 64 signals at Figure 2's size, to a gap of 1e-6"
    yield Measure(operation, seconds, "scikit-learn's Lasso", peer_seconds, facts=facts)


def iterations(rng: np.random.Generator) -> Iterator[Measure]:
    """30 iterations of the lasso on 16 columns, beside PyLops' FISTA."""
    W = cnninv.conv_matrix(cnninv.random_filters(32, 16, (3, 3), rng), (16, 16), padding="same")
    X = rng.standard_normal((W.shape[1], 16))
    lam, norm = 0.1 * cnninv.lambda_max(W, X), cnninv.operator_norm(W)
    threaded, peer = cnninv.ThreadedMatrix(W), None
    if (pylops := optional("pylops")) is not None:
        Phi = pylops.MatrixMult(W.T.tocsr(), otherdims=(16,))
        step, eps = 1 / norm**2, float(np.max(lam))

        def peer() -> None:
            pylops.optimization.sparsity.fista(Phi, X.ravel(), niter=30, eps=eps, alpha=step, tol=0)

    seconds, peer_seconds = in_turn(
        lambda: cnninv.lasso(threaded, X, lam, tol=1e-15, iterations=30, norm=norm),
        peer,
        repeats=1,
    )
    operation = "lasso, 30 iterations on 16 columns, 32 × 16 × 3 × 3 on 16 × 16"
    yield Measure(operation, seconds, "PyLops' FISTA", peer_seconds)
