"""Wrong arguments: one clear error each, with the argument's name, its value, and what was expected.

For every public function the table names each parameter, a value that works, and its kind; the kind
knows what is wrong for such a parameter and what the error must say.
"""

import atexit
import inspect
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

import cnninv
from cnninv import filterbanks, model_project, theorems
from cnninv.training import Mirror

NAN, INF = float("nan"), float("inf")


# ---- kinds of parameters: (name, value that works) → [(wrong value, exception, message)] -------------


def real(*ndims):
    """An array of real numbers with so many axes, or with any number."""

    def wrong(name, good):
        good = np.asarray(good, dtype=float)
        bad = np.broadcast_to(good, good.shape or (1,)).copy()
        cases = []
        for value in (NAN, INF, -INF):
            bad.flat[0] = value
            cases.append((bad.copy(), ValueError, f"{name} has 1 entries that are NaN or infinite"))
        cases += [
            (good + 1j, TypeError, f"{name} has dtype complex128; expected real numbers"),
            (good.astype(object), TypeError, f"{name} has dtype object; expected real numbers"),
            (good.astype(str), TypeError, f"{name} has dtype <U.*; expected real numbers"),
            (good.astype(bool), TypeError, f"{name} has dtype bool; expected real numbers"),
            (good.astype(np.uint8), TypeError, f"{name} has dtype uint8.*{name} / 255"),
            (good.astype(np.uint16), TypeError, f"{name} has dtype uint16.*{name} / 65535"),
            (np.zeros((0,) * max(1, good.ndim)), ValueError, f"{name} is empty"),
            ([[1.0], [1.0, 2.0]], ValueError, f"{name} is not a rectangular array of numbers"),
            (None, TypeError, f"{name} has dtype object; expected real numbers"),
            ("abc", TypeError, f"{name} has dtype <U3; expected real numbers"),
        ]
        if ndims:
            expected = " or ".join(map(str, ndims))
            for axes in {0, 1, max(ndims) + 1} - set(ndims):
                shape = f"{name} has shape .*, {axes} axes; expected {expected} axes"
                cases.append((np.ones((1,) * axes), ValueError, shape))
        return cases

    return wrong


def matrix(operators=True):
    """A dense array, a sparse array, or an operator."""

    def wrong(name, good):
        dense = good.toarray() if scipy.sparse.issparse(good) else np.asarray(good, dtype=float)
        cases = real(2)(name, dense)
        infinite = dense.copy()
        infinite[0, 0] = INF
        sparse = scipy.sparse.csr_array
        cases += [
            (sparse(infinite), ValueError, f"{name} has 1 entries that are NaN or infinite"),
            (sparse(dense + 1j), TypeError, f"{name} has dtype complex128; expected real numbers"),
            (sparse((0, 3)), ValueError, rf"{name} has shape \(0, 3\); expected two axes"),
            (scipy.sparse.coo_array(np.ones(3)), ValueError, rf"{name} has shape \(3,\)"),
            (
                scipy.sparse.linalg.aslinearoperator(dense + 1j),
                TypeError,
                f"{name} has dtype complex128; expected real numbers",
            ),
        ]
        if not operators:
            operator = scipy.sparse.linalg.aslinearoperator(dense)
            cases.append((operator, TypeError, f"{name} is a .*Operator; expected an array or sp"))
        return cases

    return wrong


def whole(low=None, high=None):
    def wrong(name, good):
        cases = [
            (value, TypeError, re.escape(f"{name} = {value!r} must be an integer"))
            for value in (1.5, 2.0, NAN, "2", None, True, [1], 1j)
        ]
        if low is not None:
            bound = "at least" if high is None else "between"
            cases.append((low - 1, ValueError, f"{name} = {low - 1} must be {bound} {low}"))
        if high is not None:
            cases.append((high + 1, ValueError, f"{name} = {high + 1} must be between .* {high}"))
        return cases

    return wrong


def number(low=None, high=None):
    def wrong(name, good):
        cases = [
            (value, TypeError, re.escape(f"{name} = {value!r} must be a real number"))
            for value in ("0.5", None, True, 1j, [0.5], b"1")
        ]
        above = "" if low is None else f", (at least|above) {low}"
        below = "" if high is None else ", at most"
        outside = [bound for bound in (low is not None and -0.5, high is not None and 1.5) if bound]
        for value in (NAN, INF, -INF, *outside):
            message = f"{name} = {value} must be a finite number{above}{below}"
            cases.append((value, ValueError, message))
        return cases

    return wrong


def lengths(low=None):
    """An integer, or one for each axis."""

    def wrong(name, good):
        axes = len(good) if np.iterable(good) else 1
        entry = rf"{name}(\[0\])?"
        many = (2,) * (axes + 5)
        return [
            (1.5, TypeError, f"{entry} = 1.5 must be an integer"),
            ((1.5,) * axes, TypeError, f"{entry} = 1.5 must be an integer"),
            (None, TypeError, f"{entry} = None must be an integer"),
            ((True,) * axes, TypeError, f"{entry} = True must be an integer"),
            ("33"[:axes], TypeError, f"{name} = '3+' must be an integer or one"),
            (many, ValueError, re.escape(f"{name} = {many}") + f".*(expected {axes}|must be l or)"),
            ((), ValueError, rf"{name} = \(\).*(expected {axes}|must be l or)"),
        ] + [
            (value, ValueError, f"{entry} = {low - 1} must be at least {low}")
            for value in (() if low is None else (low - 1, (low - 1,) * axes))
        ]

    return wrong


def hidden_shape(name, good):
    return [
        (value, ValueError, re.escape(f"{name} = {value!r} must be (K, n) or (K, n1, n2)"))
        for value in (4, None, (4,), (1, 2, 2, 1), ())
    ] + [
        ((1, 4.0), TypeError, rf"{name}\[1\] = 4.0 must be an integer"),
        ((0, 4), ValueError, rf"{name}\[0\] = 0 must be at least 1"),
        ("ab", TypeError, f"{name} = 'ab' must be an integer"),
    ]


def seed(name, good):
    return [
        (value, TypeError, re.escape(f"{name} = ") + ".*must be a numpy.random.Generator")
        for value in (0, None, "0", np.random.RandomState(0), np.random)
    ]


def labels(name, good):
    size = len(good)
    return [
        (np.zeros(size), TypeError, f"{name} has dtype float64; expected integer labels"),
        (["a"] * size, TypeError, f"{name} has dtype <U1; expected integer labels"),
        ([True] * size, TypeError, f"{name} has dtype bool; expected integer labels"),
        ([[0], [0, 1]], TypeError, f"{name} = .* must be a sequence of integer labels"),
        ([0] * (size + 1), ValueError, rf"{name} has shape \({size + 1},\); expected .*{size} ent"),
        (0, ValueError, rf"{name} has shape \(\); expected a label for each of {size} entries"),
        ([-1] * size, ValueError, f"{name} has the label -1; expected labels from 0"),
    ]


def indices(size):
    def wrong(name, good):
        sequence = f"{name} .*(expected|must be) a sequence of integers"
        return [
            ([0.0], TypeError, sequence),
            (["0"], TypeError, sequence),
            ([True], TypeError, sequence),
            ([[0, 1]], TypeError, sequence),
            ([[0], [0, 1]], TypeError, sequence),
            (0, TypeError, sequence),
            ([0, size], ValueError, f"{name} reaches from 0 to {size}; expected .*0 … {size - 1}"),
            ([-1, 0], ValueError, f"{name} reaches from -1 to 0; expected .*0 … {size - 1}"),
            ([1, 1], ValueError, f"{name} names an entry twice; expected distinct entries"),
        ]

    return wrong


def choice(*choices):
    def wrong(name, good):
        listed = ".*".join(choices)
        return [
            (value, ValueError, re.escape(f"{name} = {value!r} must be one of ") + f".*{listed}")
            for value in ("nonsense", None, 0, choices[0].upper())
        ]

    return wrong


def optional(kind):
    return lambda name, good: [case for case in kind(name, good) if case[0] is not None]


def exactly(*cases):
    return lambda name, good: cases


def flag(name, good):
    """True or false: anything has a truth value."""
    return []


# ---- the table: function → parameter → (value that works, kind) ---------------------------------------

RNG = np.random.default_rng(0)
FILTERS = np.arange(1.0, 13).reshape(2, 2, 3)
LAYER = {
    "stride": (1, lengths(1)),
    "padding": (0, lambda name, good: [*lengths(0)(name, good)[:4], *PADDING]),
}
PADDING = [
    ("valid", ValueError, "padding = 'valid' must be an integer, one per axis, 'same' or 'circul"),
    (-1, ValueError, "padding = -1 must be at least 0"),
]
GROUPS = {"groups": (1, lambda name, good: [*whole(1)(name, good), *TWO_GROUPS])}
TWO_GROUPS = [(3, ValueError, "groups = 3 must divide the number of filters K = 2")]
H, CODE = np.array([3.0, -4.0, 1.0, 2.0]), np.array([0.0, 1.0, 0.0, 0.0])
W = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [0.8, -0.6]])
K, N, BLOCKS = (2, whole(1)), (2, whole(1)), (np.array([0, 0, 1, 1]), optional(labels))
MODEL = {"K": K, "k": (1, whole(0, 2)), "blocks": BLOCKS}
SUMS = {"sums": (1, whole(1, 4))}
POOL = {"shape": ((2, 2), hidden_shape), "window": (2, lengths(1))}
RANDOM = {"rng": (RNG, seed)}
DELTAS = {"delta_k": (0.1, number(0)), "delta_2k": (0.1, number(0))}
INSTANCE = {"W": (W, matrix()), "z": (CODE, real(1)), **MODEL}
SIZES = {"M": (2, whole(1)), "length": (3, whole(1))}
GUARANTEE = {**SIZES, "K": K, "n": N, "k": (1, whole(0, 2)), "epsilon": (0.1, number(0, 1))}
DRAWS = {
    "z": (CODE, real(1)),
    "K": K,
    "size": (3, lengths(1)),
    "input_shape": (4, lengths(1)),
    **LAYER,
}
NOT_CALLABLE = exactly(
    (None, TypeError, "project = None must be a callable"),
    ("norm", TypeError, "project = 'norm' must be a callable"),
    (lambda b: b[:1], ValueError, r"project returned \(1,\) for b of shape \(4,\); expected"),
    (lambda b: None, ValueError, r"project returned NoneType for b of shape \(4,\); expected"),
)
STEP = exactly(
    ("fast", ValueError, "step = 'fast' must be a positive number or 'norm'"),
    (0, ValueError, "step = 0 must be a finite number, above 0"),
    (-1.0, ValueError, "step = -1.0 must be a finite number, above 0"),
    (NAN, ValueError, "step = nan must be a finite number, above 0"),
    (None, TypeError, "step = None must be a real number"),
)
DTYPE = exactly(
    (int, TypeError, "dtype = int64 must be float32 or float64"),
    ("float16", TypeError, "dtype = float16 must be float32 or float64"),
    (complex, TypeError, "dtype = complex128 must be float32 or float64"),
    ("nonsense", TypeError, "dtype = 'nonsense' must be float32 or float64"),
    (3, TypeError, "dtype = 3 must be float32 or float64"),
)
SPARSE = exactly(
    (W, TypeError, "W is a ndarray; expected a sparse array in memory"),
    (None, TypeError, "W is a NoneType; expected a sparse array in memory"),
    (scipy.sparse.csr_array((0, 3)), ValueError, r"W has shape \(0, 3\); expected two axes"),
    (scipy.sparse.csr_array(W + 1j), TypeError, "W has dtype complex128; expected real numbers"),
    (scipy.sparse.csr_array(W + NAN), ValueError, "W has 8 entries that are NaN or infinite"),
)
FILTERS_SHAPE = exactly(
    (5, ValueError, r"filters_shape = 5 must be \(K, M/groups, l\)"),
    ((2, 3), ValueError, r"filters_shape = \(2, 3\) must be \(K, M/groups, l\)"),
    ((2, 3, 0), ValueError, r"filters_shape\[2\] = 0 must be at least 1"),
    ((2, 3.0, 1), TypeError, r"filters_shape\[1\] = 3.0 must be an integer"),
)
BOUND = exactly(
    (None, TypeError, "bound = None must be a callable"),
    (0.3, TypeError, "bound = 0.3 must be a callable"),
    (lambda a, b: 2.0, ValueError, r"bound\(0, 0\) = 2.0 must be below 1"),
    (lambda a, b: 0.5, ValueError, r"bound\(0.9, 0.9\) = 0.5 must be at least 1"),
)
LAM = exactly(
    ("0.5", TypeError, "lam = '0.5' must be a real number"),
    (None, TypeError, "lam = None must be a real number"),
    (0, ValueError, "lam = 0 must be a finite number, above 0"),
    (-0.5, ValueError, "lam = -0.5 must be a finite number, above 0"),
    (NAN, ValueError, "lam = nan must be a finite number, above 0"),
    ([1.0, 2.0], ValueError, "lam has 2 entries; expected one for each of 1 columns"),
    ([0.0], ValueError, "lam has the entry 0.0; expected positive numbers"),
    ([[1.0]], ValueError, r"lam has shape \(1, 1\), 2 axes; expected 1 axes"),
    (["a"], TypeError, "lam has dtype <U1; expected real numbers"),
)
ALLOWED = exactly(
    ([1, 0, 1, 0], TypeError, "allowed has dtype int64; expected booleans"),
    ([True], ValueError, r"allowed has shape \(1,\); expected that of the code, \(4,\)"),
    ([True] * 5, ValueError, r"allowed has shape \(5,\); expected that of the code, \(4,\)"),
)
SOLVER = {
    "W": (W, matrix()),
    "x": ([1.0, 2.0], real(1, 2)),
    "tol": (1e-3, number(0)),
    "iterations": (9, whole(0)),
    "norm": (2.0, optional(number(0))),
}
FOLDER = tempfile.TemporaryDirectory()
atexit.register(FOLDER.cleanup)
NETWORK = Path(FOLDER.name) / "network.npz"
cnninv.random_network("vgg16", np.random.default_rng(0), last="conv1_1").save(NETWORK)
PATH = exactly(
    (3, TypeError, "name_or_path = 3 must be one of vgg16, alexnet, vgg16-quarter, or a path"),
    (
        None,
        TypeError,
        "name_or_path = None must be one of vgg16, alexnet, vgg16-quarter, or a path",
    ),
    ("nowhere.npz", FileNotFoundError, "path = 'nowhere.npz': no such file"),
    ("vgg16.pth", ValueError, r"path = 'vgg16.pth' ends in '.pth'; expected one of .mat, .npz"),
    ("", ValueError, "path = '' ends in ''; expected one of .mat, .npz"),
)
NOT_NETWORK = exactly(
    (None, TypeError, "network = None must be a Network, as `load_network` returns it"),
    ("vgg16", TypeError, "network = 'vgg16' must be a Network, as `load_network` returns it"),
)
POOLING = exactly(
    *((bad, ValueError, "layer = .* must be one of 'pool1'") for bad in ("pool9", "relu1_1", 1))
)
SMALL_NETWORK = cnninv.random_network("vgg16", np.random.default_rng(0), last="conv1_2")
SMALL_CODE = cnninv.encode(SMALL_NETWORK, np.full((3, 4, 6), 0.5), "pool1")
NOT_CODE = exactly(
    (None, TypeError, "code = None must be a Code, as `encode` returns it"),
    (np.ones(3), TypeError, r"code = array\(.* must be a Code, as `encode` returns it"),
)
DECODER = Path(FOLDER.name) / "decoder.safetensors"
Mirror(SMALL_NETWORK, "pool1").decoder().save(DECODER)
DECODER_PATH = exactly(
    (3, TypeError, "name_or_path = 3 must be 'vgg16-quarter', or a path"),
    (
        "nowhere.safetensors",
        FileNotFoundError,
        "name_or_path = 'nowhere.safetensors': no such file",
    ),
    (str(NETWORK), ValueError, r"network.npz' ends in '.npz'; expected .safetensors"),
)
CHANNELS = exactly(
    ("GRB", ValueError, "channels = 'GRB' must be one of 'RGB', 'BGR'"),
    (None, ValueError, "channels = None must be one of 'RGB', 'BGR'"),
)
LAYERS = [theorems.PooledLayer(np.eye(4), (2, 2), 2, "value")]
STACK = {
    "layers": (
        LAYERS,
        exactly(
            (None, TypeError, "layers = None must be a sequence of PooledLayer, not empty"),
            ([], TypeError, r"layers = \[\] must be a sequence of PooledLayer, not empty"),
            ([3], TypeError, r"layers\[0\] = 3 must be a PooledLayer"),
            (
                2 * LAYERS,
                ValueError,
                r"layers\[1\] expects 4 entries; the layer below has 2 regions",
            ),
        ),
    ),
    "deltas": (
        [(0.1, 0.2)],
        exactly(
            (0.1, TypeError, r"deltas = 0.1 must be a sequence of pairs \(delta_k, delta_2k\)"),
            ([0.1], TypeError, r"deltas\[0\] = 0.1 must be a pair \(delta_k, delta_2k\)"),
            ([(0.1, NAN)], ValueError, r"deltas\[0\] = nan must be a finite number, at least 0"),
            ([(0.1, -1.0)], ValueError, r"deltas\[0\] = -1.0 must be a finite number, at least 0"),
        ),
    ),
}
SWITCHES = exactly(
    (None, ValueError, "switches must be a sequence of 1 arrays, one for each layer"),
    ([], ValueError, "switches must be a sequence of 1 arrays, one for each layer"),
    ([[0.0, 2.0]], TypeError, r"switches\[0\] has dtype float64.*expected a sequence of integers"),
    ([[0, 4]], ValueError, r"switches\[0\] reaches from 0 to 4; expected entries in 0 … 3"),
)
GENERATED = {**STACK, "top": ([1.0, 2.0], real(1)), "switches": ([[0, 2]], SWITCHES)}
PIECES = {**MODEL, "k": (1, whole(1))}
NOISE = (np.zeros(2), optional(real(1)))

TABLE = {
    cnninv.ConvOperator: {
        "filters": (FILTERS, real(3, 4)),
        "input_shape": (5, lengths(1)),
        **LAYER,
        **GROUPS,
        "method": ("auto", choice("auto", "patches", "winograd")),
        "threads": (1, optional(whole(1))),
    },
    cnninv.RowBlocks: {
        "filters": (FILTERS, real(3, 4)),
        "input_shape": (5, lengths(1)),
        **LAYER,
        "dtype": (None, DTYPE),
        **GROUPS,
        "rows": (2, optional(whole(1))),
        "threads": (1, optional(whole(1))),
    },
    cnninv.ThreadedMatrix: {
        "W": (scipy.sparse.csr_array(W), SPARSE),
        "threads": (1, optional(whole(1))),
        "filters": (1, optional(whole(1))),
    },
    cnninv.average_pool_matrix: POOL,
    cnninv.batch_norm_matrix: {
        "scale": ([1.0, 2.0], real(1)),
        "bias": ([1.0, 2.0], real(1)),
        "mean": ([1.0, 2.0], real(1)),
        "variance": ([1.0, 2.0], real(1)),
        "n": N,
        "eps": (1e-5, number(0)),
    },
    cnninv.cgls: {
        "A": (W.T, matrix()),
        "b": ([1.0, 2.0], real(1)),
        "iterations": (3, whole(0)),
        "tol": (0.1, number(0)),
    },
    cnninv.linearize: {
        "network": (SMALL_NETWORK, NOT_NETWORK),
        "x": (np.ones((3, 8, 8)), real(3)),
        "layer": ("pool1", POOLING),
        "code": (None, exactly((3, TypeError, "code = 3 must be a Code, as `encode` returns"))),
    },
    cnninv.coherence: {"filters": (FILTERS, real(3, 4)), "signed": (0, flag), "shifts": (0, flag)},
    cnninv.encode: {
        "network": (SMALL_NETWORK, NOT_NETWORK),
        "images": (np.full((3, 4, 6), 0.5), real(3, 4)),
        "layer": ("pool1", POOLING),
    },
    cnninv.filter_gram: {"filters": (FILTERS, real(3, 4)), "lag": (1, lengths())},
    cnninv.conv_matrix: {
        "filters": (FILTERS, real(3, 4)),
        "input_shape": (5, lengths(1)),
        **LAYER,
        "dtype": (None, DTYPE),
        **GROUPS,
    },
    cnninv.conv_shape: {
        "filters_shape": ((2, 2, 3), FILTERS_SHAPE),
        "input_shape": (5, lengths(1)),
        **LAYER,
        **GROUPS,
    },
    cnninv.count_supports: {"K": K, "n": N, "k": (1, whole(0, 2))},
    cnninv.crelu: {"h": (H, real(1, 2))},
    cnninv.iht: {
        "Phi": (W.T, matrix()),
        "x": ([1.0, 2.0], real(1, 2)),
        "project": (lambda b: model_project(b, 2, 1), NOT_CALLABLE),
        "iterations": (3, whole(0)),
        "step": (1.0, STEP),
        "tol": (0.1, optional(number(0))),
    },
    cnninv.in_model: {"z": (CODE, real(1)), **MODEL, "sums": (1, whole(1))},
    cnninv.lambda_max: {"W": (W, matrix()), "x": ([1.0, 2.0], real(1, 2))},
    cnninv.lasso: {
        **SOLVER,
        "lam": (0.5, LAM),
        "allowed": ([True, False, True, True], ALLOWED),
        "start": (CODE, optional(real(1))),
    },
    cnninv.lasso_path: {**SOLVER, "fractions": ([1.0, 0.5], real(1))},
    cnninv.load_decoder: {
        "name_or_path": (str(DECODER), DECODER_PATH),
        "layer": (None, optional(POOLING)),
        "network": (None, optional(NOT_NETWORK)),
    },
    cnninv.load_network: {
        "name_or_path": (str(NETWORK), PATH),
        "architecture": (None, optional(choice("vgg16", "alexnet"))),
        "channels": ("RGB", CHANNELS),
    },
    cnninv.max_pool: {"h": (H, real(1)), **POOL, "by": ("abs", choice("abs", "value"))},
    cnninv.model_project: {"h": (H, real(1, 2)), **MODEL},
    cnninv.model_rip_bracket: {
        "W": (W, matrix()),
        **MODEL,
        **RANDOM,
        **SUMS,
        "starts": (5, whole(1)),
    },
    cnninv.model_rip_exact: {"W": (W, matrix()), **MODEL, **SUMS, "max_supports": (9, whole(1))},
    cnninv.model_rip_sampled: {
        "W": (W, matrix()),
        **MODEL,
        **RANDOM,
        **SUMS,
        "trials": (5, whole(1)),
    },
    cnninv.model_support: {"h": (H, real(1)), **MODEL},
    cnninv.naive_upsample_matrix: POOL,
    cnninv.normalize_filters: {"filters": (FILTERS, real(3, 4))},
    cnninv.normalize_rows: {"W": (W, matrix(operators=False))},
    cnninv.operator_norm: {
        "Phi": (W, matrix()),
        "iterations": (9, whole(1)),
        "tol": (0.1, number(0)),
    },
    cnninv.pool_matrix: {"switches": ([1, 2], indices(4)), "size": (4, whole(1))},
    cnninv.pooling_regions: POOL,
    cnninv.psi_matrix: {"W": (W, matrix(operators=False))},
    cnninv.random_filters: {"K": K, "M": (2, whole(1)), "size": (3, lengths(1)), **RANDOM},
    cnninv.random_network: {
        "architecture": ("vgg16", choice("vgg16", "alexnet")),
        **RANDOM,
        "last": ("conv1_1", optional(choice("conv1_1", "conv5_3"))),
    },
    cnninv.reconstruction_bound: DELTAS,
    cnninv.recover_code: {
        **SOLVER,
        "lam": (0.5, LAM),
        **POOL,
        "start": (CODE, optional(real(1))),
    },
    cnninv.relu: {"h": (H, real())},
    cnninv.recover_image: {
        "network": (SMALL_NETWORK, NOT_NETWORK),
        "code": (SMALL_CODE, NOT_CODE),
        "rounds": (1, whole(0)),
        "steps": (1, whole(1)),
        "power": (1.0, number(0)),
    },
    cnninv.replace_switches: {
        "network": (SMALL_NETWORK, NOT_NETWORK),
        "code": (SMALL_CODE, NOT_CODE),
        "how": ("naive", choice("known", "naive", "random", "shuffled")),
        **RANDOM,
    },
    cnninv.replace_values: {
        "code": (SMALL_CODE, NOT_CODE),
        "how": ("random", choice("exact", "shuffled", "constant", "random", "flat")),
        **RANDOM,
    },
    cnninv.row_norms: {"W": (W, matrix(operators=False))},
    cnninv.sample_code: {**MODEL, "n": N, **RANDOM, "batch": (2, optional(whole(1)))},
    cnninv.selection_matrix: {"support": ([1, 2], indices(4)), "size": (4, whole(1))},
    cnninv.sparse_project: {"h": (H, real(1, 2)), "k": (1, whole(0, 4))},
    cnninv.support: {"z": (CODE, real(1))},
    cnninv.transpose_decoder: {
        "network": (SMALL_NETWORK, NOT_NETWORK),
        "layer": ("pool1", POOLING),
        "contrast": (0.25, number(0)),
    },
    cnninv.unpool: {
        "values": ([1.0, 2.0], real(1)),
        "switches": ([0, 3], indices(4)),
        **POOL,
        "how": ("switches", choice("switches", "naive")),
    },
    cnninv.winograd_factors: {
        "filters": (FILTERS, real(3, 4)),
        "input_shape": (5, lengths(1)),
        "padding": LAYER["padding"],
    },
    filterbanks.dct_filters: {"size": (3, lengths(1))},
    filterbanks.lapped_cosine_filters: {"size": (3, lengths(1))},
    filterbanks.random_orthogonal_filters: {
        "M": (2, whole(1)),
        "size": (3, lengths(1)),
        **RANDOM,
    },
    filterbanks.wavelet_filters: {"moments": (2, whole(1, 10)), "axes": (1, whole(1, 2))},
    theorems.corollary_3_2: {"delta": (0.1, number(0)), **GUARANTEE},
    theorems.exponent_3: {"delta": ([0.1], real()), **SIZES, "D": (5, whole(1))},
    theorems.PooledLayer: {
        "W": (np.eye(4), matrix()),
        "shape": ((2, 2), hidden_shape),
        "window": (2, lengths(1)),
        "by": ("abs", choice("abs", "value")),
    },
    theorems.composed_bound: {
        "deltas": STACK["deltas"],
        "by": ("abs", choice("abs", "value")),
    },
    theorems.error_certificate: {
        "A": (W, matrix()),
        "code": (CODE, real(1)),
        "y": (H, real(1)),
        "size": (1.0, number(0)),
    },
    theorems.layers_isometry: GENERATED,
    theorems.several_layers: {**GENERATED, "noise": (np.zeros(4), optional(real(1)))},
    theorems.several_layers_measured: {"layers": STACK["layers"], "x": (H, real(1))},
    theorems.peel: {"z": (CODE, real(1)), **PIECES},
    theorems.reconstruction_bound_energy: {"delta_k": DELTAS["delta_k"]},
    theorems.theorem_3_3_energy: {**INSTANCE, "delta_k": DELTAS["delta_k"]},
    theorems.theorem_3_3_noisy: {**INSTANCE, **PIECES, **DELTAS, "noise": NOISE},
    theorems.iht_contraction_noisy: {
        **INSTANCE,
        **PIECES,
        "z_hat": (CODE, real(1)),
        "delta_2k": (0.1, number(0)),
        "delta_3k": (0.1, number(0)),
        "noise": NOISE,
    },
    theorems.fit_constant: {
        "deviations": (np.arange(1.0, 30), real(1)),
        "thresholds": ([1.0, 2.0], real(1)),
        "exponent": ([1.0, 2.0], real(1)),
        "least": (20, whole(1)),
    },
    theorems.golden_filters: {"delta": (0.1, number(0, 1))},
    theorems.guaranteed_delta: {**GUARANTEE, **SUMS},
    theorems.iht_contraction: {
        **INSTANCE,
        "z_hat": (CODE, real(1)),
        "delta_3k": (0.1, number(0)),
    },
    theorems.inequality_3: {
        "delta": ([0.1], real()),
        **SIZES,
        "D": (5, whole(1)),
        "C": (1.0, number(0)),
    },
    theorems.largest_useful_delta: {"bound": (theorems.reconstruction_bound, BOUND)},
    theorems.layer_instance: INSTANCE,
    theorems.layer_is_iht_iteration: {
        "W": (W, matrix()),
        "x": ([1.0, 2.0], real(1)),
        "K": K,
        "k": (1, optional(whole(0, 2))),
    },
    theorems.lemma_a1: {**DRAWS, "M": (2, whole(1)), **RANDOM, "trials": (5, whole(2))},
    theorems.lemma_b1: {
        "W": (W, matrix()),
        "z": ([1.0, 2.0], real(1)),
        "x": ([1.0, 2.0], real(1)),
        "omega": ([0, 3], indices(4)),
        "delta_k": (0.1, number(0)),
    },
    theorems.lemma_b2: {
        "W": (W, matrix()),
        "z": (CODE, real(1)),
        "omega": ([0, 3], indices(4)),
        "delta_2k": (0.1, number(0)),
    },
    theorems.lemma_b3: {**INSTANCE, **DELTAS},
    theorems.lemma_b4: {**INSTANCE, **DELTAS},
    theorems.output_covariance: DRAWS,
    theorems.proposition_1: {"W": (W, matrix(operators=False)), "x": ([1.0, 2.0], real(1))},
    theorems.reconstruction_bound_golden: DELTAS,
    theorems.reconstruction_bound_sharp: DELTAS,
    theorems.reconstruction_bound_unrounded: DELTAS,
    theorems.squared_ratios: {**DRAWS, "M": (2, whole(1)), **RANDOM, "trials": (5, whole(1))},
    theorems.sufficient_size: {
        "delta": (0.1, number(0)),
        "K": K,
        "n": N,
        "k": (1, whole(0, 2)),
        "epsilon": (0.1, number(0, 1)),
        **SUMS,
    },
    theorems.tail_bound: {"delta": ([0.1], real()), **SIZES, "sums": (1, whole(1))},
    theorems.theorem_3_1: {
        **GUARANTEE,
        "D": (5, whole(1)),
        "delta": (0.1, number(0)),
        "C": (1.0, number(0)),
    },
    theorems.theorem_3_1_repaired: {"delta": (0.1, number(0)), **GUARANTEE},
    theorems.theorem_3_3: {**INSTANCE, **DELTAS},
    theorems.theorem_3_3_golden: {**INSTANCE, **DELTAS},
    theorems.theorem_3_3_sharp: {**INSTANCE, **DELTAS},
    theorems.theorem_a2: {
        "a": ([1.0, 2.0], real(1)),
        "t": ([1.0], real()),
        "C": (1.0, number(0)),
        "T": (1.0, number(0)),
        "as_printed": (False, flag),
    },
}


def works(function):
    """Arguments with which the function works."""
    return {name: good for name, (good, _) in TABLE[function].items()}


def public_functions():
    modules = [(cnninv, cnninv.__all__), (theorems, theorems.__all__)]
    modules.append((filterbanks, [name for name in vars(filterbanks) if not name.startswith("_")]))
    for module, names in modules:
        for value in (getattr(module, name) for name in names):
            home = getattr(value, "__module__", "")
            ours = home.startswith("cnninv") and home != "cnninv.validation"
            # what the library returns; nobody need make one
            returned = value in (cnninv.Code, cnninv.Decoder, cnninv.Network, cnninv.Statement)
            if ours and callable(value) and not returned:
                yield value


def test_every_public_function_is_in_the_table():
    missing = {f.__name__ for f in public_functions()} - {f.__name__ for f in TABLE}
    assert not missing


@pytest.mark.parametrize("function", TABLE, ids=lambda f: f.__name__)
def test_every_parameter_of_a_public_function_is_in_the_table(function):
    assert set(inspect.signature(function).parameters) == set(TABLE[function])
    function(**works(function))


PAIRS = [(function, name) for function, row in TABLE.items() for name in row]


@pytest.mark.parametrize(
    ("function", "name"), PAIRS, ids=[f"{function.__name__}-{name}" for function, name in PAIRS]
)
def test_a_wrong_argument_is_named_with_its_value_and_what_was_expected(function, name):
    good, kind = TABLE[function][name]
    unclear = []
    for value, exception, message in kind(name, good):
        try:
            result = function(**{**works(function), name: value})
        except exception as error:
            if not re.search(message, str(error)):
                unclear.append(f"{value!r}: {error}\n    does not say {message!r}")
        except Exception as error:
            unclear.append(f"{value!r}: {exception.__name__} expected, not {error!r}")
        else:
            unclear.append(f"{value!r}: {exception.__name__} expected, not {result!r}")
    assert not unclear, "\n".join(unclear)


# ---- arguments that are right one by one and wrong together --------------------------------------------

LARGE = np.random.default_rng(0).standard_normal((40, 3))
TOGETHER = {
    "n is no integer": (
        cnninv.conv_matrix,
        {"filters": FILTERS, "input_shape": 6, "stride": 2},
        ValueError,
        r"n = .* = \(6 \+ 2\*0 - 3\)/2 \+ 1 must be a positive integer; change input_shape, padding or",
    ),
    "the filter is longer than the signal": (
        cnninv.conv_matrix,
        {"filters": FILTERS, "input_shape": 2},
        ValueError,
        r"n = .* = \(2 \+ 2\*0 - 3\)/1 \+ 1 must be a positive integer",
    ),
    "n is no integer along the second axis": (
        cnninv.conv_shape,
        {"filters_shape": (1, 1, 2, 2), "input_shape": (4, 5), "stride": 2},
        ValueError,
        r"n = .* = \(5 \+ 2\*0 - 2\)/2 \+ 1 must be a positive integer",
    ),
    "circular filters longer than the signal": (
        cnninv.conv_matrix,
        {"filters": FILTERS, "input_shape": 2, "padding": "circular"},
        ValueError,
        "padding = 'circular' needs .* filters no longer than D; got D = 2, stride = 1, l = 3",
    ),
    "a circular stride that does not divide": (
        cnninv.conv_matrix,
        {"filters": FILTERS, "input_shape": 5, "stride": 2, "padding": "circular"},
        ValueError,
        "padding = 'circular' needs a stride that divides D .*; got D = 5, stride = 2, l = 3",
    ),
    "'same' with even filters": (
        cnninv.conv_matrix,
        {"filters": FILTERS[:, :, :2], "input_shape": 5, "padding": "same"},
        ValueError,
        r"padding = 'same' needs odd filters and stride 1; got filters of size \(2,\) and",
    ),
    "'same' with a stride": (
        cnninv.conv_matrix,
        {"filters": FILTERS, "input_shape": 5, "padding": "same", "stride": 2},
        ValueError,
        r"padding = 'same' needs odd filters and stride 1; got .* stride \(2,\)",
    ),
    "a signal for 1-D filters that is an image": (
        cnninv.conv_matrix,
        {"filters": FILTERS, "input_shape": (5, 5)},
        ValueError,
        r"input_shape = \(5, 5\) has 2 entries; expected 1",
    ),
    "Winograd's products with a stride": (
        cnninv.ConvOperator,
        {
            "filters": np.ones((1, 1, 3, 3)),
            "input_shape": (5, 5),
            "stride": 2,
            "method": "winograd",
        },
        ValueError,
        r"method = 'winograd' needs filters of 3 × 3 taps, stride 1 and groups = 1; got .* stride \(2, 2\)",
    ),
    "Winograd's products for one axis": (
        cnninv.ConvOperator,
        {"filters": FILTERS, "input_shape": 5, "method": "winograd"},
        ValueError,
        r"method = 'winograd' needs filters of 3 × 3 taps.*got filters of size \(3,\)",
    ),
    "Winograd's factors of filters of two taps": (
        cnninv.winograd_factors,
        {"filters": FILTERS[:, :, :2], "input_shape": 5},
        ValueError,
        r"winograd_factors needs filters of three taps along each axis.* size \(2,\)",
    ),
    "a zero filter to normalise": (
        cnninv.normalize_filters,
        {"filters": FILTERS * [[[1]], [[0]]]},
        ValueError,
        r"filters\[1\] is zero; it has no direction to normalise",
    ),
    "a zero filter to compare": (
        cnninv.coherence,
        {"filters": FILTERS * [[[0]], [[1]]]},
        ValueError,
        r"filters\[0\] is zero; it has no direction to normalise",
    ),
    "one filter to compare": (
        cnninv.coherence,
        {"filters": FILTERS[:1]},
        ValueError,
        r"filters has shape \(1, 2, 3\); expected at least two",
    ),
    "a zero row to normalise": (
        cnninv.normalize_rows,
        {"W": scipy.sparse.csr_array(np.diag([1.0, 0.0]))},
        ValueError,
        "row 1 of W is zero; it has no direction to normalise",
    ),
    "batch normalisation of unequal lengths": (
        cnninv.batch_norm_matrix,
        {**works(cnninv.batch_norm_matrix), "mean": [1.0]},
        ValueError,
        "one entry per channel is expected in each of .*'scale': 2, .*'mean': 1",
    ),
    "a negative variance": (
        cnninv.batch_norm_matrix,
        {**works(cnninv.batch_norm_matrix), "variance": [1.0, -2.0]},
        ValueError,
        "variance has the entry -2.0; expected none below 0",
    ),
    "a zero variance without eps": (
        cnninv.batch_norm_matrix,
        {**works(cnninv.batch_norm_matrix), "variance": [1.0, 0.0], "eps": 0},
        ValueError,
        r"variance has a zero and eps = 0; expected variance \+ eps > 0",
    ),
    "K does not divide the code": (
        cnninv.model_project,
        {"h": H, "K": 3, "k": 1},
        ValueError,
        "K = 3 must divide the length 4 of the code",
    ),
    "K does not divide the rows of W": (
        cnninv.model_rip_exact,
        {"W": W, "K": 3, "k": 1},
        ValueError,
        "K = 3 must divide the length 4 of the code",
    ),
    "k beyond the blocks that are not empty": (
        cnninv.model_project,
        {"h": H, "K": 9, "k": 3, "blocks": [5, 5, 7, 7]},
        ValueError,
        "k = 3 must be between 0 and 2",
    ),
    "a shape that does not fit h": (
        cnninv.max_pool,
        {"h": H, "shape": (2, 3), "window": 2},
        ValueError,
        r"shape = \(2, 3\) has 6 entries; h has 4",
    ),
    "as many values as regions": (
        cnninv.unpool,
        {**works(cnninv.unpool), "values": [1.0, 2.0, 3.0]},
        ValueError,
        r"values has 3 entries; shape \(2, 2\) pooled over 2 has 2 regions",
    ),
    "as many switches as values": (
        cnninv.unpool,
        {**works(cnninv.unpool), "switches": [0, 1, 2]},
        ValueError,
        "switches has 3 entries; expected one for each of 2 values",
    ),
    "no switches": (
        cnninv.unpool,
        {**works(cnninv.unpool), "switches": None},
        ValueError,
        "switches is None; expected the places that max_pool returned",
    ),
    "x that does not fit Phi": (
        cnninv.iht,
        {**works(cnninv.iht), "x": [1.0, 2.0, 3.0]},
        ValueError,
        r"Phi has shape \(2, 4\) and x \(3,\); expected Phi.shape\[0\] == len\(x\)",
    ),
    "the step of a zero operator": (
        cnninv.iht,
        {**works(cnninv.iht), "Phi": np.zeros((2, 4)), "step": "norm"},
        ValueError,
        "Phi is zero; step = 'norm' needs a non-zero operator",
    ),
    "more supports than can be enumerated": (
        cnninv.model_rip_exact,
        {"W": LARGE, "K": 20, "k": 10},
        ValueError,
        r"δ on 189,190,144 supports cannot be enumerated \(max_supports = 5,000,000\)",
    ),
    "z that does not fit W": (
        theorems.theorem_3_3,
        {**works(theorems.theorem_3_3), "z": [1.0, 0.0]},
        ValueError,
        r"z has 2 entries; W of shape \(4, 2\) expects 4",
    ),
    "z outside the model": (
        theorems.theorem_3_3,
        {**works(theorems.theorem_3_3), "z": [1.0, 1.0, 0.0, 0.0]},
        ValueError,
        "z is not in M_k for K = 2, k = 1",
    ),
    "an iterate outside the model": (
        theorems.iht_contraction,
        {**works(theorems.iht_contraction), "z_hat": [1.0, 1.0, 0.0, 0.0]},
        ValueError,
        "z_hat is not in M_k for K = 2, k = 1",
    ),
    "a code that does not fit omega": (
        theorems.lemma_b1,
        {**works(theorems.lemma_b1), "z": [1.0]},
        ValueError,
        r"z has 1 and x 2 entries; expected \|Ω\| = 2 and 2",
    ),
    "x that does not fit W": (
        theorems.proposition_1,
        {"W": W, "x": [1.0]},
        ValueError,
        r"x has 1 entries; W of shape \(4, 2\) expects 2",
    ),
    "a layer that K does not divide": (
        theorems.layer_is_iht_iteration,
        {"W": W, "x": [1.0, 2.0], "K": 3},
        ValueError,
        r"W has shape \(4, 2\); expected 2 columns, as x has entries, and rows that K = 3 divides",
    ),
    "a code that does not fit the layer": (
        theorems.output_covariance,
        {"z": [1.0], "K": 2, "size": 3, "input_shape": 4},
        ValueError,
        r"z has 1 entries; expected K\*n = 2\*2",
    ),
    "a zero code whose ratio is asked": (
        theorems.squared_ratios,
        {**works(theorems.squared_ratios), "z": np.zeros(4)},
        ValueError,
        "z is zero; the ratio .* needs a non-zero code",
    ),
    "weights that are all zero": (
        theorems.theorem_a2,
        {"a": [0.0], "t": 1.0, "C": 1.0},
        ValueError,
        "a is zero; expected at least one non-zero weight",
    ),
    "exponents that do not fit the thresholds": (
        theorems.fit_constant,
        {**works(theorems.fit_constant), "exponent": [1.0]},
        ValueError,
        "exponent has 1 entries; expected one for each of 2 thresholds",
    ),
    "a tail that was not measured": (
        theorems.fit_constant,
        {**works(theorems.fit_constant), "thresholds": [100.0, 200.0]},
        ValueError,
        "no threshold is exceeded by 20 deviations or more",
    ),
}


@pytest.mark.parametrize(
    ("function", "arguments", "exception", "message"), TOGETHER.values(), ids=TOGETHER
)
def test_arguments_that_do_not_fit_together_are_named(function, arguments, exception, message):
    with pytest.raises(exception, match=message):
        function(**arguments)
