"""The model-RIP constant δ_k between certified ends (Gilbert 2017, §2.3, eq. 1).

A search over supports can only find a lower end of δ; the upper end here is proved for all supports.
"""

from typing import Any

import numpy as np

from cnninv.backend import to_host
from cnninv.rip import gram, products
from cnninv.supports import SupportModel, support_model
from cnninv.validation import generator, real_matrix, whole_number


def model_rip_bracket(
    W: Any,
    K: int,
    k: int,
    rng: np.random.Generator,
    sums: int = 1,
    blocks: Any = None,
    starts: int = 200,
) -> tuple[float, float]:
    """Certified lower ≤ δ ≤ upper, for layers too large to enumerate.

    The lower end is |λ(W_S W_Sᵀ) − 1| on the worst support S that a search finds (truncated power
    iterations from many starts, then exchanges of single entries). The upper end is proved for all
    supports: see `gershgorin_bound` and, for λ_max, also ‖W‖². Products and the spectrum are computed where W
    is, the search in memory.

    Parameters
    ----------
    W, K, k, sums, blocks
        As in `model_rip_exact`.
    rng : numpy.random.Generator
        For the starts of the search.
    starts : int
        Number of starts at each end of the spectrum.

    Returns
    -------
    lower, upper : float

    Examples
    --------
    >>> from cnninv import conv_matrix, model_rip_exact, random_filters
    >>> rng = np.random.default_rng(0)
    >>> W = conv_matrix(random_filters(3, 100, 4, rng), 8)
    >>> lower, upper = model_rip_bracket(W, 3, 2, rng)
    >>> lower <= model_rip_exact(W, 3, 2) + 1e-9 <= upper + 2e-9
    True
    """
    W = real_matrix(W, "W")
    model = support_model(W, K, k, sums, blocks)
    starts, rng = whole_number(starts, "starts", low=1), generator(rng)
    if model.size == 0:
        return 0.0, 0.0
    G = gram(W)
    spectrum = to_host(np.linalg.eigvalsh(_small_gram(W, G)))
    G = to_host(G)
    # λ_min(G_SS) ≥ λ_min(G) ≥ 0: the lower end of the spectrum is never further from 1 than this
    least = float(spectrum[0]) if len(spectrum) == len(G) else 0.0
    below = 1 - max(least, 0.0)
    lower = _search(G, model, rng, starts, sign=1)
    if lower < below:
        lower = max(lower, _search(G, model, rng, starts, sign=-1))
    upper = min(gershgorin_bound(G, model, sign=1), float(spectrum[-1]) - 1)
    if upper < below:
        upper = max(upper, min(gershgorin_bound(G, model, sign=-1), below))
    rounding = 1e-12 * len(G) * max(1.0, float(spectrum[-1]))
    return lower, max(upper, lower) + rounding


def gershgorin_bound(G: np.ndarray, model: SupportModel, sign: int = 1, sweeps: int = 12) -> float:
    """An upper bound of λ_max(±(G_SS − I)) that holds for every support S of the model.

    With E = ±(G − I) and any u > 0, λ_max(E_SS) ≤ max_i (|E|_SS u)_i/u_i (Collatz and Wielandt). Row i
    of |E|_SS u is at most e_ii u_i plus the sum of the largest |e_ij| u_j that a support containing
    i allows: at most `sums` a block, |S| in all. u = 1 is the block Gershgorin bound; the vector
    of these row bounds is the next u, and the t-th root of their maximum bounds λ_max too.

    Parameters
    ----------
    G : ndarray, shape (K*n, K*n)
        W Wᵀ.
    model : SupportModel
    sign : 1 or -1
        Bound λ_max − 1, or 1 − λ_min.
    sweeps : int
        Updates of u.

    Returns
    -------
    float
    """
    diagonal = sign * (np.diag(G) - 1)
    shift = max(0.0, -float(diagonal.min()))  # E + shift·I has a non-negative diagonal
    weights, padding = _by_block(np.abs(G), model)
    u = np.ones(len(G))
    bound, log_scale = np.inf, 0.0
    for sweep in range(1, sweeps + 1):
        padded = np.append(u, 0.0)[padding]
        v = (diagonal + shift) * u + _largest_sums(weights, padded, model)
        # (|E|_SS + shift)^t 1 ≤ v entry by entry, and λ_max^t ≤ ‖(|E|_SS + shift)^t‖_∞
        root = np.exp((np.log(v.max()) + log_scale) / sweep) if v.max() > 0 else 0.0
        ratio = float((v / u).max()) if u.min() > 0 else np.inf
        bound = min(bound, root - shift, ratio - shift)
        if v.max() <= 0:
            break
        log_scale += np.log(v.max())
        u = v / v.max()
    return float(bound)


def _small_gram(W: Any, G: np.ndarray) -> np.ndarray:
    """WᵀW or W Wᵀ, whichever is smaller: they share their non-zero eigenvalues."""
    if W.shape[1] >= len(G):
        return G
    return products(W.T)


def _search(
    G: np.ndarray, model: SupportModel, rng: np.random.Generator, starts: int, sign: int
) -> float:
    """The largest ±(λ − 1) over supports that a search finds: attained, so a lower end of δ."""
    A = sign * G
    # start from the rows with the largest sums that the model allows, and from random ones
    row_sums = np.diag(A) + _largest_sums(_by_block(np.abs(G), model)[0], np.ones(1), model)
    best_rows = np.argsort(-row_sums)[: (starts + 1) // 2]
    first = np.concatenate([best_rows, rng.integers(0, len(G), starts // 2)])
    supports = first[:, None]
    while supports.shape[1] < model.size:
        supports = np.hstack([supports, _best_addition(A, supports, model)[:, None]])
    values = _top(A, supports)[0]
    keep = np.argsort(-values)[:20]
    return float(_exchange(A, supports[keep], values[keep], model).max()) - sign


def _exchange(
    A: np.ndarray, supports: np.ndarray, values: np.ndarray, model: SupportModel
) -> np.ndarray:
    """Replace one entry of each support as long as that raises λ_max(A_SS)."""
    size = model.size
    for _ in range(20 if size > 1 else 0):
        # all supports short of one entry, each with the best entry to take its place
        short = np.stack([np.delete(supports, i, axis=1) for i in range(size)], axis=1)
        short = short.reshape(-1, size - 1)
        full = np.hstack([short, _best_addition(A, short, model)[:, None]])
        trial = _top(A, full)[0].reshape(-1, size)
        best = trial.argmax(axis=1)
        gain = trial.max(axis=1) > values + 1e-12
        if not gain.any():
            break
        rows = np.arange(len(supports))
        supports = np.where(gain[:, None], full.reshape(-1, size, size)[rows, best], supports)
        values = np.maximum(values, trial.max(axis=1))
    return values


def _best_addition(A: np.ndarray, supports: np.ndarray, model: SupportModel) -> np.ndarray:
    """For each support S the entry j that the model allows beside it with the largest Ritz value.

    That is the larger eigenvalue of A compressed to the top eigenvector v of A_SS and e_j.
    """
    value, vector = _top(A, supports)
    rows, diagonal = np.arange(len(supports))[:, None], np.diag(A)
    cross = sum(vector[:, [i]] * A[supports[:, i]] for i in range(supports.shape[1]))  # vᵀA
    half = (diagonal - value[:, None]) / 2
    ritz = value[:, None] + half + np.hypot(half, cross)
    used = np.zeros((len(supports), int(model.labels.max()) + 1), dtype=int)
    np.add.at(used, (rows, model.labels[supports]), 1)
    ritz[used[:, model.labels] >= model.sums] = -np.inf
    ritz[rows, supports] = -np.inf
    return ritz.argmax(axis=1)


def _top(A: np.ndarray, supports: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Largest eigenvalue and eigenvector of A_SS for each row S of `supports`."""
    values, vectors = np.linalg.eigh(A[supports[:, :, None], supports[:, None, :]])
    return values[:, -1], vectors[:, :, -1]


def _by_block(weights: np.ndarray, model: SupportModel) -> tuple[np.ndarray, np.ndarray]:
    """Weights without the diagonal, columns gathered block by block, and where they came from.

    The first has shape (K*n, blocks, longest block), short blocks filled with zeros; what can
    never share a support with the row (its own block when sums = 1) is zero.
    """
    members = model.members
    longest = max(len(block) for block in members)
    padding = np.full((len(members), longest), len(weights))
    for row, block in zip(padding, members, strict=True):
        row[: len(block)] = block
    weights = np.pad(weights, ((0, 0), (0, 1)))
    np.fill_diagonal(weights, 0)
    gathered = weights[:, padding]
    if model.sums == 1:
        for number, block in enumerate(members):
            gathered[block, number] = 0
    return gathered, padding


def _largest_sums(weights: np.ndarray, u: np.ndarray, model: SupportModel) -> np.ndarray:
    """For each row the largest Σ_j weight_j u_j over the entries that a support may hold beside it."""
    products = weights * u
    top = min(model.sums, products.shape[2])
    if top == 1:
        best = products.max(axis=2)[:, :, None]
    else:
        best = np.partition(products, products.shape[2] - top, axis=2)[:, :, -top:]
    if top == model.sums > 1:
        # the row itself takes one of the places of its own block: drop the smallest there
        for number, block in enumerate(model.members):
            best[block, number] = np.sort(best[block, number], axis=1)
            best[block, number, 0] = 0
    best = best.reshape(len(best), -1)
    others = min(model.size - 1, best.shape[1])
    if others == 0:
        return np.zeros(len(best))
    return np.partition(best, best.shape[1] - others, axis=1)[:, -others:].sum(axis=1)
