"""What the library does with arrays, as functions of where they are put: the same lines on either device.

Each takes `put`, which moves an array to a device (or leaves it in memory), and returns numbers, arrays or
statements. `IN_MEMORY` are those whose arrays come back in memory, because a random generator draws them
there.
"""

import numpy as np

import cnninv
from cnninv import theorems
from cnninv.coherence import filter_gram
from cnninv.fourier import FourierConv
from cnninv.layers import max_pool_windows, pool_with_switches, unpool_with_switches
from cnninv.rip import gram
from cnninv.row_blocks import RowBlocks
from cnninv.training import Mirror

K, N, k, D, M = 4, 6, 2, 8, 6
FILTERS = cnninv.random_filters(K, M, 3, np.random.default_rng(0))
SQUARE = cnninv.random_filters(K, 2, (3, 3), np.random.default_rng(1))
W = cnninv.conv_matrix(FILTERS, D)
Z = cnninv.sample_code(K, N, k, np.random.default_rng(2))
Z_HAT = cnninv.sample_code(K, N, k, np.random.default_rng(3))
Z_BATCH = cnninv.sample_code(K, N, k, np.random.default_rng(4), batch=5)
X = np.random.default_rng(5).standard_normal(W.shape[1])
X_BATCH = np.random.default_rng(6).standard_normal((W.shape[1], 5))
H = np.random.default_rng(7).standard_normal(K * N)
H_BATCH = np.random.default_rng(8).standard_normal((K * N, 5)).round(1)  # with ties
BLOCKS = np.arange(K * N) // 3
ORTHONORMAL = cnninv.conv_matrix(cnninv.filterbanks.dct_filters(4), 12, stride=4)
LOCAL = np.random.default_rng(9).standard_normal(12)
OMEGA = np.array([1, 8])
IMAGE = np.random.default_rng(10).random((3, 40, 40))
NETWORK = cnninv.random_network("vgg16", np.random.default_rng(11), last="conv2_1")
ALEXNET = cnninv.random_network("alexnet", np.random.default_rng(12), last="conv2")


def keep(b):
    return cnninv.model_project(b, K, k)


def sides(statement):
    """Both sides of a statement and of the steps of its proof."""
    if isinstance(statement, tuple):
        return [sides(part) for part in statement]
    return [statement.left, statement.right, *(sides(step) for step in statement.steps)]


def products(put, **options):
    """W x and Wᵀ h of the factored operator, for a batch."""
    rng = np.random.default_rng(13)
    W = (
        cnninv.ConvOperator(put(SQUARE), (5, 9), **options)
        if "stride" not in options
        else (cnninv.ConvOperator(put(SQUARE), (9, 9), **options))
    )
    x, h = (put(rng.standard_normal((length, 3))) for length in W.shape[::-1])
    return W @ x, W.T @ h


def lasso(put, x, **options):
    z, history = cnninv.lasso(put(W), put(x), 0.3, norm=2.5, **options)
    return z, history["gap"][:5], history["objective"]


def recover(put):
    z, history = cnninv.recover_code(put(W), put(X_BATCH), 0.3, (K, N), 3, tol=1e-4)
    return z, history["z_model"], history["z_init"]


def forward(put, network, x, layers):
    moved = network if put(x) is x else network.on("cuda")
    return [moved.forward(put(x), layers)[layer] for layer in layers]


def code(put, network, images, layer):
    """The code of images, and what comes back by Wᵀ and by a learned decoder."""
    moved = network if put(images) is images else network.on("cuda")
    found = cnninv.encode(moved, put(images), layer)
    back = cnninv.transpose_decoder(moved, layer)(found)
    learned = Mirror(network, layer).decoder()
    learned = learned if put(images) is images else learned.on("cuda")
    return [found.values, *found.switches.values(), back, learned(found)]


def spoiled(put):
    """A code with other switches and other values."""
    moved = NETWORK if put(IMAGE) is IMAGE else NETWORK.on("cuda")
    code = cnninv.encode(moved, put(IMAGE[:, :20, :16]), "pool1")
    found = []
    for where, what in zip(
        ("naive", "random", "shuffled"), ("shuffled", "constant", "random"), strict=True
    ):
        other = cnninv.replace_switches(moved, code, where, np.random.default_rng(0))
        other = cnninv.replace_values(other, what, np.random.default_rng(0))
        found += [other.values, other.switches["pool1"]]
    return found


def one_matrix(put):
    """A network as one matrix, and an image brought back by iterating through it."""
    moved = NETWORK if put(IMAGE) is IMAGE else NETWORK.on("cuda")
    image, v = IMAGE[:, :12, :12], np.random.default_rng(0).standard_normal(432)
    A = cnninv.linearize(moved, put(image), "pool1")
    y = A @ put(v)
    code = cnninv.encode(moved, put(image), "pool1")
    back, _ = cnninv.recover_image(moved, code, rounds=1, steps=2)
    return [y, A.T @ y, A.values(put(v)), A.active, back]


STACK = [theorems.PooledLayer(W, (K, N), 2), theorems.PooledLayer(np.eye(12), (4, 3), 3)]


def stacked(put):
    """Several layers, from their values and from an input."""
    layers = [theorems.PooledLayer(put(layer.W), layer.shape, layer.window) for layer in STACK]
    switches = [np.arange(0, 24, 2), np.arange(0, 12, 3)]
    made = layers, put(H[:4]), [put(places) for places in switches], [(0.5, 0.6)] * 2
    return [
        sides(theorems.several_layers(*made, noise=put(X))),
        sides(theorems.layers_isometry(*made)),
        sides(theorems.several_layers_measured(layers, put(X))),
    ]


USES = {
    # Section 2: the layer
    "W @ x": lambda put: put(W) @ put(X),
    "W @ batch": lambda put: put(W) @ put(X_BATCH),
    "W.T @ z": lambda put: put(W).T @ put(Z),
    "W.T @ batch": lambda put: put(W).T @ put(Z_BATCH),
    "conv_matrix": lambda put: cnninv.conv_matrix(put(FILTERS), D, 1, 2) @ put(np.ones(M * D)),
    "conv_matrix, 2-D": lambda put: cnninv.conv_matrix(put(SQUARE), (5, 7), 2, 1).toarray(),
    "conv_matrix, groups": lambda put: cnninv.conv_matrix(
        put(SQUARE), (4, 6), padding="circular", groups=2, dtype="float32"
    ).toarray(),
    **{
        f"ConvOperator, {name}": lambda put, options=options: products(put, **options)
        for name, options in {
            "zero padding": {"padding": 1},
            "stride": {"stride": 2, "padding": 1},
            "circular": {"padding": "circular"},
            "circular, stride": {"padding": "circular", "stride": (1, 3)},
            "groups": {"groups": 2, "padding": "same"},
            "winograd": {"method": "winograd", "padding": "same"},
            "winograd, circular": {"method": "winograd", "padding": "circular"},
        }.items()
    },
    "RowBlocks": lambda put: RowBlocks(put(SQUARE), (4, 6), 1, 1, rows=20) @ put(X[:48]),
    "RowBlocks, transposed": lambda put: RowBlocks(put(FILTERS), D, rows=5).T @ put(Z_BATCH),
    "RowBlocks, groups": lambda put: RowBlocks(put(SQUARE), (4, 3), 1, 1, groups=2) @ put(X[:48]),
    "FourierConv": lambda put: FourierConv(put(SQUARE), (4, 6), "same") @ put(X[:48]),
    "FourierConv, transposed": lambda put: FourierConv(put(FILTERS), D).T @ put(Z_BATCH),
    "ConvOperator, 1-D": lambda put: cnninv.ConvOperator(put(FILTERS), D) @ put(X),
    "ConvOperator, layer": lambda put: cnninv.ConvOperator(put(FILTERS), D).forward(
        put(X_BATCH), put(H[:K]), relu=True
    ),
    "ConvOperator, to_matrix": lambda put: (
        cnninv.ConvOperator(put(FILTERS), D).to_matrix() @ put(X)
    ),
    "iht, factored": lambda put: cnninv.iht(
        cnninv.ConvOperator(put(FILTERS), D).T, put(X_BATCH), keep, 4, step="norm"
    )[0],
    "gram, factored": lambda put: gram(cnninv.ConvOperator(put(FILTERS), D)),
    "lasso, factored": lambda put: cnninv.lasso(
        cnninv.ConvOperator(put(FILTERS), D), put(X_BATCH), 0.3, tol=1e-4
    )[0],
    "normalize_filters": lambda put: cnninv.normalize_filters(put(FILTERS)),
    "normalize_rows": lambda put: cnninv.normalize_rows(put(W)).toarray(),
    "normalize_rows, dense": lambda put: cnninv.normalize_rows(put(W.toarray())),
    "row_norms": lambda put: cnninv.row_norms(put(W)),
    "row_norms, dense": lambda put: cnninv.row_norms(put(W.toarray())),
    "gram": lambda put: gram(put(W)),
    "coherence": lambda put: cnninv.coherence(put(FILTERS), shifts=True),
    "coherence, signed": lambda put: cnninv.coherence(put(SQUARE), signed=True),
    "filter_gram": lambda put: filter_gram(put(SQUARE), lag=(1, -1)),
    "filter_gram, far": lambda put: filter_gram(put(SQUARE), lag=3),
    "relu": lambda put: cnninv.relu(put(H)),
    "crelu": lambda put: cnninv.crelu(put(H)),
    "psi_matrix": lambda put: cnninv.psi_matrix(put(W)) @ put(np.concatenate([H, H])),
    "psi_matrix, dense": lambda put: cnninv.psi_matrix(put(W.toarray())),
    # the model
    "support": lambda put: cnninv.support(put(Z)),
    "model_support": lambda put: cnninv.model_support(put(H), K, k),
    "model_project": lambda put: cnninv.model_project(put(H), K, k),
    "model_project, batch": lambda put: cnninv.model_project(put(H_BATCH), K, k),
    "model_project, blocks": lambda put: cnninv.model_project(put(H_BATCH), K, 5, put(BLOCKS)),
    "model_project, nothing": lambda put: cnninv.model_project(put(H), K, 0),
    "sparse_project": lambda put: cnninv.sparse_project(put(H), 5),
    "in_model": lambda put: cnninv.in_model(put(Z), K, k),
    "in_model, blocks": lambda put: cnninv.in_model(put(Z + Z_HAT), K, k, 2, put(BLOCKS)),
    "selection_matrix": lambda put: cnninv.selection_matrix(put(OMEGA), K * N) @ put(H),
    "sample_code, blocks": lambda put: cnninv.sample_code(
        K, N, k, np.random.default_rng(0), put(BLOCKS)
    ),
    "max_pool": lambda put: cnninv.max_pool(put(H), (K, N), 4),
    "max_pool, 2-D by value": lambda put: cnninv.max_pool(put(H), (K, 2, 3), 2, by="value"),
    "unpool": lambda put: cnninv.unpool(
        *cnninv.max_pool(put(H), (K, N), 4), shape=(K, N), window=4
    ),
    "unpool, a list of switches": lambda put: cnninv.unpool(put(H[:2]), [1, 4], (1, 6), 3),
    "unpool, naive": lambda put: cnninv.unpool(put(H[:8]), None, (K, N), 4, how="naive"),
    "pool_matrix": lambda put: cnninv.pool_matrix(put(OMEGA), K * N).T @ put(H[:2]),
    # Algorithms 1 and 2
    "iht": lambda put: cnninv.iht(put(W).T, put(X_BATCH), keep, 4, step=0.3)[0],
    "iht, history": lambda put: cnninv.iht(put(W).T, put(X), keep, 4, tol=0.1)[1]["residual"],
    "iht, step": lambda put: cnninv.iht(put(W).T, put(X), keep, 4, step="norm")[0],
    "operator_norm": lambda put: cnninv.operator_norm(put(W), tol=1e-12),
    "operator_norm, dense": lambda put: cnninv.operator_norm(put(W.toarray()), tol=1e-12),
    "lambda_max": lambda put: cnninv.lambda_max(put(W), put(X_BATCH)),
    "lambda_max, one": lambda put: cnninv.lambda_max(put(W), put(X)),
    "lasso": lambda put: lasso(put, X),
    "lasso, batch": lambda put: lasso(put, X_BATCH),
    "lasso, restricted": lambda put: lasso(put, X_BATCH, allowed=put(Z != 0)),
    "lasso, started": lambda put: lasso(put, X, start=put(Z)),
    "lasso, a list of λ": lambda put: cnninv.lasso(put(W), put(X_BATCH), [0.1, 0.2, 0.3, 0.4, 0.5])[
        0
    ],
    "lasso_path": lambda put: [
        z for _, z, _ in cnninv.lasso_path(put(W), put(X_BATCH), [0.8, 0.4])
    ],
    "recover_code": recover,
    # equation (1)
    "model_rip_exact": lambda put: cnninv.model_rip_exact(put(W), K, 3),
    "model_rip_exact, sums": lambda put: cnninv.model_rip_exact(put(W), K, 1, 2, put(BLOCKS)),
    "model_rip_sampled": lambda put: cnninv.model_rip_sampled(
        put(W), K, k, np.random.default_rng(0), trials=50
    ),
    "model_rip_bracket": lambda put: cnninv.model_rip_bracket(
        put(W), K, k, np.random.default_rng(0), starts=20
    ),
    # Section 3 and the appendices
    "proposition_1": lambda put: sides(theorems.proposition_1(put(ORTHONORMAL), put(LOCAL))),
    "layer_is_iht_iteration": lambda put: sides(theorems.layer_is_iht_iteration(put(W), put(X), K)),
    "iht_contraction": lambda put: sides(
        theorems.iht_contraction(put(W), put(Z), put(Z_HAT), K, k, 0.5)
    ),
    "lemma_b1": lambda put: sides(theorems.lemma_b1(put(W), put(H[:2]), put(X), put(OMEGA), 0.5)),
    "lemma_b1, a list": lambda put: sides(
        theorems.lemma_b1(put(W), put(H[:2]), put(X), [1, 8], 0.5)
    ),
    "lemma_b2": lambda put: sides(theorems.lemma_b2(put(W), put(Z), [1, 8], 0.5)),
    "lemma_b3": lambda put: sides(theorems.lemma_b3(put(W), put(Z), K, k, 0.5, 0.6)),
    "lemma_b4": lambda put: sides(theorems.lemma_b4(put(W), put(Z), K, k, 0.5, 0.6)),
    "theorem_3_3": lambda put: sides(theorems.theorem_3_3(put(W), put(Z), K, k, 0.5, 0.6)),
    "theorem_3_3_sharp": lambda put: sides(
        theorems.theorem_3_3_sharp(put(W), put(Z), K, k, 0.5, 0.6)
    ),
    "theorem_3_3_golden": lambda put: sides(
        theorems.theorem_3_3_golden(put(W), put(Z), K, k, 0.5, 0.6)
    ),
    "theorem_3_3_energy": lambda put: sides(theorems.theorem_3_3_energy(put(W), put(Z), K, k, 0.5)),
    "theorem_3_3_noisy": lambda put: sides(
        theorems.theorem_3_3_noisy(put(W), put(H), K, k, 0.5, 0.6, put(X))
    ),
    "iht_contraction_noisy": lambda put: sides(
        theorems.iht_contraction_noisy(put(W), put(H), put(Z_HAT), K, k, 0.5, 0.6, put(X))
    ),
    "peel": lambda put: theorems.peel(put(H), K, k),
    "several layers": stacked,
    "error_certificate": lambda put: theorems.error_certificate(
        put(W), put(H), put(Z), float(np.linalg.norm(X)) * 9
    ),
    "cgls": lambda put: cnninv.cgls(put(W), put(H), 5)[0],
    "output_covariance": lambda put: theorems.output_covariance(put(Z), K, 3, D),
    "squared_ratios": lambda put: theorems.squared_ratios(
        put(Z), K, M, 3, D, np.random.default_rng(0), trials=3
    ),
    "lemma_a1": lambda put: sides(
        theorems.lemma_a1(put(Z), K, M, 3, D, np.random.default_rng(0), trials=3)
    ),
    "theorem_a2": lambda put: theorems.theorem_a2(put(H), put(abs(H)), 0.5),
    "inequality_3": lambda put: theorems.inequality_3(put(abs(H)), M, 3, D, 0.5),
    "tail_bound": lambda put: theorems.tail_bound(put(abs(H)), M, 3),
    "fit_constant": lambda put: theorems.fit_constant(
        put(np.sort(abs(H))), put(np.array([0.1, 0.5])), put(np.array([1.0, 2.0])), least=2
    ),
    # networks
    "max_pool_windows": lambda put: max_pool_windows(put(IMAGE[..., None]), 3, 2),
    "pool_with_switches": lambda put: pool_with_switches(put(IMAGE[..., None]), 3, 2),
    "unpool_with_switches": lambda put: unpool_with_switches(
        *pool_with_switches(put(IMAGE[..., None]), 2, 2), (40, 40)
    ),
    "forward, VGG-16": lambda put: forward(
        put, NETWORK, np.float32(IMAGE), ["conv1_1", "relu1_2", "pool1", "conv2_1"]
    ),
    "forward, a batch": lambda put: forward(
        put, NETWORK, np.float32([IMAGE, IMAGE[:, ::-1]]), ["pool1"]
    ),
    "forward, AlexNet": lambda put: forward(
        put, ALEXNET, np.float32(np.tile(IMAGE, (1, 2, 2)))[:, :67, :67], ["norm1", "pool2"]
    ),
    "encode, and back": lambda put: code(put, NETWORK, IMAGE[:, :20, :16], "pool1"),
    "replace_switches and replace_values": spoiled,
    "linearize and recover_image": one_matrix,
    "preprocessing": lambda put: NETWORK.preprocessing(put(np.tile(IMAGE, (1, 6, 6)))),
}
IN_MEMORY = {"sample_code, blocks", "squared_ratios"}
ITERATIVE = {use for use in USES if use.startswith(("lasso", "recover"))}
"""Stopped by a tolerance, so known to one."""
